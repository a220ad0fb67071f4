"""Every event of the contracts has a line of its own that a person can read."""

from dataclasses import fields
from typing import get_args

import pytest

from mlchain.live.event_lines import counted, line_of
from mlchain.protocol.announcements import recipe_announcement
from mlchain.protocol.events import (
    AdmissionSet,
    DataAnnounced,
    JobEvent,
    Joined,
    Left,
    Log,
    RegistryEvent,
    RoundClosed,
    Ruled,
    Withdrawn,
)
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import Outcome, Verdict
from mlchain.protocol.terms import RoundTerms
from tests.actors.scenes import Scene

FACTORY = "0x" + 40 * "f"
OWN = "0x" + 40 * "1"


def test_no_event_is_left_without_a_line():
    scene = Scene()
    examples = {int: 1, str: scene.job.address, bytes: b"x", bool: True, RoundTerms: scene.terms()}
    examples |= {Verdict: Verdict.REWARDED, Outcome: Outcome.RULED}
    for kind in get_args(RegistryEvent | JobEvent):
        event = kind(*(examples[field.type] for field in fields(kind)))

        line = line_of(Log(event, scene.job.address, 12, 0, 0), scene.stage.ledger, OWN)

        assert not line.endswith(Log(event, FACTORY, 12, 0, 0).name)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Joined(OWN, 3, 10**18), "you joined the pool at position 3, paying 1 ether"),
        (Left(FACTORY, 3), "0xffff…ffff left the pool"),
        (RoundClosed(10**15), "the round is closed, 0.001 ether of its escrow is left to the server"),
        (Withdrawn(OWN, 5 * 10**17), "you took home 0.5 ether"),
        (DataAnnounced(*recipe_announcement(b"x")), "the rounds will train by the recipe 0x7521d1ca…"),
        (DataAnnounced(bytes(32), "http://a/x"), "the data set 0x00000000… is at http://a/x"),
        (AdmissionSet(OWN, False), "you may no longer join"),
    ],
)
def test_a_line_says_when_where_and_what(event, line):
    log = Log(event, FACTORY, 12, 0, 3_723)

    assert line_of(log, Ledger(FACTORY), OWN) == f"01:02:03 block 12  {line}"


def test_what_happens_in_a_job_is_told_with_its_place():
    scene = Scene()
    log = Log(Ruled(bytes(32)), scene.job.address, 12, 0, 0)

    assert line_of(log, scene.stage.ledger, OWN).endswith("round 1 job 0: the referee calls the task broken")


@pytest.mark.parametrize(("number", "said"), [(0, "0 jobs"), (1, "1 job"), (1_000, "1,000 jobs")])
def test_things_are_counted(number, said):
    assert counted(number, "job") == said
