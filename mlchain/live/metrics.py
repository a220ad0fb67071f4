"""Figures of a running program: for Prometheus, over HTTP on this machine, and as a line of JSON for every round."""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Protocol

from mlchain.actors.server import LearningServer
from mlchain.chain.node_errors import NodeError, node_errors
from mlchain.errors import UserError, require
from mlchain.live.loop import Actor
from mlchain.live.pay_slip import CostOf
from mlchain.live.usage import Usage
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import Round, Verdict

HOST = "127.0.0.1"  # anybody on this machine may read them; others through a proxy of the owner's
PREFIX = "mlchain"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS_TO_ASK = 10
MOST_UNKNOWN = 1_000  # transactions whose receipts the node does not have (yet)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a round, the newest by default, and an account stand at the end of `block`; `accuracy` is in [0, 1]."""

    block: int = field(metadata={"help": "The final block that was read last."})
    round: int = field(metadata={"help": "The newest round, 0 before the first."})
    version: int = field(metadata={"help": "The version of the model that it trains."})
    latest_version: int = field(metadata={"help": "The newest version of the model."})
    seats: int = field(metadata={"help": "Seats that the account holds in the round."})
    seats_settled: int = field(metadata={"help": "Those that are settled."})
    seats_rewarded: int = field(metadata={"help": "Those that were paid."})
    seats_slashed: int = field(metadata={"help": "Those that lost their stake."})
    seats_absent: int = field(metadata={"help": "Those that paid for their absence."})
    earned_wei: int = field(metadata={"help": "What they got."})
    lost_wei: int = field(metadata={"help": "What they lost."})
    escrow_wei: int = field(metadata={"help": "What is left of the pay of the open round."})
    stake_wei: int = field(metadata={"help": "The stake of the account."})
    credit_wei: int = field(metadata={"help": "What it can withdraw besides."})
    bounties_wei: int = field(metadata={"help": "What the account ever got for lies that it has shown."})
    bonds: int = field(metadata={"help": "Its bonds of claims and challenges that it has not taken home."})
    accuracy: float | None = field(metadata={"help": "Accuracy of the newest version that the server has evaluated."})


def standing(ledger: Ledger, block: int, address: str, accuracy: float | None, current: Round | None) -> Standing:
    """Return where a round and the account at an address stand."""
    held = [(job, seat) for job in current.jobs if (seat := job.seat_of(address)) is not None] if current else []
    settled = [job.settlements[seat] for job, seat in held if seat in job.settlements]
    verdicts = [it.verdict for it in settled]
    account, latest = ledger.account(address), ledger.latest_version
    return Standing(
        block,
        current.number if current else 0,
        current.terms.model_version if current else 0,
        latest.number if latest else 0,
        len(held),
        len(settled),
        verdicts.count(Verdict.REWARDED),
        verdicts.count(Verdict.SLASHED),
        verdicts.count(Verdict.ABSENT),
        sum(max(0, it.gain) for it in settled),
        sum(max(0, -it.gain) for it in settled),
        ledger.escrow,
        account.stake,
        account.credit,
        account.bounties,
        ledger.games.held(address),
        accuracy,
    )


def prometheus_text(values: Sequence[Any]) -> str:
    """Return the figures in Prometheus' text format: those of `Usage` are counters, all others gauges."""
    lines = []
    for value in values:
        kind, end = ("counter", "_total") if isinstance(value, Usage) else ("gauge", "")
        for it in fields(value):
            number, name = getattr(value, it.name), f"{PREFIX}_{it.name}{end}"
            if number is not None:
                lines += [f"# HELP {name} {it.metadata['help']}", f"# TYPE {name} {kind}", f"{name} {number}"]
    return "\n".join(lines) + "\n"


class Sink(Protocol):
    """Where figures go."""

    def show(self, values: Sequence[Any]) -> None:
        """Take the figures of now."""

    def add_round(self, row: Mapping[str, object]) -> None:
        """Take those of a settled round; raises OSError if they cannot be kept."""


class Endpoint:
    """Answers `GET /metrics` at a port of this machine, 0 for any free one, in threads that end with the program."""

    def __init__(self, port: int, say: Say) -> None:
        self.text = ""
        require(port < 2**16, f"there is no port {port} for --metrics")
        try:
            server = ThreadingHTTPServer((HOST, port), partial(_Answer, self))
        except OSError as error:
            raise UserError(f"cannot serve metrics on port {port} of {HOST}: {error.strerror}") from error
        self.url = f"http://{HOST}:{server.server_address[1]}/metrics"
        Thread(target=server.serve_forever, name="metrics", daemon=True).start()
        say(f"metrics at {self.url}")

    def show(self, values: Sequence[Any]) -> None:
        """Take the figures of now."""
        self.text = prometheus_text(values)

    def add_round(self, row: Mapping[str, object]) -> None:
        """Keep nothing: who asks finds the newest figures."""


