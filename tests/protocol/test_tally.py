"""Where a ledger begins with a round that it does not know, what is settled of that round counts for nothing."""

from mlchain.protocol.events import Log, SeatSettled
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.records import Records
from mlchain.protocol.rounds import Verdict
from mlchain.protocol.tally import Tally


def test_seats_of_a_round_before_a_ledger_begins_are_passed_over():
    ledger = Ledger("server")
    ledger.rounds = Records(1)
    settled = Log(SeatSettled("job", "worker", 0, Verdict.ABSENT, 5), "registry", 7, 0, 1_000, "0x")

    assert Tally.of(ledger, [settled], []).unsettled == 0
    ledger.fold(settled)
    assert ledger.accounts == {}
