"""The page of a deployment on paper: its chain, its watcher, and what is asked of them."""

import json
from dataclasses import dataclass, field

from starlette.testclient import TestClient

from mlchain.chain.clock import ChainClock
from mlchain.chain.node_errors import NodeError
from mlchain.chain.receipts import Receipt
from mlchain.data.dataset import Column, Dataset
from mlchain.errors import UserError
from mlchain.page.app import create_app
from mlchain.page.board import Board
from mlchain.page.showing import Place
from mlchain.page.watcher import Watcher
from mlchain.protocol.events import Log
from mlchain.protocol.ledger import Ledger
from mlchain.tasks.catalogue import create_task
from tests.actors.scenes import Scene
from tests.actors.stage import CHAIN_ID, FACTORY, SERVER, STAKE, Stage

HOST = "127.0.0.1"
BOND = 10**17  # wei


@dataclass
class PaperChain:
    """A chain that is read from a stage; `requests` counts what a node would be asked, `trouble` is raised instead."""

    stage: Stage
    clock: ChainClock = field(default_factory=ChainClock)
    requests: int = 0
    trouble: UserError | None = None
    replacing: Stage | None = None
    more: int = 0  # wei that the registry has and owes nobody
    _read: int = 0

    @property
    def ledger(self) -> Ledger:
        """What was read so far comes to."""
        return self.stage.ledger

    @property
    def read_to(self) -> int:
        """The block that was read last."""
        return self.stage.block

    @property
    def now(self) -> int:
        """The time of the next block."""
        return self.stage.now

    def sync(self) -> list[Log]:
        """Return the logs that are new."""
        self.requests += 1
        if self.trouble:
            raise self.trouble
        if self.replacing:
            self.stage, self.replacing, self._read = self.replacing, None, 0
            raise NodeError("blocks that had been read were replaced: reading everything again")
        news = self.stage.logs[self._read :]
        self._read = len(self.stage.logs)
        self.clock.see(self.stage.block, self.stage.now)
        return news

    def last_view(self):
        """Return what everybody sees; the registry holds what is owed."""
        view = self.stage.view()
        ledger = self.stage.ledger

        def balance_of(_address: str) -> int:
            self.requests += 1
            return ledger.owed + ledger.burnt + self.more

        return type(view)(ledger, view.block, view.now, view.chain_id, view.stake, balance_of, view.gas_limit)


class Answering:
    """Answers at once: the thread that looks is the one that asks."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher

    def ask(self, question):
        """Return an answer that has come."""
        future = self.watcher.ask(question)
        self.watcher.attend(0)
        return future


def table_of(word: str) -> Dataset:
    """Return a table of which a stranger has named a column, a class and a text by this word."""
    digits = create_task("digits", "softmax").dataset
    inputs = type(digits.inputs)(3, 1, 1, digits.inputs.kind, 255)
    columns = (Column(word, "0", "10"), Column("kind", category=word), Column("kind", category="b"))
    samples, labels = digits.train_samples[:4, :3].copy(), digits.train_labels[:4] % 2
    return Dataset("x", inputs, (word, "b"), samples, labels, samples.copy(), labels.copy(), columns)


def no_task(_recipe: bytes):
    """Have no data set."""
    raise UserError("the data set is not here")


class Page:
    """A scene and its page; the tests look by themselves."""

    def __init__(
        self, scene: Scene | None = None, open_task=no_task, explorer: str | None = None, **scene_with
    ) -> None:
        self.scene = scene or Scene(**scene_with)
        self.chain = PaperChain(self.scene.stage)
        self.board = Board()
        self.receipts = 0
        place = Place("ethereum:paper:node", CHAIN_ID, "registry", FACTORY, SERVER, STAKE, explorer, BOND)
        self.watcher = Watcher(self.chain, place, self.board, self._cost_of, open_task)
        self.watcher.look()
        self.web = TestClient(create_app(self.board, Answering(self.watcher), HOST), base_url=f"http://{HOST}:8780")

    def _cost_of(self, _transaction: str) -> tuple[str, Receipt]:
        self.receipts += 1
        return SERVER, Receipt(21_000, 42_000, 1)

    def values(self) -> dict:
        """Look, and return all that is shown by key."""
        self.watcher.look()
        return self.changes(0)["set"]

    def changes(self, since: int) -> dict:
        """Return what has changed since."""
        return json.loads(self.board.since(since)[1])

    def get(self, path: str, **more):
        """Ask the server."""
        return self.web.get(path, **more)
