"""A deployment that is read from the chain, final block after final block."""

from ape_ethereum.provider import Web3Provider

from mlchain.chain.clock import ChainClock
from mlchain.chain.deployment import Deployment
from mlchain.chain.headers import LATEST, header_of, header_question
from mlchain.chain.history import History
from mlchain.chain.identity import Readable
from mlchain.chain.logs import Logs
from mlchain.chain.node_errors import NodeError
from mlchain.chain.questions import Questions, number
from mlchain.chain.selection import Beginning
from mlchain.chain.witness import Witness
from mlchain.errors import require
from mlchain.protocol.events import Log
from mlchain.protocol.ledger import Ledger


class FollowedDeployment:
    """Reads `deployment` from `beginning`, None for its first block; `gas_limit` is that of the newest block seen.

    `clock` is told the time of that block. Of a node that is not `trusted` to give all logs, they are held against what
    the contracts have counted.
    """

    def __init__(
        self,
        chain: Readable,
        provider: Web3Provider,
        logs: Logs,
        deployment: Deployment,
        trusted: bool,
        clock: ChainClock,
        beginning: Beginning | None = None,
    ) -> None:
        self.deployment = deployment
        self.gas_limit = 0
        self._questions = Questions(provider)
        self._clock = clock
        self._logs = logs
        witness = None if trusted else Witness(provider, deployment)
        self.history = History(chain, provider, logs, deployment, witness, beginning)
        self._confirmations = int(provider.network.required_confirmations)

    @property
    def ledger(self) -> Ledger:
        """What the blocks read so far come to."""
        return self.history.ledger

    def sync(self, anew: bool = False) -> list[Log]:
        """Read the final blocks that are new, or everything `anew`, and return the logs that are new.

        Raises UserError where the chain has another id than the deployment: commitments would open to nothing.
        """
        seen = self.history.glance() if self._confirmations == 0 and not anew else None
        if seen:
            self._see(seen.block, seen.timestamp, seen.gas_limit)
            return self.history.take_news()
        chain_id, newest = self._questions.ask([("eth_chainId", []), header_question(LATEST)])
        head = header_of(newest)
        self._see(head.number, head.timestamp, head.gas_limit)
        known = self.deployment.chain_id
        now = number(chain_id)
        require(now == known, f"the node is on chain {now} now, and the deployment is on chain {known}")
        self._logs.note_time(head)
        last = head.number - self._confirmations
        news = self.history.advance(last, head)
        if anew:
            self.history.distrust()
            self.history.advance(last)  # none of it is news
        if self.history.read_to < self.deployment.block:
            raise NodeError(f"the node has not come to block {self.deployment.block} yet, where the deployment begins")
        return news

    def _see(self, block: int, timestamp: int, gas_limit: int) -> None:
        self._clock.see(block, timestamp)
        self.gas_limit = gas_limit
