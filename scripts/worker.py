"""Work for the learning server on a live network."""

import click

from mlchain.chain.command import Command
from mlchain.live.options import ProgramOptions, program_options
from mlchain.live.runner import run_program
from mlchain.live.worker_program import GAS_RESERVE, worker_is_done, worker_maker
from mlchain.units import Amount, ether


@click.command(cls=Command, short_help="Work for a learning server on a live network")
@program_options
@click.option("--leave", is_flag=True, help="Leave the pool, finish open jobs, and withdraw stake and pay.")
@click.option(
    "--gas-reserve",
    type=Amount(),
    default=ether(GAS_RESERVE),
    show_default=True,
    help="Ether to keep for gas when joining.",
)
def cli(program: ProgramOptions, leave: bool, gas_reserve: int) -> None:
    """Join the pool, unless that is done, and do every job that draws this worker, until stopped.

    Restarted, on any machine, it continues where the chain stands.
    """
    run_program(worker_maker(leave, gas_reserve), worker_is_done, program)
