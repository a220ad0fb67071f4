"""The page of a large deployment: what serving costs, how soon the browser shows what happens, and what it holds."""

import sys
import time
from collections.abc import Callable
from statistics import median
from threading import Event, Thread

from benchmarks.page_browser import Browser, Viewers, opened
from benchmarks.report import Section, table, wrapped
from benchmarks.synthetic_node import BLOCKS, DEPLOYMENT, SERVER, STAKE, SyntheticChain, SyntheticNode, address
from mlchain.chain.clock import ChainClock
from mlchain.chain.history import Beginning, History
from mlchain.chain.logs import Logs
from mlchain.chain.receipts import Receipt
from mlchain.console import percent
from mlchain.errors import UserError
from mlchain.live.status import status_of
from mlchain.page.board import Board
from mlchain.page.serving import serve
from mlchain.page.showing import Place
from mlchain.page.watcher import Watcher
from mlchain.protocol.calls import View
from mlchain.protocol.events import Log
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import Job
from mlchain.tasks.catalogue import LearningTask, create_task

JOBS, SEATS, ROUNDS = 40, 25, 500
READ = 20  # rounds that are read from a node to see what that takes
SEEN = 5  # rounds of which every block is timed
HOUR = 30  # rounds, of blocks of 12 seconds
MANY = 100  # viewers
PAUSE = 0.1  # seconds between two looks
CALM = 20  # looks without news
OPENED = 5  # times
# What the browser shows once a block is there: a selector, and how many elements fit it.
SIGNS = {
    0: (".next", 1, "is scheduled"),
    1: (".jobs .seat.drawn", JOBS * SEATS, ""),
    2: (".jobs .seat.committed", JOBS * SEATS, ""),
    3: (".jobs .candidates li", JOBS, "0 of 1 chunk"),
    4: (".jobs .candidates li", JOBS, "1 of 1 chunk"),
    5: (".jobs .seat.paid", JOBS * SEATS, ""),
}


class Played:
    """Begins with all that a node has played, without reading it."""

    only_for: str | None = None

    def __init__(self, node: SyntheticNode) -> None:
        self._node = node

    def ledger_for(self, block: int) -> tuple[Ledger, int, list[Log]]:
        """Return what has been played up to the newest block, and the logs."""
        ledger, logs = Ledger(SERVER), list(self._node.played())
        for log in logs:
            ledger.fold(log)
        return ledger, block, logs

    def concerns(self, _job: Job) -> bool:
        """Read everything."""
        return True

    def complete(self, _ledger: Ledger, _block: int) -> None:
        """Add nothing: it is complete."""


class Followed:
    """A deployment that is read from a node in this process; `readings` are when there was news, on the clock."""

    def __init__(self, node: SyntheticNode, beginning: Beginning | None = None) -> None:
        provider = node.provider()
        self._node = node
        self._history = History(SyntheticChain(), provider, Logs(provider), DEPLOYMENT, beginning=beginning)
        self.clock = ChainClock()
        self.readings: list[float] = []
        self.reading = 0.0  # processor seconds, those of the node left out

    @property
    def ledger(self) -> Ledger:
        """What the blocks read so far come to."""
        return self._history.ledger

    @property
    def read_to(self) -> int:
        """The block that was read last."""
        return self._history.read_to

    @property
    def now(self) -> int:
        """The time of the next block."""
        return self._node.head + 1

    def sync(self) -> list[Log]:
        """Read the blocks that are new."""
        started, of_node = time.thread_time(), self._node.seconds
        news = self._history.advance(self._node.head)
        self.reading += time.thread_time() - started - (self._node.seconds - of_node)
        self.clock.see(self.read_to, self.read_to)
        if news:
            self.readings.append(time.time())
        return news

    def last_view(self) -> View:
        """Return what has been read."""
        return View(self.ledger, self.read_to, self.now, DEPLOYMENT.chain_id, STAKE, self._balance_of, 30_000_000)

    def _balance_of(self, _address: str) -> int:
        self._node.requests += 1
        return self.ledger.owed + self.ledger.burnt


class Page:
    """A page that is served while the node goes on; one thread looks, as in the program."""

    def __init__(self) -> None:
        self.node = _node(ROUNDS)
        self.chain = Followed(self.node, Played(self.node))
        registry, factory = DEPLOYMENT.addresses["WorkerRegistry"], DEPLOYMENT.addresses["JobFactory"]
        place = Place("ethereum:synthetic:node", DEPLOYMENT.chain_id, registry, factory, SERVER, STAKE)
        self.board = Board()
        self.watcher = Watcher(self.chain, place, self.board, self._cost_of, _without_data)
        self._over = Event()
        self._thread = Thread(target=self._go_on, daemon=True)

    def status(self) -> float:
        """Return the processor seconds of what `status` works out besides reading the chain."""
        started = time.thread_time()
        view = self.chain.last_view()
        status_of(view, "synthetic", DEPLOYMENT.addresses["WorkerRegistry"], None, _without_data)
        return time.thread_time() - started

    def _cost_of(self, _transaction: str) -> tuple[str, Receipt]:
        self.node.requests += 1
        return SERVER, Receipt(21_000, 21_000, 1)

    def look(self) -> float:
        """Look, and return the processor seconds that this took besides reading the chain."""
        started, reading = time.thread_time(), self.chain.reading
        of_node = self.node.seconds
        self.watcher.look()
        return time.thread_time() - started - (self.chain.reading - reading) - (self.node.seconds - of_node)

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def _go_on(self) -> None:
        while not self._over.is_set():
            self.watcher.attend(PAUSE)
            self.watcher.look()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    def next_block(self) -> None:
        """Let the node come to its next block."""
        if not self.node.held_back:
            self.node.held_back = BLOCKS
            self.node.rounds += 1
        self.node.held_back -= 1

    def next_round(self, browser: Browser, tell: Callable[[float], None] = lambda _seen: None) -> None:
        """Let the browser see every block of a round; `tell` gets the time at which it shows what happened in one."""
        for step in range(BLOCKS):
            if step in SIGNS:
                browser.await_sign(*SIGNS[step])
            self.next_block()
            if step in SIGNS:
                tell(browser.sign_seen())


