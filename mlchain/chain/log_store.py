"""The final logs of a deployment in a file, so that the second reading of a long history asks only for what is new.

It can be deleted at any time and used by several processes. What it says is checked: the parts against a checksum, the
last of them against the chain. Whatever is wrong with the file, it is as if it were not there.
"""

import os
import sqlite3
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from mlchain.chain.deployment import Deployment
from mlchain.chain.raw_logs import RawLog

FORMAT = 1  # of the file; one of another format is begun anew
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS parts (first INTEGER PRIMARY KEY, last INTEGER, hash BLOB, logs BLOB, checksum BLOB)"
)
SOUND = "first >= ? AND typeof(last) = 'integer' AND typeof(hash) = 'blob' AND typeof(logs) = 'blob'"
HEAD = struct.Struct(">20sQQQ32sII")  # of a log: address, block, index, time, transaction, bytes of topics and of data
PATIENCE = 5.0  # seconds for other processes that write


@dataclass(frozen=True, slots=True)
class Part:
    """The logs of blocks `first` to `last`, of which the last has this hash."""

    first: int
    last: int
    hash: bytes
    logs: Sequence[RawLog]


class LogStore:
    """The parts of one history, `of`, kept at `path` or, where there can be no such file, in one without a name."""

    def __init__(self, path: Path | None = None, of: str = "") -> None:
        self._path, self._of = path, of.encode()
        self._file = (path and _opened(path)) or sqlite3.connect("", isolation_level=None)  # "" is a temporary file
        self._file.execute(SCHEMA)

    def parts(self, first: int) -> Iterator[Part]:
        """Return what is kept from block `first` on, one part following on the other; what is damaged is dropped."""
        with self._as_far_as_possible():
            query = f"SELECT first, last, hash, logs, checksum FROM parts WHERE {SOUND} ORDER BY first"
            for start, last, hash_, logs, checksum in self._file.execute(query, (first,)):
                if start != first or checksum != self._checksum(start, last, hash_, logs):
                    self.forget(start)
                    return
                yield Part(start, last, hash_, _decoded(logs))
                first = last + 1

    def ends(self, first: int) -> list[tuple[int, int, bytes]]:
        """Return the first and the last block of every part from block `first` on, and its hash; the newest first."""
        with self._as_far_as_possible():
            query = f"SELECT first, last, hash FROM parts WHERE {SOUND} ORDER BY first DESC"
            return self._file.execute(query, (first,)).fetchall()
        return []

    def keep(self, part: Part) -> None:
        """Add a part, unless another process has kept these blocks; where that cannot be, it is not kept."""
        logs = b"".join(map(_encoded, part.logs))
        row = (part.first, part.last, part.hash, logs, self._checksum(part.first, part.last, part.hash, logs))
        with self._as_far_as_possible():
            self._file.execute("INSERT OR IGNORE INTO parts VALUES (?, ?, ?, ?, ?)", row)

    def forget(self, first: int) -> None:
        """Drop the parts from block `first` on."""
        with self._as_far_as_possible():
            self._file.execute("DELETE FROM parts WHERE first >= ?", (first,))

    @contextmanager
    def _as_far_as_possible(self) -> Iterator[None]:
        """Go on where the file is locked or full; where it turns out to be damaged, the next one begins it anew."""
        try:
            yield
        except sqlite3.OperationalError:
            pass
        except sqlite3.DatabaseError:
            if self._path:
                with suppress(OSError):
                    self._path.unlink()

    def _checksum(self, first: int, last: int, hash_: bytes, logs: bytes) -> bytes:
        return sha256(b"%s %d %d %s" % (self._of, first, last, hash_) + logs).digest()


def kept_logs(deployment: Deployment) -> LogStore:
    """Return what is kept of a deployment in the user's cache, in a file named by its chain and its factory."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = f"{deployment.genesis[2:]}-{deployment.addresses['JobFactory'][2:].lower()}-{deployment.block}"
    return LogStore(cache / "mlchain" / "logs" / f"{name}.sqlite", name)


def _opened(path: Path) -> sqlite3.Connection | None:
    """Return the file, begun anew if it is damaged or none of ours; None where it cannot be used."""
    for _ in range(2):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
            file.execute("PRAGMA synchronous = OFF")  # the checksums tell what a power failure has damaged
            (format_,) = file.execute("PRAGMA user_version").fetchone()
            if format_ == 0:
                file.execute(f"PRAGMA user_version = {FORMAT}")
            file.execute(SCHEMA)
            file.execute("SELECT first, last, hash, logs, checksum FROM parts LIMIT 1").fetchone()
            (pages,), (size,) = (file.execute(f"PRAGMA page_{what}").fetchone() for what in ("count", "size"))
            if format_ in (0, FORMAT) and pages * size <= path.stat().st_size:
                return file
        except sqlite3.OperationalError as error:
            if "no such column" not in str(error):
                return None  # locked, full or not allowed
        except sqlite3.DatabaseError:
            pass  # damaged
        except OSError:
            return None
        with suppress(OSError):
            path.unlink()
    return None


def _encoded(log: RawLog) -> bytes:
    sizes = len(log.topics), len(log.data)
    head = HEAD.pack(log.address, log.block, log.index, log.timestamp, log.transaction, *sizes)
    return head + log.topics + log.data


def _decoded(encoded: bytes) -> list[RawLog]:
    logs, at = [], 0
    while at < len(encoded):
        address, block, index, time, transaction, topics, data = HEAD.unpack_from(encoded, at)
        middle = at + HEAD.size + topics
        between = encoded[at + HEAD.size : middle], encoded[middle : middle + data]
        logs.append(RawLog(address, *between, block, index, time, transaction))
        at = middle + data
    return logs
