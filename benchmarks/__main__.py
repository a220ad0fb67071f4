"""Measures some topics, or all, and writes docs/results.md, docs/results.json and what other documents quote of them.

python -m benchmarks [TOPIC ...]

The topic `sessions` runs the commands that the documents show and writes what they print.
"""

import sys
import time
import traceback
from datetime import date
from importlib import import_module

from benchmarks.documents import (
    DATA,
    DOCUMENTS,
    RESULTS,
    Record,
    assembled,
    quoting,
    read_records,
    sections_of,
    write_records,
)
from benchmarks.machine import facts
from benchmarks.report import FIGURES
from benchmarks.sessions import rerun
from mlchain.errors import UserError

# Each is a module here with a function `measure() -> Section`.
TOPICS = (
    *(
        "learning",
        "orders",
        "tables",
        "robustness",
        "encodings",
        "speed",
        "gas",
        "scale",
        "history",
        "start",
        "traffic",
    ),
    "centralized",
    "referee",
    "disputes",
    "page",
)
SESSIONS = "sessions"


def main(names: list[str]) -> int:
    """Measure the topics of these names, all if there are none; return the status to exit with.

    A topic that fails is told of on stderr and leaves the sections of the others, and its own older one, as they are.
    """
    known = (*TOPICS, SESSIONS)
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"there is no benchmark {unknown[0]!r}: choose from {', '.join(known)}", file=sys.stderr)
        return 2
    FIGURES.mkdir(parents=True, exist_ok=True)
    failed = [name for name in names or known if not _succeeds(name)]
    _quote()
    return 1 if failed else 0


def _succeeds(name: str) -> bool:
    """Measure a topic, or run the sessions, and say how long it took; return whether it went well."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    started = time.monotonic()
    try:
        _rerun_sessions() if name == SESSIONS else _measure(name)
    except UserError as error:
        print(f"{name} failed: {error}", file=sys.stderr)
        return False
    except Exception as error:  # a bug in one topic is no reason to lose the others
        traceback.print_exc()
        print(f"{name} failed: {type(error).__name__}: {error}", file=sys.stderr)
        return False
    print(f"{name} done in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return True


def _measure(topic: str) -> None:
    """Measure a topic; replace its section and its record."""
    started = time.monotonic()
    section = import_module(f"benchmarks.{topic}").measure()
    seconds = round(time.monotonic() - started, 1)
    records = read_records(DATA)
    sections = sections_of(RESULTS.read_text()) if records else {}
    records[topic] = Record(section.title, date.today().isoformat(), facts(), seconds, dict(section.figures))
    sections[section.title] = section.text.strip()
    write_records({name: records[name] for name in TOPICS if name in records}, DATA)
    RESULTS.write_text(assembled(records, sections, TOPICS))


def _rerun_sessions() -> None:
    for path in DOCUMENTS:
        path.write_text(rerun(path.read_text()))


def _quote() -> None:
    records = read_records(DATA)
    for path in DOCUMENTS:
        path.write_text(quoting(path.read_text(), records))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
