"""The game, move by move, and what each refuses."""

from itertools import product

import pytest
from ape import chain, project
from ape.exceptions import ContractLogicError
from ape.utils import ZERO_ADDRESS

from tests.contracts.chain_control import reverts, reverts_as, rollback, time_of_next_block
from tests.referee.game import (
    BOND,
    DEPTH,
    DESCRIPTION,
    HONEST,
    LEAVES,
    STATEMENT,
    Counting,
    Table,
    answer,
    counted,
    different,
    now,
    pursue,
    refused,
    shown,
)

LIAR = Counting({137: counted([548, 549, 551, 552])})  # from its third number on
PADDED = Counting({LEAVES: counted([1200, 1201, 1202, 1203])})  # goes on where nothing should be
SHORT = Counting({137: counted([548, 549])})
HIDDEN = Counting({137: None})
LAST = Counting({137: counted([548, 549, 550, 552])})
CLOCK = 1000


@pytest.fixture(scope="module")
def judge(server):
    return server.deploy(project.CountingJudge)


@pytest.fixture(scope="module")
def disputes(server, judge):
    return server.deploy(project.Disputes, judge, BOND)


@pytest.fixture
def table(server, judge, disputes):
    judge.setTimes(now() + 5000, now() + 5000 + 5 * CLOCK, sender=server)
    return Table(disputes, judge)


@pytest.fixture(scope="module")
def players(newcomers):
    return newcomers[:3]


def play(table, claimant, challenger, game):
    """Let both sides move until it is over or the claim has no move that is accepted; return what it is then."""
    while True:
        turn = table.disputes.challenges(game.number).turn
        if turn == 1:
            try:
                answer(table, claimant, game)
            except ContractLogicError as error:
                return error
        elif turn == 2:
            pursue(table, challenger, game)
        else:
            return turn


@pytest.mark.parametrize(
    "trace", [LIAR, PADDED, SHORT, HIDDEN, LAST], ids=["wrong", "padded", "short", "hidden", "wrong in the end"]
)
def test_a_wrong_claim_cannot_be_shown_and_pays_its_challenger(table, players, trace):
    liar, honest, _ = players
    claim = table.claim(liar, trace)
    game = table.challenge(honest, claim, trace, different(HONEST, trace, 0, 0))

    assert not isinstance(play(table, liar, honest, game), int)
    chain.mine(deltatime=CLOCK)
    table.finish(honest, game)

    assert table.disputes.challenges(game.number).turn == 4
    assert table.disputes.claims(claim).isRefuted
    assert table.disputes.creditOf(honest) == 2 * BOND
    assert not table.judge.stands(STATEMENT)
    assert table.disputes.caseAt(table.judge, STATEMENT).standing == 0


@pytest.mark.parametrize(
    ("position", "entry"),
    [*product((0, 7, 136, 143, LEAVES - 1), (0, 3, 4, 65_534)), *((at, None) for at in (LEAVES, 2**DEPTH - 1))],
)
def test_a_right_claim_stands_wherever_it_is_challenged(table, players, position, entry):
    honest, liar, anybody = players
    claim = table.claim(honest, HONEST)
    game = table.challenge(liar, claim, HONEST, position >> 3)
    table.open(anybody, game)
    table.pick(liar, game, position & 7)
    answer(table, anybody, game)
    if entry is not None:
        table.pick_entry(liar, game, entry)
        answer(table, anybody, game)

    assert table.disputes.challenges(game.number).turn == 3
    assert table.disputes.creditOf(honest) == BOND
    chain.mine(deltatime=5000 + 2 * CLOCK)
    table.disputes.release(claim, sender=anybody)
    assert table.disputes.creditOf(honest) == 2 * BOND
    with reverts(table.disputes.NothingToPay):
        table.disputes.release(claim, sender=honest)


def test_every_move_is_on_record(table, players):
    honest, liar, anybody = players
    claim, disputes = table.claim(honest, HONEST), table.disputes
    game = table.challenge(liar, claim, HONEST, 3)

    done = [table.open(honest, game), table.pick(liar, game, 0), table.reveal(honest, game)]
    done += [table.pick_entry(liar, game, 1), table.prove(honest, game)]
    chain.mine(timestamp=table.judge.start() + 2 * CLOCK)
    done += [disputes.release(claim, sender=anybody), disputes.withdraw(sender=honest)]

    assert [event for receipt in done for event in receipt.events] == [
        disputes.Opened(challenge=game.number, nodes=HONEST.below(6, 3)),
        disputes.Picked(challenge=game.number, position=24),
        disputes.Revealed(challenge=game.number, leaf=HONEST.leaves[24]),
        disputes.EntryPicked(challenge=game.number, entry=1),
        disputes.Decided(challenge=game.number, claim=claim, outcome=3),
        disputes.Released(claim=claim),
        disputes.BondsWithdrawn(owner=honest, amount=2 * BOND),
    ]


