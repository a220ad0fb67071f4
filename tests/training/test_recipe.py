from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.tasks.catalogue import PLANS
from mlchain.training.layers import Layer, RecipeError, bounds
from mlchain.training.recipe import Recipe
from tests.training.strategies import ANY_BITS, recipes

SOFTMAX = Layer(64, 10, 16, 20, 8, 0, 5, 0)
HIDDEN = Layer(784, 64, 255, 16, 15, 0, 4, 400)
OUTPUT = Layer(64, 10, 1023, 22, 17, 14, 2, 800)
PLAIN = Recipe("digits", bytes(range(32)), 90, 128, (SOFTMAX,))
DEEP = Recipe("mnist", bytes(range(32)), 937, 64, (HIDDEN, OUTPUT))


@given(recipes(ANY_BITS))
def test_a_recipe_survives_its_bytes(recipe):
    assert Recipe.from_bytes(recipe.to_bytes()) == recipe


@given(recipes(ANY_BITS), st.data())
def test_bytes_are_refused_or_are_those_of_the_recipe_they_give(recipe, data):
    changed = bytearray(recipe.to_bytes())
    changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = Recipe.from_bytes(bytes(changed))
    except RecipeError:
        return

    assert found.to_bytes() == changed


@given(recipes(ANY_BITS), st.binary(min_size=1, max_size=11))
def test_a_recipe_with_bytes_missing_or_left_over_is_refused(recipe, rest):
    data = recipe.to_bytes()
    for wrong in (data[: -len(rest)], data + rest):
        with pytest.raises(RecipeError, match="a recipe of"):
            Recipe.from_bytes(wrong)


def test_less_than_a_head_is_no_recipe():
    for length in range(46):
        with pytest.raises(RecipeError, match=f"a recipe of {length} bytes"):
            Recipe.from_bytes(PLAIN.to_bytes()[:length])


def test_the_layout_of_the_bytes_is_the_documented_one():
    head = "01" + b"digits\0\0".hex() + bytes(range(32)).hex() + "5a00" + "8000" + "01"
    layer = "4000" + "0a00" + "1000" + "14" + "08" + "00" + "05" + "0000"

    assert PLAIN.to_bytes().hex() == head + layer
    assert replace(PLAIN, bits=4).to_bytes().hex() == "02" + head[2:] + "04" + layer


def test_a_recipe_of_16_bits_has_one_version_only():
    data = replace(PLAIN, bits=8).to_bytes()
    place = data.index(b"\x80\x00\x01\x08") + 3

    with pytest.raises(RecipeError, match="a recipe of version 2 with 16 bits, which version 1 writes"):
        Recipe.from_bytes(data[:place] + b"\x10" + data[place + 1 :])


@pytest.mark.parametrize("version", [0, 3, 255])
def test_another_version_is_refused(version):
    with pytest.raises(RecipeError, match=f"a recipe of version {version}, 1 or 2 wanted"):
        Recipe.from_bytes(bytes([version]) + PLAIN.to_bytes()[1:])


def test_default_recipes_are_small_and_valid():
    for (task, _), plan in PLANS.items():
        recipe = Recipe(task, bytes(32), plan.local_steps, plan.batch, plan.layers, plan.bits)
        assert len(recipe.to_bytes()) <= 71


def test_the_sizes_of_model_and_result_follow_from_the_recipe():
    assert (PLAIN.model_size, PLAIN.result_size) == (65 * 10 * 2, 65 * 10 * 2 + 32 + 90 * 4)
    sizes = {bits: replace(PLAIN, bits=bits).result_size for bits in (1, 2, 4, 8)}
    assert sizes == {1: 2 + 82 + 40, 2: 2 + 163 + 40, 4: 2 + 325 + 40, 8: 2 + 650 + 40}


