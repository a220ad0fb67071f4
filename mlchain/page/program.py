"""Shows a deployment until told to stop: one on a network, or that of a simulation while it is played."""

import re
import time
from collections.abc import Callable
from functools import lru_cache

from mlchain.chain.connection import Chain
from mlchain.chain.deployment import Deployment
from mlchain.chain.receipts import cost_of
from mlchain.errors import require
from mlchain.live.options import Place
from mlchain.live.runner import StopSignals, open_deployment, say
from mlchain.live.training import Interrupted
from mlchain.page.board import Board
from mlchain.page.serving import HOST, PORT, serve
from mlchain.page.showing import Place as Shown
from mlchain.page.watcher import Watcher
from mlchain.tasks.catalogue import open_task

LONGEST_PAUSE = 30.0  # seconds between two looks at a node that does not answer
SHORTEST = 0.2  # seconds between two looks at a simulation


def show_deployment(place: Place, host: str, port: int, poll_interval: float, explorer: str | None) -> None:
    """Serve the page of a deployment until SIGINT or SIGTERM; raises UserError when there is none."""
    require(poll_interval > 0, "the poll interval has to be more than 0 seconds")
    is_web = explorer is None or re.fullmatch(r"https?://[^\s\"'<>]+", explorer) is not None
    require(is_web, f"an explorer is an address that begins with http:// or https://, which {explorer} does not")
    signals = StopSignals()
    try:
        with signals.ending():
            chain, deployment = open_deployment(place)
            board = Board()
            watcher = _watcher(chain, deployment, board, explorer)
            watcher.look()
            say(f"the page is at {serve(board, watcher, host, port)}")
            pause = poll_interval
            while True:
                watcher.attend(pause)
                pause = poll_interval if watcher.look() else min(LONGEST_PAUSE, 2 * pause)
    except Interrupted:
        say("stopped")


class SimulationPage:
    """The page of a simulation: looks at its chain whenever it is told how far playing is.

    With a pace, it does so after every transaction, and keeps the simulation waiting for so many seconds.
    """

    def __init__(self, port: int = PORT, pace: float = 0.0) -> None:
        self._port = port
        self._pace = pace
        self._board = Board()
        self._watcher: Watcher | None = None
        self._last_look = 0.0

    def open(self, deployment: Deployment) -> None:
        """Serve the page of a deployment; raises UserError if the port cannot be used."""
        chain = Chain()  # that reads by itself, so that nothing is missed of what the simulation reads
        chain.follow(deployment)
        self._watcher = _watcher(chain, deployment, self._board, None)
        self._watcher.look()
        say(f"the page is at {serve(self._board, self._watcher, HOST, self._port)}")

    def reporting(self, report: Callable[[float, str], None]) -> Callable[[float, str], None]:
        """Return a function that reports how far playing is, and looks."""

        def report_and_look(done: float, what: str) -> None:
            report(done, what)
            if self._watcher and (self._pace or time.monotonic() > self._last_look + SHORTEST):
                self._look(self._watcher)

        return report_and_look

    def _look(self, watcher: Watcher) -> None:
        watcher.look()
        watcher.attend(self._pace)
        self._last_look = time.monotonic()

    def stay(self) -> None:
        """Go on serving until SIGINT or SIGTERM."""
        signals = StopSignals()
        say("the simulation is over; its page stays until Ctrl-C")
        try:
            with signals.ending():
                while self._watcher:
                    self._watcher.look()
                    self._watcher.attend(LONGEST_PAUSE)
        except Interrupted:
            say("stopped")


def _watcher(chain: Chain, deployment: Deployment, board: Board, explorer: str | None) -> Watcher:
    addresses = deployment.addresses
    shown = Shown(
        chain.network,
        deployment.chain_id,
        addresses["WorkerRegistry"],
        addresses["JobFactory"],
        deployment.server,
        deployment.parameters.stake,
        explorer.rstrip("/") if explorer else None,
        deployment.parameters.bond if deployment.parameters.has_game else 0,
    )
    return Watcher(chain, shown, board, cost_of, lru_cache(open_task))
