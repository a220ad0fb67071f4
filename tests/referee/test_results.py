"""The rules of results on the chain: every byte follows from numbers that no training makes as well."""

from dataclasses import replace

import numpy as np
import pytest

from mlchain.referee.layout import Kind
from mlchain.referee.prover import Prover
from mlchain.training.layers import InputKind, Inputs
from mlchain.training.recipe import BITS, DIGEST_SIZE, Recipe
from tests.referee.cases import LAST_LAYER, first_case
from tests.referee.judging import derives_right
from tests.referee.junk import publishing, with_any_numbers

TRACES = 4  # of any numbers


def result_case(bits: int) -> Prover:
    """Return a job of three layers with 25 weights, enough for changes of all sizes."""
    layers = (replace(LAST_LAYER, outputs=2, error_shift=0), replace(LAST_LAYER, outputs=2), LAST_LAYER)
    recipe = Recipe("result", bytes(32), Inputs(1, 2, 2, InputKind.UNSIGNED, 255), 1, 2, layers, bits)
    return first_case(recipe, 3, np.random.default_rng(1))


@pytest.mark.parametrize("bits", BITS)
def test_every_byte_of_a_result_follows_from_the_numbers_before_it(rules, bits):
    case, asked = result_case(bits), []
    size = case.task.plan.result_size
    for seed in range(TRACES):
        claimed = with_any_numbers(case, seed)
        for at in (*range(size - 8 - DIGEST_SIZE), *range(size - 8, size)):
            position, entry = claimed.place_of(at)
            asked.append(derives_right(publishing(claimed, position, entry), position, entry))

    assert all(rules.follow(asked))


@pytest.mark.parametrize("reach", [1, 1000, None], ids=["many are equal", "few are large", "many are large"])
@pytest.mark.parametrize("bits", [1, 4])
def test_a_scale_is_the_mean_of_signs_or_the_first_with_the_least_total(rules, bits, reach):
    case, asked = result_case(bits), []
    for seed in range(12):
        claimed = with_any_numbers(case, seed, reach=reach)
        layout = claimed.trace.layout
        for tensor in (layout.of(Kind.SCALE, layer) for layer in range(3)):
            asked.append(derives_right(claimed, layout.position(layout.last_step, tensor, 0), tensor.columns - 1))

    assert all(rules.follow(asked))


def test_totals_of_thousands_of_pieces_follow(rules):
    layers = replace(LAST_LAYER, outputs=4000, error_shift=0), LAST_LAYER
    recipe = Recipe("total", bytes(32), Inputs(1, 1, 1, InputKind.UNSIGNED, 255), 1, 1, layers, bits=1)
    case = first_case(recipe, 1, np.random.default_rng(1))
    layout = case.trace.layout
    position = layout.position(layout.last_step, layout.of(Kind.SCALE), 0)
    assert layout.of(Kind.SQUARES).leaves == 32

    assert all(rules.follow(derives_right(case, position, entry) for entry in (0, 1)))
