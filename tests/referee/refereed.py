"""Rounds of real jobs that a game decides, over the simplest of computations: the hash of what they follow from."""

import hashlib
from dataclasses import dataclass

from ape import project
from eth_abi import encode
from eth_utils import keccak

from mlchain.chain.connection import Chain
from mlchain.chain.deployment import Deployment, Parameters
from mlchain.protocol.content import content_hash
from mlchain.protocol.rounds import Outcome
from tests.contracts.chain_control import move_to
from tests.contracts.protocol_steps import (
    ABSENCE_FEE,
    MAX_ROUND_DURATION,
    MIN_WINDOW,
    PARAMETERS,
    STAKE,
    Committee,
    chunk_of,
    deploy_round,
)

BOND = 10**17
CLOCK = 600  # seconds
WRONG, WORSE = b"w" * 32, b"v" * 32  # results
WINDOWS = {"commitWindow": 1_000, "publishWindow": 1_000, "refereeWindow": 5 * CLOCK, "challengeWindow": 300}


@dataclass(frozen=True)
class Trace:
    """Two leaves, or junk in place of the nodes above them, under a root."""

    leaves: tuple[bytes, bytes]
    junk: tuple[bytes, bytes] | None = None  # that nothing hashes to

    @property
    def nodes(self) -> tuple[bytes, bytes]:
        return self.junk or tuple(hashlib.sha256(leaf).digest() for leaf in self.leaves)

    @property
    def root(self) -> bytes:
        return hashlib.sha256(b"".join(self.nodes)).digest()


@dataclass(frozen=True)
class Contracts:
    """A deployment whose referee is a game."""

    judge: object
    disputes: object
    factory: object
    registry: object
    server: object
    workers: list

    @classmethod
    def deploy(cls, models, server, workers) -> "Contracts":
        """Deploy them, and let the workers join."""
        judge = server.deploy(project.AnswerJudge)
        disputes = server.deploy(project.Disputes, judge, BOND)
        factory = server.deploy(project.JobFactory, models, PARAMETERS | {"referee": disputes.address})
        registry = project.WorkerRegistry.at(factory.REGISTRY())
        for worker in workers:
            registry.join(value=STAKE, sender=worker)
        return cls(judge, disputes, factory, registry, server, workers)

    def record(self) -> Deployment:
        """Return the record by which the twin reads their history."""
        addresses = {
            "Counter": self.judge.address,  # there is none
            "ModelRegistry": self.factory.MODELS(),
            "JobFactory": self.factory.address,
            "WorkerRegistry": self.registry.address,
            "Job": self.factory.IMPLEMENTATION(),
            "TrainingJudge": self.judge.address,
            "Disputes": self.disputes.address,
        }
        parameters = Parameters(STAKE, ABSENCE_FEE, MIN_WINDOW, MAX_ROUND_DURATION, 1, False, "contract", BOND)
        return Deployment(Chain().chain_id, Chain().genesis, 1, self.server.address, parameters, addresses)

    def round(self, is_scheduled: bool = False, **changes: int) -> "Scene":
        """Deploy a round of one job."""
        terms = {"seats": 3, "quorum": 2, "resultSize": 32} | WINDOWS | changes
        (job,) = deploy_round(self.factory, self.server, is_scheduled=is_scheduled, **terms)
        return Scene(self, Committee.of(job, self.server, self.workers))


@dataclass(frozen=True)
class Scene:
    """A job, and what anybody does about it."""

    contracts: Contracts
    committee: Committee

    @property
    def job(self):
        return self.committee.job

    @property
    def right(self) -> bytes:
        """The right result."""
        terms = self.job.terms()
        return keccak(encode(["bytes32", "bytes32", "uint256"], [terms.taskHash, terms.seed, terms.index]))

    def outcome(self) -> tuple[Outcome, bytes]:
        """Return how the job is decided at the time that views see, and the hash of what is accepted."""
        decision, accepted = self.job.outcome()
        return Outcome(decision), bytes(accepted)

    def description(self, result_hash: bytes) -> bytes:
        terms = self.job.terms()
        types = ["bytes32", "bytes32", "uint256", "bytes32"]
        return encode(types, [terms.taskHash, terms.seed, terms.index, result_hash])

    def honest_trace(self, result: bytes) -> Trace:
        """Return the right trace of a claim for a result, which shows only the right one to be right."""
        return Trace((self.right, content_hash(result)))

    def bring(self, by, result: bytes) -> None:
        """Propose a result and publish it, without a seat."""
        if not self.job.candidateOf(content_hash(result)).isProposed:
            self.job.proposeAny(content_hash(result), sender=by)
        if not self.job.candidateOf(content_hash(result)).chunks:
            self.job.publishUnpaid(*chunk_of(result, 0), sender=by)

    def claim(self, by, result: bytes, trace: Trace | None = None) -> int:
        """Claim a result and return the number of the claim."""
        trace, hash_ = trace or self.honest_trace(result), content_hash(result)
        arguments = (self.job, hash_, self.description(hash_), trace.root, trace.nodes)
        return self.contracts.disputes.claim(*arguments, value=BOND, sender=by).events[-1].claim

    def challenge(self, by, claim: int, trace: Trace, index: int) -> int:
        """Challenge a claim at one of its two nodes and return the number of the challenge."""
        arguments = (claim, index, trace.nodes[index], [trace.nodes[1 - index]])
        return self.contracts.disputes.challenge(*arguments, value=BOND, sender=by).events[-1].challenge

    def prove(self, by, challenge: int, result: bytes, trace: Trace, index: int):
        """Derive the only entry of a leaf."""
        description = self.description(content_hash(result))
        return self.contracts.disputes.prove(challenge, description, trace.leaves[index], b"", sender=by)

    def finish(self, by, challenge: int):
        return self.contracts.disputes.finish(challenge, sender=by)

    def succeed(self, by, claim: int):
        return self.contracts.disputes.succeed(claim, sender=by)


def commit(scene, *results) -> None:
    """Let the seats commit, in their order; "right" is what that says."""
    scene.committee.commit_all(*[scene.right if it == "right" else it for it in results])
    if None in results:
        move_to(scene.job.commitEnd())


def publish_end(scene) -> int:
    return scene.job.commitEnd() + WINDOWS["publishWindow"]


def game_end(scene) -> int:
    return publish_end(scene) + WINDOWS["refereeWindow"]


def decided(scene) -> tuple[Outcome, bytes]:
    """Return how a job is decided when the game's time is over."""
    move_to(game_end(scene))
    return scene.outcome()


def refute(scene, by, claim: int, trace: Trace, index: int = 1) -> None:
    """Challenge a claim whose side stays silent, and let its clock run out."""
    number = scene.challenge(by, claim, trace, index)
    move_to(scene.contracts.disputes.challenges(number).since + CLOCK)
    scene.finish(by, number)
