"""Watch jobs on a live network, and dispute what is wrong."""

import click

from mlchain.actors.watcher import Watcher
from mlchain.chain.command import Command
from mlchain.live.disputing import watcher_maker
from mlchain.live.options import ProgramOptions, limits_options, program_options
from mlchain.live.runner import run_program
from mlchain.live.training import Limits


@click.command(cls=Command, short_help="Watch jobs on a live network, and dispute what is wrong")
@program_options
@click.option("--share", default=1.0, show_default=True, help="Share of all jobs to compute again, above 0, at most 1.")
@click.option("--leave", is_flag=True, help="Watch no more: bring bonds and bounties home, and end.")
@limits_options
def cli(
    program: ProgramOptions,
    share: float,
    leave: bool,
    limits: Limits,
) -> None:
    """Compute jobs again, claim the right result of those that come to a wrong one, and challenge what is claimed else.

    For that, half of the stakes of those who lied are paid. It needs no stake: only bonds, which come back.
    """
    run_program(watcher_maker(share, leave, limits), Watcher.is_done, program, reads_all=True)
