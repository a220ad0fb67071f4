"""Whole rounds with random seats, referees and settlements: the guarantees about money and verdicts."""

from ape import chain
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlchain.protocol.content import content_hash
from tests.contracts.chain_control import rollback
from tests.contracts.games import (
    MEMBERS,
    SERVER,
    Behaviour,
    Books,
    Game,
    JobGame,
    Referee,
    Showing,
    expected_of,
    games,
    right_result,
)
from tests.contracts.multicalls import PURSE, call
from tests.contracts.protocol_steps import ABSENCE_FEE, STAKE
from tests.reference.tables import Outcome

ACTORS = range(MEMBERS + 1)
EVIL = [Behaviour.COLLUDING, Behaviour.LONELY, Behaviour.JUNK, Behaviour.SILENT]
DILIGENT = {Behaviour.RIGHT: st.just(Showing.PUBLISHED)}


def outnumbered(quorum, seats):
    """Fewer evil seats than a quorum."""
    return seats_with(st.integers(0, quorum - 1), seats)


def one_honest_at_least(quorum, seats):
    """Any number of evil seats but all."""
    return seats_with(st.integers(0, seats - 1), seats)


def seats_with(evil_counts, seats):
    return evil_counts.flatmap(
        lambda evil: st.tuples(*[st.sampled_from(EVIL)] * evil, *[st.just(Behaviour.RIGHT)] * (seats - evil))
    ).flatmap(lambda behaviours: st.permutations(behaviours).map(tuple))


def outcomes(jobs):
    return [(Outcome(decision), bytes(accepted)) for decision, accepted in (job.outcome() for job in jobs)]


def holders(stage, jobs, game):
    """Return actor, behaviour and job's number of every seat."""
    return [
        (stage.actors.index(address), game.jobs[number].behaviours[seat], number)
        for number, job in enumerate(jobs)
        for seat, address in enumerate(job.committee())
    ]


ALONE = JobGame((Behaviour.RIGHT,), dict.fromkeys([*EVIL, Behaviour.RIGHT], Showing.HIDDEN), Referee.RIGHT, 0)


@settings(max_examples=max(8, settings().max_examples // 5))
@given(games())
@example(Game(1, False, 1, 0, 40, (ALONE,), ((0, 0, (0,)),)))  # decided by the referee's publishing
def test_g1_every_wei_is_owed_to_one_party_and_all_of_it_can_be_taken_home(stage, game):
    registry = stage.registry
    with rollback():
        jobs = stage.run(game)

        expected = [expected_of(game, number) for number in range(len(jobs))]
        books = Books()
        for number, job in enumerate(jobs):
            actors = [stage.actors.index(address) for address in job.committee()]
            books.settle(game, number, expected[number], actors)
        accounts = [registry.accountOf(address) for address in stage.actors]
        assert outcomes(jobs) == [
            (job.outcome, content_hash(job.accepted) if job.accepted else bytes(32)) for job in expected
        ]
        assert [account.credit for account in accounts] == [books.credit[actor] for actor in ACTORS]
        assert [account.stake for account in accounts] == [books.stake[actor] for actor in ACTORS]
        assert [account.positionPlusOne != 0 for account in accounts] == [actor in books.members for actor in ACTORS]
        assert registry.burnt() == books.burnt
        assert registry.balance == books.credit.total() + books.stake.total() + books.burnt
        assert registry.currentRound().escrow == 0

        stage.execute(
            *[call(actor, registry.withdraw) for actor in ACTORS if books.credit[actor]],
            *[call(actor, registry.leave) for actor in books.members],
        )
        chain.mine(128)
        stage.execute(*[call(actor, registry.withdrawStake) for actor in ACTORS if books.stake[actor]])

        assert registry.balance == books.burnt
        assert [chain.get_balance(stage.actors[actor]) for actor in ACTORS if actor != SERVER] == [
            books.credit[actor] + books.stake[actor] for actor in ACTORS if actor != SERVER
        ]
        assert sum(chain.get_balance(address) for address in stage.actors) == PURSE - books.burnt


@settings(max_examples=max(5, settings().max_examples // 10))
@given(games(outnumbered, DILIGENT, [Referee.SILENT]))
def test_g2_fewer_evil_seats_than_a_quorum_get_no_wrong_result_accepted(stage, game):
    with rollback():
        jobs = stage.run(game)

        for number, (_, accepted) in enumerate(outcomes(jobs)):
            honest = game.jobs[number].behaviours.count(Behaviour.RIGHT)
            enough = honest >= game.quorum
            assert accepted == (content_hash(right_result(game)) if enough else bytes(32))
        assert_g4_the_honest_keep_their_stake(stage, jobs, game)


@settings(max_examples=max(5, settings().max_examples // 10))
@given(games(one_honest_at_least, DILIGENT, [Referee.RIGHT]))
def test_g3_one_honest_seat_and_the_referee_get_the_right_result_accepted(stage, game):
    with rollback():
        jobs = stage.run(game)

        assert {accepted for _, accepted in outcomes(jobs)} == {content_hash(right_result(game))}
        assert_g4_the_honest_keep_their_stake(stage, jobs, game)


@settings(max_examples=max(5, settings().max_examples // 10))
@given(games(one_honest_at_least, DILIGENT, [Referee.SILENT, Referee.RIGHT]))
def test_g5_silence_and_wrong_answers_are_not_free(stage, game):
    with rollback():
        jobs = stage.run(game)

        decided = outcomes(jobs)
        for actor, behaviour, number in holders(stage, jobs, game):
            lost = STAKE - stage.registry.accountOf(stage.actors[actor]).stake
            accepted = decided[number][0] not in (Outcome.FAILED, Outcome.VOID)
            right = decided[number][1] == content_hash(right_result(game))
            if behaviour is Behaviour.SILENT:
                assert lost == ABSENCE_FEE
            elif behaviour is Behaviour.JUNK or (behaviour is not Behaviour.RIGHT and accepted and right):
                assert lost == STAKE


def assert_g4_the_honest_keep_their_stake(stage, jobs, game):
    """Assert that no honest seat lost anything, and that each is paid if a result was accepted."""
    decided = outcomes(jobs)
    for actor, behaviour, number in holders(stage, jobs, game):
        if behaviour is Behaviour.RIGHT:
            account = stage.registry.accountOf(stage.actors[actor])
            accepted = decided[number][1] != bytes(32)
            assert account.stake == STAKE
            assert account.positionPlusOne != 0
            assert account.credit >= game.reward if accepted else account.credit == 0
