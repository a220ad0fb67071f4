"""What the commands of a live network have in common: options, the account, and how a program ends."""

import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import TypeVar

import click
from eth_utils import keccak

from mlchain.chain.accounts import load_unattended, signer_for
from mlchain.chain.connection import Chain
from mlchain.chain.deployment import Deployment
from mlchain.chain.discovery import find_deployment
from mlchain.chain.outbox import Outbox
from mlchain.errors import require
from mlchain.live.loop import Actor, ActorLoop
from mlchain.protocol.calls import View

A = TypeVar("A", bound=Actor)

PATIENCE = 120.0  # seconds that a transaction may wait before it is sent again


def place_options(command: Callable) -> Callable:
    """Add the options that say where the deployment is."""
    for option in reversed(
        [
            click.option(
                "--deployments",
                default="deployments",
                show_default=True,
                type=click.Path(path_type=Path),
                help="Folder of deployment records.",
            ),
            click.option("--address", help="Of the JobFactory.  [default: that of the deployment record]"),
            click.option("--first-block", default=0, show_default=True, help="With --address: where to begin to read."),
        ]
    ):
        command = option(command)
    return command


def program_options(command: Callable) -> Callable:
    """Add the options of a program that goes on for long."""
    for option in reversed(
        [
            click.option("--account", help="One of `ape accounts list`.  [default: a test account]"),
            click.option(
                "--poll-interval", default=4.0, show_default=True, help="Seconds between two looks at the chain."
            ),
            click.option(
                "--patience", default=PATIENCE, show_default=True, help="Seconds until what is not mined is sent again."
            ),
        ]
    ):
        command = option(command)
    return place_options(command)


@dataclass(frozen=True, slots=True)
class Live:
    """Who acts on which deployment."""

    account: object  # what signs
    deployment: Deployment

    @property
    def address(self) -> str:
        """Who acts."""
        return str(self.account.address)

    def secret_share(self, purpose: str) -> Callable[..., float]:
        """Return a function of numbers to [0, 1) that only the account's key can compute, again and again."""
        text = f"ml-on-blockchain {purpose} {self.deployment.chain_id} {self.deployment.addresses['JobFactory']}"
        key = signer_for(self.account)(text)

        def share(*numbers: int) -> float:
            said = keccak(key + b"".join(number.to_bytes(8, "big") for number in numbers))
            return int.from_bytes(said[:6], "big") / 2**48

        return share


def open_deployment(deployments: Path, address: str | None, first_block: int) -> tuple[Chain, Deployment]:
    """Return the connected chain and the deployment on it, ready to be read; raises UserError when it is not there."""
    require(first_block >= 0, f"the first block has to be 0 or more, not {first_block}")
    chain = Chain()
    deployment = find_deployment(chain, deployments, address, first_block)
    height = chain.height
    require(deployment.block <= height, f"reading cannot begin at block {deployment.block}: the newest is {height}")
    chain.follow(deployment)
    return chain, deployment


def run_program(
    make: Callable[[Live], A],
    is_done: Callable[[A, View], bool],
    account: str | None,
    deployments: Path,
    address: str | None,
    first_block: int,
    poll_interval: float,
    patience: float,
) -> None:
    """Let the actor that `make` makes follow a deployment until `is_done`, or until SIGINT or SIGTERM."""
    require(poll_interval > 0, f"the poll interval has to be more than 0 s, not {poll_interval}")
    require(patience > 0, f"the patience has to be more than 0 s, not {patience}")
    chain, deployment = open_deployment(deployments, address, first_block)
    signer = load_unattended(account)
    actor = make(Live(signer, deployment))
    say(f"{signer.address} on {chain.network}, chain {chain.chain_id}")
    outbox = Outbox(chain, signer, patience)
    finished = ActorLoop(chain, actor, outbox, say, partial(is_done, actor), poll_interval).run(_stop_signal())
    say("done" if finished else "stopped")


def say(line: str) -> None:
    """Print a line at once, whoever reads it."""
    with suppress(OSError):  # a full disk or a closed pipe: what is done matters more than who is told
        click.echo(line)


def _stop_signal() -> Event:
    """Return an event that SIGINT and SIGTERM set: the step under way is brought to its end."""
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop
