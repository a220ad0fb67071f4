"""Works traces out in a process of its own, with the limits of training: a stranger says how large they are."""

import os
import select
import subprocess
import time
from ast import literal_eval
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from mlchain.live.proving_child import OPEN
from mlchain.live.training import PACE, Interrupted, Trainers, last_words
from mlchain.protocol.calls import View
from mlchain.protocol.disputes import clock_of
from mlchain.protocol.rounds import Job, Round
from mlchain.tasks.task import CannotTrain

PORTION = 2**16  # bytes that are read or written at once


class Provers:
    """Proves for the jobs of the newest disputed round, all of them in one process, started when it is needed.

    So they share the memory that is allowed. An answer may take as long as either side of a game about the job has.
    """

    def __init__(self, trainers: Trainers) -> None:
        self._trainers = trainers
        self._round = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._open: set[int] = set()  # jobs that the process knows

    def proof_of(self, view: View, current: Round, job: Job, result: bytes) -> "LimitedProof":
        """Return the trace of a job, worked out when it is first asked for."""
        model, seed, index, parent, version = view.ledger.inputs_of(current, job)
        inputs = current.task, model, seed, index, parent, version, result
        return LimitedProof(self, current.number, index, result, inputs, clock_of(job))

    def ask(self, proof: "LimitedProof", *question: Any) -> Any:
        """Return the answer to a question about a job; raises CannotTrain, with the reason, if there is none.

        Raises Interrupted if the program is told to stop.
        """
        if self._round != proof.round:
            self.close()
            self._round = proof.round
        child = self._child = self._child or self._trainers.start("mlchain.live.proving_child")
        try:
            if proof.job not in self._open:
                self._exchange(child, proof.seconds, (OPEN, proof.job, *proof.inputs))
                self._open.add(proof.job)
            what, *given = question
            return self._exchange(child, proof.seconds, (what, proof.job, *given))
        except BaseException:  # what is on its way would be taken for the next answer
            self.close()
            raise

    def close(self) -> None:
        """End the process, if there is one."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
        self._child, self._open = None, set()

    def _exchange(self, child: "subprocess.Popen[bytes]", seconds: int, question: tuple[Any, ...]) -> Any:
        deadline, answer = time.monotonic() + seconds, bytearray()
        unsent = memoryview(f"{(seconds * (os.cpu_count() or 1), *question)!r}\n".encode())
        into, out = cast(Any, child.stdin).fileno(), cast(Any, child.stdout).fileno()
        os.set_blocking(into, False)
        while not answer.endswith(b"\n"):
            if self._trainers.stop.is_set():
                raise Interrupted
            if time.monotonic() >= deadline:
                raise self._failure("it takes longer than it may")
            readable, writable, _ = select.select([out], [into] if unsent else [], [], PACE)
            try:
                if writable:
                    unsent = unsent[os.write(into, unsent[:PORTION]) :]
                said = os.read(out, PORTION) if readable else None
            except BrokenPipeError:
                said = b""
            if said == b"":
                _, errors = child.communicate()
                raise self._failure(last_words(errors, child.returncode))
            answer += said or b""
        return literal_eval(answer.decode())

    @staticmethod
    def _failure(reason: str) -> CannotTrain:
        return CannotTrain(f"its trace cannot be worked out here: {reason}")


@dataclass(frozen=True, eq=False)
class LimitedProof:
    """A trace of a job, with evidence for each of its entries, which `provers` work out elsewhere."""

    provers: Provers
    round: int
    job: int
    result: bytes  # that it ends with
    inputs: tuple[Any, ...]  # recipe, and what else makes a `Prover`
    seconds: int  # that a question may take

    def _ask(self, *question: Any) -> Any:
        return self.provers.ask(self, *question)

    @cached_property
    def root(self) -> bytes:
        """The root of its tree."""
        return bytes(self._ask("root"))

    @cached_property
    def depth(self) -> int:
        """The depth of its tree."""
        return int(self._ask("depth"))

    def described(self) -> bytes:
        """Return what the result follows from, as the judge reads it."""
        return bytes(self._ask("described"))

    def node(self, depth: int, index: int) -> bytes:
        """Return a node of its tree."""
        return bytes(self._ask("node", depth, index))

    def leaf(self, position: int) -> bytes:
        """Return the bytes of a leaf, none where there is none."""
        return bytes(self._ask("leaf", position))

    def place_of(self, at: int) -> tuple[int, int]:
        """Return the position of the leaf that has byte `at` of the result, and the number of its entry there."""
        position, entry = self._ask("place_of", at)
        return position, entry

    def first_difference(self, position: int, leaf: bytes) -> int | None:
        """Return the first entry in which a leaf differs from this trace's, None if none does."""
        return cast(int | None, self._ask("first_difference", position, leaf))

    def evidence(self, position: int, entry: int) -> bytes:
        """Return what shows that an entry of a leaf follows."""
        return bytes(self._ask("evidence", position, entry))