def test_a_clock_that_runs_out_loses(table, players):
    honest, liar, anybody = players
    claim = table.claim(honest, HONEST)
    silent = table.challenge(liar, claim, HONEST, 3)
    table.open(honest, silent)
    refused(table.disputes.WrongTime, table.finish, anybody, silent)
    chain.mine(deltatime=CLOCK)
    refused(table.disputes.WrongTime, table.pick, liar, silent, 1)
    table.finish(anybody, silent)
    assert table.disputes.challenges(silent.number).turn == 3

    refused(table.disputes.NotYourTurn, table.finish, anybody, silent)


def test_a_clock_runs_to_its_last_second_and_no_further(table, players):
    honest, liar, anybody = players
    game = table.challenge(liar, table.claim(honest, HONEST), HONEST, 3)
    end = table.disputes.challenges(game.number).since + CLOCK

    with rollback():
        time_of_next_block(end - 1)
        refused(table.disputes.WrongTime, table.finish, anybody, game)
    with rollback():
        time_of_next_block(end - 1)
        table.open(honest, game)
    with rollback():
        time_of_next_block(end)
        refused(table.disputes.WrongTime, table.open, honest, game)
    time_of_next_block(end)
    table.finish(anybody, game)

    assert table.disputes.challenges(game.number).turn == 4


def test_a_side_has_one_clock_for_all_its_moves_and_for_no_others(table, players):
    honest, liar, _ = players
    game = table.challenge(liar, table.claim(honest, HONEST), HONEST, 3)
    chain.mine(deltatime=CLOCK - 100)
    table.open(honest, game)
    chain.mine(deltatime=CLOCK - 500)
    refused(table.disputes.WrongTime, table.finish, honest, game)
    table.pick(liar, game, 1)
    with rollback():
        table.reveal(honest, game)
        chain.mine(deltatime=500)
        refused(table.disputes.WrongTime, table.pick_entry, liar, game, 1)

    chain.mine(deltatime=150)
    table.finish(liar, game)

    assert table.disputes.challenges(game.number).turn == 4


def test_only_the_challenger_moves_for_a_challenge(table, players):
    honest, liar, _ = players
    game = table.challenge(liar, table.claim(honest, HONEST), HONEST, 3)
    refused(table.disputes.NotYourTurn, table.pick, liar, game, 1)
    table.open(honest, game)
    refused(table.disputes.NotYourTurn, table.open, honest, game)
    refused(table.disputes.NotYourTurn, table.pick, honest, game, 1)
    refused(table.disputes.NotYourTurn, table.pick_entry, liar, game, 1)


def test_once_the_leaf_is_shown_only_an_entry_can_be_picked(table, players):
    honest, liar, _ = players
    game = table.challenge(liar, table.claim(honest, HONEST), HONEST, 3)
    table.open(honest, game)
    table.pick(liar, game, 0)
    table.reveal(honest, game)

    refused(table.disputes.NotYourTurn, table.pick, liar, game, 0)
    table.pick_entry(liar, game, 1)
    table.prove(honest, game)

    assert table.disputes.challenges(game.number).turn == 3


def test_a_leaf_is_shown_once_and_nothing_else_for_one(table, players):
    honest, liar, _ = players
    game = table.challenge(liar, table.claim(honest, HONEST), HONEST, 3)
    with reverts_as(table.disputes.NotYourTurn):  # the bytes that the disputed node is the hash of
        table.disputes.reveal(game.number, HONEST.node(7, 6) + HONEST.node(7, 7), sender=honest)
    table.open(honest, game)
    table.pick(liar, game, 0)
    with reverts_as(table.disputes.WrongLength):  # what would pass the turn
        table.disputes.open(game.number, [HONEST.node(DEPTH, 24)], sender=honest)
    game.leaf = HONEST.leaves[24]
    refused(table.disputes.NotYourTurn, table.prove, honest, game)
    table.reveal(honest, game)
    table.pick_entry(liar, game, 1)

    refused(table.disputes.NotYourTurn, table.reveal, honest, game)
    refused(table.disputes.NotYourTurn, table.prove_padding, honest, game)


def test_a_wrong_claim_in_the_last_second_can_be_answered(table, players):
    honest, liar, _ = players
    chain.mine(timestamp=table.judge.start() - 2)
    table.claim(liar, LIAR)

    chain.mine(timestamp=table.judge.start() + CLOCK - 2)
    claim = table.claim(honest, HONEST)

    assert not table.disputes.claims(claim).isRefuted
    refused(table.disputes.WrongTime, table.claim, honest, HONEST)


