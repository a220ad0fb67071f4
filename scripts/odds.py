"""Print the odds of a job and draw them over committee sizes and evil shares."""

from pathlib import Path

import click

from mlchain.chain.command import OfflineCommand
from mlchain.console import console
from mlchain.simulation.odds import Question, attacker_table, odds_table
from mlchain.simulation.odds_plot import save_odds_plot

DEFAULT = Question()


@click.command(cls=OfflineCommand, short_help="Print the odds of a job; needs no chain")
@click.option("--pool", default=DEFAULT.pool, show_default=True, help="How many workers are in the pool.")
@click.option("--evil", default=DEFAULT.evil, show_default=True, help="How many of them are evil.")
@click.option("--committee", type=int, help="Seats of the job.  [default: the whole pool]")
@click.option("--quorum", type=int, help="Equal answers that the job needs.  [default: the least majority]")
@click.option("--stake", default=DEFAULT.stake, show_default=True, help="Stake of a worker, in ether.")
@click.option(
    "--audit-rate", default=DEFAULT.audit_rate, show_default=True, help="Share of undisputed jobs that are recomputed."
)
@click.option(
    "--plot",
    default="reports/odds.png",
    show_default=True,
    type=click.Path(path_type=Path),
    help="File for the plot: .png, .svg or .pdf.",
)
def cli(plot: Path, **choices: object) -> None:
    """Print how likely a job goes right, goes wrong and pays, and what an attacker needs; draw a plot.

    Every honest seat is taken to answer; all evil seats tell the same lie.
    """
    question = Question(**choices)
    save_odds_plot(question, plot)
    console().print(odds_table(question))
    console().print(attacker_table(question))
    click.echo("assumed: all honest seats answer, all evil seats tell the same lie, and the pool keeps its size")
    click.echo(f"the plot is {plot}")
