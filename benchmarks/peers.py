"""The gas of other systems, quoted from peers.yaml: nothing here is measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from benchmarks.report import table


@dataclass(frozen=True, slots=True)
class Peer:
    """Another system: what one worker and a whole job cost there, in gas, and where these figures are from."""

    system: str
    source: str
    origin: str
    counted: str
    worker: str
    total: str
    by_workers: Mapping[int, int] = field(default_factory=dict)


@cache
def peers() -> tuple[Peer, ...]:
    """Return the systems of peers.yaml."""
    return tuple(Peer(**fields) for fields in yaml.safe_load(Path(__file__).with_name("peers.yaml").read_text()))


def peers_table() -> str:
    """Return a Markdown table of what they cost, and of where each figure is from."""
    header = ["not measured by this run", "gas of one worker", "gas of all", "what is counted", "where it is from"]
    rows = [[it.system, it.worker, it.total, it.counted, f"{it.origin}: {it.source}"] for it in peers()]
    return table(header, rows)
