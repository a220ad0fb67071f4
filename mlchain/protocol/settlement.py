"""What every seat of a decided job gets, and when a stake may be withdrawn: twin of `Job` and `WorkerRegistry`."""

from collections.abc import Mapping
from enum import Enum

from mlchain.protocol.content import chunk_count
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.pool import MAX_SNAPSHOT_AGE
from mlchain.protocol.rounds import VOID, Job, Outcome, Verdict
from mlchain.protocol.terms import RoundTerms


def verdict_of(job: Job, seat: int, decision: tuple[Outcome, bytes]) -> Verdict:
    """Return what a seat gets when its job is decided, on the outcome and the hash of the accepted result."""
    decided, accepted = decision
    if seat not in job.commitments:
        return Verdict.ABSENT
    if decided is Outcome.VOID:
        return Verdict.RELEASED
    if accepted == VOID:
        shown = job.opened_by(seat)
        return Verdict.SLASHED if shown is None or job.is_refuted(shown) else Verdict.RELEASED
    return Verdict.REWARDED if job.opens(seat, accepted) else Verdict.SLASHED


def amount_of(verdict: Verdict, terms: RoundTerms, chunks: int, stake: int, absence_fee: int) -> int:
    """Return what a seat is paid or loses, in wei.

    `chunks` of the accepted result were published by it, `stake` is what its holder has in the registry.
    """
    match verdict:
        case Verdict.REWARDED:
            return terms.reward + chunks * (terms.bonus // chunk_count(terms.result_size))
        case Verdict.SLASHED:
            return stake
        case Verdict.ABSENT:
            return absence_fee
        case Verdict.RELEASED:
            return 0


def forfeited(terms: RoundTerms, verdicts: Mapping[int, Verdict], decided: Outcome, chunks: int) -> int:
    """Return what of a job's pay, in wei, is burnt when its seats get these verdicts, on an outcome.

    A ruling costs the server the whole pay of the job, whatever it rules. The part of the bonus that no seat earns goes
    with seat 0; `chunks` of the accepted result were published by seats.
    """
    if decided not in (Outcome.RULED, Outcome.VOID):
        return 0
    unpaid = terms.reward * sum(verdict is not Verdict.REWARDED for verdict in verdicts.values())
    unearned = terms.bonus - chunks * (terms.bonus // chunk_count(terms.result_size))
    return unpaid + (unearned if 0 in verdicts else 0)


class StakeLock(Enum):
    """What keeps a stake in the registry, by the error with which `withdrawStake` reverts."""

    MEMBERSHIP = "StakeInUse"
    NO_STAKE = "NothingToWithdraw"
    RECENTLY_LEFT = "StakeLocked"
    OPEN_ROUND = "RoundIsOpen"


def unlock_block(left_at: int) -> int:
    """Return the first block in which a stake can be withdrawn whose owner left the pool in block `left_at`."""
    return left_at + MAX_SNAPSHOT_AGE + 1


def stake_locks(ledger: Ledger, owner: str, block: int) -> list[StakeLock]:
    """Return what keeps a stake from being withdrawn in a block, in the order in which the registry checks it.

    A round holds only the stakes of those who left after its snapshot block, since it may have drawn them.
    """
    account, current = ledger.account(owner), ledger.open_round
    left_at = account.left_at or 0
    holds = {
        StakeLock.MEMBERSHIP: owner in ledger.pool,
        StakeLock.NO_STAKE: account.stake == 0,
        StakeLock.RECENTLY_LEFT: block < unlock_block(left_at),
        StakeLock.OPEN_ROUND: current is not None and current.snapshot_block < left_at,
    }
    return [lock for lock, is_held in holds.items() if is_held]
