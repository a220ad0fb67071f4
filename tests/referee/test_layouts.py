"""Traces are laid out on the chain as by its twin: how deep their trees are, and how many entries each leaf has."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.referee.layout import Layout
from mlchain.referee.statements import Description
from mlchain.training.layers import InputKind, Inputs, Pooling
from mlchain.training.recipe import BITS, Recipe
from tests.referee.cases import LAST_LAYER, WIDE, WIDE_LAYER
from tests.referee.judging import Judge, call
from tests.training import strategies

ANYWHERE = 4  # positions of a step that are asked for besides the ends of tensors


def dense(size: int, batch: int, *outputs: int, bits: int = 16, steps: int = 1) -> Recipe:
    """Return a recipe of dense layers."""
    layers = [replace(LAST_LAYER, outputs=each, error_shift=8 * (depth > 0)) for depth, each in enumerate(outputs)]
    return Recipe("dense", bytes(32), Inputs(1, size, 1, InputKind.UNSIGNED, 1), steps, batch, tuple(layers), bits)


def assert_laid_out_alike(rules: Judge, recipe: Recipe, dice: np.random.Generator) -> None:
    layout, positions = Layout(recipe), []
    for step in (0, 1, layout.last_step - 1, layout.last_step, layout.last_step + 1):
        ends = [at for it in layout.at_step(step) for at in (it.base, it.base + it.leaves - 1, it.base + it.leaves)]
        ends += dice.integers(2**layout.leaf_bits, size=ANYWHERE).tolist()
        positions += [step << layout.leaf_bits | end for end in ends]
    described = Description(recipe.to_bytes(), bytes(32), bytes(32), 1, bytes(32), 0, bytes(32))
    shown = described.statement, described.to_bytes()
    found = [layout.find(position) for position in positions]
    asked = [call("entriesOf", ["bytes32", "bytes", "uint256"], (*shown, position)) for position in positions]

    assert rules.numbers([call("depthOf", ["bytes32", "bytes"], shown)]) == [layout.depth]
    assert rules.numbers(asked) == [it[1].span(it[2])[2] if it else 0 for it in found]


@given(recipe=strategies.recipes(strategies.ANY_BITS), seed=st.integers(0, 2**32))
def test_the_chain_lays_a_trace_out_as_its_twin_does(rules, recipe, seed):
    assert_laid_out_alike(rules, recipe, np.random.default_rng(seed))


STRIP = replace(WIDE_LAYER, padding=0, pooling=Pooling.NONE)
RECIPES = {
    "rows that are cut": WIDE,
    "eight layers": dense(3, 2, *[2] * 8),
    "long numbers": dense(515, 2, 258, 3, steps=65_535),
    "many rows of weights in a leaf": dense(1, 1, 128, 3),
    "a result longer than training": dense(4000, 1, 200, bits=8),
    "kernels as wide as the input": replace(WIDE, layers=(replace(STRIP, kernel_width=25), LAST_LAYER)),
    "kernels as high as the input": replace(WIDE, layers=(replace(STRIP, kernel_height=33), LAST_LAYER)),
    **{f"a batch of {batch}": dense(2, batch, 3) for batch in (511, 512, 513, 1024, 1025)},
    **{f"{3 * size + 3} weights of {bits} bits": dense(size, 1, 3, bits=bits) for size in (1, 2) for bits in BITS},
}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_layouts_are_alike_at_the_ends_of_what_recipes_can_be(rules, recipe):
    assert_laid_out_alike(rules, recipe, np.random.default_rng(1))
