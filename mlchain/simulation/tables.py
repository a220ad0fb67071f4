"""Tables of a simulation for a terminal."""

from collections import defaultdict

from rich.console import Console
from rich.table import Table

from mlchain.console import percent, table
from mlchain.protocol.rounds import ETHER
from mlchain.simulation.attacks import Result
from mlchain.simulation.books import Loss, Pay
from mlchain.simulation.summary import Summary
from mlchain.units import ether

MOST_WORKERS = 20  # that have a row each; more are summed up
IN_FILE = "is in the summary.json of --report"
AMOUNTS = ("earned", "slashed", "gas paid", "net")
GAME_AMOUNTS = ("earned", "slashed", "bounties", "bonds", "gas paid", "net")
WORDS = {
    "outcome",
    "decided by",
    "worker",
    "behaviour",
    "reason",
    "in rounds",
    "transaction",
    "attack",
    "what it tries",
    "over all rounds",
}
WRAPPED = {"in rounds", "what it tries"}


def print_summary(console: Console, summary: Summary) -> None:
    """Print the rounds, the odds, the pay of every worker, the gas, and what it all came to."""
    tables = (rounds_table(summary), odds_table(summary), pay_table(summary), losses_table(summary))
    for rows in (*tables, gas_table(summary.gas)):
        if rows.row_count:
            console.print(rows)
    console.print(verdict(summary))


def rounds_table(summary: Summary) -> Table:
    """Return a row per job: how it was decided and what came out of its round."""
    rows = _table("Rounds", "round", "job", "outcome", "decided by", "honest seats", "version", "accuracy")
    for current in summary.rounds:
        for index, job in enumerate(current.jobs):
            last = index + 1 == len(current.jobs)
            rows.add_row(
                str(current.round),
                str(index),
                job.outcome,
                job.decided_by,
                f"{job.matches} of {job.seats}",
                str(current.version) if last else "",
                percent(current.accuracy) if last else "",
            )
    return rows


def odds_table(summary: Summary) -> Table:
    """Return what was to be expected on average if the evil workers tell the same lie, and what happened."""
    rows = _table("Odds if all evil workers tell the same lie", "over all rounds", "expected", "happened")
    for name, happened in summary.odds["happened"].items():
        rows.add_row(name.replace("_", " "), f"{summary.odds['expected'][name]:.2f}", str(happened))
    return rows


def pay_table(summary: Summary) -> Table:
    """Return a row per worker, in ether, or per behaviour where there are many workers."""
    has_game = any(pay.bounties or pay.bonds for pay in summary.pay)
    amounts = GAME_AMOUNTS if has_game else AMOUNTS
    if len(summary.pay) > MOST_WORKERS:
        made = _table(f"Pay in ether, by behaviour; that of each worker {IN_FILE}", "behaviour", "workers", *amounts)
        for behaviour, workers in summary.behaviours.items():
            together = [_amounts(pay, has_game) for pay in summary.pay if pay.behaviour == behaviour]
            totals = map(sum, zip(*together, strict=True))
            made.add_row(behaviour, f"{workers:,}", *map(_ether, totals))
        return made
    made = _table("Pay in ether", "worker", "behaviour", *amounts)
    for pay in summary.pay:
        made.add_row(pay.address, pay.behaviour, *map(_ether, _amounts(pay, has_game)))
    return made


def losses_table(summary: Summary) -> Table:
    """Return a row per worker and reason for which it lost money: how much, and in which rounds.

    Where there are many workers it is a row per behaviour and reason, with the number of seats instead of rounds.
    """
    is_long = len(summary.pay) > MOST_WORKERS
    losses: dict[tuple[tuple[str, ...], str], list[Loss]] = defaultdict(list)
    for pay in summary.pay:
        for loss in pay.losses:
            losses[(pay.behaviour,) if is_long else (pay.address, pay.behaviour), loss.reason].append(loss)
    who = ("behaviour",) if is_long else ("worker", "behaviour")
    made = _table("Why workers lost money", *who, "ether", "reason", "seats" if is_long else "in rounds")
    for (names, reason), lost in losses.items():
        where = f"{len(lost):,}" if is_long else ", ".join(str(loss.round) for loss in lost)
        made.add_row(*names, _ether(-sum(loss.amount for loss in lost)), reason, where)
    return made


def gas_table(gas: dict[str, dict[str, int]]) -> Table:
    """Return a row per kind of transaction."""
    rows = _table("Gas", "transaction", "count", "least", "median", "most")
    for kind, used in gas.items():
        figures = (used["count"], used["min"], used["median"], used["max"])
        rows.add_row(kind, *(f"{figure:,}" for figure in figures))
    return rows


def attacks_table(results: list[Result]) -> Table:
    """Return a row per attack: what it tried, how the jobs were decided, and what it cost whom, in ether."""
    costs = ("refused", "lost", "earned", "others lost", "others unpaid")
    title = "Attacks in two rounds: what all attackers together lost and earned, in ether, and what the others did"
    rows = _table(title, "attack", "what it tries", "decided by", *costs, "outcome")
    for result in results:
        amounts = (result.attackers_lost, result.attackers_earned, result.others_lost)
        rows.add_row(
            result.attack.name,
            result.attack.attempt,
            result.decided_by,
            str(result.refused),
            *(f"{amount / ETHER:.3f}" for amount in amounts),
            str(result.others_unpaid),
            "failed" if result.has_failed else "SUCCEEDED",
        )
    return rows


def verdict(summary: Summary) -> str:
    """Return the last lines: the model, the guarantees and the books."""
    wei = summary.wei
    return "\n".join(
        (
            *([summary.warning] if summary.warning else []),
            f"model {summary.model_hash}",
            f"test accuracy {percent(summary.accuracy)} after {len(summary.rounds)} rounds, "
            f"{summary.seconds:.1f} seconds",
            f"wrong results accepted: {summary.wrong_accepted}, honest seats slashed: {summary.honest_slashed}, "
            f"honest seats unpaid: {summary.honest_unpaid}",
            f"paid in {ether(wei['paid_in'])}, paid out {ether(wei['paid_out'])}, burnt {ether(wei['burnt'])}, "
            f"held {ether(wei['held'])}",
        )
    )


def _table(title: str, *columns: str) -> Table:
    return table(title, *columns, words=WORDS, wrapped=WRAPPED)


def _amounts(pay: Pay, has_game: bool) -> tuple[int, ...]:
    """Return what the columns of a worker's pay show, in wei."""
    game = (pay.bounties, pay.bonds) if has_game else ()
    return (pay.earned, -pay.slashed, *game, -pay.gas_paid, pay.net)


def _ether(wei: int) -> str:
    return f"{wei / ETHER:.6f}"
