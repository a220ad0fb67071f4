import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.training.encoding import (
    CompactResult,
    EncodingError,
    Result,
    decode_model,
    decode_result,
    digest_weights,
    encode_model,
    encode_result,
)
from mlchain.training.layers import Layer
from mlchain.training.recipe import Recipe
from tests.training.strategies import ANY_BITS, FEWER_BITS, compact_results, matrices, recipes, results

TINY = Recipe("tiny", bytes(32), 2, 1, (Layer(1, 2, 1, 8, 0, 0, 0, 0),))
CHANGE = (np.array([[1, -2], [-32768, 32767]], dtype=np.int16),)


@given(recipes().flatmap(lambda recipe: st.tuples(st.just(recipe), matrices(recipe))))
def test_a_model_survives_its_bytes(drawn):
    recipe, model = drawn
    data = encode_model(model)

    assert len(data) == recipe.model_size
    assert [m.tolist() for m in decode_model(recipe, data)] == [m.tolist() for m in model]


@given(recipes().flatmap(lambda recipe: st.tuples(st.just(recipe), results(recipe))))
def test_a_result_survives_its_bytes(drawn):
    recipe, result = drawn
    data = encode_result(recipe, result)
    found = decode_result(recipe, data)

    assert len(data) == recipe.result_size
    assert [m.tolist() for m in found.change] == [m.tolist() for m in result.change]
    assert (found.digest, found.losses) == (result.digest, result.losses)
    assert encode_result(recipe, found) == data


def test_the_layout_of_a_result_is_the_documented_one():
    data = encode_result(TINY, Result(CHANGE, b"d" * 32, (1, 4096)))

    assert data.hex() == "0100feff0080ff7f" + "64" * 32 + "0100000000100000"


@pytest.mark.parametrize("missing", [-1, 1, 8])
def test_bytes_of_the_wrong_length_are_refused(missing):
    model, result = encode_model(CHANGE), encode_result(TINY, Result(CHANGE, bytes(32), (0, 0)))
    for data, decode in ((model, decode_model), (result, decode_result)):
        wrong = data[:-missing] if missing > 0 else data + b"\0"
        with pytest.raises(EncodingError, match=f"of {len(data) - missing} bytes, {len(data)} wanted"):
            decode(TINY, wrong)


def test_a_loss_that_no_batch_can_have_is_refused():
    data = encode_result(TINY, Result(CHANGE, bytes(32), (0, 4097)))

    with pytest.raises(EncodingError, match="a loss of 4097, at most 4096 possible"):
        decode_result(TINY, data)


def test_the_greatest_loss_a_batch_can_have_is_accepted():
    data = encode_result(TINY, Result(CHANGE, bytes(32), (4096, 0)))

    assert decode_result(TINY, data).losses == (4096, 0)


COMPACT = replace(TINY, bits=4)  # 4 codes: 2 bytes of scale, 2 of codes, 32 of digest, 8 of losses
FOUR = CompactResult((np.array([[1, -2], [7, -7]], dtype=np.int8),), (4,), b"d" * 32, 8192)


@given(recipes(FEWER_BITS).flatmap(lambda recipe: st.tuples(st.just(recipe), compact_results(recipe))))
def test_a_compact_result_survives_its_bytes(drawn):
    recipe, result = drawn
    data = encode_result(recipe, result)
    found = decode_result(recipe, data)

    assert len(data) == recipe.result_size
    assert [m.tolist() for m in found.codes] == [m.tolist() for m in result.codes]
    assert (found.scales, found.digest, found.loss) == (result.scales, result.digest, result.loss)
    assert encode_result(recipe, found) == data


@given(recipes(ANY_BITS), st.data())
def test_bytes_are_refused_or_are_those_of_the_result_they_give(recipe, data):
    made = bytearray(data.draw(st.binary(min_size=recipe.result_size, max_size=recipe.result_size)))
    if recipe.bits != 16 and data.draw(st.booleans()):  # so that not nearly all are refused
        made[: 2 * len(recipe.layers)] = b"\x04\x00" * len(recipe.layers)
        made[-8:] = bytes(8)
    try:
        found = decode_result(recipe, bytes(made))
    except EncodingError:
        return

    assert encode_result(recipe, found) == made


def test_the_layout_of_a_compact_result_is_the_documented_one():
    data = encode_result(COMPACT, FOUR)

    assert data.hex() == "0400" + "e197" + "64" * 32 + "0020000000000000"
    assert decode_result(COMPACT, data).loss == 8192


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
    result = CompactResult((np.array(codes, dtype=np.int8),), (1,), bytes(32), 0)

    assert encode_result(replace(TINY, bits=bits), result)[2:-40].hex() == hexadecimal


@pytest.mark.parametrize(
    ("bits", "changed", "message"),
    [
        (4, {0: 3}, "a scale of 3 that its layer cannot have"),  # no power of two
        (4, {0: 0}, "a scale of 0 that its layer cannot have"),  # codes that mean nothing
        (4, {1: 255}, "a scale of 65284 that its layer cannot have"),
        (4, {2: 0, 3: 0}, "a scale of 4 that its layer cannot have"),  # of nothing
        (4, {2: 0x18}, "a code of -8, at least -7 possible"),
        (8, {2: 0x80}, "a code of -128, at least -127 possible"),
        (2, {2: 0b10}, "a code of -2, at least -1 possible"),
        (1, {2: 0x10}, "padding that is not 0"),
        (1, {0: 0}, "a scale of 0 that its layer cannot have"),
        (1, {1: 0x80}, "a scale of 32772 that its layer cannot have"),
        (4, {-8: 1}, "losses of 8193, at most 8192 possible"),
        (4, {-1: 1}, "losses of 72057594037936128, at most 8192 possible"),
    ],
)
def test_what_no_result_has_is_refused(bits, changed, message):
    recipe = replace(TINY, bits=bits)
    codes = np.array([[1, -1], [1, -1]], dtype=np.int8)
    data = bytearray(encode_result(recipe, CompactResult((codes,), (4,), bytes(32), 8192)))
    decode_result(recipe, bytes(data))

    for place, value in changed.items():
        data[place] = value
    with pytest.raises(EncodingError, match=message):
        decode_result(recipe, bytes(data))


def test_a_sign_may_have_any_scale_up_to_the_greatest():
    recipe = replace(TINY, bits=1)
    codes = np.array([[1, -1], [1, -1]], dtype=np.int8)
    for scale in (3, 2**15):
        data = encode_result(recipe, CompactResult((codes,), (scale,), bytes(32), 0))
        assert decode_result(recipe, data).scales == (scale,)


@given(recipes(FEWER_BITS), st.binary(min_size=1, max_size=9))
def test_a_compact_result_of_the_wrong_length_is_refused(recipe, rest):
    for wrong in (bytes(recipe.result_size - len(rest)), bytes(recipe.result_size) + rest):
        with pytest.raises(EncodingError, match=f"of {len(wrong)} bytes, {recipe.result_size} wanted"):
            decode_result(recipe, wrong)


def test_the_digest_covers_the_losses():
    weights = (np.array([[1]]),)

    assert digest_weights(weights, [1, 2]) == hashlib.sha256(bytes.fromhex("010000000100000002000000")).digest()


def test_the_digest_is_that_of_little_endian_int32():
    weights = (np.array([[1, -(2**31)]]), np.array([[2**31 - 1]]))

    expected = hashlib.sha256(bytes.fromhex("0100000000000080ffffff7f"))
    assert digest_weights(weights) == expected.digest()
