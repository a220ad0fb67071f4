"""The odds of a job: against all committees there are, against many real draws, and against figures quoted."""

from fractions import Fraction
from functools import cache
from itertools import combinations
from math import comb, sqrt

import pytest
from eth_utils import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from mlchain.protocol.draw import position_of
from mlchain.protocol.odds import Chances, Odds, evil_seats, least_evil, odds_of

# How many standard deviations a share of drawn committees may be off; the seeds are the same in every run.
TOLERANCE = 4


@st.composite
def jobs(draw, largest: int = 60) -> tuple[int, int, int, int]:
    """Draw a pool, how many of it are evil, the seats of a job and its quorum."""
    pool = draw(st.integers(1, largest))
    seats = draw(st.integers(1, pool))
    return pool, draw(st.integers(0, pool)), seats, draw(st.integers(seats // 2 + 1, seats))


AUDITS = st.fractions(0, 1, max_denominator=20)


def both(odds: Odds) -> tuple[Chances, Chances]:
    return odds.silent, odds.live


# Laws


@given(jobs(), AUDITS)
def test_one_of_right_wrong_and_failed_happens(job, audit):
    pool, evil, seats, _ = job

    odds = odds_of(*job, audit)

    assert sum(evil_seats(pool, evil, seats).values()) == 1
    for chances in both(odds):
        assert chances.right + chances.wrong + chances.failed == 1
        assert all(0 <= chance <= 1 for chance in (chances.right, chances.wrong, chances.failed, chances.ruled))
    assert odds.live.failed == odds.silent.ruled == 0


@given(jobs(), AUDITS)
def test_a_correct_seat_is_paid_by_a_live_referee_and_never_slashed(job, audit):
    pool, evil, *_ = job

    odds = odds_of(*job, audit)

    honest = evil < pool
    assert (odds.live.reward, odds.live.slash) == ((1, 0) if honest else (None, None))
    assert (odds.silent.reward is not None) == honest
    if honest:
        assert odds.silent.reward + odds.silent.slash <= 1


@given(jobs())
def test_on_average_as_many_honest_seats_are_paid_as_committees_that_decide_rightly_hold(job):
    pool, evil, seats, quorum = job
    drawn = evil_seats(pool, evil, seats)

    reward = odds_of(*job).silent.reward or 0

    paid = sum((seats - bad) * chance for bad, chance in drawn.items() if seats - bad >= quorum)
    assert reward * seats * Fraction(pool - evil, pool) == paid


@given(jobs(), AUDITS)
def test_one_more_evil_worker_makes_nothing_better(job, audit):
    pool, evil, seats, quorum = job
    if evil == pool:
        return

    now, then = odds_of(*job, audit), odds_of(pool, evil + 1, seats, quorum, audit)

    for before, after in zip(both(now), both(then), strict=True):
        assert after.wrong >= before.wrong
        assert after.right <= before.right
        assert after.reward is None or after.reward <= before.reward
        assert after.slash is None or after.slash >= before.slash


@given(jobs())
def test_where_good_and_evil_change_places_right_and_wrong_do(job):
    pool, evil, seats, quorum = job

    odds, mirrored = odds_of(*job).silent, odds_of(pool, pool - evil, seats, quorum).silent

    assert (odds.right, odds.wrong, odds.failed) == (mirrored.wrong, mirrored.right, mirrored.failed)
    assert odds_of(*job).live.ruled == odds_of(pool, pool - evil, seats, quorum).live.ruled


@given(jobs())
def test_who_is_evil_and_who_is_drawn_are_alike(job):
    """Drawing seats among the evil is drawing evil among the seats."""
    pool, evil, seats, _ = job

    assert evil_seats(pool, evil, seats) == evil_seats(pool, seats, evil)


@given(jobs())
def test_a_committee_of_the_whole_pool_is_right_if_and_only_if_the_honest_are_a_quorum(job):
    pool, evil, _, _ = job
    for quorum in range(pool // 2 + 1, pool + 1):
        silent = odds_of(pool, evil, pool, quorum).silent

        assert silent.right == (evil <= pool - quorum)
        assert silent.reward is None or silent.reward == (evil <= pool - quorum)
        assert silent.wrong == (evil >= quorum)


@given(jobs(), AUDITS)
def test_an_audit_turns_its_share_of_accepted_lies_into_rulings(job, audit):
    _, _, seats, _ = job
    without, audited = odds_of(*job).live, odds_of(*job, audit).live

    assert audited.wrong == (1 - audit) * without.wrong
    assert audited.ruled == without.ruled + audit * without.wrong
    assert audited.evil_slashed == without.evil_slashed + audit * seats * without.wrong
    assert audited.wary_slashed == audit * seats * without.wrong
    assert odds_of(*job).silent == odds_of(*job, audit).silent


@given(jobs())
def test_the_referee_is_called_unless_the_committee_is_all_honest_or_all_evil(job):
    pool, evil, seats, _ = job

    ruled = odds_of(*job).live.ruled

    assert ruled == 1 - Fraction(comb(pool - evil, seats) + comb(evil, seats), comb(pool, seats))


def test_the_least_evil_that_reach_something_are_found():
    for pool in range(1, 20):
        for least in range(pool + 1):
            assert least_evil(pool, lambda evil, least=least: evil >= least) == least
        assert least_evil(pool, lambda _: False) is None


@pytest.mark.parametrize(
    "job", [(0, 0, 1, 1), (5, 6, 3, 2), (5, -1, 3, 2), (5, 2, 6, 4), (5, 2, 0, 0), (5, 2, 4, 2), (5, 2, 3, 4)]
)
def test_a_job_that_cannot_be_has_no_odds(job):
    with pytest.raises(ValueError, match="no such job"):
        odds_of(*job)


@pytest.mark.parametrize("audit", [Fraction(-1, 9), Fraction(10, 9)])
def test_a_share_of_audits_is_from_none_to_all(audit):
    with pytest.raises(ValueError, match="no such job"):
        odds_of(5, 2, 3, 2, audit)


# Every committee there is


@pytest.mark.parametrize("pool", range(1, 8))
def test_the_odds_are_what_counting_all_committees_gives(pool):
    for evil in range(pool + 1):
        for seats in range(1, pool + 1):
            committees = list(combinations(range(pool), seats))
            for quorum in range(seats // 2 + 1, seats + 1):
                silent, live = both(odds_of(pool, evil, seats, quorum))

                assert (silent, live.wrong, live.ruled, live.evil_slashed) == counted(committees, evil, quorum)


def counted(committees: list[tuple[int, ...]], evil: int, quorum: int) -> tuple[Chances, Fraction, Fraction, Fraction]:
    """Return the odds if all `committees` are equally likely and the first `evil` positions are the evil ones."""
    seats = len(committees[0])
    lies = [sum(position < evil for position in committee) for committee in committees]
    right, wrong = [seats - bad >= quorum for bad in lies], [bad >= quorum for bad in lies]
    honest = sum(seats - bad for bad in lies)

    def share(count: int, of: int = len(committees)) -> Fraction | None:
        return Fraction(count, of) if of else None

    silent = Chances(
        right=share(sum(right)),
        wrong=share(sum(wrong)),
        failed=share(sum(not ok and not bad for ok, bad in zip(right, wrong, strict=True))),
        ruled=Fraction(0),
        reward=share(sum(seats - bad for bad, ok in zip(lies, right, strict=True) if ok), honest),
        slash=share(sum(seats - bad for bad, lost in zip(lies, wrong, strict=True) if lost), honest),
        evil_slashed=share(sum(bad for bad, ok in zip(lies, right, strict=True) if ok)),
        wary_slashed=Fraction(0),
    )
    disputed = [bad for bad in lies if 0 < bad < seats]
    return silent, share(lies.count(seats)), share(len(disputed)), share(sum(disputed))


# Many real draws

POOL, MOST_SEATS = 20, 7


@cache
def permutations() -> list[list[int]]:
    """Return the positions that hold the first seats of the real draw, for many seeds."""
    count = 20_000 if settings.get_current_profile_name() == "thorough" else 1_000
    seeds = (keccak(b"odds" + number.to_bytes(32, "big")) for number in range(count))
    return [[position_of(seed, POOL, seat) for seat in range(2 * MOST_SEATS)] for seed in seeds]


@pytest.mark.parametrize("evil", [2, 6, 10, 15])
@pytest.mark.parametrize(("seats", "quorum"), [(3, 2), (5, 3), (6, 4), (7, 5)])
@pytest.mark.parametrize("job", [0, 1])
def test_the_real_draw_keeps_to_the_odds_in_every_job_of_a_round(evil, seats, quorum, job):
    silent, live = both(odds_of(POOL, evil, seats, quorum))
    drawn = [permutation[job * seats : (job + 1) * seats] for permutation in permutations()]
    lies = [sum(position < evil for position in committee) for committee in drawn]
    # The first seat of a committee stands for any: if it is honest, is it paid?
    holders = [bad for bad, committee in zip(lies, drawn, strict=True) if committee[0] >= evil]

    assert_share([seats - bad >= quorum for bad in lies], silent.right)
    assert_share([bad >= quorum for bad in lies], silent.wrong)
    assert_share([bad == seats for bad in lies], live.wrong)
    assert_share([0 < bad < seats for bad in lies], live.ruled)
    assert_share([seats - bad >= quorum for bad in holders], silent.reward)


def assert_share(happened: list[bool], chance: Fraction) -> None:
    """Assert that as many happened as a binomial count of this chance brings, up to some standard deviations."""
    count = len(happened)
    deviation = sqrt(count * chance * (1 - chance))

    assert abs(sum(happened) - count * chance) <= TOLERANCE * max(deviation, 1 if 0 < chance < 1 else 0)


# Figures quoted in docs/protocol.md and README.md


@pytest.mark.parametrize("pool", range(20, 101, 2))
def test_half_evil_fill_a_committee_as_often_as_quoted(pool):
    five, seven = (odds_of(pool, pool // 2, seats, seats // 2 + 1).live for seats in (5, 7))

    assert 0.016 < five.wrong < 0.0285
    assert 0.0015 < seven.wrong < 0.0063
    assert 0.94 < five.ruled < 0.97
    assert 0.97 < five.ruled + five.wrong < 0.985


@pytest.mark.parametrize(("seats", "bound"), [(10, 1e-3), (13, 1e-4), (18, 1e-6)])
def test_larger_committees_are_evil_in_every_seat_as_rarely_as_quoted(seats, bound):
    fewer, enough = (odds_of(100, 50, count, count // 2 + 1).live.wrong for count in (seats - 1, seats))

    assert enough < bound < fewer


@pytest.mark.parametrize("pool", [20, 50, 100])
def test_half_evil_win_half_of_odd_committees_and_less_of_even_ones(pool):
    assert {odds_of(pool, pool // 2, seats, seats // 2 + 1).silent.wrong for seats in range(1, pool, 2)} == {
        Fraction(1, 2)
    }
    for seats in (4, 6, 8, 10):
        assert 0.29 < odds_of(pool, pool // 2, seats, seats // 2 + 1).silent.wrong < 0.38


def test_thirty_of_a_hundred_against_a_quorum_of_five_of_seven_have_the_odds_quoted():
    silent, live = both(odds_of(100, 30, 7, 5))

    assert [round(float(chance), 6) for chance in (silent.right, silent.wrong, silent.reward)] == [
        0.64951,
        0.024223,
        0.74348,
    ]
    assert [round(float(chance), 6) for chance in (live.wrong, live.ruled)] == [0.000127, 0.924985]
