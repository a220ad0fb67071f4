"""The pool and what its members take home."""

from mlchain.audit.findings import Check
from mlchain.audit.state import AuditState, EventCheck
from mlchain.protocol.events import AdmissionSet, Joined, Left, Log, StakeWithdrawn, Withdrawn
from mlchain.protocol.settlement import StakeLock, stake_locks, unlock_block


def note_admission(state: AuditState, event: AdmissionSet) -> None:
    """Take in who may join a permissioned pool; where seats are settled, its seat has to come next."""
    if state.due:
        state.barred.append(event.worker)
    (state.admitted.add if event.admitted else state.admitted.discard)(event.worker)


def check_joined(state: AuditState, log: Log, event: Joined) -> None:
    """Check that a joiner pays what is missing to its stake and goes to the end of the pool."""
    ledger, worker = state.ledger, event.worker
    check = EventCheck(state, Check.POOL, log, worker)
    check.expect(worker not in ledger.pool, "it was a member already")
    check.expect(not state.rules.permissioned or worker in state.admitted, "it was not admitted")
    check.expect_equal("its position", event.position, len(ledger.pool.members))
    check.expect_equal("what it paid", event.paid, state.rules.stake - ledger.account(worker).stake)


def check_left(state: AuditState, log: Log, event: Left) -> None:
    """Check that who leaves is the member at that position; where seats are settled, its seat has to come next."""
    worker, pool = event.worker, state.ledger.pool
    check = EventCheck(state, Check.POOL, log, worker)
    if check.expect(worker in pool, "it left without being a member"):
        check.expect_equal("its position", event.position, pool.members.index(worker))
    if state.due:
        state.removed.append(worker)


def check_withdrawn(state: AuditState, log: Log, event: Withdrawn) -> None:
    """Check that who withdraws gets the whole credit, and no more; nothing is not withdrawn."""
    check = EventCheck(state, Check.POOL, log, event.account)
    check.expect_equal("what it took home", event.amount, state.ledger.account(event.account).credit)
    check.expect(event.amount > 0, "it took home nothing")


def check_stake_withdrawn(state: AuditState, log: Log, event: StakeWithdrawn) -> None:
    """Check that a stake goes home whole, and only when no round can ask for it any more."""
    worker, amount = event.worker, event.amount
    locks = stake_locks(state.ledger, worker, log.block)
    check = EventCheck(state, Check.POOL, log, worker)
    account = state.ledger.account(worker)
    check.expect_equal("the stake that it took home", amount, account.stake)
    check.expect(amount > 0, "it took home nothing")
    if check.expect(StakeLock.MEMBERSHIP not in locks and account.left_at is not None, "it is a member"):
        unlocked = unlock_block(account.left_at or 0)
        check.expect(StakeLock.RECENTLY_LEFT not in locks, f"its stake is locked until block {unlocked}")
        check.expect(StakeLock.OPEN_ROUND not in locks, "a round that could have drawn it is open")
