"""Every attacker, acted out on a chain: it changes nothing but its own pay."""

import pytest
from ape import networks
from click.testing import CliRunner

from mlchain.chain.connection import Chain
from mlchain.simulation.attackers import ATTACKERS, FRONT_RUNNING, PLAYERS
from mlchain.simulation.attacks import Attack, all_attacks, result_of
from mlchain.simulation.options import Options
from scripts import attacks as command
from tests.contracts.chain_control import rollback
from tests.simulation.runs import (
    SMALL,
    assert_nobody_is_wronged,
    assert_nothing_is_kept,
    assert_only_the_evil_are_refused,
    jobs_of,
    outcome_of,
    retrained,
)

ETHER = 10**18
ABSENT = {"silent", "late", "leaving"}  # commit to nothing
RIGHT = {"adaptive", "refusing", "re-entering"}  # answer rightly where somebody honest has a seat
REFUSED = {"late": 4, "forging": 10, "leaving": 4, "sybil": 8, "refusing": 2}
QUICK = {"wrong", "silent", "colluding", "copying", "forging", "replaying", "vanishing", "withholding"}  # one of a kind


def loss_of(behaviour: str) -> int:
    """Return what an attacker loses in two rounds."""
    if behaviour in ABSENT:
        return 2 * ETHER // 10
    if behaviour in RIGHT:
        return 0
    return ETHER if behaviour == "replaying" else 2 * ETHER  # there is nothing to replay in the first round


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(attacker.name, marks=[] if attacker.name in QUICK else pytest.mark.slow)
        for attacker in ATTACKERS
        if attacker is not FRONT_RUNNING
    ],
)
def test_an_attacker_changes_nothing_but_its_own_pay(behaviour):
    run = outcome_of(**SMALL | {"workers": 5, "evil": 2, "behaviour": behaviour})

    assert_nobody_is_wronged(run)
    assert_only_the_evil_are_refused(run)
    assert len(run.played.refused) == REFUSED.get(behaviour, 0)
    assert run.summary.model_hash == retrained(run)
    for pay in run.summary.pay:
        if pay.behaviour == "honest":
            assert pay.earned >= 2 * 10**16
        assert pay.slashed == (0 if pay.behaviour == "honest" else loss_of(behaviour))
        assert (pay.earned > 0) is (pay.slashed < 2 * ETHER // 10 or behaviour == "replaying")


def test_a_front_runner_is_refused_whatever_is_not_its_own_and_changes_nothing():
    run = outcome_of(**SMALL | {"workers": 5, "evil": 1, "behaviour": "front-running"})

    assert_nobody_is_wronged(run)
    assert run.summary.model_hash == retrained(run)
    (runner,) = [worker.address for worker in run.played.workers if not worker.behaviour.is_honest]
    tried = {call.method for address, call in run.played.refused if address == runner}
    overtaken = {call.method for address, call in run.played.refused if address != runner}
    assert tried >= {"commit", "publish"}
    assert overtaken == {"propose", "settle"}, "both are open to anybody, and done all the same"


@pytest.mark.slow
@pytest.mark.parametrize(
    "attack", [it for it in all_attacks(1) if not it.options.has_game], ids=lambda attack: attack.name
)
def test_every_attack_of_the_table_fails(attack):
    run = outcome_of(**{name: getattr(attack.options, name) for name in Options.__slots__})

    assert result_of(attack, run.played, run.summary).has_failed
    assert_nothing_is_kept(run)


def test_the_table_has_every_attacker_alone_and_once_all_together():
    names = [attack.name for attack in all_attacks(1)]

    assert names[: len(ATTACKERS)] == [attacker.name for attacker in ATTACKERS]
    together = next(attack.options for attack in all_attacks(1) if attack.name == "everything at once")
    assert {behaviour.name for behaviour in together.behaviours} == {attacker.name for attacker in ATTACKERS}
    assert {attacker.name for attacker in PLAYERS} <= set(names)
    assert together.evil == len(ATTACKERS) < together.workers / 2
    assert len({attack.options.seed for attack in all_attacks(7)}) == len(names)


def test_an_attack_that_succeeds_is_called_so():
    choices = SMALL | {"workers": 3, "evil": 3, "rounds": 1}
    attack = Attack("unaudited", "all seats lie and nobody looks", Options(**choices))

    run = outcome_of(**choices)

    assert jobs_of(run)[0].decided_by == "unanimity"
    assert not result_of(attack, run.played, run.summary).has_failed


def test_the_command_ends_with_one_sentence_and_status_1_when_an_attack_succeeds(monkeypatch):
    succeeding = Attack("unaudited", "lies", Options(**SMALL | {"workers": 2, "evil": 2, "rounds": 1}))
    failing = Attack("silent", "sleeps", Options(**SMALL | {"workers": 3, "evil": 1, "rounds": 1}))
    choice = networks.provider.network_choice

    def run(*attacks):
        monkeypatch.setattr("mlchain.simulation.attacks.all_attacks", lambda _seed: list(attacks))
        monkeypatch.setattr("mlchain.simulation.simulator.open_chain", lambda _seed: Chain())  # no new one
        with rollback():
            return CliRunner(mix_stderr=False).invoke(command.cli, ["--network", choice])

    ended = run(failing, succeeding)
    assert ended.exit_code == 1
    assert ended.stderr.splitlines()[-1] == "error: these attacks succeeded: unaudited"
    assert "SUCCEEDED" in ended.stdout

    ended = run(failing)
    assert ended.exit_code == 0
    assert ended.stdout.splitlines()[-1] == "all 1 attacks failed"
