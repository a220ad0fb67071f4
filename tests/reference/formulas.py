"""The hashes and the draw of docs/protocol.md."""

from eth_abi import encode
from eth_utils import keccak


def seed_of(chain_id: int, factory: str, random: bytes, block_hash: bytes, number: int) -> bytes:
    """Return the seed of a round."""
    types = ["uint256", "address", "bytes32", "bytes32", "uint256"]
    return keccak(encode(types, [chain_id, factory, random, block_hash, number]))


def task_hash(recipe: bytes, model: bytes, parent: bytes, version: int) -> bytes:
    """Return what binds a round's recipe, its model, the model's parent and its number."""
    return keccak(keccak(recipe) + model + parent + version.to_bytes(32, "big"))


def chunk_hash(chunk: bytes) -> bytes:
    """Return the root of a chunk's tree: of a piece its hash, else that of both halves, missing nodes being zero."""
    pieces = [chunk[start : start + 512] for start in range(0, len(chunk), 512)]
    size = 1
    while size < len(pieces):
        size *= 2
    return _root(pieces, size)


def _root(pieces: list[bytes], size: int) -> bytes:
    if not pieces:
        return bytes(32)
    if size == 1:
        return keccak(pieces[0])
    return keccak(_root(pieces[: size // 2], size // 2) + _root(pieces[size // 2 :], size // 2))


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
