"""A deployment that is read from the chain, final block after final block."""

from ape_ethereum.provider import Web3Provider

from mlchain.chain.deployment import Deployment
from mlchain.chain.headers import Header
from mlchain.chain.history import History
from mlchain.chain.identity import Readable
from mlchain.chain.logs import Logs
from mlchain.chain.node_errors import NodeError
from mlchain.chain.selection import Beginning
from mlchain.chain.witness import Witness
from mlchain.errors import require
from mlchain.protocol.events import Log
from mlchain.protocol.ledger import Ledger


class FollowedDeployment:
    """Reads `deployment` from `beginning`, None for its first block; `gas_limit` is that of the newest block seen.

    Of a node that is not `trusted` to give all logs, they are held against what the contracts have counted.
    """

    def __init__(
        self,
        chain: Readable,
        provider: Web3Provider,
        logs: Logs,
        deployment: Deployment,
        trusted: bool,
        beginning: Beginning | None = None,
    ) -> None:
        self.deployment = deployment
        self.gas_limit = 0
        self._logs = logs
        witness = None if trusted else Witness(provider, deployment)
        self.history = History(chain, provider, logs, deployment, witness, beginning)
        self._confirmations = int(provider.network.required_confirmations)

    @property
    def ledger(self) -> Ledger:
        """What the blocks read so far come to."""
        return self.history.ledger

    def sync(self, chain_id: int, head: Header, anew: bool = False) -> list[Log]:
        """Read the final blocks that are new, or everything `anew`, and return the logs that are new.

        `head` is the newest block of chain `chain_id`. Raises UserError where the chain has another id than the
        deployment: commitments would open to nothing.
        """
        known = self.deployment.chain_id
        require(chain_id == known, f"the node is on chain {chain_id} now, and the deployment is on chain {known}")
        self.gas_limit = head.gas_limit
        self._logs.note_time(head)
        last = head.number - self._confirmations
        news = self.history.advance(last, head)
        if anew:
            self.history.distrust()
            self.history.advance(last)  # none of it is news
        if self.history.read_to < self.deployment.block:
            raise NodeError(f"the node has not come to block {self.deployment.block} yet, where the deployment begins")
        return news
