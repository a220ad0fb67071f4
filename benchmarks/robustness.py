"""Accuracy under attack: this system beside the rules by which a trusted server would combine updates."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from benchmarks import aggregators
from benchmarks.aggregators import ROUNDS, SEED, STEPS, WORKERS, FederatedRun, tolerated
from benchmarks.contracts import play
from benchmarks.plots import NO_REFEREE, OURS, Curves, draw_final, draw_rounds, worst_of
from benchmarks.processes import measured
from benchmarks.report import FIGURES, Section, figure, table, wrapped
from benchmarks.updates import ATTACKS
from mlchain.centralized.learning.aggregation import RULES
from mlchain.console import percent
from mlchain.protocol.content import content_hash
from mlchain.simulation.options import Options
from mlchain.simulation.summary import RoundSummary, Summary
from mlchain.tasks.catalogue import open_task
from mlchain.tasks.task import DatasetTask

SHARES = (0, 10, 30, 40, 50)  # of evil workers, in percent
SPLITS = {"even": None, "uneven": 0.2}
# How an evil seat answers instead. Contracts compare bytes: what a lie says plays no part, who tells the same one does.
BEHAVIOURS = {"colluding": "colluding", "flipping": "wrong", "random": "wrong"}


@dataclass(frozen=True, slots=True)
class ContractRun:
    """A simulation of this system in which `evil` of WORKERS behave like this."""

    behaviour: str
    evil: int
    has_referee: bool

    @property
    def is_guaranteed(self) -> bool:
        """Whether the honest model is promised: with a referee while one seat is honest, else below one half."""
        return self.evil < WORKERS if self.has_referee else 2 * self.evil < WORKERS


HONEST = ContractRun("colluding", 0, True)


def measure() -> Section:
    """Return the section, and draw its figures; raises RuntimeError where a guarantee was broken."""
    runs = measured("robustness, contracts", play_contracts, contract_runs())
    require_guarantees(runs)
    learned = measured("robustness, rules", aggregators.accuracies, federated_runs())
    curves = _curves_of_federated_runs(learned) | _curves_of_contract_runs(runs)
    draw_final(FIGURES / "robustness.png", curves)
    draw_rounds(FIGURES / "robustness-rounds.png", curves)
    return Section("Evil workers", _text(curves, runs), _figures(curves))


def _figures(curves: Curves) -> dict[str, str]:
    """Return what other documents quote: this system's last accuracy, and the best rule's, with half of all evil."""
    most = SHARES[-1]
    best_rule = max(worst_of(curves, split, rule)[most] for split in SPLITS for rule in RULES)
    return {"ours": f"{100 * worst_of(curves, 'even', OURS)[most]:.1f}", "best-rule": f"{100 * best_rule:.1f}"}


# What is measured


def evil_of(share: int) -> int:
    """Return how many workers a share, in percent, comes to."""
    return WORKERS * share // 100


def contract_runs() -> list[ContractRun]:
    """Return the simulations; without a referee only the cartel, which is the strongest there."""
    some = [evil_of(share) for share in SHARES if share]
    behaviours = dict.fromkeys(BEHAVIOURS.values())
    with_referee = [ContractRun(behaviour, evil, True) for behaviour in behaviours for evil in some]
    return [HONEST, *with_referee, *[ContractRun("colluding", evil, False) for evil in some]]


def federated_runs() -> list[FederatedRun]:
    """Return the runs with a trusted server; without evil workers there is no attack to choose."""
    return [
        FederatedRun(rule, attack, evil_of(share), dirichlet_alpha)
        for dirichlet_alpha in SPLITS.values()
        for share in SHARES
        for attack in (ATTACKS if share else [""])
        for rule in RULES
    ]


def play_contracts(run: ContractRun) -> Summary:
    """Return the summary of a simulation."""
    options = Options(
        workers=WORKERS,
        evil=run.evil,
        behaviour=run.behaviour,
        rounds=ROUNDS,
        task="mnist",
        seed=SEED,
        referee=run.has_referee,
    )
    return play(options, _task().recipe)


def _task() -> DatasetTask:
    """Return what this system learns: a round is one job for everybody, as long as all workers' steps together."""
    task = open_task(replace(aggregators.recipe(), local_steps=WORKERS * STEPS).to_bytes())
    assert isinstance(task, DatasetTask)
    return task


def require_guarantees(runs: dict[ContractRun, Summary]) -> None:
    """Raise RuntimeError unless every job accepted the right result where that is promised, and nowhere a wrong one."""
    for run, summary in runs.items():
        wronged = summary.wrong_accepted or summary.honest_slashed
        if wronged or (run.is_guaranteed and not is_right(summary)):
            raise RuntimeError(f"{run} broke a guarantee and ended with the model {summary.model_hash}")


def is_right(summary: Summary) -> bool:
    """Return whether every job accepted what training gives, so that the model is the honest one."""
    return all(job.accepted_hash == job.honest_hash for current in summary.rounds for job in current.jobs)


# What is shown


