"""The game, move by move, and what each refuses."""

import pytest
from ape import chain, project, reverts
from ape.exceptions import ContractLogicError

from tests.contracts.chain_control import rollback
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


@pytest.mark.parametrize("trace", [LIAR, PADDED, SHORT], ids=["wrong", "padded", "short"])
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
    case = table.disputes.caseAt(table.judge, STATEMENT)
    assert (case.standing, case.refuter) == (0, honest)


@pytest.mark.parametrize("index", [0, 17, 46, 47, 63])
@pytest.mark.parametrize("below", [0, 7])
@pytest.mark.parametrize("entry", [0, 3, 4, 65_534])
def test_a_right_claim_stands_wherever_it_is_challenged(table, players, index, below, entry):
    honest, liar, anybody = players
    claim = table.claim(honest, HONEST)
    game = table.challenge(liar, claim, HONEST, index)
    table.open(anybody, game)
    table.pick(liar, game, below)
    answer(table, anybody, game)
    if game.leaf is not None:
        table.pick_entry(liar, game, entry)
        answer(table, anybody, game)

    assert table.disputes.challenges(game.number).turn == 3
    assert table.disputes.creditOf(honest) == BOND
    chain.mine(deltatime=5000 + 2 * CLOCK)
    table.disputes.release(claim, sender=anybody)
    assert table.disputes.creditOf(honest) == 2 * BOND
    with reverts(table.disputes.NothingToPay):
        table.disputes.release(claim, sender=honest)


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


def test_a_side_has_one_clock_for_all_its_moves(table, players):
    honest, liar, _ = players
    game = table.challenge(liar, table.claim(honest, HONEST), HONEST, 3)
    chain.mine(deltatime=CLOCK - 100)
    table.open(honest, game)
    table.pick(liar, game, 1)
    chain.mine(deltatime=150)

    refused(table.disputes.WrongTime, table.reveal, honest, game)


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


@pytest.mark.parametrize("attack", ["demand", "wrong claim"])
def test_what_comes_in_the_last_second_can_be_answered(table, players, attack):
    honest, liar, _ = players
    chain.mine(timestamp=table.judge.claimsUntil() - 2)
    if attack == "demand":
        table.demand(liar)
    else:
        table.claim(liar, LIAR)

    chain.mine(timestamp=table.judge.claimsUntil() + CLOCK - 2)
    claim = table.claim(honest, HONEST)

    assert not table.disputes.claims(claim).isRefuted
    refused(table.disputes.WrongTime, table.claim, honest, HONEST)


def test_a_wrong_claim_in_the_last_second_can_be_challenged(table, players):
    honest, liar, _ = players
    table.claim(honest, HONEST)
    chain.mine(timestamp=table.judge.claimsUntil() + CLOCK - 2)
    claim = table.claim(liar, LIAR)

    chain.mine(timestamp=table.judge.claimsUntil() + 2 * CLOCK - 2)
    game = table.challenge(honest, claim, LIAR, different(HONEST, LIAR, 0, 0))
    assert not isinstance(play(table, liar, honest, game), int)
    chain.mine(deltatime=CLOCK)
    table.finish(honest, game)

    assert table.disputes.claims(claim).isRefuted
    assert now() < table.judge.decidedBy()


def test_a_result_that_nobody_has_disputed_in_time_cannot_be_disputed_any_more(table, players):
    chain.mine(timestamp=table.judge.claimsUntil() - 1)
    refused(table.disputes.WrongTime, table.claim, players[0], LIAR)
    refused(table.disputes.WrongTime, table.demand, players[0])


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
    with reverts(table.disputes.WrongLength):
        table.disputes.claim(
            table.judge, STATEMENT, DESCRIPTION, LIAR.root, LIAR.below(0, 0)[:32], value=BOND, sender=liar
        )
    index, node, path = shown(HONEST.below(0, 0), 3)
    for wrong in ((index + 1, node, path), (index + 64, node, path), (index, path[0], path)):
        with reverts(table.disputes.WrongHash):
            table.disputes.challenge(claim, *wrong, value=BOND, sender=liar)
    with reverts(table.disputes.WrongLength):
        table.disputes.challenge(claim, index, node, path[:5], value=BOND, sender=liar)
    game = table.challenge(liar, claim, HONEST, 3)
    game.trace = LIAR
    table.disputes.open(game.number, HONEST.below(game.depth, game.position), sender=honest)
    table.disputes.pick(game.number, *shown(HONEST.below(game.depth, game.position), 0), sender=liar)
    with reverts(table.disputes.WrongHash):
        table.disputes.reveal(game.number, HONEST.leaves[25], sender=honest)


