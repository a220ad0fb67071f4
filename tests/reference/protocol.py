"""The whole protocol: it takes a call from anybody, deploys rounds, and hands everything else to the contract meant."""

import re
from dataclasses import astuple

from eth_utils import keccak

from mlchain.protocol.terms import RoundTerms
from tests.reference.chain import Chain, Event, require
from tests.reference.content import Models, check_size
from tests.reference.formulas import drawn, seed_of, task_hash
from tests.reference.jobs import Job
from tests.reference.registry import MAX_SNAPSHOT_AGE, Registry

MAX_JOBS, MAX_SEATS = 64, 256
NAME = "JobFactory"
PAYABLE = {"join", "deployRound"}


class Protocol:
    """All contracts of one deployment. What a call does follows from the calls before and from the chain alone."""

    def __init__(
        self,
        chain: Chain,
        server: str,
        *,
        stake: int,
        absence_fee: int,
        anchor: bytes,
        min_window: int = 1,
        max_round_duration: int = 2**32 - 1,
        min_seats: int = 1,
        permissioned: bool = False,
    ) -> None:
        self.chain, self.server = chain, server
        self.min_window, self.max_round_duration, self.min_seats = min_window, max_round_duration, min_seats
        self.random_head = anchor
        self.recipe_hash: bytes | None = None  # what all rounds learn by
        self.scheduled: int | None = None  # the snapshot block of the round that comes next
        self.models = Models(chain, server)
        self.registry = Registry(chain, server, stake, absence_fee, permissioned)
        self.rounds: list[list[Job]] = []
        self.jobs: dict[str, Job] = {}

    def send(self, sender: str, address: str, method: str, arguments: tuple = (), value: int = 0) -> list[Event]:
        """Take a call to a contract, by its name or a job's address; return the events, or raise Refused."""
        fixed = {"ModelRegistry": self.models, "JobFactory": self, "WorkerRegistry": self.registry}
        contract = fixed[address] if address in fixed else self.jobs[address]
        self.chain.events = []
        payment = {"value": value} if method in PAYABLE else {}
        getattr(contract, _snake(method))(sender, *arguments, **payment)
        return self.chain.events

    def schedule_round(self, sender: str) -> None:
        """Fix which pool the next round draws from: that of the end of this block."""
        require(sender == self.server, "NotTheServer", sender)
        is_usable = self.scheduled is not None and self.chain.block - self.scheduled <= MAX_SNAPSHOT_AGE
        require(not is_usable, "AlreadyScheduled", self.scheduled)
        self.scheduled = self.chain.block
        self._emit("RoundScheduled", round=len(self.rounds) + 1, snapshotBlock=self.chain.block)

    def announce_data(self, sender: str, fingerprint: bytes, url: str) -> None:
        """Say where data can be fetched."""
        require(sender == self.server, "NotTheServer", sender)
        self._emit("DataAnnounced", fingerprint=fingerprint, url=url)

    def deploy_round(self, sender: str, terms: RoundTerms, random: bytes, task: bytes, value: int) -> None:
        """Draw the committees of a round's jobs from the pool at the end of a past block."""
        require(sender == self.server, "NotTheServer", sender)
        require(self.models.is_complete(terms.model_version), "IncompleteModel", terms.model_version)
        bound = keccak(task)
        require(self.recipe_hash in (None, bound), "AnotherRecipe", bound, self.recipe_hash)
        self._check(terms)
        escrow = terms.jobs * (terms.seats * terms.reward + terms.bonus)
        require(value == escrow, "WrongEscrow", value, escrow)
        require(keccak(random) == self.random_head, "WrongRandom", keccak(random), self.random_head)
        require(self.scheduled is not None, "NotScheduled")
        snapshot_block = self.scheduled or 0
        self.registry.require_free(snapshot_block, terms.jobs * terms.seats)

        number, pool = len(self.rounds) + 1, self.registry.pool_at(snapshot_block)
        block_hash = self.chain.block_hash(snapshot_block)
        seed = seed_of(self.chain.chain_id, self.chain.factory, random, block_hash, number)
        self.random_head, self.scheduled, self.recipe_hash = random, None, bound
        deadline = self.chain.now + terms.commit_window
        self.registry.open(snapshot_block, terms.jobs * terms.seats, value)
        self._emit(
            "RoundDeployed",
            round=number,
            modelVersion=terms.model_version,
            snapshotBlock=snapshot_block,
            seed=seed,
            poolSize=len(pool),
            commitDeadline=deadline,
            terms=astuple(terms),
            task=task,
        )
        holders = [pool[drawn(seed, len(pool), seat)] for seat in range(terms.jobs * terms.seats)]
        self.rounds.append([])
        version = self.models.versions[terms.model_version]
        before = terms.model_version - 1
        parent = self.models.versions.get(before)
        is_parent = parent is not None and parent.size == version.size and self.models.is_complete(before)
        bound = task_hash(task, version.content, parent.content if is_parent else bytes(32), terms.model_version)
        for index in range(terms.jobs):
            address = self.chain.job_address(number, index)
            committee = holders[index * terms.seats : (index + 1) * terms.seats]
            self.jobs[address] = Job(self.chain, self.registry, address, terms, committee, deadline)
            self.rounds[-1].append(self.jobs[address])
            self._emit("JobDeployed", round=number, index=index, job=address, taskHash=bound)

    def _check(self, terms: RoundTerms) -> None:
        require(0 < terms.jobs <= MAX_JOBS, "InvalidJobs", terms.jobs, MAX_JOBS)
        require(self.min_seats <= terms.seats <= MAX_SEATS, "InvalidSeats", terms.seats, self.min_seats, MAX_SEATS)
        require(terms.seats < 2 * terms.quorum <= 2 * terms.seats, "InvalidQuorum", terms.quorum, terms.seats)
        require(terms.reward, "NoReward")
        check_size(terms.result_size)
        windows = (terms.commit_window, terms.publish_window, terms.referee_window)
        for window in windows:
            require(window >= self.min_window, "WindowTooShort", window, self.min_window)
        require(sum(windows) <= self.max_round_duration, "RoundTooLong", sum(windows), self.max_round_duration)
        audit, publish = terms.challenge_window, terms.publish_window
        require(audit <= publish, "ChallengeOutlastsPublishing", audit, publish)

    def _emit(self, name: str, **arguments: object) -> None:
        self.chain.emit(NAME, name, **arguments)


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name)
