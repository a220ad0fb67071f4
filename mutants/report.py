"""The score, contract by contract, and what survived."""

from collections import Counter

import click
from rich.table import Table

from mlchain.console import console, table
from mutants.generate import Mutant
from mutants.records import HUNG, ILLEGAL, KILLED, SAME, SURVIVED, TWIN, Harmless, Record

AIM = 0.95
EQUIVALENT, UNTRIED = "equivalent", "untried"
COLUMNS = (KILLED, HUNG, SURVIVED, EQUIVALENT, UNTRIED, ILLEGAL, SAME, TWIN)


def print_report(mutants: list[Mutant], records: dict[str, Record], harmless: Harmless, stale: list[dict]) -> bool:
    """Print what became of these mutants; return whether enough were killed and the list of harmless ones is true."""
    fates = {mutant: _fate(mutant, records, harmless) for mutant in mutants}
    console().print(_table(fates))
    for mutant in mutants:
        if fates[mutant] == SURVIVED:
            click.echo(f"survived  {mutant.file}:{mutant.line}\n    {mutant.was}\n    {mutant.now}")
    killed_after_all = [mutant for mutant in mutants if mutant in harmless and fates[mutant] in (KILLED, HUNG)]
    for mutant in killed_after_all:
        test = records[mutant.key].test
        click.echo(f"not equivalent: {test} kills {mutant.file}:{mutant.line}\n    {mutant.now}")
    for entry in stale:
        click.echo(f"equivalent.yaml: nothing matches {entry['file']} {entry['function']}\n    {entry['now']}")
    score = _score(Counter(fates.values()))
    click.echo(f"score: {'nothing tried' if score is None else f'{score:.1%}'}; at least {AIM:.0%} are to be killed")
    return score is not None and score >= AIM and not stale and not killed_after_all


def _fate(mutant: Mutant, records: dict[str, Record], harmless: Harmless) -> str:
    fate = records[mutant.key].fate if mutant.key in records else UNTRIED
    return EQUIVALENT if fate == SURVIVED and mutant in harmless else fate


def _score(counts: Counter) -> float | None:
    killed = counts[KILLED] + counts[HUNG]
    return killed / (killed + counts[SURVIVED]) if killed + counts[SURVIVED] else None


def _table(fates: dict[Mutant, str]) -> Table:
    made = table("Mutants", "contract", *COLUMNS, "score", words=("contract",))
    for file in [*sorted({mutant.file for mutant in fates}), None]:
        counts = Counter(fate for mutant, fate in fates.items() if file in (mutant.file, None))
        score = _score(counts)
        name = file.removeprefix("contracts/").removesuffix(".sol") if file else "all"
        cells = [str(counts[column] or "") for column in COLUMNS]
        made.add_row(name, *cells, "" if score is None else f"{score:.1%}", end_section=file is not None)
    return made
