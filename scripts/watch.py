"""Watch jobs on a live network, and dispute what is wrong."""

import click

from mlchain.chain.command import Command
from mlchain.data.store import MOST_BYTES
from mlchain.live.disputing import watcher_is_done, watcher_maker
from mlchain.live.options import ProgramOptions, program_options
from mlchain.live.runner import run_program
from mlchain.live.training import Limits, half_of_the_memory
from mlchain.units import Duration, Size, size_text


@click.command(cls=Command, short_help="Watch jobs on a live network, and dispute what is wrong")
@program_options
@click.option("--share", default=1.0, show_default=True, help="Share of all jobs to compute again, above 0, at most 1.")
@click.option("--leave", is_flag=True, help="Watch no more: bring bonds and bounties home, and end.")
@click.option("--max-memory", type=Size(), help="Memory that a job may take.  [default: half of this machine's]")
@click.option(
    "--max-seconds-per-job",
    type=Duration(),
    help="Time that a job may take.  [default: half of its round's commit window]",
)
@click.option(
    "--max-data", type=Size(), default=size_text(MOST_BYTES), show_default=True, help="Most to fetch of announced data."
)
def cli(
    program: ProgramOptions,
    share: float,
    leave: bool,
    max_memory: int | None,
    max_seconds_per_job: int | None,
    max_data: int,
) -> None:
    """Compute jobs again, claim the right result of those that come to a wrong one, and challenge what is claimed else.

    For that, half of the stakes of those who lied are paid. It needs no stake: only bonds, which come back.
    """
    limits = Limits(max_memory or half_of_the_memory(), max_seconds_per_job, max_data)
    run_program(watcher_maker(share, leave, limits), watcher_is_done, program, reads_all=True)