def _node(rounds: int) -> SyntheticNode:
    task = create_task("digits", "softmax")
    return SyntheticNode(rounds, task.model_size, JOBS, SEATS, task.recipe)


def _reading() -> float:
    """Return the processor seconds that reading all rounds from a node takes: they are alike, and READ are read."""
    chain = Followed(_node(READ))
    chain.sync()
    return chain.reading * ROUNDS / READ


def _without_data(_recipe: bytes) -> LearningTask:
    raise UserError("accuracies are left out: both work them out alike")


def measure() -> Section:
    """Read a large deployment, show it, and let it go on before a browser and a hundred others."""
    page = Page()
    url = serve(page.board, page.watcher, port=0)
    with opened(url) as browser:
        first = page.look()
        reading, status = _reading(), page.status()
        calm = median(page.look() for _ in range(CALM))
        print("  the chain is read", file=sys.stderr, flush=True)
        page.start()
        paints = [browser.paint(*SIGNS[5]) for _ in range(OPENED)]
        delays: list[float] = []
        for _ in range(SEEN):
            page.next_round(browser, lambda seen: delays.append(seen - page.chain.readings[-1]))
        held = _held(page, browser)
        requests = {viewers: _requests(page, browser, url, viewers) for viewers in (1, MANY)}
        page.stop()
    figures = {
        "first-paint": f"{median(first for first, _ in paints):.2f}",
        "all-painted": f"{median(whole for _, whole in paints):.2f}",
        "event-to-pixel": f"{median(delays):.2f}",
        "event-to-pixel-most": f"{max(delays):.2f}",
        "added": percent(first / (reading + status), 0),
        "held": f"{held[0][0]:.1f}",
        "held-later": f"{held[-1][0]:.1f}",
        "requests-one": f"{requests[1]:,}",
        "requests-many": f"{requests[MANY]:,}",
    }
    return Section("The page", _text(figures, held, (reading, status, first, calm)), figures)


def _held(page: Page, browser: Browser) -> list[tuple[float, int]]:
    """Return what the browser holds before an hour of events, and after every third of it."""
    browser.start_counting()
    found = [browser.memory()]
    for _ in range(3):
        for _ in range(HOUR // 3):
            page.next_round(browser)
        found.append(browser.memory())
    return found


def _requests(page: Page, browser: Browser, url: str, viewers: int) -> int:
    """Return how many requests the node gets in a round that so many viewers follow."""
    job, worker = address("job", 1, 0), page.node.workers[0]
    with Viewers(url, viewers, [f"/job/{job}", f"/worker/{worker}", "/version/1", "/"]) as watching:
        while not all(watching.answers):  # what is asked for once and kept has been
            time.sleep(PAUSE)
        before, answers = page.node.requests, sum(watching.answers)
        page.next_round(browser)
        while sum(watching.answers) < answers + viewers * len(SIGNS):
            time.sleep(PAUSE)
        return page.node.requests - before


def _text(figures: dict[str, str], held: list[tuple[float, int]], seconds: tuple[float, ...]) -> str:
    reading, status, first, calm = seconds
    said = f"""A synthetic node has {ROUNDS:,} rounds of {JOBS} jobs of {SEATS} seats, and a worker for each of the
        {JOBS * SEATS:,} seats; all that happens in a round is in six blocks. The page is served on this machine, to
        Chromium, and looks at the node every {PAUSE} seconds."""
    rows = [
        ("seconds to the first paint", figures["first-paint"]),
        (f"seconds until all {JOBS * SEATS:,} seats are painted", figures["all-painted"]),
        ("seconds from a block's being read to its being painted", figures["event-to-pixel"]),
        (f"– the longest of {SEEN * len(SIGNS)} blocks", figures["event-to-pixel-most"]),
        *(
            (f"MiB that the browser's scripts hold after {20 * third} minutes, and nodes", f"{size:.1f}; {nodes:,}")
            for third, (size, nodes) in enumerate(held)
        ),
        ("requests to the node in a round that one follows", figures["requests-one"]),
        (f"requests in a round that {MANY} follow", figures["requests-many"]),
        (f"processor seconds of reading all rounds, by those of {READ}", f"{reading:.1f}"),
        ("– of what `status` works out then", f"{status:.2f}"),
        ("– of what the page works out then", f"{first:.2f}"),
        ("what the page adds to a `status`", figures["added"]),
        ("processor seconds of a look at which nothing is new", f"{calm:.3f}"),
    ]
    hour = f"""The hour is that of {HOUR} rounds, played as fast as the browser shows their blocks. Each viewer follows
        what changes and asks for a job, a pay slip, a version and the page itself whenever something has."""
    return f"{wrapped(said)}\n\n{table(('', ''), rows)}\n\n{wrapped(hour)}"
