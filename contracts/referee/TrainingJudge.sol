// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IJudge} from "./interfaces/IJudge.sol";
import {ExactArithmetic} from "./ExactArithmetic.sol";
import {Reading, TraceEvidence} from "./TraceEvidence.sol";
import {Kind, Leaf, Plan, Stage, Tensor, TraceLayout} from "./TraceLayout.sol";

/// @notice What a job's result follows from, and the result.
struct Description {
    bytes recipe;
    bytes32 model; // content hash of the version that is trained
    bytes32 parent; // content hash of its parent; zero if the parent has another size, or there is none
    uint256 version; // number of the version that is trained
    bytes32 seed; // of the round
    uint256 index; // of the job
    bytes32 result; // content hash
}

// Quotients are rows and columns, structs begin as zeros, and a slice of calldata is set in two halves.
// slither-disable-start divide-before-multiply,uninitialized-local,unused-return,write-after-write
/// @title TrainingJudge
/// @notice The rules of training, entry by entry: what each number of a trace has to be, given others of the same
/// trace, the data set, and the published bytes of models and results. Twin: `mlchain/referee/rules.py`.
/// @dev Leaves are asked for in the order in which they are needed, and each is kept at hand until another one takes
/// its slot; slot 0 has the leaf whose entry is derived.
contract TrainingJudge is IJudge {
    using ExactArithmetic for int256;
    using TraceEvidence for Reading;
    using TraceLayout for Plan;
    using TraceLayout for Tensor;

    uint256 private constant MAX_POOLING = 1;
    uint256 private constant SUM_POOLING = 2;
    uint256 private constant GREATEST_SHIFT = 15;
    uint256 private constant OUTPUT_SHIFT = 4; // from probabilities to errors
    int256 private constant GREATEST_ERROR = 32_767;

    /// @notice The description is another statement's.
    error WrongDescription();
    /// @notice There is no such entry.
    error UnknownEntry(uint256 position, uint256 entry);

    /// @notice The beginning of a run of entries.
    struct Run {
        uint256 step;
        Tensor tensor;
        uint256 row;
        uint256 column;
    }

    /// @notice Which sums, along one side, see a place of the padded input: from the first up to, not with, the end.
    struct Readers {
        uint256 place;
        uint256 first;
        uint256 end;
    }

    /* ASK */

    /// @inheritdoc IJudge
    function depthOf(bytes32 statement, bytes calldata description) external pure returns (uint256 depth) {
        return _planOf(statement, abi.decode(description, (Description)), description).depth;
    }

    /// @inheritdoc IJudge
    function entriesOf(bytes32 statement, bytes calldata description, uint256 position)
        external
        pure
        returns (uint256 entries)
    {
        Plan memory plan = _planOf(statement, abi.decode(description, (Description)), description);
        return plan.find(position).entries;
    }

    /// @inheritdoc IJudge
    function derives(
        bytes32 statement,
        bytes calldata description,
        bytes32 root,
        uint256 position,
        bytes calldata leaf,
        uint256 entry,
        bytes calldata evidence
    ) external view returns (bool) {
        Reading memory reading = _readingOf(statement, description);
        reading.root = root;
        _show(reading, evidence);
        return _follows(reading, position, leaf, entry);
    }

    function _follows(Reading memory reading, uint256 position, bytes calldata leaf, uint256 entry)
        private
        view
        returns (bool)
    {
        Leaf memory at = reading.plan.find(position);
        require(entry < at.entries, UnknownEntry(position, entry));
        require(leaf.length == at.entries * at.tensor.width, TraceEvidence.NotShown());

        reading.step = at.step;
        reading.hold(0, position, leaf);
        int256 said = at.tensor.load(reading.places[0], entry);
        at.row += entry / at.tensor.columns;
        at.column += entry % at.tensor.columns;
        return said == _derive(reading, at);
    }

    function _planOf(bytes32 statement, Description memory job, bytes calldata description)
        private
        pure
        returns (Plan memory plan)
    {
        bytes32 taskHash = keccak256(abi.encode(keccak256(job.recipe), job.model, job.parent, job.version));
        require(
            keccak256(abi.encode(taskHash, job.seed, job.index, job.result)) == statement, WrongDescription()
        );
        return TraceLayout.planOf(_recipeOf(description), job.version);
    }

    /// @dev The same bytes as `abi.decode` has checked and copied.
    function _recipeOf(bytes calldata description) private pure returns (bytes calldata recipe) {
        assembly ("memory-safe") {
            let job := add(description.offset, calldataload(description.offset))
            let at := add(job, calldataload(job))
            recipe.offset := add(at, 0x20)
            recipe.length := calldataload(at)
        }
    }

    function _readingOf(bytes32 statement, bytes calldata description) private pure returns (Reading memory reading) {
        Description memory job = abi.decode(description, (Description));
        reading.plan = _planOf(statement, job, description);
        (reading.model, reading.parent, reading.result) = (job.model, job.parent, job.result);
        reading.key = _keyOf(job);
        for (uint256 slot = 0; slot < 4; ++slot) {
            reading.positions[slot] = type(uint256).max;
        }
    }

    /// @dev `jobs.job_key`; lengths and the index are little-endian.
    function _keyOf(Description memory job) private pure returns (bytes32) {
        bytes memory place = abi.encodePacked(job.seed, _littleEndian(job.index));
        return sha256(
            abi.encodePacked(
                _littleEndian(7), "mlchain", _littleEndian(3), "job", _littleEndian(job.recipe.length), job.recipe,
                _littleEndian(place.length), place
            )
        );
    }

    function _littleEndian(uint256 number) private pure returns (bytes8 reversed) {
        for (uint256 i = 0; i < 8; ++i) {
            reversed |= bytes8(uint64((number >> (8 * i)) & 0xff)) << (56 - 8 * i);
        }
    }

    /// @dev Evidence is the encoding of one array of `Shown`.
    function _show(Reading memory reading, bytes calldata evidence) private pure {
        require(evidence.length >= 0x40, TraceEvidence.NotShown());
        uint256 from;
        uint256 count;
        assembly ("memory-safe") {
            from := add(evidence.offset, 0x40)
            count := calldataload(add(evidence.offset, 0x20))
        }
        (reading.shown, reading.shownFrom, reading.shownEnd) = (from, from, from + 0x20 * (count % 2 ** 32));
    }

    /* RULES */

    function _derive(Reading memory reading, Leaf memory at) private view returns (int256) {
        (Kind kind, uint256 layer, uint256 row, uint256 column) = (at.kind, at.layer, at.row, at.column);
        if (kind == Kind.Inputs) return _input(reading, row, column);
        if (kind == Kind.Patches) return _patch(reading, layer, row, column);
        if (kind == Kind.PatchesT) return _patch(reading, layer, column, row);
        if (kind == Kind.Sums) return _sum(reading, layer, row, column);
        if (kind == Kind.Hidden) return _hidden(reading, layer, row, column);
        if (kind == Kind.Losses) {
            (, uint256 label) = _sample(reading, column);
            return int256(ExactArithmetic.lossOf(_chance(reading, column, label)));
        }
        if (kind == Kind.Loss) return _loss(reading);
        if (kind == Kind.Errors) return _error(reading, layer, row, column);
        if (kind == Kind.ErrorsT) return _entry(reading, 1, reading.step, Kind.Errors, layer, column, row);
        if (kind == Kind.Passed) return _passed(reading, layer + 1, row, column);
        if (kind == Kind.Gradient) {
            uint256 blocks = reading.plan.blocksOf(reading.plan.stages[layer]);
            return _partial(reading, layer, row, column / blocks, column % blocks);
        }
        if (kind == Kind.Master) return _master(reading, layer, row, column);
        if (kind == Kind.WeightsT) {
            Stage memory stage = reading.plan.stages[layer];
            uint256 index = row * stage.kernelHeight * stage.kernelWidth + column / stage.outputs;
            return _weight(reading, 1, reading.step, layer, column % stage.outputs, index);
        }
        if (kind == Kind.Left) return _left(reading, layer, row, column);
        if (kind == Kind.Squares) return _squares(reading, layer, row, column);
        if (kind == Kind.Scale) return _scale(reading, layer, at.tensor, column);
        return _published(reading, column, _result(reading, column));
    }

    function _entry(
        Reading memory reading,
        uint256 slot,
        uint256 step,
        Kind kind,
        uint256 layer,
        uint256 row,
        uint256 column
    ) private view returns (int256) {
        Tensor memory tensor = reading.plan.tensorOf(kind, layer);
        (uint256 at,) = reading.run(slot, step, tensor, row, column);
        return tensor.load(at, 0);
    }

    /// @dev A weight as products see it.
    function _weight(Reading memory reading, uint256 slot, uint256 step, uint256 layer, uint256 output, uint256 index)
        private
        view
        returns (int256)
    {
        int256 master = _entry(reading, slot, step, Kind.Master, layer, output, index);
        return master.shiftRound(reading.plan.stages[layer].quantum);
    }

    function _run(Reading memory reading, uint256 step, Kind kind, uint256 layer, uint256 row, uint256 column)
        private
        pure
        returns (Run memory)
    {
        return Run(step, reading.plan.tensorOf(kind, layer), row, column);
    }

    /// @dev The sum of products of two runs, shown in slots 1 and 2, the first of signed entries that are rounded.
    function _dot(Reading memory reading, Run memory first, Run memory second, uint256 quantum, uint256 count)
        private
        view
        returns (int256 sum)
    {
        ExactArithmetic.Rows memory rows;
        (rows.firstWidth, rows.secondWidth) = (first.tensor.width, second.tensor.width);
        rows.secondIsSigned = second.tensor.isSigned;
        for (uint256 done = 0; done < count;) {
            uint256 length = count - done;
            uint256 available;
            (rows.first, available) = reading.run(1, first.step, first.tensor, first.row, first.column + done);
            if (available < length) length = available;
            (rows.second, available) = reading.run(2, second.step, second.tensor, second.row, second.column + done);
            if (available < length) length = available;
            sum += ExactArithmetic.dot(rows, quantum, length);
            done += length;
        }
    }

    function _total(Reading memory reading, uint256 slot, Run memory from, uint256 count)
        private
        view
        returns (int256 sum)
    {
        for (uint256 done = 0; done < count;) {
            (uint256 at, uint256 length) = reading.run(slot, from.step, from.tensor, from.row, from.column + done);
            if (length > count - done) length = count - done;
            for (uint256 i = 0; i < length; ++i) {
                sum += from.tensor.load(at, i);
            }
            done += length;
        }
    }

    /* FORWARD */

    function _sample(Reading memory reading, uint256 number)
        private
        view
        returns (bytes calldata sample, uint256 label)
    {
        return reading.sample((reading.step - 1) * reading.plan.batch + number);
    }

    function _input(Reading memory reading, uint256 number, uint256 column) private view returns (int256) {
        (bytes calldata sample,) = _sample(reading, number);
        Stage memory first = reading.plan.stages[0];
        uint256 plane = first.height * first.width;
        if (reading.plan.inputKind == 2) {
            return uint8(sample[column % plane]) == column / plane ? int256(1) : int256(0);
        }
        if (reading.plan.inputKind == 1) return int256(uint256(uint8(sample[column]))) - 128;
        uint256 reach = reading.plan.displacement;
        if (reach != 0) {
            uint256 place = (reading.step - 1) * reading.plan.batch + number;
            uint256 move = TraceEvidence.moveAt(reading.key, place, (2 * reach + 1) ** 2);
            // Differences may wrap: what lies before the first row or column is then beyond the last one.
            unchecked {
                uint256 down = column % plane / first.width + reach - move / (2 * reach + 1);
                uint256 across = column % first.width + reach - move % (2 * reach + 1);
                if (down >= first.height || across >= first.width) return 0;
                column = column / plane * plane + down * first.width + across;
            }
        }
        return int256(uint256(uint8(sample[column])));
    }

    /// @dev What a sum multiplies with weight `index` of a kernel.
    function _patch(Reading memory reading, uint256 layer, uint256 position, uint256 index)
        private
        view
        returns (int256)
    {
        Stage memory stage = reading.plan.stages[layer];
        uint256 sums = stage.sumsHeight * stage.sumsWidth;
        uint256 kernel = stage.kernelHeight * stage.kernelWidth;
        uint256 down;
        uint256 across;
        // Differences may wrap: what lies before the first row or column is then beyond the last one.
        unchecked {
            down = position % sums / stage.sumsWidth * stage.strideHeight + index % kernel / stage.kernelWidth
                - stage.padding;
            across = position % stage.sumsWidth * stage.strideWidth + index % stage.kernelWidth - stage.padding;
        }
        if (down >= stage.height || across >= stage.width) return 0;
        uint256 column = (index / kernel * stage.height + down) * stage.width + across;
        return layer == 0
            ? _entry(reading, 1, reading.step, Kind.Inputs, 0, position / sums, column)
            : _entry(reading, 1, reading.step, Kind.Hidden, layer - 1, position / sums, column);
    }

    function _sum(Reading memory reading, uint256 layer, uint256 row, uint256 column) private view returns (int256) {
        Stage memory stage = reading.plan.stages[layer];
        (uint256 number, uint256 output) = (row / stage.outputs, row % stage.outputs);
        Run memory values;
        if (!stage.isDense) {
            uint256 position = number * stage.sumsHeight * stage.sumsWidth + column;
            values = _run(reading, reading.step, Kind.Patches, layer, position, 0);
        } else if (layer == 0) {
            values = _run(reading, reading.step, Kind.Inputs, 0, number, 0);
        } else {
            values = _run(reading, reading.step, Kind.Hidden, layer - 1, number, 0);
        }
        Run memory weights = _run(reading, reading.step - 1, Kind.Master, layer, output, 0);
        int256 sum = _dot(reading, weights, values, stage.quantum, stage.fanIn);
        int256 bias = _weight(reading, 1, reading.step - 1, layer, output, stage.fanIn);
        return sum + int256(stage.biasInput) * bias;
    }

    /// @dev The sums that an output is pooled from, in row order.
    function _pool(Reading memory reading, uint256 layer, uint256 row, uint256 down, uint256 across)
        private
        view
        returns (int256[] memory pool)
    {
        Stage memory stage = reading.plan.stages[layer];
        uint256 side = stage.pooling == 0 ? 1 : 2;
        pool = new int256[](side * side);
        for (uint256 i = 0; i < pool.length; ++i) {
            uint256 column = (side * down + i / side) * stage.sumsWidth + side * across + i % side;
            pool[i] = _entry(reading, 2, reading.step, Kind.Sums, layer, row, column);
        }
    }

    /// @dev The number of the greatest, of equal ones the first.
    function _greatest(int256[] memory values) private pure returns (uint256 index) {
        for (uint256 i = 1; i < values.length; ++i) {
            if (values[i] > values[index]) index = i;
        }
    }

    function _range(Stage memory stage) private pure returns (int256 low, int256 high) {
        return stage.isSigned ? (int256(-128), int256(127)) : (int256(0), int256(255));
    }

    function _hidden(Reading memory reading, uint256 layer, uint256 number, uint256 column)
        private
        view
        returns (int256)
    {
        Stage memory stage = reading.plan.stages[layer];
        uint256 outputs = stage.outHeight * stage.outWidth;
        int256[] memory pool = _pool(
            reading,
            layer,
            number * stage.outputs + column / outputs,
            column % outputs / stage.outWidth,
            column % stage.outWidth
        );
        int256 pooled = pool[_greatest(pool)];
        if (stage.pooling == SUM_POOLING) pooled = pool[0] + pool[1] + pool[2] + pool[3];
        (int256 low, int256 high) = _range(stage);
        return (pooled >> stage.shift).clip(low, high);
    }

    /// @dev The probability of a class, from the logits of a sample.
    function _chance(Reading memory reading, uint256 number, uint256 class) private view returns (uint256) {
        uint256 last = reading.plan.stages.length - 1;
        Stage memory stage = reading.plan.stages[last];
        int256[] memory logits = new int256[](stage.outputs);
        for (uint256 i = 0; i < logits.length; ++i) {
            logits[i] = _entry(reading, 2, reading.step, Kind.Sums, last, number * logits.length + i, 0);
        }
        return ExactArithmetic.probability(logits, stage.shift, class);
    }

    function _loss(Reading memory reading) private view returns (int256) {
        if (reading.step == 0) return 0;
        int256 before = _entry(reading, 1, reading.step - 1, Kind.Loss, 0, 0, 0);
        return before + _total(reading, 2, _run(reading, reading.step, Kind.Losses, 0, 0, 0), reading.plan.batch);
    }

    /* BACKWARD */

    function _error(Reading memory reading, uint256 layer, uint256 row, uint256 output)
        private
        view
        returns (int256)
    {
        if (layer == reading.plan.stages.length - 1) {
            (, uint256 label) = _sample(reading, row);
            int256 error = int256(_chance(reading, row, output));
            if (output == label) error -= ExactArithmetic.ONE;
            return error.shiftRound(OUTPUT_SHIFT);
        }
        Stage memory stage = reading.plan.stages[layer];
        uint256 number = row / (stage.sumsHeight * stage.sumsWidth);
        uint256 down = row / stage.sumsWidth % stage.sumsHeight;
        uint256 across = row % stage.sumsWidth;
        uint256 place = 2 * (down % 2) + across % 2;
        if (stage.pooling != 0) (down, across) = (down / 2, across / 2);
        if (down >= stage.outHeight || across >= stage.outWidth) return 0;
        uint256 at = (output * stage.outHeight + down) * stage.outWidth + across;
        if (!_isLive(reading, layer, number, at)) return 0;
        if (stage.pooling == MAX_POOLING) {
            if (_greatest(_pool(reading, layer, number * stage.outputs + output, down, across)) != place) return 0;
        }
        return _entry(reading, 3, reading.step, Kind.Passed, layer, number, at);
    }

    /// @dev Whether an output lies between the ends of its range.
    function _isLive(Reading memory reading, uint256 layer, uint256 number, uint256 at) private view returns (bool) {
        int256 value = _entry(reading, 1, reading.step, Kind.Hidden, layer, number, at);
        (int256 low, int256 high) = _range(reading.plan.stages[layer]);
        return value > low && value < high;
    }

    /// @dev The error of an input of a layer: all sums that see it, each with the weight that it sees it by.
    function _passed(Reading memory reading, uint256 layer, uint256 number, uint256 column)
        private
        view
        returns (int256 sum)
    {
        Stage memory stage = reading.plan.stages[layer];
        uint256 channel = column / (stage.height * stage.width);
        Run memory weights = _run(reading, reading.step - 1, Kind.WeightsT, layer, channel, 0);
        Run memory errors = _run(reading, reading.step, Kind.Errors, layer, 0, 0);
        uint256 place = column / stage.width % stage.height + stage.padding;
        Readers memory rows = _readers(place, stage.kernelHeight, stage.strideHeight, stage.sumsHeight);
        place = column % stage.width + stage.padding;
        Readers memory columns = _readers(place, stage.kernelWidth, stage.strideWidth, stage.sumsWidth);
        for (uint256 down = rows.first; down < rows.end; ++down) {
            for (uint256 across = columns.first; across < columns.end; ++across) {
                weights.column = (rows.place - down * stage.strideHeight) * stage.kernelWidth + columns.place;
                weights.column = (weights.column - across * stage.strideWidth) * stage.outputs;
                errors.row = (number * stage.sumsHeight + down) * stage.sumsWidth + across;
                sum += _dot(reading, weights, errors, 0, stage.outputs);
            }
        }
        return sum.shiftRound(stage.errorShift).clip(-GREATEST_ERROR, GREATEST_ERROR);
    }

    function _readers(uint256 place, uint256 kernel, uint256 stride, uint256 sums)
        private
        pure
        returns (Readers memory)
    {
        uint256 first = place < kernel ? 0 : (place - kernel) / stride + 1;
        uint256 end = place / stride + 1;
        return Readers(place, first, end < sums ? end : sums);
    }

    /// @dev The gradient of a weight over the positions up to the end of a block.
    function _partial(Reading memory reading, uint256 layer, uint256 output, uint256 index, uint256 block_)
        private
        view
        returns (int256 sum)
    {
        Stage memory stage = reading.plan.stages[layer];
        uint256 first = block_ * TraceLayout.BLOCK;
        uint256 count = reading.plan.positionsOf(stage) - first;
        if (count > TraceLayout.BLOCK) count = TraceLayout.BLOCK;
        if (block_ != 0) {
            uint256 column = index * reading.plan.blocksOf(stage) + block_ - 1;
            sum = _entry(reading, 0, reading.step, Kind.Gradient, layer, output, column);
        }
        Run memory errors = _run(reading, reading.step, Kind.ErrorsT, layer, output, first);
        if (index == stage.fanIn) return sum + int256(stage.biasInput) * _total(reading, 1, errors, count);
        Run memory values = _run(reading, reading.step, Kind.PatchesT, layer, index, first);
        return sum + _dot(reading, errors, values, 0, count);
    }

    function _master(Reading memory reading, uint256 layer, uint256 output, uint256 index)
        private
        view
        returns (int256)
    {
        Stage memory stage = reading.plan.stages[layer];
        if (reading.step == 0) {
            return _modelWeight(reading, reading.model, layer, output, index) << stage.quantum;
        }
        int256 before = _entry(reading, 3, reading.step - 1, Kind.Master, layer, output, index);
        uint256 blocks = reading.plan.blocksOf(stage);
        int256 gradient = blocks > 1
            ? _entry(reading, 1, reading.step, Kind.Gradient, layer, output, (index + 1) * blocks - 1)
            : _partial(reading, layer, output, index, 0);
        int256 moved = before - gradient.shiftRound(stage.learningShift);
        return moved.clip(-(int256(32_768) << stage.quantum), int256(32_767) << stage.quantum);
    }

    function _modelWeight(Reading memory reading, bytes32 model, uint256 layer, uint256 output, uint256 index)
        private
        pure
        returns (int256)
    {
        Stage memory stage = reading.plan.stages[layer];
        uint256 weight = stage.before + output * (stage.fanIn + 1) + index;
        return reading.int16At(model, 2 * reading.plan.weights, weight);
    }

    /* RESULT */

    /// @dev By how much a weight of the model has changed, and the weight before.
    function _change(Reading memory reading, uint256 layer, uint256 output, uint256 index)
        private
        view
        returns (int256 change, int256 before)
    {
        int256 afterwards = _weight(reading, 1, reading.plan.steps, layer, output, index);
        before = _weight(reading, 2, 0, layer, output, index);
        change = afterwards - before;
    }

    function _left(Reading memory reading, uint256 layer, uint256 output, uint256 index)
        private
        view
        returns (int256)
    {
        (int256 change, int256 before) = _change(reading, layer, output, index);
        if (reading.parent == 0) return change;
        return change - (before - _modelWeight(reading, reading.parent, layer, output, index));
    }

    /// @dev What the codes of a piece of a row are off by, squared, with scale 2^shift; after all shifts, with none.
    function _squares(Reading memory reading, uint256 layer, uint256 shift, uint256 piece)
        private
        view
        returns (int256 sum)
    {
        Tensor memory left = reading.plan.tensorOf(Kind.Left, layer);
        uint256 column = piece % left.leavesPerRow * (TraceLayout.LEAF_SIZE / left.width);
        (uint256 at, uint256 count) = reading.run(1, reading.step, left, piece / left.leavesPerRow, column);
        int256 greatest = int256((uint256(1) << reading.plan.bits) >> 1) - 1;
        bool areSigns = reading.plan.bits == 1;
        // 256 numbers of four bytes at most.
        unchecked {
            for (uint256 i = 0; i < count; ++i) {
                int256 value = left.load(at, i);
                if (areSigns) {
                    sum += value < 0 ? -value : value;
                    continue;
                }
                if (shift < TraceLayout.SHIFTS) value -= value.shiftRound(shift).clip(-greatest, greatest) << shift;
                sum += value * value;
            }
        }
    }

    /// @dev The total of a row of squares, or, in the last column, the scale that follows from all totals.
    function _scale(Reading memory reading, uint256 layer, Tensor memory tensor, uint256 column)
        private
        view
        returns (int256)
    {
        if (column + 1 < tensor.columns) {
            Run memory squares = _run(reading, reading.step, Kind.Squares, layer, column, 0);
            return _total(reading, 1, squares, squares.tensor.columns);
        }
        uint256 totals = reading.places[0];
        if (reading.plan.bits == 1) {
            Stage memory stage = reading.plan.stages[layer];
            int256 size = int256(stage.outputs * (stage.fanIn + 1));
            int256 mean = (2 * tensor.load(totals, 0) + size) / (2 * size);
            return mean.clip(0, int256(1 << GREATEST_SHIFT));
        }
        if (tensor.load(totals, TraceLayout.SHIFTS) == 0) return 0;
        uint256 best = 0;
        int256 least = type(int256).max;
        for (uint256 shift = 0; shift < TraceLayout.SHIFTS; ++shift) {
            int256 total = tensor.load(totals, shift);
            if (total < least) (best, least) = (shift, total);
        }
        return int256(1 << best);
    }

    function _scaleOf(Reading memory reading, uint256 layer) private view returns (uint256) {
        uint256 column = reading.plan.tensorOf(Kind.Scale, layer).columns - 1;
        return uint256(_entry(reading, 2, reading.step, Kind.Scale, layer, 0, column));
    }

    /// @dev What a byte of the result has to be; none if it is published as another.
    function _published(Reading memory reading, uint256 at, uint256 derived) private pure returns (int256) {
        (uint256 said,) = reading.published(reading.result, reading.plan.resultSize, at);
        return said == derived ? int256(derived) : int256(-1);
    }

    function _result(Reading memory reading, uint256 at) private view returns (uint256) {
        Plan memory plan = reading.plan;
        uint256 end = plan.resultSize - 40;
        if (at >= end + 32) {
            return uint8(uint256(_entry(reading, 1, plan.steps, Kind.Loss, 0, 0, 0)) >> (8 * (at - end - 32)));
        }
        if (at >= end) return _digest(reading, at - end);
        if (plan.bits == 16) {
            (uint256 layer, uint256 output, uint256 index) = _locate(plan, at / 2);
            (int256 change,) = _change(reading, layer, output, index);
            return uint8(uint256(change.clip(-32_768, 32_767)) >> (8 * (at % 2)));
        }
        uint256 start = 2 * plan.stages.length;
        if (at < start) return uint8(_scaleOf(reading, at / 2) >> (8 * (at % 2)));
        return _codes(reading, (at - start) * 8 / plan.bits);
    }

    /// @dev A byte of the SHA-256 of the roots of all final master weights.
    function _digest(Reading memory reading, uint256 number) private view returns (uint256) {
        bytes32[] memory roots = new bytes32[](reading.plan.stages.length);
        for (uint256 layer = 0; layer < roots.length; ++layer) {
            roots[layer] = reading.masterRoot(layer);
        }
        return uint8(sha256(abi.encodePacked(roots))[number]);
    }

    /// @dev The byte with a code and those that follow in it, the first in its lowest bits.
    function _codes(Reading memory reading, uint256 first) private view returns (uint256 byte_) {
        uint256 bits = reading.plan.bits;
        for (uint256 place = 0; place < 8 / bits && first + place < reading.plan.weights; ++place) {
            (uint256 layer, uint256 output, uint256 index) = _locate(reading.plan, first + place);
            int256 left = _entry(reading, 1, reading.step, Kind.Left, layer, output, index);
            byte_ |= (_code(left, _scaleOf(reading, layer), bits) & ((1 << bits) - 1)) << (bits * place);
        }
    }

    function _code(int256 left, uint256 scale, uint256 bits) private pure returns (uint256) {
        if (scale == 0) return 0;
        if (bits == 1) return left < 0 ? 1 : 0;
        int256 greatest = int256((uint256(1) << bits) >> 1) - 1;
        return uint256(left.shiftRound(TraceLayout.bitsOf(scale) - 1).clip(-greatest, greatest));
    }

    /// @dev The layer, the output and the input of a weight of the model.
    function _locate(Plan memory plan, uint256 number)
        private
        pure
        returns (uint256 layer, uint256 output, uint256 index)
    {
        layer = plan.layerOf(number);
        Stage memory stage = plan.stages[layer];
        number -= stage.before;
        return (layer, number / (stage.fanIn + 1), number % (stage.fanIn + 1));
    }
}
// slither-disable-end divide-before-multiply,uninitialized-local,unused-return,write-after-write
