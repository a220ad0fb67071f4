"""What a claim states, and the bytes that the contracts are told it by: twin of `TrainingJudge.Description`."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from eth_abi import encode
from eth_utils import keccak

from mlchain.protocol.commitments import task_hash
from mlchain.referee.evidence import Shown

_DESCRIPTION = "(bytes,bytes32,bytes32,uint256,bytes32,uint256,bytes32)"


@dataclass(frozen=True, slots=True)
class Description:
    """What a job's result follows from, and the result, in the order of the contract's struct."""

    recipe: bytes
    model: bytes  # content hash of the version that is trained
    parent: bytes  # of its parent; zeros if that has another size, or there is none
    version: int  # number of the version that is trained
    seed: bytes  # of the round
    index: int  # of the job
    result: bytes  # content hash

    @property
    def statement(self) -> bytes:
        """Return the hash that binds all of it."""
        task = task_hash(self.recipe, self.model, self.parent, self.version)
        return keccak(encode(["bytes32", "bytes32", "uint256", "bytes32"], [task, self.seed, self.index, self.result]))

    def to_bytes(self) -> bytes:
        """Return what the judge reads."""
        return encode([_DESCRIPTION], [astuple(self)])


def encode_evidence(shown: Sequence[Shown]) -> bytes:
    """Return leaves and paths as the judge reads them."""
    return encode(["(bytes,bytes32[])[]"], [[(each.data, each.path) for each in shown]])
