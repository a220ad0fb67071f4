// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ExactArithmetic} from "./ExactArithmetic.sol";

/// @notice What a tensor of a trace holds: rows by columns, bytes of an entry, steps. docs/referee.md explains each.
enum Kind {
    Inputs,
    Patches,
    PatchesT,
    Sums,
    Hidden,
    Losses,
    Loss,
    Errors,
    ErrorsT,
    Passed,
    Gradient,
    Master,
    WeightsT,
    Left,
    Squares,
    Scale,
    Result
}

/// @notice A layer in its place.
struct Stage {
    uint256 outputs;
    uint256 channels; // of its inputs
    uint256 height;
    uint256 width;
    uint256 kernelHeight;
    uint256 kernelWidth;
    uint256 strideHeight;
    uint256 strideWidth;
    uint256 padding;
    uint256 pooling; // 0 none, 1 greatest, 2 sum
    uint256 shift;
    uint256 learningShift;
    uint256 errorShift;
    uint256 quantum;
    uint256 biasInput;
    uint256 sumsHeight;
    uint256 sumsWidth;
    uint256 outHeight;
    uint256 outWidth;
    uint256 fanIn;
    uint256 before; // weights of the layers before it
    bool isSigned;
    bool isDense;
}

/// @notice A recipe, and where each tensor of its trace lies.
struct Plan {
    bytes32 fingerprint;
    uint256 steps;
    uint256 batch;
    uint256 bits;
    uint256 displacement;
    uint256 inputKind; // 0 bytes, 1 bytes - 128, 2 tokens
    uint256 weights;
    uint256 resultSize;
    Stage[] stages;
    uint256[] tensors; // packed, by kind · 8 + layer; zero where there is none
    uint256 leafBits;
    uint256 depth;
}

/// @notice A tensor, unpacked.
struct Tensor {
    uint256 base; // its first leaf's number in a step
    uint256 rows;
    uint256 columns;
    uint256 width;
    bool isSigned;
    uint256 rowsPerLeaf; // zero where rows are cut into leaves
    uint256 leavesPerRow; // one where they are not
}

/// @notice A leaf: whose it is, the row and the column of its first entry, and how many it has.
struct Leaf {
    uint256 step;
    Kind kind;
    uint256 layer;
    Tensor tensor;
    uint256 row;
    uint256 column;
    uint256 entries;
}

