"""The audit of a deployment on a network: what is asked of the node, and the lines that are printed."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from mlchain.audit.auditor import audit
from mlchain.audit.books import Books, GameBook, JobBook
from mlchain.audit.findings import Check, Report
from mlchain.audit.state import Rules, Sources
from mlchain.chain.archive import Archive
from mlchain.chain.connection import Chain
from mlchain.chain.deployment import Deployment
from mlchain.chain.log_store import LogStore
from mlchain.chain.past import Report as Progress
from mlchain.chain.past import ignore
from mlchain.export.model_file import start_from
from mlchain.live.event_lines import counted
from mlchain.protocol.events import BountyPaid, JobDeployed, Joined, Log, RoundDeployed
from mlchain.protocol.game_events import Challenged, Claimed
from mlchain.tasks.catalogue import open_recipe, open_task
from mlchain.training.recipe import Recipe


def audit_deployment(
    chain: Chain,
    deployment: Deployment,
    retrains: bool,
    own: Path | None = None,
    store: LogStore | None = None,
    report: Progress = ignore,
) -> tuple[Report, int]:
    """Return what an audit of all final blocks finds, and how many blocks these are.

    Logs are kept in `store`, and `report` is told how many blocks of how many are read. The deployment began with the
    model in the file `own`, if any. Accepted results are computed again if `retrains`; raises UserError when the data
    set for it is missing.
    """
    archive, last = Archive(deployment, store, report, chain.is_own), chain.final_block
    logs = archive.logs(last)
    first = next((log.block for log in logs if isinstance(log.event, RoundDeployed)), None)
    anchor = None if first is None else archive.random_head_at(first - 1)
    first_model = None if own is None else lambda recipe: start_from(own, Recipe.from_bytes(recipe))
    training = lru_cache(open_task) if retrains else None
    sources = Sources(lru_cache(open_recipe), archive.seed_parts, training, anchor, first_model)
    found = audit(logs, rules_of(deployment), sources, books_at(archive, deployment, logs, last))
    return found, max(0, last - deployment.block + 1)


def rules_of(deployment: Deployment) -> Rules:
    """Return what is fixed for a deployment."""
    it = deployment.parameters
    return Rules(
        deployment.chain_id,
        deployment.addresses["JobFactory"],
        deployment.server,
        it.stake,
        it.absence_fee,
        it.min_window,
        it.max_round_duration,
        it.min_seats,
        it.permissioned,
        it.has_game,
        it.bond,
    )


def books_at(archive: Archive, deployment: Deployment, logs: Sequence[Log], block: int) -> Books:
    """Return what the contracts say at the end of a block, of everybody and every job that the logs name."""
    events = [log.event for log in logs]
    owners = {deployment.server} | {it.worker for it in events if isinstance(it, Joined)}
    owners |= {it.finder for it in events if isinstance(it, BountyPaid)}
    players = {it.claimant for it in events if isinstance(it, Claimed)}
    players |= {it.challenger for it in events if isinstance(it, Challenged)}
    jobs = [it.job for it in events if isinstance(it, JobDeployed)]
    return Books(
        archive.balance_at(block),
        archive.burnt_at(block),
        *archive.counts_at(block),
        archive.accounts_at(sorted(owners), block),
        {job: JobBook(*found) for job, found in archive.jobs_at(jobs, block).items()},
        GameBook(*archive.game_at(sorted(players), block)) if deployment.parameters.has_game else None,
    )


def audit_lines(report: Report, blocks: int, retrains: bool) -> list[str]:
    """Return a line for each group of checks, one for each problem, and what it all comes to."""
    lines = [_line(report, check) for check in Check if check is not Check.TRAINING or retrains]
    if not retrains:
        lines.append(f"{Check.TRAINING.value:<24}not checked: --retrain computes every accepted result again")
    if report.unseen_seeds:
        seeds = report.seeds + report.unseen_seeds
        lines.append(
            f"{report.unseen_seeds} of {seeds} seeds not checked: the node has no block or transaction of them"
        )
    if not report.seeds + report.unseen_seeds:
        lines.append("the first model was not checked: no round has named the recipe that it follows from")
    lines += [
        f"round {number} was scheduled in block {block} and not deployed: did the server dislike the draw?"
        for number, block in report.unused_schedules
    ]
    lines += [f"{finding.check.value}: {finding}" for finding in report.findings]
    problems = len(report.findings)
    comes_to = f"{counted(problems, 'problem')}" if problems else "everything is as the protocol says"
    return [*lines, f"{counted(blocks, 'block')}, {counted(report.events, 'event')}, {comes_to}"]


def _line(report: Report, check: Check) -> str:
    found = report.found(check)
    return f"{check.value:<24}{report.checked[check]:>7,} checks   {counted(found, 'problem') if found else 'ok'}"
