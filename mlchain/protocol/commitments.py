"""Commitments and task hashes, twins of `Job._commitment` and `JobFactory._deployJobs`."""

from eth_abi import encode
from eth_utils import keccak

COMMITMENT_DOMAIN = keccak(text="ml-on-blockchain.commitment.v2")


def commitment(job: str, seat: int, result_hash: bytes) -> bytes:
    """Return what `seat` of the job at address `job` commits to when its result has the content hash `result_hash`."""
    types = ["bytes32", "address", "uint256", "bytes32"]
    return keccak(encode(types, [COMMITMENT_DOMAIN, job, seat, result_hash]))


def task_hash(task: bytes, round_number: int, index: int) -> bytes:
    """Return the hash of the task of job `index` of a round; round and index make it unlike any other."""
    return keccak(encode(["bytes32", "uint256", "uint256"], [keccak(task), round_number, index]))
