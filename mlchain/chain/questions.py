"""Many questions to a node in one request, where it takes JSON-RPC batches; one after the other where it does not."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

from ape_ethereum.provider import Web3Provider
from eth_utils import to_bytes
from requests import HTTPError, codes
from web3 import HTTPProvider
from web3.exceptions import ContractLogicError, Web3RPCError
from web3.types import RPCEndpoint

QUESTIONS_PER_REQUEST = 100  # some nodes take no more
REFUSALS = (ContractLogicError, Web3RPCError)  # of a question

Question = tuple[str, list[Any]]  # a JSON-RPC method and its parameters


class Questions:
    """Asks the node of `provider`."""

    def __init__(self, provider: Web3Provider) -> None:
        self._web3 = provider.web3
        self._takes_batches = isinstance(provider.web3.provider, HTTPProvider)
        self._refusals: Callable[[], AbstractContextManager[None]] = nullcontext
        if not self._takes_batches:
            from mlchain.chain.embedded import refusals_named  # here: no program on a node needs that chain

            self._refusals = refusals_named

    def ask(self, questions: Sequence[Question]) -> list[Any]:
        """Return the answers as the node gives them.

        Raises ContractLogicError where a contract refuses a call, else Web3RPCError where there is no answer.
        """
        return [answer for portion in _portions(questions) for answer in self._ask(portion)]

    def ask_as_needed(
        self, first: Question, others: Sequence[Question], are_needed: Callable[[Any], bool]
    ) -> tuple[Any, list[Any]]:
        """Return the answer to the first question, and to the others, which may be refused, if it shows a need of them.

        Raises as `ask` does.
        """
        answers = self._batch([first, *others])
        if answers is None:
            (answer,) = self.ask([first])
            return answer, self.ask(others) if are_needed(answer) else []
        answer = _result(answers[0])
        return answer, [_result(it) for it in answers[1:]] if are_needed(answer) else []

    def _ask(self, questions: Sequence[Question]) -> list[Any]:
        answers = self._batch(questions)
        if answers is not None:
            return [_result(answer) for answer in answers]
        with self._refusals():
            return [self._ask_one(*question) for question in questions]

    def _batch(self, questions: Sequence[Question]) -> list[Any] | None:
        """Return results and errors of questions that are asked at once; None where they are not."""
        if self._takes_batches and len(questions) > 1:
            http = cast(HTTPProvider, self._web3.provider)
            answers: Any = None
            try:
                answers = http.make_batch_request([(RPCEndpoint(method), given) for method, given in questions])
            except HTTPError as error:  # of the node's own trouble nothing follows for batches
                if error.response.status_code >= codes.internal_server_error:
                    raise
            if isinstance(answers, list) and len(answers) == len(questions):
                return answers
            self._takes_batches = False
        return None

    def _ask_one(self, method: str, given: list[Any]) -> Any:
        try:
            return self._web3.manager.request_blocking(RPCEndpoint(method), given)
        except Web3RPCError as error:
            if "revert" in str(error):
                raise ContractLogicError(str(error)) from error
            raise


def _portions(questions: Sequence[Question]) -> Iterator[Sequence[Question]]:
    for first in range(0, len(questions), QUESTIONS_PER_REQUEST):
        yield questions[first : first + QUESTIONS_PER_REQUEST]


def _result(answer: Any) -> Any:
    if "result" in answer:
        return answer["result"]
    message = str(answer.get("error", {}).get("message", "no result"))
    raise ContractLogicError(message) if "revert" in message else Web3RPCError(message)


def number(value: int | str) -> int:
    """Return a number that a node gives in hex, or the embedded chain as it is."""
    return int(value, 16) if isinstance(value, str) else int(value)


def bytes_of(value: bytes | str) -> bytes:
    """Return data that a node gives in hex, or the embedded chain as it is."""
    return to_bytes(hexstr=value) if isinstance(value, str) else bytes(value)
