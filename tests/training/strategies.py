"""Strategies that build legal layers, recipes, models and results of tiny networks."""

import itertools

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlchain.training.compression import quantise
from mlchain.training.encoding import CompactResult, Result
from mlchain.training.layers import Layer
from mlchain.training.recipe import BITS, WIDE, Recipe

INT16 = st.integers(-32768, 32767)
LEFT = st.integers(-(2**18) + 1, 2**18 - 1) | st.integers(-9, 9)  # of a change when its estimate is taken off
FEWER_BITS = st.sampled_from([bits for bits in BITS if bits != WIDE])
ANY_BITS = st.sampled_from(BITS)


@st.composite
def layer_chains(draw: st.DrawFn) -> tuple[Layer, ...]:
    """One to three layers that fit together, with bounds far below 2**53."""
    sizes = draw(st.lists(st.integers(2, 4), min_size=2, max_size=4))
    return tuple(
        Layer(
            inputs=inputs,
            outputs=outputs,
            input_max=draw(st.integers(1, 1023)),
            scale=draw(st.integers(8, 24)),
            learning_shift=draw(st.integers(0, 20)),
            error_shift=draw(st.integers(14, 20)) if depth else 0,
            quantum=draw(st.integers(0, 4)),
            initial=draw(st.integers(0, 32767)),
        )
        for depth, (inputs, outputs) in enumerate(itertools.pairwise(sizes))
    )


@st.composite
def recipes(draw: st.DrawFn, bits: st.SearchStrategy[int] = st.just(WIDE)) -> Recipe:  # noqa: B008
    """Any tiny legal recipe, of 16 bits a change unless others are asked for."""
    return Recipe(
        task=draw(st.text("abcxyz0189", min_size=1, max_size=8)),
        fingerprint=draw(st.binary(min_size=32, max_size=32)),
        local_steps=draw(st.integers(1, 5)),
        batch=draw(st.integers(1, 6)),
        layers=draw(layer_chains()),
        bits=draw(bits),
    )


def matrices(recipe: Recipe) -> st.SearchStrategy[tuple[np.ndarray, ...]]:
    """A model, or the change of one."""
    return st.tuples(*(hnp.arrays(np.int16, layer.shape, elements=INT16) for layer in recipe.layers))


@st.composite
def compact_results(draw: st.DrawFn, recipe: Recipe) -> CompactResult:
    """Any result of a recipe of fewer than 16 bits."""
    left = [draw(hnp.arrays(np.int64, layer.shape, elements=LEFT)) for layer in recipe.layers]
    codes, scales = zip(*(quantise(matrix, recipe.bits) for matrix in left), strict=True)
    greatest = recipe.local_steps * recipe.batch * 4096
    return CompactResult(codes, scales, draw(st.binary(min_size=32, max_size=32)), draw(st.integers(0, greatest)))


def results(recipe: Recipe) -> st.SearchStrategy[Result]:
    """Any result of a recipe of 16 bits."""
    losses = st.integers(0, recipe.batch * 4096)
    return st.builds(
        Result,
        change=matrices(recipe),
        digest=st.binary(min_size=32, max_size=32),
        losses=st.tuples(*[losses] * recipe.local_steps),
    )
