"""What can happen to a network at any time, and the record of what did."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from mlchain.protocol.calls import View
from mlchain.protocol.rounds import phase
from tests.live.proxy import MODES
from tests.live.testbed import FUNDS, LiveTestbed

BURST = 3.0  # seconds of a proxy's mischief


def phase_of(view: View) -> str:
    """Return where the learning stands, in a word."""
    current = view.ledger.open_round
    if current is None:
        return "between rounds"
    return min(phase(job, view.now) for job in current.jobs).name.lower() if current.jobs else "deploying"


@dataclass
class Faults:
    """Injects faults one after the other; what a fault does follows from the seed, when it comes does not."""

    network: LiveTestbed
    seed: int
    done: Counter = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._kinds: dict[str, Callable[[], None]] = {
            "kill the server": lambda: self._kill("server"),
            "kill a worker": lambda: self._kill(self._random.choice(list(self.network.workers))),
            "kill everybody": lambda: [self._kill(name) for name in ("server", *self.network.workers)],
            "two servers": lambda: self.network.start_double("server"),
            "two of a worker": lambda: self.network.start_double(self._random.choice(list(self.network.workers))),
            "restart the node": self._restart_node,
            "drop what waits": lambda: self.network.node.ask("anvil_dropAllTransactions"),
            "clock jump": lambda: self.network.node.ask("evm_increaseTime", self._random.randrange(1, 60)),
            "reorganisation": self._reorganise,
            "reset chain": self._reset_chain,
            "crowded block": self._crowd_a_block,
            **{f"proxy: {mode}": lambda mode=mode: self._mischief(mode) for mode in MODES},
        }
        self._order: list[str] = []

    def inject(self, view: View) -> str:
        """Inject the next fault; every kind comes once before one comes again."""
        if not self._order:
            self._order = self._random.sample(list(self._kinds), len(self._kinds))
        kind = self._order.pop()
        self._kinds[kind]()
        self.done[kind, phase_of(view)] += 1
        return kind

    @property
    def count(self) -> int:
        """The number of faults injected."""
        return sum(self.done.values())

    def table(self) -> str:
        """Return how many faults of each kind were injected in each phase."""
        phases = sorted({phase for _kind, phase in self.done})
        rows = [["fault", *phases]]
        rows += [[kind, *(str(self.done[kind, phase]) for phase in phases)] for kind in sorted(self._kinds)]
        return "\n".join("  ".join(f"{cell:>26}" for cell in row) for row in rows)

    def _kill(self, name: str) -> None:
        self.network.kill(name)
        self.network.start(name)

    def _restart_node(self) -> None:
        self.network.node.stop()
        time.sleep(self._random.uniform(0, 2))
        self.network.node.start()

    def _reorganise(self) -> None:
        """Replace the last block, or the last two where somebody waits for two confirmations, by empty ones."""
        self.network.node.reorganise(self._random.choice([1, 2]))

    def _reset_chain(self) -> None:
        """Let the node begin a new chain of the same id for a while, with as many blocks, on which all are rich."""
        node = self.network.node
        height = node.height()
        node.stop()
        node.start(forgets=True)
        people = [self.network.address_of(name) for name in self.network.names]
        for address in people:
            node.ask("anvil_setBalance", address, hex(FUNDS))
        node.ask("anvil_mine", hex(height + self._random.choice([-10, 10])))
        time.sleep(2 * BURST)
        sent = [node.ask("eth_getTransactionCount", address, "pending") for address in people]
        node.stop()
        node.start()
        assert sent == ["0x0"] * len(people), "somebody has sent something to a chain without contracts"

    def _crowd_a_block(self) -> None:
        """Make no block for a while, so that what everybody sends comes into one."""
        self.network.node.ask("evm_setIntervalMining", 0)
        time.sleep(BURST)
        self.network.node.ask("evm_setIntervalMining", 1)

    def _mischief(self, mode: str) -> None:
        self.network.proxy.mode = mode
        time.sleep(BURST)
        self.network.proxy.mode = None
