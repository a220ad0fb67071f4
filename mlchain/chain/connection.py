"""A connection to a chain through Ape: sends transactions, and reads the ledger from the logs."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ape import chain as ape_chain
from ape import project
from ape.api import AccountAPI
from ape.contracts.base import ContractTransactionHandler
from ape_ethereum.provider import EthereumNodeProvider
from eth_utils import to_checksum_address, to_hex
from web3.exceptions import Web3RPCError

from mlchain.chain.abi import to_abi
from mlchain.chain.batches import Transaction, send_batch, takes_batches
from mlchain.chain.checkpoint import Checkpoint
from mlchain.chain.clock import ChainClock
from mlchain.chain.contracts import method_of
from mlchain.chain.deployment import Deployment
from mlchain.chain.failures import failure_of
from mlchain.chain.followed import FollowedDeployment
from mlchain.chain.gas_limits import gas_limit, raise_price
from mlchain.chain.logs import Logs
from mlchain.chain.node_errors import node_errors
from mlchain.chain.prompt_node import PromptHTTP
from mlchain.chain.provider import connected_provider
from mlchain.chain.questions import Questions, number
from mlchain.chain.receipts import Creation, Receipt, receipt_of
from mlchain.chain.reverts import first_line, reverts_named
from mlchain.chain.selection import Beginning
from mlchain.chain.views import ViewCall, Views
from mlchain.errors import TransactionFailed, UserError
from mlchain.protocol.calls import Call, View
from mlchain.protocol.events import Incremented, Log
from mlchain.protocol.gas import TRANSACTION, gas_bound
from mlchain.protocol.ledger import Ledger

if TYPE_CHECKING:
    from mlchain.chain.past import Report


class Chain:
    """Sends transactions to the connected network and reads it."""

    def __init__(self) -> None:
        self._provider = connected_provider()
        self._questions = Questions(self._provider)
        self._logs = Logs(self._provider)
        self._views = Views(self._provider)
        self._following: FollowedDeployment | None = None
        self.clock = ChainClock()

    # The network

    @property
    def traffic(self) -> tuple[int, int]:
        """The requests to a node that is asked over HTTP so far, and the bytes of them and of the answers."""
        http = self._provider.web3.provider
        return http.traffic if isinstance(http, PromptHTTP) else (0, 0)

    @property
    def network(self) -> str:
        """The network as it is named on the command line."""
        return str(self._provider.network_choice)

    @property
    def is_development(self) -> bool:
        """Whether the chain is a local one with funded accounts and a clock that can be set."""
        return bool(self._provider.network.is_dev)

    @property
    def is_embedded(self) -> bool:
        """Whether the chain lives in this process, out of reach of others."""
        return self._provider.name == "test"

    @property
    def is_own(self) -> bool:
        """Whether the chain or its node was started by this process, and so keeps nothing back."""
        return not isinstance(self._provider, EthereumNodeProvider)

    @property
    def chain_id(self) -> int:
        """The chain's id, which every commitment is bound to."""
        return self._provider.chain_id

    @property
    def height(self) -> int:
        """The number of the head block."""
        return int(self._provider.web3.eth.block_number)

    @property
    def final_block(self) -> int:
        """The number of the last block taken as final: `required_confirmations` below the head."""
        return self.height - self._provider.network.required_confirmations

    @property
    def genesis(self) -> str:
        """The hash of the first block, which tells a chain that was reset from the one before."""
        return "0x" + bytes(self._provider.web3.eth.get_block(0)["hash"]).hex()

    @property
    def now(self) -> int:
        """The time of the next block, in seconds; on a live chain, an estimate."""
        if self.is_development:
            with node_errors():
                return int(ape_chain.pending_timestamp)
        return self.clock.now

    def advance_to(self, timestamp: int) -> None:
        """Set the clock of a development chain so that the next block is not before `timestamp`."""
        if timestamp > self.now:
            ape_chain.mine(timestamp=timestamp)

    def mine(self, blocks: int) -> None:
        """Add empty blocks to a development chain, one a request: many at once can take a node longer than it may."""
        for _ in range(blocks):
            ape_chain.mine()

    # Transactions

    def balance_of(self, address: str) -> int:
        """Return the balance of `address` at the head, in wei."""
        return self.balances_of([address])[address]

    def balances_of(self, addresses: Collection[str]) -> dict[str, int]:
        """Return the balance of each of these addresses at the head, in wei."""
        asked = [("eth_getBalance", [to_checksum_address(address), "latest"]) for address in addresses]
        with node_errors():
            return dict(zip(addresses, map(number, self._questions.ask(asked)), strict=True))

    def code_at(self, address: str) -> bytes:
        """Return the code of the contract at `address`, empty if there is none."""
        return bytes(self._provider.web3.eth.get_code(to_checksum_address(address)))

    def transfer(self, sender: AccountAPI, receiver: str, value: int) -> Receipt:
        """Send `value` wei."""
        with reverts_named("the transfer"):
            return receipt_of(sender.transfer(receiver, value))

    def transfer_all(self, sender: AccountAPI, payments: Mapping[str, int]) -> None:
        """Send many addresses, of keys and not of contracts, so many wei each, all at once where the chain can."""
        if not takes_batches(self._provider):
            for receiver, value in payments.items():
                self.transfer(sender, receiver, value)
            return
        sent = [Transaction(sender, it, b"", value, "the transfer", TRANSACTION) for it, value in payments.items()]
        for outcome in send_batch(self._provider, sent):
            if isinstance(outcome, TransactionFailed):
                raise outcome

    def deploy(self, sender: AccountAPI, contract: str, *arguments: object) -> Creation:
        """Create a contract from its compiled code."""
        with reverts_named(f"the deployment of {contract}"):
            instance = sender.deploy(project.get_contract(contract), *map(to_abi, arguments))
        receipt = receipt_of(instance.creation_metadata.receipt)
        return Creation(receipt.gas, receipt.fee, receipt.block, str(instance.address))

    def runtime_code(self, contract: str) -> bytes:
        """Return the compiled code, with zeros where its immutable values go."""
        return bytes(project.get_contract(contract).contract_type.get_runtime_bytecode())

    def send(self, sender: AccountAPI, call: Call) -> Receipt:
        """Send a transaction and wait for it; raises TransactionFailed, with the contract's reason, if refused."""
        method, arguments = self._method(call)
        with reverts_named(call.kind):
            return receipt_of(method(*arguments, sender=sender, value=call.value))

    def encode(self, call: Call) -> tuple[str, bytes]:
        """Return the contract that a call is for, and its data."""
        method, arguments = self._method(call)
        return str(method.contract.address), bytes(method.encode_input(*arguments))

    def counts_of(self, address: str, block: int) -> tuple[int, int, int]:
        """Return how many transactions of `address` are in blocks up to `block`, in any, and known to the node."""
        sender = to_checksum_address(address)
        asked = [("eth_getTransactionCount", [sender, when]) for when in (hex(block), "latest", "pending")]
        final, mined, sent = map(number, self._questions.ask(asked))
        return final, mined, sent

    def post(
        self, sender: AccountAPI, call: Call, nonce: int, factor: float = 1, cap: int | None = None, after: bool = False
    ) -> str:
        """Sign and send a transaction for at most `cap` wei a unit of gas, without waiting for it; return its hash.

        What is offered is raised by `factor`; `after` is whether it may need one that is in no block yet. Raises
        TransactionFailed, with the reason, if the contract would refuse it now or the node does not take it;
        NodeError if the chain is not the one that was read, on which ether could go to an address without a contract.
        """
        method, arguments = self._method(call)
        with reverts_named(call.kind):
            receiver, data = self.encode(call)
            job = self.ledger.job_at(receiver)
            limit = gas_limit(self._provider, call, sender.address, receiver, data, job, after)
            prepared = method.as_transaction(*arguments, sender=sender, value=call.value, nonce=nonce, gas_limit=limit)
            raise_price(prepared, factor, cap)
            signed = sender.sign_transaction(prepared)
            if signed is None:
                raise TransactionFailed(f"the account {sender.address} did not sign {call.kind}")
            self._followed.history.require_unchanged()  # last: what it says is as new as can be
            try:
                return to_hex(self._provider.web3.eth.send_raw_transaction(signed.serialize_transaction()))
            except Web3RPCError as error:
                raise TransactionFailed(f"the node did not take {call.kind}: {first_line(error)}") from error

    @property
    def gas_price(self) -> int:
        """What a unit of gas costs now, in wei."""
        return int(self._provider.web3.eth.gas_price)

    def failure_of(self, transaction: str) -> str | None:
        """Return why a transaction failed and what it cost, in words; None if it went well or is in no block."""
        return failure_of(self._provider, transaction)

    def send_all(self, calls: Sequence[tuple[AccountAPI, Call]]) -> Iterator[Receipt | TransactionFailed]:
        """Send transactions, all at once where the chain can, and return what became of each as soon as it is known."""
        if takes_batches(self._provider):
            yield from send_batch(self._provider, [self._transaction(*it) for it in calls])
            return
        for sender, call in calls:
            try:
                yield self.send(sender, call)
            except TransactionFailed as failure:
                yield failure

    def _transaction(self, sender: AccountAPI, call: Call) -> Transaction:
        receiver, data = self.encode(call)
        job = self.ledger.job_at(receiver) if self._following else None
        return Transaction(sender, receiver, data, call.value, call.kind, gas_bound(call, data, job))

    def _method(self, call: Call) -> tuple[ContractTransactionHandler, list[object]]:
        return method_of(call, call.address or self._followed.deployment.addresses[call.contract])

    def read(self, contract: str, view: str, *arguments: object, address: str | None = None) -> int | str | bool:
        """Return what a view function says that returns one number, address or truth value."""
        place = address or self._followed.deployment.addresses[contract]
        value: int | str | bool = self._views.ask(ViewCall(contract, view, place, arguments))
        return value

    # Members of a counter

    def joins(self, counter: str, first: int) -> tuple[list[tuple[str, int]], int]:
        """Return (address, number) of who joined `counter` in final blocks from `first` on, and the block after."""
        last = self.final_block
        found = (self._logs.find(start, end, [counter]) for start, end in self._logs.ranges(first, last))
        events = [log.event for logs in found for log in logs]
        return [(it.worker, it.count) for it in events if isinstance(it, Incremented)], max(first, last + 1)

    # The ledger

    def follow(self, deployment: Deployment, beginning: Beginning | None = None) -> None:
        """Read `deployment` from a beginning, by default its first block, on."""
        self._following = FollowedDeployment(
            self, self._provider, self._logs, deployment, self.is_own, self.clock, beginning
        )

    def follow_as(self, owner: str, deployment: Deployment, say: Callable[[str], None]) -> None:
        """Read of `deployment` what its server or a worker, `owner`, decides from; say in a line where that begins."""
        self.follow(deployment, Checkpoint(self._provider, self._logs, deployment, owner, say))

    def follow_kept(self, deployment: Deployment, report: "Report", say: Callable[[str], None] | None = None) -> None:
        """Read `deployment` from its first block on, as far as it is kept here from there; `report` how far it is."""
        from mlchain.chain.log_store import kept_logs  # here: most programs forget the past, and need no database
        from mlchain.chain.past import Past

        store = kept_logs(deployment)
        self.follow(deployment, Past(self._provider, self._logs, deployment, store, report, self.is_own, say))

    @property
    def _followed(self) -> FollowedDeployment:
        if self._following is None:
            raise UserError("no deployment is followed yet")
        return self._following

    @property
    def ledger(self) -> Ledger:
        """What the blocks read so far come to."""
        return self._followed.ledger

    @property
    def read_to(self) -> int:
        """The block that was read last."""
        return self._followed.history.read_to

    def sync(self, anew: bool = False) -> list[Log]:
        """Read the final blocks that are new, or everything `anew`, and return the logs that are new.

        A proposal in answer to a commit that is reorganised away would tell a copier what to commit to.
        """
        return self._followed.sync(anew)

    def last_view(self) -> View:
        """Return what everybody can decide from, as far as it has been read."""
        it, stake = self._followed, self._followed.deployment.parameters.stake
        return View(self.ledger, it.history.read_to, self.now, self.chain_id, stake, self.balance_of, it.gas_limit)

    def view(self) -> View:
        """Sync, and return what everybody can decide from."""
        self.sync()
        return self.last_view()
