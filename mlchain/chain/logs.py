"""Finds the events of contracts, in whatever portions a node allows."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ape_ethereum.provider import Web3Provider
from eth_utils import to_bytes, to_checksum_address, to_hex
from requests import Timeout
from web3.exceptions import BlockNotFound, Web3RPCError

from mlchain.chain.digest import Digest
from mlchain.chain.headers import LATEST, Header, header_question
from mlchain.chain.questions import Question, Questions, bytes_of, number
from mlchain.chain.raw_logs import Filter, RawLog, Topics, raw_log, topic_of
from mlchain.protocol.events import JobDeployed, Log

BLOCKS_PER_REQUEST = 2_000  # at most; fewer where a node refuses so many
ADDRESSES_PER_REQUEST = 500  # likewise: Geth and Erigon take 1,000 unless told otherwise, some nodes 100 or 10
ANSWERS_TO_TRUST = 100  # after which a shortened range, or a smaller number of addresses, is doubled
HEADS_KEPT = 15  # besides the newest: where blocks are to be confirmed, each has been the head before it is read
MANY_ADDRESSES = re.compile(r"address|filters", re.IGNORECASE)  # in what Geth, Erigon, Alchemy or Infura refuse them by


def events_of(logs: Sequence[RawLog]) -> list[Log]:
    """Return those logs that are events of our contracts."""
    return [event for event in (log.event() for log in logs) if event is not None]


def last_hash(logs: Sequence[RawLog]) -> dict[int, bytes]:
    """Return the hash of the last block that has logs, by its number; none where they do not say it."""
    return {log.block: log.block_hash for log in logs[-1:] if log.block_hash}


def _new_jobs(logs: Sequence[RawLog], filters: Sequence[Filter]) -> list[str]:
    """Return the jobs that are deployed in these logs, and in none of the filters."""
    topic = to_bytes(hexstr=topic_of("JobFactory", "JobDeployed"))
    events = [log.event for log in events_of([log for log in logs if log.topics.startswith(topic)])]
    known = {address for addresses, _topics in filters for address in addresses}
    return sorted({it.job for it in events if isinstance(it, JobDeployed)} - known)


def _in_order(logs: Sequence[RawLog]) -> list[RawLog]:
    """Return logs in the order of the chain, and each once, even of a node that ignores topics."""
    found = {(*_place(log), log.transaction): log for log in logs}
    return [found[place] for place in sorted(found)]


def _time_of(log: Mapping[str, Any], times: Mapping[bytes, int]) -> int:
    """Return the time of a log's block, as it says itself or by the block's hash."""
    said = log.get("blockTimestamp")
    return times[bytes_of(log["blockHash"])] if said is None else number(said)


def _place(log: RawLog) -> tuple[int, int]:
    return log.block, log.index


class Logs:
    """Finds the events of our contracts in ranges of blocks."""

    def __init__(self, provider: Web3Provider) -> None:
        self._provider = provider
        self._questions = Questions(provider)
        self._span = BLOCKS_PER_REQUEST
        self._width = ADDRESSES_PER_REQUEST
        self._answers = 0  # since the last refusal
        self._times: dict[bytes, int] = {}  # of the newest heads, in seconds by hash

    def note_time(self, head: Header) -> None:
        """Remember the time of a block, so that it is not asked for with its logs."""
        kept = list(self._times.items())[-HEADS_KEPT:]
        self._times = dict([*kept, (head.hash, head.timestamp)])

    def ranges(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Return the first and last block of every request that blocks `first` to `last` are read in."""
        while first <= last:
            end = min(first + self._span - 1, last)
            yield first, end
            first = end + 1

    def find(self, first: int, last: int, addresses: Sequence[str], topics: Topics = ()) -> list[Log]:
        """Return the events of contracts at these addresses, with these topics, in the order of the chain."""
        return events_of(self.find_raw(first, last, addresses, topics))

    def of_deployment(
        self, first: int, last: int, filters: Sequence[Filter], beside: Sequence[Question] = ()
    ) -> tuple[list[RawLog], list[Any]]:
        """Return the logs that pass a filter, and those of jobs deployed in these blocks.

        They are in order. And, of the same request or a later one, the answers to the questions beside it.
        """
        logs, answers = self._find_beside(first, last, filters, beside)
        if new := _new_jobs(logs, filters):
            logs += self.find_raw(first, last, new)
        return _in_order(logs), answers

    def newest(
        self, first: int, filters: Sequence[Filter], asked: Question, digest_of: Callable[[Any], Digest]
    ) -> tuple[list[RawLog], Digest]:
        """Return the logs from a block up to the newest as `of_deployment` does, and what a program says of that one.

        The program is `asked` first: what comes after its block is left out. Raises Web3RPCError where a node refuses,
        or has logs of several blocks in the place of one.
        """
        asked_then = [self._question(first, LATEST, *it) for it in filters]
        answer, answers = self._questions.ask_as_needed(asked, asked_then, lambda it: digest_of(it).block >= first)
        digest = digest_of(answer)
        said = [log for found in answers for log in found if number(log["blockNumber"]) <= digest.block]
        logs = self._timed(said)
        if new := _new_jobs(logs, filters):
            (more,) = self._questions.ask([self._question(first, digest.block, new)])
            logs += self._timed(more)
        blocks = {(log.block, log.block_hash) for log in logs}
        if len(blocks) > len({block for block, _hash in blocks}):
            raise Web3RPCError("logs of two blocks of one number")
        return _in_order(logs), digest

    def _find_beside(
        self, first: int, last: int, filters: Sequence[Filter], beside: Sequence[Question]
    ) -> tuple[list[RawLog], list[Any]]:
        if all(len(addresses) <= self._width for addresses, _ in filters):
            asked = [self._question(first, last, *it) for it in filters]
            with suppress(Web3RPCError, Timeout):
                answers = self._questions.ask([*asked, *beside])
                logs = self._timed([log for found in answers[: len(asked)] for log in found])
                self._note_answer()
                return logs, answers[len(asked) :]
        return [log for it in filters for log in self.find_raw(first, last, *it)], self._questions.ask(beside)

    def search(self, first: int, last: int, address: str, topics: Topics) -> list[Log]:
        """Return the few events of a contract that have these topics, in however many blocks.

        A node that refuses all blocks in one question is asked for as many as it takes, in batches of questions.
        """
        with suppress(Web3RPCError, Timeout):
            return events_of(self._ask(first, last, [address], topics))
        asked = [self._question(start, end, [address], topics) for start, end in self.ranges(first, last)]
        try:
            answers = self._questions.ask(asked)
        except Web3RPCError:
            if self._span == 1:
                raise
            self._span, self._answers = self._span // 2, 0
            return self.search(first, last, address, topics)
        return events_of(self._timed([log for answer in answers for log in answer]))

    def find_raw(self, first: int, last: int, addresses: Sequence[str], topics: Topics = ()) -> list[RawLog]:
        """Return the logs of contracts at these addresses, with these topics, in the order of the chain.

        Where a node refuses so many blocks or results at once, the range is halved, for later requests too; where it
        refuses so many addresses, or even a single block of them, those are. The cause may have been another: after
        some answers both grow again. After a timeout the next range is half as long.

        Without addresses, by topics alone, one request would do for all jobs. But anybody can emit events that look
        like theirs, as many as a node gives at once.
        """
        if len(addresses) > self._width:
            return self._find_by_portions(first, last, addresses, topics)
        try:
            found = self._ask(first, last, addresses, topics)
        except Timeout:
            self._span, self._answers = max(1, (last - first + 1) // 2), 0
            raise
        except Web3RPCError as error:
            if len(addresses) > 1 and (first == last or MANY_ADDRESSES.search(str(error))):
                self._width, self._answers = len(addresses) // 2, 0
                if first == last:  # the length of the range was not the cause
                    self._span = BLOCKS_PER_REQUEST
                return self._find_by_portions(first, last, addresses, topics)
            if first == last:
                raise
            middle = (first + last) // 2
            self._span, self._answers = min(self._span, middle - first + 1), 0
            halves = (first, middle), (middle + 1, last)
            return [log for half in halves for log in self.find_raw(*half, addresses, topics)]
        self._note_answer()
        return found

    def _note_answer(self) -> None:
        self._answers += 1
        if self._answers % ANSWERS_TO_TRUST == 0:
            self._span = min(BLOCKS_PER_REQUEST, 2 * self._span)
            self._width = min(ADDRESSES_PER_REQUEST, 2 * self._width)

    def _find_by_portions(self, first: int, last: int, addresses: Sequence[str], topics: Topics) -> list[RawLog]:
        """Return the logs of contracts at more addresses than are asked for at once, in the order of the chain."""
        found, rest = [], addresses
        while rest:
            portion, rest = rest[: self._width], rest[self._width :]
            found += self.find_raw(first, last, portion, topics)
        return sorted(found, key=_place)

    def _ask(self, first: int, last: int, addresses: Sequence[str], topics: Topics) -> list[RawLog]:
        (found,) = self._questions.ask([self._question(first, last, addresses, topics)])
        return self._timed(found)

    @staticmethod
    def _question(first: int, last: int | str, addresses: Sequence[str], topics: Topics = ()) -> Question:
        contracts = [to_checksum_address(it) for it in addresses]
        to = last if isinstance(last, str) else hex(last)
        which = {"fromBlock": hex(first), "toBlock": to, "address": contracts}
        return "eth_getLogs", [which | ({"topics": list(topics)} if topics else {})]

    def _timed(self, logs: Sequence[Mapping[str, Any]]) -> list[RawLog]:
        """Return logs with the time of their blocks, in seconds: some nodes say it in the log."""
        silent = {bytes_of(log["blockHash"]) for log in logs if log.get("blockTimestamp") is None}
        asked = sorted(silent - self._times.keys())
        headers = self._questions.ask([header_question(block) for block in asked])
        if None in headers:
            raise BlockNotFound(f"the node has logs of block {to_hex(asked[headers.index(None)])}, and not the block")
        times = self._times | {it: number(header["timestamp"]) for it, header in zip(asked, headers, strict=True)}
        return [raw_log(log, _time_of(log, times)) for log in logs]
