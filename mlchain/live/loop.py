"""The loop of a program that follows the chain and acts when it has to, until it is done or told to stop.

It stores nothing: what it sends follows from the final blocks, and it sends only when everything that it sent before is
in one of them (see `mlchain.chain.outbox`).
"""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from threading import Event
from typing import Protocol

from mlchain.chain.node_errors import NodeError, node_errors
from mlchain.chain.outbox import Outbox
from mlchain.errors import TransactionFailed, UserError
from mlchain.live.event_lines import lack_of, line_of
from mlchain.live.training import Interrupted
from mlchain.protocol.calls import Call, Shortfall, Turn, View
from mlchain.protocol.events import Log
from mlchain.protocol.ledger import Ledger
from mlchain.units import ether

FIRST_BACKOFF = 0.5  # seconds before the first retry; doubled after each
MAX_BACKOFF = 30.0
IDLE_POLL_INTERVAL = 20.0  # seconds, once nothing has happened for 80 seconds
LONGEST_REST = 2 * IDLE_POLL_INTERVAL
REMEMBERED = 600.0  # seconds that sent and refused calls are kept: with their chunks they would fill the memory


class Actor(Protocol):
    """A learning server or a worker."""

    address: str

    def act(self, view: View) -> Turn:
        """Return what to do now."""


class FollowedChain(Protocol):
    """A chain on which a deployment is read, block after block."""

    @property
    def now(self) -> int:
        """The time of the next block, in seconds."""

    @property
    def ledger(self) -> Ledger:
        """What the blocks read so far come to."""

    def sync(self, anew: bool = False) -> list[Log]:
        """Read the final blocks that are new, or all `anew`, and return the logs that are new."""

    def last_view(self) -> View:
        """Return what everybody can decide from, as far as it has been read."""


class Watch(Protocol):
    """Who keeps count of what a program does."""

    def look(self) -> None:
        """Take note that the chain was read, and acted on."""

    def sent(self, transaction: str) -> None:
        """Take note of what was sent."""


