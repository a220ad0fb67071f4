"""Runs a server or a worker on a live network, from its options to its end."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import TypeVar

import click
from eth_utils import keccak

from mlchain.chain.accounts import AccountAPI, load_unattended, signer_for
from mlchain.chain.connection import Chain
from mlchain.chain.deploy import numbers_of
from mlchain.chain.deployment import Deployment
from mlchain.chain.discovery import find_deployment
from mlchain.chain.outbox import Outbox
from mlchain.chain.receipts import cost_of
from mlchain.console import show_reading
from mlchain.errors import require
from mlchain.live.gas_price import PriceLimit
from mlchain.live.loop import Actor, ActorLoop
from mlchain.live.metrics import Metrics, open_sinks
from mlchain.live.options import Place, ProgramOptions
from mlchain.live.training import Interrupted
from mlchain.live.usage import Usage
from mlchain.protocol.calls import View
from mlchain.protocol.hash_chain import HashChain

A = TypeVar("A", bound=Actor)


@dataclass(frozen=True, slots=True)
class Operator:
    """Who runs a program: an account, and the deployment that it acts on; `stop` is set when it is told to stop.

    `used` counts what is used besides.
    """

    account: AccountAPI
    deployment: Deployment
    stop: Event = field(default_factory=Event)
    used: Usage = field(default_factory=Usage)

    @property
    def address(self) -> str:
        """The address of the account."""
        return str(self.account.address)

    def random_numbers(self) -> HashChain:
        """Return the random numbers of the learning server, of which the deployment has announced the first's hash."""
        return numbers_of(self.account, self.deployment)

    def secret_share(self, purpose: str) -> Callable[..., float]:
        """Return a function of numbers to [0, 1) that only the account's key can compute, again and again."""
        text = f"ml-on-blockchain {purpose} {self.deployment.chain_id} {self.deployment.addresses['JobFactory']}"
        key = signer_for(self.account)(text)

        def share(*numbers: int) -> float:
            digest = keccak(key + b"".join(number.to_bytes(8, "big") for number in numbers))
            return int.from_bytes(digest[:6], "big") / 2**48

        return share


def _find(place: Place) -> tuple[Chain, Deployment]:
    require(place.first_block >= 0, f"the first block has to be 0 or more, not {place.first_block}")
    chain = Chain()
    deployment = find_deployment(chain, place.deployments, place.address, place.first_block)
    height = chain.height
    require(deployment.block <= height, f"reading cannot begin at block {deployment.block}: the newest is {height}")
    return chain, deployment


def open_deployment(place: Place) -> tuple[Chain, Deployment]:
    """Return the connected chain and the deployment on it, ready to be read; raises UserError when it is not there."""
    chain, deployment = _find(place)
    chain.follow_kept(deployment, show_reading)
    return chain, deployment


def run_program(
    make: Callable[[Operator], A],
    is_done: Callable[[A, View], bool],
    options: ProgramOptions,
    reads_all: bool = False,
) -> None:
    """Let the actor that `make` makes follow a deployment until `is_done`, or until SIGINT or SIGTERM.

    It begins with the newest round, or reads all of the history.
    """
    require(options.poll_interval > 0, "the poll interval has to be more than 0 seconds")
    require(options.patience > 0, "the patience has to be more than 0 seconds")
    sinks = open_sinks(options.metrics, say)
    signals, used = StopSignals(), Usage()
    try:
        with signals.ending():
            chain, deployment = _find(options.place)
            signer = load_unattended(options.account)
    except Interrupted:
        say("stopped")
        return
    if reads_all:
        chain.follow_kept(deployment, show_reading, say)
    else:
        chain.follow_as(str(signer.address), deployment, say)
    actor = make(Operator(signer, deployment, signals.stop, used))
    say(f"{signer.address} on {chain.network}, chain {chain.chain_id}")
    outbox = Outbox(chain, signer, options.patience)
    is_worker = actor.address != deployment.server
    limit = PriceLimit(options.max_gas_price, is_worker, deployment.parameters.absence_fee)
    metrics = Metrics(sinks, actor, chain, cost_of, used, say) if sinks else None
    pace, is_over = options.poll_interval, partial(is_done, actor)
    loop = ActorLoop(chain, actor, outbox, say, is_over, pace, limit.most, metrics, signals.ending)
    say("done" if loop.run(signals.stop) else "stopped")


def say(line: str) -> None:
    """Print a line at once, whoever reads it."""
    with suppress(OSError):  # a full disk or a closed pipe: what is done matters more than who is told
        click.echo(line)


class StopSignals:
    """SIGINT and SIGTERM, from when it is made on: they set `stop`, and the step under way is brought to its end.

    What only reads, and may go on for long, they end at once.
    """

    def __init__(self) -> None:
        self.stop = Event()
        self._only_reads = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._take)

    def _take(self, _number: int, _frame: object) -> None:
        self.stop.set()
        if self._only_reads:
            raise Interrupted

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Let a signal end what is done inside by Interrupted."""
        self._only_reads = True
        try:
            if self.stop.is_set():
                raise Interrupted
            yield
        finally:
            self._only_reads = False
