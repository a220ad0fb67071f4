"""SHA-256 trees, so that one row of weights or one sample can be proved with a logarithm of hashes."""

import hashlib
from collections.abc import Iterable
from functools import cache

from mlchain.training.exact import Integers

LEAF_SIZE = 512  # bytes of a tensor's leaf at most, unless one row takes more
MISSING = bytes(32)

Levels = list[list[bytes]]  # of a tree, from its leaves' hashes to its root; what is beyond the end of one is missing


@cache
def missing(height: int) -> bytes:
    """Return the root of a tree of some height without a leaf."""
    return hashlib.sha256(2 * missing(height - 1)).digest() if height else MISSING


def grow(nodes: list[bytes], height: int, below: int = 0) -> Levels:
    """Return the levels of a tree of some height over nodes, which themselves are as far above leaves as `below`."""
    levels, sha256 = [nodes], hashlib.sha256
    for level in range(below, below + height):
        none, above = missing(level), missing(level + 1)
        nodes = levels[-1] + [none] * (len(levels[-1]) % 2)
        pairs = zip(nodes[::2], nodes[1::2], strict=True)
        levels.append([above if left == none == right else sha256(left + right).digest() for left, right in pairs])
    return levels


def node_of(level: list[bytes], index: int, height: int) -> bytes:
    """Return a node of a level, which is at some height above leaves."""
    return level[index] if index < len(level) else missing(height)


def tree_of(leaves: Iterable[bytes]) -> Levels:
    """Return the tree over some byte strings, at least one.

    The leaves are hashed, padded with zero words to a power of two, and paired from the left.
    """
    hashes = [hashlib.sha256(leaf).digest() for leaf in leaves]
    return grow(hashes, (len(hashes) - 1).bit_length())


def path_in(tree: Levels, index: int) -> list[bytes]:
    """Return what a leaf is hashed with on the way to the root."""
    return [node_of(level, index >> up ^ 1, up) for up, level in enumerate(tree[:-1])]


def merkle_root(leaves: Iterable[bytes]) -> bytes:
    """Return the root of the tree over some byte strings, at least one."""
    return tree_of(leaves)[-1][0]


def matrix_root(matrix: Integers) -> bytes:
    """Return the root of a matrix of int32, big-endian: a leaf has as many rows as fit into 512 bytes, at least one."""
    rows = max(1, LEAF_SIZE // (4 * matrix.shape[1]))
    data, size = matrix.astype(">i4").tobytes(), 4 * matrix.shape[1] * rows
    return merkle_root(data[start : start + size] for start in range(0, len(data), size))
