"""What an account has lost follows from what it paid in and took out, however it went in and out."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.chain.checkpoint import Checkpoint
from mlchain.chain.node_errors import NodeError
from mlchain.protocol.events import Joined, Left, StakeWithdrawn
from mlchain.protocol.ledger import Account

STAKE, FEE = 10, 1  # ten fees are as much as a stake
# A membership ends by a fee, by a slash, or by neither; then what is left may be taken home.
MEMBERSHIPS = st.lists(st.tuples(st.sampled_from([0, FEE, STAKE]), st.booleans()), max_size=20)


def played(memberships, stays):
    """Return the logs of these memberships, of which the last may not have ended, and the account after them."""
    logs, held, left = [], 0, None

    def log(event):
        logs.append(SimpleNamespace(event=event, block=len(logs)))

    for loss, goes_home in memberships:
        log(Joined("worker", 0, STAKE - held))
        log(Left("worker", 0))
        held, left = STAKE - loss, logs[-1].block
        if goes_home and held:
            log(StakeWithdrawn("worker", held))
            held = 0
    if stays:
        log(Joined("worker", 0, STAKE - held))
        held, left = STAKE, None
    return logs, Account(stake=held, left_at=left)


def add_losses(account, logs):
    deployment = SimpleNamespace(parameters=SimpleNamespace(stake=STAKE, absence_fee=FEE), block=0)
    Checkpoint._add_losses(SimpleNamespace(_deployment=deployment), account, logs)


@given(MEMBERSHIPS, st.booleans())
def test_losses_are_told_from_joins_and_withdrawals(memberships, stays):
    logs, account = played(memberships, stays)

    add_losses(account, logs)

    losses = [loss for loss, _ in memberships]
    assert (account.lost, account.slashes) == (sum(losses), losses.count(STAKE))


@pytest.mark.parametrize("kind", [Joined, Left])
@given(MEMBERSHIPS, st.booleans(), st.data())
def test_a_node_that_leaves_out_when_an_account_joined_or_left_is_found_out(kind, memberships, stays, data):
    """Without a second joining, the stake that was lost before it was not lost: --max-loss allowed one more."""
    logs, account = played([(STAKE, False), *memberships], stays)
    places = [place for place, log in enumerate(logs) if isinstance(log.event, kind)]
    missing = data.draw(st.sets(st.sampled_from(places), min_size=1))

    with pytest.raises(NodeError, match="leaves out that the account joined or left"):
        add_losses(account, [log for place, log in enumerate(logs) if place not in missing])