def test_a_wrong_claim_in_the_last_second_can_be_challenged(table, players):
    honest, liar, _ = players
    table.claim(honest, HONEST)
    chain.mine(timestamp=table.judge.start() + CLOCK - 2)
    claim = table.claim(liar, LIAR)

    chain.mine(timestamp=table.judge.start() + 2 * CLOCK - 2)
    game = table.challenge(honest, claim, LIAR, different(HONEST, LIAR, 0, 0))
    assert not isinstance(play(table, liar, honest, game), int)
    chain.mine(deltatime=CLOCK)
    table.finish(honest, game)

    assert table.disputes.claims(claim).isRefuted
    assert now() < table.judge.end()


def test_what_nobody_has_disputed_in_time_cannot_be_disputed_any_more(table, players):
    chain.mine(timestamp=table.judge.start() - 1)
    refused(project.CountingJudge.NotShown, table.claim, players[0], LIAR)


def test_nobody_else_s_claim_of_the_right_root_has_to_be_defended(table, players):
    honest, liar, _ = players
    copy = table.claim(liar, HONEST)
    claim = table.claim(honest, HONEST)
    staged = table.challenge(liar, copy, HONEST, 3)
    chain.mine(deltatime=CLOCK)
    table.finish(liar, staged)

    assert table.disputes.claims(copy).isRefuted
    assert not table.disputes.claims(claim).isRefuted
    assert table.disputes.caseAt(table.judge, STATEMENT).standing == 1


def test_what_hashes_to_something_else_is_refused(table, players):
    honest, liar, _ = players
    claim = table.claim(honest, HONEST)
    with reverts(table.disputes.WrongHash):
        table.disputes.claim(
            table.judge, STATEMENT, DESCRIPTION, LIAR.root, HONEST.below(0, 0), value=BOND, sender=liar
        )
    with reverts_as(table.disputes.WrongLength):
        table.disputes.claim(
            table.judge, STATEMENT, DESCRIPTION, LIAR.root, LIAR.below(0, 0)[:32], value=BOND, sender=liar
        )
    index, node, path = shown(HONEST.below(0, 0), 3)
    for wrong in ((index + 1, node, path), (index + 64, node, path), (index, path[0], path)):
        with reverts(table.disputes.WrongHash):
            table.disputes.challenge(claim, *wrong, value=BOND, sender=liar)
    with reverts_as(table.disputes.WrongLength):
        table.disputes.challenge(claim, index, node, path[:5], value=BOND, sender=liar)
    game = table.challenge(liar, claim, HONEST, 3)
    with reverts(table.disputes.WrongHash):
        table.disputes.open(game.number, HONEST.below(game.depth, game.position + 1), sender=honest)
    with reverts_as(table.disputes.WrongLength):
        table.disputes.open(game.number, HONEST.below(game.depth, game.position)[:4], sender=honest)
    table.open(honest, game)
    table.pick(liar, game, 0)
    with reverts(table.disputes.WrongHash):
        table.disputes.reveal(game.number, HONEST.leaves[25], sender=honest)
    table.reveal(honest, game)
    table.pick_entry(liar, game, 1)
    game.leaf = HONEST.leaves[25]
    refused(table.disputes.WrongHash, table.prove, honest, game)


@pytest.mark.parametrize("value", [0, BOND - 1, BOND + 1])
def test_a_claim_and_a_challenge_take_the_bond_and_nothing_else(table, players, value):
    honest, liar, _ = players
    claim = table.claim(honest, HONEST)

    with reverts(table.disputes.WrongBond, actual=value, expected=BOND):
        table.disputes.claim(
            table.judge, STATEMENT, DESCRIPTION, HONEST.root, HONEST.below(0, 0), value=value, sender=honest
        )
    with reverts(table.disputes.WrongBond, actual=value, expected=BOND):
        table.disputes.challenge(claim, *shown(HONEST.below(0, 0), 3), value=value, sender=liar)


def test_a_bond_comes_back_when_nobody_can_challenge_its_claim_any_more(table, players):
    honest, liar, anybody = players
    claim = table.claim(honest, HONEST)
    end = table.judge.start() + 2 * CLOCK
    with rollback(), reverts_as(table.disputes.WrongTime):
        time_of_next_block(end - 1)
        table.disputes.release(claim, sender=honest)
    with rollback():
        time_of_next_block(end)
        refused(table.disputes.WrongTime, table.challenge, liar, claim, HONEST, 0)
    time_of_next_block(end)
    table.disputes.release(claim, sender=anybody)
    before = honest.balance

    receipt = table.disputes.withdraw(sender=honest)

    assert honest.balance == before + BOND - receipt.total_fees_paid
    with reverts(table.disputes.NothingToPay):
        table.disputes.withdraw(sender=honest)


