"""What the seats of a job may answer, and every way to get a commitment or a chunk wrong."""

from enum import Enum, auto

from eth_utils import keccak

from mlchain.protocol.commitments import commitment
from mlchain.protocol.content import chunk_hash, chunk_hashes, content_hash, split
from tests.reference.jobs import NOTHING, Job

REPLAYED = "0x" + "11" * 20  # another job


class Answer(Enum):
    """A result that can be shown."""

    RIGHT = auto()
    LIE = auto()  # the same for a whole cartel
    OWN_LIE = auto()


class Fake(Enum):
    """A commitment that opens to nothing."""

    JUNK = auto()
    COPY = auto()  # of another seat's
    REPLAY = auto()  # of the right answer, in another job
    ZERO = auto()


class Damage(Enum):
    """What is wrong with a published chunk."""

    NONE = auto()
    OTHER_INDEX = auto()
    LONGER_LIST = auto()
    OTHER_LIST = auto()
    OTHER_BYTES = auto()
    SHORTER = auto()


def result_of(job: Job, answer: Answer, seat: int) -> bytes:
    """Return the bytes that an answer of a seat stands for."""
    unit = keccak(text=f"{job.address} {answer.name} {seat if answer is Answer.OWN_LIE else None}")
    return (unit * (job.terms.result_size // len(unit) + 1))[: job.terms.result_size]


def commitment_of(job: Job, seat: int, what: Answer | Fake) -> bytes:
    """Return what a seat commits to."""
    if isinstance(what, Answer):
        return commitment(job.address, seat, content_hash(result_of(job, what, seat)))
    if what is Fake.REPLAY:
        return commitment(REPLAYED, seat, content_hash(result_of(job, Answer.RIGHT, seat)))
    copied = next(iter(job.commitments.values()), NOTHING) if what is Fake.COPY else NOTHING
    return NOTHING if what is Fake.ZERO else copied if copied != NOTHING else keccak(text=f"junk {seat}")


def chunk_of(result: bytes, index: int, damage: Damage = Damage.NONE) -> tuple[bytes, int, list[bytes], bytes]:
    """Return what is published as a chunk of a result, with something wrong or not."""
    hashes, chunk = chunk_hashes(result), split(result)[index]
    name = content_hash(result)
    if damage is Damage.LONGER_LIST:
        return name, index, [*hashes, hashes[0]], chunk
    if damage is Damage.OTHER_LIST:
        return name, index, [*hashes[1:], chunk_hash(chunk + chunk)], chunk
    if damage is Damage.OTHER_BYTES:
        return name, index, hashes, bytes(len(chunk))
    if damage is Damage.SHORTER:
        return name, index, hashes, chunk[:-1]
    return name, index + (damage is Damage.OTHER_INDEX), hashes, chunk
