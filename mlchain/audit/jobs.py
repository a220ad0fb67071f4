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
    """Check that a proposal is in time and of somebody who may, and count its votes; return it with the right count."""
    result_hash, proposer = bytes(log.arguments["resultHash"]), log.arguments["proposer"]
    bench = Bench(case, Check.CANDIDATES, log, case.place(job))
    bench.hold(result_hash not in job.candidates, f"0x{result_hash.hex()} had been proposed before")
    phases = UNDECIDED if proposer == case.rules.server else (Phase.PROPOSE,)
    _check_phase(bench, job, "proposed", phases)
    _check_may_show(bench, job, proposer, result_hash)
    votes = sum(case.opens(job, seat, result_hash) for seat in job.commitments)
    bench.equal(f"the number of votes for 0x{result_hash.hex()}", log.arguments["votes"], votes)
    return replace(log, arguments={**log.arguments, "votes": votes})


def check_result_chunk(case: Case, job: Job, log: Log) -> None:
    """Check that a chunk of a candidate is in time, of somebody who may, and that its bytes are the candidate's."""
    result_hash = bytes(log.arguments["resultHash"])
    bench = Bench(case, Check.CANDIDATES, log, case.place(job))
    _check_phase(bench, job, "published", UNDECIDED)
    _check_may_show(bench, job, log.arguments["publisher"], result_hash)
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


def _check_may_show(bench: Bench, job: Job, sender: str, result_hash: bytes) -> None:
    """Check that `sender` is the referee, or holds a seat that has committed to what it shows."""
    if sender == bench.case.rules.server:
        return
    seat = job.seat_of(sender)
    may = seat is not None and bench.case.opens(job, seat, result_hash)
    bench.hold(may, f"{sender} shows 0x{result_hash.hex()} without a seat that has committed to it")
