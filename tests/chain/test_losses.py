"""What an account has lost follows from what it paid in and took out, however it went in and out."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from mlchain.chain.checkpoint import Checkpoint
from mlchain.protocol.events import Joined, StakeWithdrawn
from mlchain.protocol.ledger import Account

STAKE, FEE = 10, 1  # ten fees are as much as a stake
# A membership ends by a fee, by a slash, or neither yet or at all; then what is left may be taken home.
MEMBERSHIPS = st.lists(st.tuples(st.sampled_from([0, FEE, STAKE]), st.booleans()), max_size=20)


@given(MEMBERSHIPS)
def test_losses_are_told_from_joins_and_withdrawals(memberships):
    events, held = [], 0
    for loss, goes_home in memberships:
        events.append(Joined("worker", 0, STAKE - held))
        held = STAKE - loss
        if goes_home and held:
            events.append(StakeWithdrawn("worker", held))
            held = 0
    account = Account(stake=held)

    deployment = SimpleNamespace(parameters=SimpleNamespace(stake=STAKE))
    Checkpoint._add_losses(SimpleNamespace(_deployment=deployment), account, events)

    losses = [loss for loss, _ in memberships]
    assert (account.lost, account.slashes) == (sum(losses), losses.count(STAKE))
