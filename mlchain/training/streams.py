"""The project's random numbers: SHAKE-256 read as a stream of 64-bit integers.

SHAKE-256 is fixed by FIPS 202 and part of Python's standard library, so the numbers depend on no version of
numpy. A stream is named by a 32-byte key, a purpose and a number; different names give independent streams.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from mlchain.training.exact import Integers

KEY_SIZE = 32


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
    epochs = -(-count // population)
    orders = [permutation(key, "sample order", epoch, population) for epoch in range(epochs)]
    return np.concatenate(orders)[:count] if orders else np.zeros(0, dtype=np.int64)
