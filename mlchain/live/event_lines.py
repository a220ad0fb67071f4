"""A line for every event, for a person who looks on."""

from collections.abc import Callable, Mapping
from datetime import datetime, timezone

from mlchain.protocol.calls import Shortfall
from mlchain.protocol.ledger import Ledger, Log
from mlchain.protocol.rounds import ETHER, Outcome, Verdict

ACCEPTED = {
    Outcome.UNANIMOUS: "accepted by unanimity",
    Outcome.UNCONTESTED: "accepted, uncontested",
    Outcome.QUORUM: "accepted by quorum",
    Outcome.RULED: "accepted by the referee",
    Outcome.FAILED: "failed: no quorum",
    Outcome.VOID: "void: the task is broken",
}


def line_of(log: Log, ledger: Ledger, own: str) -> str:
    """Return one line on an event that `ledger` has taken in; `own` is the address of who reads it."""
    told = _TOLD.get(log.name, _told_plainly)
    when = datetime.fromtimestamp(log.timestamp, timezone.utc).strftime("%H:%M:%S")
    return f"{when} block {log.block}  {told(_Names(ledger, own), log)}"


def ether(wei: int) -> str:
    """Return an amount in ether without trailing zeros."""
    return f"{wei / ETHER:.6f}".rstrip("0").rstrip(".") + " ether"


def lack_of(it: Shortfall, address: str) -> str:
    """Return what somebody at `address` has too little of, in a sentence."""
    return f"{address} has {ether(it.has)} and needs {ether(it.needs)}: {it.purpose}"


def counted(number: int, what: str) -> str:
    """Return a number of things."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


class _Names:
    """What jobs and people are called."""

    def __init__(self, ledger: Ledger, own: str) -> None:
        self._own = own
        self._ledger = ledger

    def job(self, address: str) -> str:
        """Return a job's place in the history."""
        job = self._ledger.job_at(address)
        return f"round {self._ledger.round_of(job).number} job {job.index}" if job else "round ? job ?"

    def person(self, address: str) -> str:
        """Return a short address, or "you"."""
        return "you" if address == self._own else f"{address[:6]}…{address[-4:]}"


def _told_plainly(names: _Names, log: Log) -> str:
    return log.name


def _joined(names: _Names, log: Log) -> str:
    it = log.arguments
    return f"{names.person(it['worker'])} joined the pool at position {it['position']}, paying {ether(it['paid'])}"


def _left(names: _Names, log: Log) -> str:
    return f"{names.person(log.arguments['worker'])} left the pool"


def _round_deployed(_names: _Names, log: Log) -> str:
    it = log.arguments
    jobs, seats, quorum = it["terms"][2:5]
    size = f"{counted(jobs, 'job')} of {counted(seats, 'seat')}, quorum {quorum}"
    return f"round {it['round']}: {size}, on version {it['modelVersion']} of the model"


def _job_deployed(names: _Names, log: Log) -> str:
    return f"{names.job(log.arguments['job'])} is at {log.arguments['job']}"


def _committed(names: _Names, log: Log) -> str:
    it = log.arguments
    return f"{names.job(log.address)}: seat {it['seat']} committed ({names.person(it['worker'])})"


def _proposed(names: _Names, log: Log) -> str:
    it = log.arguments
    return f"{names.job(log.address)}: a result with {it['votes']} votes, proposed by {names.person(it['proposer'])}"


def _chunk_published(names: _Names, log: Log) -> str:
    it = log.arguments
    size = f"chunk {it['index']}, {len(it['chunk']):,} bytes"
    if "version" in it:
        return f"model version {it['version']}: {size}"
    return f"{names.job(log.address)}: {size} of a result, published by {names.person(it['publisher'])}"


def _ruled(names: _Names, log: Log) -> str:
    ruling = "accepts a result" if any(log.arguments["resultHash"]) else "calls the task broken"
    return f"{names.job(log.address)}: the referee {ruling}"


def _settled(names: _Names, log: Log) -> str:
    it = log.arguments
    return f"{names.job(log.address)}: {ACCEPTED[Outcome(it['outcome'])]}, {it['seats']} seats settled"


def _seat_settled(names: _Names, log: Log) -> str:
    it = log.arguments
    said = {
        Verdict.REWARDED: f"gets {ether(it['amount'])}",
        Verdict.RELEASED: "is released unpaid",
        Verdict.SLASHED: f"loses its stake, {ether(it['amount'])}",
        Verdict.ABSENT: f"never committed and pays {ether(it['amount'])}",
    }[Verdict(it["verdict"])]
    return f"{names.job(it['job'])}: seat {it['seat']} ({names.person(it['worker'])}) {said}"


def _round_closed(_names: _Names, log: Log) -> str:
    return f"the round is closed, {ether(log.arguments['remainder'])} of its escrow is left to the server"


def _round_opened(_names: _Names, log: Log) -> str:
    return f"{log.arguments['seats']} seats are paid for with {ether(log.arguments['escrow'])}"


def _version_announced(_names: _Names, log: Log) -> str:
    it = log.arguments
    parent = f"follows version {it['parent']}" if it["parent"] else "is the first"
    return f"model version {it['version']} of {it['size']:,} bytes {parent}: 0x{bytes(it['contentHash']).hex()[:8]}…"


def _withdrawn(names: _Names, log: Log) -> str:
    return f"{names.person(log.arguments['account'])} took home {ether(log.arguments['amount'])}"


def _stake_withdrawn(names: _Names, log: Log) -> str:
    return f"{names.person(log.arguments['worker'])} took home its stake, {ether(log.arguments['amount'])}"


def _admission_set(names: _Names, log: Log) -> str:
    it = log.arguments
    return f"{names.person(it['worker'])} {'may' if it['admitted'] else 'may no longer'} join"


_TOLD: Mapping[str, Callable[[_Names, Log], str]] = {
    "Joined": _joined,
    "Left": _left,
    "AdmissionSet": _admission_set,
    "RoundOpened": _round_opened,
    "RoundDeployed": _round_deployed,
    "JobDeployed": _job_deployed,
    "RoundClosed": _round_closed,
    "Committed": _committed,
    "Proposed": _proposed,
    "ChunkPublished": _chunk_published,
    "Ruled": _ruled,
    "Settled": _settled,
    "SeatSettled": _seat_settled,
    "VersionAnnounced": _version_announced,
    "Withdrawn": _withdrawn,
    "StakeWithdrawn": _stake_withdrawn,
}
