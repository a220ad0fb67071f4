"""Status and pay slips as lines for a person, or as JSON."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from functools import lru_cache

from mlchain.chain.accounts import address_named
from mlchain.chain.connection import Chain
from mlchain.chain.deployment import Deployment
from mlchain.chain.receipts import cost_of
from mlchain.console import percent
from mlchain.live.event_lines import counted
from mlchain.live.pay_slip import Cost, JobSlip, PaySlip, pay_slip
from mlchain.live.status import JobStatus, RoundStatus, Status, VersionStatus, status_of
from mlchain.simulation.odds import shown
from mlchain.tasks.catalogue import open_task
from mlchain.units import ether


def inspect_deployment(chain: Chain, deployment: Deployment, evil: int | None, worker: str | None) -> Status | PaySlip:
    """Return how a deployment stands or, if a worker is named by address or account, its pay slip instead.

    Raises UserError for a worker that has never joined or disputed, or more evil ones than there are.
    """
    logs = chain.sync()
    view = chain.last_view()
    if worker is None:
        registry, game = deployment.addresses["WorkerRegistry"], deployment.addresses.get("Disputes")
        return status_of(view, chain.network, registry, evil, lru_cache(open_task), game)
    return pay_slip(view, logs, address_named(worker), lru_cache(cost_of), deployment.parameters.bond)


def as_json(value: Status | PaySlip) -> str:
    """Return all that is known as JSON, money in wei."""
    return json.dumps(asdict(value), indent=2)


def as_lines(value: Status | PaySlip) -> list[str]:
    """Return lines to read, money in ether."""
    return _status_lines(value) if isinstance(value, Status) else _pay_slip_lines(value)


# Status


def _status_lines(status: Status) -> list[str]:
    """Return how a deployment stands in lines to read."""
    when = datetime.fromtimestamp(status.time, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    lines = [
        f"{status.network}, chain {status.chain_id}, block {status.block}, {when} UTC",
        f"escrow {ether(status.escrow)}, owed in all {ether(status.owed)}, burnt {ether(status.burnt)}, "
        f"held {ether(status.held)}",
        f"pool of {len(status.members)}",
        *(f"  {number}  {member}" for number, member in enumerate(status.members)),
    ]
    lines += [] if status.bonds is None else [f"a contract is the referee, and holds bonds of {ether(status.bonds)}"]
    lines += _round_lines(status.newest_round) if status.newest_round else ["no round has been deployed"]
    lines += [_odds_line(referee, odds) for referee, odds in (status.odds or {}).items()]
    lines += ["model", *map(_version_line, status.versions)] if status.versions else ["no model has been announced"]
    return [*lines, f"  accuracy unknown: {status.accuracy_note}"] if status.accuracy_note else lines


def _round_lines(newest: RoundStatus) -> list[str]:
    state = "is open" if newest.is_open else "is settled"
    jobs = f"{counted(len(newest.jobs), 'job')}, quorum {newest.quorum}, drawn from {newest.pool_size}"
    return [f"round {newest.round} {state}: {jobs}, on version {newest.model_version}", *map(_job_line, newest.jobs)]


def _job_line(job: JobStatus) -> str:
    left = "" if job.seconds_left is None else f", {timedelta(seconds=max(0, job.seconds_left))} left"
    candidates = counted(job.candidates, "candidate")
    counts = f"{job.committed} of {job.seats} seats committed, {candidates}, {job.settled} settled"
    if job.claims:
        counts += (
            f", {counted(job.claims, 'claim')}, {job.refuted} refuted, {counted(job.challenges, 'challenge')} open"
        )
    return f"  job {job.job}  {job.decision or job.phase}{left}: {counts}"


def _odds_line(referee: str, odds: dict[str, float | None]) -> str:
    chances = ", ".join(f"{name} {_percent(chance)}" for name, chance in odds.items())
    return f"  odds of a job if all evil workers tell the same lie, {referee}: {chances}"


def _percent(chance: float | None) -> str:
    return shown(None if chance is None else Fraction(chance))


def _version_line(version: VersionStatus) -> str:
    state = "" if version.is_complete else "  not complete"
    if version.is_refuted:
        state = "  refuted: it is not what was accepted, and no round can follow"
    return f"  version {version.version}  {version.content_hash}  {percent(version.accuracy)}{state}"


# Pay slip


def _pay_slip_lines(slip: PaySlip) -> list[str]:
    """Return a pay slip in lines to read."""
    state = "a member of the pool" if slip.is_member else "not in the pool"
    return [
        f"{slip.worker}, {state}",
        *(line for job in slip.jobs for line in _job_slip_lines(job)),
        f"joining, leaving, taking home: {_cost_text(slip.membership)}",
        f"in all: earned {ether(slip.earned)}, lost {ether(slip.lost)}, {_cost_text(slip.cost)}",
        *_game_lines(slip),
        f"taken home {ether(slip.taken_home)}, can be taken home now {ether(slip.withdrawable)}",
        f"stake {ether(slip.stake)}: {slip.stake_why}",
        f"({slip.note})",
    ]


def _game_lines(slip: PaySlip) -> list[str]:
    """Return what claims and challenges came to, nothing for who made none."""
    if not (slip.bounties or slip.bonds_won or slip.bonds_held or slip.game.transactions):
        return []
    won = f"{'-' if slip.bonds_won < 0 else '+'}{ether(abs(slip.bonds_won))}"
    came_to = f"bounties {ether(slip.bounties)}, bonds {won}, {ether(slip.bonds_held)} of bonds not taken home"
    return [f"claims and challenges: {came_to}; {_cost_text(slip.game)}"]


def _job_slip_lines(job: JobSlip) -> list[str]:
    answered = "never committed" if not job.has_committed else f"committed to {job.result or 'what nobody proposed'}"
    amount = (
        "open" if job.verdict is None else f"{job.verdict}, {'-' if job.amount < 0 else '+'}{ether(abs(job.amount))}"
    )
    return [
        f"round {job.round} job {job.job} seat {job.seat}: {amount}",
        f"  it {answered}; {job.decision}",
        f"  why: {job.why}",
        f"  {_cost_text(job.cost)}",
    ]


def _cost_text(cost: Cost) -> str:
    unknown = f", and {cost.unknown} that the node does not know any more" if cost.unknown else ""
    return f"{counted(cost.transactions, 'transaction')}, {cost.gas:,} gas for {ether(cost.fee)}{unknown}"
