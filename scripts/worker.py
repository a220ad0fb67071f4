"""Work for the learning server on a live network."""

from pathlib import Path

import click

from mlchain.actors.worker import Worker
from mlchain.chain.command import Command
from mlchain.live.options import ProgramOptions, limits_options, program_options
from mlchain.live.runner import run_program
from mlchain.live.training import Limits
from mlchain.live.wallet import Wallet
from mlchain.live.worker_program import GAS_RESERVE, worker_maker
from mlchain.tasks.options import DATA, LABEL, bring
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
@click.option(
    "--max-loss", type=Amount(), help="The most to lose in this deployment.  [default: one stake and one absence fee]"
)
@click.option("--rejoin", is_flag=True, help="Stake again after a slash, within --max-loss.")
@limits_options
@DATA
@LABEL
def cli(
    program: ProgramOptions,
    leave: bool,
    gas_reserve: int,
    max_loss: int | None,
    rejoin: bool,
    limits: Limits,
    data: Path | None,
    label: str | None,
) -> None:
    """Join the pool, unless that is done, and do every job that draws this worker, until stopped.

    Restarted, on any machine, it continues where the chain stands.
    """
    bring(data, label)
    run_program(worker_maker(leave, gas_reserve, Wallet(max_loss, rejoin), limits), Worker.is_done, program)
