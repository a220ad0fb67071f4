"""A worker: joins, answers for its seats, makes sure that its answer is proposed, and takes its money home."""

from collections.abc import Callable
from functools import partial

from mlchain.actors.behaviours import Assignment, Behaviour
from mlchain.actors.disputant import Disputant, heirs
from mlchain.protocol.calls import Call, Shortfall, Turn, View, earliest, missing_chunks, together
from mlchain.protocol.content import content_hash
from mlchain.protocol.gas import settle_calls
from mlchain.protocol.ledger import Account, Ledger
from mlchain.protocol.rounds import Candidate, Job, Phase, Round, phase
from mlchain.protocol.settlement import StakeLock, stake_locks
from mlchain.tasks.task import CannotTrain, Trainer


def _has_all(_: Ledger) -> None:
    return None


def _no_objection(_: Account) -> None:
    return None


class Worker:
    """Decides from what it reads on the chain alone; what it remembers it could compute again.

    `open_task` returns who trains the jobs of a round, and raises `CannotTrain` for one that is declined. `objection`
    tells of what the account has lost why nothing more is to be staked, in words. `cartel` are the addresses that an
    evil worker acts together with, its own among them. `bring_data` is called before the worker joins or trains: it
    fetches what is announced and not here, and raises `CannotTrain` where that, or what is announced, cannot be done.
    `disputant` plays for it where a contract decides what seats disagree on.
    """

    def __init__(
        self,
        address: str,
        behaviour: Behaviour,
        open_task: Callable[[Round], Trainer],
        gas_reserve: int,
        cartel: frozenset[str] = frozenset(),
        objection: Callable[[Account], str | None] = _no_objection,
        bring_data: Callable[[Ledger], None] = _has_all,
        disputant: Disputant | None = None,
    ) -> None:
        self.address = address
        self.behaviour = behaviour
        self.is_leaving = False
        self._open_task = open_task
        self._gas_reserve = gas_reserve
        self._cartel = cartel
        self._objection = objection
        self._bring_data = bring_data
        self._disputant = disputant
        self._answers: dict[str, bytes | None] = {}
        self._declined: dict[str, CannotTrain] = {}  # by the address of the job
        self._tried: set[str] = set()

    def act(self, view: View) -> Turn:
        """Return what to do in `view`; whatever of it the chain has already is not done again."""
        end = str(view.ledger.refuted) if view.ledger.refuted else None
        objection = self._objection(view.ledger.account(self.address)) or end
        self.is_leaving = self.is_leaving or objection is not None
        if self.is_leaving and (calls := self._go_home(view)):
            return Turn(calls, notice=objection)  # before any work, which may fail or take long
        membership = Turn([]) if self.is_leaving else self._join(view)
        turn, bonds = self._work(view), self._disputant.collect(view) if self._disputant else Turn([])
        return together([Turn([], notice=objection), membership, turn, bonds])

    def is_done(self, view: View) -> bool:
        """Return whether a worker that leaves has left, and has withdrawn everything."""
        account = view.ledger.account(self.address)
        is_out = self.address not in view.ledger.pool
        has_bonds = self._disputant is not None and self._disputant.has_bonds(view)
        return self.is_leaving and is_out and not account.stake and not account.credit and not has_bonds

    def front_run(self, view: View, coming: Call) -> list[Call]:
        """Return what this worker sends ahead of somebody else's transaction that it sees coming."""
        assignment = self._assignment(view)
        return self._untried(assignment, self.behaviour.front_runs(assignment, coming)) if assignment else []

    # Membership

    def _join(self, view: View) -> Turn:
        if self.address in view.ledger.pool:
            return Turn([])
        missing = view.stake - view.ledger.account(self.address).stake
        needs, has = missing + self._gas_reserve, view.balance_of(self.address)
        if has < needs:
            lacks = Shortfall("its stake, and what it keeps for gas", needs, has)
            return Turn([], shortfall=None if self._assignment(view) else lacks)
        try:  # who cannot open the task would pay for its absence, round after round
            self._bring_data(view.ledger)
            if view.ledger.rounds:
                self._open_task(view.ledger.rounds[-1])
        except CannotTrain as error:
            return Turn([], notice=f"not joining: {error}")
        return Turn([Call("WorkerRegistry", "join", value=missing)])

    def _go_home(self, view: View) -> list[Call]:
        if self.address in view.ledger.pool:
            return [Call("WorkerRegistry", "leave")]
        calls = []
        if view.ledger.account(self.address).credit:
            calls.append(Call("WorkerRegistry", "withdraw"))
        if not stake_locks(view.ledger, self.address, view.block + 1):
            calls.append(Call("WorkerRegistry", "withdrawStake"))
        return calls

    # Work

    def _work(self, view: View) -> Turn:
        assignment = self._assignment(view)
        if assignment is None:
            return self._free_stake(view)
        steps = {Phase.COMMIT: self._commit, Phase.DECIDED: self._settle}
        try:
            turn = steps.get(phase(assignment.job, view.now), self._show)(assignment)
            tried = self._untried(assignment, self.behaviour.tries(assignment))
            dispute = self._dispute(assignment)
        except CannotTrain as error:
            self._declined = {assignment.job.address: error}
            return Turn([], notice=f"seat {assignment.seat} is declined: {error}")
        # What is shown for a dispute is shown in its order.
        calls = turn.calls if turn.calls else dispute.calls
        return Turn(tried + calls, earliest(turn.wake, dispute.wake), dispute.shortfall, notice=dispute.notice)

    def _assignment(self, view: View) -> Assignment | None:
        """Return the unsettled seat that this worker holds, if any."""
        current = view.ledger.open_round
        if current is None:
            return None
        for job in current.jobs:
            seat = job.seat_of(self.address)
            if seat is not None and seat not in job.settlements:
                solve = partial(self._solve, view, current, job)
                return Assignment(self.address, job, seat, view, solve, self._cartel)
        return None

    def _commit(self, assignment: Assignment) -> Turn:
        job, view = assignment.job, assignment.view
        if assignment.seat in job.commitments:
            return Turn([])
        last_moment = job.commit_deadline - job.terms.commit_window // 10
        if view.now < last_moment and not self.behaviour.is_ready(assignment):
            return Turn([], last_moment)
        sealed = self.behaviour.seal(assignment, self._result(assignment))
        return Turn([] if sealed is None else [assignment.call("commit", assignment.seat, sealed)])

    def _show(self, assignment: Assignment) -> Turn:
        """Propose and publish what one has committed to, at one's turn, so that not everybody pays for it."""
        job, seat, view = assignment.job, assignment.seat, assignment.view
        result = self._result(assignment)
        if result is None:
            return Turn([])
        result_hash = content_hash(result)
        if not job.opens(seat, result_hash):
            return Turn([])
        candidate = job.candidates.get(result_hash)
        turn = job.commit_end + seat * (job.terms.publish_window // 2) // job.terms.seats
        if view.now < turn:
            return Turn([], turn)
        if candidate is None and (view.now >= job.publish_end or not self.behaviour.proposes):
            return Turn([])
        proposal = [] if candidate else [assignment.call("propose", seat, result_hash)]
        if job.votes_for(result_hash) < job.terms.quorum or not self.behaviour.publishes:
            return Turn(proposal)
        return Turn([*proposal, *_publish(assignment, result, candidate)])

    def _dispute(self, assignment: Assignment) -> Turn:
        """Claim one's result where others show another one, or too few the same, and play what follows from that."""
        job, seat = assignment.job, assignment.seat
        if self._disputant is None or assignment.view.now < job.commit_end or seat not in job.commitments:
            return Turn([])
        result = self._result(assignment)
        if result is None or not job.opens(seat, result_hash := content_hash(result)):
            return Turn([])
        candidate, quorum = job.candidates.get(result_hash), job.terms.quorum
        has_rival = any(hash_ != result_hash and it.is_rival for hash_, it in job.candidates.items())
        contests = has_rival or (candidate is not None and candidate.votes < quorum)

        def show() -> Turn:
            if candidate is None:
                return Turn([assignment.call("propose", seat, result_hash)])
            return Turn(_publish(assignment, result, candidate))

        return self._disputant.act(assignment.view, job, result, contests, seat / job.terms.seats, show)

    def _settle(self, assignment: Assignment) -> Turn:
        """Settle one's own seat when the server has had its time to or, if one leaves, every seat that is left."""
        if self.is_leaving:
            return self._free_stake(assignment.view)
        patience = _patience(assignment.job)
        if assignment.view.now < patience:
            return Turn([], patience)
        calls = heirs(assignment.view, assignment.job)
        return Turn([*calls, assignment.call("settle", [assignment.seat])])

    def _free_stake(self, view: View) -> Turn:
        """Settle every seat of the round that keeps the stake of one who has left, once the server has had its time."""
        current = view.ledger.open_round
        if current is None or StakeLock.OPEN_ROUND not in stake_locks(view.ledger, self.address, view.block + 1):
            return Turn([])
        unsettled = [job for job in current.jobs if not job.is_settled]
        late = [job for job in unsettled if view.now >= _patience(job)]
        calls = [call for job in late for call in (*heirs(view, job), *settle_calls(job, view.gas_limit))]
        return Turn(calls, earliest(*(_patience(job) for job in unsettled if job not in late)))

    def _result(self, assignment: Assignment) -> bytes | None:
        """Return what this worker stands for in a job, for which it makes up its mind once."""
        address = assignment.job.address
        if address not in self._answers:
            self._answers = {address: self.behaviour.answer(assignment)}
        return self._answers[address]

    def _solve(self, view: View, current: Round, job: Job) -> bytes:
        if job.address in self._declined:  # to try again would take as long, and end the same
            raise self._declined[job.address]
        self._bring_data(view.ledger)
        return self._open_task(current).train(*view.ledger.inputs_of(current, job))

    def _untried(self, assignment: Assignment, calls: list[Call]) -> list[Call]:
        """Drop what was tried in this job before, so that what the chain refuses is not sent for ever."""
        attempts = {f"{assignment.job.address} {call}": call for call in calls}
        fresh = [call for attempt, call in attempts.items() if attempt not in self._tried]
        self._tried.update(attempts)
        return fresh


def _publish(assignment: Assignment, result: bytes, candidate: Candidate | None) -> list[Call]:
    """Return what is left to publish of a result that is proposed, or will be by then."""
    missing = missing_chunks(result, candidate.chunks if candidate else {})
    result_hash = content_hash(result)
    return [assignment.call("publish", assignment.seat, result_hash, *chunk) for chunk in missing]


def _patience(job: Job) -> int:
    """Return when the server has had half a referee's window more to settle than the job could last, in seconds."""
    return job.referee_end + job.terms.referee_window // 2
