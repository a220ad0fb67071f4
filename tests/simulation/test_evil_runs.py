"""Simulations with evil workers: what the guarantees promise, end to end on a chain."""

import pytest

from mlchain.chain.connection import Chain
from mlchain.errors import UserError
from mlchain.simulation import simulator
from mlchain.simulation.books import check_books
from mlchain.simulation.options import Options
from mlchain.simulation.simulator import Simulation
from tests.contracts.chain_control import rollback
from tests.simulation.runs import (
    SMALL,
    assert_nobody_is_wronged,
    assert_nothing_is_kept,
    jobs_of,
    outcome_of,
    pay_of,
    retrained,
)

ETHER = 10**18


@pytest.mark.slow
@pytest.mark.parametrize("behaviour", ["colluding", "silent", "wrong"])
def test_four_of_ten_evil_end_with_the_model_of_ten_honest(behaviour):
    run = outcome_of(evil=4, behaviour=behaviour)

    assert_nobody_is_wronged(run)
    assert run.summary.model_hash == retrained(run)


@pytest.mark.parametrize("behaviour", ["colluding", "wrong"])
def test_half_evil_and_no_referee_accept_nothing_wrong_and_slash_nobody_honest(behaviour):
    run = outcome_of(**SMALL | {"evil": 2, "behaviour": behaviour, "referee": "none"})

    assert (run.summary.wrong_accepted, run.summary.honest_slashed) == (0, 0)
    first = jobs_of(run)[0]
    assert (first.outcome, first.accepted_hash) == ("failed", None)
    assert_nothing_is_kept(run)


@pytest.mark.slow
def test_five_of_ten_evil_and_no_referee_accept_nothing_wrong():
    run = outcome_of(evil=5, referee="none")

    assert (run.summary.wrong_accepted, run.summary.honest_slashed) == (0, 0)
    assert_nothing_is_kept(run)


def test_several_jobs_of_several_seats_all_go_into_the_model():
    run = outcome_of(task="fake", workers=9, jobs=3, committee=2, quorum=2, rounds=1, evil=1, behaviour="wrong", seed=3)

    jobs = jobs_of(run)
    assert len(jobs) == 3
    assert all(job.seats == 2 and job.outcome == "accepted" for job in jobs)
    assert len({job.accepted_hash for job in jobs}) == 3
    assert_nobody_is_wronged(run)


def test_the_quorum_asked_for_is_the_one_on_the_chain():
    run = outcome_of(**SMALL | {"quorum": 4, "rounds": 1})

    assert run.played.view.ledger.rounds[0].terms.quorum == 4


def test_a_committee_that_is_evil_in_every_seat_lies_unless_it_is_audited():
    choices = SMALL | {"workers": 3, "evil": 3, "rounds": 1}

    unaudited, audited = outcome_of(**choices), outcome_of(**choices, audit_rate=1.0)

    assert unaudited.summary.wrong_accepted == 1
    assert jobs_of(unaudited)[0].decided_by == "unanimity"
    assert audited.summary.wrong_accepted == 0
    assert jobs_of(audited)[0].decided_by == "referee"
    assert {pay.slashed for pay in audited.summary.pay} == {ETHER}
    terms = audited.played.view.ledger.rounds[0].terms
    assert terms.challenge_window == terms.publish_window
    assert_nothing_is_kept(unaudited)
    assert_nothing_is_kept(audited)


def test_the_books_balance_before_anybody_has_gone_home():
    with rollback():
        chain = Chain()
        choices = Options(**SMALL | {"evil": 1, "behaviour": "wrong"})
        simulation = Simulation(chain, choices, lambda _done, _what: None)
        run = simulation.run
        while not run.server.is_done(chain.view().ledger):
            simulation._step()
        run.view = chain.view()

        check_books(chain, run)

        assert run.view.ledger.owed > 3 * ETHER


def test_when_all_are_silent_the_referee_brings_the_results():
    run = outcome_of(**SMALL | {"workers": 2, "evil": 2, "behaviour": "silent"})

    assert run.summary.model_hash == retrained(run)
    assert [job.decided_by for job in jobs_of(run)] == ["referee", "referee"]
    assert {pay.slashed for pay in run.summary.pay} == {2 * ETHER // 10}
    assert_nothing_is_kept(run)


def test_when_all_are_silent_and_no_referee_is_there_the_model_stays_as_it_is():
    run = outcome_of(**SMALL | {"workers": 2, "evil": 2, "behaviour": "silent", "referee": "none"})

    assert [current.version for current in run.summary.rounds] == [1, 1]
    assert [job.decided_by for job in jobs_of(run)] == ["no quorum, referee silent"] * 2
    assert_nothing_is_kept(run)


def test_one_worker_is_enough():
    run = outcome_of(**SMALL | {"workers": 1})

    assert run.summary.model_hash == retrained(run)
    assert_nobody_is_wronged(run)


def test_slashed_workers_register_again_while_their_funds_last(monkeypatch):
    monkeypatch.setattr(simulator, "WORKER_FUNDS", 26 * ETHER // 10)  # two stakes, and what it wants to keep for gas

    run = outcome_of(**SMALL | {"workers": 3, "evil": 1, "rounds": 4})

    (evil,) = pay_of(run, "colluding")
    assert [loss.round for loss in evil.losses] == [1, 2]
    assert [job.seats for job in jobs_of(run)] == [3, 3, 2, 2]
    assert run.summary.gas["WorkerRegistry.join"]["count"] == 4
    assert_nobody_is_wronged(run)


def test_when_nobody_is_left_it_ends_with_one_sentence(monkeypatch):
    monkeypatch.setattr(simulator, "WORKER_FUNDS", 16 * ETHER // 10)

    with pytest.raises(UserError, match=r"^nobody can continue: too few workers are left to deploy another round$"):
        outcome_of(**SMALL | {"workers": 1, "evil": 1, "audit_rate": 1.0})


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_a_crowd_of_every_kind_in_many_committees_wrongs_nobody(seed):
    run = outcome_of(
        task="fake",
        workers=24,
        evil=11,
        behaviour="colluding,silent,wrong",
        jobs=4,
        committee=5,
        rounds=3,
        seed=seed,
        audit_rate=1,
    )

    assert run.summary.honest_slashed == run.summary.wrong_accepted == 0
    assert_nothing_is_kept(run)
