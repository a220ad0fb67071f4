"""What an audit finds: every problem with its block and place, and how much was checked."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum


class Check(Enum):
    """A group of checks, by what it is called."""

    MODELS = "models"
    ROUNDS = "rounds and draws"
    COMMITMENTS = "commitments"
    CANDIDATES = "proposals and results"
    OUTCOMES = "rulings and outcomes"
    PAYMENTS = "verdicts and payments"
    POOL = "pool and withdrawals"
    BOOKS = "ether held and owed"
    TRAINING = "training"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as the protocol says: in which block, of which version, round, job or seat, and what."""

    check: Check
    block: int
    subject: str
    problem: str

    def __str__(self) -> str:
        return f"block {self.block}, {self.subject}: {self.problem}"


@dataclass(slots=True)
class Report:
    """What was checked, and what was found, in the order of the chain; `seeds` and `unseen_seeds` count rounds.

    `unused_schedules` are (round, block): the server may not have liked what it would have drawn.
    """

    findings: list[Finding] = field(default_factory=list)
    checked: Counter[Check] = field(default_factory=Counter)
    events: int = 0
    seeds: int = 0
    unseen_seeds: int = 0
    unused_schedules: list[tuple[int, int]] = field(default_factory=list)

    def expect(self, holds: bool, check: Check, block: int, subject: str, problem: str) -> bool:
        """Count a check and, unless it holds, report the problem; return whether it holds."""
        self.checked[check] += 1
        if not holds:
            self.findings.append(Finding(check, block, subject, problem))
        return holds

    def found(self, check: Check) -> int:
        """Return how many problems a group of checks has found."""
        return sum(finding.check is check for finding in self.findings)
