"""Accuracy without attackers: MNIST through the whole system, beside the same in float32 and scikit-learn."""

import hashlib
import json
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from benchmarks import float32
from benchmarks.contracts import play
from benchmarks.plots import OURS, draw_learning
from benchmarks.report import FIGURES, ROOT, Section, figure, table, wrapped
from mlchain.console import percent
from mlchain.protocol.content import content_hash, split
from mlchain.simulation.options import Options
from mlchain.simulation.summary import Summary
from mlchain.tasks.catalogue import create_task
from mlchain.tasks.plans import default_plan
from mlchain.tasks.task import DatasetTask
from mlchain.training.jobs import initial_model, job_key, stated_seed

TASK = "mnist"
WORKERS, JOBS = 10, 2
ROUNDS = {"softmax": 5, "mlp": 5, "lenet-small": 6, "lenet": 6}  # ten or eleven passes over the training set
TARGETS = {"softmax": 0.92, "mlp": 0.97, "lenet-small": 0.986, "lenet": 0.99}
NAMES = {
    "softmax": "softmax regression",
    "mlp": "mlp 784-64-10",
    "lenet-small": "lenet of 8 and 16 channels",
    "lenet": "lenet of 16 and 32 channels",
}
SCIKIT_LEARN: dict[str, tuple[type, dict[str, Any]]] = {
    "softmax": (LogisticRegression, {"solver": "saga"}),
    "mlp": (MLPClassifier, {"hidden_layer_sizes": (64,), "batch_size": 64}),
}
CLOSE = 0.3  # points
GOLDEN_ROUNDS = 5  # of the runs that tests/golden.json tells the end of, numbered from 0


@dataclass(frozen=True, slots=True)
class Learned:
    """What somebody learned: test accuracy in [0, 1] after every round, the last at least, and seconds it took."""

    who: str
    accuracies: list[float]
    samples: int
    seconds: float


def measure() -> Section:
    """Return the section, and draw its figure; raises RuntimeError where the chain and this process do not agree."""
    rows: list[list[object]] = []
    panels: dict[str, dict[str, list[float]]] = {}
    notes: list[str] = []
    figures: dict[str, str] = {}
    for model in ROUNDS:
        task = open_dataset_task(model)
        run = play(Options(workers=WORKERS, jobs=JOBS, rounds=ROUNDS[model], task=TASK, model=model))
        on_chain = _through_contracts(task, model, run)
        in_float = by_float32(task, model, seeds_of(run))
        learned = [on_chain, _off_chain(task, model, run), in_float]
        if model in SCIKIT_LEARN:
            learned.append(by_scikit_learn(task, model, on_chain.samples))
        rows += [_row(model, it, in_float.accuracies[-1]) for it in learned]
        panels[NAMES[model]] = {OURS: on_chain.accuracies, "float32": in_float.accuracies}
        notes.append(_note(task, model, run))
        names = ("accuracy", "alone", "float32", "scikit-learn")
        figures |= {f"{model}-{name}": percent(it.accuracies[-1]) for name, it in zip(names, learned, strict=False)}
    draw_learning(FIGURES / "learning.png", panels)
    return Section("Learning", _text(rows, notes), figures)


def open_dataset_task(model: str) -> DatasetTask:
    """Return the task that is measured, which has a data set."""
    task = create_task(TASK, model)
    assert isinstance(task, DatasetTask)
    return task


# Learners


def _through_contracts(task: DatasetTask, model: str, run: Summary) -> Learned:
    accuracies = [current.accuracy for current in run.rounds if current.accuracy is not None]
    samples = samples_of(task, model, len(accuracies))
    return Learned(f"{OURS}, {WORKERS} workers and contracts", accuracies, samples, run.seconds)


def jobs_of(task: DatasetTask, model: str, version: int) -> int:
    """Return how many jobs train a version of a model, counted from 1."""
    return (default_plan(model, task.dataset).first_jobs or JOBS) if version == 1 else JOBS


def samples_of(task: DatasetTask, model: str, rounds: int) -> int:
    """Return how many samples a number of rounds see, each counted as often as it is seen."""
    jobs = sum(jobs_of(task, model, version) for version in range(1, rounds + 1))
    return jobs * task.plan.local_steps * task.plan.batch


def seeds_of(run: Summary) -> list[bytes]:
    """Return the seeds that a chain drew, one a round."""
    return [bytes.fromhex(current.seed[2:]) for current in run.rounds]


def _off_chain(task: DatasetTask, model: str, run: Summary) -> Learned:
    """Train the same in this process; raises RuntimeError unless the model after every round is that of the chain."""
    rounds = len(run.rounds)
    started = time.monotonic()
    models = train(task, model, seeds_of(run))
    seconds = time.monotonic() - started
    if [_on_chain(data) for data in models] != [current.content_hash for current in run.rounds]:
        raise RuntimeError("the models on the chain are not those that the same training gives without it")
    accuracies = [task.accuracy(data) for data in models]
    return Learned("its training alone, the same bytes", accuracies, samples_of(task, model, rounds), seconds)


def train(task: DatasetTask, model: str, seeds: Sequence[bytes]) -> list[bytes]:
    """Return the model after each round, by the seeds of the rounds."""
    parent, current, models = None, task.initial_model(), []
    for version, seed in enumerate(seeds, start=1):
        jobs = range(jobs_of(task, model, version))
        results = [task.train(current, seed, job, parent, version) for job in jobs]
        parent, current = current, task.aggregate(current, results, parent)
        models.append(current)
    return models


