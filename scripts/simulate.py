"""Play a learning server and its workers on a local chain."""

import time
from pathlib import Path

import click

from mlchain.actors.attackers import BEHAVIOURS
from mlchain.chain.command import Command
from mlchain.console import console, progress_bar
from mlchain.errors import UserError
from mlchain.simulation.books import check_books
from mlchain.simulation.forecast import announce
from mlchain.simulation.options import Options
from mlchain.simulation.play import Simulation, open_chain
from mlchain.simulation.plots import save_plots
from mlchain.simulation.summary import summarize
from mlchain.simulation.tables import print_summary
from mlchain.tasks.catalogue import MODELS, TASKS, create_task

DEFAULT = Options()


@click.command(cls=Command, short_help="Play a learning server and its workers on a local chain")
@click.option("--workers", default=DEFAULT.workers, show_default=True, help="How many workers join.")
@click.option("--evil", default=DEFAULT.evil, show_default=True, help="How many of them are evil.")
@click.option(
    "--behaviour",
    default=DEFAULT.behaviour,
    show_default=True,
    help=f"What the evil ones do, several separated by commas: {', '.join(BEHAVIOURS)}.",
)
@click.option("--rounds", default=DEFAULT.rounds, show_default=True, help="How many rounds are played.")
@click.option("--jobs", default=DEFAULT.jobs, show_default=True, help="Jobs per round.")
@click.option("--committee", type=int, help="Seats per job.  [default: the whole pool, shared among the jobs]")
@click.option("--quorum", type=int, help="Equal answers that a job needs.  [default: the least majority]")
@click.option("--task", default=DEFAULT.task, show_default=True, help=f"What is learned: {', '.join(TASKS)}.")
@click.option("--model", default=DEFAULT.model, show_default=True, help=f"What learns: {', '.join(MODELS)}.")
@click.option("--seed", default=DEFAULT.seed, show_default=True, help="Fixes keys, roles and draws.")
@click.option("--referee/--no-referee", default=True, show_default=True, help="Whether the server settles disputes.")
@click.option(
    "--audit",
    default=DEFAULT.audit,
    show_default=True,
    help="Share of undisputed jobs that the server recomputes.",
)
@click.option("--report", type=click.Path(file_okay=False, path_type=Path), help="Folder for summary.json and plots.")
def cli(report: Path | None, **choices: object) -> None:
    """Play a learning server and its workers, honest and evil, through whole rounds on a chain of their own."""
    started = time.monotonic()
    options = Options(**choices)
    if report:
        _make_folder(report)
    create_task(options.task, options.model)  # refuses data that is missing, before anything is printed
    chain = open_chain(options.seed)
    console().print(announce(options), soft_wrap=True)

    with progress_bar(options.rounds) as progress:
        played = Simulation(chain, options, progress).play()
    check_books(chain, played)
    summary = summarize(chain, played, time.monotonic() - started)
    print_summary(console(), summary)
    if report:
        summary.save(report)
        save_plots(played, summary, report)
        click.echo(f"summary.json and plots are in {report}")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write a report into {folder}: {error.strerror}") from error
