"""A deployment that is read from the chain, final block after final block."""

from ape_ethereum.ecosystem import Block
from ape_ethereum.provider import Web3Provider

from mlchain.chain.archive import Archive
from mlchain.chain.deployment import Deployment
from mlchain.chain.history import History, Logs, too_late
from mlchain.chain.identity import Readable
from mlchain.errors import require
from mlchain.protocol.events import Log
from mlchain.protocol.ledger import Ledger


class FollowedDeployment:
    """Reads `deployment` from its first block on; `gas_limit` is that of the newest block seen."""

    def __init__(self, chain: Readable, provider: Web3Provider, logs: Logs, deployment: Deployment) -> None:
        self.deployment = deployment
        self.gas_limit = 0
        self.history = History(chain, provider, logs, deployment)
        self._provider = provider
        self._confirmations = int(provider.network.required_confirmations)
        self._is_whole = False  # whether what has been read is known to be all that happened

    @property
    def ledger(self) -> Ledger:
        """What the blocks read so far come to."""
        return self.history.ledger

    def sync(self, head: Block) -> list[Log]:
        """Read the final blocks that are new, and return their logs; `head` is the newest block.

        Raises UserError where the chain has another id than the deployment: commitments would open to nothing.
        """
        chain_id = int(self._provider.web3.eth.chain_id)
        known = self.deployment.chain_id
        require(chain_id == known, f"the node is on chain {chain_id} now, and the deployment is on chain {known}")
        self.gas_limit = int(head.gas_limit)
        news = self.history.advance(int(head.number or 0) - self._confirmations)
        if not self._is_whole and self.history.read_to >= self.deployment.block:
            self._require_whole()
            self._is_whole = True
        return news

    def _require_whole(self) -> None:
        """Raise UserError if anything happened before the deployment's first block.

        Whoever acted on such a ledger would begin again what others have continued.
        """
        found = len(self.ledger.pool.members), len(self.ledger.rounds), len(self.ledger.versions)
        counted = Archive(self.deployment).counts_at(self.history.read_to)
        require(counted == found, too_late(self.deployment))
