"""The learning of `ape run simulate --mode centralized`, in Flower's simulation: same model, data, shares and rounds.

Flower cannot share an environment with Ape, so it has one of its own:

    python -m venv flower-env
    flower-env/bin/pip install "flwr[simulation]" numpy==1.26.4 scikit-learn
    FLWR_TELEMETRY_ENABLED=0 PYTHONPATH=. flower-env/bin/python comparisons/flower.py --workers 10 --rounds 5
"""

import argparse
import time

import numpy as np
from flwr.client import Client, ClientApp, NumPyClient
from flwr.common import Context, ndarrays_to_parameters
from flwr.server import ServerApp, ServerAppComponents, ServerConfig
from flwr.server.strategy import FedAvg
from flwr.simulation import run_simulation
from numpy.typing import NDArray

from mlchain.centralized.learning.partition import Split
from mlchain.centralized.learning.training import FederatedTask, open_federated
from mlchain.tasks.catalogue import default_recipe

Arrays = list[NDArray[np.float64]]


def to_bytes(arrays: Arrays) -> bytes:
    """Return the model that Flower's average stands for, rounded as the learning server rounds its own."""
    rounded: NDArray[np.int16] = np.clip(np.rint(arrays[0]), -32768, 32767).astype("<i2")
    return rounded.tobytes()


def to_arrays(model: bytes) -> Arrays:
    """Return a model as Flower averages it."""
    return [np.frombuffer(model, dtype="<i2").astype(np.float64)]


class Worker(NumPyClient):
    """A worker with a share of its own."""

    def __init__(self, task: FederatedTask, share: int) -> None:
        self._task, self._share = task, share

    def fit(self, parameters: Arrays, config: dict[str, int]) -> tuple[Arrays, int, dict[str, float]]:
        """Train one version on the share; return the model, and how many samples it counts for."""
        model = to_bytes(parameters)
        update = self._task.train(model, config["version"], self._share)
        return [to_arrays(model)[0] + to_arrays(update)[0]], self._task.samples(self._share), {}


def play(workers: int, rounds: int, task_name: str, model_name: str) -> tuple[float, float]:
    """Return the accuracy in [0, 1] after so many rounds, and how many seconds they took."""
    recipe = default_recipe(task_name, model_name).to_bytes()
    last: list[Arrays] = []

    def worker(context: Context) -> Client:
        share = int(context.node_config["partition-id"])
        return Worker(open_federated(recipe, Split(workers)), share).to_client()

    def keep(_number: int, arrays: Arrays, _config: dict[str, float]) -> tuple[float, dict[str, float]]:
        last.append(arrays)
        return 0.0, {}

    def server(_context: Context) -> ServerAppComponents:
        strategy = FedAvg(
            fraction_fit=1.0,
            fraction_evaluate=0.0,
            min_fit_clients=workers,
            min_available_clients=workers,
            initial_parameters=ndarrays_to_parameters(to_arrays(task.task.initial_model())),
            on_fit_config_fn=lambda number: {"version": number - 1},
            evaluate_fn=keep,
        )
        return ServerAppComponents(strategy=strategy, config=ServerConfig(num_rounds=rounds))

    task = open_federated(recipe, Split(workers))
    started = time.monotonic()
    run_simulation(ServerApp(server_fn=server), ClientApp(client_fn=worker), num_supernodes=workers)
    return task.accuracy(to_bytes(last[-1])), time.monotonic() - started


def main() -> None:
    """Play, and print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--task", default="digits")
    parser.add_argument("--model", default="softmax")
    chosen = parser.parse_args()
    accuracy, seconds = play(chosen.workers, chosen.rounds, chosen.task, chosen.model)
    print(f"Flower: test accuracy {accuracy:.2%} after {chosen.rounds} rounds, {seconds:.1f} seconds")


if __name__ == "__main__":
    main()
