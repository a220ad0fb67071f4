"""Run the learning server of the contracts against a live network."""

import click

from mlchain.actors.server import Plan
from mlchain.chain.command import Command
from mlchain.live.options import ProgramOptions, program_options
from mlchain.live.roles import server_is_done, server_maker
from mlchain.live.runner import run_program
from mlchain.tasks.catalogue import MODELS, TASKS

DEFAULT = Plan(5)


@click.command(cls=Command, short_help="Run the learning server against a live network")
@program_options
@click.option("--task", default="digits", show_default=True, help=f"What is learned: {', '.join(TASKS)}.")
@click.option("--model", default="softmax", show_default=True, help=f"What learns: {', '.join(MODELS)}.")
@click.option("--rounds", default=DEFAULT.rounds, show_default=True, help="Rounds in all, those played included.")
@click.option("--jobs", default=DEFAULT.jobs, show_default=True, help="Jobs per round.")
@click.option("--committee", type=int, help="Seats per job.  [default: the whole pool, shared among the jobs]")
@click.option("--quorum", type=int, help="Equal answers that a job needs.  [default: the least majority]")
@click.option("--min-pool", default=DEFAULT.min_pool, show_default=True, help="Workers that a round waits for.")
@click.option("--reward", default=DEFAULT.reward, show_default=True, help="Of a seat, in wei.")
@click.option("--bonus", default=DEFAULT.bonus, show_default=True, help="Of a job, for who publishes, in wei.")
@click.option("--commit-window", default=DEFAULT.commit_window, show_default=True, help="In seconds.")
@click.option("--publish-window", default=DEFAULT.publish_window, show_default=True, help="In seconds.")
@click.option("--referee-window", default=DEFAULT.referee_window, show_default=True, help="In seconds.")
@click.option("--audit-rate", default=0.0, show_default=True, help="Share of undisputed jobs that are recomputed.")
def cli(
    program: ProgramOptions, task: str, model: str, audit_rate: float, rounds: int, jobs: int, **terms: int | None
) -> None:
    """Publish the model, deploy rounds, rule, settle and average, until all rounds are played or it is stopped.

    Started again, on another machine if need be, it goes on where the chain stands.
    """
    plan = Plan(rounds, jobs, **terms)
    run_program(server_maker(task, model, plan, audit_rate), server_is_done, program)
