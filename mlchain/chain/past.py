"""All logs of a deployment: from a local file as far as the chain agrees with it, the others from the node."""

from collections.abc import Callable, Iterator

from ape_ethereum.provider import Web3Provider

from mlchain.chain.deployment import Deployment
from mlchain.chain.history import BEGINS, REPLACED
from mlchain.chain.log_store import LogStore, Part
from mlchain.chain.logs import Logs
from mlchain.chain.node_errors import NodeError
from mlchain.chain.raw_logs import Filter
from mlchain.chain.witness import Witness, left_out
from mlchain.protocol.events import JobDeployed, Log
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import Job
from mlchain.protocol.tally import Tally

Report = Callable[[int, int], None]  # is told how many blocks have been read, of how many


def ignore(_done: int, _total: int) -> None:
    """Tell nobody how far reading is."""


class Past:
    """Reads `deployment` through a store, in which the new logs are kept; `report` is told how far it is.

    Whoever can `say` so passes over what came before the newest round, in a line; others are given all logs. Of a node
    that is not `trusted` to give all logs, they are held against what the contracts have counted.
    """

    only_for: str | None = None

    def __init__(
        self,
        provider: Web3Provider,
        logs: Logs,
        deployment: Deployment,
        store: LogStore,
        report: Report,
        trusted: bool,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._eth = provider.web3.eth
        self._logs = logs
        self._deployment = deployment
        self._store = store
        self._report = report
        self._say = say
        self._witness = None if trusted else Witness(provider, deployment)
        self._jobs: dict[str, int] = {}  # the round of each, of the newest round

    def ledger_for(self, block: int) -> tuple[Ledger, int, list[Log]]:
        """Return what all logs up to a block come to, that block, and these logs."""
        ledger, logs = Ledger(self._deployment.server, self._deployment.parameters.has_game), list(self.events(block))
        for log in logs:
            try:
                ledger.fold(log)
            except LookupError as error:  # it refers to an earlier event
                raise self._left_out(f"the node leaves out events up to block {log.block}") from error
        return ledger, block, [] if self._say and ledger.rounds else logs

    def distrust(self) -> None:
        """Forget what is kept: the next time the node is asked for all of it."""
        self._store.forget(self._deployment.block)

    def concerns(self, _job: Job) -> bool:
        """Return that every job is read."""
        return True

    def complete(self, ledger: Ledger, block: int) -> None:
        """Add nothing: the logs have said all."""
        if self._say and ledger.rounds:
            self._say(BEGINS.format(round=len(ledger.rounds), block=block))

    def events(self, last: int) -> Iterator[Log]:
        """Return all events up to a block, in order, whether or not they make sense.

        A job is asked for until the next round is deployed: before that, each of its seats has to be settled. Raises
        NodeError if blocks are replaced meanwhile, or if it turns out at the end that events are missing: then nothing
        that is kept is to be believed.
        """
        tally = Tally(has_game=self._deployment.parameters.has_game)
        for log in self._all_events(last):
            tally.take(log)
            yield log
        try:
            if self._witness and last >= self._deployment.block:
                self._witness.require_all(tally, last)
        except NodeError as error:
            raise self._left_out(str(error)) from error

    def _left_out(self, sentence: str) -> NodeError:
        self.distrust()
        return left_out(sentence, self._deployment.block)

    def _all_events(self, last: int) -> Iterator[Log]:
        first, self._jobs = self._deployment.block, {}
        self._forget_replaced(first, last)
        before: bytes | None = None  # the hash of the last block that was read
        for part in self._store.parts(first):
            yield from self._known(part)
            first, before = part.last + 1, part.hash
        for start, end in self._logs.ranges(first, last):
            new = self._read(start, end)
            if self._hash_of(end) != new.hash or (before is not None and self._hash_of(start - 1) != before):
                self._store.forget(self._deployment.block)
                raise NodeError(REPLACED)
            self._store.keep(new)
            before = new.hash
            self._report(end - first + 1, last - first + 1)
            yield from self._known(new)

    def _forget_replaced(self, first: int, last: int) -> None:
        """Drop from the store what is not on the chain up to block `last`, or not any more."""
        for start, end, hash_ in self._store.ends(first):
            if end <= last and self._hash_of(end) == hash_:
                return
            self._store.forget(start)

    def _known(self, part: Part) -> Iterator[Log]:
        for raw in part.logs:
            log = raw.event()
            if log is not None:
                self._note(log)
                yield log

    def _note(self, log: Log) -> None:
        if isinstance(log.event, JobDeployed):
            if log.event.round not in self._jobs.values():
                self._jobs = {}
            self._jobs[log.event.job] = log.event.round

    def _read(self, first: int, last: int) -> Part:
        """Return the logs of these blocks, from the contracts and from the jobs that can have any there."""
        hash_ = self._hash_of(last)
        filters: list[Filter] = [([*self._deployment.fixed, *self._jobs], [])]
        logs, _ = self._logs.of_deployment(first, last, filters)
        return Part(first, last, hash_, logs)

    def _hash_of(self, block: int) -> bytes:
        return bytes(self._eth.get_block(block)["hash"])