class _Answer(BaseHTTPRequestHandler):
    timeout = SECONDS_TO_ASK

    def __init__(self, endpoint: Endpoint, *connection: Any) -> None:
        self._endpoint = endpoint
        super().__init__(*connection)

    def do_GET(self) -> None:
        """Answer with the figures."""
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404)
            return
        body = self._endpoint.text.encode()
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_message: object) -> None:
        """Print nothing."""

    def handle(self) -> None:
        """Answer, whether or not the answer is waited for."""
        with suppress(OSError):
            super().handle()


class RowFile:
    """A file to which a line of JSON is added for every round; nobody waits for who reads a pipe of this name."""

    def __init__(self, path: str) -> None:
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o644)
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}") from error
        self._path = path
        self._is_torn = False

    def show(self, values: Sequence[Any]) -> None:
        """Keep nothing before the round is settled."""

    def add_round(self, row: Mapping[str, object]) -> None:
        """Add a line."""
        line = ("\n" if self._is_torn else "") + json.dumps(row) + "\n"
        if os.write(self._file, line.encode()) < len(line):
            self._is_torn = True
            raise OSError(f"{self._path} took only a part of a line")
        self._is_torn = False


def open_sinks(named: Sequence[str], say: Say) -> list[Sink]:
    """Return where figures go: to a port, if it is named by a number, or into a file.

    Raises UserError for a port that is taken, or a file that cannot be written.
    """
    return [Endpoint(int(it), say) if it.isascii() and it.isdigit() else RowFile(it) for it in named]


class WatchedChain(Protocol):
    """A chain on which a deployment is followed."""

    @property
    def ledger(self) -> Ledger:
        """What the blocks read so far come to."""

    @property
    def read_to(self) -> int:
        """The block that was read last."""

    @property
    def traffic(self) -> tuple[int, int]:
        """The requests to the node so far, and the bytes of them and of the answers."""


class Metrics:
    """The figures of the program of `actor`; what goes wrong with them is a line, and never ends the program.

    `cost_of` returns what a transaction cost; `used` has what others count, and gets the rest.
    """

    def __init__(
        self, sinks: Sequence[Sink], actor: Actor, chain: WatchedChain, cost_of: CostOf, used: Usage, say: Say
    ) -> None:
        self._sinks = sinks
        self._actor = actor
        self._chain = chain
        self._cost_of = cost_of
        self._say = say
        self._used = used
        self._told = Usage()  # those of the rounds that have been told of
        self._last: int | None = None  # the last round that was told of, or was over when the program began
        self._sent: list[str] = []
        self._has_failed = False

    def sent(self, transaction: str) -> None:
        """Take note of a transaction of the account."""
        self._sent = [*self._sent, transaction][-MOST_UNKNOWN:]

    def look(self) -> None:
        """Show how everything stands, and tell of the rounds that are settled by now."""
        try:
            self._look()
            self._has_failed = False
        except Exception as error:  # whatever it is, the program matters more than its figures
            if not self._has_failed:
                self._say(f"metrics: {error}")
            self._has_failed = True

    def _look(self) -> None:
        ledger = self._chain.ledger
        self._used.node_requests, self._used.node_bytes = self._chain.traffic
        over = [it for it in ledger.rounds if it.is_settled]
        if self._last is None:
            self._last = max((it.number for it in over), default=0)
        for current in [it for it in over if it.number > self._last]:
            self._last = current.number  # whatever goes wrong with it
            self._count_costs()
            row = asdict(self._standing(ledger, current))
            used = {it.name: getattr(self._used, it.name) - getattr(self._told, it.name) for it in fields(Usage)}
            self._told = Usage(**asdict(self._used))
            for sink in self._sinks:
                sink.add_round({"time": int(time.time())} | row | used)
        for sink in self._sinks:
            sink.show([self._standing(ledger, ledger.rounds.last), self._used])

    def _standing(self, ledger: Ledger, current: Round | None) -> Standing:
        found = self._actor.accuracies.values() if isinstance(self._actor, LearningServer) else ()
        accuracy = next((it for it in reversed(list(found)) if it is not None), None)
        return standing(ledger, self._chain.read_to, self._actor.address, accuracy, current)

    def _count_costs(self) -> None:
        unknown = []
        for number, transaction in enumerate(self._sent):
            try:
                with node_errors():
                    found = self._cost_of(transaction)
            except NodeError:
                unknown += self._sent[number:]
                break
            if found is None:
                unknown.append(transaction)
                continue
            self._used.transactions += 1
            self._used.gas += found[1].gas
            self._used.fees_wei += found[1].fee
        self._sent = unknown
