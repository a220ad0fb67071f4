"""Commitments and task hashes, twins of `Job._commitment` and `JobFactory._bindTask`."""

from eth_abi import encode
from eth_utils import keccak

COMMITMENT_DOMAIN = keccak(text="ml-on-blockchain.commitment.v2")


def commitment(job: str, seat: int, result_hash: bytes) -> bytes:
    """Return what `seat` of the job at address `job` commits to when its result has the content hash `result_hash`."""
    types = ["bytes32", "address", "uint256", "bytes32"]
    return keccak(encode(types, [COMMITMENT_DOMAIN, job, seat, result_hash]))


def task_hash(recipe: bytes, model: bytes, parent: bytes = bytes(32), version: int = 1) -> bytes:
    """Return the hash that binds what a round trains.

    That is its recipe, the content hash of its model, that of the model's parent if it has the same size, else zeros,
    and the number of the model's version.
    """
    return keccak(encode([*["bytes32"] * 3, "uint256"], [keccak(recipe), model, parent, version]))
