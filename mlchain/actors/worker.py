"""A worker: joins, answers for its seats, makes sure that its answer is proposed, and takes its money home."""

from collections.abc import Callable

from mlchain.actors.behaviours import Assignment, Behaviour
from mlchain.protocol.calls import Call, Turn, View, missing_chunks
from mlchain.protocol.commitments import commitment
from mlchain.protocol.content import content_hash
from mlchain.protocol.rounds import Job, Phase, Round, phase
from mlchain.tasks.catalogue import LearningTask

LOOK_BACK = 128  # blocks that a stake stays locked after leaving: WorkerRegistry.LOOK_BACK


class Worker:
    """Decides from what it reads on the chain alone; what it remembers it could compute again."""

    def __init__(
        self, address: str, behaviour: Behaviour, open_task: Callable[[bytes], LearningTask], gas_reserve: int
    ) -> None:
        self.address = address
        self.behaviour = behaviour
        self.is_leaving = False
        self._open_task = open_task
        self._gas_reserve = gas_reserve
        self._answers: dict[str, bytes | None] = {}

    def act(self, view: View) -> Turn:
        """Return what to do in `view`; whatever of it the chain has already is not done again."""
        turn = self._work(view)
        membership = self._go_home(view) if self.is_leaving else self._join(view)
        return Turn(membership + turn.calls, turn.wake)

    # Membership

    def _join(self, view: View) -> list[Call]:
        missing = view.stake - view.ledger.account(self.address).stake
        affordable = view.balance_of(self.address) >= missing + self._gas_reserve
        if self.address in view.ledger.pool or not affordable:
            return []
        return [Call("WorkerRegistry", "join", value=missing)]

    def _go_home(self, view: View) -> list[Call]:
        if self.address in view.ledger.pool:
            return [Call("WorkerRegistry", "leave")]
        account = view.ledger.account(self.address)
        unlocked = account.left_at is not None and view.block + 1 > account.left_at + LOOK_BACK
        calls = []
        if account.credit:
            calls.append(Call("WorkerRegistry", "withdraw"))
        if account.stake and unlocked and view.ledger.open_round is None:
            calls.append(Call("WorkerRegistry", "withdrawStake"))
        return calls

    # Work

    def _work(self, view: View) -> Turn:
        current = view.ledger.open_round
        for job in current.jobs if current else []:
            seat = job.seat_of(self.address)
            if seat is not None and seat not in job.settlements:
                return self._answer(view, current, job, seat)
        return Turn([])

    def _answer(self, view: View, current: Round, job: Job, seat: int) -> Turn:
        now = phase(job, view.now)
        if now is Phase.DECIDED:
            return self._settle(view, job, seat)
        result = self._result(view, current, job)
        if result is None:
            return Turn([])
        result_hash = content_hash(result)
        sealed = commitment(view.chain_id, job.address, seat, result_hash)
        if now is Phase.COMMIT:
            return Turn([] if seat in job.commitments else [self._call(job, "commit", seat, sealed)])
        if job.commitments.get(seat) != sealed:
            return Turn([])
        return self._show(view, job, seat, result, result_hash)

    def _show(self, view: View, job: Job, seat: int, result: bytes, result_hash: bytes) -> Turn:
        """Propose and publish at one's turn, so that not everybody pays for it."""
        candidate = job.candidates.get(result_hash)
        turn = job.commit_end + seat * (job.terms.publish_window // 2) // job.terms.seats
        if view.now < turn:
            return Turn([], turn)
        if candidate is None and view.now < job.publish_end:
            return Turn([self._call(job, "propose", seat, result_hash)])
        if candidate is None or candidate.votes < job.terms.quorum:
            return Turn([])
        missing = missing_chunks(result, candidate.chunks)
        return Turn([self._call(job, "publish", seat, result_hash, *chunk) for chunk in missing])

    def _settle(self, view: View, job: Job, seat: int) -> Turn:
        """Settle one's own seat when the server has had half a referee's window more than the job could last."""
        patience = job.referee_end + job.terms.referee_window // 2
        if view.now < patience:
            return Turn([], patience)
        return Turn([self._call(job, "settle", [seat])])

    def _result(self, view: View, current: Round, job: Job) -> bytes | None:
        if job.address not in self._answers:
            model = view.ledger.model_of(current)

            def solve() -> bytes:
                return self._open_task(current.task).train(model, current.number, job.index)

            self._answers = {job.address: self.behaviour.answer(Assignment(self.address, job.address, solve))}
        return self._answers[job.address]

    @staticmethod
    def _call(job: Job, method: str, *arguments: object) -> Call:
        return Call("Job", method, arguments, address=job.address)
