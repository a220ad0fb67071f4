"""What the tests ask of the rules of training, asked of changed rules without running the tests again.

The rules have no state: an answer follows from their code and the question alone. Nor do the tests ask anything whose
answer they do not compare. So one that has asked what is now answered otherwise would fail.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mutants.compiler import Code

if TYPE_CHECKING:
    from tests.live.node import Node

RULES = "TrainingJudge"
ADDRESS = "0x" + 20 * "ab"

Heard = list[tuple[str, int | None]]  # calls in hexadecimal, and the numbers that they return, none where they revert


class Question(NamedTuple):
    """A call of the rules, the number that they return as they are, and the test that asks for it."""

    call: str
    answer: int | None
    test: str


def listen() -> Heard:
    """Return a list that from now on, and for good, grows by all that is asked in this process."""
    from tests.referee.judging import Judge

    heard: Heard = []
    numbers = Judge.numbers

    def overheard(judge: Judge, asked: Iterable[str]) -> list[int | None]:
        asked = list(asked)
        found = numbers(judge, asked)
        heard.extend(zip(asked, found, strict=True))
        return found

    Judge.numbers = overheard
    return heard


@dataclass(slots=True)
class Interview:
    """Asks changed rules, on an Anvil that starts when it is needed."""

    questions: list[Question]
    _node: "Node | None" = field(default=None, init=False)

    def first_to_notice(self, rules: Code) -> str | None:
        """Return a test that would fail with these rules; None if all that is asked is answered as it was."""
        from tests.live.node import Node
        from tests.referee.judging import AT_ONCE, Judge

        if not self.questions:
            return None
        if self._node is None:
            self._node = Node(Path())
            self._node.start(forgets=True)
        self._node.ask("anvil_setCode", ADDRESS, "0x" + rules.runtime)
        judge = Judge(self._node, ADDRESS)
        for first in range(0, len(self.questions), AT_ONCE):
            asked = self.questions[first : first + AT_ONCE]
            answers = judge.numbers(question.call for question in asked)
            for question, answer in zip(asked, answers, strict=True):
                if answer != question.answer:
                    del self.questions[first : first + AT_ONCE]
                    self.questions[:0] = asked  # what has told once is asked first
                    return question.test
        return None

    def end(self) -> None:
        """Stop the Anvil."""
        if self._node is not None:
            self._node.stop()
