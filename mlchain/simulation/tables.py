"""Tables of a simulation for a terminal."""

from rich.console import Console
from rich.table import Table

from mlchain.console import percent, table
from mlchain.protocol.rounds import ETHER
from mlchain.simulation.attacks import Result
from mlchain.simulation.summary import Summary

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
    rows = _table("Odds, if the evil tell the same lie", "over all rounds", "expected", "happened")
    for name, happened in summary.odds["happened"].items():
        rows.add_row(name.replace("_", " "), f"{summary.odds['expected'][name]:.2f}", str(happened))
    return rows


def pay_table(summary: Summary) -> Table:
    """Return a row per worker, in ether."""
    rows = _table("Pay in ether", "worker", "behaviour", "earned", "slashed", "gas paid", "net")
    for pay in summary.pay:
        amounts = (pay.earned, -pay.slashed, -pay.gas_paid, pay.net)
        rows.add_row(pay.address, pay.behaviour, *(_ether(amount) for amount in amounts))
    return rows


def losses_table(summary: Summary) -> Table:
    """Return a row per worker and reason for which it lost money: how much, and in which rounds."""
    rows = _table("Why workers lost money", "worker", "behaviour", "ether", "reason", "in rounds")
    for pay in summary.pay:
        for reason in dict.fromkeys(loss.reason for loss in pay.losses):
            losses = [loss for loss in pay.losses if loss.reason == reason]
            amount = _ether(-sum(loss.amount for loss in losses))
            rounds = ", ".join(str(loss.round) for loss in losses)
            rows.add_row(pay.address, pay.behaviour, amount, reason, rounds)
    return rows


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
            f"model {summary.model_hash}",
            f"test accuracy {percent(summary.accuracy)} after {len(summary.rounds)} rounds, "
            f"{summary.seconds:.1f} seconds",
            f"wrong results accepted: {summary.wrong_accepted}, honest seats slashed: {summary.honest_slashed}, "
            f"honest seats unpaid: {summary.honest_unpaid}",
            f"paid in {wei['paid_in']} wei, paid out {wei['paid_out']} wei, held {wei['held']} wei",
        )
    )


def _table(title: str, *columns: str) -> Table:
    return table(title, *columns, words=WORDS, wrapped=WRAPPED)


def _ether(wei: int) -> str:
    return f"{wei / ETHER:.6f}"
