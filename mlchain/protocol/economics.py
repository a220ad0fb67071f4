"""What cheating with a whole committee gains and costs, so that audits make it a loss; all amounts in wei.

Where the seats of a job agree, nothing but an audit notices that they are wrong: with the probability `audit` it costs
each of them its stake and its pay. Where one honest seat disagrees the referee rules, and the cheaters lose anyway.
"""

from dataclasses import dataclass
from fractions import Fraction

AUDIT_RATE = 0.02  # of the jobs of a server that is not told otherwise


@dataclass(frozen=True, slots=True)
class Terms:
    """What a job is about: its seats, the reward of each, the bonus of all, and a stake."""

    seats: int
    reward: int
    bonus: int
    stake: int

    @property
    def most_pay(self) -> int:
        """The most that a seat is paid, and the most that an honest one would spend on its training."""
        return self.reward + self.bonus


def least_rate_against_laziness(terms: Terms) -> Fraction:
    """Return the audit rate from which on it does not pay that all seats commit to one agreed junk.

    Each saves its training, which costs at most its pay, and is paid as before; found out, it loses pay and stake.
    """
    return Fraction(terms.most_pay, terms.most_pay + terms.stake)


def least_rate_against_sold_junk(terms: Terms, price: int) -> Fraction:
    """Return the audit rate from which on no seat gains from an answer that it has bought for a price and not checked.

    It saves its training less the price, and loses pay and stake if the answer is junk and audited.
    """
    return Fraction(max(0, terms.most_pay - price), terms.most_pay + terms.stake)


def least_rate_against_cartel(terms: Terms, prize: int) -> Fraction:
    """Return the audit rate from which on a cartel that holds all seats does not gain from a lie that is worth a prize.

    It trains once, if at all, whatever the number of its seats.
    """
    gained = prize + terms.most_pay
    return Fraction(gained, prize + _at_stake(terms))


def greatest_deterred_prize(terms: Terms, audit: Fraction) -> Fraction:
    """Return the prize below which a cartel that holds all seats loses by lying, 0 if audits deter from nothing."""
    if audit == 1:
        raise ValueError("where every job is audited no prize is large enough")
    return max(Fraction(0), (audit * _at_stake(terms) - terms.most_pay) / (1 - audit))


def _at_stake(terms: Terms) -> int:
    """Return what all seats lose when they are found out: all stakes, and the pay of the job."""
    return terms.seats * (terms.stake + terms.reward) + terms.bonus
