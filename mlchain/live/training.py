"""Trains the jobs of strangers: nothing that is too much for this machine, and each in a process of its own."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event

from mlchain.data.store import MOST_BYTES, path_of
from mlchain.live.training_child import encode
from mlchain.live.usage import Usage
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import Round
from mlchain.tasks.catalogue import RecipeError, cost_of_recipe
from mlchain.tasks.task import CannotTrain, Trainer
from mlchain.training.recipe import Recipe
from mlchain.units import size_text

ROOT = Path(__file__).parents[2]  # the folder that the package is in
PACE = 0.5  # seconds between looks whether the program is told to stop
TRYING_OUT = 120  # seconds to import the libraries and to read, or download, the data set
FETCHING = 600  # seconds for a data set that was announced
FETCHING_AGAIN = 300.0  # seconds until an address that has failed is tried again


def memory_of_trace(recipe: bytes) -> int:
    """Return the bytes that it takes at most to dispute about a job of a recipe that a contract can decide about."""
    from mlchain.referee.trace import memory_of  # as below

    return memory_of(Recipe.from_bytes(recipe))


def unrefereeable(recipe: bytes) -> str | None:
    """Return why a contract cannot decide about the training of a recipe, None if it can."""
    from mlchain.referee.layout import NotRefereeable, require_refereeable  # needed with a contract as referee only

    try:
        require_refereeable(Recipe.from_bytes(recipe))
    except NotRefereeable as error:
        return str(error)
    return None


class Interrupted(BaseException):
    """What was under way has been given up, because the program was told to stop; nobody takes it for an error."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a job may take: bytes of memory, and seconds, None for half of the commit window of its round.

    `data` is the most bytes of a data set that is fetched.
    """

    memory: int
    seconds: int | None = None
    data: int = MOST_BYTES

    def seconds_in(self, commit_window: int) -> int:
        """Return the seconds that a job of a round with this window may take."""
        return commit_window // 2 if self.seconds is None else self.seconds


class Trainers:
    """Opens rounds, those that are too much for `limits` excepted; `stop` ends whatever is under way.

    `used` counts the seconds of training. Where a contract is the referee, what it could not decide about is too much.
    """

    def __init__(self, limits: Limits, stop: Event, used: Usage | None = None, has_game: bool = False) -> None:
        self._limits = limits
        self.stop = stop
        self._has_game = has_game
        self.used = used or Usage()
        self._tried_out: dict[bytes, CannotTrain | None] = {}  # by recipe
        self._unfetched: tuple[tuple[bytes, str], CannotTrain | None, float] | None = None  # and when to try again

    def open(self, current: Round) -> Trainer:
        """Return who trains the jobs of a round, in a process of their own.

        Raises CannotTrain, before anything is allocated for it, if the recipe is malformed or takes too much; then also
        if its data set is not here.
        """
        what, seconds = f"round {current.number}", self._limits.seconds_in(current.terms.commit_window)
        self._require_trainable(what, current.task, seconds)
        return _RoundTrainer(self, what, current.task, seconds)

    def prepare(self, ledger: Ledger, min_window: int) -> None:
        """Bring the data and, before the first round, make sure that what is announced can be trained here.

        Its commit window may be as short as the deployment allows, `min_window` seconds. Raises CannotTrain, with the
        reason: whoever joins all the same is drawn, and pays for its absence.
        """
        self.bring_data(ledger)
        if not ledger.rounds:
            recipe = ledger.announced_recipe
            if recipe is None:
                raise CannotTrain("the server has not announced yet what the rounds will train")
            self._require_trainable("the first round", recipe, self._limits.seconds_in(min_window))

    def _require_trainable(self, what: str, recipe: bytes, seconds: int) -> None:
        try:
            cost = cost_of_recipe(recipe)
        except RecipeError as error:
            raise CannotTrain(f"{what} has a recipe that this version cannot read: {error}") from error
        if self._has_game and (obstacle := unrefereeable(recipe)):
            raise CannotTrain(f"{what} cannot be decided about by a contract: {obstacle}")
        memory = memory_of_trace(recipe) if self._has_game else cost.memory
        if memory > self._limits.memory:
            needs, most = size_text(memory), size_text(self._limits.memory)
            raise CannotTrain(f"{what} may need {needs} of memory, and {most} are allowed (--max-memory)")
        if cost.seconds > seconds:
            takes, longest = timedelta(seconds=cost.seconds), timedelta(seconds=seconds)
            raise CannotTrain(f"{what} may take {takes} a job, and {longest} are allowed (--max-seconds-per-job)")
        self._try_out(what, recipe)

    def bring_data(self, ledger: Ledger) -> None:
        """Fetch the data set announced last unless it is here; raises CannotTrain, with the reason, if that fails.

        What has failed is not tried again for a while.
        """
        for fingerprint, url in list(ledger.data_addresses.items())[-1:]:
            if path_of(fingerprint).exists():
                return
            announced, now = (fingerprint, url), time.monotonic()
            if self._unfetched is None or self._unfetched[0] != announced or now >= self._unfetched[2]:
                failure = self._fetching_failure(fingerprint, url)
                self._unfetched = announced, failure, time.monotonic() + FETCHING_AGAIN
            if self._unfetched[1]:
                raise self._unfetched[1]

    def _fetching_failure(self, fingerprint: bytes, url: str) -> CannotTrain | None:
        failure = f"the data set {fingerprint.hex()} is not here, and cannot be fetched"
        numbers = (number.to_bytes(8, "big") for number in (self._limits.data, FETCHING))
        try:
            self.ask(failure, FETCHING, b"fetch", fingerprint, url.encode(), *numbers)
        except CannotTrain as error:
            return error
        self._tried_out.clear()
        return None

    def _try_out(self, what: str, recipe: bytes) -> None:
        if recipe not in self._tried_out:
            self._tried_out = {recipe: self._failure(what, recipe)}
        failure = self._tried_out[recipe]
        if failure:
            raise failure

    def _failure(self, what: str, recipe: bytes) -> CannotTrain | None:
        try:
            self.ask(f"{what} cannot be trained here", TRYING_OUT, b"open", recipe)
        except CannotTrain as failure:
            return failure
        return None

    def start(self, module: str, *limits: int) -> "subprocess.Popen[bytes]":
        """Start a process of this package with limits, the memory that is allowed first; its streams are pipes."""
        command = [sys.executable, "-m", module, *map(str, (self._limits.memory, *limits))]
        pipe = subprocess.PIPE
        # In a session of its own, so that Ctrl-C reaches only this process.
        return subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, env=_environment(), start_new_session=True
        )

    def ask(self, failure: str, seconds: int, *request: bytes) -> bytes:
        """Return what a new process answers to a request.

        Raises CannotTrain, the failure and its reason, if it does not within so many seconds; Interrupted if it is
        told to stop.
        """
        processor_time = seconds * (os.cpu_count() or 1)  # so that it ends even if this process is killed
        deadline = time.monotonic() + seconds
        with self.start("mlchain.live.training_child", processor_time) as child:
            try:
                result, errors = self._communicate(child, encode(*request), deadline)
            finally:
                child.kill()
        if child.returncode == 0:
            return result
        raise CannotTrain(f"{failure}: {last_words(errors, child.returncode)}")

    def _communicate(self, child: subprocess.Popen[bytes], request: bytes, deadline: float) -> tuple[bytes, bytes]:
        unsent: bytes | None = request
        while not self.stop.is_set():
            try:
                return child.communicate(unsent, timeout=PACE)
            except subprocess.TimeoutExpired:
                unsent = None
            if time.monotonic() >= deadline:
                child.kill()
                return b"", b"it takes longer than it may"
        raise Interrupted


@dataclass(frozen=True, slots=True)
class _RoundTrainer:
    """Trains the jobs of one round."""

    trainers: Trainers
    what: str
    recipe: bytes
    seconds: int

    def train(self, model: bytes, seed: bytes, job_index: int, parent: bytes | None = None, version: int = 1) -> bytes:
        """Return the one right result of a job; raises CannotTrain, with the reason, if there is none."""
        numbers = (number.to_bytes(8, "big") for number in (job_index, version))
        before = () if parent is None else (parent,)
        failure = f"{self.what} cannot be trained here"
        started = time.monotonic()
        try:
            return self.trainers.ask(failure, self.seconds, b"train", self.recipe, model, seed, *numbers, *before)
        finally:
            self.trainers.used.training_seconds += time.monotonic() - started


def last_words(errors: bytes, status: int) -> str:
    """Return why a process has ended, by what it wrote to stderr."""
    said = errors.decode(errors="replace").strip().splitlines()
    return said[-1] if said else f"status {status}"


def _environment() -> dict[str, str]:
    """Return the variables of this process without Ape's, among which are passphrases."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("APE_")}
    paths = [str(ROOT), *filter(None, [others.get("PYTHONPATH")])]
    return others | {"PYTHONPATH": os.pathsep.join(paths)}


def half_of_the_memory() -> int:
    """Return half of what this machine has, in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
