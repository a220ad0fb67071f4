"""Play a learning server and its workers on a local chain.

`ape run` imports every script, whichever command is run: what only this one needs is imported where it is used.
"""

import time
from pathlib import Path

import click
from click.core import ParameterSource

from mlchain.centralized.learning.aggregation import RULES
from mlchain.centralized.learning.behaviours import BEHAVIOURS as LEARNERS
from mlchain.centralized.simulation.options import CentralizedOptions
from mlchain.chain.command import LocalCommand
from mlchain.errors import UserError, require
from mlchain.live.options import PAGE_PORT, PAUSE
from mlchain.simulation.attackers import BEHAVIOURS
from mlchain.simulation.evil_servers import SERVERS
from mlchain.simulation.options import REFEREES, Options
from mlchain.tasks.choices import Subject, prepare
from mlchain.tasks.options import EARLY_STOPPING, UNTIL_ACCURACY, subject_options
from mlchain.units import Duration

DEFAULT = Options()
CENTRALIZED = CentralizedOptions()
ONLY_FOR = {
    "contracts": (
        "jobs",
        "committee",
        "quorum",
        "referee",
        "server",
        "audit_rate",
        "until_accuracy",
        "early_stopping",
        "save_model",
        "page",
        "pace",
    ),
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
@click.option("--workers", default=DEFAULT.workers, show_default=True, help="Workers that join.")
@click.option("--evil", default=DEFAULT.evil, show_default=True, help="How many of them are evil.")
@click.option(
    "--behaviour",
    help=f"What the evil ones do, several separated by commas: {', '.join(BEHAVIOURS)}.  [default: "
    f"{DEFAULT.behaviour}]  Centralized: one of {', '.join(LEARNERS)}.  [default: {CENTRALIZED.behaviour}]",
)
@click.option("--rounds", default=DEFAULT.rounds, show_default=True, help="Rounds to play.")
@click.option("--jobs", default=DEFAULT.jobs, show_default=True, help="Jobs per round.")
@click.option("--committee", type=int, help="Seats per job.  [default: the pool, divided among the jobs]")
@click.option("--quorum", type=int, help="Equal answers that a job needs.  [default: a bare majority of the seats]")
@subject_options
@click.option("--seed", default=DEFAULT.seed, show_default=True, help="Determines keys, roles and draws.")
@click.option(
    "--referee",
    type=click.Choice(REFEREES),
    default=DEFAULT.referee,
    show_default=True,
    help="Who decides where workers disagree: the server, a contract between their claims, or nobody.",
)
@click.option(
    "--server",
    type=click.Choice(SERVERS),
    default=DEFAULT.server,
    show_default=True,
    help="What the server does; an evil one needs a contract as referee.",
)
@click.option(
    "--audit-rate", default=DEFAULT.audit_rate, show_default=True, help="Share of undisputed jobs to recompute, 0 to 1."
)
@UNTIL_ACCURACY
@EARLY_STOPPING
@click.option(
    "--rule",
    default=CENTRALIZED.rule,
    show_default=True,
    help=f"Centralized: how to combine updates: {', '.join(RULES)}.",
)
@click.option(
    "--dirichlet-alpha", type=float, help="Centralized: Dirichlet parameter of uneven shares.  [default: even shares]"
)
@click.option("--asynchronous", is_flag=True, help="Centralized: make a version as soon as half of the updates are in.")
@click.option(
    "--timeout",
    type=Duration(is_whole=False),
    default=f"{CENTRALIZED.timeout:g}s",
    show_default=True,
    help="Centralized: time to wait for a result.",
)
@click.option(
    "--save-model", type=click.Path(path_type=Path), help="File for the last version of the model: .npz or .onnx."
)
@click.option(
    "--page",
    type=click.IntRange(0, 65535),
    is_flag=False,
    flag_value=PAGE_PORT,
    metavar="[PORT]",
    help=f"Serve a page to watch on, until Ctrl-C: at port {PAGE_PORT} of this machine, or another.",
)
@click.option("--pace", type=PAUSE, default="0s", help="With --page: time to wait after every transaction.")
@click.option("--report", type=click.Path(file_okay=False, path_type=Path), help="Folder for summary.json and plots.")
@click.pass_context
def cli(
    context: click.Context,
    /,
    mode: str,
    workers: int,
    evil: int,
    behaviour: str | None,
    rounds: int,
    jobs: int,
    committee: int | None,
    quorum: int | None,
    subject: Subject,
    seed: int,
    referee: str,
    server: str,
    audit_rate: float,
    until_accuracy: float | None,
    early_stopping: int | None,
    rule: str,
    dirichlet_alpha: float | None,
    asynchronous: bool,
    timeout: float,
    save_model: Path | None,
    page: int | None,
    pace: float,
    report: Path | None,
) -> None:
    """Play a learning server and its workers, honest and evil, through whole rounds on a chain of their own."""
    _refuse_options_of_other_modes(context, mode)
    if save_model:
        from mlchain.export.model_file import require_form

        require_form(save_model)
    if report:
        _make_folder(report)
    if mode == "contracts":
        lies = DEFAULT.behaviour if behaviour is None else behaviour
        options = Options(
            workers,
            evil,
            lies,
            rounds,
            jobs,
            committee,
            quorum,
            subject.task,
            subject.model,
            seed,
            referee,
            audit_rate,
            subject.data,
            subject.label,
            until_accuracy,
            early_stopping,
            server,
        )
        require(page is not None or not pace, "--pace slows a simulation that is watched: it goes with --page")
        _play(options, report, save_model, page, pace)
    else:
        lies = CENTRALIZED.behaviour if behaviour is None else behaviour
        how = (rule, dirichlet_alpha, asynchronous, timeout, subject.data, subject.label)
        _learn(CentralizedOptions(workers, evil, lies, rounds, subject.task, subject.model, seed, *how), report)


def _refuse_options_of_other_modes(context: click.Context, mode: str) -> None:
    foreign = [name for other, names in ONLY_FOR.items() if other != mode for name in names]
    for name in foreign:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise UserError(f"--{name.replace('_', '-')} cannot be combined with --mode {mode}")


def _play(options: Options, report: Path | None, save_model: Path | None, page: int | None, pace: float) -> None:
    from mlchain.console import console, progress_bar
    from mlchain.export.model_file import save, trained_of
    from mlchain.live.versions import version_in
    from mlchain.page.program import SimulationPage
    from mlchain.simulation.books import check_books
    from mlchain.simulation.forecast import announce
    from mlchain.simulation.simulator import Simulation, open_chain
    from mlchain.simulation.summary import summarize
    from mlchain.simulation.tables import print_summary
    from mlchain.tasks.catalogue import known_dataset, open_task

    started = time.monotonic()
    open_task(prepare(options.subject).recipe.to_bytes())  # refuses data that is missing, before anything is printed
    chain = open_chain(options.seed)
    console().print(announce(options), soft_wrap=True)

    with progress_bar(options.rounds) as progress:
        shown = None if page is None else SimulationPage(page, pace)
        simulation = Simulation(chain, options, shown.reporting(progress) if shown else progress)
        if shown:
            shown.open(simulation.run.deployment)
        run = simulation.play()
    check_books(chain, run)
    summary = summarize(chain, run, time.monotonic() - started)
    print_summary(console(), summary)
    if report:
        from mlchain.simulation.plots import save_plots

        summary.save(report)
        save_plots(run, summary, report)
        click.echo(f"summary.json and plots are in {report}")
    if save_model:
        recipe, model, number = version_in(run.view.ledger, None)
        save(save_model, trained_of(recipe, model, number, known_dataset(recipe)))
        click.echo(f"version {number} of the model is in {save_model}")
    else:
        click.echo("the chain of a simulation is gone with it: --save-model FILE keeps the model", err=True)
    if shown:
        shown.stay()


def _learn(options: CentralizedOptions, report: Path | None) -> None:
    from mlchain.centralized.learning.training import open_federated
    from mlchain.centralized.simulation.run import learn
    from mlchain.centralized.simulation.summary import print_learning, save_learning_plots, summarize_learning
    from mlchain.console import console, progress_bar
    from mlchain.simulation.simulator import open_chain

    started = time.monotonic()
    open_federated(options.recipe, options.split)  # refuses shares that cannot be dealt out
    chain = open_chain(options.seed)
    with progress_bar(options.rounds) as progress:
        learned = learn(chain, options, progress)
    summary = summarize_learning(chain, learned, time.monotonic() - started)
    print_learning(console(), summary)
    if report:
        summary.save(report)
        save_learning_plots(learned, summary, report)
        click.echo(f"summary.json and plots are in {report}")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write a report into {folder}: {error.strerror}") from error
