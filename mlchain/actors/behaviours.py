"""How a worker behaves: a behaviour is a value, and the honest one is one of them; attackers live in the simulation."""

from collections.abc import Callable
from dataclasses import dataclass, field

from mlchain.protocol.calls import Call, View
from mlchain.protocol.commitments import commitment
from mlchain.protocol.content import content_hash
from mlchain.protocol.rounds import Job


@dataclass(frozen=True, slots=True)
class Assignment:
    """A seat to answer for: `solve` computes the honest result, `cartel` are the addresses that act together."""

    worker: str
    job: Job
    seat: int
    view: View
    solve: Callable[[], bytes]
    cartel: frozenset[str] = field(default_factory=frozenset)

    def call(self, method: str, *arguments: object) -> Call:
        """Return a transaction to the job."""
        return Call("Job", method, arguments, address=self.job.address)

    def seal(self, result_hash: bytes) -> bytes:
        """Return this seat's commitment to the result of that content hash."""
        return commitment(self.job.address, self.seat, result_hash)


def _solve(assignment: Assignment) -> bytes:
    return assignment.solve()


def _honest_seal(assignment: Assignment, result: bytes | None) -> bytes | None:
    return None if result is None else assignment.seal(content_hash(result))


def _at_once(_: Assignment) -> bool:
    return True


def _nothing(_: Assignment) -> list[Call]:
    return []


def _no_reaction(_: Assignment, __: Call) -> list[Call]:
    return []


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A way to work; whatever is not said is done as the honest do it.

    `attempt` says it in words. `answer` returns the result that the worker stands for, None for none; `seal` what it
    commits to, None for nothing; `is_ready` whether it commits now rather than at the last moment; `tries` what it
    sends besides, each of it once a job; `front_runs` what it sends ahead of somebody else's transaction.
    """

    name: str
    is_honest: bool
    attempt: str
    answer: Callable[[Assignment], bytes | None] = _solve
    seal: Callable[[Assignment, bytes | None], bytes | None] = _honest_seal
    is_ready: Callable[[Assignment], bool] = _at_once
    proposes: bool = True
    publishes: bool = True
    tries: Callable[[Assignment], list[Call]] = _nothing
    front_runs: Callable[[Assignment, Call], list[Call]] = _no_reaction

    @property
    def watches_others(self) -> bool:
        """Whether it reacts to transactions that are on their way."""
        return self.front_runs is not _no_reaction


HONEST = Behaviour("honest", True, "computes, commits, and shows its result at its turn")
