"""Orders of samples, displacements and trees as docs/training.md states them, in Python's integers and lists."""

import hashlib


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def uint32(prefix: bytes, number: int) -> int:
    """Return the number-th of the big-endian uint32 that are hashed from a prefix, eight from a hash."""
    block = sha256(prefix + (number // 8).to_bytes(4, "big"))
    return int.from_bytes(block[number % 8 * 4 :][:4], "big")


def sample(key: bytes, place: int, population: int) -> int:
    """Return the number of the sample that a job sees at a place of its order."""
    epoch, value = divmod(place, population)
    side = next(side for side in range(1, population + 1) if side * side >= population)
    seed = sha256(key + epoch.to_bytes(8, "big"))
    while True:
        left, right = divmod(value, side)
        for step in range(8):
            left, right = right, (left + uint32(seed + step.to_bytes(4, "big"), right)) % side
        value = left * side + right
        if value < population:
            return value


def displacement(key: bytes, place: int, reach: int) -> tuple[int, int]:
    """Return by how much a sample is moved down and across."""
    down, across = divmod(uint32(key + b"displacement", place) % (2 * reach + 1) ** 2, 2 * reach + 1)
    return down - reach, across - reach


def displaced(image: list[list[int]], down: int, across: int) -> list[list[int]]:
    """Return one channel of an image after it was moved."""
    height, width = len(image), len(image[0])
    return [
        [image[i - down][j - across] if 0 <= i - down < height and 0 <= j - across < width else 0 for j in range(width)]
        for i in range(height)
    ]


def root(leaves: list[bytes]) -> bytes:
    """Return the root of a tree over some leaves, whose missing ones have zeros for a hash."""
    depth = (len(leaves) - 1).bit_length()

    def node(height: int, number: int) -> bytes:
        if height == 0:
            return sha256(leaves[number]) if number < len(leaves) else bytes(32)
        return sha256(node(height - 1, 2 * number) + node(height - 1, 2 * number + 1))

    return node(depth, 0)


def weights_digest(weights: list[list[list[int]]]) -> bytes:
    """Return the digest of the master weights of every layer."""
    roots = []
    for matrix in weights:
        lines = [b"".join(value.to_bytes(4, "big", signed=True) for value in row) for row in matrix]
        rows = max(1, 512 // len(lines[0]))
        roots.append(root([b"".join(lines[start : start + rows]) for start in range(0, len(lines), rows)]))
    return sha256(b"".join(roots))
