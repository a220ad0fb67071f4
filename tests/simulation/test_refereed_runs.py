"""Jobs whose referee is a contract, played whole: nobody rules, and the right model comes out all the same."""

import os

import pytest

from mlchain.actors.disputant import Disputant
from mlchain.actors.refuter import Refuter
from mlchain.chain.connection import Chain
from mlchain.live.versions import version_in
from mlchain.protocol.calls import Turn
from mlchain.protocol.game_events import GameTurn
from mlchain.protocol.gas import CALLS, TRANSACTION
from mlchain.protocol.rounds import Outcome
from mlchain.simulation.attacks import all_attacks, result_of
from mlchain.simulation.books import bonds_won, decision_of
from mlchain.simulation.participants import BOND
from tests.contracts.chain_control import rollback
from tests.simulation.runs import assert_nobody_is_wronged, outcome_of, pay_of, retrained, simulate

REFEREED = {"task": "digits", "workers": 3, "rounds": 1, "referee": "contract"}
ETHER = 10**18
WITH_MNIST = pytest.mark.skipif("MNIST_DIR" not in os.environ, reason="MNIST_DIR is not set")


def test_half_of_the_seats_lie_and_lose_their_stakes_half_of_them_to_who_has_shown_it():
    run = outcome_of(**REFEREED | {"workers": 4, "evil": 2})

    assert_nobody_is_wronged(run)
    assert run.summary.model_hash == retrained(run)
    (job,) = run.played.view.ledger.rounds[0].jobs
    assert decision_of(job)[0] is Outcome.UPHELD
    assert "Job.rule" not in run.played.gas
    assert sorted(pay.bounties for pay in pay_of(run, "honest")) == [0, ETHER]
    assert run.summary.wei["burnt"] == ETHER


@pytest.mark.slow
@WITH_MNIST
@pytest.mark.parametrize("evil", [10, 19])
def test_mnist_comes_to_the_honest_model_and_honest_seats_are_paid_for_every_lie(evil):
    run = outcome_of(task="mnist", workers=20, evil=evil, rounds=1, referee="contract", behaviour="claiming")

    assert_nobody_is_wronged(run)
    assert run.summary.model_hash == retrained(run)
    assert "Job.rule" not in run.played.gas
    assert len(run.played.gas["Disputes.challenge"]) == evil
    assert sum(pay.bounties for pay in pay_of(run, "honest")) == evil * ETHER // 2
    assert all(pay.bonds == -BOND and pay.slashed == ETHER for pay in pay_of(run, "claiming"))


@pytest.mark.parametrize("play", ["stalling", pytest.param("padding", marks=pytest.mark.slow)])
def test_a_majority_that_fights_for_its_lie_loses_a_bond_for_each_claim(play):
    run = outcome_of(**REFEREED | {"evil": 2, "behaviour": play})

    assert_nobody_is_wronged(run)
    assert run.summary.model_hash == retrained(run)
    assert all(pay.bonds < 0 < pay.slashed for pay in pay_of(run, play))
    played = {kind: used for kind, used in run.played.gas.items() if kind.startswith("Disputes.")}
    assert {kind for kind, used in played.items() if max(used) > TRANSACTION + CALLS[kind]} == set()
    assert len(played) >= 8
    games = run.played.view.ledger.games
    assert all(claim.is_refuted == (claim.result_hash != run_accepted(run)) for claim in games.claims.values())


def run_accepted(run) -> bytes:
    (job,) = run.played.view.ledger.rounds[0].jobs
    return decision_of(job)[1]


def test_an_evil_server_that_claims_a_lie_loses_its_bonds_and_nobody_honest_a_wei():
    run = outcome_of(**REFEREED | {"server": "claiming"})

    assert_nobody_is_wronged(run)
    assert run.summary.model_hash == retrained(run)
    assert bonds_won(run.played, run.played.server.address) == -2 * BOND, "its claim, and its challenge"
    turns = {game.turn for game in run.played.view.ledger.games.challenges.values()}
    assert turns == {GameTurn.UPHELD, GameTurn.REFUTED}


def test_a_server_that_announces_a_model_of_its_own_plays_no_more_rounds_and_nobody_honest_loses():
    run = outcome_of(**REFEREED | {"rounds": 4, "server": "forging"})

    ledger = run.played.view.ledger
    assert_nobody_is_wronged(run)
    assert (ledger.refuted.version, len(ledger.rounds)) == (2, 1)
    assert version_in(ledger, None)[2] == 1, "what can be taken home"
    assert run.summary.warning == "version 2 is not what was accepted: no round can follow"


def test_an_attack_has_not_failed_where_a_model_stands_that_nobody_trained(monkeypatch):
    attack = next(it for it in all_attacks(1) if it.options.server == "forging")
    monkeypatch.setattr(Refuter, "act", lambda *_: Turn([]))

    run = outcome_of(**REFEREED | {"server": "forging"})

    assert not result_of(attack, run.played, run.summary).has_failed


def test_without_an_honest_answer_a_lie_that_all_seats_tell_stands():
    """What the watcher is for: the same committee with a server that looks is overruled, as the next test shows."""
    run = outcome_of(**REFEREED | {"evil": 3})

    assert run.summary.wrong_accepted == 1


def test_a_server_that_watches_overrules_a_committee_that_is_evil_in_every_seat():
    run = outcome_of(**REFEREED | {"evil": 3, "audit_rate": 1.0})

    assert run.summary.wrong_accepted == 0
    assert run.summary.model_hash == retrained(run)
    assert run.summary.wei["burnt"] == 3 * ETHER, "the server gets no bounty"


@pytest.mark.slow
def test_honest_seats_whose_disputant_does_not_move_lose_the_job(monkeypatch):
    """The lie stands alone then: what the play stops."""
    monkeypatch.setattr(Disputant, "act", lambda *_: Turn([]))
    with rollback():
        run = simulate(Chain(), **REFEREED | {"evil": 2, "behaviour": "claiming"})

    assert run.summary.wrong_accepted == 1


@pytest.mark.slow
@pytest.mark.parametrize("attack", [it for it in all_attacks(1) if it.options.has_game], ids=lambda attack: attack.name)
def test_every_fight_of_the_table_fails(attack):
    options = {name: getattr(attack.options, name) for name in attack.options.__slots__}

    run = outcome_of(**options)

    assert result_of(attack, run.played, run.summary).has_failed
    assert (run.summary.model_hash == retrained(run)) is (attack.options.server != "forging")
