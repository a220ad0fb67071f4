"""What every benchmark hands in: a section of docs/results.md, kept until the others are measured too."""

import json
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "results.md"
FIGURES = ROOT / "docs" / "figures"  # of the document, which shows them
SECTIONS = ROOT / ".build" / "results"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the document: its heading and its Markdown.

    How long it took to measure, in seconds, on which day and on what machine is filled in for it.
    """

    title: str
    text: str
    seconds: float = 0.0
    day: str = ""
    machine: str = ""

    def save(self, topic: str) -> None:
        """Keep this section as the newest one about `topic`."""
        SECTIONS.mkdir(parents=True, exist_ok=True)
        (SECTIONS / f"{topic}.json").write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, topic: str) -> "Section | None":
        """Return the newest section about `topic`, None if there is none."""
        path = SECTIONS / f"{topic}.json"
        return cls(**json.loads(path.read_text())) if path.exists() else None


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table, with all columns but the first to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def wrapped(text: str) -> str:
    """Return a paragraph, or an item of a list, in lines of at most 120 columns."""
    indent = "  " if text.startswith("- ") else ""
    words = " ".join(text.split())
    return textwrap.fill(words, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def percent(share: float, decimals: int = 2) -> str:
    """Return a number in [0, 1] in percent."""
    return f"{100 * share:.{decimals}f} %"


def figure(name: str, says: str) -> str:
    """Return the Markdown that shows a figure of FIGURES; `says` stands in for it where it cannot be seen."""
    return f"![{says}]({FIGURES.name}/{name})"
