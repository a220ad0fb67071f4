"""A deployment whose referee is a contract, on a live network: programs dispute by themselves, and nobody rules."""

import time
from collections.abc import Callable

import pytest
from ape import networks

from mlchain.chain.connection import Chain
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import Outcome, Verdict
from tests.live.testbed import LiveTestbed

PATIENCE = 600  # seconds
JUMP = 200  # seconds that time is pushed on by, again and again: a clock of a game has 600


def play(bed: LiveTestbed, end: float, is_over: Callable[[], bool], can_jump: Callable[[], bool]) -> None:
    """Let the programs go on until it is over, and push time on while that keeps nobody from anything."""
    while not is_over():
        assert time.monotonic() < end, "\n".join(bed.programs.log(name)[-1500:] for name in bed.names)
        if can_jump():
            bed.node.ask("evm_increaseTime", JUMP)
        time.sleep(5)


def ledger_of(bed: LiveTestbed) -> Ledger:
    """Return what the deployment's history comes to."""
    with networks.parse_network_choice(bed.network_choice(bed.node.url)):
        chain = Chain()
        chain.follow(bed.deployment)
        return chain.view().ledger


@pytest.mark.slow
def test_a_watcher_without_a_stake_shows_the_lie_of_all_seats_and_takes_its_bounty_home(tmp_path):
    cast = {"bob": "colluding", "carol": "claiming", "dora": "watching"}

    with LiveTestbed(tmp_path, cast, 1, referee="contract") as bed:
        bed.start_all()
        end = time.monotonic() + PATIENCE
        play(bed, end, lambda: bed.has_ended("server"), lambda: "you claimed" in bed.programs.log("dora"))
        ledger = ledger_of(bed)

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

        def is_over() -> bool:
            return bed.has_ended("server") and "no round can follow" in bed.programs.log("alice")

        play(bed, time.monotonic() + PATIENCE, is_over, lambda: "you)" in bed.programs.log("alice"))  # has committed
        ledger = ledger_of(bed)

        assert (ledger.refuted.version, ledger.refuted.finder) == (2, bed.address_of("dora"))
        assert bed.address_of("alice") not in ledger.pool
        assert ledger.account(bed.address_of("alice")).lost == 0
        assert len(ledger.rounds) <= 2, "one round at most trains a wrong version"
