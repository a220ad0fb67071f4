"""What the odds let expect of a simulation, and what happened.

Expected is what would come on average if the evil workers all told the same lie, whatever they do.
"""

from dataclasses import asdict
from fractions import Fraction
from typing import TypedDict

from mlchain.protocol.odds import Chances, odds_of
from mlchain.protocol.rounds import Outcome, Round, Verdict
from mlchain.protocol.terms import least_majority
from mlchain.simulation.books import decision_of
from mlchain.simulation.odds import shown
from mlchain.simulation.options import Options
from mlchain.simulation.simulator import SimulationRun


class OddsFigures(TypedDict):
    """The chances of a job of the first round, and counts of jobs and seats over all rounds."""

    job: dict[str, float | None]
    expected: dict[str, float]
    happened: dict[str, int]


def announce(options: Options) -> str:
    """Return the odds of a job of the first round in one line."""
    evil = _evil(options)
    chances = _first(options)
    figures = {
        "right": chances.right,
        "wrong": chances.wrong,
        "failed": chances.failed,
        "referee called": chances.ruled if options.referee != "none" else None,
        "P(reward | correct)": chances.reward,
    }
    odds = ", ".join(f"{name} {shown(chance)}" for name, chance in figures.items())
    return f"{evil} of {options.workers} workers are evil; odds of a job if they all tell the same lie: {odds}"


def odds_figures(run: SimulationRun, wrong_accepted: int) -> OddsFigures:
    """Return `job`, the chances of a job of the first round, and what was `expected` of all rounds and `happened`.

    Of all rounds there are counts: of jobs by their end, and of the honest workers' seats. Each round is expected to
    bring what its own committees, quorum and pool let expect, which shrink where workers have left.
    """
    chances = asdict(_first(run.options))
    rounds = [_expected(run, current) for current in run.view.ledger.rounds]
    return {
        "job": {name: None if chance is None else float(chance) for name, chance in chances.items()},
        "expected": {name: float(sum(counts[name] for counts in rounds)) for name in rounds[0]},
        "happened": _happened(run, wrong_accepted),
    }


def _evil(options: Options) -> int:
    return sum(not behaviour.is_honest for behaviour in options.dealt)


def _first(options: Options) -> Chances:
    quorum = options.quorum or least_majority(options.seats)
    return _chances(options, options.workers, _evil(options), options.seats, quorum)


def _chances(options: Options, pool: int, evil: int, seats: int, quorum: int) -> Chances:
    odds = odds_of(pool, evil, seats, quorum, Fraction(str(options.audit_rate)))
    return odds.live if options.referee != "none" else odds.silent


def _expected(run: SimulationRun, current: Round) -> dict[str, Fraction]:
    """Return counts of jobs and seats that a round should bring on average."""
    terms, pool = current.terms, current.pool_size
    members = {run.view.ledger.pool.worker_at(position, current.snapshot_block) for position in range(pool)}
    evil = sum(worker.address in members and not worker.behaviour.is_honest for worker in run.workers)
    chances = _chances(run.options, pool, evil, terms.seats, terms.quorum)
    honest = Fraction(terms.jobs * terms.seats * (pool - evil), pool)
    return {
        "jobs_right": terms.jobs * chances.right,
        "jobs_wrong": terms.jobs * chances.wrong,
        "jobs_failed": terms.jobs * chances.failed,
        "jobs_ruled": terms.jobs * chances.ruled,
        "honest_seats": honest,
        "honest_seats_paid": honest * (chances.reward or 0),
    }


def _happened(run: SimulationRun, wrong_accepted: int) -> dict[str, int]:
    """Return the counts of `_expected`, over all rounds, as they turned out."""
    honest = {worker.address for worker in run.workers if worker.behaviour.is_honest}
    jobs = [job for current in run.view.ledger.rounds for job in current.jobs]
    outcomes = [decision_of(job)[0] for job in jobs]
    failed = outcomes.count(Outcome.FAILED) + outcomes.count(Outcome.VOID)
    verdicts = [
        job.settlements[seat].verdict for job in jobs for seat, holder in enumerate(job.committee) if holder in honest
    ]
    return {
        "jobs_right": len(jobs) - wrong_accepted - failed,
        "jobs_wrong": wrong_accepted,
        "jobs_failed": failed,
        "jobs_ruled": sum(map(outcomes.count, (Outcome.RULED, Outcome.VOID, Outcome.UPHELD))),
        "honest_seats": len(verdicts),
        "honest_seats_paid": verdicts.count(Verdict.REWARDED),
    }
