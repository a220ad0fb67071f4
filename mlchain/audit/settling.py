"""How jobs were decided, and what every seat got for it."""

from mlchain.audit.case import Bench, Case, shown
from mlchain.audit.findings import Check
from mlchain.protocol.content import chunk_count, content_hash
from mlchain.protocol.ledger import Log
from mlchain.protocol.rounds import VOID, Job, Outcome, Verdict, outcome

NOTHING_ACCEPTED = (Outcome.UNDECIDED, Outcome.FAILED, Outcome.VOID)


def check_settled(case: Case, job: Job, log: Log) -> None:
    """Check the outcome by the rules at that time; a `SeatSettled` for each of its seats has to come next."""
    it = log.arguments
    bench = Bench(case, Check.OUTCOMES, log, case.place(job))
    case.due, case.settling, case.removed = ["SeatSettled"] * min(it["seats"], job.terms.seats), job.address, []
    decided, accepted = outcome(job, log.timestamp)
    actual = Outcome(it["outcome"])
    bench.hold(
        (actual, bytes(it["acceptedHash"])) == (decided, accepted),
        f"it was settled as {_told(actual, bytes(it['acceptedHash']))}, where the rules say {_told(decided, accepted)}",
    )
    bench.hold(0 < it["seats"] <= len(job.unsettled), f"{it['seats']} of {len(job.unsettled)} seats cannot be settled")
    if case.sources.open_task and job.decision is None and bytes(it["acceptedHash"]) in job.candidates:
        _check_trained(case, job, log)


def _told(decided: Outcome, accepted: bytes) -> str:
    return decided.name.lower() + ("" if accepted == VOID else f", accepting 0x{accepted.hex()}")


def _check_trained(case: Case, job: Job, log: Log) -> None:
    """Compute the result of a job again, and compare it with the one that was accepted."""
    current, accepted = case.ledger.round_of(job), bytes(log.arguments["acceptedHash"])
    right = content_hash(case.sources.open_task(current.task).train(*case.ledger.inputs_of(current, job)))
    Bench(case, Check.TRAINING, log, case.place(job)).hold(
        accepted == right, f"the accepted result, {shown(accepted)}, is wrong: training gives {shown(right)}"
    )


def check_seat(case: Case, log: Log) -> None:
    """Check what a seat got: job, holder, verdict and amount, and that who is punished, and nobody else, is removed."""
    it, job = log.arguments, case.ledger.job_at(log.arguments["job"])
    seat, worker, verdict = it["seat"], it["worker"], Verdict(it["verdict"])
    bench = Bench(case, Check.PAYMENTS, log, case.place(job, seat))
    bench.equal("its job", job.address, case.settling)
    bench.hold(seat not in job.settlements, "it was settled before")
    bench.equal("who holds it", worker, job.committee[seat])
    decided, accepted = outcome(job, log.timestamp)
    right = _verdict(case, job, seat, decided, accepted)
    if bench.equal("the verdict", verdict.name.lower(), right.name.lower()):
        amounts = _amounts(case, job, worker, right, accepted)
        bench.hold(it["amount"] in amounts, f"the amount is {it['amount']} wei and has to be {amounts[-1]} wei")
    is_punished = verdict in (Verdict.SLASHED, Verdict.ABSENT)
    bench.hold(not (is_punished and worker in case.ledger.pool), "its holder was punished, and not removed")
    bench.hold(case.removed in ([], [worker] * is_punished), f"{', '.join(case.removed)} was removed, and not punished")
    case.removed = []
    if sum(len(it.unsettled) for it in case.ledger.round_of(job).jobs) == 1:
        case.due.append("RoundClosed")


def _verdict(case: Case, job: Job, seat: int, decided: Outcome, accepted: bytes) -> Verdict:
    if seat not in job.commitments:
        return Verdict.ABSENT
    if decided is Outcome.VOID:
        return Verdict.RELEASED
    if decided in NOTHING_ACCEPTED:
        is_shown = any(case.opens(job, seat, result_hash) for result_hash in job.candidates)
        return Verdict.RELEASED if is_shown else Verdict.SLASHED
    return Verdict.REWARDED if case.opens(job, seat, accepted) else Verdict.SLASHED


def _amounts(case: Case, job: Job, worker: str, verdict: Verdict, accepted: bytes) -> list[int]:
    """Return what a seat can have got: one amount, unless its holder is the referee.

    Then the logs do not tell in which of its roles it published.
    """
    if verdict is not Verdict.REWARDED:
        stake = case.ledger.account(worker).stake
        return [{Verdict.SLASHED: stake, Verdict.ABSENT: case.rules.absence_fee, Verdict.RELEASED: 0}[verdict]]
    shares = list(job.candidates[accepted].publishers.values()).count(worker)
    share = job.terms.bonus // chunk_count(job.terms.result_size)
    possible = range(shares + 1) if worker == case.rules.server else (shares,)
    return [job.terms.reward + count * share for count in possible]


def check_closed(case: Case, log: Log) -> None:
    """Check that a round ends when its last seat is settled, and that what is left of its escrow goes to the server."""
    bench = Bench(case, Check.PAYMENTS, log, f"round {len(case.ledger.rounds)}")
    bench.hold(case.ledger.open_round is None, "it is closed with unsettled seats")
    bench.equal("what is left of the escrow", log.arguments["remainder"], case.ledger.escrow)
