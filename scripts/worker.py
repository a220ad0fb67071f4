"""Work for the learning server of the contracts on a live network."""

import click

from mlchain.chain.command import Command
from mlchain.live.options import ProgramOptions, program_options
from mlchain.live.roles import GAS_RESERVE, worker_is_done, worker_maker
from mlchain.live.runner import run_program


@click.command(cls=Command, short_help="Work for a learning server on a live network")
@program_options
@click.option("--leave", is_flag=True, help="Leave the pool, finish what is owed, and take everything home.")
@click.option("--gas-reserve", default=GAS_RESERVE, show_default=True, help="Wei kept for gas when joining.")
def cli(program: ProgramOptions, leave: bool, gas_reserve: int) -> None:
    """Join the pool unless that is done, and answer whenever a seat is drawn, until stopped.

    Started again, on another machine if need be, it goes on where the chain stands.
    """
    run_program(worker_maker(leave, gas_reserve), worker_is_done, program)
