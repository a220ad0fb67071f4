"""The learning server's database: one SQLite file that keeps a state change whole or not at all.

The file is in WAL mode, so what is committed survives `kill -9` of the process at any instant.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

from mlchain.centralized.learning.federation import Contribution, Federation, Member, ShareAssignment
from mlchain.centralized.service.settings import Settings
from mlchain.errors import UserError

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS models (version INTEGER PRIMARY KEY, data BLOB, accuracy REAL, made REAL, updates INTEGER);
CREATE TABLE IF NOT EXISTS members (
    address TEXT PRIMARY KEY, number INTEGER, is_registered INTEGER,
    version INTEGER, share INTEGER, deadline REAL, counted_in INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS updates (address TEXT PRIMARY KEY, version INTEGER, share INTEGER, weight REAL, data BLOB);
CREATE TABLE IF NOT EXISTS nonces (worker TEXT, nonce TEXT, expires INTEGER, PRIMARY KEY (worker, nonce)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS nonces_by_expiry ON nonces (expires);
CREATE TABLE IF NOT EXISTS traffic (what TEXT PRIMARY KEY, bytes INTEGER) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version: its bytes, its accuracy in [0, 1], when it was made in Unix seconds, and of how many updates."""

    version: int
    data: bytes
    accuracy: float
    made: float
    updates: int


class Store:
    """The file at `path`, opened for the one server that it belongs to; created if it does not exist."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Transactions are begun by hand. One thread at a time: the service's, or that which set it up before.
            self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = NORMAL")
            self._file.executescript(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise UserError(f"{path} cannot be used as the server's database: {error}") from error
        self._path = path

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep everything written inside, or nothing if it fails."""
        self._file.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")

    # The state of the learning

    def claim(self, settings: Settings) -> None:
        """Remember what the server is set to do; raises UserError if the file belongs to one set to do otherwise."""
        with self.transaction():
            self._file.execute("INSERT OR IGNORE INTO settings VALUES ('settings', ?)", (settings.to_json(),))
        (kept,) = self._file.execute("SELECT value FROM settings WHERE name = 'settings'").fetchone()
        if Settings.from_json(kept) != settings:
            raise UserError(f"{self._path} belongs to a server with other settings: choose another folder")

    def load(self, settings: Settings, now: float) -> Federation:
        """Return the state as it was saved last; in a new file, that before the first version."""
        members = [
            Member(
                address,
                number,
                bool(is_registered),
                ShareAssignment(*owed) if owed[0] is not None else None,
                counted_in,
            )
            for address, number, is_registered, *owed, counted_in in self._file.execute("SELECT * FROM members")
        ]
        rows = self._file.execute("SELECT address, version, share, weight FROM updates ORDER BY rowid")
        contributions = [Contribution(*row) for row in rows]
        return Federation(settings.plan, self.newest_version() or 0, members, contributions, now)

    def save_members(self, federation: Federation) -> None:
        """Save the members that have changed since they were loaded or saved last."""
        for address in federation.changed:
            member = federation.members[address]
            owed = astuple(member.owes) if member.owes else (None, None, None)
            row = (address, member.number, member.is_registered, *owed, member.counted_in)
            self._file.execute("INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        federation.changed.clear()

    def add_update(self, contribution: Contribution, data: bytes) -> None:
        """Keep an update until a version is made of it."""
        self._file.execute("INSERT INTO updates VALUES (?, ?, ?, ?, ?)", (*astuple(contribution), data))

    def updates(self) -> dict[str, bytes]:
        """Return the updates that count for the next version, by worker."""
        return dict(self._file.execute("SELECT address, data FROM updates"))

    def add_model(self, model: ModelVersion) -> None:
        """Keep a new version, and drop the updates that it was made of."""
        self._file.execute("INSERT INTO models VALUES (?, ?, ?, ?, ?)", astuple(model))
        self._file.execute("DELETE FROM updates")

    def newest_version(self) -> int | None:
        """Return the number of the newest version, None in a new file."""
        (version,) = self._file.execute("SELECT max(version) FROM models").fetchone()
        return None if version is None else int(version)

    def model(self, version: int) -> ModelVersion:
        """Return a version that has been made."""
        return ModelVersion(*self._file.execute("SELECT * FROM models WHERE version = ?", (version,)).fetchone())

    def models(self) -> list[ModelVersion]:
        """Return all versions, the first one first."""
        return [ModelVersion(*row) for row in self._file.execute("SELECT * FROM models ORDER BY version")]

    # Requests

    def has_nonce(self, worker: str, nonce: str) -> bool:
        """Return whether a worker has used a nonce that is remembered."""
        found = self._file.execute("SELECT 1 FROM nonces WHERE worker = ? AND nonce = ?", (worker, nonce))
        return found.fetchone() is not None

    def use_nonce(self, worker: str, nonce: str, expires: int) -> None:
        """Remember a nonce until it expires."""
        self._file.execute("INSERT INTO nonces VALUES (?, ?, ?)", (worker, nonce, expires))

    def forget_nonces(self, now: float) -> None:
        """Forget the nonces of signatures that have expired."""
        self._file.execute("DELETE FROM nonces WHERE expires <= ?", (now,))

    def count(self, what: str, size: int) -> None:
        """Add to the bytes moved."""
        self._file.execute(
            "INSERT INTO traffic VALUES (?, ?) ON CONFLICT (what) DO UPDATE SET bytes = bytes + excluded.bytes",
            (what, size),
        )

    def traffic(self) -> dict[str, int]:
        """Return the bytes moved: of weights sent, of updates received."""
        return {"weights_sent": 0, "updates_received": 0} | dict(self._file.execute("SELECT * FROM traffic"))
