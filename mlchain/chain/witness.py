"""What the contracts have counted, held against the logs that a node gives.

A backend that lags behind the others, or is broken, answers that there are no logs where there are some. Who acted on
that would miss its seat, or rule over answers that it has not seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ape_ethereum.provider import Web3Provider
from web3.exceptions import Web3Exception

from mlchain.chain.deployment import Deployment
from mlchain.chain.node_errors import NodeError
from mlchain.chain.questions import Questions, bytes_of
from mlchain.chain.views import ViewCall, view_question
from mlchain.protocol.rounds import Job
from mlchain.protocol.tally import Tally

WORD = 32  # bytes
NOTHING: Mapping[ViewCall, Any] = {}


@dataclass(frozen=True, slots=True)
class Expectation:
    """A view of a contract, and what some of the words that it returns are to be, by their place."""

    call: ViewCall
    expected: dict[int, int]

    def is_answered_by(self, words: Sequence[int]) -> bool:
        """Return whether the words are as expected; none, where there is no contract yet, count nothing."""
        return all((words[place] if words else 0) == number for place, number in self.expected.items())


class Witness:
    """Asks the contracts of `deployment` what they have counted by the end of a block."""

    def __init__(self, provider: Web3Provider, deployment: Deployment) -> None:
        self._questions = Questions(provider)
        self._addresses = deployment.addresses

    def expected(self, tally: Tally) -> list[Expectation]:
        """Return what the contracts say if all that happened is in the tally."""
        expectations = [
            self._expectation("WorkerRegistry", "poolSize", {0: tally.members}),
            self._expectation("WorkerRegistry", "currentRound", {2: tally.unsettled}),
            self._expectation("JobFactory", "latestRound", {0: tally.rounds}),
            self._expectation("JobFactory", "scheduledBlock", {0: tally.scheduled}),
            self._expectation("ModelRegistry", "latestVersion", {0: tally.versions}),
            self._expectation("ModelRegistry", "versionAt", {1: tally.published}, tally.versions),
        ]
        if tally.has_game:
            expectations.append(self._expectation("Disputes", "counts", {0: tally.claims, 1: tally.challenges}))
            expectations.append(self._expectation("JobFactory", "refutedVersion", {0: tally.refuted}))
            expectations += [
                self._expectation("Disputes", "challenges", {7: turn, 8: since}, number)
                for number, (turn, since) in tally.games.items()
            ]
        return expectations + [
            Expectation(ViewCall("Job", "progress", job), {0: commitments, 2: candidates})
            for job, (commitments, candidates) in tally.jobs.items()
        ]

    def require_all(self, tally: Tally, block: int, known: Mapping[ViewCall, Any] = NOTHING) -> None:
        """Raise NodeError unless all that happened up to the end of `block` is in the tally.

        `known` are answers that the node has given already, by what was asked.
        """
        self._require(self.expected(tally), block, "the contracts have counted more, or less", known)

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
        self,
        expectations: Sequence[Expectation],
        block: int,
        otherwise: str,
        known: Mapping[ViewCall, Any] = NOTHING,
    ) -> None:
        asked = [each for each in expectations if each.call not in known]
        answers = dict(known) | dict(zip([each.call for each in asked], self._ask(asked, block), strict=True))
        if not all(each.is_answered_by(words_of(answers[each.call])) for each in expectations):
            raise NodeError(f"the node leaves out events up to block {block}: {otherwise}")

    def _ask(self, expectations: Sequence[Expectation], block: int) -> list[Any]:
        return self._questions.ask([view_question(each.call, block) for each in expectations])

    def _expectation(self, contract: str, view: str, expected: dict[int, int], *arguments: int) -> Expectation:
        return Expectation(ViewCall(contract, view, self._addresses[contract], arguments), expected)


def words_of(answer: bytes | str) -> list[int]:
    """Return the words that a view has returned."""
    data = bytes_of(answer)
    return [int.from_bytes(data[at : at + WORD], "big") for at in range(0, len(data), WORD)]
