"""The hashes and the draw of docs/protocol.md."""

from eth_abi import encode
from eth_utils import keccak


def seed_of(chain_id: int, factory: str, random: bytes, block_hash: bytes, number: int) -> bytes:
    """Return the seed of a round."""
    types = ["uint256", "address", "bytes32", "bytes32", "uint256"]
    return keccak(encode(types, [chain_id, factory, random, block_hash, number]))


def task_hash(task: bytes, number: int, index: int) -> bytes:
    """Return the hash of the task of a job, by its round and its index in it."""
    return keccak(encode(["bytes32", "uint256", "uint256"], [keccak(task), number, index]))


def commitment(job: str, seat: int, result_hash: bytes) -> bytes:
    """Return what a seat commits to."""
    domain = keccak(b"ml-on-blockchain.commitment.v2")
    return keccak(encode(["bytes32", "address", "uint256", "bytes32"], [domain, job, seat, result_hash]))


def drawn(seed: bytes, pool: int, value: int) -> int:
    """Return the position in the pool that holds a seat: π, put in again until it is below the pool's size."""
    side = next(side for side in range(pool + 1) if side * side >= pool)
    while True:
        left, right = value // side, value % side
        for step in range(16):
            word = keccak(seed + (step * 2**128 + right).to_bytes(32, "big"))
            left, right = right, (left + int.from_bytes(word, "big")) % side
        value = left * side + right
        if value < pool:
            return value
