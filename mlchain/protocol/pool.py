"""The pool of workers and its past, twin of the array in `contracts/WorkerRegistry.sol`."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Generic, TypeVar

MAX_SNAPSHOT_AGE = (
    128  # blocks that a stake stays locked after leaving, and that a round's pool may be old: WorkerRegistry's
)


T = TypeVar("T")


class Checkpoints(Generic[T]):
    """Values by the block from whose end on they hold."""

    def __init__(self, before: T) -> None:
        self._blocks: list[int] = []
        self._values: list[T] = [before]

    def push(self, block: int, value: T) -> None:
        """Let `value` hold from the end of `block` on; blocks come in order."""
        if self._blocks and self._blocks[-1] == block:
            self._values[-1] = value
        else:
            self._blocks.append(block)
            self._values.append(value)

    def at(self, block: int) -> T:
        """Return the value at the end of `block`."""
        return self._values[bisect_right(self._blocks, block)]


class Pool:
    """Workers at positions without gaps; the last takes the place of one that leaves."""

    def __init__(self, members: Iterable[str] = ()) -> None:
        """Begin with these members, who are taken to have been there before all blocks."""
        self.members = list(members)
        self._size = Checkpoints(len(self.members))
        self._worker: list[Checkpoints[str | None]] = [Checkpoints(member) for member in self.members]
        self._present = set(self.members)  # found at once

    def __contains__(self, worker: str) -> bool:
        return worker in self._present

    def join(self, block: int, worker: str) -> None:
        """Append `worker`."""
        self.members.append(worker)
        self._present.add(worker)
        self._seat(block, len(self.members) - 1, worker)
        self._size.push(block, len(self.members))

    def leave(self, block: int, position: int) -> None:
        """Remove the worker at `position`."""
        self._present.discard(self.members[position])
        last = self.members.pop()
        if position < len(self.members):
            self.members[position] = last
            self._seat(block, position, last)
        self._seat(block, len(self.members), None)
        self._size.push(block, len(self.members))

    def size_at(self, block: int) -> int:
        """Return the number of members at the end of `block`."""
        return self._size.at(block)

    def worker_at(self, position: int, block: int) -> str | None:
        """Return the worker at `position` at the end of `block`."""
        return self._worker[position].at(block) if position < len(self._worker) else None

    def _seat(self, block: int, position: int, worker: str | None) -> None:
        if position == len(self._worker):
            self._worker.append(Checkpoints(None))
        self._worker[position].push(block, worker)
