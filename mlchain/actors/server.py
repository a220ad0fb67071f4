"""The learning server: publishes the model, deploys rounds, rules, settles and folds results into the next version."""

from collections.abc import Callable
from functools import lru_cache

from mlchain.actors.disputant import heirs
from mlchain.actors.plan import Plan
from mlchain.actors.watcher import Watcher
from mlchain.protocol.calls import Call, Shortfall, Turn, View, earliest, missing_chunks, together
from mlchain.protocol.content import content_hash
from mlchain.protocol.gas import settle_calls
from mlchain.protocol.ledger import Ledger, ModelVersion
from mlchain.protocol.rounds import Job, Phase, Round, phase
from mlchain.protocol.terms import MAX_SEATS, RoundTerms, least_majority
from mlchain.tasks.task import LearningTask


class LearningServer:
    """Decides from what it reads on the chain alone, so that it goes on anywhere from where the chain stands.

    `random` returns the number of a round, whose hash is that of the round before. `audits` tells of a (round, job)
    whether it is recomputed even when nobody disagrees. A server that is not `referee` keeps silent when a job is
    disputed. `data_address` is a data set's fingerprint, and where workers can fetch it. `first_model` takes
    the place of the task's initial one. Where a contract is the referee, `watcher` disputes for the server.
    """

    def __init__(
        self,
        address: str,
        task: LearningTask,
        plan: Plan,
        random: Callable[[int], bytes],
        audits: Callable[[int, int], bool] = lambda _round, _job: False,
        is_referee: bool = True,
        data_address: tuple[bytes, str] | None = None,
        first_model: bytes | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        self.address = address
        self.task = task
        self.plan = plan
        self.is_referee = is_referee
        self.is_leaving = False
        self._data_address = data_address
        self._first_model = first_model
        self._watcher = watcher
        self._random = random
        self._audits = audits
        self.accuracies: dict[int, float | None] = {}  # of the versions that were evaluated, by number
        self._train = lru_cache(plan.jobs)(task.train)  # asked for at every look as long as a job is open

    def act(self, view: View) -> Turn:
        """Return what to do in `view`; whatever of it the chain has already is not done again."""
        ledger = view.ledger
        version = ledger.latest_version
        if self._data_address and self._data_address not in ledger.data_addresses.items():
            return Turn([Call("JobFactory", "announceData", self._data_address)])
        if version is None:
            return Turn(self._announce(ledger, 0, self.first_model()))
        if not version.is_complete:
            model = self.first_model() if version.parent == 0 else self._next_model(ledger)
            return Turn(_publish(version.number, model, version.chunks))
        if ledger.open_round:
            return self._supervise(view, ledger.open_round)
        if ledger.unmerged_results(version.number):
            return Turn(self._announce(ledger, len(ledger.rounds), self._next_model(ledger)))
        if self.is_leaving:
            credit = ledger.account(self.address).credit
            bonds = self._watcher.collect(view) if self._watcher else Turn([])
            return Turn(([Call("WorkerRegistry", "withdraw")] if credit else []) + bonds.calls, bonds.wake)
        return self._begin_round(view, version)

    def first_model(self) -> bytes:
        """Return the model before the first round."""
        return self.task.initial_model() if self._first_model is None else self._first_model

    def is_done(self, ledger: Ledger) -> bool:
        """Return whether all rounds are played and the last one's results are in a complete version."""
        version = ledger.latest_version
        if version is None or not version.is_complete or not self._is_over(ledger):
            return False
        return ledger.open_round is None and not ledger.unmerged_results(version.number)

    def has_bonds(self, view: View) -> bool:
        """Return whether bonds of the server are still in the game."""
        return self._watcher is not None and self._watcher.has_bonds(view)

    def _is_over(self, ledger: Ledger) -> bool:
        if ledger.refuted:  # the contracts deploy no more rounds
            return True
        return len(ledger.rounds) >= self.plan.rounds or self._has_learned_enough(ledger)

    def _has_learned_enough(self, ledger: Ledger) -> bool:
        """Return whether a version is as good as wanted, or too many have been no better than one before."""
        plan = self.plan
        if plan.until_accuracy is None and plan.early_stopping is None:
            return False
        for version in ledger.versions:
            if version.is_complete and version.number not in self.accuracies:
                self.accuracies[version.number] = self.task.accuracy(version.data())
        found = [accuracy for accuracy in self.accuracies.values() if accuracy is not None]
        if not found:
            return False
        best = max(found)
        since = len(found) - 1 - found.index(best)
        is_good = plan.until_accuracy is not None and best >= plan.until_accuracy
        return is_good or (plan.early_stopping is not None and since >= plan.early_stopping)

    # Model

    def _announce(self, ledger: Ledger, round_number: int, model: bytes) -> list[Call]:
        announced = Call("ModelRegistry", "announce", (round_number, content_hash(model), len(model)))
        return [announced, *_publish(len(ledger.versions) + 1, model, {})]

    def _next_model(self, ledger: Ledger) -> bytes:
        last = ledger.rounds[-1]
        return self.task.aggregate(ledger.model_of(last), last.accepted_results(), ledger.parent_of(last))

    # Rounds

    def _begin_round(self, view: View, version: ModelVersion) -> Turn:
        """Schedule the next round and, once it is known which pool it draws from, deploy it.

        What has been read is final: nobody can replace the snapshot block when the random number is shown.
        """
        plan, ledger = self.plan, view.ledger
        if self._is_over(ledger):
            return Turn([])
        scheduled = ledger.scheduled_block(view.block + 1)
        pool_size = ledger.pool.size_at(view.block if scheduled is None else scheduled)
        least = max(plan.min_pool, plan.jobs_on(version.number) * plan.min_seats)
        if pool_size < least:
            missing = "had joined when it was scheduled" if scheduled is not None else "have joined"
            return Turn([], waiting=f"waiting for workers: {pool_size} of the {least} that a round needs {missing}")
        terms, has = self.terms(version, pool_size), view.balance_of(self.address)
        if has < terms.escrow:
            return Turn([], shortfall=Shortfall("the pay of a round", terms.escrow, has))
        number = len(ledger.rounds) + 1
        if scheduled is None:
            return Turn([Call("JobFactory", "scheduleRound", purpose=f"schedule of round {number}")])
        arguments = (terms, self._random(number), self.task.recipe)
        return Turn([Call("JobFactory", "deployRound", arguments, terms.escrow, purpose=f"round {number}")])

    def terms(self, version: ModelVersion, pool_size: int) -> RoundTerms:
        """Return the terms of a round on `version`; a pool that has shrunk gets smaller committees and quorums."""
        plan, jobs = self.plan, self.plan.jobs_on(version.number)
        share = pool_size // jobs
        seats = min(share, plan.committee or MAX_SEATS)
        quorum = max(least_majority(seats), min(plan.quorum or 0, seats))
        return RoundTerms(
            model_version=version.number,
            jobs=jobs,
            seats=seats,
            quorum=quorum,
            reward=plan.reward,
            bonus=plan.bonus,
            result_size=self.task.result_size,
            commit_window=plan.commit_window,
            publish_window=plan.publish_window,
            referee_window=plan.referee_window,
            challenge_window=plan.challenge_window,
        )

    def _supervise(self, view: View, current: Round) -> Turn:
        turns = [self._supervise_job(view, current, job) for job in current.jobs if not job.is_settled]
        return together(turns + ([self._watcher.collect(view)] if self._watcher else []))

    def _supervise_job(self, view: View, current: Round, job: Job) -> Turn:
        now = phase(job, view.now)
        if now is Phase.DECIDED:
            return Turn([*heirs(view, job), *settle_calls(job, view.gas_limit)])
        if self._watcher is not None:
            return self._watcher.watch(view, current, job)
        if self.is_referee and self._has_to_rule(view, current, job, now):
            return Turn(self._rule(current, job, self._honest_result(view.ledger, current, job)))
        times = (job.commit_end, _audit_time(job), job.challenge_end, job.publish_end, job.referee_end)
        return Turn([], earliest(*(time for time in times if time > view.now)))

    def _has_to_rule(self, view: View, current: Round, job: Job, now: Phase) -> bool:
        """Return whether the seats alone bring no right result, or a ruling only saves everybody the wait.

        A candidate in a final block proves that commitments are final. One that not all of them open to shows that the
        seats disagree; without one, an honest committee cannot be told from an evil one, except by an audit.
        """
        if now is not Phase.PROPOSE:
            return now is Phase.REFEREE
        if len(job.commitments) < job.terms.quorum:
            return True
        if any(candidate.votes < len(job.commitments) for candidate in job.candidates.values()):
            return not self._is_being_published(job, self._right_hash(view.ledger, current, job))
        return self._audits(current.number, job.index) and self._audit_fails(view, current, job)

    def _is_being_published(self, job: Job, right: bytes) -> bool:
        """Return whether seats are publishing the right result, for which they get the bonus."""
        candidate = job.candidates.get(right)
        return (
            candidate is not None
            and candidate.proposer != self.address
            and candidate.votes >= job.terms.quorum
            and not job.is_complete(right)
        )

    def _audit_fails(self, view: View, current: Round, job: Job) -> bool:
        """Return whether all seats agree on something wrong, or have not shown the right result in time."""
        is_time = view.now >= _audit_time(job)
        if not job.candidates:
            return is_time
        right = self._right_hash(view.ledger, current, job)
        return right not in job.candidates or (is_time and not job.is_complete(right))

    def _rule(self, current: Round, job: Job, honest: bytes) -> list[Call]:
        """Bring the right result to a ruling, by as many of the steps as the workers have left undone.

        The ruling has a turn of its own: once all of its bytes are there, the result may stand by its votes alone.
        """
        result_hash = content_hash(honest)
        candidate = job.candidates.get(result_hash)
        present = candidate.chunks if candidate else {}

        def call(method: str, *arguments: object) -> Call:
            return Call("Job", method, (result_hash, *arguments), address=job.address)

        steps = [] if candidate else [call("proposeAny")]
        steps += [call("publishUnpaid", *chunk) for chunk in missing_chunks(honest, present)]
        return steps or [call("rule")]

    def _right_hash(self, ledger: Ledger, current: Round, job: Job) -> bytes:
        return content_hash(self._honest_result(ledger, current, job))

    def _honest_result(self, ledger: Ledger, current: Round, job: Job) -> bytes:
        return self._train(*ledger.inputs_of(current, job))


def _publish(version: int, model: bytes, present: dict[int, bytes]) -> list[Call]:
    """Return what is left to publish of a version that is announced, or will be by then."""
    return [Call("ModelRegistry", "publish", (version, *chunk)) for chunk in missing_chunks(model, present)]


def _audit_time(job: Job) -> int:
    """Return when an audited job is ruled unless the right result stands by then: halfway through the audit.

    A committee that is evil in every seat could otherwise show its answer just before the audit ends.
    """
    return job.commit_end + job.terms.challenge_window // 2
