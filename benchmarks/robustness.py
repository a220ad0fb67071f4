"""Accuracy under attack: this system beside the rules by which a trusted server would combine updates."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from benchmarks import aggregators
from benchmarks.aggregators import ROUNDS, SEED, STEPS, WORKERS, Case, tolerated
from benchmarks.contracts import play
from benchmarks.plots import NO_REFEREE, OURS, Curves, draw_final, draw_rounds
from benchmarks.processes import measured
from benchmarks.report import FIGURES, Section, figure, percent, table, wrapped
from benchmarks.updates import ATTACKS
from mlchain.centralized.learning.aggregation import RULES
from mlchain.protocol.content import content_hash
from mlchain.simulation.options import Options
from mlchain.simulation.summary import Summary
from mlchain.tasks.catalogue import LearningTask, open_task

SHARES = (0, 10, 30, 40, 50)  # of evil workers, in percent
SPLITS = {"even": None, "uneven": 0.2}
# How an evil seat answers instead. Contracts compare bytes: what a lie says plays no part, who tells the same one does.
BEHAVIOURS = {"colluding": "colluding", "flipping": "wrong", "random": "wrong"}


@dataclass(frozen=True, slots=True)
class Game:
    """A simulation of this system in which `evil` of WORKERS behave like this."""

    behaviour: str
    evil: int
    has_referee: bool

    @property
    def is_guaranteed(self) -> bool:
        """Whether the honest model is promised: with a referee while one seat is honest, else below one half."""
        return self.evil < WORKERS if self.has_referee else 2 * self.evil < WORKERS


HONEST = Game("colluding", 0, True)


def measure() -> Section:
    """Return the section, and draw its figures; raises RuntimeError where a guarantee was broken."""
    found = measured("robustness", find, [*games(), *cases()])
    runs = {game: found[game] for game in games()}
    require_guarantees(runs)
    curves = _curves_of_rules(found) | _curves_of_ours(runs, _task().accuracy(_task().initial_model()))
    draw_final(FIGURES / "robustness.png", curves)
    draw_rounds(FIGURES / "robustness-rounds.png", curves)
    return Section("Evil workers", _text(curves, runs))


# What is measured


def evil_of(share: int) -> int:
    """Return how many workers a share in percent is."""
    return WORKERS * share // 100


def games() -> list[Game]:
    """Return the simulations; without a referee only the cartel is played, which is the strongest there."""
    some = [evil_of(share) for share in SHARES if share]
    behaviours = dict.fromkeys(BEHAVIOURS.values())
    with_referee = [Game(behaviour, evil, True) for behaviour in behaviours for evil in some]
    return [HONEST, *with_referee, *[Game("colluding", evil, False) for evil in some]]


def cases() -> list[Case]:
    """Return the learnings with a trusted server; without evil workers there is no attack to choose."""
    return [
        Case(rule, attack, evil_of(share), dirichlet_alpha)
        for dirichlet_alpha in SPLITS.values()
        for share in SHARES
        for attack in (ATTACKS if share else [""])
        for rule in RULES
    ]


def find(what: Game | Case) -> Summary | list[float]:
    """Return the summary of a simulation, or the accuracies of a learning after 0, 1 .. ROUNDS rounds."""
    if isinstance(what, Case):
        return aggregators.accuracies(what)
    options = Options(
        workers=WORKERS,
        evil=what.evil,
        behaviour=what.behaviour,
        rounds=ROUNDS,
        task="mnist",
        seed=SEED,
        referee=what.has_referee,
    )
    return play(options, _task().recipe)


def _task() -> LearningTask:
    """Return what this system learns: a round is one job for everybody, as long as all workers' steps together."""
    return open_task(replace(aggregators.recipe(), local_steps=WORKERS * STEPS).to_bytes())


def require_guarantees(runs: dict[Game, Summary]) -> None:
    """Raise RuntimeError unless every model is the honest one, round by round, where that is promised."""
    honest = hashes(runs[HONEST])
    for game, summary in runs.items():
        wronged = summary.wrong_accepted or summary.honest_slashed
        if wronged or (game.is_guaranteed and hashes(summary) != honest):
            raise RuntimeError(f"{game} broke a guarantee and ended with the model {summary.model_hash}")


def hashes(summary: Summary) -> list[str]:
    """Return the content hash of the model after every round."""
    return [current.content_hash for current in summary.rounds]


