"""One job: who may do what and when, how it is decided, and what each seat gets."""

from dataclasses import dataclass, field

from mlchain.protocol.terms import RoundTerms
from tests.reference import tables
from tests.reference.chain import Chain, require
from tests.reference.content import check_chunk, count_chunks
from tests.reference.formulas import commitment
from tests.reference.registry import Registry, Settlement
from tests.reference.tables import OUTCOMES, SEATS, SETTLEMENTS, Outcome, Phase, Verdict

NOTHING = bytes(32)


@dataclass(slots=True)
class Candidate:
    """A proposed result, and who published which of its chunks; seats by number, the referee as None."""

    votes: int
    publishers: dict[int, int | None] = field(default_factory=dict)


@dataclass(slots=True)
class Job:
    """`contracts/Job.sol`; the server is its referee."""

    chain: Chain
    registry: Registry
    address: str
    terms: RoundTerms
    holders: list[str]
    commit_end: int  # the deadline until the last seat has committed
    commitments: dict[int, bytes] = field(default_factory=dict)
    candidates: dict[bytes, Candidate] = field(default_factory=dict)
    ruling: bytes | None = None  # NOTHING if the task is broken
    settled: dict[int, Verdict] = field(default_factory=dict)

    # Commit

    def commit(self, sender: str, seat: int, sealed: bytes) -> None:
        self._require_phase(Phase.COMMIT, Phase.COMMIT)
        require(sealed != NOTHING, "EmptyCommitment")
        require(seat not in self.commitments, "AlreadyCommitted", seat)
        self._require_holder(sender, seat)
        self.commitments[seat] = sealed
        if len(self.commitments) == self.terms.seats:
            self.commit_end = self.chain.now
        self._emit("Committed", seat=seat, worker=sender, commitment=sealed)

    def opens(self, seat: int, result_hash: bytes) -> bool:
        """Return whether a seat has committed to a result."""
        return self.commitments.get(seat) == commitment(self.address, seat, result_hash)

    # Propose

    def propose(self, sender: str, seat: int, result_hash: bytes) -> None:
        self._require_phase(Phase.PROPOSE, Phase.PROPOSE)
        self._require_opens(seat, result_hash)
        self._propose(sender, result_hash)

    def propose_any(self, sender: str, result_hash: bytes) -> None:
        self._require_referee(sender)
        self._require_phase(Phase.PROPOSE, Phase.REFEREE)
        self._propose(sender, result_hash)

    def _propose(self, sender: str, result_hash: bytes) -> None:
        require(result_hash not in self.candidates, "AlreadyProposed", result_hash)
        votes = sum(self.opens(seat, result_hash) for seat in range(self.terms.seats))
        self.candidates[result_hash] = Candidate(votes)
        self._emit("Proposed", resultHash=result_hash, proposer=sender, votes=votes)

    # Publish

    def publish(self, sender: str, seat: int, result_hash: bytes, *chunk: object) -> None:
        self._require_phase(Phase.PROPOSE, Phase.REFEREE)
        self._require_holder(sender, seat)
        self._require_opens(seat, result_hash)
        self._publish(sender, seat, result_hash, *chunk)

    def publish_unpaid(self, sender: str, result_hash: bytes, *chunk: object) -> None:
        self._require_referee(sender)
        self._require_phase(Phase.PROPOSE, Phase.REFEREE)
        self._publish(sender, None, result_hash, *chunk)

    def _publish(
        self, sender: str, seat: int | None, result_hash: bytes, index: int, hashes: list[bytes], chunk: bytes
    ) -> None:
        require(result_hash in self.candidates, "NotProposed", result_hash)
        check_chunk(result_hash, self.terms.result_size, index, hashes, chunk)
        publishers = self.candidates[result_hash].publishers
        require(index not in publishers, "AlreadyPublished", result_hash, index)
        publishers[index] = seat
        self._emit("ChunkPublished", resultHash=result_hash, index=index, publisher=sender, chunk=chunk)

    # Rule

    def rule(self, sender: str, result_hash: bytes) -> None:
        self._require_referee(sender)
        self._require_phase(Phase.PROPOSE, Phase.REFEREE)
        require(self.is_complete(result_hash), "NotComplete", result_hash)
        self._rule(result_hash)

    def rule_void(self, sender: str) -> None:
        require(sender == self.registry.server, "NotTheServer", sender)
        self._require_phase(Phase.PROPOSE, Phase.REFEREE)
        self._rule(NOTHING)

    def _rule(self, result_hash: bytes) -> None:
        self.ruling = result_hash
        self._emit("Ruled", resultHash=result_hash)

    # Settle

    def settle(self, sender: str, seats: list[int]) -> None:
        decision, accepted = self.outcome()
        require(decision is not Outcome.UNDECIDED, "WrongPhase", self.phase(), Phase.DECIDED, Phase.DECIDED)
        for seat in seats:
            require(seat < self.terms.seats, "UnknownSeat", seat, self.terms.seats)
        fresh = [seat for seat in dict.fromkeys(seats) if seat not in self.settled]
        require(fresh, "NothingToSettle")
        verdicts = {seat: self._verdict(seat, decision, accepted) for seat in fresh}
        self.settled |= verdicts
        self._emit("Settled", outcome=decision, acceptedHash=accepted, seats=len(fresh))
        settlements = [
            Settlement(seat, self.holders[seat], given, self._pay(seat, given)) for seat, given in verdicts.items()
        ]
        self.registry.settle(self.address, settlements, self._forfeited(verdicts))

    def _verdict(self, seat: int, decision: Outcome, accepted: bytes) -> Verdict | None:
        opened = [candidate for candidate in self.candidates if self.opens(seat, candidate)]
        if seat not in self.commitments:
            line = "never committed"
        elif decision not in (Outcome.FAILED, Outcome.VOID) and self.opens(seat, accepted):
            line = "opens to the accepted result"
        else:
            line = "opens to another candidate" if opened else "opens to no candidate"
        column = {Outcome.FAILED: 1, Outcome.VOID: 2}.get(decision, 0)
        return SETTLEMENTS[SEATS.index(line)][column]

    def _pay(self, seat: int, verdict: Verdict) -> int:
        if verdict is not Verdict.REWARDED:
            return 0
        published = list(self.candidates[self.outcome()[1]].publishers.values())
        return self.terms.reward + published.count(seat) * (self.terms.bonus // len(published))

    def _forfeited(self, verdicts: dict[int, Verdict]) -> int:
        """A ruling burns the rewards that seats do not get and, with seat 0, what of the bonus no seat earns."""
        if self.ruling is None:
            return 0
        unpaid = self.terms.reward * sum(verdict is not Verdict.REWARDED for verdict in verdicts.values())
        everybody = range(self.terms.seats)
        earned = (
            sum(self._pay(seat, Verdict.REWARDED) - self.terms.reward for seat in everybody)
            if self.ruling != NOTHING
            else 0
        )
        return unpaid + (self.terms.bonus - earned) * (0 in verdicts)

    # Phase and outcome

    def is_complete(self, result_hash: bytes) -> bool:
        """Return whether every chunk of a candidate is published."""
        candidate = self.candidates.get(result_hash)
        return candidate is not None and len(candidate.publishers) == count_chunks(self.terms.result_size)

    def outcome(self) -> tuple[Outcome, bytes]:
        """Return how the job is decided and what is accepted: the first line that applies."""
        facts = self._facts()
        decided, accepted = next((kind, what) for conditions, kind, what in OUTCOMES if facts.issuperset(conditions))
        return decided, {tables.RULED: self.ruling, tables.LEADER: self._leader()}.get(accepted, NOTHING)

    def _leader(self) -> bytes | None:
        return next((it for it, candidate in self.candidates.items() if candidate.votes >= self.terms.quorum), None)

    def _facts(self) -> set[str]:
        leader, passed = self._leader(), self.chain.now - self.commit_end
        publish, referee = self.terms.publish_window, self.terms.referee_window
        facts = {
            tables.ACCEPTED: self.ruling not in (None, NOTHING),
            tables.BROKEN: self.ruling == NOTHING,
            tables.COMPLETE: leader is not None and self.is_complete(leader),
            tables.ALL_COMMITS: leader is not None and self.candidates[leader].votes == len(self.commitments),
            tables.NO_OTHER: len(self.candidates) == 1,
            tables.CHALLENGE_OVER: passed >= self.terms.challenge_window,
            tables.PUBLISH_OVER: passed >= publish,
            tables.REFEREE_OVER: passed >= publish + referee,
        }
        return {fact for fact, holds in facts.items() if holds}

    def phase(self) -> Phase:
        """Return where the job stands."""
        if self.chain.now < self.commit_end:
            return Phase.COMMIT
        if self.outcome()[0] is not Outcome.UNDECIDED:
            return Phase.DECIDED
        return Phase.PROPOSE if self.chain.now < self.commit_end + self.terms.publish_window else Phase.REFEREE

    # Who and when

    def _require_phase(self, first: Phase, last: Phase) -> None:
        require(first <= self.phase() <= last, "WrongPhase", self.phase(), first, last)

    def _require_referee(self, sender: str) -> None:
        require(sender == self.registry.server, "NotTheReferee", sender)

    def _require_holder(self, sender: str, seat: int) -> None:
        require(seat < self.terms.seats, "UnknownSeat", seat, self.terms.seats)
        require(self.holders[seat] == sender, "NotTheHolder", sender, seat)

    def _require_opens(self, seat: int, result_hash: bytes) -> None:
        require(self.opens(seat, result_hash), "DoesNotOpen", seat, result_hash)

    def _emit(self, name: str, **arguments: object) -> None:
        self.chain.emit(self.address, name, **arguments)
