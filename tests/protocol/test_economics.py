"""What audits make a loss: each formula against the expected gain of who cheats and of who does not."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.protocol.economics import (
    AUDIT_RATE,
    Terms,
    greatest_deterred_prize,
    least_rate_against_cartel,
    least_rate_against_laziness,
    least_rate_against_sold_junk,
)

ETHER = 10**18
DEFAULT = Terms(seats=3, reward=ETHER // 100, bonus=ETHER // 100, stake=ETHER)
TERMS = st.builds(Terms, st.integers(1, 256), st.integers(1, ETHER), st.integers(0, ETHER), st.integers(1, ETHER))
SHARES = st.fractions(0, 1).filter(lambda share: share < 1)


@given(TERMS, SHARES)
def test_laziness_is_a_loss_exactly_above_its_rate(terms, audit):
    pay = cost = terms.most_pay
    lazy = (1 - audit) * pay - audit * terms.stake

    assert (lazy < pay - cost) == (audit > least_rate_against_laziness(terms))


@given(TERMS, SHARES, st.fractions(0, 1))
def test_an_unchecked_answer_that_is_junk_is_a_loss_exactly_above_its_rate(terms, audit, share):
    price, pay = int(share * terms.reward), terms.most_pay
    bought = (1 - audit) * pay - audit * terms.stake - price

    assert (bought < 0) == (audit > least_rate_against_sold_junk(terms, price))


@given(TERMS, SHARES, st.integers(0, 10 * ETHER))
def test_a_cartel_in_every_seat_loses_exactly_above_its_rate_and_below_its_prize(terms, audit, prize):
    pay, cost = terms.seats * terms.reward + terms.bonus, terms.most_pay
    lie = (1 - audit) * (pay + prize) - audit * terms.seats * terms.stake
    loses = lie < pay - cost

    assert loses == (audit > least_rate_against_cartel(terms, prize))
    assert not loses or prize < greatest_deterred_prize(terms, audit)


def test_the_defaults_are_on_the_safe_side_of_each():
    rate = Fraction(str(AUDIT_RATE))

    assert rate > least_rate_against_laziness(DEFAULT)
    assert rate > least_rate_against_sold_junk(DEFAULT, 0)
    assert rate > least_rate_against_cartel(DEFAULT, 0)
    assert greatest_deterred_prize(DEFAULT, rate) > ETHER // 25


def test_where_every_job_is_audited_no_prize_is_large_enough():
    with pytest.raises(ValueError, match="no prize"):
        greatest_deterred_prize(DEFAULT, Fraction(1))
