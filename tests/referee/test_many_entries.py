"""For every kind of layer and number of bits: many entries of traces derive, and as many changed ones do not."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import settings

from mlchain.referee.prover import Prover
from mlchain.training.layers import InputKind, Inputs, Layer, Pooling
from mlchain.training.recipe import BITS, Recipe
from tests.referee.cases import case_of, task_of
from tests.referee.judging import AT_ONCE, changed, derives

ENTRIES = 10_000 if settings.get_current_profile_name() == "thorough" else 400
OF_A_TRACE = 200

BYTES = Inputs(2, 5, 4, InputKind.UNSIGNED, 255)
DENSE = Layer(3, 0, 0, 1, 1, 0, Pooling.NONE, 0, 7, 6, 0, 4, 64, 300)
KERNEL = replace(DENSE, kernel_height=2, kernel_width=3, padding=1, stride_height=2)
LAST = replace(DENSE, shift=12, error_shift=5)
LAYERS = {
    "dense": (BYTES, DENSE),
    "signed": (BYTES, replace(DENSE, signed=1)),
    "kernel": (BYTES, KERNEL),
    "greatest of four": (BYTES, replace(KERNEL, stride_height=1, pooling=Pooling.MAX)),
    "sum of four": (BYTES, replace(KERNEL, stride_height=1, pooling=Pooling.SUM)),
    "signed inputs": (replace(BYTES, kind=InputKind.SIGNED), KERNEL),
    "tokens": (Inputs(4, 6, 1, InputKind.TOKENS, 3), replace(DENSE, kernel_height=1, kernel_width=1)),
}


def traces(kind: str, bits: int, generator: np.random.Generator) -> Iterator[Prover]:
    """Return jobs of two layers, of which the first is of that kind, with small weights and huge ones."""
    seen, layer = LAYERS[kind]
    while True:
        reach = 2 ** int(generator.integers(2, 16))
        displacement = int(generator.integers(0, 3)) if seen.kind is InputKind.UNSIGNED else 0
        recipe = Recipe("many", bytes(32), seen, 3, 4, (layer, LAST), bits, displacement, (0, 2))
        task = task_of(recipe, int(generator.integers(1, 12)), generator)
        model, parent = (generator.integers(-reach, reach, recipe.weights).astype("<i2").tobytes() for _ in "mp")
        yield case_of(task, model, parent if generator.integers(2) else None, int(generator.integers(1, 4)))


def questions(case: Prover, generator: np.random.Generator) -> Iterator[tuple[str, bool]]:
    """Return what is asked about random entries of all tensors, as they are and changed, and the right answers."""
    layout = case.trace.layout
    for _ in range(OF_A_TRACE):
        step = int(generator.integers(layout.last_step + 1))
        tensors = layout.at_step(step)
        tensor = tensors[int(generator.integers(len(tensors)))]
        leaf = int(generator.integers(tensor.leaves))
        position, entry = layout.position(step, tensor, leaf), int(generator.integers(tensor.span(leaf)[2]))
        value, evidence = case.prove(position, entry)
        data = case.trace.leaf(position)
        assert value == case.said(position)[entry]
        by = (1, 256**tensor.width - 1, int(generator.integers(1, 256 ** min(tensor.width, 7))))[generator.integers(3)]
        for shown, follows in ((data, True), (changed(data, tensor.width, entry, by), False)):
            yield derives(case, position, shown, entry, evidence), follows


@pytest.mark.slow
@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("kind", LAYERS)
def test_every_entry_derives_and_no_changed_one_does(rules, kind, bits):
    generator = np.random.default_rng([*kind.encode(), bits])
    asked, done = [], 0

    for case in traces(kind, bits, generator):
        asked += questions(case, generator)
        while len(asked) >= AT_ONCE:
            batch, asked = asked[:AT_ONCE], asked[AT_ONCE:]
            assert rules.follow(data for data, _ in batch) == [follows for _, follows in batch]
            done += AT_ONCE // 2
        if done >= ENTRIES:
            return