class ActorLoop:
    """Lets `actor` act on `chain`; `say` prints a line, `is_done` returns whether a view leaves nothing to do."""

    def __init__(
        self,
        chain: FollowedChain,
        actor: Actor,
        outbox: Outbox,
        say: Callable[[str], None],
        is_done: Callable[[View], bool],
        poll_interval: float = 2.0,
        most_gas_price: Callable[[Call, View], int | None] = lambda _call, _view: None,
        watch: Watch | None = None,
        reading: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._chain = chain
        self._actor = actor
        self._outbox = outbox
        self._say = say
        self._is_done = is_done
        self._poll_interval = poll_interval
        self._most_gas_price = most_gas_price
        self._watch = watch
        self._reading = reading  # what reading the chain may be interrupted in
        self._is_saving = False
        self._last_news = time.monotonic()
        self._is_in_doubt = False  # whether what was read may not be all that happened
        self._refused: dict[str, tuple[int, float]] = {}  # how often each was refused, and when to retry
        self._node_failures = 0
        self._rest = (0.0, 0.0)  # from when and until when only news calls for action, in the chain's seconds
        self._has_begun = False
        self._shortfall: Shortfall | None = None
        self._unseen: dict[str, str] = {}  # the kind of what was sent, by its hash, until its event is seen
        self._waiting: str | None = None
        self._notice: str | None = None

    def run(self, stop: Event) -> bool:
        """Go on until done (True) or told to stop (False).

        Raises UserError if the actor has too little ether to begin; once it has begun, it waits for more.
        """
        while not stop.is_set():
            try:
                is_done = self.step()
                if self._watch:
                    self._watch.look()
                if is_done:
                    return True
                self._recovered()
                pause = self._next_pause()
            except NodeError as error:
                pause = self._wait_for_node(error)
            except Interrupted:
                break
            stop.wait(pause)
        return False

    def step(self) -> bool:
        """Read new blocks and send what follows from them; return whether nothing is left to do."""
        with node_errors(), self._reading():
            news = self._chain.sync(self._is_in_doubt)
        self._is_in_doubt = False
        if news:
            self._last_news = time.monotonic()
        for log in news:
            self._say(line_of(log, self._chain.ledger, self._actor.address))
            self._unseen.pop(log.transaction, None)
        if not news and self._rest[0] <= self._chain.now < self._rest[1]:  # unless a wrong clock was corrected since
            return False
        self._rest = (0.0, 0.0)  # until everything that follows from this view is sent
        view = self._chain.last_view()
        turn = self._actor.act(view)
        self._tell_shortfall(turn)
        if turn.notice and turn.notice != self._notice:
            self._say(turn.notice)
        self._notice = turn.notice or self._notice
        if turn.waiting and not self._waiting:
            self._say(turn.waiting)
        self._waiting = turn.waiting
        if not turn.calls:
            if self._is_done(view):
                return self._has_settled(view)
            if self._unseen:
                self._next_nonce(view)
                return False
            # Without news there is nothing to do before the actor wants to wake; but received ether is no event.
            self._rest = (view.now, min(turn.wake or math.inf, view.now + LONGEST_REST))
            return False
        nonce = self._next_nonce(view)
        if nonce is None:
            return False
        for call, limit in self._affordable(turn.calls, view):
            nonce += self._send(call, nonce, limit)
        return False

    def _affordable(self, calls: list[Call], view: View) -> list[tuple[Call, int | None]]:
        """Return the calls that are worth the price of gas, and its limits; tell once of others that they wait."""
        pairs = [(call, self._most_gas_price(call, view)) for call in calls]
        if all(limit is None for _call, limit in pairs):
            return pairs
        with node_errors():
            price = self._outbox.gas_price
        late = [(call, limit) for call, limit in pairs if limit is not None and price > limit]
        if late and not self._is_saving:
            call, limit = late[0]
            self._say(f"gas costs {ether(price)}: {call.kind} waits for {ether(limit)} or less (--max-gas-price)")
        self._is_saving = bool(late)
        return [(call, limit) for call, limit in pairs if limit is None or price <= limit]

    def _has_settled(self, view: View) -> bool:
        """Return whether no pending transaction could still give the actor something to do, as joining would."""
        return self._next_nonce(view) is not None and not self._outbox.is_impatient

    def _next_nonce(self, view: View) -> int | None:
        """Return the nonce of the next transaction, None while one is on its way; tell of those that have failed."""
        with node_errors():
            nonce = self._outbox.nonce(view.block, time.monotonic())
            if nonce is None or self._outbox.is_impatient:
                return nonce
            while self._unseen:  # all are in blocks that were read, and have left no event there
                transaction, kind = next(iter(self._unseen.items()))
                failure = self._outbox.failure_of(transaction)
                del self._unseen[transaction]
                if failure:
                    self._say(f"{kind} in {transaction} failed: {failure}")
        return nonce

    def _tell_shortfall(self, turn: Turn) -> None:
        lacks = turn.shortfall
        if lacks and not turn.calls and not self._has_begun:
            raise UserError(lack_of(lacks, self._actor.address))
        if lacks and not self._shortfall:
            self._say(f"{lack_of(lacks, self._actor.address)}; waiting")
        self._shortfall, self._has_begun = lacks, True

    def _send(self, call: Call, nonce: int, limit: int | None) -> bool:
        """Send a call unless it was refused a short while ago, at a price within the limit; return whether it was."""
        key, now = call.purpose or f"{call.kind} {call.address} {call.arguments}", time.monotonic()
        self._refused = {known: it for known, it in self._refused.items() if now < it[1] + REMEMBERED}
        times, again = self._refused.get(key, (0, 0.0))
        if now < again:
            return False
        if self._outbox.is_impatient:
            self._say("a transaction has been pending too long: sending it again at a higher price")
        try:
            with node_errors():
                hash_ = self._outbox.send(call, nonce, limit)
        except TransactionFailed as failure:
            # Somebody else may have been faster, as the next poll will show. If not, retry with exponential back-off.
            self._refused[key] = (times + 1, now + min(MAX_BACKOFF, FIRST_BACKOFF * 2**times))
            if times:
                self._say(f"{failure}; trying again later")
                # An event may have been left out that no contract counts. To look costs requests: less and less often.
                self._is_in_doubt |= times.bit_count() == 1
            return False
        self._last_news = now
        self._say(f"sent {call.kind} in {hash_}")
        self._unseen[hash_] = call.kind
        if self._watch:
            self._watch.sent(hash_)
        self._refused[key] = (times + 1, now + min(MAX_BACKOFF, FIRST_BACKOFF * 2**times))
        return True

    def _next_pause(self) -> float:
        """Return the seconds to the next poll: the longer without news, the longer, unless something is due."""
        calm = min((time.monotonic() - self._last_news) / 4, IDLE_POLL_INTERVAL, self._rest[1] - self._chain.now)
        return max(self._poll_interval, calm)

    def _wait_for_node(self, error: NodeError) -> float:
        self._node_failures += 1
        self._rest = (0.0, 0.0)  # what was read before has not been acted on
        pause = min(MAX_BACKOFF, FIRST_BACKOFF * 2.0**self._node_failures)
        self._say(f"{error}; trying again in {pause:.0f} s")
        return pause

    def _recovered(self) -> None:
        if self._node_failures:
            self._say("the node answers again")
            self._last_news = time.monotonic()
        self._node_failures = 0
