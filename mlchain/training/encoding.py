"""The canonical bytes of models and results: little-endian, fixed width, one string of bytes for each value.

model:  int16 a weight, in units of 2**quantum, layer by layer, row by row, the bias row last
result: the change, laid out as a model | SHA-256 of the final weights as int32 | uint32 loss of every step
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlchain.training.layers import Layer
from mlchain.training.recipe import DIGEST_SIZE, Recipe
from mlchain.training.softmax import WORST_LOSS

Matrices = tuple[NDArray[np.int16], ...]  # one (inputs + 1, outputs) matrix a layer


class EncodingError(ValueError):
    """Bytes that no model or no result of this recipe has."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a job returns: the change of the model, proof of the exact weights behind it, and the losses."""

    change: Matrices
    digest: bytes
    losses: tuple[int, ...]  # of the batches, in 1/256 bit, summed over their samples


def encode_model(model: Matrices) -> bytes:
    """Return a model's canonical bytes."""
    return b"".join(matrix.astype("<i2", casting="equiv").tobytes() for matrix in model)


def decode_model(recipe: Recipe, data: bytes) -> Matrices:
    """Read a model; every string of the right length is one. Any other length raises `EncodingError`."""
    if len(data) != recipe.model_size:
        raise EncodingError(f"a model of {len(data)} bytes, {recipe.model_size} wanted")
    return _matrices(recipe.layers, data)


def encode_result(result: Result) -> bytes:
    """Return a result's canonical bytes."""
    losses = b"".join(loss.to_bytes(4, "little") for loss in result.losses)
    return encode_model(result.change) + result.digest + losses


def decode_result(recipe: Recipe, data: bytes) -> Result:
    """Read a result. A wrong length, or a loss no batch can have, raises `EncodingError`."""
    if len(data) != recipe.result_size:
        raise EncodingError(f"a result of {len(data)} bytes, {recipe.result_size} wanted")
    change, rest = data[: recipe.model_size], data[recipe.model_size :]
    losses = np.frombuffer(rest[DIGEST_SIZE:], dtype="<u4")
    worst = recipe.batch * WORST_LOSS
    if losses.max() > worst:
        raise EncodingError(f"a loss of {losses.max()}, at most {worst} possible")
    return Result(_matrices(recipe.layers, change), rest[:DIGEST_SIZE], tuple(losses.tolist()))


def digest_weights(weights: Sequence[NDArray[np.int64]]) -> bytes:
    """Return the SHA-256 of unquantised weights as little-endian int32, layer by layer, row by row."""
    digest = hashlib.sha256()
    for matrix in weights:
        digest.update(matrix.astype("<i4").tobytes())  # |weight| <= 2**31: see Layer.weight_range
    return digest.digest()


def _matrices(layers: Sequence[Layer], data: bytes) -> Matrices:
    ends = np.cumsum([layer.size for layer in layers])[:-1]
    pieces = np.split(np.frombuffer(data, dtype="<i2").astype(np.int16), ends)
    return tuple(piece.reshape(layer.shape) for piece, layer in zip(pieces, layers, strict=True))
