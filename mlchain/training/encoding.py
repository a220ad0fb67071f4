"""The canonical bytes of models and results: little-endian, fixed width, one string of bytes for each value.

model: int16 a weight, in units of 2**quantum, layer by layer, row by row, the bias row last
result of 16 bits a weight: the change, laid out as a model | SHA-256 of the final weights as int32 | uint32 loss of
    every step
result of fewer bits: uint16 scale of every layer | codes in the order of a model, padded with zero bits | SHA-256 of
    the final weights as int32 and the uint32 loss of every step | uint64 sum of the losses
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlchain.training import compression
from mlchain.training.exact import Integers, Number
from mlchain.training.layers import Layer
from mlchain.training.recipe import DIGEST_SIZE, WIDE, Recipe
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


@dataclass(frozen=True, slots=True, eq=False)
class CompactResult:
    """What a job returns in fewer bits: the change less its estimate, as `compression` has it."""

    codes: tuple[compression.Codes, ...]  # one (inputs + 1, outputs) matrix a layer
    scales: tuple[int, ...]
    digest: bytes  # of the losses too
    loss: int  # the sum of all


def encode_model(model: Matrices) -> bytes:
    """Return a model's canonical bytes."""
    return b"".join(matrix.astype("<i2", casting="equiv").tobytes() for matrix in model)


def decode_model(recipe: Recipe, data: bytes) -> Matrices:
    """Read a model; every string of the right length is one. Any other length raises `EncodingError`."""
    if len(data) != recipe.model_size:
        raise EncodingError(f"a model of {len(data)} bytes, {recipe.model_size} wanted")
    return _matrices(recipe.layers, data)


def encode_result(recipe: Recipe, result: Result | CompactResult) -> bytes:
    """Return a result's canonical bytes."""
    if isinstance(result, Result):
        losses = b"".join(loss.to_bytes(4, "little") for loss in result.losses)
        return encode_model(result.change) + result.digest + losses
    scales = b"".join(scale.to_bytes(2, "little") for scale in result.scales)
    codes = compression.pack(np.concatenate([matrix.ravel() for matrix in result.codes]), recipe.bits)
    return scales + codes + result.digest + result.loss.to_bytes(8, "little")


def decode_result(recipe: Recipe, data: bytes) -> Result | CompactResult:
    """Read a result. A wrong length, or a value that no result has, raises `EncodingError`."""
    if len(data) != recipe.result_size:
        raise EncodingError(f"a result of {len(data)} bytes, {recipe.result_size} wanted")
    return _decode_wide(recipe, data) if recipe.bits == WIDE else _decode_compact(recipe, data)


def _decode_wide(recipe: Recipe, data: bytes) -> Result:
    change, rest = data[: recipe.model_size], data[recipe.model_size :]
    losses = np.frombuffer(rest[DIGEST_SIZE:], dtype="<u4")
    worst = recipe.batch * WORST_LOSS
    if losses.max() > worst:
        raise EncodingError(f"a loss of {losses.max()}, at most {worst} possible")
    return Result(_matrices(recipe.layers, change), rest[:DIGEST_SIZE], tuple(losses.tolist()))


def _decode_compact(recipe: Recipe, data: bytes) -> CompactResult:
    start, end = 2 * len(recipe.layers), len(data) - DIGEST_SIZE - 8
    scales = tuple(np.frombuffer(data[:start], dtype="<u2").tolist())
    try:
        codes = _split(recipe.layers, compression.unpack(data[start:end], recipe.bits, recipe.weights))
    except ValueError as error:
        raise EncodingError(str(error)) from None
    for matrix, scale in zip(codes, scales, strict=True):
        if not compression.is_canonical(matrix, scale, recipe.bits):
            raise EncodingError(f"a scale of {scale} that its layer cannot have")
    loss = int.from_bytes(data[-8:], "little")
    worst = recipe.local_steps * recipe.batch * WORST_LOSS
    if loss > worst:
        raise EncodingError(f"losses of {loss}, at most {worst} possible")
    return CompactResult(codes, scales, data[end:-8], loss)


def digest_weights(weights: Sequence[Integers], losses: Sequence[int] = ()) -> bytes:
    """Return the SHA-256 of unquantised weights as little-endian int32, layer by layer, row by row, and of losses."""
    digest = hashlib.sha256()
    for matrix in weights:
        digest.update(matrix.astype("<i4").tobytes())  # |weight| <= 2**31: see Layer.weight_range
    digest.update(np.array(losses, dtype="<u4").tobytes())
    return digest.digest()


def _matrices(layers: Sequence[Layer], data: bytes) -> Matrices:
    return _split(layers, np.frombuffer(data, dtype="<i2").astype(np.int16))


def _split(layers: Sequence[Layer], numbers: NDArray[Number]) -> tuple[NDArray[Number], ...]:
    ends = np.cumsum([layer.size for layer in layers])[:-1]
    return tuple(piece.reshape(layer.shape) for piece, layer in zip(np.split(numbers, ends), layers, strict=True))
