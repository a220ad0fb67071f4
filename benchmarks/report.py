"""What every benchmark hands in: a section of docs/results.md, and the figures in it that other documents quote."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "docs" / "figures"  # the pictures that the documents show


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the document: its heading, its Markdown, and by name what other documents quote, as it is printed."""

    title: str
    text: str
    figures: Mapping[str, str] = field(default_factory=dict)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table, with all columns but the first to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def wrapped(text: str) -> str:
    """Return a paragraph, or an item of a list, in lines of at most 120 columns."""
    indent = "  " if text.startswith("- ") else ""
    words = " ".join(text.split())
    return textwrap.fill(words, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def figure(name: str, says: str) -> str:
    """Return the Markdown that shows a picture of FIGURES; `says` stands in for it where it cannot be seen."""
    return f"![{says}]({FIGURES.name}/{name})"
