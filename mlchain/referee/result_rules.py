"""What the bytes of a result have to be, and the numbers between them and the weights before and after training."""

import hashlib

from mlchain.referee.layout import SHIFTS, Kind, Tensor
from mlchain.referee.reading import Reading
from mlchain.referee.scalars import clip, code_of, shift_round
from mlchain.training.compression import GREATEST_SHIFT
from mlchain.training.recipe import DIGEST_SIZE, WIDE


class ResultRules(Reading):
    """Derives entries of a trace's last step."""

    def _change(self, layer: int, output: int, index: int) -> tuple[int, int]:
        """Return by how much a weight of the model has changed, and the weight before."""
        after = self.weight(1, self.recipe.local_steps, layer, output, index)
        before = self.weight(2, 0, layer, output, index)
        return after - before, before

    def left(self, layer: int, output: int, index: int) -> int:
        change, before = self._change(layer, output, index)
        if not self.said.has_parent:
            return change
        parent = self.reader.model(2 * self.number(layer, output, index), of_parent=True)
        return change - (before - parent)

    def squares(self, layer: int, row: int, piece: int) -> int:
        """Return what the codes of a piece of a row are off by, squared, with scale 2**row; with no codes at all."""
        tensor = self.layout.of(Kind.LEFT, layer)
        output, part = divmod(piece, tensor.leaves_per_row)
        values = self.reader.run(1, self.step, tensor, output, part * tensor.entries_per_piece)
        if self.recipe.bits == 1:
            return sum(map(abs, values))
        greatest = (1 << self.recipe.bits - 1) - 1
        if row == SHIFTS:
            return sum(value**2 for value in values)
        return sum((value - (clip(shift_round(value, row), -greatest, greatest) << row)) ** 2 for value in values)

    def scale(self, tensor: Tensor, column: int) -> int:
        """Return the total of a row of squares, or, in the last column, the scale that follows from all totals."""
        if column < tensor.columns - 1:
            squares = self.layout.of(Kind.SQUARES, tensor.layer)
            return self.total(1, self.step, squares, column, 0, squares.columns)
        totals = self.reader.run(0, self.step, tensor, 0, 0)
        if self.recipe.bits == 1:
            size = self.stages[tensor.layer].size
            return clip((2 * totals[0] + size) // (2 * size), 0, 1 << GREATEST_SHIFT)
        if totals[SHIFTS] == 0:
            return 0
        return 1 << min(range(SHIFTS), key=lambda shift: (totals[shift], shift))

    def _scale_of(self, layer: int) -> int:
        tensor = self.layout.of(Kind.SCALE, layer)
        return self.entry(2, self.step, Kind.SCALE, layer, 0, tensor.columns - 1)

    def result_byte(self, at: int) -> int:
        """Return a byte of the result."""
        recipe = self.recipe
        end = recipe.result_size - DIGEST_SIZE - 8
        if at >= end + DIGEST_SIZE:
            loss = self.entry(1, recipe.local_steps, Kind.LOSS, 0, 0, 0)
            return loss >> 8 * (at - end - DIGEST_SIZE) & 0xFF
        if at >= end:
            roots = b"".join(self.reader.master_root(layer) for layer in range(len(self.stages)))
            return hashlib.sha256(roots).digest()[at - end]
        if recipe.bits == WIDE:
            change, _ = self._change(*self._locate(at // 2))
            return clip(change, -32768, 32767) >> 8 * (at % 2) & 0xFF
        start = 2 * len(self.stages)
        if at < start:
            return self._scale_of(at // 2) >> 8 * (at % 2) & 0xFF
        return self._codes((at - start) * 8 // recipe.bits)

    def _codes(self, first: int) -> int:
        bits, byte = self.recipe.bits, 0
        for place in range(min(8 // bits, self.recipe.weights - first)):
            layer, output, index = self._locate(first + place)
            left = self.entry(1, self.step, Kind.LEFT, layer, output, index)
            byte |= (code_of(left, self._scale_of(layer), bits) & (1 << bits) - 1) << bits * place
        return byte

    def _locate(self, number: int) -> tuple[int, int, int]:
        """Return the layer, the output and the input of a weight of the model."""
        layer = 0
        while number >= self.stages[layer].size:
            number -= self.stages[layer].size
            layer += 1
        return layer, *divmod(number, self.stages[layer].weights[1])
