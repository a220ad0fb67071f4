"""The process that traces are worked out in: a question a line on stdin, its answer on stdout, limits as in training.

`python -m mlchain.live.proving_child BYTES` sets its own limit of memory before it reads anything; each question brings
its seconds. Questions and answers are Python literals. Whatever goes wrong is one line on stderr, and the end.
"""

import resource
import sys
from ast import literal_eval
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlchain.live.training_child import run_limited

if TYPE_CHECKING:
    from mlchain.referee.prover import Prover

OPEN = "open"  # a job: its recipe, and what else makes a `Prover`
TELLING = ("root", "depth")  # all others are methods of it


class Provers:
    """The jobs of a round whose traces this process works out, by index."""

    def __init__(self) -> None:
        self._provers: dict[int, Prover] = {}

    def answer(self, what: str, job: int, *given: Any) -> object:
        """Return what the prover of a job says; where memory is short, the traces of the others are dropped first."""
        if what == OPEN:
            self._open(job, *given)
            return None
        try:
            return self._ask(what, job, given)
        except MemoryError:
            self._provers = {index: replace(prover) for index, prover in self._provers.items()}
        return self._ask(what, job, given)

    def _open(self, job: int, recipe: bytes, *inputs: Any) -> None:
        from mlchain.referee.prover import Prover  # after the limits are set: numpy takes memory when it is imported
        from mlchain.tasks.catalogue import open_task
        from mlchain.tasks.task import DatasetTask
        from mlchain.training.certified import require_exact_blas

        require_exact_blas()
        task = open_task(recipe)
        assert isinstance(task, DatasetTask), "a contract referees training only"
        self._provers[job] = Prover(task, *inputs)

    def _ask(self, what: str, job: int, given: tuple[Any, ...]) -> object:
        found = getattr(self._provers[job], what)
        return found if what in TELLING else found(*given)


def _serve() -> None:
    provers = Provers()
    for line in sys.stdin.buffer:
        seconds, what, *given = literal_eval(line.decode())
        _limit_time(seconds)
        sys.stdout.buffer.write(repr(provers.answer(what, *given)).encode() + b"\n")
        sys.stdout.buffer.flush()


def _limit_time(seconds: int) -> None:
    """Allow so many more seconds of all cores, so that it ends even if the process that has asked is killed."""
    used, (_, hard) = resource.getrusage(resource.RUSAGE_SELF), resource.getrlimit(resource.RLIMIT_CPU)
    end = int(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (end if hard == resource.RLIM_INFINITY else min(end, hard), hard))


if __name__ == "__main__":
    sys.exit(run_limited(_serve, {resource.RLIMIT_DATA: int(sys.argv[1])}))
