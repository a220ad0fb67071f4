"""How good the versions of a model are, worked out beside the page: it may take longer than anybody waits."""

from collections.abc import Callable
from threading import Lock, Thread

from mlchain.data.dataset import Dataset
from mlchain.errors import UserError
from mlchain.page.models import Made, Quality
from mlchain.tasks.catalogue import LearningTask
from mlchain.tasks.task import DatasetTask

Opener = Callable[[bytes], LearningTask]


class Evaluation:
    """Accuracies by content hash and recipe, one version at a time; `tell` is called when one more is known."""

    def __init__(self, open_task: Opener, tell: Callable[[], None]) -> None:
        self._open_task = open_task
        self._tell = tell
        self._known: dict[tuple[bytes, bytes], Quality] = {}
        self._tasks: dict[bytes, LearningTask | str] = {}  # by recipe; or why there is none
        self._lock = Lock()
        self._is_busy = False

    @property
    def is_busy(self) -> bool:
        """Whether a version is being evaluated."""
        return self._is_busy

    def quality_of(self, recipe: bytes, content_hash: bytes) -> Quality | None:
        """Return how good a version is, None as long as that is not known."""
        with self._lock:
            return self._known.get((recipe, content_hash))

    def dataset_of(self, recipe: bytes) -> Dataset | None:
        """Return the data set of a recipe whose models were evaluated, None if it is not here."""
        with self._lock:
            task = self._tasks.get(recipe)
        return task.dataset if isinstance(task, DatasetTask) else None

    def begin(self, version: Made) -> None:
        """Evaluate a version in a thread of its own; one at a time."""
        if not self._is_busy:
            self._is_busy = True
            Thread(target=self._evaluate, args=(version,), name="evaluation", daemon=True).start()

    def _evaluate(self, version: Made) -> None:
        try:
            quality = self._quality(version)
        finally:
            self._is_busy = False
        with self._lock:
            self._known[version.recipe, version.content_hash] = quality
        self._tell()

    def _quality(self, version: Made) -> Quality:
        task = self._task(version.recipe)
        if isinstance(task, str):
            return None, task
        try:
            accuracy = task.accuracy(version.model)
        except (UserError, ValueError, MemoryError) as error:  # a model of the wrong size, say
            return None, str(error)
        return accuracy, None if accuracy is not None else "the task has no test set"

    def _task(self, recipe: bytes) -> LearningTask | str:
        with self._lock:
            known = self._tasks.get(recipe)
        if known is not None:
            return known
        try:
            found: LearningTask | str = self._open_task(recipe)
        except (UserError, ValueError, MemoryError) as error:  # no data set, or a recipe that cannot be read
            found = str(error)
        with self._lock:
            self._tasks[recipe] = found
        return found
