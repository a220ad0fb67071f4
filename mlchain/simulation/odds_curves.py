"""The odds around a job: over committee sizes, and for several shares of evil workers."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil

from mlchain.protocol.odds import Odds, odds_of
from mlchain.protocol.terms import least_majority
from mlchain.simulation.odds import Question

SHARES = (10, 20, 30, 40, 50)  # evil workers, in percent of the pool
LARGEST_COMMITTEE = 51

ChanceOf = Callable[[Odds], Fraction | None]
Curves = dict[int, dict[int, Odds]]  # by the number of evil workers, and by seats

# A panel: title, what of the odds it shows, and whether its scale is logarithmic.
PANELS: tuple[tuple[str, ChanceOf, bool], ...] = (
    ("P(wrong accepted), without a referee", lambda odds: odds.silent.wrong, True),
    ("P(wrong accepted), with a referee", lambda odds: odds.live.wrong, True),
    ("P(reward | correct), without a referee; with one it is 100 %", lambda odds: odds.silent.reward, False),
    ("P(referee called)", lambda odds: odds.live.ruled, False),
)


def curves_of(question: Question) -> Curves:
    """Return the odds by number of evil workers and by odd committee sizes, up to that asked for if it is larger."""
    evils = dict.fromkeys(max(1, round(question.pool * share / 100)) for share in SHARES)
    largest = min(question.pool, max(LARGEST_COMMITTEE, question.seats))
    sizes = range(1, largest + 1, 2 * ceil(largest / LARGEST_COMMITTEE))
    audit = Fraction(str(question.audit_rate))
    quorums = {seats: least_majority(seats) for seats in sizes}
    return {
        evil: {seats: odds_of(question.pool, evil, seats, quorum, audit) for seats, quorum in quorums.items()}
        for evil in evils
    }
