"""What every entry of a trace has to be, worked out from other entries: twin of `contracts/referee/TrainingJudge.sol`.

One entry at a time, in Python's integers, and asking a reader for leaves in the order in which the contract wants to be
shown them. So what a reader is asked for is the evidence of an entry.
"""

from mlchain.referee.layout import BLOCK, Kind, Tensor, blocks_of
from mlchain.referee.reading import Reader, Reading, Statement
from mlchain.referee.result_rules import ResultRules
from mlchain.referee.scalars import clip, displacement_of, loss_of, probability, readers, shift_round, unravel
from mlchain.training.layers import GREATEST_ERROR, OUTPUT_ERROR_BITS, POOL, InputKind, Pooling
from mlchain.training.softmax import ONE, PROBABILITY_BITS


class Rules(Reading):
    """Derives entries of one job's trace."""

    def __init__(self, statement: Statement, reader: Reader) -> None:
        """Take the job and who shows leaves of its trace."""
        super().__init__(statement, reader)
        self._results = ResultRules(statement, reader)

    def derive(self, step: int, tensor: Tensor, row: int, column: int) -> int | None:
        """Return what an entry has to be; None for a byte of the result that is published as another."""
        self.step = self._results.step = step
        layer = tensor.layer
        match tensor.kind:
            case Kind.INPUTS:
                return self._input(row, column)
            case Kind.PATCHES:
                return self._patch(layer, row, column)
            case Kind.PATCHES_T:
                return self._patch(layer, column, row)
            case Kind.SUMS:
                return self._sum(layer, row, column)
            case Kind.HIDDEN:
                return self._hidden(layer, row, column)
            case Kind.LOSSES:
                _, label = self._sample(column)
                return loss_of(self._chance(column, label))
            case Kind.LOSS:
                return self._loss()
            case Kind.ERRORS:
                return self._error(layer, row, column)
            case Kind.ERRORS_T:
                return self.entry(1, step, Kind.ERRORS, layer, column, row)
            case Kind.PASSED:
                return self._passed(layer + 1, row, column)
            case Kind.GRADIENT:
                return self._partial(layer, row, *divmod(column, blocks_of(self.stages[layer], self.recipe.batch)))
            case Kind.MASTER:
                return self._master(layer, row, column)
            case Kind.WEIGHTS_T:
                kernel, output = divmod(column, self.stages[layer].layer.outputs)
                height, width = self.stages[layer].kernel
                return self.weight(1, step, layer, output, row * height * width + kernel)
            case Kind.LEFT:
                return self._results.left(layer, row, column)
            case Kind.SQUARES:
                return self._results.squares(layer, row, column)
            case Kind.SCALE:
                return self._results.scale(tensor, column)
            case Kind.RESULT:
                derived = self._results.result_byte(column)
                return derived if self.reader.published(column) == derived else None

    # Forward

    def _inputs_of(self, layer: int) -> Tensor:
        return self.layout.of(Kind.HIDDEN, layer - 1) if layer else self.layout.of(Kind.INPUTS)

    def _sample(self, index: int) -> tuple[bytes, int]:
        return self.reader.sample((self.step - 1) * self.recipe.batch + index)

    def _input(self, index: int, column: int) -> int:
        sample, _ = self._sample(index)
        inputs = self.recipe.inputs
        plane = inputs.height * inputs.width
        if inputs.kind is InputKind.TOKENS:
            return int(sample[column % plane] == column // plane)
        if inputs.kind is InputKind.SIGNED:
            return sample[column] - 128
        reach = self.recipe.displacement
        if reach:
            down, across = displacement_of(self.said.key, (self.step - 1) * self.recipe.batch + index, reach)
            channel, rest = divmod(column, plane)
            row, place = rest // inputs.width - down, rest % inputs.width - across
            if not (0 <= row < inputs.height and 0 <= place < inputs.width):
                return 0
            column = channel * plane + row * inputs.width + place
        return sample[column]

    def _patch(self, layer: int, position: int, index: int) -> int:
        """Return what a sum multiplies with weight `index` of a kernel."""
        stage = self.stages[layer]
        of, (_, height, width), (kernel_height, kernel_width) = stage.layer, stage.inputs, stage.kernel
        channel, row, column = unravel(index, kernel_height, kernel_width)
        sample, down, across = unravel(position, *stage.sums[1:])
        row += down * of.stride_height - of.padding
        column += across * of.stride_width - of.padding
        if not (0 <= row < height and 0 <= column < width):
            return 0
        at = (channel * height + row) * width + column
        return self.reader.run(1, self.step, self._inputs_of(layer), sample, at)[0]

    def _sum(self, layer: int, row: int, column: int) -> int:
        stage = self.stages[layer]
        sample, output = divmod(row, stage.layer.outputs)
        weights = self.layout.of(Kind.MASTER, layer), output, 0
        if stage.is_dense:
            values = self._inputs_of(layer), sample, 0
        else:
            positions = stage.sums[1] * stage.sums[2]
            values = self.layout.of(Kind.PATCHES, layer), sample * positions + column, 0
        quantum = stage.layer.quantum
        total = self.dot(weights, values, (self.step - 1, self.step), quantum, stage.fan_in)
        return total + stage.layer.bias_input * self.weight(1, self.step - 1, layer, output, stage.fan_in)

    def _pool(self, layer: int, sample: int, output: int, down: int, across: int) -> list[int]:
        """Return the sums that one output is pooled from, in row order."""
        stage = self.stages[layer]
        width, row = stage.sums[2], sample * stage.layer.outputs + output
        if not stage.layer.pooling:
            return [self.entry(2, self.step, Kind.SUMS, layer, row, down * width + across)]
        return [
            self.entry(2, self.step, Kind.SUMS, layer, row, (POOL * down + i) * width + POOL * across + j)
            for i in range(POOL)
            for j in range(POOL)
        ]

    def _hidden(self, layer: int, row: int, column: int) -> int:
        of = self.stages[layer].layer
        pool = self._pool(layer, row, *unravel(column, *self.stages[layer].outputs[1:]))
        pooled = sum(pool) if of.pooling == Pooling.SUM else max(pool)
        return clip(pooled >> of.shift, *of.range)

    def _chance(self, sample: int, of_class: int) -> int:
        """Return the probability of a class in units of 2**-16."""
        last = len(self.stages) - 1
        classes = self.stages[last].layer.outputs
        logits: list[int] = []
        for output in range(classes):
            logits.append(self.entry(2, self.step, Kind.SUMS, last, sample * classes + output, 0))
        return probability(logits, self.stages[last].layer.shift, of_class)

    def _loss(self) -> int:
        if self.step == 0:
            return 0
        total = self.entry(1, self.step - 1, Kind.LOSS, 0, 0, 0)
        return total + self.total(2, self.step, self.layout.of(Kind.LOSSES), 0, 0, self.recipe.batch)

    # Backward

    def _error(self, layer: int, row: int, output: int) -> int:
        stage = self.stages[layer]
        if stage.is_last:
            _, label = self._sample(row)
            error = self._chance(row, output) - (ONE if output == label else 0)
            return shift_round(error, PROBABILITY_BITS - OUTPUT_ERROR_BITS)
        sample, down, across = unravel(row, *stage.sums[1:])
        place = 0
        if stage.layer.pooling:
            place = (down % POOL) * POOL + across % POOL
            down, across = down // POOL, across // POOL
        _, height, width = stage.outputs
        if down >= height or across >= width:
            return 0
        at = (output * height + down) * width + across
        low, high = stage.layer.range
        if not low < self.entry(1, self.step, Kind.HIDDEN, layer, sample, at) < high:
            return 0
        if stage.layer.pooling == Pooling.MAX:
            pool = self._pool(layer, sample, output, down, across)
            if pool.index(max(pool)) != place:
                return 0
        return self.entry(3, self.step, Kind.PASSED, layer, sample, at)

    def _passed(self, layer: int, sample: int, column: int) -> int:
        """Return the error of an input of a layer."""
        stage = self.stages[layer]
        of, (_, height, width), (kernel_height, kernel_width) = stage.layer, stage.inputs, stage.kernel
        channel, row, place = unravel(column, height, width)
        _, sums_height, sums_width = stage.sums
        weights, errors = self.layout.of(Kind.WEIGHTS_T, layer), self.layout.of(Kind.ERRORS, layer)
        total = 0
        for down in readers(row + of.padding, kernel_height, of.stride_height, sums_height):
            kernel_row = row + of.padding - down * of.stride_height
            for across in readers(place + of.padding, kernel_width, of.stride_width, sums_width):
                kernel = kernel_row * kernel_width + place + of.padding - across * of.stride_width
                total += self.dot(
                    (weights, channel, kernel * of.outputs),
                    (errors, (sample * sums_height + down) * sums_width + across, 0),
                    (self.step - 1, self.step),
                    0,
                    of.outputs,
                )
        return clip(shift_round(total, of.error_shift), -GREATEST_ERROR, GREATEST_ERROR)

    def _partial(self, layer: int, output: int, index: int, block: int) -> int:
        """Return the gradient of a weight over the positions up to the end of a block."""
        stage = self.stages[layer]
        positions = self.layout.of(Kind.ERRORS_T, layer).columns
        count = min(BLOCK, positions - block * BLOCK)
        before = 0
        if block:
            blocks = blocks_of(stage, self.recipe.batch)
            before = self.entry(0, self.step, Kind.GRADIENT, layer, output, index * blocks + block - 1)
        errors = self.layout.of(Kind.ERRORS_T, layer), output, block * BLOCK
        if index == stage.fan_in:
            return before + stage.layer.bias_input * self.total(1, self.step, *errors, count)
        values = self.layout.of(Kind.PATCHES_T, layer), index, block * BLOCK
        return before + self.dot(errors, values, (self.step, self.step), 0, count)

    def _master(self, layer: int, output: int, index: int) -> int:
        of = self.said.layers[layer]
        if self.step == 0:
            return self.reader.model(2 * self.number(layer, output, index), of_parent=False) << of.quantum
        before = self.entry(3, self.step - 1, Kind.MASTER, layer, output, index)
        blocks = blocks_of(self.stages[layer], self.recipe.batch)
        if blocks > 1:
            gradient = self.entry(1, self.step, Kind.GRADIENT, layer, output, index * blocks + blocks - 1)
        else:
            gradient = self._partial(layer, output, index, 0)
        return clip(before - shift_round(gradient, of.learning_shift), *of.weight_range)
