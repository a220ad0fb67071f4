"""Play a learning server and its workers on a local chain."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
from click.core import ParameterSource

from mlchain.centralized.learning.aggregation import RULES
from mlchain.centralized.learning.behaviours import BEHAVIOURS as LEARNERS
from mlchain.centralized.learning.training import open_federated
from mlchain.centralized.simulation.run import CentralizedOptions, learn
from mlchain.centralized.simulation.summary import (
    CentralizedSummary,
    print_learning,
    save_learning_plots,
    summarize_learning,
)
from mlchain.chain.command import LocalCommand
from mlchain.console import console, progress_bar
from mlchain.errors import UserError
from mlchain.simulation.attackers import BEHAVIOURS
from mlchain.simulation.books import check_books
from mlchain.simulation.forecast import announce
from mlchain.simulation.options import Options
from mlchain.simulation.plots import save_plots
from mlchain.simulation.simulator import Simulation, open_chain
from mlchain.simulation.summary import Summary, summarize
from mlchain.simulation.tables import print_summary
from mlchain.tasks.catalogue import MODELS, TASKS, create_task

DEFAULT = Options()
CENTRALIZED = CentralizedOptions()
UNCHOSEN = ("behaviour", None)  # has a default of its own in each mode
ONLY_FOR = {
    "contracts": ("jobs", "committee", "quorum", "referee", "audit_rate"),
    "centralized": ("rule", "dirichlet_alpha", "asynchronous", "timeout"),
}


@click.command(cls=LocalCommand, short_help="Play a learning server and its workers on a local chain")
@click.option(
    "--mode",
    type=click.Choice(list(ONLY_FOR)),
    default="contracts",
    show_default=True,
    help="Whether contracts verify results, or workers trust the server.",
)
@click.option("--workers", default=DEFAULT.workers, show_default=True, help="How many workers join.")
@click.option("--evil", default=DEFAULT.evil, show_default=True, help="How many of them are evil.")
@click.option(
    "--behaviour",
    help=f"What the evil ones do, several separated by commas: {', '.join(BEHAVIOURS)}.  [default: "
    f"{DEFAULT.behaviour}]  Centralized, one of {', '.join(LEARNERS)}.  [default: {CENTRALIZED.behaviour}]",
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
    "--audit-rate",
    default=DEFAULT.audit_rate,
    show_default=True,
    help="Share of undisputed jobs that the server recomputes.",
)
@click.option(
    "--rule",
    default=CENTRALIZED.rule,
    show_default=True,
    help=f"Centralized: how updates are combined, one of {', '.join(RULES)}.",
)
@click.option(
    "--dirichlet-alpha", type=float, help="Centralized: Dirichlet parameter of uneven shares.  [default: even shares]"
)
@click.option("--asynchronous", is_flag=True, help="Centralized: make a version as soon as half of the updates are in.")
@click.option("--timeout", default=CENTRALIZED.timeout, show_default=True, help="Centralized: seconds for a result.")
@click.option("--report", type=click.Path(file_okay=False, path_type=Path), help="Folder for summary.json and plots.")
@click.pass_context
def cli(context: click.Context, mode: str, report: Path | None, **choices: object) -> None:
    """Play a learning server and its workers, honest and evil, through whole rounds on a chain of their own."""
    chosen = _choices_for(context, mode, choices)
    if report:
        _make_folder(report)
    (_play if mode == "contracts" else _learn)(chosen, report)


def _choices_for(context: click.Context, mode: str, choices: dict[str, object]) -> dict[str, object]:
    """Return the choices that a mode has; raises UserError for one made that only the other mode has."""
    foreign = [name for other, names in ONLY_FOR.items() if other != mode for name in names]
    made = [name for name in foreign if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if made:
        raise UserError(f"--{made[0]} does not go together with --mode {mode}")
    return {name: value for name, value in choices.items() if name not in foreign and (name, value) != UNCHOSEN}


def _play(choices: dict[str, object], report: Path | None) -> None:
    started = time.monotonic()
    options = Options(**choices)
    create_task(options.task, options.model)  # refuses data that is missing, before anything is printed
    chain = open_chain(options.seed)
    console().print(announce(options), soft_wrap=True)

    with progress_bar(options.rounds) as progress:
        run = Simulation(chain, options, progress).play()
    check_books(chain, run)
    summary = summarize(chain, run, time.monotonic() - started)
    print_summary(console(), summary)
    _save(report, summary, partial(save_plots, run, summary))


def _learn(choices: dict[str, object], report: Path | None) -> None:
    started = time.monotonic()
    options = CentralizedOptions(**choices)
    open_federated(options.recipe, options.split)  # is there data to deal out?
    chain = open_chain(options.seed)
    with progress_bar(options.rounds) as progress:
        learned = learn(chain, options, progress)
    summary = summarize_learning(chain, learned, time.monotonic() - started)
    print_learning(console(), summary)
    _save(report, summary, partial(save_learning_plots, learned, summary))


def _save(report: Path | None, summary: Summary | CentralizedSummary, save_plots_to: Callable[[Path], object]) -> None:
    if report:
        summary.save(report)
        save_plots_to(report)
        click.echo(f"summary.json and plots are in {report}")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write a report into {folder}: {error.strerror}") from error
