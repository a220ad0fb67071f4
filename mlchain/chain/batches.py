"""Many transactions at once: signed here, sent in JSON-RPC batches and mined in as few blocks as have room for them.

Ape sends a transaction when the one before has its receipt; a chain with many users does not work like that.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import rlp
from ape.api import AccountAPI
from ape_ethereum.provider import Web3Provider
from ape_test.accounts import TestAccount
from eth_keys.datatypes import PrivateKey
from eth_utils import keccak, to_bytes, to_hex
from requests import RequestException
from web3 import HTTPProvider
from web3.exceptions import Web3Exception
from web3.types import RPCEndpoint, RPCResponse

from mlchain.chain.questions import Question
from mlchain.chain.receipts import Receipt
from mlchain.chain.reverts import first_line, reason_in
from mlchain.errors import TransactionFailed

BYTES_PER_REQUEST = 1_000_000  # of the batch's transactions, in hex
ITEMS_PER_REQUEST = 200
DYNAMIC_FEE = b"\x02"  # the first byte of a transaction of EIP-1559
LIMIT_OVER_ESTIMATE = 2  # others of the batch come first, and may make a transaction dearer


@dataclass(frozen=True, slots=True)
class Transaction:
    """What `sender` signs with a key that is known here; `kind` names it where it is refused. Value in wei.

    `gas_bound` is the most gas that it can take; None is estimated.
    """

    sender: AccountAPI
    receiver: str
    data: bytes
    value: int
    kind: str
    gas_bound: int | None = None


def takes_batches(provider: Web3Provider) -> bool:
    """Return whether a provider is a node that takes batches and can be told when to mine, as Anvil can."""
    return bool(provider.network.is_dev) and isinstance(provider.web3.provider, HTTPProvider)


def send_batch(provider: Web3Provider, transactions: Sequence[Transaction]) -> list[Receipt | TransactionFailed]:
    """Send transactions, to be mined in this order, and return what became of each.

    Raises TransactionFailed if the node takes one and then loses it: nobody knows what else is missing.
    """
    node = _Node(provider)
    signed = _sign(provider, node, transactions)
    with node.mined_by_hand():
        answers = node.try_all([("eth_sendRawTransaction", [raw]) for raw in signed])
        receipts = _mine(node, {answer["result"] for answer in answers if "result" in answer})
    return [_outcome(node, receipts, *pair) for pair in zip(transactions, answers, strict=True)]


class _Node:
    """A node that is asked in JSON-RPC batches."""

    def __init__(self, provider: Web3Provider) -> None:
        self._http = cast(HTTPProvider, provider.web3.provider)

    def ask(self, requests: Sequence[Question], what: str) -> list[Any]:
        """Return the result of every request; raises TransactionFailed, naming `what`, if one has none."""
        answers = self.try_all(requests)
        errors = [answer["error"] for answer in answers if "error" in answer]
        if errors:
            raise TransactionFailed(f"the node did not take {what}: {errors[0].get('message', errors[0])}")
        return [answer["result"] for answer in answers]

    def try_all(self, requests: Sequence[Question]) -> list[RPCResponse]:
        """Return the answer to every request, be it a result or an error."""
        answers: list[RPCResponse] = []
        for batch in _portions(requests):
            try:
                answer = self._http.make_batch_request(
                    [(RPCEndpoint(method), parameters) for method, parameters in batch]
                )
            except (RequestException, Web3Exception) as error:
                raise TransactionFailed(f"the node does not answer: {first_line(error)}") from error
            if not isinstance(answer, list) or len(answer) != len(batch):
                raise TransactionFailed("the node does not answer a JSON-RPC batch as it should")
            answers += answer
        return answers

    def mine(self) -> None:
        """Make a block."""
        self._http.make_request(RPCEndpoint("evm_mine"), [])

    @contextmanager
    def mined_by_hand(self) -> Iterator[None]:
        """Let no block be made unless it is asked for."""
        self._set_automine(False)
        try:
            yield
        finally:
            self._set_automine(True)

    def _set_automine(self, is_on: bool) -> None:
        self.ask([("evm_setAutomine", [is_on])], "the order to mine" if is_on else "the order not to mine")


def _portions(requests: Sequence[Question]) -> Iterator[list[Question]]:
    """Cut requests into batches that a node takes at once."""
    portion: list[Question] = []
    size = 0
    for request in requests:
        length = sum(len(str(parameter)) for parameter in request[1])
        if portion and (len(portion) == ITEMS_PER_REQUEST or size + length > BYTES_PER_REQUEST):
            yield portion
            portion, size = [], 0
        portion.append(request)
        size += length
    if portion:
        yield portion


def _sign(provider: Web3Provider, node: _Node, transactions: Sequence[Transaction]) -> list[str]:
    """Return the signed transactions in hex."""
    senders = list({it.sender.address: it.sender for it in transactions})
    counts = node.ask([("eth_getTransactionCount", [sender, "pending"]) for sender in senders], "the senders")
    nonces = {sender: int(count, 16) for sender, count in zip(senders, counts, strict=True)}
    base_fee, least_tip, chain_id = provider.base_fee, provider.priority_fee, provider.chain_id
    signed: list[str] = []
    for number, (it, limit) in enumerate(zip(transactions, _gas_limits(provider, node, transactions), strict=True)):
        # A node puts the greatest tip first: a wei less for each keeps the order of the list.
        tip = least_tip + len(transactions) - number
        prices = (tip, 2 * base_fee + tip)
        fields = (chain_id, nonces[it.sender.address], *prices, limit, to_bytes(hexstr=it.receiver), it.value, it.data)
        nonces[it.sender.address] += 1
        signed.append(_signed(fields, _key_of(it.sender)))
    return signed


def _signed(fields: tuple[int | bytes, ...], key: PrivateKey) -> str:
    """Return a transaction of EIP-1559 with these fields, and no access list, in hex; eth_account takes thrice as long.

    The fields are chain id, nonce, tip, highest price, gas limit, receiver, value and data.
    """
    unsigned: list[object] = [*fields, []]
    signature = key.sign_msg_hash(keccak(DYNAMIC_FEE + rlp.encode(unsigned)))
    return to_hex(DYNAMIC_FEE + rlp.encode([*unsigned, *signature.vrs]))


def _key_of(sender: AccountAPI) -> PrivateKey:
    if not isinstance(sender, TestAccount):
        raise TransactionFailed(f"the key of {sender.address} is not at hand to sign a batch with")
    return PrivateKey(to_bytes(hexstr=str(sender.private_key)))


def _gas_limits(provider: Web3Provider, node: _Node, transactions: Sequence[Transaction]) -> list[int]:
    """Return a limit for each; what would be refused now gets room enough to go well after the others.

    A sender's limits only rise. Anvil tries all that wait for a block: where one has no room but the sender's next one
    would, that one comes too early, and Anvil drops it.
    """
    most = provider.max_gas
    requests = [
        (
            "eth_estimateGas",
            [{"from": it.sender.address, "to": it.receiver, "value": hex(it.value), "data": to_hex(it.data)}],
        )
        for it in transactions
        if it.gas_bound is None
    ]
    estimates = iter(
        LIMIT_OVER_ESTIMATE * int(answer["result"], 16) if "result" in answer else most // 2
        for answer in node.try_all(requests)
    )
    highest: dict[str, int] = {}  # by sender
    limits = []
    for it in transactions:
        limit = min(most, next(estimates) if it.gas_bound is None else it.gas_bound)
        highest[it.sender.address] = max(limit, highest.get(it.sender.address, 0))
        limits.append(highest[it.sender.address])
    return limits


def _mine(node: _Node, hashes: Collection[str]) -> dict[str, dict[str, str]]:
    """Mine until every transaction is in a block, and return the receipts by hash."""
    receipts: dict[str, dict[str, str]] = {}
    while missing := [hash_ for hash_ in hashes if hash_ not in receipts]:
        node.mine()
        mined = _newest_receipts(node, missing)
        if not mined:
            raise TransactionFailed(f"{len(missing)} of {len(hashes)} transactions are in no block: the node lost them")
        receipts |= mined
    return receipts


def _newest_receipts(node: _Node, missing: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the receipts of these transactions, as far as they are mined: those of the newest block, if it has any.

    Else each is asked for: some nodes do not give a block's receipts, and others may have made a block meanwhile.
    """
    (answer,) = node.try_all([("eth_getBlockReceipts", ["latest"])])
    receipts = {receipt["transactionHash"]: receipt for receipt in answer.get("result") or []}
    if mined := {hash_: receipts[hash_] for hash_ in missing if hash_ in receipts}:
        return mined
    found = node.ask([("eth_getTransactionReceipt", [hash_]) for hash_ in missing], "the receipts")
    return {hash_: receipt for hash_, receipt in zip(missing, found, strict=True) if receipt}


def _outcome(
    node: _Node, receipts: Mapping[str, dict[str, str]], transaction: Transaction, answer: RPCResponse
) -> Receipt | TransactionFailed:
    if "error" in answer:
        return TransactionFailed(f"{transaction.kind} could not be sent: {answer['error'].get('message')}")
    receipt = receipts[answer["result"]]
    gas = int(receipt["gasUsed"], 16)
    fee = gas * int(receipt["effectiveGasPrice"], 16)
    if int(receipt["status"], 16):
        return Receipt(gas, fee, int(receipt["blockNumber"], 16))
    trace = [answer["result"], {"tracer": "callTracer"}]
    (frame,) = node.ask([("debug_traceTransaction", trace)], "a question about a refusal")
    reason = reason_in(bytes.fromhex(frame.get("output", "0x")[2:])) or frame.get("error", "no reason given")
    return TransactionFailed(f"the chain refused {transaction.kind}: {reason}", fee)
