"""The canonical bytes of models and results: little-endian, fixed width, one string of bytes for each value.

model: int16 a weight, layer by layer, output by output, the bias last of each
result: uint16 scale of every layer, unless a weight's change has 16 bits | codes in the order of a model, padded with
    zero bits | SHA-256 over the trees of the final master weights | uint64 sum of the losses
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mlchain.training import compression
from mlchain.training.exact import AnyIntegers, Integers
from mlchain.training.layers import Stage
from mlchain.training.recipe import DIGEST_SIZE, WIDE, Recipe
from mlchain.training.trees import matrix_root

Matrices = tuple[NDArray[np.int16], ...]  # one (outputs, fan-in + 1) matrix a layer

_LOSS_SIZE = 8
_Width = TypeVar("_Width", bound=np.signedinteger[Any])


class EncodingError(ValueError):
    """Bytes that no model or no result of this recipe has."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a job returns: the change of the model, proof of the exact weights behind it, and the loss.

    With 16 bits a weight, the codes are the change. With fewer they are the change less its estimate, as `compression`
    has it, in units of each layer's scale.
    """

    codes: tuple[AnyIntegers, ...]  # one (outputs, fan-in + 1) matrix a layer
    scales: tuple[int, ...]  # none with 16 bits a weight
    digest: bytes
    loss: int  # in 1/256 bit, summed over all samples


def encode_model(model: Matrices) -> bytes:
    """Return a model's canonical bytes."""
    return b"".join(matrix.astype("<i2", casting="equiv").tobytes() for matrix in model)


def decode_model(recipe: Recipe, data: bytes) -> Matrices:
    """Read a model; every string of the right length is one. Any other length raises `EncodingError`."""
    if len(data) != recipe.model_size:
        raise EncodingError(f"a model of {len(data)} bytes, {recipe.model_size} wanted")
    return _matrices(recipe.stages, data)


def encode_result(recipe: Recipe, result: Result) -> bytes:
    """Return a result's canonical bytes."""
    scales = b"".join(scale.to_bytes(2, "little") for scale in result.scales)
    codes = np.concatenate([matrix.ravel() for matrix in result.codes])
    packed = codes.astype("<i2").tobytes() if recipe.bits == WIDE else compression.pack(codes, recipe.bits)
    return scales + packed + result.digest + result.loss.to_bytes(_LOSS_SIZE, "little")


def decode_result(recipe: Recipe, data: bytes) -> Result:
    """Read a result; every string of the right length is one, as with models. Any other raises `EncodingError`.

    So a contract can tell what a weight becomes from a few bytes: whether a result is an honest one follows from all.
    """
    if len(data) != recipe.result_size:
        raise EncodingError(f"a result of {len(data)} bytes, {recipe.result_size} wanted")
    body, digest = data[: -DIGEST_SIZE - _LOSS_SIZE], data[-DIGEST_SIZE - _LOSS_SIZE : -_LOSS_SIZE]
    loss = int.from_bytes(data[-_LOSS_SIZE:], "little")
    if recipe.bits == WIDE:
        return Result(_matrices(recipe.stages, body), (), digest, loss)
    start = 2 * len(recipe.layers)
    scales = tuple(np.frombuffer(body[:start], dtype="<u2").tolist())
    codes = _split(recipe.stages, compression.unpack(body[start:], recipe.bits, recipe.weights))
    return Result(codes, scales, digest, loss)


def digest_weights(weights: Sequence[Integers]) -> bytes:
    """Return the SHA-256 of the roots of the trees over the master weights of every layer."""
    return hashlib.sha256(b"".join(matrix_root(matrix) for matrix in weights)).digest()


def _matrices(network: Sequence[Stage], data: bytes) -> Matrices:
    return _split(network, np.frombuffer(data, dtype="<i2").astype(np.int16))


def _split(network: Sequence[Stage], numbers: NDArray[_Width]) -> tuple[NDArray[_Width], ...]:
    ends = np.cumsum([stage.size for stage in network])[:-1]
    return tuple(piece.reshape(stage.weights) for piece, stage in zip(np.split(numbers, ends), network, strict=True))
