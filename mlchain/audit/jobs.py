"""What a committee and the referee do in a job: commit, propose, publish, rule."""

from dataclasses import replace

from mlchain.audit.case import Bench, Case
from mlchain.audit.findings import Check
from mlchain.audit.models import check_bytes
from mlchain.protocol.ledger import Log
from mlchain.protocol.rounds import VOID, Job, Phase, phase

UNDECIDED = (Phase.PROPOSE, Phase.REFEREE)


def check_committed(case: Case, job: Job, log: Log) -> None:
    """Check that a commitment is its holder's only one, and in time."""
    seat, worker = log.arguments["seat"], log.arguments["worker"]
    bench = Bench(case, Check.COMMITMENTS, log, case.place(job, seat))
    if bench.hold(0 <= seat < job.terms.seats, f"there are {job.terms.seats} seats"):
        bench.equal("who holds it", worker, job.committee[seat])
    bench.hold(seat not in job.commitments, "it had committed before")
    bench.hold(bytes(log.arguments["commitment"]) != VOID, "its commitment is empty")
    is_in_time = phase(job, log.timestamp) is Phase.COMMIT
    bench.hold(is_in_time, f"it committed at {log.timestamp}, which is not before {job.commit_end}")


def check_proposed(case: Case, job: Job, log: Log) -> Log:
    """Check that a proposal is in time and has a vote, and count its votes; return it with the right count.

    Anyone may propose what a seat has committed to, and the referee anything.
    """
    result_hash, proposer = bytes(log.arguments["resultHash"]), log.arguments["proposer"]
    bench = Bench(case, Check.CANDIDATES, log, case.place(job))
    bench.hold(result_hash not in job.candidates, f"0x{result_hash.hex()} had been proposed before")
    phases = UNDECIDED if proposer == case.rules.server else (Phase.PROPOSE,)
    _check_phase(bench, job, "proposed", phases)
    votes = sum(case.opens(job, seat, result_hash) for seat in job.commitments)
    may = votes > 0 or proposer == case.rules.server
    bench.hold(may, f"{proposer} proposed 0x{result_hash.hex()}, which no seat has committed to")
    bench.equal(f"the number of votes for 0x{result_hash.hex()}", log.arguments["votes"], votes)
    return replace(log, arguments={**log.arguments, "votes": votes})


def check_result_chunk(case: Case, job: Job, log: Log) -> None:
    """Check that a chunk of a candidate is in time, of somebody who may, and that its bytes are the candidate's."""
    result_hash = bytes(log.arguments["resultHash"])
    bench = Bench(case, Check.CANDIDATES, log, case.place(job))
    _check_phase(bench, job, "published", UNDECIDED)
    publisher = log.arguments["publisher"]
    seat = job.seat_of(publisher)
    may = publisher == case.rules.server or (seat is not None and case.opens(job, seat, result_hash))
    bench.hold(may, f"{publisher} published 0x{result_hash.hex()} without a seat that has committed to it")
    if bench.hold(result_hash in job.candidates, f"0x{result_hash.hex()} was never proposed"):
        check_bytes(bench, result_hash, job.terms.result_size, job.candidates[result_hash].chunks)


def check_ruled(case: Case, job: Job, log: Log) -> None:
    """Check that a ruling is in time and, if it accepts a result, that all of its bytes were there."""
    result_hash = bytes(log.arguments["resultHash"])
    bench = Bench(case, Check.OUTCOMES, log, case.place(job))
    _check_phase(bench, job, "ruled", UNDECIDED)
    is_complete = result_hash == VOID or job.is_complete(result_hash)
    bench.hold(is_complete, f"the referee accepts 0x{result_hash.hex()}, whose bytes are not published")


def _check_phase(bench: Bench, job: Job, done: str, phases: tuple[Phase, ...]) -> None:
    now = phase(job, bench.log.timestamp)
    bench.hold(now in phases, f"it was {done} at {bench.log.timestamp}, in the phase {now.name.lower()}")
