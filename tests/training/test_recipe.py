from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.tasks.catalogue import default_recipe
from mlchain.training.layers import InputKind, Inputs, Layer, Pooling, RecipeError
from mlchain.training.recipe import Recipe
from tests.training.strategies import ANY_BITS, recipes

IMAGE = Inputs(1, 28, 28, InputKind.UNSIGNED, 255)
DENSE = Layer(10, 0, 0, 1, 1, 0, 0, 0, 16, 6, 13, 10, 255, 300)
CONV = Layer(16, 5, 5, 1, 1, 2, Pooling.MAX, 1, 12, 5, 0, 9, 254, 1254)
PLAIN = Recipe("digits", bytes(range(32)), IMAGE, 90, 128, (replace(DENSE, error_shift=0),))
DEEP = Recipe("mnist", bytes(range(32)), IMAGE, 937, 64, (CONV, DENSE), 4, 1, (0, 2))
HEAD = 65  # bytes


def read(data: bytes) -> Recipe | None:
    """Return the recipe that bytes give, None if they are refused, in one line."""
    try:
        return Recipe.from_bytes(data)
    except RecipeError as error:
        refusal = str(error)
    assert "\n" not in refusal
    return None


@given(recipes(ANY_BITS))
def test_a_recipe_survives_its_bytes(recipe):
    assert Recipe.from_bytes(recipe.to_bytes()) == recipe


@given(recipes(ANY_BITS), st.data())
def test_bytes_are_refused_or_are_those_of_the_recipe_they_give(recipe, data):
    changed = bytearray(recipe.to_bytes())
    changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    found = read(bytes(changed))

    assert found is None or found.to_bytes() == changed


@pytest.mark.parametrize("recipe", [PLAIN, DEEP], ids=["plain", "deep"])
def test_no_change_of_a_byte_leaves_another_writing_of_the_same_recipe(recipe):
    whole = recipe.to_bytes()
    for place in range(len(whole)):
        for value in range(256):
            changed = whole[:place] + bytes([value]) + whole[place + 1 :]
            found = read(changed)
            assert found.to_bytes() == changed if found else changed != whole


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda rest: b"\x03mnist" + bytes(11) + rest))
def test_no_bytes_whatsoever_cause_anything_but_a_refusal(data):
    found = read(data)

    assert found is None or found.to_bytes() == data


@given(recipes(ANY_BITS), st.binary(min_size=1, max_size=40))
def test_a_recipe_with_bytes_missing_or_left_over_is_refused(recipe, rest):
    data = recipe.to_bytes()
    for wrong in (data[: -len(rest)], data + rest):
        with pytest.raises(RecipeError, match=f"a recipe of {len(wrong)} bytes"):
            Recipe.from_bytes(wrong)


def test_less_than_a_head_is_no_recipe():
    for length in range(1, HEAD):
        with pytest.raises(RecipeError, match=f"a recipe of {length} bytes, at least {HEAD} wanted"):
            Recipe.from_bytes(PLAIN.to_bytes()[:length])


def test_the_layout_of_the_bytes_is_the_documented_one():
    head = "03" + (b"mnist" + bytes(11)).hex() + bytes(range(32)).hex() + "a903" + "4000" + "04" + "01"
    inputs = "00" + "0100" + "1c00" + "1c00" + "ff"
    conv = "1000" + "0505" + "0101" + "02" + "01" + "01" + "0c" + "05" + "00" + "09" + "fe" + "e604"
    dense = "0a00" + "0000" + "0101" + "00" + "00" + "00" + "10" + "06" + "0d" + "0a" + "ff" + "2c01"

    assert DEEP.to_bytes().hex() == head + inputs + "02" + "02" + conv + dense + "0002"


@pytest.mark.parametrize("version", [0, 1, 2, 4, 255])
def test_another_version_is_refused(version):
    for rest in (PLAIN.to_bytes()[1:], bytes(45), b""):
        with pytest.raises(RecipeError, match=f"^a recipe of version {version}, 3 wanted$"):
            Recipe.from_bytes(bytes([version]) + rest)


def test_nothing_at_all_is_refused():
    with pytest.raises(RecipeError, match="a recipe of version none, 3 wanted"):
        Recipe.from_bytes(b"")


@pytest.mark.parametrize("task", ["fake", "digits"])
def test_default_recipes_are_small(task):
    for model, layers in (("softmax", 1), ("mlp", 2)):
        assert len(default_recipe(task, model).to_bytes()) <= HEAD + 16 * layers + 8


