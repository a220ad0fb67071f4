"""Looks at a deployment again and again, in one thread: shows on a board what it sees, and answers what is asked.

Nobody else reads the chain or the ledger. Who asks waits for a future; equal questions between two looks have one
answer, so that a hundred visitors cost a node as much as one.
"""

import gc
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import lru_cache
from queue import Empty, Full, Queue
from threading import Lock
from typing import Protocol

from mlchain.chain.clock import ChainClock
from mlchain.chain.node_errors import node_errors
from mlchain.chain.receipts import Receipt
from mlchain.errors import UserError
from mlchain.live.status import recipes_of
from mlchain.page.amounts import Json
from mlchain.page.answers import Answer, Answers
from mlchain.page.board import Board
from mlchain.page.chronicle import Chronicle
from mlchain.page.evaluation import Evaluation, Opener
from mlchain.page.models import Quality, made
from mlchain.page.showing import Place, Showing, Values
from mlchain.protocol.calls import View
from mlchain.protocol.events import Log
from mlchain.protocol.ledger import Ledger

MOST_QUESTIONS = 256  # that wait for an answer at a time
MOST_RECEIPTS = 100_000
MOST_ANSWERS = 1_000  # between two looks
FEW = 10_000  # logs, of which Python's search for garbage takes no time that anybody sees
GROWTH = 1.1  # of the logs, after which what is new is kept from that search, too

Question = tuple[str, ...]  # a name, and what is asked about
CostOf = Callable[[str], tuple[str, Receipt] | None]


class WatchedChain(Protocol):
    """A chain on which a deployment is followed."""

    @property
    def ledger(self) -> Ledger:
        """What the blocks read so far come to."""

    @property
    def read_to(self) -> int:
        """The block that was read last."""

    @property
    def now(self) -> int:
        """The time of the next block, in seconds."""

    @property
    def clock(self) -> ChainClock:
        """What knows the newest block's time."""

    def sync(self) -> list[Log]:
        """Read the final blocks that are new, and return their logs."""

    def last_view(self) -> View:
        """Return what everybody can decide from, as far as it has been read."""


class TooMany(UserError):
    """More is asked than can be answered now."""


class Watcher:
    """Shows a deployment on a board; `cost_of` asks the node for a receipt."""

    def __init__(self, chain: WatchedChain, place: Place, board: Board, cost_of: CostOf, open_task: Opener) -> None:
        self._chain = chain
        self._place = place
        self._board = board
        self._cost_of = lru_cache(MOST_RECEIPTS)(cost_of)
        self._evaluation = Evaluation(open_task, self._nudge)
        self._questions: Queue[tuple[Question, Future[Answer]] | None] = Queue(MOST_QUESTIONS)
        self._pending: dict[Question, Future[Answer]] = {}
        self._lock = Lock()
        self._answered: dict[Question, Answer] = {}
        self._trouble: str | None = "the chain has not been read yet"
        self._replaced = 0
        self._held: int | None = None
        self._values: Values = {}
        self._ledger: Ledger | None = None
        self._spared = 0  # logs that Python's search for garbage passes over
        self._forget()

    def _forget(self) -> None:
        if self._spared:
            gc.unfreeze()
        self._spared = 0
        self._chronicle = Chronicle()
        self._showing = Showing(self._place, self._chronicle)
        self._answers = Answers(self._chronicle, self._cost_of, self._evaluation.dataset_of, self._place.bond)
        self._held = None

    # Looking

    def look(self) -> bool:
        """Read what is new and show it, or say what is the trouble with the node; return whether there was none."""
        try:
            with node_errors():
                self._take(self._chain.sync())
                self._see()
            self._trouble = None
        except UserError as error:  # a node that does not answer, or a chain that was reset
            self._trouble = str(error)
        self._board.show({**self._values, "health": self._health()})
        self._spare()
        return self._trouble is None

    def _spare(self) -> None:
        """Search what was read for garbage once, now that it is shown, and then never again: it stays.

        Otherwise Python searches all of it whenever enough is new: with a million logs that stops a look for a second.
        """
        logs = len(self._chronicle.logs)
        if logs > GROWTH * self._spared + FEW:
            gc.collect()
            gc.freeze()
            self._spared = logs

    def _take(self, news: Sequence[Log]) -> None:
        if self._chain.ledger is not self._ledger:  # it has begun again
            if self._ledger is not None and self._chronicle.logs:
                self._replaced += 1
            self._forget()
            self._ledger = self._chain.ledger
        for log in news:
            self._chronicle.take(log)
        if news:
            self._held = None
        self._answered.clear()

    def _see(self) -> None:
        view = self._chain.last_view()
        if self._held is None:
            self._held = view.balance_of(self._place.registry)
        recipes = recipes_of(view.ledger)

        def quality_of(number: int) -> Quality | None:
            recipe, version = recipes(number), view.ledger.versions[number - 1]
            return self._evaluation.quality_of(recipe, version.content_hash) if recipe else None

        self._values = self._showing.values(view, self._held, quality_of)
        if not self._evaluation.is_busy:
            self._evaluate(view, quality_of)

    def _evaluate(self, view: View, quality_of: Callable[[int], Quality | None]) -> None:
        """Evaluate the newest version that is not, if any."""
        for version in reversed(view.ledger.versions):
            if quality_of(version.number) is None:
                found = made(view.ledger, version.number)
                if found:
                    self._evaluation.begin(found)
                    return

    def _health(self) -> Json:
        return {
            "block": self._chain.read_to,
            "block_time": self._chain.clock.newest,
            "now": self._chain_time(),
            "trouble": self._trouble,
            "replaced": self._replaced,
        }

    def _chain_time(self) -> int | None:
        """Return the time of the next block, None where the node cannot say."""
        with suppress(UserError), node_errors():
            return self._chain.now
        return None

    # Answering

    def ask(self, question: Question) -> "Future[Answer]":
        """Ask, from any thread; the future raises UserError where there is no answer. Raises TooMany."""
        with self._lock:
            known = self._pending.get(question)
            if known is not None:
                return known
            future: Future[Answer] = Future()
            try:
                self._questions.put_nowait((question, future))
            except Full:
                raise TooMany("too many questions at a time: ask again later") from None
            self._pending[question] = future
            return future

    def attend(self, seconds: float) -> None:
        """Answer questions for so long, and those that wait then."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            with suppress(Empty):
                self._answer(self._questions.get(timeout=left))
        for _ in range(self._questions.qsize()):
            self._answer(self._questions.get_nowait())

    def _nudge(self) -> None:
        """Let the thread that looks show what was evaluated; without room, the next look does."""
        with suppress(Full):
            self._questions.put_nowait(None)

    def _answer(self, asked: "tuple[Question, Future[Answer]] | None") -> None:
        if asked is None:
            self._answered.clear()
            with suppress(UserError), node_errors():
                self._see()
                self._board.show({**self._values, "health": self._health()})
            return
        question, future = asked
        with self._lock:
            self._pending.pop(question, None)
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(self._find(question))
        except Exception as error:  # whoever asked is told; a fault of this program is raised there
            future.set_exception(error)

    def _find(self, question: Question) -> Answer:
        if question not in self._answered:
            if len(self._answered) >= MOST_ANSWERS:
                self._answered.clear()
            name, *arguments = question
            with node_errors():
                answer: Answer = getattr(self._answers, name)(self._chain.last_view(), *arguments)
            self._answered[question] = answer
        return self._answered[question]
