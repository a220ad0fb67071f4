"""A job as a row of seats, its clock, its candidates, and how it was or will be decided."""

from mlchain.live.event_lines import decided_by
from mlchain.page.amounts import Json, amount, hash_text
from mlchain.protocol.content import chunk_count
from mlchain.protocol.rounds import VOID, Candidate, Job, Outcome, Phase, Round, Verdict, outcome, phase

SETTLED = {
    Verdict.REWARDED: "paid",
    Verdict.RELEASED: "released",
    Verdict.SLASHED: "slashed",
    Verdict.ABSENT: "absent",
}
# What a seat can be shown as, and what that means.
STATES = {
    "drawn": "its answer is awaited",
    "committed": "it has committed to a result that nobody has shown",
    "shown": "its result is a candidate",
    "agrees": "it agrees with the leader, the candidate that has a quorum",
    "differs": "it has committed to another result than the leader",
    "proposed": "it has proposed a candidate",
    "published": "it has published bytes of a candidate",
    "paid": "it was paid",
    "released": "it was released without pay",
    "slashed": "it lost its stake",
    "absent": "it never committed, and paid the absence fee",
}


def job_shown(current: Round, job: Job, now: int, dispute: Json) -> Json:
    """Return a job as it is shown at the time `now`, in the chain's seconds, with how a dispute about it stands."""
    at, terms = phase(job, now), job.terms
    decided, accepted = job.decision or outcome(job, now)
    ends = {Phase.COMMIT: job.commit_end, Phase.PROPOSE: job.publish_end, Phase.REFEREE: job.referee_end}.get(at)
    return {
        "round": current.number,
        "job": job.index,
        "address": job.address,
        "phase": at.name.lower(),
        "ends": ends,
        "committed": len(job.commitments),
        "settled": len(job.settlements),
        "quorum": terms.quorum,
        "reward": amount(terms.reward),
        "seats": [_seat(job, seat) for seat in range(terms.seats)],
        "candidates": [_candidate(job, hash_, it, accepted) for hash_, it in job.candidates.items()],
        "decision": None if decided is Outcome.UNDECIDED else decided_by(decided, job),
        "accepted": None if accepted == VOID else hash_text(accepted),
        "forecast": forecast(job, now),
        "dispute": dispute,
    }


def forecast(job: Job, now: int) -> Json:
    """Return how an undecided job will end if nothing more happens in it, and when; None while commits are awaited."""
    if phase(job, now) not in (Phase.PROPOSE, Phase.REFEREE):
        return None
    for when in sorted({job.challenge_end, job.publish_end, job.referee_end}):
        decided = outcome(job, when)[0]
        if decided is not Outcome.UNDECIDED:
            return [decided_by(decided, job), when]
    return None


def seat_state(job: Job, seat: int) -> str:
    """Return which of `STATES` a seat is in."""
    settlement = job.settlements.get(seat)
    if settlement:
        return SETTLED[settlement.verdict]
    if seat not in job.commitments:
        return "drawn"
    worker = job.committee[seat]
    if any(it.chunks_by(worker) for it in job.candidates.values()):
        return "published"
    if any(it.proposer == worker for it in job.candidates.values()):
        return "proposed"
    opened, leader = job.opened_by(seat), job.leader
    if leader is None:
        return "committed" if opened is None else "shown"
    if opened is None:
        return "committed"
    return "agrees" if opened == leader else "differs"


def _seat(job: Job, seat: int) -> Json:
    settlement = job.settlements.get(seat)
    return [job.committee[seat], seat_state(job, seat), amount(settlement.gain) if settlement else None]


def _candidate(job: Job, hash_: bytes, candidate: Candidate, accepted: bytes) -> Json:
    return {
        "hash": hash_text(hash_),
        "votes": candidate.votes,
        "proposer": candidate.proposer,
        "chunks": len(candidate.chunks),
        "of": chunk_count(job.terms.result_size),
        "leads": hash_ == job.leader,
        "accepted": hash_ == accepted,
    }
