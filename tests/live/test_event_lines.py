"""Every event of the contracts has a line of its own that a person can read."""

from dataclasses import fields, replace
from typing import get_args

import pytest

from mlchain.live.event_lines import ACCEPTED, counted, line_of
from mlchain.protocol.announcements import recipe_announcement
from mlchain.protocol.events import (
    AdmissionSet,
    BountyPaid,
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
from mlchain.protocol.game_events import (
    BondsWithdrawn,
    Challenged,
    Claimed,
    Decided,
    EntryPicked,
    GameEvent,
    GameTurn,
    Opened,
    Picked,
    Released,
    Revealed,
    Succeeded,
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
    examples |= {GameTurn: GameTurn.MOOT, tuple[bytes, ...]: (b"x",)}
    for kind in get_args(RegistryEvent | JobEvent | GameEvent):
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


def test_every_outcome_has_words():
    assert set(ACCEPTED) == set(Outcome) - {Outcome.UNDECIDED}


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Claimed(1, "job", b"x", OWN, b"", ()), "round 1 job 0: you claimed a result: claim 1"),
        (Claimed(2, FACTORY, b"x", OWN, b"", ()), "round ? job ?: you claimed a result: claim 2"),
        (Challenged(3, 0, OWN, 5), "round 1 job 0: you challenged claim 0: challenge 3"),
        (Opened(0, (b"x", b"y")), "round 1 job 0: 2 nodes were opened in challenge 0"),
        (Picked(0, 5), "round 1 job 0: 0xffff…ffff picked a node in challenge 0"),
        (Revealed(0, b"leaf"), "round 1 job 0: a leaf of 4 bytes was revealed in challenge 0"),
        (EntryPicked(0, 7), "round 1 job 0: 0xffff…ffff picked entry 7 of the leaf in challenge 0"),
        (Decided(0, 0, GameTurn.UPHELD), "round 1 job 0: challenge 0 has failed, and claim 0 stands against it"),
        (Decided(0, 0, GameTurn.REFUTED), "round 1 job 0: challenge 0 has refuted claim 0"),
        (Decided(0, 0, GameTurn.MOOT), "round 1 job 0: challenge 0 is over, since another has refuted claim 0"),
        (Released(0), "round 1 job 0: claim 0 stands, and its bond goes back to you"),
        (Succeeded(0), "round 1 job 0: claim 0 now speaks for its result, in place of a refuted one"),
        (BondsWithdrawn(OWN, 2 * 10**17), "you took home bonds, 0.2 ether"),
        (
            BountyPaid("job", OWN, 5 * 10**17),
            "round 1 job 0: 0.5 ether of slashed stakes for you, whose claim stands",
        ),
    ],
)
def test_what_happens_between_claims_is_told_with_its_place(event, line):
    scene = Scene()
    ledger, job = scene.stage.ledger, scene.job.address
    for first in (Claimed(0, job, b"x", OWN, bytes(32), (b"x", b"y")), Challenged(0, 0, FACTORY, 1)):
        ledger.fold(Log(first, "game", 11, 0, 0))
    if "job" in fields_named(event):
        event = replace(event, **{fields_named(event)["job"]: job})

    assert line_of(Log(event, "game", 12, 0, 0), ledger, OWN) == f"00:00:00 block 12  {line}"


def fields_named(event):
    """Return the names of an event's fields by what they are."""
    return {getattr(event, field.name): field.name for field in fields(event) if field.type is str}
