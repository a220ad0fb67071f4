"""What the measurements are written into: docs/results.md, docs/results.json, and the figures that documents quote.

results.json holds for every topic when, where and how long it was measured, and its figures. results.md holds the
sections themselves. A document quotes a figure as `<!--figures:gas.commit-->64,791<!--/-->`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.report import ROOT

RESULTS = ROOT / "docs" / "results.md"
DATA = RESULTS.with_suffix(".json")
DOCUMENTS = sorted({ROOT / "README.md", *(ROOT / "docs").glob("*.md")} - {RESULTS})

HEAD = """# Results

Written by `make results`. Everything was measured by `benchmarks/`, against its reference in the same run, except the
gas of other systems, which has a table of its own with the source of each figure.
"""
QUOTED = re.compile(r"<!--figures:([\w.-]+)-->(.*?)<!--/-->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Record:
    """When a topic was measured, on what, in how many seconds, under which heading it is told, and its figures."""

    title: str
    day: str
    machine: str
    seconds: float
    figures: Mapping[str, str]


def read_records(path: Path = DATA) -> dict[str, Record]:
    """Return the newest record of every topic that has been measured."""
    return {topic: Record(**fields) for topic, fields in json.loads(path.read_text()).items()} if path.exists() else {}


def write_records(records: Mapping[str, Record], path: Path = DATA) -> None:
    """Write the records of all topics."""
    path.write_text(json.dumps({topic: asdict(record) for topic, record in records.items()}, indent=1) + "\n")


def sections_of(document: str) -> dict[str, str]:
    """Return the text of every section of a document, by its heading."""
    parts = (part.partition("\n") for part in re.split(r"^## ", document, flags=re.MULTILINE)[1:])
    return {title: text.strip() for title, _, text in parts}


def assembled(records: Mapping[str, Record], sections: Mapping[str, str], topics: tuple[str, ...]) -> str:
    """Return the whole document: what was measured when and on what, then the sections in the order of the topics."""
    measured = {topic: records[topic] for topic in topics if topic in records}
    missing = [topic for topic in topics if topic not in measured]
    lines = [*_machines(measured), *([f"Not measured: {', '.join(missing)}."] if missing else [])]
    parts = [f"## {record.title}\n\n{sections[record.title]}\n" for record in measured.values()]
    return "\n".join([HEAD, "\n\n".join(lines) + "\n", *parts])


def _machines(measured: Mapping[str, Record]) -> list[str]:
    """Return a paragraph for every machine and day: usually there is one."""
    found: dict[tuple[str, str], list[str]] = {}
    for topic, record in measured.items():
        found.setdefault((record.day, record.machine), []).append(f"{topic} {record.seconds:.0f} s")
    return [f"Measured on {day}: {', '.join(topics)}; {machine}." for (day, machine), topics in found.items()]


def quoting(text: str, records: Mapping[str, Record]) -> str:
    """Return a document with every figure that it quotes as last measured; raises KeyError for an unknown one."""

    def newest(quoted: re.Match[str]) -> str:
        topic, _, name = quoted[1].partition(".")
        return f"<!--figures:{quoted[1]}-->{records[topic].figures[name]}<!--/-->"

    return QUOTED.sub(newest, text)
