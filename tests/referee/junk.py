"""What no honest player shows: traces of numbers that nothing follows from, and evidence that is not of the trace."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from mlchain.protocol.content import PIECE_SIZE
from mlchain.referee.evidence import Shown, derive, entries_of
from mlchain.referee.layout import Kind, Tensor
from mlchain.referee.prover import Prover
from mlchain.referee.rules import Rules
from mlchain.referee.steps import Numbers, Steps
from mlchain.referee.trace import Trace

# Powers of two that bound what no training exceeds, where these are less than the bytes of an entry hold.
BOUNDS = {
    Kind.SUMS: 48,
    Kind.LOSS: 40,
    Kind.GRADIENT: 40,
    Kind.LEFT: 18,
    Kind.SQUARES: 44,
    Kind.SCALE: 50,
}


class AnySteps(Steps):
    """Numbers near zero, near any power of two, and both ends of what they can be; the same ones whenever asked."""

    seed = 0
    reach = None  # of most numbers, if it is given
    sums = None  # of a network of one layer, if they are given

    def numbers_at_start(self):
        return self._any(super().numbers_at_start(), 0)

    def train(self, step, before):
        numbers, state = super().train(step, before)
        return self._any(numbers, step), state

    def result(self, *arguments):
        return self._any(super().result(*arguments), self._layout.last_step)

    def _any(self, numbers: Numbers, step: int) -> Numbers:
        return {
            (tensor.kind, tensor.layer): numbers[tensor.kind, tensor.layer]
            if tensor.kind is Kind.RESULT
            else self._any_of(tensor, np.random.default_rng((self.seed, step, tensor.kind, tensor.layer)))
            for tensor in self._layout.at_step(step)
        }

    def _any_of(self, tensor: Tensor, dice: np.random.Generator):
        bits = 8 * tensor.width - tensor.is_signed
        greatest = min(2**bits, 2 ** BOUNDS.get(tensor.kind, bits)) - 1
        least = -greatest - 1 if tensor.is_signed else 0
        if tensor.kind is Kind.MASTER:
            least, greatest = self._layers[tensor.layer].weight_range
        size = tensor.rows, tensor.columns
        reach = self.reach or 2 ** int(dice.integers(0, greatest.bit_length() + 1))
        values = dice.integers(max(-reach, least), min(reach, greatest), size, endpoint=True)
        ends = dice.choice([least, least + 1, 0, greatest - 1, greatest], size)
        values = np.where(dice.random(size) < 1 / 8, ends, values)
        if tensor.kind is Kind.SCALE:
            values[0, -1] = dice.choice([0, *(2**shift for shift in range(16))])
        return self.sums if tensor.kind is Kind.SUMS and self.sums is not None else values


def with_any_numbers(case: Prover, seed: int, **given) -> Prover:
    """Return who claims such a trace for a job."""
    liar = replace(case)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("mlchain.referee.trace.Steps", type("Any", (AnySteps,), {"seed": seed} | given))
        liar.__dict__["trace"] = Trace(case.job, case.result)
    return liar


class Credulous:
    """Shows the rules whatever is put before it, and checks nothing: what they derive is what a lie could be."""

    def __init__(self, case: Prover, position: int, shown: list[Shown]) -> None:
        self._layout, self._shown = case.trace.layout, iter(shown)
        self._at_hand = {0: (position, case.leaf(position))}

    def run(self, slot, step, tensor, row, column):
        leaf = tensor.leaf_of(row, column)
        position = self._layout.position(step, tensor, leaf)
        if self._at_hand.get(slot, (None,))[0] != position:
            self._at_hand[slot] = position, next(self._shown).data
        first_row, first_column, _ = tensor.span(leaf)
        first = (row - first_row) * tensor.columns + column - first_column
        rest = tensor.columns - column if tensor.rows_per_leaf else tensor.entries_per_piece
        return entries_of(self._at_hand[slot][1], tensor)[first : first + rest]

    def sample(self, place):
        next(self._shown)
        data = next(self._shown).data
        return data[:-1], data[-1]

    def model(self, at, *, of_parent):
        piece = next(self._shown).data
        return int.from_bytes(piece[at % PIECE_SIZE :][:2], "little", signed=True)

    def published(self, at):
        return next(self._shown).data[at % PIECE_SIZE]

    def master_root(self, layer):
        return next(self._shown).data


def lie_from(case: Prover, position: int, entry: int, shown: list[Shown]) -> int | None:
    """Return what an entry would have to be if these leaves were of the trace, the data set and so on."""
    step, tensor, leaf = case.trace.layout.find(position)
    row, column, _ = tensor.span(leaf)
    rules = Rules(case._statement, Credulous(case, position, shown))
    return rules.derive(step, tensor, row + entry // tensor.columns, column + entry % tensor.columns)


def evidence_of(case: Prover, position: int, entry: int) -> list[Shown]:
    """Return what shows that an entry follows."""
    return list(derive(case._statement, case._reader, position, entry)[1])


def publishing(case: Prover, position: int, entry: int) -> Prover:
    """Return who has published the byte that follows from a trace, as the entry of a leaf."""
    step, tensor, leaf = case.trace.layout.find(position)
    at = tensor.span(leaf)[1] + entry
    rules = Rules(case._statement, case._reader)
    rules._results.step = step
    case._reader.begin(position)
    byte = rules._results.result_byte(at)
    other = replace(case, result=case.result[:at] + bytes([byte]) + case.result[at + 1 :])
    other.__dict__["trace"] = case.trace
    return other


def climbed(node: bytes, index: int, path: Sequence[bytes]) -> bytes:
    """Return the root that a node leads to."""
    for height, other in enumerate(path):
        node = hashlib.sha256(other + node if index >> height & 1 else node + other).digest()
    return node
