"""The odds, played: every committee that a small pool has is drawn by the contracts once and plays its round."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, count

import pytest

from mlchain.protocol.content import content_hash
from mlchain.protocol.odds import odds_of
from tests.contracts.chain_control import now, rollback, time_of_next_block
from tests.contracts.games import MEMBERS, Behaviour, Game, JobGame, Referee, Showing, right_result
from tests.contracts.multicalls import SLACK, call
from tests.contracts.protocol_steps import STAKE
from tests.reference.tables import Outcome

POOL = 5
REWARD, SIZE = 1_000, 40
SHOWN = dict.fromkeys(Behaviour, Showing.PUBLISHED)


@pytest.fixture(scope="module")
def small_stage(stage):
    """A stage whose pool has five members, the actors 1 to 5 in this order."""
    with rollback():
        stage.execute(*[call(actor, stage.registry.leave) for actor in range(POOL + 1, MEMBERS + 1)])
        yield stage


def draws_of_all_committees(stage, seats: int) -> Iterator[list[int]]:
    """Schedule rounds, each undone after its use, until every committee was drawn once; yields the positions drawn.

    Nobody can choose a draw, so the block is varied.
    """
    missing = set(combinations(range(POOL), seats))
    start = now() + SLACK
    for delay in count():
        if not missing:
            return
        with rollback():
            time_of_next_block(start + delay)
            drawn = [actor - 1 for actor in stage.schedule(seats)]
            if tuple(sorted(drawn)) in missing:
                missing.remove(tuple(sorted(drawn)))
                yield drawn


def game_of(lies: list[bool], quorum: int, referee: Referee, audited: bool) -> Game:
    """Return the round of one job in which the seats that lie do so together and everybody shows what it has."""
    behaviours = tuple(Behaviour.COLLUDING if lie else Behaviour.RIGHT for lie in lies)
    job = JobGame(behaviours, SHOWN, referee, 0)
    settle_all = ((0, 0, tuple(range(len(lies)))),)
    return Game(quorum, audited, REWARD, 0, SIZE, (job,), settle_all)


def played(stage, evil: int, seats: int, quorum: int, *, is_live: bool, audited: bool = False) -> dict[str, Fraction]:
    """Play every committee once, the actors 1 to `evil` being evil, and return the shares of what happened."""
    jobs: list[Outcome] = []
    tally = dict.fromkeys(("right", "wrong", "failed", "honest", "paid", "slashed", "evil slashed"), 0)
    for drawn in draws_of_all_committees(stage, seats):
        lies = [position < evil for position in drawn]
        is_called = any(lies) and (audited or not all(lies))
        game = game_of(lies, quorum, Referee.RIGHT if is_live and is_called else Referee.SILENT, audited)
        (job,) = stage.run(game)

        assert [stage.actors.index(holder) - 1 for holder in job.committee()] == list(drawn)
        outcome, accepted = job.outcome()
        is_right = accepted == content_hash(right_result(game))
        accounts = [stage.registry.accountOf(stage.actors[position + 1]) for position in drawn]
        jobs.append(Outcome(outcome))
        tally["right"] += is_right
        tally["failed"] += Outcome(outcome) is Outcome.FAILED
        tally["wrong"] += not is_right and Outcome(outcome) is not Outcome.FAILED
        for lie, account in zip(lies, accounts, strict=True):
            tally["honest"] += not lie
            tally["paid"] += not lie and account.credit == REWARD
            tally["slashed"] += not lie and account.stake != STAKE
            tally["evil slashed"] += lie and account.stake == 0
    # What waited for the referee in vain, or was ruled.
    waited = sum(outcome in (Outcome.QUORUM, Outcome.FAILED, Outcome.RULED) for outcome in jobs)
    return {
        **{name: Fraction(tally[name], len(jobs)) for name in ("right", "wrong", "failed", "evil slashed")},
        **{name: Fraction(tally[name], tally["honest"]) for name in ("paid", "slashed")},
        "disputed": Fraction(waited, len(jobs)),
    }


@pytest.mark.parametrize(
    ("evil", "seats", "quorum"),
    [(2, 3, 2), *(pytest.param(*case, marks=pytest.mark.slow) for case in [(3, 3, 3), (2, 4, 3)])],
)
def test_without_a_referee_the_contracts_keep_to_the_odds(small_stage, evil, seats, quorum):
    odds = odds_of(POOL, evil, seats, quorum)

    assert played(small_stage, evil, seats, quorum, is_live=False) == {
        "right": odds.silent.right,
        "wrong": odds.silent.wrong,
        "failed": odds.silent.failed,
        "evil slashed": odds.silent.evil_slashed,
        "paid": odds.silent.reward,
        "slashed": odds.silent.slash,
        "disputed": odds.live.ruled,
    }


@pytest.mark.parametrize("audited", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_with_a_referee_the_contracts_keep_to_the_odds(small_stage, audited):
    evil, seats, quorum = 3, 3, 2
    live = odds_of(POOL, evil, seats, quorum, Fraction(audited)).live

    assert played(small_stage, evil, seats, quorum, is_live=True, audited=audited) == {
        "right": live.right,
        "wrong": live.wrong,
        "failed": live.failed,
        "evil slashed": live.evil_slashed,
        "paid": live.reward,
        "slashed": live.slash,
        "disputed": live.ruled,
    }
