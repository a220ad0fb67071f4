"""Run the learning server of the contracts against a live network."""

import os

import click

from mlchain.actors.server import LearningServer, Plan
from mlchain.chain.command import Command
from mlchain.errors import UserError, require
from mlchain.live.programs import Live, program_options, run_program
from mlchain.protocol.calls import View
from mlchain.tasks.catalogue import MODELS, TASKS, create_task

DEFAULT = Plan(5)


@click.command(cls=Command, short_help="Run the learning server against a live network")
@program_options
@click.option("--task", default="digits", show_default=True, help=f"What is learned: {', '.join(TASKS)}.")
@click.option("--model", default="softmax", show_default=True, help=f"What learns: {', '.join(MODELS)}.")
@click.option("--rounds", default=DEFAULT.rounds, show_default=True, help="Rounds in all, those played included.")
@click.option("--jobs", default=DEFAULT.jobs, show_default=True, help="Jobs per round.")
@click.option("--committee", type=int, help="Seats per job.  [default: the whole pool, shared among the jobs]")
@click.option("--quorum", type=int, help="Equal answers that a job needs.  [default: the least majority]")
@click.option("--least-pool", default=DEFAULT.least_pool, show_default=True, help="Workers that a round waits for.")
@click.option("--reward", default=DEFAULT.reward, show_default=True, help="Of a seat, in wei.")
@click.option("--bonus", default=DEFAULT.bonus, show_default=True, help="Of a job, for who publishes, in wei.")
@click.option("--commit-window", default=DEFAULT.commit_window, show_default=True, help="In seconds.")
@click.option("--publish-window", default=DEFAULT.publish_window, show_default=True, help="In seconds.")
@click.option("--referee-window", default=DEFAULT.referee_window, show_default=True, help="In seconds.")
@click.option("--audit", default=0.0, show_default=True, help="Share of undisputed jobs that are recomputed.")
def cli(task: str, model: str, audit: float, rounds: int, jobs: int, **choices: object) -> None:
    """Publish the model, deploy rounds, rule, settle and average, until all rounds are played or it is stopped.

    Started again, on another machine if need be, it goes on where the chain stands.
    """
    plan = Plan(rounds, jobs, **{name: choices.pop(name) for name in Plan.__slots__ if name in choices})
    require(0 <= audit <= 1, f"the share of audited jobs has to be from 0 to 1, not {audit}")
    if audit:
        plan = plan.with_longest_audit()

    def make(live: Live) -> LearningServer:
        if live.address != live.deployment.server:
            raise UserError(f"{live.address} is not the learning server here: {live.deployment.server} is")
        draw = live.secret_share("audit")
        return LearningServer(
            live.address,
            create_task(task, model),
            plan,
            lambda _round: os.urandom(32),
            lambda number, job: draw(number, job) < audit,
        )

    def is_done(server: LearningServer, view: View) -> bool:
        if server.is_done(view.ledger):
            server.is_leaving = True  # nothing is left but to take the credit home
        return server.is_leaving and not view.ledger.account(server.address).credit

    run_program(make, is_done, **choices)
