"""The evil behaviours: each changes an honest worker in the few places where it attacks."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import cast

from mlchain.actors.behaviours import HONEST, Assignment, Behaviour
from mlchain.actors.worker import Worker
from mlchain.protocol.calls import Call, View
from mlchain.protocol.content import chunk_hashes, content_hash, split
from mlchain.simulation.liars import Play, PlayingBehaviour

# What to answer


def _keep_silent(_: Assignment) -> None:
    return None


def _spoil_alone(assignment: Assignment) -> bytes:
    return _spoil(assignment.solve(), assignment.worker)


def _spoil_together(assignment: Assignment) -> bytes:
    return _spoil(assignment.solve(), assignment.job.address)


def _spoil_in_two_camps(assignment: Assignment) -> bytes:
    return _spoil(assignment.solve(), f"{assignment.job.address} camp {int(assignment.worker, 16) % 2}")


def _repeat_the_last_round(assignment: Assignment) -> bytes:
    """Answer with what was accepted in the round before, which everybody can read; in the first round, honestly."""
    before = assignment.view.ledger.rounds[:-1]
    accepted = before[-1].accepted_results() if before else []
    return accepted[0] if accepted else assignment.solve()


def _lie_if_nobody_contradicts(assignment: Assignment) -> bytes:
    """Lie with the cartel where it holds every seat that has committed; elsewhere be paid for the truth."""
    job = assignment.job
    outsiders = any(job.committee[seat] not in assignment.cartel for seat in job.commitments)
    return assignment.solve() if outsiders else _spoil_together(assignment)


def _spoil(result: bytes, key: str) -> bytes:
    """Return a result of the same size that differs from the honest one and for every key, in its first 16 bytes.

    The odd first byte of the mask keeps it from being zero. The rest stays: a lie that is hard to see is the best one.
    """
    mask = bytearray(hashlib.sha256(key.encode()).digest()[:16])
    mask[0] |= 1
    return bytes(byte ^ bit for byte, bit in zip(result, mask, strict=False)) + result[len(mask) :]


# When to commit, and to what


def _all_outsiders_have_committed(assignment: Assignment) -> bool:
    job = assignment.job
    outsiders = {seat for seat, holder in enumerate(job.committee) if holder not in assignment.cartel}
    return outsiders <= set(job.commitments)


def _somebody_has_committed(assignment: Assignment) -> bool:
    return bool(assignment.job.commitments)


def _copy_a_commitment(assignment: Assignment, _: bytes | None) -> bytes | None:
    return next(iter(assignment.job.commitments.values()), None)


def _seal_junk(assignment: Assignment, _: bytes | None) -> bytes:
    return hashlib.sha256(assignment.worker.encode()).digest()


# What to try besides


def _publish_forgeries(assignment: Assignment) -> list[Call]:
    """Propose the lie before a ruling comes, then publish a wrong chunk under its list of hashes, and one that fits."""
    result, job = _spoil_together(assignment), assignment.job
    result_hash = content_hash(result)
    if assignment.view.now < job.commit_end:
        return []
    if result_hash not in job.candidates:
        return [assignment.call("propose", assignment.seat, result_hash)]
    forged = _spoil(result, "forged")
    return [
        assignment.call("publish", assignment.seat, result_hash, 0, chunk_hashes(source), split(forged)[0])
        for source in (result, forged)
    ]


def _run_with_the_stake(_: Assignment) -> list[Call]:
    return [Call("WorkerRegistry", "leave"), Call("WorkerRegistry", "withdrawStake")]


def _sit_on_several_seats(assignment: Assignment) -> list[Call]:
    """Join a second time, and answer for the seat of another of the owner's addresses."""
    job, sealed = assignment.job, assignment.seal(content_hash(_spoil_together(assignment)))
    others = [seat for seat, holder in enumerate(job.committee) if holder in assignment.cartel - {assignment.worker}]
    return [
        Call("WorkerRegistry", "join", value=assignment.view.stake),
        *[assignment.call("commit", seat, sealed) for seat in others],
    ]


def _take_pay_home(assignment: Assignment) -> list[Call]:
    credit = assignment.view.ledger.account(assignment.worker).credit
    return [Call("WorkerRegistry", "withdraw")] if credit else []


def _be_first(assignment: Assignment, coming: Call) -> list[Call]:
    """Send what somebody else is about to send to this job, in one's own name; from one's own seat if it has to be."""
    if coming.address != assignment.job.address:
        return []
    if coming.method in ("commit", "publish"):
        return [assignment.call(coming.method, assignment.seat, *coming.arguments[1:])]
    return [coming]


