"""A worker that attacks: `python -m tests.live.evil_worker BEHAVIOUR`, with the options of `ape run worker`.

It is for tests only: the program that people run knows no attacker.
"""

import click

from mlchain.chain.command import Command
from mlchain.live.options import ProgramOptions, program_options
from mlchain.live.runner import run_program
from mlchain.live.worker_program import GAS_RESERVE, worker_is_done, worker_maker
from mlchain.simulation.attackers import BEHAVIOURS


@click.command(cls=Command)
@click.argument("behaviour", type=click.Choice(list(BEHAVIOURS)))
@program_options
def cli(behaviour: str, program: ProgramOptions) -> None:
    """Join the pool and behave as told, until stopped."""
    run_program(worker_maker(False, GAS_RESERVE, BEHAVIOURS[behaviour]), worker_is_done, program)


if __name__ == "__main__":
    cli()
