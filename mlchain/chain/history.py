"""The logs of a deployment, read block after block, and the ledger that they add up to."""

from collections.abc import Sequence
from typing import Any, NoReturn

from ape_ethereum.provider import Web3Provider
from web3.exceptions import BlockNotFound

from mlchain.chain.deployment import Deployment
from mlchain.chain.digest import Digest, digest_question
from mlchain.chain.headers import Header, hash_in, header_question
from mlchain.chain.identity import Readable, require_genesis, require_same
from mlchain.chain.logs import Logs, events_of
from mlchain.chain.node_errors import NodeError
from mlchain.chain.questions import Question
from mlchain.chain.selection import Beginning, concerning, filters_of, pass_over
from mlchain.chain.witness import REFUSALS, Witness, left_out, too_late
from mlchain.errors import UserError, require
from mlchain.protocol.events import JobDeployed, Log
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import Job
from mlchain.protocol.tally import Tally

BEGINS = "begins with round {round}, at block {block}: `ape run status` tells of what came before"
REPLACED = "blocks that had been read were replaced: reading everything again"
MOST_PASSED_OVER = 8  # blocks in a row that are believed to have no logs because their headers say so
DEEPEST = 128  # blocks that a reorganisation replaces at most; what is older is replaced by a reset alone


class History:
    """The state of a deployment on `chain` so far; after a reorganisation it is read from its beginning again.

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
        beginning: Beginning | None = None,
    ) -> None:
        self._provider = provider
        self._logs = logs
        self._deployment = deployment
        self._chain = chain
        self._has_been_whole = False
        self._witness = witness
        self._beginning = beginning
        self._only_for = beginning.only_for if beginning else None
        self._blooms_tell = True  # some chains leave them empty
        self._milestones: list[tuple[int, bytes]] = []  # two blocks that were read, DEEPEST or more apart
        self._restart()

    def distrust(self) -> None:
        """Believe nothing of what was read, here or by earlier programs: the next look begins where reading begins."""
        if self._beginning:
            self._beginning.distrust()
        self._restart()

    def _restart(self) -> None:
        self.ledger = Ledger(self._deployment.server, self._deployment.parameters.has_game)
        self.read_to = self._deployment.block - 1
        self._hash: bytes | None = None
        self._is_whole = True  # whether all that was read is known to be all that there was
        self._has_begun = False
        self._passed_over = 0  # blocks since the last ones whose logs were asked for
        self._news: list[Log] = []  # what was read, and not returned yet

    def advance(self, last: int, head: Header | None = None) -> list[Log]:
        """Read on up to block `last`, and return what is new, with what was read before the node failed.

        `head` is the newest block, if known. If any block read so far has been replaced, everything is dropped, to be
        read again, and NodeError is raised: what is left is no state to act on. So it is, too, where events are
        missing. Raises UserError for a chain that was reset, or a deployment that began before its first block.
        """
        if last <= self.read_to:  # the node is behind, or nothing is new
            self._require_near(last)
        elif not self._has_begun:
            self._begin(last)
        else:
            self._continue(last, head)
        news, self._news = self._news, []
        return news

    def _continue(self, last: int, head: Header | None) -> None:
        if self._only_for and not self._news:
            self.ledger.forget_past(self._only_for)
        if head and head.number == last and self._is_followed_by(head):
            self._passed_over += 1
            self._note_read(last, head.hash)
            return
        self._read_on(last, head)
        # Nobody has to train the newest version, or to stay.
        if self.ledger.lacks_model or (self._only_seats_of and self._only_seats_of not in self.ledger.pool):
            news = self._news
            self._restart()
            self._begin(last)
            self._news = [*news, *self._news]

    def require_unchanged(self) -> None:
        """Raise NodeError unless the block read last is still on the chain, and with it everything before it."""
        if self._hash is not None:
            self._require_last(self._hash_of(self.read_to))

    def _require_last(self, now: bytes | None) -> None:
        """Raise NodeError unless this is the hash of the block read last."""
        if now is None:
            raise NodeError(f"the node does not know block {self.read_to} any more, which it has shown before")
        if now != self._hash:
            self._drop()

    def _is_followed_by(self, head: Header) -> bool:
        """Return whether a block comes right after the one read last, and nothing happened in it."""
        return (
            head.comes_after(self.read_to, self._hash)
            and self._is_whole
            and self._blooms_tell
            and self._passed_over < MOST_PASSED_OVER
            and head.has_no_logs_of([*self._deployment.fixed, *(job.address for job in self._jobs)])
        )

    def _drop(self) -> NoReturn:
        self._restart()
        if len(self._milestones) == 2:
            block, hash_ = self._milestones[0]
            if self._hash_of(block) not in (None, hash_):
                raise UserError(f"block {block} is another one than it was long ago: the chain was reset")
        raise NodeError(REPLACED)

    def _require_near(self, last: int) -> None:
        """Raise UserError if the chain ends before what was read since it is another one, NodeError if that may be."""
        if last < self.read_to:
            require_genesis(self._chain, self._deployment)
        if last + DEEPEST < self.read_to:
            raise NodeError(f"the node is at block {last}, and has shown block {self.read_to} before")

    def _begin(self, last: int) -> None:
        """Read everything, or what can be decided from at the end of block `last`.

        All of it is of one chain: its last block is asked for before the deployment is checked, and at the end again.
        """
        hash_, objection = self._hash_of(last), self._objection()
        if hash_ is None or self._hash_of(last) != hash_:
            self._drop()
        if objection:
            raise objection
        if self._beginning:
            self._begin_at(self._beginning, last, hash_)
        else:
            self._read_on(last)
        if self._hash != hash_ or self._hash_of(last) != hash_:
            self._drop()
        self._has_begun = True

    def _begin_at(self, beginning: Beginning, last: int, hash_: bytes) -> None:
        begun = beginning.ledger_for(last)
        if begun is None:
            self._read_on(last)
            return
        try:
            self.ledger, self.read_to, found = begun
            self._hash, self._is_whole = None, False
            if self.read_to == last:
                self._take([], last, True)
                self._hash = hash_
            self._read_on(last)
            beginning.complete(self.ledger, last)
            self._news = found
        except BaseException:  # a part of it is no state to act on
            self._restart()
            raise

    def _read_on(self, last: int, head: Header | None = None) -> None:
        for start, end in self._logs.ranges(self.read_to + 1, last):
            if self._only_for and self._has_begun:
                pass_over(self.ledger, self._only_for, self._jobs)
            hash_ = head.hash if head and head.number == end else self._hash_of(end)
            if hash_ is None:
                self._drop()
            leaves_unread = self._only_seats_of is not None
            logs, digest = self._read(start, end, hash_, self._witness if head and end == last else None)
            self._take(logs, end, end == last, digest)
            if leaves_unread and self.ledger.open_round:  # which may have begun in these blocks
                self.ledger.open_round.has_unread_seats = True
            self._note_read(end, hash_)
            self._news += logs

    def _read(self, start: int, end: int, hash_: bytes, witness: Witness | None) -> tuple[list[Log], Digest | None]:
        """Return the logs of blocks, of which the last has this hash, and what the contracts have counted then.

        Blocks may be replaced between any two requests: so the oldest and the last are checked beside the logs.
        """
        if witness and self._hash and witness.can_be_asked(self.read_to, end):
            expected = witness.expected(self._tally([]))
            try:
                logs, (answer,) = self._logs_of(start, end, [digest_question(expected, self.read_to, hash_)])
                digest = witness.digest_in(answer, expected)
            except REFUSALS:
                witness.note_refusal()
            else:
                self._require_last(digest.ancestor)
                return logs, digest
        blocks = [end] if self._hash is None else [self.read_to, end]
        logs, answers = self._logs_of(start, end, list(map(header_question, blocks)))
        *before, after = map(hash_in, answers)
        for it in before:
            self._require_last(it)
        if after != hash_:
            self._drop()
        return logs, None

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

    def _note_read(self, block: int, hash_: bytes) -> None:
        self.read_to, self._hash = block, hash_
        if not self._milestones or block >= self._milestones[-1][0] + DEEPEST:
            self._milestones = [*self._milestones[-1:], (block, hash_)]

    def _take(self, logs: Sequence[Log], end: int, is_last: bool, digest: Digest | None = None) -> None:
        """Fold logs up to block `end`; raises NodeError when events are missing.

        Only of the newest blocks does every node remember what the contracts had counted then; `digest` is what it has
        said of it already.
        """
        witness = self._witness if is_last else None
        try:
            if witness:
                witness.require_all(self._tally(logs), end, digest)
        except NodeError as error:
            if self._passed_over:
                self._blooms_tell = False
            if self._passed_over or not self._is_whole:
                self._restart()
            raise self._missing(str(error)) from error
        try:
            self._fold(logs, end, witness)
        except BaseException:  # half of them may be in the ledger
            self._restart()
            raise
        self._is_whole = self._has_been_whole = witness is not None
        self._passed_over = 0

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
        return NodeError(sentence) if self._has_been_whole else left_out(sentence, self._deployment.block)

    def _hash_of(self, block: int) -> bytes | None:
        try:
            return bytes(self._provider.web3.eth.get_block(block)["hash"])
        except BlockNotFound:
            return None

    def _logs_of(self, first: int, last: int, beside: Sequence[Question]) -> tuple[list[Log], list[Any]]:
        """Return the logs of the contracts, and of the jobs to read or announced in these blocks, in order.

        And the answers to the questions beside.
        """
        jobs = self._jobs
        filters = filters_of(self._deployment, jobs, self._only_seats_of)
        logs, answers = self._logs.of_deployment(first, last, filters, [job.address for job in jobs], beside)
        return events_of(logs), answers

    @property
    def _jobs(self) -> list[Job]:
        """The jobs of the open round whose events are read."""
        return concerning(self.ledger, self._beginning)

    @property
    def _only_seats_of(self) -> str | None:
        """Whose seats alone are read of how those of the open round are settled; None for all."""
        current = self.ledger.open_round
        return self._only_for if current and current.has_unread_seats else None

    def _tally(self, logs: Sequence[Log]) -> Tally:
        return Tally.of(self.ledger, logs, self._jobs, self._only_seats_of)
