"""Who acts on a live network, made from what a command is told, and when each of them is done."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial

from mlchain.actors.behaviours import HONEST, Behaviour
from mlchain.actors.server import LearningServer, Plan
from mlchain.actors.worker import Worker
from mlchain.chain.deployment import Parameters
from mlchain.errors import UserError, require, require_known
from mlchain.live.runner import Operator
from mlchain.protocol.calls import Turn, View
from mlchain.protocol.content import content_hash
from mlchain.protocol.rounds import ETHER, MAX_JOBS, MAX_SEATS
from mlchain.tasks.catalogue import MODELS, TASKS, LearningTask, RecipeError, create_task, open_task

GAS_RESERVE = ETHER // 100  # wei that a worker keeps for gas when it joins


def server_maker(task: str, model: str, plan: Plan, audit_rate: float) -> Callable[[Operator], LearningServer]:
    """Return what makes a learning server that audits a share of the jobs; raises UserError for impossible choices."""
    require_known("task", task, TASKS)
    require_known("model", model, MODELS)
    require(0 <= audit_rate <= 1, f"the audit rate has to be from 0 to 1, not {audit_rate}")
    _check_sizes(plan)
    opened = create_task(task, model)
    plan = replace(plan, pool_age=1)
    if audit_rate:
        plan = plan.with_longest_challenge()
    return partial(_make_server, opened, plan, audit_rate)


def _check_sizes(plan: Plan) -> None:
    """Raise UserError for what no deployment would take."""
    for what, number, most in [
        ("rounds", plan.rounds, 2**32 - 1),
        ("jobs", plan.jobs, MAX_JOBS),
        ("seats of a job", plan.committee, MAX_SEATS),
        ("equal answers for a quorum", plan.quorum, plan.committee or MAX_SEATS),
        ("workers to wait for", plan.min_pool, 2**32 - 1),
        ("wei of reward", plan.reward, 2**96 - 1),
    ]:
        require(number is None or 1 <= number <= most, f"the {what} have to be from 1 to {most}, not {number}")
    require(0 <= plan.bonus < 2**96, f"the bonus has to be from 0 to {2**96 - 1} wei, not {plan.bonus}")
    if plan.committee and plan.quorum:
        least = plan.committee // 2 + 1
        require(plan.quorum >= least, f"the quorum of {plan.committee} seats has to be at least {least}")


def _check_windows(plan: Plan, parameters: Parameters) -> None:
    """Raise UserError for windows that a deployment does not take."""
    windows = plan.commit_window, plan.publish_window, plan.referee_window
    least, most = parameters.min_window, parameters.max_round_duration
    require(min(windows) >= least, f"every window has to be at least {least} s here, not {min(windows)}")
    require(sum(windows) <= most, f"the windows together may last {most} s here, not {sum(windows)}")


class LiveServer(LearningServer):
    """A learning server that goes on with what a deployment has learned, and with nothing else.

    Once all rounds are played it asks for its credit.
    """

    def act(self, view: View) -> Turn:
        """Return what to do in `view`; raises UserError if another task is learned there."""
        ledger, task = view.ledger, self.task
        if ledger.rounds:
            is_own = ledger.rounds[-1].task == task.recipe
        else:
            is_own = not ledger.versions or ledger.versions[0].content_hash == content_hash(task.initial_model())
        require(is_own, "this deployment learns another task: name its --task and --model, or deploy a new one")
        self.is_leaving = self.is_leaving or self.is_done(ledger)
        return super().act(view)


def _make_server(task: LearningTask, plan: Plan, audit_rate: float, operator: Operator) -> LearningServer:
    server = operator.deployment.server
    require(operator.address == server, f"{operator.address} is not the learning server here: {server} is")
    _check_windows(plan, operator.deployment.parameters)
    draw = operator.secret_share("audit")
    return LiveServer(
        server, task, plan, lambda _round: os.urandom(32), lambda number, job: draw(number, job) < audit_rate
    )


def server_is_done(server: LearningServer, view: View) -> bool:
    """Return whether all rounds are played and the server has its credit."""
    return server.is_leaving and not view.ledger.account(server.address).credit


def worker_maker(leave: bool, gas_reserve: int, behaviour: Behaviour = HONEST) -> Callable[[Operator], Worker]:
    """Return what makes a worker; raises UserError for a reserve below 0."""
    require(gas_reserve >= 0, f"the wei kept for gas have to be 0 or more, not {gas_reserve}")

    def make(operator: Operator) -> Worker:
        cartel = frozenset([operator.address])
        worker = Worker(operator.address, behaviour, lru_cache(_open), gas_reserve, cartel)
        worker.is_leaving = leave
        return worker

    return make


def _open(recipe: bytes) -> LearningTask:
    """Return the task of a round; raises UserError for what this version of the code, or this machine, cannot open."""
    try:
        return open_task(recipe)
    except RecipeError as error:
        raise UserError(f"the recipe of a round cannot be read by this version: {error}") from error


def worker_is_done(worker: Worker, view: View) -> bool:
    """Return whether a worker that leaves has left, and has everything at home."""
    account = view.ledger.account(worker.address)
    is_out = worker.address not in view.ledger.pool
    return worker.is_leaving and is_out and not account.stake and not account.credit