def _curves_of_contract_runs(runs: dict[ContractRun, Summary]) -> Curves:
    start = _task().accuracy(_task().initial_model())
    by_round = {run: [start, *map(_accuracy_of, summary.rounds)] for run, summary in runs.items()}
    found = {}
    for split in SPLITS:
        for share in SHARES:
            for attack, behaviour in BEHAVIOURS.items():
                run = ContractRun(behaviour, evil_of(share), True) if share else HONEST
                found[split, attack, share, OURS] = by_round[run]
            alone = ContractRun("colluding", evil_of(share), False) if share else HONEST
            found[split, "colluding", share, NO_REFEREE] = by_round[alone]
    return found


def _curves_of_federated_runs(found: dict[FederatedRun, list[float]]) -> Curves:
    return {
        (split, attack, share, rule): found[
            FederatedRun(rule, attack if share else "", evil_of(share), dirichlet_alpha)
        ]
        for split, dirichlet_alpha in SPLITS.items()
        for share in SHARES
        for attack in ATTACKS
        for rule in RULES
    }


def _text(curves: Curves, runs: dict[ContractRun, Summary]) -> str:
    steps = WORKERS * STEPS
    samples = steps * aggregators.recipe().batch * ROUNDS
    most = SHARES[-1]
    told = ", ".join(f"{rule} {tolerated(rule, evil_of(most))}" for rule in RULES if rule != "average")
    setting = f"""
    MNIST, softmax regression, {WORKERS} workers, {ROUNDS} rounds, {samples:,} samples seen; one seed. The rules are
    those of a trusted server whose workers train on shares of their own, {STEPS} steps each. In this system all
    {WORKERS} workers sit in one job of {steps} steps, played with contracts on a chain: as many samples a round,
    but every worker computes all of them, from data that every worker has. That is the price of certainty, and why
    the split of the data makes no difference to it. The column of 0 % shows how the two ways of learning compare
    without attackers.
    """
    attacks = f"""
    Attacks: *colluding*, all liars send the opposite of the honest mean; *flipping*, each sends ten times the
    opposite of its own update; *random*, each sends random numbers with the norm of an honest update. Liars know all
    honest updates. Each rule is told how many liars there are, or the most that it can be applied with: for {most} %
    evil, {told}. In this system, evil seats all answer with the same lie (colluding) or each with a lie of its own;
    contracts compare bytes, whatever a lie says. With a silent referee only the first is played; where nothing can be
    accepted, the model stays as it was.
    """
    return f"""
{wrapped(setting)}

{wrapped(attacks)}

{figure("robustness.png", "Final accuracy by share of evil workers, under the worst attack")}

Final test accuracy in percent, {" / ".join(ATTACKS)}; the lowest is bold.

Even shares:

{_table(curves, "even")}

Uneven shares (Dirichlet, {SPLITS["uneven"]}):

{_table(curves, "uneven")}

{figure("robustness-rounds.png", "Accuracy by round, for every split, attack and share of evil workers")}

What the contracts decided. The honest model is promised while a single seat is honest, with a referee, and while less
than half of the pool is evil, without one. Wherever it is promised, every round has to end with it, to the byte, or
the benchmark fails.

{_table_of_contract_runs(runs)}
"""


def _table(curves: Curves, split: str) -> str:
    header = ["", *(f"{share} % evil" for share in SHARES)]
    rows = [
        [name, *(_cell(curves.get((split, attack, share, name)) for attack in ATTACKS) for share in SHARES)]
        for name in (*RULES, OURS, NO_REFEREE)
    ]
    return table(header, rows)


def _cell(curves: Iterable[list[float] | None]) -> str:
    """Return the last accuracies, in percent, of some curves, the least in bold; one if they are all alike."""
    last = [f"{100 * curve[-1]:.1f}" if curve else None for curve in curves]
    known = [value for value in last if value is not None]
    if len(set(known)) == 1:
        return known[0]
    least = min(known, key=float)
    return " / ".join(f"**{value}**" if value == least else value or "–" for value in last)


def _table_of_contract_runs(runs: dict[ContractRun, Summary]) -> str:
    first = "0x" + content_hash(_task().initial_model()).hex()
    header = ["evil", "lies", "referee", "jobs decided by", "wrong accepted", "honest slashed", "accuracy", "model"]
    rows = [
        [
            f"{run.evil} of {WORKERS}",
            ("one" if run.behaviour == "colluding" else "each a different one") if run.evil else "none",
            "yes" if run.has_referee else "silent",
            ", ".join(f"{name} {count}" for name, count in _decisions(summary).items()),
            summary.wrong_accepted,
            summary.honest_slashed,
            percent(_accuracy_of(summary.rounds[-1])),
            "the honest one"
            if is_right(summary)
            else "untrained"
            if summary.model_hash == first
            else "**a different one**",
        ]
        for run, summary in runs.items()
    ]
    return table(header, rows)


def _accuracy_of(played: RoundSummary) -> float:
    assert played.accuracy is not None  # MNIST has a test set
    return played.accuracy


def _decisions(summary: Summary) -> Counter[str]:
    return Counter(job.decided_by for current in summary.rounds for job in current.jobs)
