import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.training.encoding import (
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
from tests.training.strategies import matrices, recipes, results

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
    data = encode_result(result)
    found = decode_result(recipe, data)

    assert len(data) == recipe.result_size
    assert [m.tolist() for m in found.change] == [m.tolist() for m in result.change]
    assert (found.digest, found.losses) == (result.digest, result.losses)
    assert encode_result(found) == data


def test_the_layout_of_a_result_is_the_documented_one():
    data = encode_result(Result(CHANGE, b"d" * 32, (1, 4096)))

    assert data.hex() == "0100feff0080ff7f" + "64" * 32 + "0100000000100000"


@pytest.mark.parametrize("missing", [-1, 1, 8])
def test_bytes_of_the_wrong_length_are_refused(missing):
    model, result = encode_model(CHANGE), encode_result(Result(CHANGE, bytes(32), (0, 0)))
    for data, decode in ((model, decode_model), (result, decode_result)):
        wrong = data[:-missing] if missing > 0 else data + b"\0"
        with pytest.raises(EncodingError, match=f"of {len(data) - missing} bytes, {len(data)} wanted"):
            decode(TINY, wrong)


def test_a_loss_that_no_batch_can_have_is_refused():
    data = encode_result(Result(CHANGE, bytes(32), (0, 4097)))

    with pytest.raises(EncodingError, match="a loss of 4097, at most 4096 possible"):
        decode_result(TINY, data)


def test_the_greatest_loss_a_batch_can_have_is_accepted():
    data = encode_result(Result(CHANGE, bytes(32), (4096, 0)))

    assert decode_result(TINY, data).losses == (4096, 0)


def test_the_digest_is_that_of_little_endian_int32():
    weights = (np.array([[1, -(2**31)]]), np.array([[2**31 - 1]]))

    expected = hashlib.sha256(bytes.fromhex("0100000000000080ffffff7f"))
    assert digest_weights(weights) == expected.digest()
