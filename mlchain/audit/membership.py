"""The pool and what its members take home."""

from mlchain.audit.case import Bench, Case
from mlchain.audit.findings import Check
from mlchain.protocol.ledger import Log
from mlchain.protocol.pool import LOOK_BACK


def check_admission(case: Case, log: Log) -> None:
    """Take in who may join a permissioned pool."""
    worker = log.arguments["worker"]
    (case.admitted.add if log.arguments["admitted"] else case.admitted.discard)(worker)


def check_joined(case: Case, log: Log) -> None:
    """Check that a joiner pays what is missing to its stake and goes to the end of the pool."""
    it, ledger = log.arguments, case.ledger
    bench = _bench(case, log, it["worker"])
    bench.hold(it["worker"] not in ledger.pool, "it was a member already")
    bench.hold(not case.rules.permissioned or it["worker"] in case.admitted, "it was not admitted")
    bench.equal("its position", it["position"], len(ledger.pool.members))
    bench.equal("what it paid", it["paid"], case.rules.stake - ledger.account(it["worker"]).stake)


def check_left(case: Case, log: Log) -> None:
    """Check that who leaves is the member at that position; where seats are settled, its seat has to come next."""
    it, members = log.arguments, case.ledger.pool.members
    bench = _bench(case, log, it["worker"])
    if bench.hold(it["worker"] in case.ledger.pool, "it left without being a member"):
        bench.equal("its position", it["position"], members.index(it["worker"]))
    if case.due:
        case.removed.append(it["worker"])


def check_withdrawn(case: Case, log: Log) -> None:
    """Check that who withdraws gets the whole credit, and no more; nothing is not withdrawn."""
    owner, amount = log.arguments["account"], log.arguments["amount"]
    bench = _bench(case, log, owner)
    bench.equal("what it took home", amount, case.ledger.account(owner).credit)
    bench.hold(amount > 0, "it took home nothing")


def check_stake_withdrawn(case: Case, log: Log) -> None:
    """Check that a stake goes home whole, and only when no round can ask for it any more."""
    worker, amount = log.arguments["worker"], log.arguments["amount"]
    account, current = case.ledger.account(worker), case.ledger.open_round
    bench = _bench(case, log, worker)
    bench.equal("the stake that it took home", amount, account.stake)
    bench.hold(amount > 0, "it took home nothing")
    if bench.hold(worker not in case.ledger.pool and account.left_at is not None, "it is a member"):
        unlocked = account.left_at + LOOK_BACK + 1
        bench.hold(log.block >= unlocked, f"its stake is locked until block {unlocked}")
        is_free = current is None or current.terms.snapshot_block >= account.left_at
        bench.hold(is_free, "a round that could have drawn it is open")


def _bench(case: Case, log: Log, who: str) -> Bench:
    return Bench(case, Check.POOL, log, who)
