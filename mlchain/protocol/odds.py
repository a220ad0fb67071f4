"""The odds of a job before its committee is drawn, as exact fractions.

`evil` of `pool` workers are evil and `seats` of the pool are drawn without replacement, so the number of evil seats is
hypergeometric. The odds are the worst case that the protocol promises anything about: every honest seat commits,
proposes and publishes the right result; all evil seats commit to one wrong result and show it wherever they hold a
seat. A round draws its jobs from one permutation of the pool: every job of it has these odds, though not independently
of the others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import comb

from mlchain.protocol.terms import is_quorum


@dataclass(frozen=True, slots=True)
class Chances:
    """What may come of a job; `right`, `wrong` and `failed` (nothing is accepted) add up to one.

    `ruled` is the probability that the referee decides the job. `reward` and `slash` are those that a seat which has
    committed to the right result is paid, or slashed; None where nobody is honest. `evil_slashed` is how many evil
    seats are slashed on average, `wary_slashed` how many if they lie only where nothing but an audit can stop them.
    """

    right: Fraction
    wrong: Fraction
    failed: Fraction
    ruled: Fraction
    reward: Fraction | None
    slash: Fraction | None
    evil_slashed: Fraction
    wary_slashed: Fraction


@dataclass(frozen=True, slots=True)
class Odds:
    """The chances of a job whose referee is `silent`, and of one whose referee is `live`, that is rules when called."""

    silent: Chances
    live: Chances


def evil_seats(pool: int, evil: int, seats: int) -> dict[int, Fraction]:
    """Return the probability of every possible number of evil seats."""
    draws = comb(pool, seats)
    possible = range(max(0, seats - (pool - evil)), min(seats, evil) + 1)
    return {drawn: Fraction(comb(evil, drawn) * comb(pool - evil, seats - drawn), draws) for drawn in possible}


def odds_of(pool: int, evil: int, seats: int, quorum: int, audit: Fraction = Fraction(0)) -> Odds:
    """Return the odds of a job; a live referee recomputes the share `audit` of jobs in which nobody disagrees.

    Raises ValueError unless 0 <= evil <= pool, 1 <= seats <= pool, seats / 2 < quorum <= seats and 0 <= audit <= 1.
    """
    if not (0 <= evil <= pool and 1 <= seats <= pool and is_quorum(quorum, seats) and 0 <= audit <= 1):
        raise ValueError(f"no such job: pool {pool}, evil {evil}, seats {seats}, quorum {quorum}, audit {audit}")
    drawn = evil_seats(pool, evil, seats)
    # Those who may sit beside an honest seat.
    others = evil_seats(pool - 1, evil, seats - 1) if evil < pool else None
    return Odds(_silent(drawn, others, seats, quorum), _live(drawn, others, seats, audit))


def _silent(drawn: dict[int, Fraction], others: dict[int, Fraction] | None, seats: int, quorum: int) -> Chances:
    """Nothing but votes decides: the right result needs `quorum` honest seats, the wrong one as many evil ones."""
    right, wrong = _sum(drawn, lambda evil: evil <= seats - quorum), _sum(drawn, lambda evil: evil >= quorum)
    return Chances(
        right=right,
        wrong=wrong,
        failed=1 - right - wrong,
        ruled=Fraction(0),
        reward=None if others is None else _sum(others, lambda evil: evil <= seats - quorum),
        slash=None if others is None else _sum(others, lambda evil: evil >= quorum),
        evil_slashed=_mean(drawn, lambda evil: evil <= seats - quorum),
        wary_slashed=Fraction(0),
    )


def _live(drawn: dict[int, Fraction], others: dict[int, Fraction] | None, seats: int, audit: Fraction) -> Chances:
    """Two results, or one without a quorum, call the referee; only a committee evil in every seat shows none of it."""
    all_evil = drawn.get(seats, Fraction(0))
    wrong, caught = (1 - audit) * all_evil, audit * all_evil
    return Chances(
        right=1 - wrong,
        wrong=wrong,
        failed=Fraction(0),
        ruled=_sum(drawn, lambda evil: 0 < evil < seats) + caught,
        reward=None if others is None else Fraction(1),
        slash=None if others is None else Fraction(0),
        evil_slashed=_mean(drawn, lambda evil: evil < seats) + seats * caught,
        wary_slashed=seats * caught,
    )


def least_evil(pool: int, reaches: Callable[[int], bool]) -> int | None:
    """Return the least number of evil workers that `reaches` something, which more of them do too; None if none does.

    Halves the pool at each step.
    """
    if not reaches(pool):
        return None
    low, high = 0, pool
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle + 1, high)
    return low


def _sum(drawn: dict[int, Fraction], such: Callable[[int], bool]) -> Fraction:
    return sum((chance for evil, chance in drawn.items() if such(evil)), Fraction(0))


def _mean(drawn: dict[int, Fraction], such: Callable[[int], bool]) -> Fraction:
    return sum((evil * chance for evil, chance in drawn.items() if such(evil)), Fraction(0))