def _commit_to_what_is_proposed(assignment: Assignment, coming: Call) -> list[Call]:
    if coming.address != assignment.job.address or coming.method != "propose":
        return []
    _seat, result_hash = coming.arguments
    return [assignment.call("commit", assignment.seat, assignment.seal(cast(bytes, result_hash)))]


# What is sent ahead of others


def sent_ahead(
    view: View, workers: Sequence[Worker], coming: Sequence[tuple[object, Call]]
) -> list[tuple[Worker, Call]]:
    """Return what front-runners get into the block before the transactions of (sender, call) that they see coming."""
    return [
        (watcher, ahead)
        for watcher in workers
        if watcher.behaviour.watches_others
        for sender, call in coming
        if sender is not watcher
        for ahead in watcher.front_run(view, call)
    ]


# The attackers


class OnReceiving(Enum):
    """What a worker's contract does when it is sent ether."""

    ACCEPT = auto()
    REFUSE = auto()
    RE_ENTER = auto()


@dataclass(frozen=True, slots=True)
class ContractBehaviour(Behaviour):
    """The behaviour of a worker that is a contract instead of a key: `on_receiving` is what it does with its pay."""

    on_receiving: OnReceiving = OnReceiving.ACCEPT


SILENT = Behaviour("silent", False, "never commits", _keep_silent)
VANISHING = Behaviour("vanishing", False, "commits to junk and vanishes", _keep_silent, seal=_seal_junk)
WRONG = Behaviour("wrong", False, "proposes a rival, so that the referee is called", _spoil_alone)
COLLUDING = Behaviour("colluding", False, "answers with the lie of its cartel", _spoil_together)
CAMPS = Behaviour("camps", False, "cartel in two camps, with a lie each", _spoil_in_two_camps)
COPYING = Behaviour(
    "copying", False, "copies the first commitment it sees", _keep_silent, _copy_a_commitment, _somebody_has_committed
)
LATE = Behaviour(
    "late", False, "commits to a result that it was shown", _keep_silent, front_runs=_commit_to_what_is_proposed
)
REPLAYING = Behaviour("replaying", False, "answers with the last round's result", _repeat_the_last_round)
WITHHOLDING = Behaviour(
    "withholding", False, "proposes a lie and keeps its bytes back", _spoil_together, publishes=False
)
FORGING = Behaviour(
    "forging",
    False,
    "publishes other chunks than it proposed",
    _spoil_together,
    proposes=False,
    publishes=False,
    tries=_publish_forgeries,
)
LEAVING = Behaviour("leaving", False, "runs with its stake when it is drawn", _keep_silent, tries=_run_with_the_stake)
SYBIL = Behaviour(
    "sybil",
    False,
    "one owner, many addresses that share seats",
    _spoil_together,
    tries=_sit_on_several_seats,
)
FRONT_RUNNING = Behaviour(
    "front-running", False, "sends what others send before they do", _keep_silent, front_runs=_be_first
)
ADAPTIVE = Behaviour(
    "adaptive",
    False,
    "decides last, lies if its cartel is alone",
    _lie_if_nobody_contradicts,
    is_ready=_all_outsiders_have_committed,
)
REFUSING = ContractBehaviour(
    "refusing",
    False,
    "contract that refuses its pay",
    tries=_take_pay_home,
    on_receiving=OnReceiving.REFUSE,
)
RE_ENTERING = ContractBehaviour(
    "re-entering",
    False,
    "contract that withdraws while it is paid",
    tries=_take_pay_home,
    on_receiving=OnReceiving.RE_ENTER,
)

CLAIMING = PlayingBehaviour("claiming", False, "claims its lie, and answers every move", _spoil_together)
STALLING = PlayingBehaviour(
    "stalling", False, "claims, challenges, moves in the last seconds", _spoil_together, play=Play.STALL
)
PADDING = PlayingBehaviour("padding", False, "claims with junk where nothing is", _spoil_together, play=Play.PAD)
QUARRELLING = PlayingBehaviour("quarrelling", False, "challenges every claim", _spoil_together, play=Play.QUARREL)

ATTACKERS = (
    SILENT,
    VANISHING,
    WRONG,
    COLLUDING,
    CAMPS,
    COPYING,
    LATE,
    REPLAYING,
    WITHHOLDING,
    FORGING,
    LEAVING,
    SYBIL,
    FRONT_RUNNING,
    ADAPTIVE,
    REFUSING,
    RE_ENTERING,
)
PLAYERS = (CLAIMING, STALLING, PADDING, QUARRELLING)  # where a contract decides
BEHAVIOURS = {behaviour.name: behaviour for behaviour in (HONEST, *ATTACKERS, *PLAYERS)}
