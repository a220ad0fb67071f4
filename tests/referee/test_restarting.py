"""A program that is started again brings home the bonds that it has in games about jobs of earlier rounds."""

from random import Random

import pytest
from ape import chain
from ape.exceptions import ContractLogicError
from hypothesis import given, settings
from hypothesis import strategies as st

from mlchain.actors.disputant import Disputant
from mlchain.chain import bonds
from mlchain.chain.connection import Chain
from mlchain.protocol.ledger import Ledger
from tests.chain.log_answers import keep_logs
from tests.contracts.chain_control import move_to, now, rollback
from tests.protocol.random_rounds import follow
from tests.referee.refereed import BOND, CLOCK, WRONG, Trace, publish_end


@pytest.fixture(autouse=True)
def with_another_judge(monkeypatch):
    monkeypatch.setattr("mlchain.chain.history.require_same", lambda *_: None)


def attempt(act):
    try:
        return act()
    except ContractLogicError:
        return None


def dispute(scene, players, random):
    """Let players claim and challenge at random in a job whose game the server then ends, and settle it."""
    disputes = scene.contracts.disputes
    scene.committee.commit_all(WRONG, scene.right, scene.right)
    move_to(scene.job.commitEnd() + 500)
    claims, challenges = {}, []
    for _ in range(random.randint(1, 3)):
        by, result = random.choice(players), random.choice([WRONG, scene.right])
        scene.bring(by, result)
        trace = random.choice([scene.honest_trace(result), Trace((scene.right, bytes(32)))])
        claims[scene.claim(by, result, trace)] = trace
    for _ in range(random.randint(1, 4)):
        claim, trace = random.choice(list(claims.items()))
        challenges.append(scene.challenge(random.choice(players), claim, trace, random.randrange(2)))
    for number in random.choices(challenges, k=len(challenges)):
        game = disputes.challenges(number)
        leaf = claims[game.claim].leaves[game.position]
        attempt(lambda number=number, leaf=leaf: disputes.reveal(number, leaf, sender=players[0]))
    move_to(publish_end(scene) + random.choice([0, CLOCK - 60, CLOCK + 60, 2 * CLOCK + 60]))
    for number in random.sample(challenges, len(challenges) // 2):
        attempt(lambda number=number: disputes.finish(number, sender=players[0]))
    for number in random.sample(list(claims), len(claims) // 2):
        attempt(lambda number=number: disputes.release(number, sender=players[0]))
    scene.job.ruleVoid(sender=scene.contracts.server)
    scene.committee.settle(sender=players[0])


@pytest.fixture(scope="module")
def history(contracts, watcher, liar):
    """The contracts after rounds with disputes and one without, the players, and the last blocks."""
    with rollback():
        move_to(now() + 24 * 3600)  # away from today, where the clock runs by itself
        players, random = [watcher, liar], Random(6)
        for _ in range(2):
            dispute(contracts.round(), players, random)
        begin = chain.blocks.height
        contracts.round()
        last = chain.blocks.height
        undo = keep_logs(chain.provider, last)
        yield contracts, players, range(begin - 40, last + 1)
        undo()


def restarted(contracts, owner, block):
    """Return what a program of an owner knows that is started at a block."""
    program = Chain()
    program.follow_as(owner.address, contracts.record(), lambda _line: None)
    program._followed.history.advance(block)
    return program


def ledger_at(contracts, block) -> Ledger:
    reader = follow(contracts.record())
    reader._followed.history.advance(block)
    return reader.ledger


@given(owner=st.integers(0, 1), place=st.integers(0, 40), later=st.integers(0, 40))
@settings(max_examples=settings.default.max_examples // 2)
def test_it_knows_of_its_bonds_what_who_has_read_everything_knows(history, owner, place, later):
    contracts, players, blocks = history
    owner, block = players[owner], blocks[-1 - place]

    program = restarted(contracts, owner, block)
    for at in sorted({block, min(block + later, blocks[-1])}):
        program._followed.history.advance(at)
        games, whole = program.ledger.games, ledger_at(contracts, at).games
        assert games.held(owner.address) == whole.held(owner.address)
        assert games.bonds.get(owner.address, 0) == whole.bonds.get(owner.address, 0)
        assert own_games(games, owner.address) == own_games(whole, owner.address)


def own_games(games, owner):
    """Return whose turn it is until when in the games in which an owner has a bond at stake."""
    return {
        number: (game.turn, game.runs_out, game.claim.number)
        for number, game in games.challenges.items()
        if game.is_running
        and (game.challenger == owner or (game.claim.claimant == owner and not game.claim.is_refuted))
    }


def test_it_brings_all_of_them_home(history):
    contracts, players, _ = history
    with rollback():
        for owner in players:
            program = restarted(contracts, owner, chain.blocks.height)
            assert program.ledger.games.held(owner.address) > 0, "there is something to bring home"
            disputant = Disputant(owner.address, BOND, None)
            while disputant.has_bonds(view := program.view()):
                turn = disputant.collect(view)
                for call in turn.calls:
                    getattr(contracts.disputes, call.method)(*call.arguments, sender=owner)
                if not turn.calls:
                    move_to(turn.wake)
        assert contracts.disputes.balance == 0


def test_it_looks_at_the_newest_ones_alone_however_many_there_are(history, monkeypatch):
    contracts, players, blocks = history
    monkeypatch.setattr(bonds, "MOST_LOOKED_AT", 2)
    asked = []
    learn = bonds.learn_bonds

    def counted(games, owner, bond, ask):
        learn(games, owner, bond, lambda views: asked.append(views := list(views)) or ask(views))

    monkeypatch.setattr("mlchain.chain.checkpoint.learn_bonds", counted)

    restarted(contracts, players[0], blocks[-1])

    assert len(asked[0]) == 1 + 2 + 2
    assert all(len(views) <= 4 for views in asked[1:])


def test_it_forgets_what_is_over_and_keeps_its_bonds_as_rounds_go_by(history):
    contracts, players, blocks = history
    kept, gone = 0, 0
    for owner in (player.address for player in players):
        ledger = ledger_at(contracts, blocks[-1])
        games, first = ledger.games, ledger.rounds[0].jobs[0]
        held, count = games.held(owner), len(games.of_job(first))

        ledger.forget_past(owner)

        assert games.held(owner) == held
        claims = games.of_job(first)
        kept, gone = kept + len(claims), gone + count - len(claims)
        own = {game.claim.number for game in games.challenges.values() if game.challenger == owner and game.is_running}
        assert all(claim.claimant == owner or claim.number in own for claim in claims)
    assert kept
    assert gone
