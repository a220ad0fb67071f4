"""What can be asked about the odds of a job, and the answer as tables for a terminal."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor, log10

from rich.table import Table

from mlchain.chain.deployment import Parameters
from mlchain.console import percent, table
from mlchain.errors import require
from mlchain.protocol import economics
from mlchain.protocol.odds import Chances, Odds, least_evil, odds_of
from mlchain.protocol.rounds import ETHER
from mlchain.protocol.terms import MAX_SEATS, MOST_STAKE, is_quorum, least_majority
from mlchain.units import ether

LARGEST_POOL = 2**32 - 1  # the draw is tested up to here
PRICED = {"1 %": Fraction(1, 100), "50 %": Fraction(1, 2)}  # chances of a wrong result whose price is shown
COLUMNS = ("", "without a referee", "with a referee")
SHORT = 100_000  # a fraction is shown if its denominator is below


@dataclass(frozen=True, slots=True)
class Question:
    """A job to know the odds of; `committee` None is the whole pool, `quorum` None a bare majority.

    `stake`, the `reward` of a seat and the `bonus` of the job are in wei, `audit_rate` is a share in [0, 1]. Raises
    UserError, in one sentence, for a job that cannot be.
    """

    pool: int = 100
    evil: int = 30
    committee: int | None = None
    quorum: int | None = None
    stake: int = Parameters().stake
    audit_rate: float = 0.0
    reward: int = 10**16
    bonus: int = 10**16

    def __post_init__(self) -> None:
        require(1 <= self.pool <= LARGEST_POOL, f"a pool has 1 to {LARGEST_POOL} workers, not {self.pool}")
        require(0 <= self.evil <= self.pool, f"{self.evil} of {self.pool} workers cannot be evil")
        require(1 <= self.seats <= MAX_SEATS, f"a committee has 1 to {MAX_SEATS} seats, not {self.seats}")
        require(self.seats <= self.pool, f"a committee of {self.seats} cannot be drawn from {self.pool} workers")
        least = least_majority(self.seats)
        require(
            is_quorum(self.votes, self.seats),
            f"the quorum of {self.seats} seats has to be from {least} to {self.seats}, not {self.votes}",
        )
        require(
            0 < self.stake <= MOST_STAKE,
            f"the stake has to be above 0 and at most {ether(MOST_STAKE)}, not {ether(self.stake)}",
        )
        require(0 <= self.audit_rate <= 1, f"the audit rate has to be from 0 to 1, not {self.audit_rate}")

    @property
    def seats(self) -> int:
        """The seats of the job."""
        return min(self.pool, MAX_SEATS) if self.committee is None else self.committee

    @property
    def votes(self) -> int:
        """The equal answers that the job needs."""
        return least_majority(self.seats) if self.quorum is None else self.quorum

    def odds(self, evil: int | None = None) -> Odds:
        """Return the odds of the job, if as many as `evil` workers are evil instead of those asked for."""
        return odds_of(
            self.pool, self.evil if evil is None else evil, self.seats, self.votes, Fraction(str(self.audit_rate))
        )


def odds_rows(question: Question) -> list[tuple[str, Fraction | None, Fraction | None]]:
    """Return what may come of a job: a name, and its probability without a referee and with one."""
    odds = question.odds()
    rows: dict[str, Callable[[Chances], Fraction | None]] = {
        "P(right accepted)": lambda chances: chances.right,
        "P(wrong accepted)": lambda chances: chances.wrong,
        "P(nothing accepted)": lambda chances: chances.failed,
        "P(referee called)": lambda chances: None if chances is odds.silent else chances.ruled,
        "P(reward | correct)": lambda chances: chances.reward,
        "P(slashed | correct)": lambda chances: chances.slash,
    }
    return [(name, chance(odds.silent), chance(odds.live)) for name, chance in rows.items()]


def odds_table(question: Question) -> Table:
    """Return the odds of a job, without a referee and with one."""
    job = f"committee {question.seats}, quorum {question.votes}, pool {question.pool}, evil {question.evil}"
    made = table(f"Odds of a job: {job}", *COLUMNS, words={""})
    for name, *chances in odds_rows(question):
        made.add_row(name, *map(exactly, chances))
    return made


def attacker_table(question: Question) -> Table:
    """Return what an attacker locks up and loses, in ether."""
    made = table(f"What an attacker needs, at a stake of {ether(question.stake)}", *COLUMNS, words={""})
    stake = Fraction(question.stake, ETHER)
    both = [question.odds().silent, question.odds().live]
    made.add_row("locked by its workers", *[f"{number(question.evil * stake)} ether"] * 2)
    for likely, chance in PRICED.items():
        made.add_row(
            f"locked for P(wrong accepted) ≥ {likely}",
            *(_price(question, stake, chance, is_live) for is_live in (False, True)),
        )
    made.add_row("jobs until a wrong result", *(_per_wrong(Fraction(1), chances) for chances in both))
    made.add_row(
        "lost per job if it always lies", *(f"{number(chances.evil_slashed * stake)} ether" for chances in both)
    )
    made.add_row(
        "lost per wrong result if it always lies",
        *(_per_wrong(chances.evil_slashed * stake, chances, " ether") for chances in both),
    )
    made.add_row(
        "… if it lies only where that wins",
        *(_per_wrong(chances.wary_slashed * stake, chances, " ether") for chances in both),
    )
    return made


def economics_table(question: Question) -> Table:
    """Return which audit rate makes each way to cheat a loss for a committee that agrees on it in every seat."""
    terms = economics.Terms(question.seats, question.reward, question.bonus, question.stake)
    audit = Fraction(str(question.audit_rate))
    half = question.reward // 2
    least = {
        "every seat commits to one agreed junk": economics.least_rate_against_laziness(terms),
        "a seat buys junk unchecked for half of the reward": economics.least_rate_against_sold_junk(terms, half),
        "a cartel in every seat saves its training": economics.least_rate_against_cartel(terms, prize=0),
    }
    asked = f"at {percent(question.audit_rate)}"
    made = table("What audits make a loss", "", "from an audit rate of", asked, words={"", asked})
    for way, rate in least.items():
        made.add_row(way, percent(float(rate)), "a loss" if audit > rate else "pays")
    prize = economics.greatest_deterred_prize(terms, audit) / ETHER if audit < 1 else None
    deterred = "a loss" if prize is None else f"a loss below {number(prize)} ether" if prize else "pays"
    made.add_row("a cartel in every seat lies for a prize", "-", deterred)
    return made


def _price(question: Question, stake: Fraction, chance: Fraction, is_live: bool) -> str:
    def reaches(evil: int) -> bool:
        odds = question.odds(evil)
        return (odds.live if is_live else odds.silent).wrong >= chance

    evil = least_evil(question.pool, reaches)
    return "out of reach" if evil is None else f"{number(evil * stake)} ether: {evil} of {question.pool}"


def _per_wrong(amount: Fraction, chances: Chances, unit: str = "") -> str:
    return f"{number(amount / chances.wrong)}{unit}" if chances.wrong else "never"


def exactly(chance: Fraction | None) -> str:
    """Return a probability with its fraction, if that is short."""
    is_short = chance is not None and 1 < chance.denominator < SHORT
    return f"{shown(chance)} = {chance}" if is_short else shown(chance)


def shown(chance: Fraction | None) -> str:
    """Return a probability to read, never rounded to 0 or 1; None is a dash."""
    if chance is None:
        return "-"
    if chance in (0, 1):
        return f"{int(100 * chance)} %"
    near = min(chance, 1 - chance)
    if near < Fraction(1, 10_000):
        return ("" if near == chance else "1 - ") + _scientific(near)
    decimals = max(1, 1 - floor(log10(100 * near)))
    return f"{float(100 * chance):.{decimals}f} %"


def number(value: Fraction) -> str:
    """Return a number that is not negative to read: three digits or, from a hundred on, without decimals."""
    if value and not Fraction(1, 1_000) <= value < 10**9:
        return _scientific(value)
    return f"{float(value):,.0f}" if value >= 100 else f"{float(value):.3g}"


def _scientific(value: Fraction) -> str:
    """Return a number in scientific notation, be it beyond what a float can hold."""
    if Fraction(1, 10**300) < value < 10**300:
        return f"{float(value):.1e}"
    return f"{Decimal(value.numerator) / Decimal(value.denominator):.1e}"
