"""The committee draw and its seed, twin of `contracts/libraries/CommitteeDraw.sol` and `JobFactory.deployRound`.

A Feistel network over two digits below `radix = ceil(sqrt(pool_size))` permutes [0, radix²); walking its cycle until
the value is below `pool_size` permutes [0, pool_size).
Source: Black and Rogaway, "Ciphers with Arbitrary Finite Domains".
"""

from collections.abc import Callable
from math import isqrt

from eth_abi import encode
from eth_utils import keccak

ROUNDS = 16


def seed_of(chain_id: int, factory: str, server_random: bytes, block_hash: bytes, round_number: int) -> bytes:
    """Return the seed of a round from the server's random number and the hash of its snapshot block.

    It binds the chain and the address of the factory: no two deployments have a result in common.
    """
    types = ["uint256", "address", "bytes32", "bytes32", "uint256"]
    return keccak(encode(types, [chain_id, factory, server_random, block_hash, round_number]))


def seat_of(seed: bytes, pool_size: int, position: int) -> int:
    """Return the seat that the worker at `position` holds; raise ValueError unless 0 <= position < pool_size."""
    return _walk(_invert, seed, pool_size, position)


def position_of(seed: bytes, pool_size: int, seat: int) -> int:
    """Return the position of the worker that holds `seat`; raise ValueError unless 0 <= seat < pool_size."""
    return _walk(_permute, seed, pool_size, seat)


def _walk(step: Callable[[bytes, int, int], int], seed: bytes, pool_size: int, value: int) -> int:
    if not 0 <= value < pool_size:  # such a value may walk for ever
        raise ValueError(f"{value} is outside a pool of {pool_size}")
    radix = isqrt(pool_size - 1) + 1
    value = step(seed, radix, value)
    while value >= pool_size:
        value = step(seed, radix, value)
    return value


def _permute(seed: bytes, radix: int, value: int) -> int:
    left, right = divmod(value, radix)
    for round_number in range(ROUNDS):
        left, right = right, (left + _key(seed, round_number, right)) % radix
    return left * radix + right


def _invert(seed: bytes, radix: int, value: int) -> int:
    left, right = divmod(value, radix)
    for round_number in reversed(range(ROUNDS)):
        left, right = (right - _key(seed, round_number, left)) % radix, left
    return left * radix + right


def _key(seed: bytes, round_number: int, digit: int) -> int:
    return int.from_bytes(keccak(seed + round_number.to_bytes(16, "big") + digit.to_bytes(16, "big")), "big")
