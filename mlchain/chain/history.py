"""The logs of a deployment, read block after block, and the ledger that they add up to."""

from collections.abc import Iterator, Sequence
from typing import NoReturn, cast

from ape_ethereum.provider import Web3Provider
from eth_utils import to_checksum_address
from requests import Timeout
from web3.exceptions import BlockNotFound, Web3RPCError
from web3.types import FilterParams, LogReceipt

from mlchain.chain.deployment import CONTRACTS, Deployment
from mlchain.chain.identity import Readable, require_genesis, require_same
from mlchain.chain.node_errors import NodeError
from mlchain.chain.questions import Questions, number
from mlchain.chain.raw_logs import RawLog, raw_log
from mlchain.chain.witness import Witness
from mlchain.errors import UserError, require
from mlchain.protocol.events import JobDeployed, Log
from mlchain.protocol.ledger import Ledger

BLOCKS_PER_REQUEST = 2_000  # at most; fewer where a node refuses so many
ANSWERS_TO_TRUST = 100  # after which a shortened range is doubled
DEEPEST = 128  # blocks that a reorganisation replaces at most; what is older is replaced by a reset alone


class Logs:
    """Finds the events of our contracts in ranges of blocks."""

    def __init__(self, provider: Web3Provider) -> None:
        self._provider = provider
        self._questions = Questions(provider)
        self._span = BLOCKS_PER_REQUEST
        self._answers = 0  # since the last refusal

    def ranges(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Return the first and last block of every request that blocks `first` to `last` are read in."""
        while first <= last:
            end = min(first + self._span - 1, last)
            yield first, end
            first = end + 1

    def find(self, first: int, last: int, addresses: Sequence[str]) -> list[Log]:
        """Return the events of contracts at these addresses, in the order of the chain."""
        events = (log.event() for log in self.find_raw(first, last, addresses))
        return [event for event in events if event is not None]

    def find_raw(self, first: int, last: int, addresses: Sequence[str]) -> list[RawLog]:
        """Return the logs of contracts at these addresses, in the order of the chain.

        Where a node refuses so many blocks or results at once, the range is halved, for later requests too. The cause
        may have been another: after some answers the range grows again. After a timeout the next range is half as long.
        """
        contracts = [to_checksum_address(it) for it in addresses]
        question: FilterParams = {"fromBlock": first, "toBlock": last, "address": contracts}
        try:
            raw = self._provider.web3.eth.get_logs(question)
        except Timeout:
            self._span, self._answers = max(1, (last - first + 1) // 2), 0
            raise
        except Web3RPCError:
            if first == last:
                raise
            middle = (first + last) // 2
            self._span, self._answers = min(self._span, middle - first + 1), 0
            return self.find_raw(first, middle, addresses) + self.find_raw(middle + 1, last, addresses)
        self._answers += 1
        if self._answers % ANSWERS_TO_TRUST == 0:
            self._span = min(BLOCKS_PER_REQUEST, 2 * self._span)
        times = self._times_of(raw)
        return [raw_log(log, times[log["blockNumber"]]) for log in raw]

    def _times_of(self, logs: Sequence[LogReceipt]) -> dict[int, int]:
        """Return the time of every block that one of these logs is in, in seconds: some nodes say it in the log."""
        said = {int(log["blockNumber"]): log.get("blockTimestamp") for log in logs}
        times = {block: number(cast(str, time)) for block, time in said.items() if time is not None}
        silent = [block for block in said if block not in times]
        headers = self._questions.ask([("eth_getBlockByNumber", [hex(block), False]) for block in silent])
        if None in headers:
            raise BlockNotFound(f"the node has logs of block {silent[headers.index(None)]}, and not the block")
        return times | {block: number(it["timestamp"]) for block, it in zip(silent, headers, strict=True)}


class History:
    """The state of a deployment on `chain` so far; after a reorganisation it is read from the beginning again.

    Whenever reading begins, it is checked that the chain still has the deployment. `witness` says whether the logs are
    all that there are; None needs a node that keeps back nothing.
    """

    def __init__(
        self,
        chain: Readable,
        provider: Web3Provider,
        logs: Logs,
        deployment: Deployment,
        witness: Witness | None = None,
    ) -> None:
        self._provider = provider
        self._logs = logs
        self._deployment = deployment
        self._chain = chain
        self._has_been_whole = False
        self._witness = witness
        self._milestones: list[tuple[int, bytes]] = []  # two blocks that were read, DEEPEST or more apart
        self._restart()

    def _restart(self) -> None:
        self.ledger = Ledger(self._deployment.server)
        self.read_to = self._deployment.block - 1
        self._hash: bytes | None = None
        self._is_whole = True  # whether all that was read is known to be all that there was

    def advance(self, last: int) -> list[Log]:
        """Read on up to block `last`, and return what is new.

        If any block read so far has been replaced, everything is dropped, to be read again, and NodeError is raised:
        what is left is no state to act on. So it is, too, where events are missing. Raises UserError for a chain that
        was reset, or a deployment that began before its first block.
        """
        if last <= self.read_to:  # the node is behind, or nothing is new
            self._require_near(last)
            return []
        found = []
        for start, end in self._logs.ranges(self.read_to + 1, last):
            hash_ = self._hash_of(end)
            logs = self._logs_of(start, end)
            objection = self._objection() if self._hash is None else None
            # Blocks may be replaced between any two requests: so check the oldest again at the end.
            self.require_unchanged()
            if hash_ is None or self._hash_of(end) != hash_:
                self._drop()
            if objection:
                raise objection
            self._take(logs, end, end == last)
            self.read_to, self._hash = end, hash_
            self._remember(end, hash_)
            found += logs
        return found

    def require_unchanged(self) -> None:
        """Raise NodeError unless the block read last is still on the chain, and with it everything before it."""
        if self._hash is None:
            return
        now = self._hash_of(self.read_to)
        if now is None:
            raise NodeError(f"the node does not know block {self.read_to} any more, which it has shown before")
        if now != self._hash:
            self._drop()

    def _drop(self) -> NoReturn:
        self._restart()
        if len(self._milestones) == 2:
            block, hash_ = self._milestones[0]
            if self._hash_of(block) not in (None, hash_):
                raise UserError(f"block {block} is another one than it was long ago: the chain was reset")
        raise NodeError("blocks that had been read were replaced: reading everything again")

    def _require_near(self, last: int) -> None:
        """Raise UserError if the chain ends before what was read since it is another one, NodeError if that may be."""
        if last < self.read_to:
            require_genesis(self._chain, self._deployment)
        if last + DEEPEST < self.read_to:
            raise NodeError(f"the node is at block {last}, and has shown block {self.read_to} before")

    def _objection(self) -> UserError | None:
        try:
            require_same(self._chain, self._deployment)
            first = self._deployment.block
            require(not first or not self._witness or not self._witness.has_begun(first - 1), too_late(first))
        except NodeError:
            raise
        except UserError as error:
            return error
        return None

    def _remember(self, block: int, hash_: bytes) -> None:
        if not self._milestones or block >= self._milestones[-1][0] + DEEPEST:
            self._milestones = [*self._milestones[-1:], (block, hash_)]

    def _take(self, logs: Sequence[Log], end: int, is_last: bool) -> None:
        """Fold logs up to block `end`; raises NodeError when events are missing.

        Only of the newest blocks does every node remember what the contracts had counted then.
        """
        witness = self._witness if is_last else None
        try:
            if witness:
                witness.require_all(self.ledger, logs, end)
        except NodeError as error:
            if not self._is_whole:
                self._restart()
            raise self._missing(str(error)) from error
        try:
            self._fold(logs, end, witness)
        except BaseException:  # half of them may be in the ledger
            self._restart()
            raise
        self._is_whole = self._has_been_whole = witness is not None

    def _fold(self, logs: Sequence[Log], end: int, witness: Witness | None) -> None:
        try:
            for log in logs:
                self.ledger.fold(log)
        except LookupError as error:  # it refers to an earlier event
            raise self._missing(f"the node leaves out events up to block {end}") from error
        announced = {log.event.job for log in logs if isinstance(log.event, JobDeployed)}
        current = self.ledger.open_round
        jobs = [job for job in current.jobs if job.address in announced or not self._is_whole] if current else []
        if witness and jobs:
            witness.require_committees(jobs, end)

    def _missing(self, sentence: str) -> NodeError:
        first = self._deployment.block
        is_certain = self._has_been_whole or not first
        return NodeError(sentence if is_certain else f"{sentence}, or {too_late(first)}")

    def _hash_of(self, block: int) -> bytes | None:
        try:
            return bytes(self._provider.web3.eth.get_block(block)["hash"])
        except BlockNotFound:
            return None

    def _logs_of(self, first: int, last: int) -> list[Log]:
        """Return the logs of the contracts, and of the jobs known so far or announced in these blocks, in order."""
        addresses = self._deployment.addresses
        fixed = [addresses[name] for name in CONTRACTS if name in addresses and name != "Job"]
        logs = self._logs.find(first, last, fixed)
        announced = {log.event.job for log in logs if isinstance(log.event, JobDeployed)}
        current = self.ledger.open_round
        jobs = announced | {job.address for job in current.jobs} if current else announced
        if jobs:
            logs += self._logs.find(first, last, sorted(jobs))
        return sorted(logs, key=lambda log: (log.block, log.index))


def too_late(first: int) -> str:
    """Return the error for a deployment that has events before the first block that is read."""
    return f"the deployment has events before block {first}, where reading begins: choose an earlier --first-block"
