"""A worker that attacks: `python -m tests.live.evil_worker BEHAVIOUR`, with the options of `ape run worker`.

It is for tests only: the program that people run knows no attacker.
"""

import click

from mlchain.actors.worker import Worker
from mlchain.chain.command import Command
from mlchain.live.options import ProgramOptions, program_options
from mlchain.live.runner import run_program
from mlchain.live.training import Limits, half_of_the_memory
from mlchain.live.wallet import Wallet
from mlchain.live.worker_program import GAS_RESERVE, worker_maker
from mlchain.simulation.attackers import BEHAVIOURS


@click.command(cls=Command)
@click.argument("behaviour", type=click.Choice(list(BEHAVIOURS)))
@program_options
def cli(behaviour: str, program: ProgramOptions) -> None:
    """Join the pool and behave as told, until stopped."""
    wallet, limits = Wallet(max_loss=2**96, rejoins=True), Limits(half_of_the_memory())
    make = worker_maker(False, GAS_RESERVE, wallet, limits, BEHAVIOURS[behaviour])
    run_program(make, Worker.is_done, program)


if __name__ == "__main__":
    cli()