def by_float32(task: DatasetTask, model: str, seeds: Sequence[bytes]) -> Learned:
    """Learn the same in float32: the same samples in the same order, averaged after every round, never rounded."""
    plan, data = task.plan, task.dataset
    started = time.monotonic()
    weights: float32.Model = initial_model(plan)
    averages: list[float32.Model] = []
    for version, seed in enumerate(seeds, start=1):
        keys = [job_key(plan, seed, job) for job in range(jobs_of(task, model, version))]
        ends = [float32.train(plan, weights, data.train_samples, data.train_labels, key, version)[0] for key in keys]
        weights = [np.mean(layer, axis=0, dtype=np.float32) for layer in zip(*ends, strict=True)]
        averages.append(weights)
    seconds = time.monotonic() - started
    accuracies = [float32.Network(plan, each).accuracy(data.test_samples, data.test_labels) for each in averages]
    return Learned("float32 numpy, averaged the same way", accuracies, samples_of(task, model, len(seeds)), seconds)


def by_scikit_learn(task: DatasetTask, model: str, samples: int) -> Learned:
    """Let scikit-learn learn from pixels in [0, 1], in as many passes over the data as come nearest to `samples`."""
    data = task.dataset
    images, tests = (it.astype(np.float32) / data.inputs.greatest for it in (data.train_samples, data.test_samples))
    passes = round(samples / len(images))
    kind, settings = SCIKIT_LEARN[model]
    learner = kind(**settings, max_iter=passes, random_state=1)
    started = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is to stop after so many passes
        learner.fit(images, data.train_labels)
    seconds = time.monotonic() - started
    said = ", ".join(f"{name}={value!r}" for name, value in {**settings, "max_iter": passes}.items())
    name = f"scikit-learn `{kind.__name__}({said})`"
    accuracy = float(learner.score(tests, data.test_labels))
    return Learned(name, [accuracy], int(np.max(learner.n_iter_)) * len(images), seconds)


# What is shown


def _row(model: str, learned: Learned, reference: float) -> list[object]:
    accuracy = learned.accuracies[-1]
    points = 100 * (accuracy - reference)
    return [
        f"{NAMES[model]}: {learned.who}",
        percent(accuracy),
        f"{points:+.2f}",
        is_close(points),
        f"{learned.samples:,}",
        f"{learned.seconds:.1f}",
    ]


def is_close(points: float) -> str:
    """Return whether a difference counts as none."""
    return "yes" if abs(round(points, 2)) <= CLOSE else "no"


def _note(task: DatasetTask, model: str, run: Summary) -> str:
    """Return what became of one model, as an item of a list."""
    target = TARGETS[model]
    accuracy = run.rounds[-1].accuracy or 0.0
    reached = "reached" if accuracy >= target else "**not reached**"
    jobs = [job for current in run.rounds for job in current.jobs]
    chunks = len(split(task.initial_model()))
    return (
        f"- {NAMES[model]}: {percent(accuracy)} after {len(run.rounds)} rounds, the target of "
        f"{percent(target, 1)} is {reached}. Model `{run.model_hash}`, {task.model_size:,} bytes, "
        f"{chunks} {'chunk' if chunks == 1 else 'chunks'}; in all, the chain holds "
        f"{run.bytes['weights_sent']:,} bytes of models and {run.bytes['updates_received']:,} of results. "
        f"{len(jobs)} jobs decided, {sum(job.matches for job in jobs)} of {sum(job.seats for job in jobs)} seats "
        f"committed to the right result, {run.wrong_accepted} wrong results were accepted. "
        f"{golden_sentence(task, model)}"
    )


def golden_sentence(task: DatasetTask, model: str) -> str:
    """Return a sentence on whether a run of its own ends with the model in `tests/golden.json`, if that has one."""
    golden = json.loads((ROOT / "tests" / "golden.json").read_text()).get(f"{TASK} {model}")
    if golden is None or golden["recipe"] != task.recipe.hex():
        return "`tests/golden.json` has no hash for it."
    *_, last = train(task, model, [stated_seed(number) for number in range(GOLDEN_ROUNDS)])
    is_same = hashlib.sha256(last).hexdigest() == golden["sha256"]
    return f"The golden model of `tests/golden.json` is {'reproduced' if is_same else '**not** reproduced'}."


def _text(rows: list[list[object]], notes: list[str]) -> str:
    header = ["", "test accuracy", "points above float32", f"within {CLOSE}", "samples seen", "seconds"]
    return f"""\
MNIST: 60,000 training images, 10,000 test images. A server and {WORKERS} honest workers play on the embedded chain,
with stakes and pay: {JOBS} jobs a round (lenet: one in the first), each with half of the pool as its committee, models
and results in chunks in the chain's logs. For comparison: the same networks in float32, on the same samples in the same
order, averaged after the same rounds, and scikit-learn with the same number of passes over the data (pixels in [0, 1],
other settings at their defaults). The hyperparameters of this system were chosen with the last 10,000 training images
held out. float32 uses the same steps, rates and displacements.

{table(header, rows)}

The seconds of this system are those of the whole simulation, chain included; it computes each result once for all who
need it. "Its training alone" must end every round with the model that is on the chain, to the byte.

{chr(10).join(map(wrapped, notes))}

{figure("learning.png", "Test accuracy by round, in exact integers through the contracts and in float32")}
"""


def _on_chain(model: bytes) -> str:
    return "0x" + content_hash(model).hex()
