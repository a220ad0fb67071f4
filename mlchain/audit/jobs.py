"""What a committee and the referee do in a job: commit, propose, publish, rule."""

from dataclasses import replace

from mlchain.audit.findings import Check
from mlchain.audit.models import check_bytes
from mlchain.audit.state import AuditState, EventCheck
from mlchain.protocol.events import Committed, Log, Proposed, ResultChunkPublished, Ruled
from mlchain.protocol.rounds import VOID, Job, Phase, phase

UNDECIDED = (Phase.PROPOSE, Phase.REFEREE)


def check_committed(state: AuditState, job: Job, log: Log, event: Committed) -> None:
    """Check that a commitment is its holder's only one, and in time."""
    check = EventCheck(state, Check.COMMITMENTS, log, state.name_of(job, event.seat))
    if check.expect(0 <= event.seat < job.terms.seats, f"there are {job.terms.seats} seats"):
        check.expect_equal("who holds it", event.worker, job.committee[event.seat])
    check.expect(event.seat not in job.commitments, "it had committed before")
    check.expect(event.commitment != VOID, "its commitment is empty")
    is_in_time = phase(job, log.timestamp) is Phase.COMMIT
    check.expect(is_in_time, f"it committed at {log.timestamp}, which is not before {job.commit_end}")


def check_proposed(state: AuditState, job: Job, log: Log, event: Proposed) -> Log:
    """Check that a proposal is in time and has a vote, and count its votes; return it with the right count.

    Anyone may propose what a seat has committed to, and the referee anything; where claims decide, anyone may.
    """
    result_hash, proposer = event.result_hash, event.proposer
    check = EventCheck(state, Check.CANDIDATES, log, state.name_of(job))
    check.expect(result_hash not in job.candidates, f"0x{result_hash.hex()} had been proposed before")
    may_always = state.rules.has_game or proposer == state.rules.server
    phases = UNDECIDED if may_always else (Phase.PROPOSE,)
    _check_phase(check, job, "proposed", phases)
    votes = job.votes_for(result_hash)
    check.expect(votes > 0 or may_always, f"{proposer} proposed 0x{result_hash.hex()}, which no seat has committed to")
    check.expect_equal(f"the number of votes for 0x{result_hash.hex()}", event.votes, votes)
    return replace(log, event=replace(event, votes=votes))


def check_result_chunk(state: AuditState, job: Job, log: Log, event: ResultChunkPublished) -> None:
    """Check that a chunk of a candidate is in time, of somebody who may, and that its bytes are the candidate's."""
    result_hash, publisher = event.result_hash, event.publisher
    check = EventCheck(state, Check.CANDIDATES, log, state.name_of(job))
    _check_phase(check, job, "published", UNDECIDED)
    seat = job.seat_of(publisher)
    has_seat = seat is not None and job.opens(seat, result_hash)
    may = _publishes_unpaid(state, job, log, event) or has_seat
    check.expect(may, f"{publisher} published 0x{result_hash.hex()} without a seat that has committed to it")
    if check.expect(result_hash in job.candidates, f"0x{result_hash.hex()} was never proposed"):
        check_bytes(check, event, result_hash, job.terms.result_size, job.candidates[result_hash].chunks)


def _publishes_unpaid(state: AuditState, job: Job, log: Log, event: ResultChunkPublished) -> bool:
    """Return whether somebody may publish without a seat, and note that; where claims decide, seats go first."""
    result_hash, publisher = event.result_hash, event.publisher
    may = publisher == state.rules.server
    if state.rules.has_game:
        is_seats_time = log.timestamp < job.commit_end + job.terms.publish_window // 2
        may = not is_seats_time or (result_hash in job.candidates and not job.candidates[result_hash].votes)
    state.unpaid[job.address, result_hash, publisher] += may
    return may


def check_ruled(state: AuditState, job: Job, log: Log, event: Ruled) -> None:
    """Check that a ruling is in time and, if it accepts a result, that all of its bytes were there."""
    result_hash = event.result_hash
    check = EventCheck(state, Check.OUTCOMES, log, state.name_of(job))
    _check_phase(check, job, "ruled", UNDECIDED)
    may = result_hash == VOID or not state.rules.has_game
    check.expect(may, f"the referee accepts 0x{result_hash.hex()}, where only claims decide")
    is_complete = result_hash == VOID or job.is_complete(result_hash)
    check.expect(is_complete, f"the referee accepts 0x{result_hash.hex()}, whose bytes are not published")


def _check_phase(check: EventCheck, job: Job, done: str, phases: tuple[Phase, ...]) -> None:
    now = phase(job, check.log.timestamp)
    check.expect(now in phases, f"it was {done} at {check.log.timestamp}, in the phase {now.name.lower()}")
