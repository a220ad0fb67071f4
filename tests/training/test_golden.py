"""The default run ends with the same bytes everywhere; `tests/golden.json` says which."""

import ast
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numpy.core._multiarray_umath import __cpu_features__

from mlchain.tasks import digits
from mlchain.tasks.catalogue import create_task, default_recipe
from mlchain.training.jobs import stated_seed

ROOT = Path(__file__).parents[2]
WITH_MNIST = pytest.mark.skipif("MNIST_DIR" not in os.environ, reason="MNIST_DIR is not set")
GOLDEN = json.loads((ROOT / "tests" / "golden.json").read_text())
PURE = sorted((ROOT / "mlchain" / "training").glob("*.py"))
# OpenBLAS's names of processors, and what a machine must have to play one.
NEEDED = {"Nehalem": "SSE42", "Haswell": "FMA3", "SkylakeX": "AVX512_SKX"}
PLAYABLE = [core for core, feature in NEEDED.items() if __cpu_features__.get(feature)]
CORES = [(core, threads) for core in PLAYABLE for threads in ("1", "2")] or [("", "1"), ("", "2")]


def default_run(task: str, model: str, rounds: int = 5, jobs: int = 2) -> tuple[bytes, float | None]:
    """Return the model after 5 rounds of 2 jobs, whose seeds are the stated ones, and its accuracy."""
    learning = create_task(task, model)
    weights, parent = learning.initial_model(), None
    for round_number in range(rounds):
        results = [learning.train(weights, stated_seed(round_number), index, parent) for index in range(jobs)]
        weights, parent = learning.aggregate(weights, results, parent), weights
    return weights, learning.accuracy(weights)


@pytest.mark.parametrize("model", ["softmax", "mlp"])
def test_the_default_run_ends_with_the_golden_model(model):
    weights, accuracy = default_run("digits", model)

    assert hashlib.sha256(weights).hexdigest() == GOLDEN[f"digits {model}"]["sha256"]
    assert round(accuracy * 360) == GOLDEN[f"digits {model}"]["right_of_360"]


@WITH_MNIST
@pytest.mark.parametrize(("model", "least"), [("softmax", 0.92), ("mlp", 0.97)])
def test_the_default_run_on_mnist_ends_with_the_golden_model(model, least):
    golden = GOLDEN[f"mnist {model}"]
    assert default_recipe("mnist", model).to_bytes().hex() == golden["recipe"]

    weights, accuracy = default_run("mnist", model)

    assert hashlib.sha256(weights).hexdigest() == golden["sha256"]
    assert round(accuracy * 10_000) == golden["right_of_10000"] >= 10_000 * least


def test_the_default_run_is_as_accurate_as_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    data = digits.load()
    rival = LogisticRegression(max_iter=5000).fit(data.train_images, data.train_labels)

    _, accuracy = default_run("digits", "softmax")
    assert accuracy >= rival.score(data.test_images, data.test_labels) - 0.01


PROGRAM = """
import hashlib, numpy as np
from tests.training.test_golden import default_run
trained = [hashlib.sha256(default_run("digits", model)[0]).hexdigest() for model in ("softmax", "mlp")]
rng = np.random.Generator(np.random.PCG64(1))
product = rng.standard_normal((64, 785)).astype("f4") @ rng.standard_normal((785, 64)).astype("f4")
print(*trained, hashlib.sha256(product.tobytes()).hexdigest())
"""


def test_every_kind_of_processor_trains_the_same_model():
    golden = [GOLDEN["digits softmax"]["sha256"], GOLDEN["digits mlp"]["sha256"]]
    seen, floating = [], set()
    for core, threads in CORES:
        chosen = {"OPENBLAS_CORETYPE": core, "OPENBLAS_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=ROOT,
            env=os.environ | chosen,
            capture_output=True,
            text=True,
            check=True,
        )
        *trained, rounded = done.stdout.split()
        seen.append(trained)
        floating.add(rounded)

    assert seen == [golden] * len(CORES)
    # The kernels really were others: one float32 product does not come out the same on all.
    assert len(floating) > 1 or len(PLAYABLE) < 2


@pytest.mark.parametrize("path", PURE, ids=lambda path: path.name)
def test_training_imports_only_numpy_and_the_standard_library(path):
    allowed = sys.stdlib_module_names | {"numpy", "mlchain"}
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            assert name.split(".")[0] in allowed
            assert not name.startswith("mlchain.") or name.startswith("mlchain.training")


@pytest.mark.parametrize("path", PURE, ids=lambda path: path.name)
def test_training_uses_no_rounding_function_of_floats(path):
    names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    divisions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Div)]

    assert not names & {
        "exp",
        "exp2",
        "log",
        "log2",
        "sqrt",
        "mean",
        "average",
        "random",
        "divide",
        "float32",
    }
    assert not divisions
