"""The options that the commands of a live network share, each group as one value."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from mlchain.data.store import MOST_BYTES
from mlchain.live.training import Limits, half_of_the_memory
from mlchain.units import Amount, Duration, Size, duration, size_text

PATIENCE = 120  # seconds that a transaction may wait before it is sent again
PAGE_PORT = 8780
PAUSE = Duration(is_whole=False)
DEPLOYMENTS = click.option(
    "--deployments",
    default="deployments",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of the deployment records.",
)

Command = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a deployment is: the folder of records, or the address of its JobFactory and the first block to read."""

    deployments: Path
    address: str | None = None
    first_block: int = 0


@dataclass(frozen=True, slots=True)
class ProgramOptions:
    """Where a program that runs for long acts, from which account, and how often it looks; times in seconds."""

    place: Place
    account: str | None
    poll_interval: float
    patience: float
    max_gas_price: int | None = None  # wei
    metrics: tuple[str, ...] = ()  # ports, in digits, and files


def place_options(command: Command) -> Command:
    """Give a command `place`, from the options that say where the deployment is."""

    @DEPLOYMENTS
    @click.option("--address", help="Address of the JobFactory.  [default: that of the deployment record]")
    @click.option("--first-block", default=0, show_default=True, help="With --address: the block to read from.")
    @wraps(command)
    def with_place(deployments: Path, address: str | None, first_block: int, **others: Any) -> None:
        command(place=Place(deployments, address, first_block), **others)

    return with_place


def limits_options(command: Command) -> Command:
    """Give a command `limits`, from the options of a program that trains the jobs of strangers."""

    @click.option(
        "--max-memory", type=Size(), help="Memory that a job, or traces, may take.  [default: half of this machine's]"
    )
    @click.option(
        "--max-seconds-per-job",
        type=Duration(),
        help="Time that a job may take.  [default: half of its round's commit window]",
    )
    @click.option(
        "--max-data",
        type=Size(),
        default=size_text(MOST_BYTES),
        show_default=True,
        help="Most to fetch of announced data.",
    )
    @wraps(command)
    def with_limits(max_memory: int | None, max_seconds_per_job: int | None, max_data: int, **others: Any) -> None:
        command(limits=Limits(max_memory or half_of_the_memory(), max_seconds_per_job, max_data), **others)

    return with_limits


def program_options(command: Command) -> Command:
    """Give a command `program`, from the options of a program that runs for long."""

    @place_options
    @click.option("--account", help="Account that signs, one of `ape accounts list`.  [default: a test account]")
    @click.option(
        "--poll-interval", type=PAUSE, default="4s", show_default=True, help="Time between polls of the chain."
    )
    @click.option(
        "--patience",
        type=PAUSE,
        default=duration(PATIENCE),
        show_default=True,
        help="Time after which a transaction that is not mined is sent again.",
    )
    @click.option(
        "--max-gas-price",
        type=Amount(),
        help="Price of a unit of gas to wait above, such as 50 gwei, unless a deadline would cost more.  "
        "[default: of a worker, at which joining and a commitment cost half of a reward]",
    )
    @click.option(
        "--metrics",
        multiple=True,
        metavar="PORT|FILE",
        help="Port of 127.0.0.1 to serve figures at for Prometheus, or a file for a line of JSON a round; repeatable.",
    )
    @wraps(command)
    def with_program(
        place: Place,
        account: str | None,
        poll_interval: float,
        patience: float,
        max_gas_price: int | None,
        metrics: tuple[str, ...],
        **others: Any,
    ) -> None:
        command(program=ProgramOptions(place, account, poll_interval, patience, max_gas_price, metrics), **others)

    return with_program
