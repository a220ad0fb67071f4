"""How much gas a transaction can take at most, whatever others do in the blocks before it.

The bounds hold by the prices of Berlin and all later forks: tests measure the worst cases, and put a few of every kind
into one block in many orders. What a receiver of ether that is a contract spends is not in them.
"""

from mlchain.protocol.calls import Call
from mlchain.protocol.content import chunk_count
from mlchain.protocol.rounds import Job
from mlchain.protocol.terms import RoundTerms

TRANSACTION = 21_000
BYTE = 16  # of a transaction's data
LEAST_PER_BYTE = 40  # whatever else is done (EIP-7623)
LOG_BYTE = 9  # to write it into a log and to hash it

# Without the data of the transaction.
CALLS = {
    "ModelRegistry.announce": 150_000,
    "ModelRegistry.publish": 120_000,
    "WorkerRegistry.setAdmission": 60_000,
    "WorkerRegistry.join": 200_000,
    "WorkerRegistry.leave": 200_000,
    "WorkerRegistry.withdraw": 60_000,
    "WorkerRegistry.withdrawStake": 80_000,
    "JobFactory.announceData": 30_000,
    "JobFactory.scheduleRound": 100_000,
    "JobFactory.deployRound": 350_000,
    "Job.commit": 120_000,
    "Job.propose": 150_000,
    "Job.proposeAny": 150_000,
    "Job.publish": 150_000,
    "Job.publishUnpaid": 150_000,
    "Job.rule": 100_000,
    "Job.ruleVoid": 100_000,
    "Job.settle": 150_000,
    "VersionReferee.refuteByCount": 150_000,
    "VersionReferee.refuteByJob": 250_000,
    "VersionReferee.refuteByWeight": 4_000_000,  # of a round of the most jobs
    "Disputes.claim": 600_000,
    "Disputes.challenge": 300_000,
    "Disputes.open": 250_000,
    "Disputes.pick": 150_000,
    "Disputes.reveal": 150_000,
    "Disputes.pickEntry": 100_000,
    "Disputes.prove": 1_500_000,
    "Disputes.provePadding": 400_000,
    "Disputes.finish": 1_400_000,  # of a last claim: it looks who has voted for the result
    "Disputes.succeed": 100_000,
    "Disputes.release": 120_000,
    "Disputes.withdraw": 80_000,
}
SETTLE_JOB = CALLS["Job.settle"]
SETTLE_SEAT = 100_000  # whose worker may have to be removed from the pool
SETTLE_CHUNK = 2_500  # of the accepted result, whose publisher is looked up
PROPOSE_SEAT = 4_000  # whose commitment is compared
DEPLOY_JOB = 100_000


def gas_bound(call: Call, data: bytes, job: Job | None) -> int | None:
    """Return the most gas that a transaction with this data can take; None for one that nothing is known of.

    `job` is the one that it is for, if any.
    """
    bound = CALLS.get(call.kind)
    if bound is None:
        return None
    match call.method, call.arguments, job:
        case "settle", (list() as seats, *_), Job() as it:
            bound += len(seats) * SETTLE_SEAT + chunk_count(it.terms.result_size) * SETTLE_CHUNK
        case "propose" | "proposeAny", _, Job() as it:
            bound += it.terms.seats * PROPOSE_SEAT
        case "deployRound", (RoundTerms() as terms, *_), _:
            bound += terms.jobs * DEPLOY_JOB
    return TRANSACTION + max(bound + len(data) * (BYTE + LOG_BYTE), len(data) * LEAST_PER_BYTE)


def seats_per_batch(gas_limit: int, chunks: int) -> int:
    """Return how many seats of a job, whose result has so many chunks, are settled at once.

    They fit half a block, since others want to use it, too.
    """
    return max(1, (gas_limit // 2 - SETTLE_JOB - chunks * SETTLE_CHUNK) // SETTLE_SEAT)


def settle_calls(job: Job, gas_limit: int) -> list[Call]:
    """Return what settles every seat of a decided job that is left, in batches that fit a block."""
    seats, size = job.unsettled, seats_per_batch(gas_limit, chunk_count(job.terms.result_size))
    batches = [seats[start : start + size] for start in range(0, len(seats), size)]
    return [Call("Job", "settle", (batch,), address=job.address) for batch in batches]
