"""What has been counted is the same, however much the ledger knows already; what it cannot know is passed over."""

from dataclasses import replace

import pytest

from mlchain.protocol.events import Committed, Log, Proposed, ResultChunkPublished, Ruled, SeatSettled
from mlchain.protocol.game_events import Claimed
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.records import Records
from mlchain.protocol.rounds import VOID, Verdict
from mlchain.protocol.tally import Ruling, Tally
from tests.actors.scenes import Scene
from tests.actors.stage import SERVER

RESULT, LIE = b"r" * 32, b"l" * 32
CLAIM = Claimed(0, "", RESULT, "worker", bytes(32), ())
SHOWN = (
    *(Committed(seat, "worker", bytes(32)) for seat in range(3)),
    Proposed(LIE, "worker", 1),
    ResultChunkPublished(LIE, 0, "worker", b""),
    Proposed(RESULT, "worker", 2),
    ResultChunkPublished(RESULT, 0, "worker", b""),
    Proposed(b"0" * 32, "stranger", 0),
)


def test_seats_of_a_round_before_a_ledger_begins_are_passed_over():
    ledger = Ledger("server")
    ledger.rounds = Records(1)
    settled = Log(SeatSettled("job", "worker", 0, Verdict.ABSENT, 5), "registry", 7, 0, 1_000, "0x")

    assert Tally.of(ledger, [settled], []).unsettled == 0
    ledger.fold(settled)
    assert ledger.accounts == {}


@pytest.mark.parametrize("has_game", [True, False])
@pytest.mark.parametrize(
    ("decided", "ruling"),
    [
        ((), Ruling.NONE),
        ((Ruled(RESULT),), Ruling.ACCEPT),
        ((Ruled(VOID),), Ruling.VOID),
        ((CLAIM, CLAIM), Ruling.DISPUTED),
        ((CLAIM, Ruled(VOID)), Ruling.VOID),
        ((CLAIM, Ruled(VOID), CLAIM), Ruling.VOID),  # a result that was claimed before can be claimed again
    ],
)
def test_a_job_has_counted_the_same_however_much_the_ledger_knows(has_game, decided, ruling):
    before = Scene().stage.logs
    job = before[-1].event.job
    events = [*SHOWN, *(replace(it, disputed=job) if it is CLAIM else it for it in decided)]
    logs = [*before, *(Log(it, "game" if isinstance(it, Claimed) else job, 99, 0, 1_000, "0x") for it in events)]

    for known in {*range(len(logs) + 1)} - {len(before) - 1}:  # a round and its job are deployed at once
        ledger = Ledger(SERVER, has_game)
        for log in logs[:known]:
            ledger.fold(log)
        tally = Tally.of(ledger, logs[known:], ledger.open_round.jobs if ledger.open_round else [])
        assert tally.jobs[job].words == {0: 3, 2: 2 if has_game else 3, 5: 1, 6: ruling}
