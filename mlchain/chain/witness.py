"""What the contracts have counted, held against the logs that a node gives.

A backend that lags behind the others, or is broken, answers that there are no logs where there are some. Who acted on
that would miss its seat, or rule over answers that it has not seen.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ape_ethereum.provider import Web3Provider
from web3 import HTTPProvider
from web3.exceptions import Web3Exception

from mlchain.chain.deployment import Deployment
from mlchain.chain.digest import WORD, Digest, Expectation, digest_in, digest_question
from mlchain.chain.node_errors import NodeError
from mlchain.chain.questions import REFUSALS, Questions, bytes_of
from mlchain.chain.views import ViewCall, view_question
from mlchain.protocol.rounds import Job
from mlchain.protocol.tally import Tally

TRIES = 3  # refusals in a row after which a node is not asked for digests any more


class Witness:
    """Asks the contracts of `deployment` what they have counted by the end of a block."""

    def __init__(self, provider: Web3Provider, deployment: Deployment) -> None:
        self._questions = Questions(provider)
        self._addresses = deployment.addresses
        self._tries = TRIES if isinstance(provider.web3.provider, HTTPProvider) else 0
        self._gives_digests = False

    def expected(self, tally: Tally) -> list[Expectation]:
        """Return what the contracts say if all that happened is in the tally."""
        expectations = [
            self._expectation("WorkerRegistry", "poolSize", {0: tally.members}),
            self._expectation("JobFactory", "latestRound", {0: tally.rounds}),
            self._expectation("JobFactory", "scheduledBlock", {0: tally.scheduled}),
            self._expectation("ModelRegistry", "latestVersion", {0: tally.versions}),
            self._expectation("ModelRegistry", "versionAt", {1: tally.published}, tally.versions),
        ]
        is_open = self._expectation("WorkerRegistry", "currentRound", {2: tally.unsettled})
        expectations.append(is_open if tally.counts_seats else replace(is_open, signs=(2,)))
        expectations += [
            Expectation(ViewCall("Job", "isSettled", job, (seat,)), {0: int(is_settled)})
            for (job, seat), is_settled in tally.own.items()
        ]
        if tally.has_game:
            expectations.append(self._expectation("Disputes", "counts", {0: tally.claims, 1: tally.challenges}))
            expectations.append(self._expectation("JobFactory", "refutedVersion", {0: tally.refuted}))
            expectations += [
                self._expectation("Disputes", "challenges", {7: turn, 8: since}, number)
                for number, (turn, since) in tally.games.items()
            ]
        return expectations + [
            Expectation(ViewCall("Job", "progress", job), it.words) for job, it in tally.jobs.items()
        ]

    @property
    def can_be_asked(self) -> bool:
        """Whether to ask the node for digests."""
        return self._tries > 0

    def digest_in(self, answer: Any, expectations: Sequence[Expectation]) -> Digest:
        """Return the digest that the node has answered with; raises Web3RPCError for what is none."""
        digest = digest_in(answer, expectations)
        self._tries, self._gives_digests = TRIES, True
        return digest

    def note_refusal(self) -> None:
        """Take note that the node has not answered the question for a digest."""
        self._tries, self._gives_digests = self._tries - 1, False

    def require_all(self, tally: Tally, block: int, digest: Digest | None = None) -> None:
        """Raise NodeError unless all that happened up to the end of `block` is in the tally.

        `digest` is what the node has said already.
        """
        self._require(self.expected(tally), block, "the contracts have counted more, or less", digest)

    def require_committees(self, jobs: Sequence[Job], block: int) -> None:
        """Raise NodeError unless the contracts have drawn the ledger's committees, so from the pool that it knows."""
        expectations = [
            Expectation(
                ViewCall("Job", "committee", job.address),
                dict(enumerate((int(it, 16) for it in job.committee), start=2)),
            )
            for job in jobs
        ]
        self._require(expectations, block, "a committee was drawn from another pool")

    def has_begun(self, block: int) -> bool:
        """Return whether there is a member, a version or a round at the end of a block, if the node remembers it."""
        views = (("WorkerRegistry", "poolSize"), ("ModelRegistry", "latestVersion"), ("JobFactory", "latestRound"))
        try:
            answers = self._ask([self._expectation(contract, view, {}) for contract, view in views], block)
        except Web3Exception:  # of long ago only an archive node knows
            return False
        return any(word for answer in answers for word in words_of(answer))

    def _require(
        self, expectations: Sequence[Expectation], block: int, otherwise: str, digest: Digest | None = None
    ) -> None:
        if digest is None or not digest.is_of(expectations):
            digest = self._digest(expectations, block) if self._gives_digests else None
        if digest:
            is_met = digest.is_as_expected(expectations)
        else:
            answers = zip(expectations, self._ask(expectations, block), strict=True)
            is_met = all(each.is_answered_by(words_of(answer)) for each, answer in answers)
        if not is_met:
            raise NodeError(f"the node leaves out events up to block {block}: {otherwise}")

    def _digest(self, expectations: Sequence[Expectation], block: int) -> Digest | None:
        try:
            (answer,) = self._questions.ask([digest_question(expectations, block)])
            return digest_in(answer, expectations)
        except REFUSALS:
            self.note_refusal()
            return None

    def _ask(self, expectations: Sequence[Expectation], block: int) -> list[Any]:
        return self._questions.ask([view_question(each.call, block) for each in expectations])

    def _expectation(self, contract: str, view: str, expected: dict[int, int], *arguments: int) -> Expectation:
        return Expectation(ViewCall(contract, view, self._addresses[contract], arguments), expected)


def words_of(answer: bytes | str) -> list[int]:
    """Return the words that a view has returned."""
    data = bytes_of(answer)
    return [int.from_bytes(data[at : at + WORD], "big") for at in range(0, len(data), WORD)]


def too_late(first: int) -> str:
    """Return the error for a deployment that has events before the first block that is read."""
    return f"the deployment has events before block {first}, where reading begins: choose an earlier --first-block"


def left_out(sentence: str, first: int) -> NodeError:
    """Return the error for events that are missing, which may be those before block `first`, where reading begins."""
    return NodeError(f"{sentence}, or {too_late(first)}" if first else sentence)
