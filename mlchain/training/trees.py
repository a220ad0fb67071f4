"""SHA-256 trees, so that one row of weights or one sample can be proved with a logarithm of hashes."""

import hashlib
from collections.abc import Iterable

from mlchain.training.exact import Integers

LEAF_SIZE = 512  # bytes of a tensor's leaf at most, unless one row takes more
_MISSING = bytes(32)


def merkle_root(leaves: Iterable[bytes]) -> bytes:
    """Return the root of the SHA-256 tree over some byte strings, at least one.

    The leaves are hashed, padded with zero words to a power of two, and paired from the left.
    """
    level = [hashlib.sha256(leaf).digest() for leaf in leaves]
    level += [_MISSING] * ((1 << (len(level) - 1).bit_length()) - len(level))
    while len(level) > 1:
        level = [hashlib.sha256(left + right).digest() for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def matrix_root(matrix: Integers) -> bytes:
    """Return the root of a matrix of int32, big-endian: a leaf has as many rows as fit into 512 bytes, at least one."""
    rows = max(1, LEAF_SIZE // (4 * matrix.shape[1]))
    data, size = matrix.astype(">i4").tobytes(), 4 * matrix.shape[1] * rows
    return merkle_root(data[start : start + size] for start in range(0, len(data), size))
