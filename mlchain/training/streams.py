"""The project's random numbers, which depend on no version of numpy.

Initial weights, and what is drawn once, come from SHAKE-256 (FIPS 202) read as a stream of 64-bit integers; a stream is
named by a 32-byte key, a purpose and a number, and different names give independent streams. The order of samples and
how far each is moved come from SHA-256, and each number by itself costs a few hashes: a contract can work it out.
"""

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

from mlchain.training.exact import Integers

KEY_SIZE = 32
ROUNDS = 8  # of the permutation
_WORDS = 8  # big-endian uint32 in a SHA-256


def derive_key(purpose: str, *parts: bytes) -> bytes:
    """Return the SHA-256 of a purpose and byte strings, each after its length so that none run together."""
    digest = hashlib.sha256()
    for part in (b"mlchain", purpose.encode(), *parts):
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.digest()


def random_words(key: bytes, purpose: str, number: int, count: int) -> NDArray[np.uint64]:
    """Return the first `count` 64-bit little-endian words of the stream (key, purpose, number)."""
    if len(key) != KEY_SIZE:
        raise ValueError(f"a key of {len(key)} bytes, {KEY_SIZE} wanted")
    name = derive_key(purpose, key, number.to_bytes(8, "little"))
    return np.frombuffer(hashlib.shake_256(name).digest(8 * count), dtype="<u8").astype(np.uint64)


def random_integers(key: bytes, purpose: str, number: int, count: int, greatest: int) -> Integers:
    """Return integers in -greatest .. greatest, 0 <= greatest < 2**31, uniform to within 2**-32 each."""
    if not 0 <= greatest < 2**31:
        raise ValueError(f"greatest value {greatest} is not in 0 .. 2**31 - 1")
    words = random_words(key, purpose, number, count) >> np.uint64(32)
    scaled = (words * np.uint64(2 * greatest + 1)) >> np.uint64(32)  # below 2**32 * 2**32: no overflow
    return scaled.astype(np.int64) - greatest


def permutation(key: bytes, purpose: str, number: int, count: int) -> Integers:
    """Return 0 .. count - 1 in random order: the order of 64-bit words, equal words keeping their place."""
    return np.argsort(random_words(key, purpose, number, count), kind="stable").astype(np.int64)


def sample_order(key: bytes, population: int, count: int) -> Integers:
    """Return `count` sample numbers: permutation upon permutation of the population, the last cut off."""
    epochs = [
        epoch_order(key, epoch, population, min(population, count - epoch * population))
        for epoch in range(-(-count // population))
    ]
    return np.concatenate(epochs) if epochs else np.zeros(0, dtype=np.int64)


def epoch_order(key: bytes, epoch: int, population: int, count: int) -> Integers:
    """Return the first `count` of 0 .. population - 1 in the order of an epoch.

    A Feistel network of eight rounds permutes the numbers below the next square, side by side; a number that it takes
    beyond the population is taken through it again (Black and Rogaway 2002, "Ciphers with arbitrary finite domains").
    """
    side = math.isqrt(population - 1) + 1
    seed = hashlib.sha256(key + epoch.to_bytes(8, "big")).digest()
    tables = [_uint32s(seed + number.to_bytes(4, "big"), side) for number in range(ROUNDS)]
    order = _permute(np.arange(count, dtype=np.int64), tables, side)
    outside = np.flatnonzero(order >= population)
    while outside.size:
        order[outside] = _permute(order[outside], tables, side)
        outside = outside[order[outside] >= population]
    return order


def displacements(key: bytes, count: int, reach: int) -> Integers:
    """Return by how many pixels the samples of a job are moved down and across, (count, 2), each -reach .. reach.

    A sample's number is `uint32 number p mod 8 of SHA-256(key ‖ "displacement" ‖ uint32 p div 8)`, taken modulo the
    number of places.
    """
    places = 2 * reach + 1
    numbers = _uint32s(key + b"displacement", count) % places**2
    moves: Integers = np.stack([numbers // places, numbers % places], axis=1) - reach
    return moves


def _permute(numbers: Integers, tables: list[Integers], side: int) -> Integers:
    left, right = numbers // side, numbers % side
    for table in tables:
        left, right = right, (left + table[right]) % side
    permuted: Integers = left * side + right
    return permuted


def _uint32s(prefix: bytes, count: int) -> Integers:
    """Return big-endian uint32 numbers, eight from the SHA-256 of the prefix and each number from 0 on as 4 bytes."""
    blocks = range(-(-count // _WORDS))
    data = b"".join(hashlib.sha256(prefix + block.to_bytes(4, "big")).digest() for block in blocks)
    return np.frombuffer(data, dtype=">u4")[:count].astype(np.int64)
