"""Strategies that build legal layers, recipes, models and results of tiny networks."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlchain.training.compression import quantise
from mlchain.training.encoding import Result
from mlchain.training.layers import InputKind, Inputs, Layer, Pooling, RecipeError, Stage, require_layers, stages
from mlchain.training.recipe import BITS, WIDE, Recipe

INT16 = st.integers(-32768, 32767)
LEFT = st.integers(-(2**18) + 1, 2**18 - 1) | st.integers(-9, 9)  # of a change when its estimate is taken off
FEWER_BITS = st.sampled_from([bits for bits in BITS if bits != WIDE])
ANY_BITS = st.sampled_from(BITS)
MOST_SAMPLES = 8  # of a batch


@st.composite
def inputs(draw: st.DrawFn) -> Inputs:
    """Tiny samples of any kind."""
    kind, channels = draw(st.sampled_from(InputKind)), draw(st.integers(1, 3))
    if kind is InputKind.TOKENS:
        channels += 1
    greatest = {
        InputKind.UNSIGNED: st.sampled_from([1, 16, 255]),
        InputKind.SIGNED: st.just(255),
        InputKind.TOKENS: st.just(channels - 1),
    }
    return Inputs(channels, draw(st.integers(1, 6)), draw(st.integers(1, 6)), kind, draw(greatest[kind]))


@st.composite
def _layer(draw: st.DrawFn, place: Stage) -> Layer:
    """A layer on what comes out of a place, with whatever fits there."""
    _, height, width = place.inputs
    first, last = place.is_first, place.is_last
    kernel, stride, padding, pooling = (0, 0), (1, 1), 0, Pooling.NONE
    if not last and draw(st.booleans() | st.just(True)):
        padding = draw(st.integers(0, 2))
        kernel = draw(st.integers(1, height + 2 * padding)), draw(st.integers(1, width + 2 * padding))
        stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
        sides = zip((height, width), kernel, stride, strict=True)
        if all(side + 2 * padding >= extent + step for side, extent, step in sides):
            pooling = draw(st.sampled_from(Pooling))
    return Layer(
        outputs=draw(st.integers(2, 4)),
        kernel_height=kernel[0],
        kernel_width=kernel[1],
        stride_height=stride[0],
        stride_width=stride[1],
        padding=padding,
        pooling=pooling,
        signed=0 if last else draw(st.integers(0, 1)),
        shift=draw(st.integers(8, 20) if last else st.integers(0, 16)),
        learning_shift=draw(st.integers(0, 12)),
        error_shift=0 if first else draw(st.integers(0, 16)),
        quantum=draw(st.integers(0, 14)),
        bias_input=draw(st.sampled_from([0, 1, 255])),
        initial=draw(st.sampled_from([0, 9, 1000, 32767])),
    )


@st.composite
def networks(draw: st.DrawFn) -> tuple[Inputs, tuple[Layer, ...]]:
    """One to three layers that fit together and to their inputs, whose bounds hold for a few samples."""
    seen, count = draw(inputs()), draw(st.integers(1, 3))
    layers: list[Layer] = []
    shape = seen.shape
    for depth in range(count):
        layers.append(draw(_layer(Stage(Layer(*[1] * 6, *[0] * 8), shape, 1, depth == 0, depth == count - 1))))
        shape = stages(seen, layers)[-1].outputs
    try:
        require_layers(seen, layers, MOST_SAMPLES)
    except RecipeError:
        assume(False)
    return seen, tuple(layers)


@st.composite
def recipes(draw: st.DrawFn, bits: st.SearchStrategy[int] = st.just(WIDE)) -> Recipe:  # noqa: B008
    """Any tiny legal recipe, of 16 bits a change unless others are asked for."""
    seen, layers = draw(networks())
    return Recipe(
        task=draw(st.text("abcxyz0189-_", min_size=1, max_size=16)),
        fingerprint=draw(st.binary(min_size=32, max_size=32)),
        inputs=seen,
        local_steps=draw(st.integers(1, 5)),
        batch=draw(st.integers(1, MOST_SAMPLES)),
        layers=layers,
        bits=draw(bits),
        displacement=draw(st.integers(0, 15)) if seen.kind is InputKind.UNSIGNED else 0,
        rate_shifts=tuple(draw(st.lists(st.integers(0, 15), min_size=1, max_size=4))),
    )


def matrices(recipe: Recipe) -> st.SearchStrategy[tuple[np.ndarray, ...]]:
    """A model, or the change of one."""
    return st.tuples(*(hnp.arrays(np.int16, stage.weights, elements=INT16) for stage in recipe.stages))


@st.composite
def results(draw: st.DrawFn, recipe: Recipe) -> Result:
    """Any result of a recipe."""
    digest = draw(st.binary(min_size=32, max_size=32))
    loss = draw(st.integers(0, recipe.local_steps * recipe.batch * 4096))
    if recipe.bits == WIDE:
        return Result(draw(matrices(recipe)), (), digest, loss)
    left = [draw(hnp.arrays(np.int64, stage.weights, elements=LEFT)) for stage in recipe.stages]
    codes, scales = zip(*(quantise(matrix, recipe.bits) for matrix in left), strict=True)
    return Result(codes, scales, digest, loss)


@st.composite
def samples(draw: st.DrawFn, seen: Inputs, count: int) -> np.ndarray:
    """Samples as bytes, (count, bytes of one), some of which are 0 in all of them."""
    made = draw(hnp.arrays(np.uint8, (count, seen.sample_size), elements=st.integers(0, seen.greatest)))
    return made * draw(hnp.arrays(np.uint8, (1, seen.sample_size), elements=st.integers(0, 1)))