def test_bonds_claims_and_demands_are_held_to_their_terms(table, players):
    honest, liar, other = players
    for value in (0, BOND - 1, BOND + 1):
        with reverts(table.disputes.WrongBond):
            table.disputes.demand(table.judge, STATEMENT, value=value, sender=honest)
    table.demand(honest)
    refused(table.disputes.AlreadyClaimed, table.demand, other)
    claim = table.claim(liar, HONEST)
    refused(table.disputes.AlreadyClaimed, table.demand, other)
    with reverts(table.disputes.NothingToPay):
        table.disputes.reclaim(table.judge, STATEMENT, sender=honest)
    with reverts(table.disputes.WrongTime):
        table.disputes.release(claim, sender=liar)
    chain.mine(timestamp=table.judge.claimsUntil() + CLOCK)
    refused(table.disputes.WrongTime, table.claim, other, LIAR)
    chain.mine(deltatime=CLOCK)
    refused(table.disputes.WrongTime, table.challenge, other, claim, HONEST, 0)
    table.disputes.release(claim, sender=other)
    assert table.disputes.creditOf(liar) == 2 * BOND, "its own bond, and that of who demanded a claim"


def test_a_demand_that_nobody_answers_comes_back(table, players):
    honest, _, other = players
    table.demand(honest)
    with reverts(table.disputes.WrongTime):
        table.disputes.reclaim(table.judge, STATEMENT, sender=honest)
    chain.mine(timestamp=table.judge.claimsUntil())
    with reverts(table.disputes.WrongTime):
        table.disputes.reclaim(table.judge, STATEMENT, sender=honest)
    chain.mine(deltatime=CLOCK)
    table.disputes.reclaim(table.judge, STATEMENT, sender=other)
    with reverts(table.disputes.NothingToPay):
        table.disputes.reclaim(table.judge, STATEMENT, sender=honest)
    before = honest.balance
    receipt = table.disputes.withdraw(sender=honest)
    assert honest.balance == before + BOND - receipt.total_fees_paid
    with reverts(table.disputes.NothingToPay):
        table.disputes.withdraw(sender=honest)


def test_a_second_challenge_of_a_refuted_claim_gets_its_bond_back(table, players):
    liar, honest, other = players
    claim = table.claim(liar, LIAR)
    games = [table.challenge(by, claim, LIAR, different(HONEST, LIAR, 0, 0)) for by in (honest, other)]
    chain.mine(deltatime=CLOCK)
    table.finish(honest, games[0])
    refused(table.disputes.IsRefuted, table.challenge, honest, claim, LIAR, 0)
    refused(table.disputes.IsRefuted, table.open, liar, games[1])
    table.finish(liar, games[1])

    assert [table.disputes.creditOf(by) for by in players] == [0, 2 * BOND, BOND]
    assert table.disputes.challenges(games[1].number).turn == 5


def test_what_gives_no_time_for_a_dispute_cannot_be_claimed(server, judge, disputes, players):
    with rollback():
        judge.setTimes(now() + 100, now() + 104, sender=server)
        with reverts(disputes.NoTime):
            disputes.demand(judge, STATEMENT, value=BOND, sender=players[0])


def test_a_leaf_is_not_padding(table, players):
    honest, liar, _ = players
    game = table.challenge(liar, table.claim(honest, HONEST), HONEST, 3)
    refused(table.disputes.NotYourTurn, table.prove_padding, honest, game)
    table.open(honest, game)
    table.pick(liar, game, 0)
    refused(table.disputes.NotDerived, table.prove_padding, honest, game)
    assert game.depth == DEPTH
