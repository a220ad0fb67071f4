"""The tables and numbers of the reference model are those of docs/protocol.md."""

import re
from pathlib import Path

import pytest

from tests.reference.content import CHUNK_SIZE, MAX_CHUNKS
from tests.reference.protocol import MAX_JOBS, MAX_SEATS
from tests.reference.registry import MAX_SNAPSHOT_AGE
from tests.reference.tables import OUTCOMES, SEATS, SETTLEMENTS, WORDS

DOCUMENT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()


def table(head: str) -> list[list[str]]:
    """Return the rows of the table that has this head."""
    rows = DOCUMENT.split(head + "\n", 1)[1]
    rows = rows.split("\n\n", 1)[0].splitlines()[1:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_outcomes_are_those_of_the_document():
    rows = table("| | condition | outcome | accepted |")

    told = [(re.split(", and |, ", condition), name.strip("`").upper(), what) for _, condition, name, what in rows]

    assert told == [(conditions or ["otherwise"], kind.name, accepted) for conditions, kind, accepted in OUTCOMES]


def test_the_settlements_are_those_of_the_document():
    rows = table("| seat | result accepted | `Failed` | `Void` |")

    assert [(seat, *(WORDS[said] for said in cells)) for seat, *cells in rows] == [
        (seat, *verdicts) for seat, verdicts in zip(SEATS, SETTLEMENTS, strict=True)
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        f"chunks of exactly {CHUNK_SIZE:,} bytes",
        f"at most {MAX_CHUNKS} of them",
        f"| jobs | 1 … {MAX_JOBS} |",
        f"| seats | 1 … {MAX_SEATS}, and at least",
        f"A round looks back {MAX_SNAPSHOT_AGE} blocks at most",
        f"block `leaveBlock + {MAX_SNAPSHOT_AGE + 1}` or later",
    ],
)
def test_the_numbers_are_those_of_the_document(sentence):
    assert sentence in " ".join(DOCUMENT.split())
