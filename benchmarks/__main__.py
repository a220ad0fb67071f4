"""Measures some topics, or all, and writes docs/results.md from the newest section of each.

python -m benchmarks [TOPIC ...]
"""

import sys
import time
import traceback
from dataclasses import replace
from datetime import date
from importlib import import_module

from benchmarks.machine import facts
from benchmarks.report import DOCUMENT, FIGURES, Section
from mlchain.errors import UserError

# Each is a module here with a function `measure() -> Section`.
TOPICS = ("learning", "robustness", "encodings", "speed", "gas", "scale")

HEAD = """# Results

Written by `make results`: every figure was measured by `benchmarks/`, beside its reference in the same run.
"""


def main(names: list[str]) -> int:
    """Measure the topics of these names, all if there are none; return the status to exit with.

    A topic that fails is told of on stderr and leaves the sections of the others, and its own older one, as they are.
    """
    unknown = [name for name in names if name not in TOPICS]
    if unknown:
        print(f"there is no benchmark {unknown[0]!r}: choose from {', '.join(TOPICS)}", file=sys.stderr)
        return 2
    FIGURES.mkdir(parents=True, exist_ok=True)
    failed = [topic for topic in names or TOPICS if not _measure(topic)]
    DOCUMENT.write_text(document())
    return 1 if failed else 0


def _measure(topic: str) -> bool:
    """Measure a topic and keep its section; return whether that went well."""
    print(f"{topic} ...", file=sys.stderr, flush=True)
    started = time.monotonic()
    try:
        section = import_module(f"benchmarks.{topic}").measure()
    except UserError as error:
        print(f"{topic} failed: {error}", file=sys.stderr)
        return False
    except Exception as error:  # a bug in one topic is no reason to lose the others
        traceback.print_exc()
        print(f"{topic} failed: {type(error).__name__}: {error}", file=sys.stderr)
        return False
    seconds = round(time.monotonic() - started, 1)
    replace(section, seconds=seconds, day=date.today().isoformat(), machine=facts()).save(topic)
    print(f"{topic} done in {seconds:.0f} s", file=sys.stderr, flush=True)
    return True


def document() -> str:
    """Return the whole document: what was measured when and on what, then the sections in the order of TOPICS."""
    sections = {topic: Section.load(topic) for topic in TOPICS}
    measured = {topic: it for topic, it in sections.items() if it}
    parts = [f"## {it.title}\n\n{it.text.strip()}\n" for it in measured.values()]
    missing = [topic for topic in TOPICS if topic not in measured]
    lines = [*_machines(measured), *([f"Not measured: {', '.join(missing)}."] if missing else [])]
    return "\n".join([HEAD, "\n\n".join(lines) + "\n", *parts])


def _machines(measured: dict[str, Section]) -> list[str]:
    """Return a paragraph for every machine and day: usually there is one."""
    found: dict[tuple[str, str], list[str]] = {}
    for topic, it in measured.items():
        found.setdefault((it.day, it.machine), []).append(f"{topic} {it.seconds:.0f} s")
    return [f"Measured on {day}: {', '.join(topics)}; {machine}." for (day, machine), topics in found.items()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
