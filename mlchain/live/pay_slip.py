"""A worker's pay slip: its answers, what each earned or lost it and why, and what it can take home.

So has a watcher one, which has no seats: what it got for lies that it has shown, and its bonds.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mlchain.chain.receipts import Receipt
from mlchain.errors import require
from mlchain.live.event_lines import decided_by
from mlchain.protocol.calls import View
from mlchain.protocol.content import chunk_count
from mlchain.protocol.events import (
    BountyPaid,
    Committed,
    Event,
    Joined,
    Left,
    Log,
    Proposed,
    ResultChunkPublished,
    SeatSettled,
    Settled,
    StakeWithdrawn,
    Withdrawn,
)
from mlchain.protocol.game_events import Challenged, Claimed, GameEvent
from mlchain.protocol.rounds import Job, Outcome, Phase, Round, Verdict, phase
from mlchain.protocol.settlement import StakeLock, stake_locks, unlock_block

CostOf = Callable[[str], tuple[str, Receipt] | None]

NOTE = "transactions that the chain refused leave no event: what they cost is not counted"


@dataclass(frozen=True, slots=True)
class Cost:
    """What some transactions cost: how many there are, gas, wei, and how many the node does not know any more."""

    transactions: int
    gas: int
    fee: int
    unknown: int


@dataclass(frozen=True, slots=True)
class JobSlip:
    """A job in which the worker held a seat; `amount` is what it got, or less than 0 what it lost, in wei.

    `result` is the hash of the candidate that its commitment opens to, None if there is none.
    """

    round: int
    job: int
    seat: int
    has_committed: bool
    result: str | None
    decision: str
    verdict: str | None
    amount: int
    why: str
    cost: Cost


@dataclass(frozen=True, slots=True)
class PaySlip:
    """A worker's account; money in wei. `stake_unlocks_at` is a block, None for a member or for who has no stake.

    `bounties` were paid for lies that it has shown. `bonds_won` are those won in challenges less those lost, and
    `bonds_held` are put down, or owed and not taken home; `game` is what claims, challenges and their moves cost.
    """

    worker: str
    is_member: bool
    jobs: list[JobSlip]
    earned: int
    lost: int
    membership: Cost
    cost: Cost
    taken_home: int
    withdrawable: int
    stake: int
    stake_unlocks_at: int | None
    stake_why: str
    bounties: int
    bonds_won: int
    bonds_held: int
    game: Cost
    note: str = NOTE


def pay_slip(view: View, logs: Sequence[Log], worker: str, cost_of: CostOf, bond: int = 0) -> PaySlip:
    """Return the pay slip of `worker`; `cost_of` returns who sent a transaction and what it cost.

    `bond` is what a claim puts down, in wei, where a contract is the referee.

    Raises UserError for somebody who has neither joined nor had a part in a dispute.
    """
    is_known = any(_takes_part(log.event, worker) for log in logs)
    require(is_known, f"{worker} has never joined the pool of this deployment, claimed or challenged a result")
    jobs_of_rounds = [(current, job) for current in view.ledger.rounds for job in current.jobs]
    of_address: dict[str, list[Log]] = defaultdict(list)
    for log in logs:
        of_address[log.address].append(log)
    jobs = [
        _job(view, of_address[job.address], current, job, seat, cost_of)
        for current, job in jobs_of_rounds
        if (seat := job.seat_of(worker)) is not None
    ]
    membership, game = _cost(_membership(logs, worker), cost_of), _cost(_of_game(logs, worker, cost_of), cost_of)
    account = view.ledger.account(worker)
    unlocks_at, is_free, why = _stake(view, worker)
    return PaySlip(
        worker,
        worker in view.ledger.pool,
        jobs,
        earned=sum(max(0, job.amount) for job in jobs),
        lost=sum(max(0, -job.amount) for job in jobs),
        membership=membership,
        cost=_sum([membership, game, *(job.cost for job in jobs)]),
        taken_home=sum(_withdrawn(log.event, worker) for log in logs),
        withdrawable=account.credit + (account.stake if is_free else 0),
        stake=account.stake,
        stake_unlocks_at=unlocks_at,
        stake_why=why,
        bounties=account.bounties,
        bonds_won=view.ledger.games.won(worker) * bond,
        bonds_held=view.ledger.games.held(worker) * bond,
        game=game,
    )


def _job(view: View, logs: Sequence[Log], current: Round, job: Job, seat: int, cost_of: CostOf) -> JobSlip:
    worker, has_committed, settlement = job.committee[seat], seat in job.commitments, job.settlements.get(seat)
    opened = job.opened_by(seat)
    gain, why = 0, _why_open(view, job, has_committed)
    if settlement and job.decision:
        gain = settlement.gain
        why = _why(job, worker, settlement.verdict, job.decision, opened)
    return JobSlip(
        current.number,
        job.index,
        seat,
        has_committed,
        "0x" + opened.hex() if opened else None,
        decided_by(job.decision[0], job)
        if job.decision
        else f"not settled, in the phase {phase(job, view.now).name.lower()}",
        settlement.verdict.name.lower() if settlement else None,
        gain,
        why,
        _cost(_of_job(logs, worker, cost_of), cost_of),
    )


def _why(job: Job, worker: str, verdict: Verdict, decision: tuple[Outcome, bytes], opened: bytes | None) -> str:
    """Return in words why a settled seat got what it got."""
    decided, accepted = decision
    if verdict is Verdict.ABSENT:
        return "it never committed, and pays the absence fee"
    if verdict is Verdict.REWARDED:
        chunks = job.candidates[accepted].chunks_by(worker)
        bonus = f", and published {chunks} of its {chunk_count(job.terms.result_size)} chunks" if chunks else ""
        return f"it committed to the accepted result{bonus}"
    if verdict is Verdict.RELEASED:
        by_referee = decided is Outcome.VOID
        return "the referee called the task broken" if by_referee else "nothing was accepted, and its result was shown"
    if opened is not None and job.is_refuted(opened):
        return "every claim of the result that it committed to was refuted, and it loses its stake"
    if decided is Outcome.FAILED:
        return "nobody ever proposed the result that it committed to"
    other = "another result than the accepted one" if opened else "a result that nobody proposed"
    return f"it committed to {other}, and loses its stake"


def _why_open(view: View, job: Job, has_committed: bool) -> str:
    if phase(job, view.now) is Phase.COMMIT:
        return "its answer is awaited" if not has_committed else "it waits for the others"
    return "its seat is not settled yet"


def _takes_part(event: Event, worker: str) -> bool:
    match event:
        case Joined(worker=actor) | Claimed(claimant=actor) | Challenged(challenger=actor) | BountyPaid(finder=actor):
            return actor == worker
    return False


def _stake(view: View, worker: str) -> tuple[int | None, bool, str]:
    """Return the block in which a stake can go home, whether it can in the next one, and why in words."""
    locks = stake_locks(view.ledger, worker, view.block + 1)
    unlocks_at = unlock_block(view.ledger.account(worker).left_at or 0)
    if StakeLock.MEMBERSHIP in locks:
        return None, False, f"it is in the pool; a stake unlocks {unlock_block(0)} blocks after leaving"
    if StakeLock.NO_STAKE in locks:
        return None, False, "there is none"
    if StakeLock.OPEN_ROUND in locks:
        number = len(view.ledger.rounds)
        return unlocks_at, False, f"it unlocks at block {unlocks_at}, but not before round {number} is settled"
    if StakeLock.RECENTLY_LEFT in locks:
        return unlocks_at, False, f"it unlocks at block {unlocks_at}, {unlocks_at - view.block} blocks from now"
    return unlocks_at, True, "it can be withdrawn"


def _of_job(logs: Sequence[Log], worker: str, cost_of: CostOf) -> set[str]:
    """Return the transactions by which a worker acted in a job; who settled, only a receipt tells."""
    own = {log.transaction for log in logs if _actor(log.event) == worker}
    settling = {log.transaction for log in logs if isinstance(log.event, Settled)}
    return own | {hash_ for hash_ in settling if (cost_of(hash_) or (None,))[0] == worker}


def _of_game(logs: Sequence[Log], worker: str, cost_of: CostOf) -> set[str]:
    """Return the transactions by which a worker claimed, challenged and moved; who did, only a receipt tells."""
    played = {log.transaction for log in logs if isinstance(log.event, GameEvent)}
    return {hash_ for hash_ in played if (cost_of(hash_) or (None,))[0] == worker}


def _actor(event: Event) -> str | None:
    """Return who acted in a job, if the event names somebody."""
    match event:
        case Committed(worker=actor) | Proposed(proposer=actor) | ResultChunkPublished(publisher=actor):
            return actor
    return None


def _withdrawn(event: Event, worker: str) -> int:
    """Return what a worker took home by an event, in wei."""
    match event:
        case Withdrawn(owner, amount) | StakeWithdrawn(owner, amount):
            return amount if owner == worker else 0
    return 0


def _membership(logs: Sequence[Log], worker: str) -> set[str]:
    """Return the transactions by which a worker joined, left and took its money home."""
    settling = {log.transaction for log in logs if isinstance(log.event, SeatSettled)}  # these remove workers, too
    moved = {log.transaction for log in logs if isinstance(log.event, Joined | Left) and log.event.worker == worker}
    return (moved | {log.transaction for log in logs if _withdrawn(log.event, worker)}) - settling


def _cost(transactions: Iterable[str], cost_of: CostOf) -> Cost:
    found = [cost_of(hash_) for hash_ in transactions]
    known = [it[1] for it in found if it is not None]
    gas, fee = sum(receipt.gas for receipt in known), sum(receipt.fee for receipt in known)
    return Cost(len(found), gas, fee, len(found) - len(known))


def _sum(costs: Sequence[Cost]) -> Cost:
    fields = ((it.transactions, it.gas, it.fee, it.unknown) for it in costs)
    return Cost(*(sum(column) for column in zip(*fields, strict=True)))