@pytest.mark.parametrize("task", ["", "too-long", "Digits", "digits\n", "ninechars", "dig its", "é"])
def test_a_task_name_that_is_not_plain_is_refused(task):
    with pytest.raises(RecipeError, match="is not 1 to 8 lower-case letters and digits"):
        replace(PLAIN, task=task)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fingerprint": bytes(31)}, "a fingerprint of 31 bytes, 32 wanted"),
        ({"local_steps": 0}, r"local steps 0 is not an integer in 1 \.\. 65535"),
        ({"local_steps": 65536}, "local steps 65536"),
        ({"batch": 0}, "batch 0"),
        ({"batch": 65536}, "batch 65536"),
        ({"batch": 2.0}, "batch 2.0 is not an integer"),
        ({"layers": ()}, "number of layers 0"),
        ({"layers": (SOFTMAX,) * 5}, "number of layers 5"),
        ({"layers": (HIDDEN, replace(OUTPUT, inputs=63))}, "a layer of 64 outputs before one of 63 inputs"),
        ({"layers": (replace(SOFTMAX, outputs=1),)}, "classes 1"),
        ({"layers": (replace(SOFTMAX, outputs=257),)}, "classes 257"),
        ({"layers": (replace(SOFTMAX, scale=7),)}, "scale of the last layer 7"),
        ({"layers": (replace(SOFTMAX, error_shift=1),)}, "error shift of the first layer 1"),
        ({"layers": (replace(SOFTMAX, inputs=65535, outputs=25),)}, "model size 3276800"),
        ({"layers": (replace(SOFTMAX, inputs=65534, outputs=24),)}, "result size 3146072"),
        ({"bits": 3}, "3 bits for a change: choose one of 1, 2, 4, 8, 16"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused_with_the_reason(change, message):
    with pytest.raises(RecipeError, match=message):
        replace(PLAIN, **change)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("inputs", 0),
        ("outputs", 65536),
        ("input_max", 0),
        ("scale", 63),
        ("learning_shift", -1),
        ("error_shift", 63),
        ("quantum", 17),
        ("initial", 32768),
    ],
)
def test_a_layer_out_of_range_is_refused_with_the_value(field, value):
    with pytest.raises(RecipeError, match=f"{field} {value} is not an integer in"):
        replace(SOFTMAX, **{field: value})


@pytest.mark.parametrize(
    ("recipe", "what"),
    [
        ((replace(HIDDEN, quantum=16, input_max=65535, inputs=65535, outputs=2),), "sums of layer 0"),
        ((HIDDEN, replace(OUTPUT, quantum=16, error_shift=0)), "gradient of layer 0"),
        (
            (HIDDEN, OUTPUT, replace(OUTPUT, inputs=10, quantum=16, error_shift=0)),
            "errors passed back by layer 1",
        ),
    ],
)
def test_a_recipe_whose_arithmetic_could_leave_the_exact_integers_is_refused(recipe, what):
    exceeded = {each.of: each for each in bounds(recipe, 64) if each.bound >= each.limit}

    with pytest.raises(
        RecipeError, match=f"can reach {next(iter(exceeded.values())).bound}, which is not below {2**53}"
    ):
        Recipe("x", bytes(32), 1, 64, recipe)
    assert what in exceeded


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((replace(SOFTMAX, learning_shift=54),), f"rounding in layer 0 can reach {2**53 + 134_217_728}"),
        (
            (HIDDEN, replace(OUTPUT, error_shift=54)),
            f"rounding of errors of layer 1 can reach {2**53 + 85_899_345_920}",
        ),
    ],
)
def test_a_shift_so_far_that_its_half_could_not_be_added_is_refused(layers, message):
    with pytest.raises(RecipeError, match=message):
        Recipe("x", bytes(32), 1, 128, layers)


def test_the_first_batch_that_could_overflow_is_refused():
    hidden = Layer(2, 2, 65535, 8, 0, 0, 0, 0)
    output = Layer(2, 2, 1, 8, 0, 0, 4, 0)  # passes errors of up to 2**16 * 2**19 * 2 = 2**36 unshifted
    greatest = (2**53 - 1) // (65535 * 2**36)
    accepted = Recipe("x", bytes(32), 1, greatest, (hidden, output))

    with pytest.raises(RecipeError, match="gradient of layer 0 can reach"):
        replace(accepted, batch=greatest + 1)
