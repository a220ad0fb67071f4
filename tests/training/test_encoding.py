"""Models and results survive their bytes, and what no model and no result has is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.training.encoding import (
    EncodingError,
    Result,
    decode_model,
    decode_result,
    encode_model,
    encode_result,
)
from mlchain.training.layers import InputKind, Inputs, Layer
from mlchain.training.recipe import Recipe
from tests.training.strategies import ANY_BITS, matrices, recipes, results

LAYER = Layer(2, 0, 0, 1, 1, 0, 0, 0, 8, 0, 0, 0, 1, 0)
TINY = Recipe("tiny", bytes(32), Inputs(1, 1, 1, InputKind.UNSIGNED, 1), 2, 1, (LAYER,))
CHANGE = (np.array([[1, -2], [-32768, 32767]], dtype=np.int16),)
FOUR = replace(TINY, bits=4)  # 4 codes: 2 bytes of scale, 2 of codes, 32 of digest, 8 of loss
CODES = (np.array([[1, -2], [7, -7]], dtype=np.int8),)


@given(recipes().flatmap(lambda recipe: st.tuples(st.just(recipe), matrices(recipe))))
def test_a_model_survives_its_bytes(drawn):
    recipe, model = drawn
    data = encode_model(model)

    assert len(data) == recipe.model_size
    assert [m.tolist() for m in decode_model(recipe, data)] == [m.tolist() for m in model]


@given(recipes(ANY_BITS).flatmap(lambda recipe: st.tuples(st.just(recipe), results(recipe))))
def test_a_result_survives_its_bytes(drawn):
    recipe, result = drawn
    data = encode_result(recipe, result)
    found = decode_result(recipe, data)

    assert len(data) == recipe.result_size
    assert [m.tolist() for m in found.codes] == [m.tolist() for m in result.codes]
    assert (found.scales, found.digest, found.loss) == (result.scales, result.digest, result.loss)
    assert encode_result(recipe, found) == data


@given(recipes(ANY_BITS), st.data())
def test_all_bytes_of_the_right_length_are_a_result(recipe, data):
    made = data.draw(st.binary(min_size=recipe.result_size, max_size=recipe.result_size))
    found = decode_result(recipe, made)

    again = bytearray(encode_result(recipe, found))
    padding = -recipe.weights * recipe.bits % 8  # bits of the last byte of codes that belong to no weight
    again[-41] |= made[-41] & ~(0xFF >> padding) & 0xFF
    assert again == made


def test_the_layouts_are_the_documented_ones():
    assert encode_model(CHANGE).hex() == "0100feff0080ff7f"

    wide, few = Result(CHANGE, (), b"d" * 32, 8192), Result(CODES, (4,), b"d" * 32, 8192)
    assert encode_result(TINY, wide).hex() == "0100feff0080ff7f" + "64" * 32 + "0020000000000000"
    assert encode_result(FOUR, few).hex() == "0400" + "e197" + "64" * 32 + "0020000000000000"


def test_weights_come_layer_by_layer_and_output_by_output_with_the_bias_last():
    deep = replace(TINY, layers=(replace(LAYER, outputs=3), LAYER))
    data = np.arange(14, dtype="<i2").tobytes()

    assert [matrix.tolist() for matrix in decode_model(deep, data)] == [
        [[0, 1], [2, 3], [4, 5]],
        [[6, 7, 8, 9], [10, 11, 12, 13]],
    ]


@pytest.mark.parametrize("missing", [-8, -1, 1, 8])
@pytest.mark.parametrize("recipe", [TINY, FOUR], ids=["wide", "few"])
def test_bytes_of_the_wrong_length_are_refused(recipe, missing):
    for size, decode in ((recipe.model_size, decode_model), (recipe.result_size, decode_result)):
        with pytest.raises(EncodingError, match=f"of {size - missing} bytes, {size} wanted"):
            decode(recipe, bytes(size - missing))


@pytest.mark.parametrize(
    ("bits", "codes", "hexadecimal"),
    [
        (1, [[1, -1], [1, -1]], "0a"),
        (2, [[1, -1], [0, 1]], "4d"),
        (4, [[1, -1], [-7, 7]], "f179"),
        (8, [[1, -1], [-127, 127]], "01ff817f"),
    ],
)
def test_codes_are_packed_from_the_lowest_bit(bits, codes, hexadecimal):
    result = Result((np.array(codes, dtype=np.int8),), (1,), bytes(32), 0)

    assert encode_result(replace(TINY, bits=bits), result)[2:-40].hex() == hexadecimal
