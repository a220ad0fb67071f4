"""A chain on paper: it takes calls as the reference model of the protocol does, and tells the ledger what happened."""

from eth_utils import keccak, to_checksum_address

from mlchain.protocol.calls import Call, View
from mlchain.protocol.content import chunk_hashes, content_hash, split
from mlchain.protocol.events import Log, decode
from mlchain.protocol.hash_chain import HashChain
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import Job
from tests.reference.chain import Chain, Refused
from tests.reference.protocol import Protocol
from tests.reference.registry import MAX_SNAPSHOT_AGE

__all__ = [
    "ABSENCE_FEE",
    "CHAIN_ID",
    "FACTORY",
    "MAX_SNAPSHOT_AGE",
    "NUMBERS",
    "SERVER",
    "STAKE",
    "Refused",
    "Stage",
    "address_of",
    "chunk_of",
]

CHAIN_ID = 1337
ETHER = 10**18
STAKE = ETHER
ABSENCE_FEE = ETHER // 10
GAS_LIMIT = 30_000_000


def address_of(name: str) -> str:
    """Return an address that follows from a name."""
    return to_checksum_address(keccak(text=name)[-20:])


SERVER = address_of("server")
FACTORY = address_of("factory")
NUMBERS = HashChain(bytes(32), 32)  # of the server


class Stage:
    """Blocks of one transaction and one second each."""

    def __init__(self) -> None:
        self.ledger = Ledger(SERVER)
        self.block = 1
        self.now = 1_000
        self.balance = 100 * ETHER
        self.sent: list[tuple[str, Call]] = []
        self.logs: list[Log] = []
        self._chain = Chain(
            CHAIN_ID,
            FACTORY,
            block_hash=lambda block: keccak(text=f"block {block}"),
            job_address=lambda number, index: address_of(f"job {number} {index}"),
        )
        self._protocol = Protocol(self._chain, SERVER, stake=STAKE, absence_fee=ABSENCE_FEE, anchor=NUMBERS.anchor)

    def view(self) -> View:
        """Return what everybody sees; everybody has the same balance."""
        return View(self.ledger, self.block, self.now, CHAIN_ID, STAKE, lambda _address: self.balance, GAS_LIMIT)

    def advance_to(self, timestamp: int) -> None:
        """Let time pass without a block."""
        self.now = max(self.now, timestamp)

    def mine(self, blocks: int) -> None:
        """Let blocks pass."""
        self.block += blocks
        self.now += blocks

    def send(self, sender: str, call: Call) -> None:
        """Take a transaction; raises Refused."""
        self._chain.block, self._chain.now = self.block + 1, self.now
        to = call.address or call.contract
        for event in self._protocol.send(sender, to, call.method, call.arguments, call.value):
            log = Log(decode(event.name, event.arguments), event.address, self.block + 1, 0, self.now)
            self.ledger.fold(log)
            self.logs.append(log)
        self.sent.append((sender, call))
        self.mine(1)

    def job_at(self, address: str) -> Job:
        """Return the job at an address."""
        return next(job for current in self.ledger.rounds for job in current.jobs if job.address == address)


def chunk_of(data: bytes, index: int = 0) -> tuple[bytes, int, list[bytes], bytes]:
    """Return what is published as chunk `index` of `data`."""
    return content_hash(data), index, chunk_hashes(data), split(data)[index]