def test_a_bond_is_not_released_while_a_challenge_of_its_claim_runs(table, players):
    honest, liar, _ = players
    claim = table.claim(honest, HONEST)
    chain.mine(timestamp=table.judge.start() + 2 * CLOCK - 2)
    table.challenge(liar, claim, HONEST, 3)
    chain.mine(deltatime=10)

    with reverts(table.disputes.NothingToPay):
        table.disputes.release(claim, sender=honest)


def refute(table, liar, challenger, trace=LIAR):
    """Let a liar claim, and a challenger refute it; return the claim."""
    claim = table.claim(liar, trace)
    game = table.challenge(challenger, claim, trace, 3)
    chain.mine(deltatime=CLOCK)
    table.finish(challenger, game)
    return claim


def test_the_bond_of_a_refuted_claim_is_not_released(table, players):
    honest, liar, _ = players
    claim = refute(table, liar, honest)
    chain.mine(timestamp=table.judge.start() + 2 * CLOCK)

    with reverts(table.disputes.NothingToPay):
        table.disputes.release(claim, sender=liar)


def test_the_first_claim_speaks_for_a_result(table, players):
    honest, liar, _ = players
    assert table.disputes.claimantOf(table.judge, STATEMENT) == ZERO_ADDRESS
    claims = [table.claim(liar, LIAR), table.claim(honest, HONEST)]

    assert table.disputes.claimantOf(table.judge, STATEMENT) == liar
    for claim in claims:
        with reverts_as(table.disputes.Stands):
            table.disputes.succeed(claim, sender=honest)


def test_a_claim_that_stands_succeeds_a_refuted_one(table, players):
    honest, liar, anybody = players
    first = table.claim(liar, LIAR)
    second = table.claim(honest, HONEST)
    game = table.challenge(honest, first, LIAR, different(HONEST, LIAR, 0, 0))
    chain.mine(deltatime=CLOCK)
    table.finish(honest, game)
    assert table.disputes.claimantOf(table.judge, STATEMENT) == ZERO_ADDRESS
    with reverts_as(table.disputes.IsRefuted):
        table.disputes.succeed(first, sender=liar)

    receipt = table.disputes.succeed(second, sender=anybody)

    assert receipt.events == [table.disputes.Succeeded(claim=second)]
    assert table.disputes.claimantOf(table.judge, STATEMENT) == honest
    assert table.judge.stands(STATEMENT), "one claim stands"


def test_a_result_all_of_whose_claims_are_refuted_stands_again_by_the_next_one(table, players):
    honest, liar, _ = players
    refute(table, liar, liar, HONEST)
    assert not table.judge.stands(STATEMENT)
    chain.mine(timestamp=table.judge.start() + CLOCK - 2)

    claim = table.claim(honest, HONEST)

    assert table.judge.stands(STATEMENT)
    assert table.disputes.claimantOf(table.judge, STATEMENT) == honest
    assert not table.disputes.claims(claim).isRefuted


def test_a_second_challenge_of_a_refuted_claim_gets_its_bond_back(table, players):
    liar, honest, other = players
    claim = table.claim(liar, LIAR)
    games = [table.challenge(by, claim, LIAR, different(HONEST, LIAR, 0, 0)) for by in (honest, other)]
    chain.mine(deltatime=CLOCK)
    table.finish(honest, games[0])
    refused(table.disputes.IsRefuted, table.challenge, honest, claim, LIAR, 0)
    refused(table.disputes.IsRefuted, table.open, liar, games[1])
    table.finish(liar, games[1])

    assert list(table.disputes.counts()) == [1, 2]
    assert [table.disputes.creditOf(by) for by in players] == [0, 2 * BOND, BOND]
    assert table.disputes.challenges(games[1].number).turn == 5


def test_what_gives_less_than_a_second_to_each_clock_cannot_be_claimed(server, judge, disputes, players):
    with rollback():
        judge.setTimes(now() + 100, now() + 104, sender=server)
        refused(disputes.NoTime, Table(disputes, judge).claim, players[0], HONEST)

        judge.setTimes(now() + 100, now() + 105, sender=server)
        Table(disputes, judge).claim(players[0], HONEST)

        assert disputes.caseAt(judge, STATEMENT).clock == 1


@pytest.mark.parametrize(("trace", "position"), [(HONEST, 24), (PADDED, LEAVES)], ids=["honest", "padded"])
def test_a_leaf_is_not_padding(table, players, trace, position):
    claimant, challenger, _ = players
    game = table.challenge(challenger, table.claim(claimant, trace), trace, position >> 3)
    refused(table.disputes.NotYourTurn, table.prove_padding, claimant, game)
    table.open(claimant, game)
    table.pick(challenger, game, position & 7)

    refused(table.disputes.NotDerived, table.prove_padding, claimant, game)