// slither-disable-start divide-before-multiply (quotients are rows and columns, whole numbers)
/// @title TraceLayout
/// @notice Where every number of a training lies in the tree of its trace. Twin: `mlchain/referee/layout.py`.
library TraceLayout {
    uint256 internal constant LEAF_SIZE = 1024;
    uint256 internal constant MASTER_LEAF_SIZE = 512;
    uint256 internal constant BLOCK = 512;
    uint256 internal constant SHIFTS = 16;
    uint256 private constant LAYERS = 8;
    uint256 private constant HEAD_SIZE = 65;
    uint256 private constant LAYER_SIZE = 16;

    /// @notice The bytes are no recipe of this version.
    error NotARecipe();

    /* RECIPE */

    /// @notice Read a recipe that trains a version of the model, and lay its trace out.
    /// @dev Bounds of recipes are not checked: nobody honest trains one that breaks them.
    /// @param recipe Its bytes.
    /// @param version The number of the version.
    /// @return plan The recipe, laid out.
    function planOf(bytes calldata recipe, uint256 version) internal pure returns (Plan memory plan) {
        require(recipe.length > HEAD_SIZE && recipe[0] == 0x03 && version != 0, NotARecipe());
        uint256 count = uint8(recipe[63]);
        uint256 rates = uint8(recipe[64]);
        require(recipe.length == HEAD_SIZE + LAYER_SIZE * count + rates, NotARecipe());
        require(count != 0 && count <= LAYERS && rates != 0, NotARecipe());

        plan.fingerprint = bytes32(recipe[17:49]);
        plan.steps = _uint16(recipe, 49);
        plan.batch = _uint16(recipe, 51);
        plan.bits = uint8(recipe[53]);
        plan.displacement = uint8(recipe[54]);
        plan.inputKind = uint8(recipe[55]);
        plan.stages = new Stage[](count);
        uint256 rate = uint8(recipe[HEAD_SIZE + LAYER_SIZE * count + (version < rates ? version : rates) - 1]);
        for (uint256 layer = 0; layer < count; ++layer) {
            Stage memory stage = plan.stages[layer];
            _readLayer(stage, recipe[HEAD_SIZE + LAYER_SIZE * layer:]);
            stage.learningShift += rate;
            if (layer == 0) {
                (stage.channels, stage.height, stage.width) =
                    (_uint16(recipe, 56), _uint16(recipe, 58), _uint16(recipe, 60));
            } else {
                Stage memory below = plan.stages[layer - 1];
                (stage.channels, stage.height, stage.width) = (below.outputs, below.outHeight, below.outWidth);
            }
            _place(stage);
            stage.before = plan.weights;
            plan.weights += stage.outputs * (stage.fanIn + 1);
        }
        plan.resultSize = (plan.bits == 16 ? 0 : 2 * count) + (plan.weights * plan.bits + 7) / 8 + 40;
        _lay(plan);
    }

    function _uint16(bytes calldata data, uint256 at) private pure returns (uint256) {
        return uint8(data[at]) | (uint256(uint8(data[at + 1])) << 8);
    }

    function _readLayer(Stage memory stage, bytes calldata layer) private pure {
        stage.outputs = _uint16(layer, 0);
        stage.kernelHeight = uint8(layer[2]);
        stage.kernelWidth = uint8(layer[3]);
        stage.strideHeight = uint8(layer[4]);
        stage.strideWidth = uint8(layer[5]);
        stage.padding = uint8(layer[6]);
        stage.pooling = uint8(layer[7]);
        stage.isSigned = layer[8] != 0;
        stage.shift = uint8(layer[9]);
        stage.learningShift = uint8(layer[10]);
        stage.errorShift = uint8(layer[11]);
        stage.quantum = uint8(layer[12]);
        stage.biasInput = uint8(layer[13]);
    }

    function _place(Stage memory stage) private pure {
        if (stage.kernelHeight == 0) (stage.kernelHeight, stage.kernelWidth) = (stage.height, stage.width);
        stage.sumsHeight = (stage.height + 2 * stage.padding - stage.kernelHeight) / stage.strideHeight + 1;
        stage.sumsWidth = (stage.width + 2 * stage.padding - stage.kernelWidth) / stage.strideWidth + 1;
        uint256 side = stage.pooling == 0 ? 1 : 2;
        (stage.outHeight, stage.outWidth) = (stage.sumsHeight / side, stage.sumsWidth / side);
        stage.fanIn = stage.channels * stage.kernelHeight * stage.kernelWidth;
        stage.isDense =
            stage.kernelHeight == stage.height && stage.kernelWidth == stage.width && stage.padding == 0;
    }

    /// @notice Return the layer that a weight of the model is of.
    /// @param plan A recipe.
    /// @param weight The weight's number in the model.
    /// @return layer The layer.
    function layerOf(Plan memory plan, uint256 weight) internal pure returns (uint256 layer) {
        while (layer + 1 < plan.stages.length && plan.stages[layer + 1].before <= weight) ++layer;
    }

    /* LAYOUT */

    /// @notice Return over how many positions a layer's gradients are added up.
    /// @param plan A recipe.
    /// @param stage One of its layers.
    /// @return positions Their number.
    function positionsOf(Plan memory plan, Stage memory stage) internal pure returns (uint256 positions) {
        unchecked {
            return plan.batch * stage.sumsHeight * stage.sumsWidth;
        }
    }

    /// @notice Return from how many parts a layer's gradients are added up.
    /// @param plan A recipe.
    /// @param stage One of its layers.
    /// @return blocks Their number.
    function blocksOf(Plan memory plan, Stage memory stage) internal pure returns (uint256 blocks) {
        unchecked {
            return (positionsOf(plan, stage) + BLOCK - 1) / BLOCK;
        }
    }

    /// @dev In the order in which tensors follow from each other. No product of a recipe's numbers, which have 16 bits
    /// and fewer, comes near 2^256, here and below.
    function _lay(Plan memory plan) private pure {
        unchecked {
            plan.tensors = new uint256[](LAYERS * (uint256(Kind.Result) + 1));
            uint256 last = plan.stages.length - 1;
            bool isSigned = plan.inputKind == 1;
            uint256 end = 0;
            {
                Stage memory first = plan.stages[0];
                uint256 size = first.channels * first.height * first.width;
                end = _add(plan, end, Kind.Inputs, 0, _pack(plan.batch, size, 1, isSigned));
            }
            for (uint256 layer = 0; layer <= last; ++layer) {
                Stage memory stage = plan.stages[layer];
                uint256 positions = positionsOf(plan, stage);
                if (!stage.isDense) {
                    end = _add(plan, end, Kind.Patches, layer, _pack(positions, stage.fanIn, 1, isSigned));
                }
                end = _add(plan, end, Kind.PatchesT, layer, _pack(stage.fanIn, positions, 1, isSigned));
                uint256 packed = _pack(plan.batch * stage.outputs, stage.sumsHeight * stage.sumsWidth, 8, true);
                end = _add(plan, end, Kind.Sums, layer, packed);
                isSigned = stage.isSigned;
                if (layer < last) {
                    uint256 size = stage.outputs * stage.outHeight * stage.outWidth;
                    end = _add(plan, end, Kind.Hidden, layer, _pack(plan.batch, size, 1, isSigned));
                }
            }
            end = _add(plan, end, Kind.Losses, 0, _pack(1, plan.batch, 2, false));
            end = _add(plan, end, Kind.Loss, 0, _pack(1, 1, 8, true));
            _layFinal(plan, _layBackward(plan, end));
        }
    }

    function _layBackward(Plan memory plan, uint256 end) private pure returns (uint256) {
        unchecked {
            uint256 last = plan.stages.length - 1;
            for (uint256 layer = last + 1; layer-- > 0;) {
                Stage memory stage = plan.stages[layer];
                uint256 positions = positionsOf(plan, stage);
                end = _add(plan, end, Kind.Errors, layer, _pack(positions, stage.outputs, 2, true));
                end = _add(plan, end, Kind.ErrorsT, layer, _pack(stage.outputs, positions, 2, true));
                if (layer != 0) {
                    uint256 size = stage.channels * stage.height * stage.width;
                    end = _add(plan, end, Kind.Passed, layer - 1, _pack(plan.batch, size, 2, true));
                }
            }
            for (uint256 layer = 0; layer <= last; ++layer) {
                Stage memory stage = plan.stages[layer];
                uint256 blocks = blocksOf(plan, stage);
                if (blocks > 1) {
                    uint256 packed = _pack(stage.outputs, (stage.fanIn + 1) * blocks, 8, true);
                    end = _add(plan, end, Kind.Gradient, layer, packed);
                }
                end = _add(plan, end, Kind.Master, layer, _pack(stage.outputs, stage.fanIn + 1, 4, true));
                if (layer != 0) {
                    uint256 size = stage.kernelHeight * stage.kernelWidth * stage.outputs;
                    end = _add(plan, end, Kind.WeightsT, layer, _pack(stage.channels, size, 2, true));
                }
            }
            return end;
        }
    }

    function _layFinal(Plan memory plan, uint256 trainingEnd) private pure {
        unchecked {
            uint256 end = 0;
            uint256 rows = plan.bits == 1 ? 1 : SHIFTS + 1;
            for (uint256 layer = 0; layer < plan.stages.length && plan.bits != 16; ++layer) {
                Stage memory stage = plan.stages[layer];
                end = _add(plan, end, Kind.Left, layer, _pack(stage.outputs, stage.fanIn + 1, 4, true));
                uint256 pieces = stage.outputs * tensorOf(plan, Kind.Left, layer).leavesPerRow;
                end = _add(plan, end, Kind.Squares, layer, _pack(rows, pieces, 8, true));
                end = _add(plan, end, Kind.Scale, layer, _pack(1, rows + 1, 8, true));
            }
            end = _add(plan, end, Kind.Result, 0, _pack(1, plan.resultSize, 1, false));
            plan.leafBits = bitsOf((end > trainingEnd ? end : trainingEnd) - 1);
            plan.depth = plan.leafBits + bitsOf(plan.steps + 1);
        }
    }

    function _pack(uint256 rows, uint256 columns, uint256 width, bool isSigned) private pure returns (uint256) {
        return (rows << 40) | (columns << 88) | (width << 136) | (isSigned ? 1 << 144 : 0);
    }

    /// @dev Puts a tensor at the first multiple of its size, rounded up to a power of two; returns where it ends.
    function _add(Plan memory plan, uint256 end, Kind kind, uint256 layer, uint256 packed)
        private
        pure
        returns (uint256)
    {
        unchecked {
            uint256 index = uint256(kind) * LAYERS + layer;
            plan.tensors[index] = packed;
            uint256 leaves = leavesOf(tensorOf(plan, kind, layer));
            uint256 size = 1 << bitsOf(leaves - 1);
            uint256 base = (end + size - 1) / size * size;
            plan.tensors[index] = packed | base;
            return base + leaves;
        }
    }

    /// @notice Return a tensor; without rows if there is none.
    /// @param plan A recipe.
    /// @param kind What the tensor holds.
    /// @param layer The layer it is of, zero if it is of none.
    /// @return tensor The tensor.
    function tensorOf(Plan memory plan, Kind kind, uint256 layer) internal pure returns (Tensor memory tensor) {
        unchecked {
            uint256 packed = plan.tensors[uint256(kind) * LAYERS + layer];
            tensor.base = packed & type(uint40).max;
            tensor.rows = (packed >> 40) & type(uint48).max;
            tensor.columns = (packed >> 88) & type(uint48).max;
            tensor.width = (packed >> 136) & type(uint8).max;
            tensor.isSigned = packed >> 144 != 0;
            uint256 size = tensor.columns * tensor.width;
            tensor.leavesPerRow = 1;
            if (size == 0) return tensor;
            if (kind == Kind.Master) {
                tensor.rowsPerLeaf = size < MASTER_LEAF_SIZE ? MASTER_LEAF_SIZE / size : 1;
            } else {
                tensor.rowsPerLeaf = LEAF_SIZE / size;
                if (tensor.rowsPerLeaf == 0) tensor.leavesPerRow = (size + LEAF_SIZE - 1) / LEAF_SIZE;
            }
        }
    }

    /// @notice Return the number of a tensor's leaves.
    /// @param tensor The tensor.
    /// @return leaves Their number.
    function leavesOf(Tensor memory tensor) internal pure returns (uint256 leaves) {
        unchecked {
            if (tensor.rowsPerLeaf == 0) return tensor.rows * tensor.leavesPerRow;
            return (tensor.rows + tensor.rowsPerLeaf - 1) / tensor.rowsPerLeaf;
        }
    }

    /// @notice Return the number of the leaf that an entry is in.
    /// @param tensor The tensor.
    /// @param row The entry's row.
    /// @param column Its column.
    /// @return leaf The number, counted from the tensor's first leaf.
    function leafOf(Tensor memory tensor, uint256 row, uint256 column) internal pure returns (uint256 leaf) {
        if (tensor.rowsPerLeaf != 0) return row / tensor.rowsPerLeaf;
        return row * tensor.leavesPerRow + column * tensor.width / LEAF_SIZE;
    }

    /// @notice Return a number of a tensor.
    /// @param tensor The tensor.
    /// @param at Where in the calldata the entries begin that it is among.
    /// @param number How many are before it.
    /// @return value The number.
    function load(Tensor memory tensor, uint256 at, uint256 number) internal pure returns (int256 value) {
        return ExactArithmetic.load(at + number * tensor.width, tensor.width, tensor.isSigned);
    }

    /// @notice Return the row and the column of a leaf's first entry, and how many entries it has.
    /// @param tensor The tensor.
    /// @param leaf The leaf's number, counted from the tensor's first.
    /// @return row The row.
    /// @return column The column.
    /// @return entries How many.
    function spanOf(Tensor memory tensor, uint256 leaf)
        internal
        pure
        returns (uint256 row, uint256 column, uint256 entries)
    {
        unchecked {
            if (tensor.rowsPerLeaf != 0) {
                row = leaf * tensor.rowsPerLeaf;
                uint256 rows = tensor.rows - row;
                return (row, 0, (rows < tensor.rowsPerLeaf ? rows : tensor.rowsPerLeaf) * tensor.columns);
            }
            row = leaf / tensor.leavesPerRow;
            column = leaf % tensor.leavesPerRow * (LEAF_SIZE / tensor.width);
            entries = tensor.columns - column;
            if (entries > LEAF_SIZE / tensor.width) entries = LEAF_SIZE / tensor.width;
        }
    }

    /// @notice Return the leaf at a position; one without entries if there is none.
    /// @param plan A recipe.
    /// @param position The leaf's number in the whole tree.
    /// @return leaf The leaf.
    function find(Plan memory plan, uint256 position) internal pure returns (Leaf memory leaf) {
        leaf.step = position >> plan.leafBits;
        uint256 number = position & ((1 << plan.leafBits) - 1);
        for (uint256 index = 0; index < plan.tensors.length; ++index) {
            Kind kind = Kind(index / LAYERS);
            if (plan.tensors[index] == 0 || !_isAt(plan, leaf.step, kind)) continue;
            Tensor memory tensor = tensorOf(plan, kind, index % LAYERS);
            if (number < tensor.base || number >= tensor.base + leavesOf(tensor)) continue;
            (leaf.kind, leaf.layer, leaf.tensor) = (kind, index % LAYERS, tensor);
            (leaf.row, leaf.column, leaf.entries) = spanOf(tensor, number - tensor.base);
            break;
        }
    }

    function _isAt(Plan memory plan, uint256 step, Kind kind) private pure returns (bool) {
        if (kind >= Kind.Left) return step == plan.steps + 1;
        if (step == 0) return kind == Kind.Loss || kind == Kind.Master || kind == Kind.WeightsT;
        return step <= plan.steps;
    }

    /// @notice Return how many bits a number has.
    /// @param number The number.
    /// @return bits How many.
    function bitsOf(uint256 number) internal pure returns (uint256 bits) {
        while (number >> bits != 0) ++bits;
    }
}
// slither-disable-end divide-before-multiply