def test_the_sizes_of_model_and_result_follow_from_the_recipe():
    assert (PLAIN.weights, PLAIN.model_size, PLAIN.result_size) == (7850, 15_700, 15_700 + 40)
    sizes = {bits: replace(PLAIN, bits=bits).result_size for bits in (1, 2, 4, 8)}
    assert sizes == {1: 2 + 982 + 40, 2: 2 + 1963 + 40, 4: 2 + 3925 + 40, 8: 2 + 7850 + 40}
    assert DEEP.weights == 16 * 26 + 10 * (16 * 14 * 14 + 1)
    assert DEEP.result_size == 2 * 2 + -(-DEEP.weights // 2) + 40


@pytest.mark.parametrize("task", ["", "seventeen-letters", "Digits", "digits\n", "dig its", "é", "a\0b", "a/b", "a.b"])
def test_a_task_name_that_is_not_plain_is_refused(task):
    with pytest.raises(RecipeError, match="is not 1 to 16 lower-case letters, digits, hyphens and underscores"):
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
        ({"layers": (DENSE,)}, "error shift of the first layer 13"),
        ({"layers": (replace(PLAIN.layers[0], outputs=1),)}, "classes 1"),
        ({"inputs": Inputs(1, 1024, 1024, InputKind.UNSIGNED, 255)}, "model size 20971540 is not an integer in"),
        ({"bits": 3}, "3 bits for a change: choose one of 1, 2, 4, 8, 16"),
        ({"displacement": 16}, r"displacement 16 is not an integer in 0 \.\. 15"),
        ({"rate_shifts": ()}, "number of rate shifts 0"),
        ({"rate_shifts": (0,) * 256}, "number of rate shifts 256"),
        ({"rate_shifts": (0, 16)}, "rate shift 16"),
        ({"rate_shifts": (-1,)}, "rate shift -1"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused_with_the_reason(change, message):
    with pytest.raises(RecipeError, match=message):
        replace(PLAIN, **change)


def test_the_greatest_result_that_the_chain_takes_is_accepted_and_one_more_weight_refused():
    seen, layer = Inputs(1, 1, 65535, InputKind.UNSIGNED, 255), replace(PLAIN.layers[0], outputs=2)
    outputs = 128 * 24_576 // 2 // 65536
    accepted = replace(PLAIN, inputs=seen, bits=8, layers=(replace(layer, outputs=outputs - 1),))
    assert accepted.model_size == 2 * (outputs - 1) * 65536

    with pytest.raises(RecipeError, match=r"result size 3145768 is not an integer in 1 \.\. 3145728"):
        replace(accepted, bits=16, layers=(replace(layer, outputs=outputs),))


@pytest.mark.parametrize("kind", [InputKind.SIGNED, InputKind.TOKENS])
def test_only_unsigned_samples_can_be_displaced(kind):
    """For 0 moves in at the edges, which is the middle of what is signed, and a token of its own."""
    seen = Inputs(256, 2, 2, kind, 255)
    with pytest.raises(RecipeError, match=r"displacement 1 is not an integer in 0 \.\. 0"):
        replace(PLAIN, inputs=seen, displacement=1)


def test_the_rate_shift_of_a_version_is_its_own_or_the_last():
    recipe = replace(DEEP, rate_shifts=(1, 0, 3))

    shifts = [[layer.learning_shift for layer in recipe.layers_for(version)] for version in (1, 2, 3, 4, 99)]
    assert shifts == [[6, 7], [5, 6], [8, 9], [8, 9], [8, 9]]
    assert [replace(layer, learning_shift=0) for layer in recipe.layers_for(3)] == [
        replace(layer, learning_shift=0) for layer in recipe.layers
    ]


def test_a_rate_shift_beyond_the_bounds_is_refused_in_whatever_place():
    """A learning shift of more bits adds a greater half to the gradient before it shifts it."""
    layer = replace(PLAIN.layers[0], learning_shift=48)
    replace(PLAIN, layers=(layer,), rate_shifts=(0, 5))

    for shifts in ((6,), (0, 6, 0)):
        with pytest.raises(RecipeError, match=f"gradient of layer 0 can reach {2**53 + 128 * 2**12 * 255}, which is"):
            replace(PLAIN, layers=(layer,), rate_shifts=shifts)
