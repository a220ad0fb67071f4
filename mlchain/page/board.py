"""What is shown now, and what has changed since: values by key, each with the number of the change that brought it."""

import json
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from threading import Lock

from mlchain.page.amounts import Json

MOST_GONE = 2_000  # keys that are remembered to be gone; who was away for longer is sent everything


class Board:
    """Shared by the thread that looks at the chain and those that serve; `epoch` tells it from one of another run."""

    def __init__(self) -> None:
        self.epoch = secrets.token_hex(4)
        self.number = 0
        self._values: Mapping[str, Json] = {}
        self._texts: dict[str, str] = {}  # JSON, by key
        self._changed: dict[str, int] = {}
        self._gone: deque[tuple[int, str]] = deque()
        self._oldest = 0  # the change from which on all that is gone is remembered
        self._lock = Lock()
        self._told: tuple[int, int, str] | None = None  # since, up to, and the text: most ask for the same
        self.on_change: Callable[[], None] = lambda: None

    def show(self, values: Mapping[str, Json]) -> None:
        """Show these values, and no others; call `on_change` if any is another. None may be changed afterwards."""
        others = {key: value for key, value in values.items() if self._values.get(key, self) is not value}
        texts = {key: json.dumps(value, separators=(",", ":")) for key, value in others.items()}
        self._values = values
        with self._lock:
            gone = [key for key in self._texts if key not in values]
            changed = [key for key, text in texts.items() if self._texts.get(key) != text]
            if not gone and not changed:
                return
            self.number += 1
            for key in gone:
                del self._texts[key], self._changed[key]
                self._gone.append((self.number, key))
            for key in changed:
                self._texts[key], self._changed[key] = texts[key], self.number
            while len(self._gone) > MOST_GONE:
                self._oldest = self._gone.popleft()[0]
        self.on_change()

    def since(self, number: int) -> tuple[int, str]:
        """Return the number of the last change, and as JSON what has changed since an earlier one; 0 is everything.

        `all` says that nothing else is shown, `set` has values by key, `gone` the keys that are shown no more.
        """
        with self._lock:
            is_all = number == 0 or not self._oldest <= number <= self.number
            first = 0 if is_all else number
            if self._told is None or self._told[:2] != (first, self.number):
                self._told = (first, self.number, self._changes(first, is_all))
            return self.number, self._told[2]

    def _changes(self, number: int, is_all: bool) -> str:
        changed = [key for key, at in self._changed.items() if at > number]
        values = ",".join(f"{json.dumps(key)}:{self._texts[key]}" for key in changed)
        gone = [] if is_all else sorted({key for at, key in self._gone if at > number} - self._texts.keys())
        return f'{{"all":{json.dumps(is_all)},"set":{{{values}}},"gone":{json.dumps(gone)}}}'
