"""The rules of training on an Anvil of their own, asked many questions at once: a chain in Python takes minutes."""

from collections.abc import Iterable
from dataclasses import dataclass

import requests
from ape import project
from eth_abi import encode
from eth_utils import keccak

from mlchain.referee.prover import Prover
from tests.live.node import Node

AT_ONCE = 100
DERIVES = ["bytes32", "bytes", "bytes32", "uint256", "bytes", "uint256", "bytes"]


@dataclass(frozen=True)
class Judge:
    """Where the rules are deployed."""

    node: Node
    address: str

    @classmethod
    def deploy(cls, node: Node) -> "Judge":
        """Deploy the rules on a node."""
        code = project.TrainingJudge.contract_type.get_deployment_bytecode()
        sender = node.ask("eth_accounts")[0]
        creation = {"from": sender, "data": "0x" + code.hex(), "gas": hex(8_000_000), "gasPrice": "0x0"}
        sent = node.ask("eth_sendTransaction", creation)
        node.ask("evm_mine")
        return cls(node, node.ask("eth_getTransactionReceipt", sent)["contractAddress"])

    def follow(self, asked: Iterable[str]) -> list[bool]:
        """Return what the rules say of each entry; evidence that they cannot use says nothing."""
        return [answer == 1 for answer in self.numbers(asked)]

    def numbers(self, asked: Iterable[str]) -> list[int | None]:
        """Return the number that each call returns, none where one reverts."""
        asked, found = list(asked), []
        for first in range(0, len(asked), AT_ONCE):
            calls = [
                {
                    "jsonrpc": "2.0",
                    "id": number,
                    "method": "eth_call",
                    "params": [{"to": self.address, "data": data}, "latest"],
                }
                for number, data in enumerate(asked[first : first + AT_ONCE])
            ]
            answers = requests.post(self.node.url, json=calls, timeout=600).json()
            answers.sort(key=lambda it: it["id"])
            found += [int(it["result"], 16) if "result" in it else None for it in answers]
        return found


def derives(case: Prover, position: int, leaf: bytes, entry: int, evidence: bytes, root: bytes | None = None) -> str:
    """Return the call that asks whether an entry of a leaf follows, in the job's trace or in that of another root."""
    described = case.description
    arguments = (described.statement, described.to_bytes(), root or case.root, position, leaf, entry, evidence)
    return call("derives", DERIVES, arguments)


def derives_right(case: Prover, position: int, entry: int) -> str:
    """Return the call that asks of what an entry has to be, whatever the trace says, whether it follows."""
    value, evidence = case.prove(position, entry)
    leaf, said = case.leaf(position), case.said(position)
    return derives(case, position, changed(leaf, len(leaf) // len(said), entry, value - said[entry]), entry, evidence)


def call(function: str, types: list[str], arguments: tuple) -> str:
    """Return a call of the rules."""
    selector = keccak(text=f"{function}({','.join(types)})")[:4]
    return "0x" + (selector + encode(types, arguments)).hex()


def changed(leaf: bytes, width: int, entry: int, by: int) -> bytes:
    """Return a leaf with one entry changed, modulo what its bytes can hold."""
    at = slice(entry * width, (entry + 1) * width)
    number = (int.from_bytes(leaf[at], "big") + by) % 256**width
    return leaf[: at.start] + number.to_bytes(width, "big") + leaf[at.stop :]
