"""Watches jobs without a seat in them: computes them again, and disputes what is wrong."""

from collections.abc import Callable

from mlchain.actors.disputant import Disputant
from mlchain.actors.refuter import Refuter
from mlchain.protocol.calls import Call, Turn, View, earliest, missing_chunks, together
from mlchain.protocol.content import content_hash
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import Job, Phase, Round, phase
from mlchain.tasks.task import CannotTrain, Trainer


class Watcher:
    """Decides from what it reads on the chain alone.

    `open_task` returns who trains the jobs of a round. `chooses` tells of a (round, job) whether it is computed again
    even where nobody disagrees; where the seats do, a watcher of disagreements comes after their time. `bring_data`
    fetches what is announced and not here. `refuter` looks after the versions of the model.
    """

    def __init__(
        self,
        address: str,
        disputant: Disputant,
        open_task: Callable[[Round], Trainer],
        chooses: Callable[[int, int], bool],
        is_called_by_disagreement: bool = True,
        bring_data: Callable[[Ledger], None] = lambda _ledger: None,
        refuter: Refuter | None = None,
    ) -> None:
        self.address = address
        self.is_leaving = False
        self._disputant = disputant
        self._open_task = open_task
        self._chooses = chooses
        self._is_called = is_called_by_disagreement
        self._bring_data = bring_data
        self._refuter = refuter
        self._results: dict[str, bytes] = {}  # of the open round, by the address of the job

    def act(self, view: View) -> Turn:
        """Return what to do in `view`; whatever of it the chain has already is not done again."""
        current = view.ledger.open_round
        turns = [self.collect(view)] + ([self._refuter.act(view)] if self._refuter else [])
        if current is not None and not self.is_leaving:
            turns += [self.watch(view, current, job) for job in current.jobs]
        return together(turns)

    def collect(self, view: View) -> Turn:
        """Return what ends games, and brings home bonds and, when it leaves, what it has found."""
        bonds = self._disputant.collect(view)
        if not self.is_leaving or not view.ledger.account(self.address).credit:
            return bonds
        return Turn([*bonds.calls, Call("WorkerRegistry", "withdraw")], bonds.wake)

    def is_done(self, view: View) -> bool:
        """Return whether a watcher that leaves has all its bonds, and has withdrawn what it has found."""
        account = view.ledger.account(self.address)
        return self.is_leaving and not self.has_bonds(view) and not account.credit

    def has_bonds(self, view: View) -> bool:
        """Return whether bonds of the watcher are still in the game."""
        return self._disputant.has_bonds(view)

    def watch(self, view: View, current: Round, job: Job) -> Turn:
        """Return what to do about a job."""
        if phase(job, view.now) not in (Phase.PROPOSE, Phase.REFEREE):
            return Turn([], _next(view.now, job.commit_end))
        is_chosen = self._chooses(current.number, job.index)
        if not is_chosen and not (self._is_called and (job.is_disputed or self._is_split(job))):
            return Turn([], _next(view.now, job.publish_end))
        try:
            right = self._right(view, current, job)
        except CannotTrain as error:
            return Turn([], notice=f"job {job.index} of round {current.number} is not watched: {error}")
        time = job.commit_end + (job.terms.challenge_window // 2 if is_chosen else 5 * job.terms.publish_window // 8)
        contests = self._contests(job, content_hash(right), is_chosen, view.now >= time)
        # Where it has nothing to contest yet, seats come first: their honest ones are paid for what they show.
        share = 0.0 if contests else 1.0
        turn = self._disputant.act(view, job, right, contests, share, lambda: bring(view, job, right))
        return Turn(
            turn.calls, earliest(turn.wake, _next(view.now, time, job.publish_end)), turn.shortfall, notice=turn.notice
        )

    @staticmethod
    def _is_split(job: Job) -> bool:
        """Return whether too few seats have committed, or a candidate is not what all have committed to."""
        too_few = len(job.commitments) < job.terms.quorum
        return too_few or any(it.is_rival and it.votes < len(job.commitments) for it in job.candidates.values())

    @staticmethod
    def _contests(job: Job, right: bytes, is_chosen: bool, is_time: bool) -> bool:
        """Return whether the seats bring something wrong and nothing right, or not what is right in time."""
        candidate = job.candidates.get(right)
        stands = candidate is not None and candidate.votes >= job.terms.quorum and job.is_complete(right)
        if is_time:
            return not stands
        is_lie = any(it.is_rival and hash_ != right for hash_, it in job.candidates.items())
        return is_chosen and is_lie and (candidate is None or not candidate.votes)

    def _right(self, view: View, current: Round, job: Job) -> bytes:
        if job.address not in self._results:
            kept = {it.address for it in current.jobs}
            self._results = {address: it for address, it in self._results.items() if address in kept}
            self._bring_data(view.ledger)
            self._results[job.address] = self._open_task(current).train(*view.ledger.inputs_of(current, job))
        return self._results[job.address]


def _next(now: int, *times: int) -> int | None:
    """Return the first of some times that is to come, None if none is."""
    return min((time for time in times if time > now), default=None)


def bring(view: View, job: Job, result: bytes) -> Turn:
    """Return what proposes a result and publishes the rest of it, without a seat, and after the seats' time for it."""
    result_hash = content_hash(result)
    candidate = job.candidates.get(result_hash)
    if candidate is None:
        return Turn([Call("Job", "proposeAny", (result_hash,), address=job.address)])
    middle = job.commit_end + job.terms.publish_window // 2
    if candidate.votes and view.now < middle:
        return Turn([], middle)
    missing = missing_chunks(result, candidate.chunks)
    return Turn([Call("Job", "publishUnpaid", (result_hash, *chunk), address=job.address) for chunk in missing])
