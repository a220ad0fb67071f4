"""The steps of a round as its parties take them, and the values that the tests play with."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, auto

from ape import project
from ape.contracts import ContractInstance
from ape.utils import ZERO_ADDRESS

from mlchain.protocol.commitments import commitment
from mlchain.protocol.content import chunk_hashes, content_hash, split
from mlchain.protocol.hash_chain import HashChain
from tests.reference.tables import Outcome, Verdict

STAKE = 10**18
ABSENCE_FEE = 10**17
MIN_WINDOW = 60
MAX_ROUND_DURATION = 86_400
NUMBERS = HashChain(bytes(range(32)), 64)
PARAMETERS = {
    "stake": STAKE,
    "absenceFee": ABSENCE_FEE,
    "minWindow": MIN_WINDOW,
    "maxRoundDuration": MAX_ROUND_DURATION,
    "minSeats": 1,
    "permissioned": False,
    "referee": ZERO_ADDRESS,
    "versionReferee": ZERO_ADDRESS,
    "randomAnchor": NUMBERS.anchor,
}

MODEL = b"the initial model"
RIGHT = b"the right result"
WRONG = b"the false result"
WORSE = b"one more mistake"
JUNK = b"never shown to anybody"

TASK = b"train on batch 7"
REWARD = 10**16
BONUS = 10**15 + 1
TERMS = {
    "modelVersion": 1,
    "jobs": 1,
    "seats": 3,
    "quorum": 2,
    "reward": REWARD,
    "bonus": BONUS,
    "resultSize": len(RIGHT),
    "commitWindow": 3_600,
    "publishWindow": 3_600,
    "refereeWindow": 3_600,
    "challengeWindow": 0,
}


class Ruling(IntEnum):
    """`Job.Ruling`."""

    NONE = 0
    ACCEPT = auto()
    VOID = auto()


def terms_of(**changes: int) -> dict[str, int]:
    """Return the terms of a round, as they are unless `changes` say otherwise."""
    return TERMS | changes


def escrow_of(terms: dict[str, int]) -> int:
    """Return what a round costs, in wei."""
    return terms["jobs"] * (terms["seats"] * terms["reward"] + terms["bonus"])


def job_at(address: str) -> ContractInstance:
    """Return the job at `address`; it is a clone, so Ape is not to look for a proxy's target."""
    return project.Job.at(address, detect_proxy=False, fetch_from_explorer=False)


def schedule_round(factory, server) -> int:
    """Schedule the next round and return its snapshot block."""
    return factory.scheduleRound(sender=server).block_number


def next_random(factory) -> bytes:
    """Return the server's number for the next round."""
    return NUMBERS.number_of(factory.latestRound() + 1)


def deploy_round(factory, server, *, is_scheduled: bool = False, **changes: int) -> list[ContractInstance]:
    """Schedule a round of `terms_of(**changes)`, unless one is, deploy it and return its jobs."""
    if not is_scheduled:
        schedule_round(factory, server)
    terms = terms_of(**changes)
    receipt = factory.deployRound(terms, next_random(factory), TASK, value=escrow_of(terms), sender=server)
    return [job_at(event.job) for event in receipt.events if event.event_name == "JobDeployed"]


@dataclass(frozen=True, slots=True)
class Committee:
    """A job, the accounts that hold its seats in the order of the seats, and its referee."""

    job: ContractInstance
    holders: list
    referee: object

    @classmethod
    def of(cls, job: ContractInstance, server, workers: Iterable) -> "Committee":
        """Find the holders of the job's seats among `workers`."""
        account_at = {worker.address: worker for worker in workers}
        return cls(job, [account_at[address] for address in job.committee()], server)

    def commit(self, seat: int, result: bytes):
        """Commit the holder of `seat` to `result`."""
        return self.job.commit(seat, self.commitment(seat, result), sender=self.holders[seat])

    def commit_all(self, *results: bytes | None) -> None:
        """Commit seat after seat to these results, passing over those that are None."""
        for seat, result in enumerate(results):
            if result is not None:
                self.commit(seat, result)

    def commitment(self, seat: int, result: bytes) -> bytes:
        """Return what `seat` commits to when its result is `result`."""
        return commitment(self.job.address, seat, content_hash(result))

    def propose(self, seat: int, result: bytes):
        """Let the holder of `seat` propose `result`."""
        return self.job.propose(seat, content_hash(result), sender=self.holders[seat])

    def publish(self, seat: int, result: bytes, index: int = 0):
        """Let the holder of `seat` publish one chunk of `result`."""
        return self.job.publish(seat, *chunk_of(result, index), sender=self.holders[seat])

    def show(self, seat: int, result: bytes) -> None:
        """Let the holder of `seat` propose `result` and publish all of it."""
        self.propose(seat, result)
        for index in range(len(split(result))):
            self.publish(seat, result, index)

    def propose_any(self, result: bytes):
        """Let the referee propose `result`."""
        return self.job.proposeAny(content_hash(result), sender=self.referee)

    def publish_unpaid(self, result: bytes, index: int = 0):
        """Let the referee publish one chunk of `result`."""
        return self.job.publishUnpaid(*chunk_of(result, index), sender=self.referee)

    def rule(self, result: bytes):
        """Let the referee accept `result`."""
        return self.job.rule(content_hash(result), sender=self.referee)

    def settle(self, *seats: int, sender):
        """Let `sender` settle `seats`, all of them if none is named."""
        return self.job.settle(list(seats or range(len(self.holders))), sender=sender)

    def outcome(self) -> tuple[Outcome, bytes]:
        """Return the outcome and the hash of the accepted result."""
        decision, accepted = self.job.outcome()
        return Outcome(decision), bytes(accepted)


def chunk_of(result: bytes, index: int) -> tuple[bytes, int, list[bytes], bytes]:
    """Return what is published as chunk `index` of `result`: content hash, index, chunk hashes, chunk."""
    return content_hash(result), index, chunk_hashes(result), split(result)[index]


def decide(committee: Committee) -> None:
    """Let all seats commit to the right result and the first one show it: enough without an audit."""
    committee.commit_all(*[RIGHT] * len(committee.holders))
    committee.show(0, RIGHT)


def referee_end(job: ContractInstance) -> int:
    """Return when the referee's window ends; before all have committed, as if none of those missing will."""
    return job.commitEnd() + job.terms().publishWindow + job.terms().refereeWindow


def verdict_of(receipt, seat: int) -> Verdict:
    """Return the verdict with which a transaction settled `seat`."""
    settled = [event for event in receipt.events if event.event_name == "SeatSettled"]
    return next(Verdict(event.verdict) for event in settled if event.seat == seat)
