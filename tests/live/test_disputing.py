"""A deployment whose referee is a contract, on a live network: programs dispute by themselves, and nobody rules."""

import time

import pytest
from ape import networks

from mlchain.chain.connection import Chain
from mlchain.protocol.rounds import Outcome, Verdict
from tests.live.testbed import LiveTestbed

PATIENCE = 600  # seconds
JUMP = 200  # seconds that time is pushed on by, again and again: a clock of a game has 600


@pytest.mark.slow
def test_a_watcher_without_a_stake_shows_the_lie_of_all_seats_and_takes_its_bounty_home(tmp_path):
    cast = {"bob": "colluding", "carol": "claiming", "dora": "watching"}

    with LiveTestbed(tmp_path, cast, 1, referee="contract") as bed:
        bed.start_all()
        end = time.monotonic() + PATIENCE
        while not bed.has_ended("server"):
            assert time.monotonic() < end, "\n".join(bed.programs.log(name)[-1500:] for name in bed.names)
            if "you claimed" in bed.programs.log("dora"):
                bed.node.ask("evm_increaseTime", JUMP)
            time.sleep(5)
        with networks.parse_network_choice(bed.network_choice(bed.node.url)):
            chain = Chain()
            chain.follow(bed.deployment)
            ledger = chain.view().ledger

        (job,) = ledger.rounds[0].jobs
        assert job.decision[0] is Outcome.UPHELD
        assert {seat.verdict for seat in job.settlements.values()} == {Verdict.SLASHED}
        assert ledger.account(bed.address_of("dora")).bounties == bed.deployment.parameters.stake

        place = bed._command("dora", 0.5)
        bed.kill("dora")
        bed.programs.start("dora", *place, "--leave")
        while not bed.has_ended("dora"):
            assert time.monotonic() < end, bed.programs.log("dora")
            time.sleep(1)
        assert int(bed.node.ask("eth_getBalance", bed.address_of("dora"), "latest"), 16) > 100 * 10**18


@pytest.mark.slow
def test_a_watcher_refutes_a_model_that_nobody_trained_and_all_go_home(tmp_path):
    with LiveTestbed(tmp_path, {"alice": "honest", "dora": "watching"}, 3, referee="contract", forges=True) as bed:
        bed.start_all()
        end = time.monotonic() + PATIENCE
        while not (bed.has_ended("server") and "no round can follow" in bed.programs.log("alice")):
            assert time.monotonic() < end, "\n".join(bed.programs.log(name)[-1500:] for name in bed.names)
            if "you)" in bed.programs.log("alice"):  # it has committed
                bed.node.ask("evm_increaseTime", JUMP)
            time.sleep(5)
        with networks.parse_network_choice(bed.network_choice(bed.node.url)):
            chain = Chain()
            chain.follow(bed.deployment)
            ledger = chain.view().ledger

        assert (ledger.refuted.version, ledger.refuted.finder) == (2, bed.address_of("dora"))
        assert bed.address_of("alice") not in ledger.pool
        assert ledger.account(bed.address_of("alice")).lost == 0
        assert len(ledger.rounds) <= 2, "one round at most trains a wrong version"
