"""Try out the mutants and print the score: `make mutants`, or `python -m mutants`."""

import random
import sys
import time
from collections import Counter, defaultdict

import click
from rich.console import Console
from rich.progress import Progress

from mutants.compiler import Code, Compiler
from mutants.generate import Mutant, all_mutants
from mutants.questions import RULES, Interview
from mutants.records import (
    HUNG,
    ILLEGAL,
    KILLED,
    RECORDS,
    SAME,
    SURVIVED,
    TWIN,
    Harmless,
    Record,
    add_record,
    digest,
    digest_of_tests,
    load_records,
)
from mutants.report import print_report
from mutants.trials import Laboratory, with_laboratory


class Campaign:
    """Tries out mutants one after the other, and remembers what became of each."""

    def __init__(self, compiler: Compiler, harmless: Harmless, only_look: bool) -> None:
        self.compiler, self.harmless = compiler, harmless
        self.original, self.tests = _fingerprint(compiler.originals), digest_of_tests()
        self.records = load_records(self.original, None if only_look else self.tests)

    def run(self, mutants: list[Mutant], laboratory: Laboratory) -> None:
        """Try out all that there is no record of."""
        control = laboratory.control(self.compiler.originals)
        if control.failed:
            raise click.ClickException(f"{control.failed} fails for the contracts as they are")
        interview = Interview(control.questions)
        try:
            self._try_out_all(mutants, laboratory, interview)
        finally:
            interview.end()

    def _try_out_all(self, mutants: list[Mutant], laboratory: Laboratory, interview: Interview) -> None:
        keys = {record.code: record.key for record in self.records.values()}
        kills = {mutant.file: Counter() for mutant in mutants}
        nearby = defaultdict(Counter)  # of the same function: most likely to kill the next
        for mutant in mutants:
            if mutant.key in self.records and (test := self.records[mutant.key].test):
                kills[mutant.file][test] += 1
                nearby[mutant.function][test] += 1
        with Progress(console=Console(stderr=True), auto_refresh=False) as bar:  # a thread would not outlive the fork
            task = bar.add_task("", total=len(mutants))
            for number, mutant in enumerate(mutants):
                bar.update(task, completed=number, description=f"{mutant.file}:{mutant.line}", refresh=True)
                if mutant.key not in self.records:
                    likely = kills[mutant.file] + Counter(
                        {test: 1_000 * n for test, n in nearby[mutant.function].items()}
                    )
                    record = self._try_out(mutant, laboratory, interview, keys, likely)
                    self.records[mutant.key] = record
                    add_record(record)
                    if record.test:
                        kills[mutant.file][record.test] += 1
                        nearby[mutant.function][record.test] += 1
        for file, counter in kills.items():
            # The order of the tests is not the usual one: it must not be what made them fail.
            if failed := laboratory.try_first(self.compiler.originals, counter).failed:
                raise click.ClickException(f"{failed} fails for {file} as it is when it runs out of its order")

    def _try_out(
        self, mutant: Mutant, laboratory: Laboratory, interview: Interview, keys: dict[str, str], kills: Counter
    ) -> Record:
        started = time.monotonic()
        codes = self.compiler.codes(mutant.file, mutant.source) or {}
        code = _fingerprint(codes) if codes else ""
        changed = {name for name, each in codes.items() if self.compiler.originals[name] != each}
        test = None
        if not codes:
            fate = ILLEGAL
        elif not changed:
            fate = SAME
        elif keys.setdefault(code, mutant.key) != mutant.key:
            fate = TWIN
        elif RULES in changed and (test := interview.first_to_notice(codes[RULES])):
            fate = KILLED
        elif changed == {RULES} and mutant in self.harmless:
            fate = SURVIVED  # the games of the other tests ask less, and take long
        else:
            trial = laboratory.try_out(self.compiler.originals | codes, kills)
            fate, test = HUNG if trial.hung else KILLED if trial.failed else SURVIVED, trial.failed
        seconds = round(time.monotonic() - started, 1)
        return Record(mutant.key, fate, test, seconds, code, self.original, self.tests)


def _fingerprint(codes: dict[str, Code]) -> str:
    return digest(*[f"{name} {code.creation} {code.runtime}" for name, code in sorted(codes.items())])


def _chosen(mutants: list[Mutant], only: tuple[str, ...], sample: int | None, seed: int) -> list[Mutant]:
    files = {mutant.file for mutant in mutants}
    if unknown := set(only) - files:
        raise click.UsageError(f"{unknown.pop()} has no mutants; choose from {', '.join(sorted(files))}")
    chosen = [mutant for mutant in mutants if not only or mutant.file in only]
    if sample is None or sample >= len(chosen):
        return chosen
    return [chosen[number] for number in sorted(random.Random(seed).sample(range(len(chosen)), sample))]


@click.command()
@click.option(
    "--only", multiple=True, metavar="FILE", help="Change this file, such as contracts/Job.sol, and no other."
)
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Try out N mutants, drawn at random.")
@click.option("--seed", default=0, show_default=True, help="Which ones are drawn.")
@click.option("--fresh", is_flag=True, help="Forget earlier runs.")
@click.option("--report", is_flag=True, help="Try out nothing, only report on earlier runs.")
def cli(only: tuple[str, ...], sample: int | None, seed: int, fresh: bool, report: bool) -> None:
    """Change the contracts in one place at a time and see whether the tests notice.

    An interrupted run goes on where it stopped. A changed contract starts everything anew, changed tests are tried on
    the survivors.
    """
    if fresh:
        RECORDS.unlink(missing_ok=True)
    compiler = Compiler()
    mutants = all_mutants(compiler.sources, compiler.asts)
    chosen = _chosen(mutants, only, sample, seed)
    harmless = Harmless.load()
    campaign = Campaign(compiler, harmless, only_look=report)
    chosen = sorted(chosen, key=lambda mutant: mutant in harmless)  # these take the longest and tell the least
    if not report and not all(mutant.key in campaign.records for mutant in chosen):
        error = None

        def run(laboratory: Laboratory) -> None:
            nonlocal error
            try:
                campaign.run(chosen, laboratory)
            except click.ClickException as exception:
                error = exception

        status = with_laboratory(run)
        if error or status:
            raise error or click.ClickException(f"the tests cannot be run: pytest's status is {status}")
    sys.exit(0 if print_report(chosen, campaign.records, harmless, harmless.stale(mutants)) else 1)


if __name__ == "__main__":
    cli()
