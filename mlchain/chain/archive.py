"""What a node remembers of a deployment: all logs, and the state at the end of earlier blocks."""

from collections.abc import Sequence
from typing import Any

from ape import project
from eth_utils import keccak, to_checksum_address, to_hex
from web3.exceptions import BlockNotFound, TransactionNotFound, Web3Exception

from mlchain.chain.deployment import Deployment
from mlchain.chain.log_store import LogStore
from mlchain.chain.logs import Logs
from mlchain.chain.past import Past, Report, ignore
from mlchain.chain.provider import connected_provider
from mlchain.chain.questions import bytes_of
from mlchain.chain.views import ViewCall, Views
from mlchain.protocol.events import Log, Value

RANDOM_AT = 4 + 11 * 32  # in the input of `deployRound`, behind the selector and the eleven words of the terms


class Archive:
    """Asks the connected node about the past of `deployment`; of long ago only an archive node knows everything."""

    def __init__(
        self,
        deployment: Deployment,
        store: LogStore | None = None,
        report: Report = ignore,
        trusted: bool = False,
    ) -> None:
        """Make an archive whose logs are kept in a store, if any; `report` is told how far reading them is.

        Unless the node is `trusted` to give all logs, they are held against what the contracts have counted.
        """
        self._provider = connected_provider()
        self._past = Past(self._provider, Logs(self._provider), deployment, store or LogStore(), report, trusted)
        self._views = Views(self._provider)
        self._addresses = deployment.addresses

    def logs(self, last: int) -> list[Log]:
        """Return all events up to a block, in order, whether or not they make sense."""
        return list(self._past.events(last))

    def seed_parts(self, deployed: Log, snapshot_block: int) -> tuple[bytes, bytes] | None:
        """Return the server's random number for a deployed round and the hash of its snapshot block.

        None where the node has them no more, or where the server sent them by a contract of its own.
        """
        eth = self._provider.web3.eth
        try:
            transaction, block = eth.get_transaction(to_hex(hexstr=deployed.transaction)), eth.get_block(snapshot_block)
        except (TransactionNotFound, BlockNotFound):
            return None
        data = bytes_of(transaction["input"])
        is_call = transaction["to"] == self._addresses["JobFactory"] and data[:4] == _deploying()
        return (data[RANDOM_AT : RANDOM_AT + 32], bytes(block["hash"])) if is_call else None

    def balance_at(self, block: int, contract: str = "WorkerRegistry") -> int:
        """Return what a contract, the registry by default, has at the end of a block, in wei."""
        return int(self._provider.get_balance(to_checksum_address(self._addresses[contract]), block_id=block))

    def burnt_at(self, block: int) -> int:
        """Return what is burnt at the end of a block, in wei."""
        return int(self._view(block, "WorkerRegistry", "burnt"))

    def random_head_at(self, block: int) -> bytes | None:
        """Return the hash that the server's next number has to have, None where the node has forgotten that block."""
        try:
            return bytes(self._view(block, "JobFactory", "randomHead"))
        except (Web3Exception, ValueError):
            return None

    def counts_at(self, block: int) -> tuple[int, int, int]:
        """Return the number of members, of rounds and of model versions at the end of a block."""
        views = (("WorkerRegistry", "poolSize"), ("JobFactory", "latestRound"), ("ModelRegistry", "latestVersion"))
        calls = [ViewCall(contract, view, self._addresses[contract]) for contract, view in views]
        members, rounds, versions = self._views.ask_all(calls, block)
        return members, rounds, versions

    def accounts_at(self, owners: Sequence[str], block: int) -> dict[str, tuple[int, int, int, int]]:
        """Return stake and credit, in wei, position plus one and leave block of owners at the end of a block."""
        registry = self._addresses["WorkerRegistry"]
        calls = [ViewCall("WorkerRegistry", "accountOf", registry, (owner,)) for owner in owners]
        accounts = zip(owners, self._views.ask_all(calls, block), strict=True)
        return {owner: (stake, credit, position, left) for owner, (credit, stake, position, left) in accounts}

    def game_at(self, owners: Sequence[str], block: int) -> tuple[int, int, int, dict[str, int]]:
        """Return what the game about claims has, in wei, how many claims and challenges, and what it owes to owners."""
        game = self._addresses["Disputes"]
        calls = [ViewCall("Disputes", "creditOf", game, (owner,)) for owner in owners]
        claims, challenges = self._view(block, "Disputes", "counts")
        credits = dict(zip(owners, self._views.ask_all(calls, block), strict=True))
        return self.balance_at(block, "Disputes"), claims, challenges, credits

    def jobs_at(self, jobs: Sequence[str], block: int) -> dict[str, tuple[tuple[int, ...], tuple[Value, ...]]]:
        """Return the progress of jobs at the end of a block, and their terms."""
        progress = self._views.ask_all([ViewCall("Job", "progress", job) for job in jobs], block)
        terms = self._views.ask_all([ViewCall("Job", "terms", job) for job in jobs], block)
        return dict(zip(jobs, zip(progress, terms, strict=True), strict=True))

    def _view(self, block: int, contract: str, view: str) -> Any:
        return self._views.ask(ViewCall(contract, view, self._addresses[contract]), block)


def _deploying() -> bytes:
    """Return the four bytes that a call of `deployRound` begins with."""
    methods = project.get_contract("JobFactory").contract_type.mutable_methods
    return keccak(text=next(method.selector for method in methods if method.name == "deployRound"))[:4]
