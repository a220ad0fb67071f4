"""Small tables: exact models with their default plans beside scikit-learn, on five splits of each."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.report import Section, table
from mlchain.console import percent
from mlchain.data import digits
from mlchain.data.dataset import Dataset, fingerprint
from mlchain.data.scikit_tables import LABEL, rows_of
from mlchain.data.tables import from_rows
from mlchain.tasks.catalogue import recipe_of
from mlchain.tasks.plans import default_plan
from mlchain.tasks.task import DatasetTask
from mlchain.training.jobs import stated_seed

SPLITS = 5
TESTED = 0.25  # of the samples
ROUNDS = 5  # of one job
WITHIN = 0.01  # of the best of scikit-learn's, the best exact model should be
LOADERS = {"cancer": "load_breast_cancer", "wine": "load_wine", "digits": "load_digits"}
EXACT = {"cancer": ("softmax", "mlp"), "wine": ("softmax", "mlp"), "digits": ("softmax", "mlp", "lenet")}
REFERENCES: dict[str, Callable[[int], object]] = {
    "LogisticRegression": lambda _seed: LogisticRegression(max_iter=5000),
    "MLPClassifier": lambda seed: MLPClassifier((32,), max_iter=1000, random_state=seed),
}


def measure() -> Section:
    """Return the section: mean test accuracies over the splits."""
    rows: list[list[str]] = []
    figures: dict[str, str] = {}
    for name in LOADERS:
        references, exact = accuracies(name)
        best, ours = max(references.values()), max(exact.values())
        said = [f"{who} {percent(accuracy)}" for who, accuracy in {**references, **exact}.items()]
        is_close = "yes" if ours >= best - WITHIN else "no"
        rows.append([name, *("; ".join(part) for part in (said[: len(references)], said[len(references) :])), is_close])
        figures |= {f"{name}-scikit-learn": percent(best), f"{name}-exact": percent(ours)}
    return Section("Small tables", _text(rows), figures)


def accuracies(name: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return the mean accuracy of every reference and of every exact model, in [0, 1]."""
    bunch = getattr(datasets, LOADERS[name])()
    found: dict[str, list[float]] = {}
    for seed in range(SPLITS):
        everything = np.arange(len(bunch.target))
        rows, tested = train_test_split(everything, test_size=TESTED, stratify=bunch.target, random_state=seed)
        for who, make in REFERENCES.items():
            learner = make_pipeline(StandardScaler(), make(seed)).fit(bunch.data[rows], bunch.target[rows])
            found.setdefault(who, []).append(float(learner.score(bunch.data[tested], bunch.target[tested])))
        for model in EXACT[name]:
            found.setdefault(model, []).append(learned(model, split(name, rows, tested), seed))
    means = {who: mean(each) for who, each in found.items()}
    return {who: means.pop(who) for who in REFERENCES}, means


def split(name: str, rows: NDArray[np.intp], tested: NDArray[np.intp]) -> Dataset:
    """Return a data set with these rows for training and testing; what bytes stand for follows from the first."""
    if name == "digits":
        whole, bunch = digits.load(), datasets.load_digits()
        samples, labels = bunch.data.astype(np.uint8), bunch.target.astype(np.int64)
        parts = (samples[rows], labels[rows], samples[tested], labels[tested])
        return Dataset(whole.name, whole.inputs, whole.classes, *parts)
    header, lines = rows_of(LOADERS[name])
    return from_rows(Path(name), header, lines, LABEL, np.isin(np.arange(len(lines)), tested))


def learned(model: str, data: Dataset, seed: int) -> float:
    """Return the accuracy after ROUNDS rounds of a job, in [0, 1]."""
    plan = replace(default_plan(model, data), first_jobs=None)
    task = DatasetTask(recipe_of(plan, data.name, fingerprint(data), data.inputs), data)
    parent, current = None, task.initial_model()
    for version in range(1, ROUNDS + 1):
        result = task.train(current, stated_seed(ROUNDS * seed + version), 0, parent, version)
        parent, current = current, task.aggregate(current, [result], parent)
    return task.accuracy(current)


def _text(rows: list[list[str]]) -> str:
    return f"""\
Mean test accuracy over {SPLITS} stratified splits, a quarter of the samples for testing. scikit-learn sees standardised
numbers (`LogisticRegression(max_iter=5000)`, `MLPClassifier((32,), max_iter=1000)`); this system bytes, whose scale is
that of the rows for training, and {ROUNDS} rounds of one job with the default plan.

{table(["", "scikit-learn", "exact", f"best within {100 * WITHIN:.0f} point"], rows)}
"""
