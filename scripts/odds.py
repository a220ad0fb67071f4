"""Print the odds of a job and plot them over committee sizes and shares of evil workers."""

from pathlib import Path

import click

from mlchain.chain.command import OfflineCommand
from mlchain.console import console
from mlchain.simulation.odds import Question, attacker_table, economics_table, odds_table
from mlchain.units import Amount, ether

DEFAULT = Question()


@click.command(cls=OfflineCommand, short_help="Print the odds of a job; needs no chain")
@click.option("--pool", default=DEFAULT.pool, show_default=True, help="Workers in the pool.")
@click.option("--evil", default=DEFAULT.evil, show_default=True, help="How many of them are evil.")
@click.option("--committee", type=int, help="Seats of the job.  [default: the whole pool]")
@click.option("--quorum", type=int, help="Equal answers that the job needs.  [default: a bare majority of the seats]")
@click.option("--stake", type=Amount(), default=ether(DEFAULT.stake), show_default=True, help="Stake of a worker.")
@click.option(
    "--audit-rate", default=DEFAULT.audit_rate, show_default=True, help="Share of undisputed jobs to recompute, 0 to 1."
)
@click.option("--reward", type=Amount(), default=ether(DEFAULT.reward), show_default=True, help="Pay of a seat.")
@click.option("--bonus", type=Amount(), default=ether(DEFAULT.bonus), show_default=True, help="Pay for publishing.")
@click.option(
    "--plot",
    default="reports/odds.png",
    show_default=True,
    type=click.Path(path_type=Path),
    help="File for the plot: .png, .svg or .pdf.",
)
def cli(
    pool: int,
    evil: int,
    committee: int | None,
    quorum: int | None,
    stake: int,
    audit_rate: float,
    reward: int,
    bonus: int,
    plot: Path,
) -> None:
    """Print how likely a job is to end right or wrong and to pay, and what an attacker needs; draw a plot.

    All honest seats are assumed to answer, and all evil seats to tell the same lie.
    """
    from mlchain.simulation.odds_plot import save_odds_plot  # here: `ape run` imports every script

    question = Question(pool, evil, committee, quorum, stake, audit_rate, reward, bonus)
    save_odds_plot(question, plot)
    console().print(odds_table(question))
    console().print(attacker_table(question))
    console().print(economics_table(question))
    click.echo("assumed: all honest seats answer, all evil seats tell the same lie, and the pool keeps its size")
    click.echo(f"the plot is {plot}")
