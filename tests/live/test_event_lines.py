"""Every event of the contracts has a line of its own that a person can read."""

import pytest
from ape import project

from mlchain.chain.deployment import CONTRACTS
from mlchain.live import event_lines
from mlchain.live.event_lines import counted, ether, line_of
from mlchain.protocol.ledger import Ledger, Log
from tests.actors.scenes import Scene

FACTORY = "0x" + 40 * "f"
OWN = "0x" + 40 * "1"


def test_no_event_is_left_without_a_line():
    events = {
        event.name
        for name in CONTRACTS
        if name != "Counter"
        for event in project.get_contract(name).contract_type.events
    }

    assert set(event_lines._TOLD) == events


@pytest.mark.parametrize(
    ("name", "arguments", "line"),
    [
        ("Joined", {"worker": OWN, "position": 3, "paid": 10**18}, "you joined the pool at position 3, paying 1 ether"),
        ("Left", {"worker": FACTORY, "position": 3}, "0xffff…ffff left the pool"),
        ("RoundClosed", {"remainder": 10**15}, "the round is closed, 0.001 ether of its escrow is left to the server"),
        ("Withdrawn", {"account": OWN, "amount": 5 * 10**17}, "you took home 0.5 ether"),
        ("AdmissionSet", {"worker": OWN, "admitted": False}, "you may no longer join"),
    ],
)
def test_a_line_says_when_where_and_what(name, arguments, line):
    log = Log(name, FACTORY, arguments, 12, 0, 3_723)

    assert line_of(log, Ledger(FACTORY), OWN) == f"01:02:03 block 12  {line}"


def test_what_happens_in_a_job_is_told_with_its_place():
    scene = Scene()
    log = Log("Ruled", scene.job.address, {"resultHash": bytes(32)}, 12, 0, 0)

    assert line_of(log, scene.stage.ledger, OWN).endswith("round 1 job 0: the referee calls the task broken")


@pytest.mark.parametrize(("wei", "said"), [(0, "0 ether"), (10**18, "1 ether"), (10**12, "0.000001 ether")])
def test_amounts_are_in_ether(wei, said):
    assert ether(wei) == said


@pytest.mark.parametrize(("number", "said"), [(0, "0 jobs"), (1, "1 job"), (1_000, "1,000 jobs")])
def test_things_are_counted(number, said):
    assert counted(number, "job") == said
