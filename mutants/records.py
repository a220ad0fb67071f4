"""What became of each mutant, in a file that an interrupted run goes on from, and the list of harmless changes."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from mutants.generate import Mutant
from setup.standard_json import ROOT

RECORDS = ROOT / ".build/mutants.jsonl"
EQUIVALENT = ROOT / "mutants/equivalent.yaml"

KILLED, HUNG, SURVIVED = "killed", "hung", "survived"  # hung: a test took far too long, which one would notice too
ILLEGAL, SAME, TWIN = "illegal", "same", "twin"  # does not compile; compiles to the code of the original or of another


@dataclass(frozen=True, slots=True)
class Record:
    """The fate of one mutant; `test` is the first that failed, `code` and `tests` are what it was tried with."""

    key: str
    fate: str
    test: str | None
    seconds: float
    code: str  # of the mutant
    original: str  # of the contracts as they are
    tests: str


def digest(*texts: str) -> str:
    """Return a short fingerprint."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def digest_of_tests() -> str:
    """Return a fingerprint of all that is run against the contracts."""
    paths = [path for folder in ("tests", "mlchain/protocol", "contracts/mocks") for path in (ROOT / folder).rglob("*")]
    return digest(*[path.read_text() for path in sorted(paths) if path.suffix in (".py", ".json", ".sol")])


def load_records(original: str, tests: str | None) -> dict[str, Record]:
    """Return the records that still hold.

    None does once a contract's code has changed. Changed tests are tried on the survivors again, unless `tests` is
    None; what was killed stays so, since tests seldom become weaker: `--fresh` makes sure.
    """
    lines = RECORDS.read_text().splitlines() if RECORDS.exists() else []
    records = [Record(**json.loads(line)) for line in lines]
    return {
        record.key: record
        for record in records
        if record.original == original and (record.fate != SURVIVED or tests in (None, record.tests))
    }


def add_record(record: Record) -> None:
    """Append to the file at once."""
    RECORDS.parent.mkdir(exist_ok=True)
    with RECORDS.open("a") as file:
        file.write(json.dumps(asdict(record), ensure_ascii=False) + "\n")


@dataclass(slots=True)
class Harmless:
    """The mutants that no test can kill, each with the reason, as `equivalent.yaml` lists them."""

    entries: list[dict]

    @classmethod
    def load(cls, path: Path = EQUIVALENT) -> "Harmless":
        """Read the list."""
        return cls(yaml.safe_load(path.read_text()) or [])

    def __contains__(self, mutant: Mutant) -> bool:
        return any(_matches(entry, mutant) for entry in self.entries)

    def stale(self, mutants: Iterable[Mutant]) -> list[dict]:
        """Return the entries, one per change, that match no mutant."""
        mutants = list(mutants)
        changes = [entry | {"now": now} for entry in self.entries for now in _list(entry["now"])]
        return [change for change in changes if not any(_matches(change, mutant) for mutant in mutants)]


def _matches(entry: dict, mutant: Mutant) -> bool:
    place = (entry["file"], entry["function"], entry["was"], entry.get("occurrence", mutant.occurrence))
    found = (mutant.file, mutant.function, mutant.was, mutant.occurrence)
    return place == found and mutant.now in _list(entry["now"])


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
