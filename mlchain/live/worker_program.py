"""The worker of a live network: made from its options, and when it is done."""

from collections.abc import Callable
from functools import lru_cache

from mlchain.actors.behaviours import HONEST, Behaviour
from mlchain.actors.worker import Worker
from mlchain.errors import UserError
from mlchain.live.runner import Operator
from mlchain.protocol.calls import View
from mlchain.protocol.rounds import ETHER
from mlchain.tasks.catalogue import LearningTask, RecipeError, open_task

GAS_RESERVE = ETHER // 100  # wei that a worker keeps for gas when it joins


def worker_maker(leave: bool, gas_reserve: int, behaviour: Behaviour = HONEST) -> Callable[[Operator], Worker]:
    """Return a function that makes a worker, which keeps `gas_reserve` wei when it joins."""

    def make(operator: Operator) -> Worker:
        cartel = frozenset([operator.address])
        worker = Worker(operator.address, behaviour, lru_cache(_open), gas_reserve, cartel)
        worker.is_leaving = leave
        return worker

    return make


def _open(recipe: bytes) -> LearningTask:
    """Return the task of a round; raises UserError if this version or this machine cannot open it."""
    try:
        return open_task(recipe)
    except RecipeError as error:
        raise UserError(f"the recipe of a round cannot be read by this version: {error}") from error


def worker_is_done(worker: Worker, view: View) -> bool:
    """Return whether a worker that leaves has left, and has withdrawn everything."""
    account = view.ledger.account(worker.address)
    is_out = worker.address not in view.ledger.pool
    return worker.is_leaving and is_out and not account.stake and not account.credit
