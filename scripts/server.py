"""Run the learning server of the contracts on a live network."""

from dataclasses import replace
from pathlib import Path

import click

from mlchain.actors.plan import Plan
from mlchain.chain.command import Command
from mlchain.live.options import ProgramOptions, program_options
from mlchain.live.runner import run_program
from mlchain.live.server_program import Audits, Home, server_is_done, server_maker
from mlchain.tasks.choices import Subject
from mlchain.tasks.options import EARLY_STOPPING, UNTIL_ACCURACY, subject_options
from mlchain.units import Amount, Duration, ether

DEFAULT = Plan(5)
AUDITS = Audits()
SHORTEST = "[default: the shortest that the deployment allows]"


@click.command(cls=Command, short_help="Run the learning server on a live network")
@program_options
@subject_options
@click.option("--rounds", default=DEFAULT.rounds, show_default=True, help="Rounds in all, including those played.")
@click.option("--jobs", default=DEFAULT.jobs, show_default=True, help="Jobs per round; some networks begin with fewer.")
@click.option("--committee", type=int, help="Seats per job.  [default: the pool, divided among the jobs]")
@click.option("--quorum", type=int, help="Equal answers that a job needs.  [default: a bare majority of the seats]")
@click.option(
    "--min-pool",
    default=DEFAULT.min_pool,
    help="Workers to wait for before a round.  [default: for each job the fewest seats that the deployment allows]",
)
@click.option(
    "--reward", type=Amount(), default=ether(DEFAULT.reward), show_default=True, help="Pay of a seat that is right."
)
@click.option(
    "--bonus", type=Amount(), default=ether(DEFAULT.bonus), show_default=True, help="Pay for publishing a job's result."
)
@click.option("--commit-window", type=Duration(), help=f"Time to train and commit.  {SHORTEST}")
@click.option("--publish-window", type=Duration(), help=f"Time to propose and publish.  {SHORTEST}")
@click.option("--referee-window", type=Duration(), help=f"Time that the referee has after that.  {SHORTEST}")
@click.option(
    "--challenge-window",
    type=Duration(),
    help=f"Time to audit before an undisputed answer stands, if any are audited.  {SHORTEST}",
)
@click.option(
    "--audit-rate", default=AUDITS.rate, show_default=True, help="Share of undisputed jobs to recompute, 0 to 1."
)
@click.option("--data-url", help="Address at which workers can fetch the file that `ape run data` writes of --data.")
@click.option("--start-from", type=click.Path(path_type=Path), help="An .npz file of `ape run model` to begin with.")
@UNTIL_ACCURACY
@EARLY_STOPPING
def cli(
    program: ProgramOptions,
    subject: Subject,
    audit_rate: float,
    rounds: int,
    jobs: int,
    committee: int | None,
    quorum: int | None,
    min_pool: int,
    reward: int,
    bonus: int,
    commit_window: int | None,
    publish_window: int | None,
    referee_window: int | None,
    challenge_window: int | None,
    until_accuracy: float | None,
    early_stopping: int | None,
    data_url: str | None,
    start_from: Path | None,
) -> None:
    """Publish the model, deploy rounds, rule, settle and average, until all rounds are played or it is stopped.

    Restarted, on any machine, it continues where the chain stands.
    """
    plan = Plan(rounds, jobs, committee, quorum, reward, bonus, min_pool=min_pool)
    plan = replace(plan, until_accuracy=until_accuracy, early_stopping=early_stopping)
    windows = commit_window, publish_window, referee_window
    audits = Audits(audit_rate, challenge_window)
    compares = until_accuracy is not None or early_stopping is not None  # all versions with each other
    make = server_maker(subject, plan, audits, windows, Home(data_url, start_from))
    run_program(make, server_is_done, program, reads_all=compares)
    click.echo("`ape run model --out model.npz` takes the model home")
