"""The worker of a live network: made from its options, and when it is done."""

from collections.abc import Callable
from functools import partial

from mlchain.actors.behaviours import HONEST, Behaviour
from mlchain.actors.worker import Worker
from mlchain.live.disputing import disputant_of
from mlchain.live.runner import Operator
from mlchain.live.training import Limits, Trainers
from mlchain.live.wallet import Wallet
from mlchain.protocol.rounds import ETHER

GAS_RESERVE = ETHER // 100  # wei that a worker keeps for gas when it joins


def worker_maker(
    leave: bool, gas_reserve: int, wallet: Wallet, limits: Limits, behaviour: Behaviour = HONEST
) -> Callable[[Operator], Worker]:
    """Return a function that makes a worker, which keeps `gas_reserve` wei when it joins."""

    def make(operator: Operator) -> Worker:
        parameters = operator.deployment.parameters
        objection = partial(wallet.objection, stake=parameters.stake, absence_fee=parameters.absence_fee)
        trainers = Trainers(limits, operator.stop, operator.used, parameters.has_game)
        prepare = partial(trainers.prepare, min_window=parameters.min_window)
        cartel = frozenset([operator.address])
        disputant = disputant_of(operator, trainers)
        worker = Worker(operator.address, behaviour, trainers.open, gas_reserve, cartel, objection, prepare, disputant)
        worker.is_leaving = leave
        return worker

    return make
