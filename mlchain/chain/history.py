"""The logs of a deployment, read block after block, and the ledger that they add up to."""

from collections.abc import Sequence
from typing import Any, NoReturn

from ape_ethereum.provider import Web3Provider
from requests import Timeout

from mlchain.chain.bookmark import DEEPEST, Bookmark
from mlchain.chain.deployment import Deployment
from mlchain.chain.digest import WORD, Digest, digest_question
from mlchain.chain.headers import Header, hash_in, header_question
from mlchain.chain.identity import Readable, require_genesis, require_same
from mlchain.chain.logs import Logs, events_of, last_hash
from mlchain.chain.node_errors import NodeError
from mlchain.chain.questions import REFUSALS
from mlchain.chain.raw_logs import RawLog
from mlchain.chain.selection import Beginning, Selection
from mlchain.chain.witness import TRIES, Witness, left_out, too_late
from mlchain.errors import UserError, require
from mlchain.protocol.events import JobDeployed, Log
from mlchain.protocol.ledger import Ledger

BEGINS = "begins with round {round}, at block {block}: `ape run status` tells of what came before"
REPLACED = "blocks that had been read were replaced: reading everything again"


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
        self._bookmark = Bookmark(provider, deployment)
        self._logs = logs
        self._deployment = deployment
        self._chain = chain
        self._has_been_whole = False
        self._missed = 0  # how often in a row events were missing
        self._witness = witness
        self._beginning = beginning
        self._selection = Selection(deployment, beginning)
        self._glances = TRIES  # before a node that refuses them is not asked for any more
        self._glanced_at = 0  # the block that a glance saw last
        self._restart()

    def distrust(self) -> None:
        """Believe nothing of what was read, here or by earlier programs: the next look begins where reading begins."""
        if self._beginning:
            self._beginning.distrust()
        self._restart()

    def _restart(self) -> None:
        self.ledger = Ledger(self._deployment.server, self._deployment.parameters.has_game)
        self._bookmark.put(self._deployment.block - 1, {})
        self._is_whole = True  # whether all that was read is known to be all that there was
        self._has_begun = False
        self._news: list[Log] = []  # what was read, and not returned yet

    @property
    def read_to(self) -> int:
        """The block that was read last."""
        return self._bookmark.block

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
            self._read_on(last, head)
            self._begin_where_more_is_asked()
        return self.take_news()

    def glance(self) -> Digest | None:
        """Read on to the newest block, in a single request for all that is sure to be needed.

        Return what a program says of that block. It does not know its hash: unless a log of the block says it, reading
        ends with the block before. None, and nothing is read, where it takes `advance` to tell what happened.
        """
        witness = self._witness
        if not (witness and witness.can_be_asked and self._has_begun and self._is_whole and self._glances):
            return None
        self._selection.pass_over(self.ledger, not self._news)
        expected = witness.expected(self._selection.tally(self.ledger, []))
        try:
            logs, digest = self._logs.newest(
                self.read_to + 1,
                self._selection.filters(self.ledger),
                digest_question(expected, None, list(self._bookmark.known)),
                lambda answer: witness.digest_in(answer, expected),
            )
            block, parent_hash, hashes = digest.block, digest.parent_hash, last_hash(logs)
            if not self._is_follower(digest) or hashes.get(block - 1, parent_hash) != parent_hash:
                return None
            if block > self.read_to:
                if block not in hashes and block <= self._glanced_at:  # a chain may stand still, and this one matter
                    return None
                self._accept(events_of(logs), block, True, digest)
                self._bookmark.put(block if block in hashes else block - 1, {**hashes, block - 1: parent_hash})
        except (*REFUSALS, Timeout):
            self._glances -= 1
            return None
        self._glances, self._glanced_at = TRIES, max(block, self._glanced_at)
        self._begin_where_more_is_asked()
        return digest

    def _is_follower(self, digest: Digest) -> bool:
        """Return whether the block of a digest comes after those that are known, or is the last of them."""
        hashes = [hash_ if block < digest.block else bytes(WORD) for block, hash_ in self._bookmark.known.items()]
        is_ahead = digest.block >= self.read_to and any(digest.parent_hash)
        return is_ahead and digest.is_after(self._deployment.chain_id, hashes)

    def take_news(self) -> list[Log]:
        """Return the logs that were read, and not returned yet."""
        news, self._news = self._news, []
        return news

    def _begin_where_more_is_asked(self) -> None:
        if self._selection.knows_too_little(self.ledger):
            news, last = self._news, self.read_to
            self._restart()
            self._begin(last)
            self._news = [*news, *self._news]

    def require_unchanged(self) -> None:
        """Raise NodeError unless the block read last is still on the chain, and with it everything before it."""
        if self._bookmark.known:
            self._require_last()

    def _require_last(self, headers: Sequence[Any] | None = None) -> None:
        """Raise NodeError unless what was read is on the chain, by what a node has said of it, or says now."""
        if not self._bookmark.is_on_chain(headers):
            self._drop()

    def _drop(self) -> NoReturn:
        try:
            self._bookmark.require_no_reset()
        finally:
            self._restart()
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
        hash_, objection = self._bookmark.hash_of(last), self._objection()
        if hash_ is None or self._bookmark.hash_of(last) != hash_:
            self._drop()
        if objection:
            raise objection
        if self._beginning:
            self._begin_at(self._beginning, last, hash_)
        else:
            self._read_on(last)
        if self._bookmark.hash != hash_ or self._bookmark.hash_of(last) != hash_:
            self._drop()
        self._has_begun = True

    def _begin_at(self, beginning: Beginning, last: int, hash_: bytes) -> None:
        begun = beginning.ledger_for(last)
        if begun is None:
            self._read_on(last)
            return
        try:
            self.ledger, block, found = begun
            self._bookmark.put(block, {})
            self._is_whole = False
            if block == last:
                self._take([], last, True)
                self._bookmark.put(last, {last: hash_})
            self._read_on(last)
            beginning.complete(self.ledger, last)
            self._news = found
        except BaseException:  # a part of it is no state to act on
            self._restart()
            raise

    def _read_on(self, last: int, head: Header | None = None) -> None:
        for start, end in self._logs.ranges(self.read_to + 1, last):
            if self._has_begun:
                self._selection.pass_over(self.ledger, not self._news)
            hash_ = head.hash if head and head.number == end else self._bookmark.hash_of(end)
            if hash_ is None:
                self._drop()
            logs, digest = self._read(start, end, hash_, self._witness if head and end == last else None)
            hashes = last_hash(logs)
            if hashes.get(end, hash_) != hash_:
                self._drop()
            self._accept(events_of(logs), end, end == last, digest)
            self._bookmark.put(end, {**hashes, end: hash_})

    def _accept(self, logs: list[Log], end: int, is_last: bool, digest: Digest | None) -> None:
        leaves_unread = self._selection.only_seats_of(self.ledger) is not None
        self._take(logs, end, is_last, digest)
        if leaves_unread and self.ledger.open_round:  # which may have begun in these blocks
            self.ledger.open_round.has_unread_seats = True
        self._news += logs

    def _read(self, start: int, end: int, hash_: bytes, witness: Witness | None) -> tuple[list[RawLog], Digest | None]:
        """Return the logs of blocks, of which the last has this hash, and what the contracts have counted then.

        Blocks may be replaced between any two requests: so the oldest and the last are checked beside the logs.
        """
        known, filters = self._bookmark.known, self._selection.filters(self.ledger)
        if witness and known and witness.can_be_asked:
            expected = witness.expected(self._selection.tally(self.ledger, []))
            try:
                logs, (answer,) = self._logs.of_deployment(
                    start, end, filters, [digest_question(expected, hash_, list(known))]
                )
                digest = witness.digest_in(answer, expected)
            except REFUSALS:
                witness.note_refusal()
            else:
                if not digest.is_after(self._deployment.chain_id, known.values()):  # they may be too long ago
                    self._require_last()
                return logs, digest
        beside = self._bookmark.questions if known else []
        logs, (*before, after) = self._logs.of_deployment(start, end, filters, [*beside, header_question(end)])
        if known:
            self._require_last(before)
        if hash_in(after) != hash_:
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

    def _take(self, logs: Sequence[Log], end: int, is_last: bool, digest: Digest | None = None) -> None:
        """Fold logs up to block `end`; raises NodeError when events are missing.

        Only of the newest blocks does every node remember what the contracts had counted then; `digest` is what it has
        said of it already.
        """
        witness = self._witness if is_last else None
        try:
            if witness:
                witness.require_all(self._selection.tally(self.ledger, logs), end, digest)
        except NodeError as error:
            self._missed += 1
            # What was read before may be what is wrong; to read it again costs requests: less and less often.
            if not self._is_whole or (self._missed > 2 and self._missed.bit_count() == 1):
                self._restart()
            raise self._missing(str(error)) from error
        try:
            self._fold(logs, end, witness)
        except BaseException:  # half of them may be in the ledger
            self._restart()
            raise
        self._is_whole = self._has_been_whole = witness is not None
        if witness:
            self._missed = 0

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