# What is shown


def _curves_of_ours(runs: dict[Game, Summary], start: float) -> Curves:
    by_round = {game: [start, *(current.accuracy for current in summary.rounds)] for game, summary in runs.items()}
    found = {}
    for split in SPLITS:
        for share in SHARES:
            for attack, behaviour in BEHAVIOURS.items():
                game = Game(behaviour, evil_of(share), True) if share else HONEST
                found[split, attack, share, OURS] = by_round[game]
            alone = Game("colluding", evil_of(share), False) if share else HONEST
            found[split, "colluding", share, NO_REFEREE] = by_round[alone]
    return found


def _curves_of_rules(found: dict[object, list[float]]) -> Curves:
    return {
        (split, attack, share, rule): found[Case(rule, attack if share else "", evil_of(share), dirichlet_alpha)]
        for split, dirichlet_alpha in SPLITS.items()
        for share in SHARES
        for attack in ATTACKS
        for rule in RULES
    }


def _text(curves: Curves, runs: dict[Game, Summary]) -> str:
    steps = WORKERS * STEPS
    samples = steps * aggregators.recipe().batch * ROUNDS
    most = SHARES[-1]
    told = ", ".join(f"{rule} {tolerated(rule, evil_of(most))}" for rule in RULES if rule != "average")
    setting = f"""
    MNIST, softmax regression, {WORKERS} workers, {ROUNDS} rounds, {samples:,} samples seen; one seed. The rules are
    those of a trusted server whose workers train on shares of their own, {STEPS} steps each. In this system all
    {WORKERS} workers sit in one job of {steps} steps, played with contracts on a chain: as many samples a round,
    but everybody computes all of them, from data that everybody has. That is what certainty costs, and why the
    split of the data makes no difference to it. What the two ways of learning differ in without attackers is in the
    column of 0 %.
    """
    attacks = f"""
    Attacks: *colluding*, all liars send the opposite of the honest mean; *flipping*, each sends ten times the
    opposite of its own update; *random*, numbers at random, as long as an honest update. Liars know all honest
    updates. Each rule is told how many liars there are, as far as it can be applied: with {most} % evil {told}. In
    this system evil seats all answer with one lie (colluding) or each with a lie of its own; contracts compare
    bytes, whatever a lie says. While the referee is silent only the first is played, and where nothing can be
    accepted the model stays as it was.
    """
    return f"""
{wrapped(setting)}

{wrapped(attacks)}

{figure("robustness.png", "Final accuracy by share of evil workers, under the worst attack")}

Final test accuracy in percent, {" / ".join(ATTACKS)}; the worst is bold.

Even shares:

{_table(curves, "even")}

Uneven shares (Dirichlet, {SPLITS["uneven"]}):

{_table(curves, "uneven")}

{figure("robustness-rounds.png", "Accuracy by round, for every split, attack and share of evil workers")}

What the contracts decided. Wherever the honest model is promised, every round has to end with it, to the byte, or
nothing of this would have been written: with a referee while a single seat is honest, without one below a half.

{_table_of_ours(runs)}
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
    last = [curve and f"{100 * curve[-1]:.1f}" for curve in curves]
    if len(set(last) - {None}) == 1:
        return next(filter(None, last))
    least = min(filter(None, last), key=float)
    return " / ".join(f"**{value}**" if value == least else value or "–" for value in last)


def _table_of_ours(runs: dict[Game, Summary]) -> str:
    first = "0x" + content_hash(_task().initial_model()).hex()
    kinds = {first: "untrained", runs[HONEST].model_hash: "the honest one"}
    header = ["evil", "lies", "referee", "jobs decided by", "wrong accepted", "honest slashed", "accuracy", "model"]
    rows = [
        [
            f"{game.evil} of {WORKERS}",
            ("one" if game.behaviour == "colluding" else "each another") if game.evil else "none",
            "yes" if game.has_referee else "silent",
            ", ".join(f"{name} {count}" for name, count in _decisions(summary).items()),
            summary.wrong_accepted,
            summary.honest_slashed,
            percent(summary.accuracy),
            f"`{summary.model_hash[:10]}…`, " + kinds.get(summary.model_hash, "**another**"),
        ]
        for game, summary in runs.items()
    ]
    return table(header, rows)


def _decisions(summary: Summary) -> Counter:
    return Counter(job.decided_by for current in summary.rounds for job in current.jobs)
