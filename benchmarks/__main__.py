"""Measures some topics, or all, and writes docs/results.md from the newest section of each.

python -m benchmarks [TOPIC ...]
"""

import platform
import sys
import time
from dataclasses import replace
from datetime import date
from importlib import import_module

from benchmarks.report import DOCUMENT, FIGURES, Section

# Each is a module here with a function `measure() -> Section`.
TOPICS = ("learning", "scale")

HEAD = """# Results

Written by `make results`: every figure was measured by `benchmarks/`, beside its reference in the same run.
"""


def main(names: list[str]) -> int:
    """Measure the topics of these names, all if there are none; return the status to exit with."""
    unknown = [name for name in names if name not in TOPICS]
    if unknown:
        print(f"there is no benchmark {unknown[0]!r}: choose from {', '.join(TOPICS)}", file=sys.stderr)
        return 2
    FIGURES.mkdir(parents=True, exist_ok=True)
    for topic in names or TOPICS:
        print(f"{topic} ...", file=sys.stderr, flush=True)
        started = time.monotonic()
        section = import_module(f"benchmarks.{topic}").measure()
        replace(section, seconds=round(time.monotonic() - started, 1)).save(topic)
    DOCUMENT.write_text(_document())
    return 0


def _document() -> str:
    sections = {topic: Section.load(topic) for topic in TOPICS}
    parts = [f"## {it.title}\n\n{it.text.strip()}\n" for it in sections.values() if it]
    measured = ", ".join(f"{topic} {it.seconds:.0f} s" for topic, it in sections.items() if it)
    when = f"Measured on {date.today()}, Python {platform.python_version()}, {platform.machine()}: {measured}.\n"
    return "\n".join([HEAD, when, *parts])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
