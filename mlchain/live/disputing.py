"""Playing the game about claims on a live network, where a deployment has a contract as referee."""

from collections.abc import Callable
from typing import cast

from mlchain.actors.disputant import Disputant, Proof
from mlchain.actors.refuter import Refuter
from mlchain.actors.watcher import Watcher
from mlchain.errors import require
from mlchain.live.proving import Provers
from mlchain.live.runner import Operator
from mlchain.live.training import Limits, Trainers
from mlchain.protocol.calls import View
from mlchain.protocol.rounds import Job, Round
from mlchain.tasks.catalogue import open_task
from mlchain.tasks.task import DatasetTask

GAS_RESERVE = 10**16  # wei that is kept for gas when a bond is paid


def disputant_of(operator: Operator, trainers: Trainers | None = None) -> Disputant | None:
    """Return who plays for an account, None where the server is the referee.

    It works traces out within the limits of `trainers`, or without any: then the recipes are to be the account's own.
    """
    parameters = operator.deployment.parameters
    if not parameters.has_game:
        return None
    return Disputant(
        operator.address, parameters.bond, Provers(trainers).proof_of if trainers else own_proof_of, GAS_RESERVE
    )


def own_proof_of(view: View, current: Round, job: Job, result: bytes) -> Proof:
    """Return the trace of a job of one's own recipe, worked out in this process when it is first asked for."""
    from mlchain.referee.prover import Prover  # needed in a dispute only

    return Prover(cast(DatasetTask, open_task(current.task)), *view.ledger.inputs_of(current, job), result)


def watcher_maker(share: float, leave: bool, limits: Limits) -> Callable[[Operator], Watcher]:
    """Return a function that makes a watcher of a share of all jobs, which its key chooses.

    Raises UserError for a share that is none, or a deployment with nothing to watch for.
    """
    require(0 < share <= 1, f"the share of jobs to watch has to be above 0 and at most 1, not {share}")

    def make(operator: Operator) -> Watcher:
        trainers, draw = Trainers(limits, operator.stop, operator.used, has_game=True), operator.secret_share("watch")
        disputant = disputant_of(operator, trainers)
        require(disputant is not None, "the referee of this deployment is its server: `ape run audit` checks its word")
        assert disputant is not None
        watcher = Watcher(
            operator.address,
            disputant,
            trainers.open,
            lambda number, job: draw(number, job) < share,
            is_called_by_disagreement=False,
            bring_data=trainers.bring_data,
            refuter=Refuter(operator.deployment.addresses["JobFactory"]),
        )
        watcher.is_leaving = leave
        return watcher

    return make
