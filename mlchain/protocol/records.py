"""What is numbered from one and never changes its number, of which the oldest may be unknown."""

from collections.abc import Iterator
from typing import Generic, TypeVar, overload

T = TypeVar("T")


class Records(Generic[T]):
    """A list of which some items, the first `unknown` at least, are not known: it counts them, and passes over them."""

    def __init__(self, unknown: int = 0) -> None:
        self._items: dict[int, T] = {}  # by place, from zero
        self._count = unknown

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._items.values()))

    def __reversed__(self) -> Iterator[T]:
        return reversed(list(self._items.values()))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Records):
            return self._count == other._count and self._items == other._items
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it changes

    @overload
    def __getitem__(self, place: int) -> T: ...

    @overload
    def __getitem__(self, place: slice) -> list[T]: ...

    def __getitem__(self, place: int | slice) -> T | list[T]:
        if isinstance(place, slice):
            return [self._items[at] for at in range(*place.indices(self._count)) if at in self._items]
        item = self._items.get(place + self._count if place < 0 else place)
        if item is None:
            raise IndexError(f"there is no record at place {place} of {self._count}, or it is unknown")
        return item

    @property
    def last(self) -> T | None:
        """The item at the end, None where there is none or it is unknown."""
        return self._items.get(self._count - 1)

    def is_unknown(self, place: int) -> bool:
        """Return whether there is an item at a place that was never seen, or is forgotten."""
        return 0 <= place < self._count and place not in self._items

    def append(self, item: T) -> None:
        """Add an item at the end."""
        self._items[self._count] = item
        self._count += 1

    def forget(self, place: int) -> None:
        """Make an item unknown."""
        self._items.pop(place, None)

    def learn(self, place: int, item: T) -> None:
        """Take in an item that was unknown; places are learned in order, before anything is appended."""
        self._items[place] = item
