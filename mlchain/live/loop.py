"""The loop of a program that follows the chain and acts when it is its turn, until it is done or told to stop.

It keeps nothing that the chain does not have: what it sends follows from the final blocks, and it sends only when all
it sent before is among them (see `mlchain.chain.outbox`).
"""

import math
import time
from collections.abc import Callable
from threading import Event
from typing import Protocol

from mlchain.chain.connection import Chain
from mlchain.chain.node_errors import NodeError, node_errors
from mlchain.chain.outbox import Outbox
from mlchain.errors import TransactionFailed, UserError
from mlchain.live.event_lines import lack_of, line_of
from mlchain.protocol.calls import Call, Shortfall, Turn, View

SHORTEST_PAUSE = 0.5  # seconds between two looks at the chain, and before the first try again
LONGEST_PAUSE = 30.0
CALM_PAUSE = 15.0  # where nothing has happened for a minute
REMEMBERED = 600.0  # seconds after which what was sent or refused is forgotten, or memory would fill up with chunks


class Actor(Protocol):
    """A learning server or a worker."""

    address: str

    def act(self, view: View) -> Turn:
        """Return what to do now."""


class ActorLoop:
    """Lets `actor` act on `chain`; `say` prints a line, `is_done` tells of a view whether nothing is left to do."""

    def __init__(
        self,
        chain: Chain,
        actor: Actor,
        outbox: Outbox,
        say: Callable[[str], None],
        is_done: Callable[[View], bool],
        poll_interval: float = 2.0,
    ) -> None:
        self._chain = chain
        self._actor = actor
        self._outbox = outbox
        self._say = say
        self._is_done = is_done
        self._poll_interval = poll_interval
        self._last_news = time.monotonic()
        self._refused: dict[str, tuple[int, float]] = {}  # how often, and until when it is left alone
        self._troubles = 0
        self._rest = (0.0, 0.0)  # from and until when there is nothing to do without news, in the chain's seconds
        self._has_begun = False
        self._shortfall: Shortfall | None = None
        self._waiting: str | None = None

    def run(self, stop: Event) -> bool:
        """Go on until done (True) or told to stop (False).

        Raises UserError if the actor cannot begin because it has too little ether; later it waits until it has more.
        """
        while not stop.is_set():
            try:
                with node_errors():
                    if self.step():
                        return True
                    self._recovered()
                    pause = self._next_pause()
            except NodeError as trouble:
                pause = self._wait_for_node(trouble)
            stop.wait(pause)
        return False

    def step(self) -> bool:
        """Read what is new, and send what follows from it; return whether nothing is left to do."""
        news = self._chain.read_on()
        if news:
            self._last_news = time.monotonic()
        for log in news:
            self._say(line_of(log, self._chain.ledger, self._actor.address))
        if not news and self._rest[0] <= self._chain.now < self._rest[1]:  # not if a wrong clock was put right since
            return False
        self._rest = (0.0, 0.0)  # until this look has been answered in full
        view = self._chain.look()
        turn = self._actor.act(view)
        self._tell_shortfall(turn)
        if turn.waiting and not self._waiting:
            self._say(turn.waiting)
        self._waiting = turn.waiting
        if not turn.calls:
            if self._is_done(view):
                return self._has_settled(view)
            # Without news an actor has nothing to do before it wants to wake; but it may have got ether, which is none.
            self._rest = (view.now, min(turn.wake or math.inf, view.now + LONGEST_PAUSE))
            return False
        nonce = self._outbox.nonce(view.block, time.monotonic())
        if nonce is None:
            return False
        for call in turn.calls:
            nonce += self._send(call, nonce)
        return False

    def _has_settled(self, view: View) -> bool:
        """Return whether nothing is on its way that could still give it something to do, as a joining would."""
        return self._outbox.nonce(view.block, time.monotonic()) is not None and not self._outbox.is_impatient

    def _tell_shortfall(self, turn: Turn) -> None:
        lacks = turn.shortfall
        if lacks and not turn.calls and not self._has_begun:
            raise UserError(lack_of(lacks, self._actor.address))
        if lacks and not self._shortfall:
            self._say(f"{lack_of(lacks, self._actor.address)}; waiting")
        self._shortfall, self._has_begun = lacks, True

    def _send(self, call: Call, nonce: int) -> bool:
        """Send a call unless it was refused a short while ago; return whether it is on its way."""
        key, now = call.purpose or f"{call.kind} {call.address} {call.arguments}", time.monotonic()
        self._refused = {known: it for known, it in self._refused.items() if now < it[1] + REMEMBERED}
        times, again = self._refused.get(key, (0, 0.0))
        if now < again:
            return False
        if self._outbox.is_impatient:
            self._say("a transaction has waited too long: sending again, at a higher price")
        try:
            hash_ = self._outbox.send(call, nonce)
        except TransactionFailed as failure:
            # Somebody else may have been faster, and the next look will show it. If not, ask ever more rarely.
            self._refused[key] = (times + 1, now + min(LONGEST_PAUSE, SHORTEST_PAUSE * 2**times))
            if times:
                self._say(f"{failure}; trying again later")
            return False
        self._last_news = now
        self._say(f"sent {call.kind} in {hash_}")
        self._refused[key] = (times + 1, now + min(LONGEST_PAUSE, SHORTEST_PAUSE * 2**times))
        return True

    def _next_pause(self) -> float:
        """Return how long to wait: who has waited long for news can wait a quarter longer, if nothing else is due."""
        calm = min((time.monotonic() - self._last_news) / 4, CALM_PAUSE, self._rest[1] - self._chain.now)
        return max(self._poll_interval, calm)

    def _wait_for_node(self, trouble: NodeError) -> float:
        self._troubles += 1
        self._rest = (0.0, 0.0)  # what was read before the trouble has not been answered
        pause = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2.0**self._troubles)
        self._say(f"{trouble}; trying again in {pause:.0f} s")
        return pause

    def _recovered(self) -> None:
        if self._troubles:
            self._say("the node answers again")
            self._last_news = time.monotonic()
        self._troubles = 0
