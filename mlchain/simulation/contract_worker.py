"""A worker that is a contract instead of a key, as an attacker may be: it passes on what its owner tells it."""

from dataclasses import dataclass

from mlchain.chain.accounts import AccountAPI
from mlchain.chain.connection import Chain
from mlchain.chain.receipts import Receipt
from mlchain.protocol.calls import Call
from mlchain.simulation.attackers import OnReceiving


@dataclass(frozen=True, slots=True)
class ContractWorker:
    """A contract at `address` that holds ether of its own; `owner` signs, and pays for gas."""

    address: str
    owner: AccountAPI

    @classmethod
    def create(cls, chain: Chain, owner: AccountAPI) -> "ContractWorker":
        """Deploy a contract that acts for `owner` and, for now, accepts any ether that it is sent."""
        return cls(chain.deploy(owner, "ContractWorker").address, owner)

    def relay(self, chain: Chain, call: Call) -> Call:
        """Return what the owner sends to make the contract send `call`."""
        receiver, data = chain.encode(call)
        return Call("ContractWorker", "act", (receiver, call.value, data), address=self.address)

    def react(self, chain: Chain, on_receiving: OnReceiving) -> Receipt:
        """Choose what the contract does when it is sent ether."""
        re_enters = on_receiving is OnReceiving.RE_ENTER
        _, callback = chain.encode(Call("WorkerRegistry", "withdraw")) if re_enters else ("", b"")
        arguments = (on_receiving is OnReceiving.REFUSE, callback)
        return chain.send(self.owner, Call("ContractWorker", "receiveBy", arguments, address=self.address))
