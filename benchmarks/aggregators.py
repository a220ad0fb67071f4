"""Learning with a trusted server that combines updates by a rule: workers with shares of their own, some of them liars.

No network and no processes: the same training, attacks and rules in every run, a run per call.
"""

from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np

from benchmarks.updates import ATTACKS, Sight
from mlchain.centralized.learning.aggregation import RULES
from mlchain.centralized.learning.partition import Split
from mlchain.centralized.learning.training import FederatedTask, open_federated, to_vector
from mlchain.simulation.participants import evil_workers
from mlchain.tasks.catalogue import default_recipe
from mlchain.training.jobs import job_key, stated_seed
from mlchain.training.recipe import Recipe

WORKERS = 20
ROUNDS = 10
STEPS = 23  # of a worker in a round: with batches of 128 about one pass over an even share of MNIST
SEED = 1


@dataclass(frozen=True, slots=True)
class FederatedRun:
    """One rule against one attack: `evil` of WORKERS carry out an attack; shares are even without `dirichlet_alpha`."""

    rule: str
    attack: str
    evil: int
    dirichlet_alpha: float | None


def recipe() -> Recipe:
    """Return what a worker computes in a round: MNIST's softmax regression, with as many steps as a share lasts for."""
    return replace(default_recipe("mnist", "softmax"), local_steps=STEPS)


def tolerated(rule: str, evil: int, updates: int = WORKERS) -> int:
    """Return how many liars a rule is told of: as many as there are, but no more than it can be applied with."""
    return min(evil, (updates - RULES[rule].others) // RULES[rule].per_liar)


def accuracies(run: FederatedRun) -> list[float]:
    """Return the test accuracy in [0, 1] after 0, 1 .. ROUNDS rounds."""
    task = _task(run.dirichlet_alpha)
    liars = evil_workers(SEED, WORKERS, run.evil)
    weights = [task.samples(share) for share in range(WORKERS)]
    model = task.task.initial_model()
    found = [task.accuracy(model)]
    for version in range(ROUNDS):
        updates = _updates(run, model, version, liars)
        model = task.combine(run.rule, tolerated(run.rule, run.evil), model, updates, weights)
        found.append(task.accuracy(model))
    return found


def _updates(run: FederatedRun, model: bytes, version: int, liars: list[int]) -> list[bytes]:
    """Return what every worker sends, in the order of their shares."""
    sent = {
        share: _trained(run.dirichlet_alpha, model, version, share) for share in range(WORKERS) if share not in liars
    }
    honest = np.stack([to_vector(update) for update in sent.values()]).astype(np.int64)
    for share in liars:
        key = job_key(recipe(), stated_seed(version), share)
        sight = Sight(honest, partial(_trained, run.dirichlet_alpha, model, version, share), key)
        sent[share] = ATTACKS[run.attack](sight)
    return [sent[share] for share in range(WORKERS)]


def _trained(dirichlet_alpha: float | None, model: bytes, version: int, share: int) -> bytes:
    return (
        _first_update(dirichlet_alpha, share) if version == 0 else _task(dirichlet_alpha).train(model, version, share)
    )


@lru_cache(maxsize=2 * WORKERS)
def _first_update(dirichlet_alpha: float | None, share: int) -> bytes:
    """Return an honest update of the first round, which every run of a split begins with."""
    task = _task(dirichlet_alpha)
    return task.train(task.task.initial_model(), 0, share)


@lru_cache(maxsize=2)
def _task(dirichlet_alpha: float | None) -> FederatedTask:
    return open_federated(recipe().to_bytes(), Split(WORKERS, dirichlet_alpha, SEED))
