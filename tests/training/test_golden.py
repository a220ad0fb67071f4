"""Training ends with the same bytes everywhere; `tests/golden.json` says which."""

import ast
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numpy.core._multiarray_umath import __cpu_features__

from mlchain.data import digits
from mlchain.training import certified, networks
from tests.training.golden import FILE, lesson_named, train

ROOT = Path(__file__).parents[2]
GOLDEN = json.loads(FILE.read_text())
LEAST = {"mnist softmax": 9_200, "mnist mlp": 9_700}  # right of 10,000
HAS_MNIST = "MNIST_DIR" in os.environ
NAMES = [
    pytest.param(name, marks=pytest.mark.skipif("mnist" in name and not HAS_MNIST, reason="MNIST_DIR is not set"))
    for name in GOLDEN
]
QUICK = [name for name in GOLDEN if "digits" in name or ("lenet" in name and HAS_MNIST)]
PURE = sorted((ROOT / "mlchain" / "training").glob("*.py"))
# OpenBLAS's names of processors, and what a machine must have to play one.
NEEDED = {"Nehalem": "SSE42", "Haswell": "FMA3", "SkylakeX": "AVX512_SKX"}
PLAYABLE = [core for core, feature in NEEDED.items() if __cpu_features__.get(feature)]
CORES = [(core, "1") for core in PLAYABLE or [""]] + [("", "2")]
MORE_CORES = [(core, "2") for core in PLAYABLE]


def sha256(model: bytes) -> str:
    return hashlib.sha256(model).hexdigest()


@pytest.mark.parametrize("name", NAMES)
def test_training_ends_with_the_golden_model(name):
    assert lesson_named(name).recipe.to_bytes().hex() == GOLDEN[name]["recipe"]

    _, model, right = train(name)

    assert (sha256(model), right) == (GOLDEN[name]["sha256"], GOLDEN[name]["right"])
    assert right >= LEAST.get(name, 0)


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize(("limit", "at_once"), [(0, 64), (certified.FLOAT32_LIMIT, 7)], ids=["float64", "parts of 7"])
def test_neither_float64_nor_smaller_parts_of_a_batch_end_elsewhere(name, limit, at_once, monkeypatch):
    monkeypatch.setattr(certified, "FLOAT32_LIMIT", limit)
    monkeypatch.setattr(networks, "SAMPLES_AT_ONCE", at_once)

    assert sha256(train(name)[1]) == GOLDEN[name]["sha256"]


def test_the_default_run_is_as_accurate_as_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    data = digits.load()
    rival = LogisticRegression(max_iter=5000).fit(data.train_samples, data.train_labels)

    assert GOLDEN["digits softmax"]["right"] / 360 >= rival.score(data.test_samples, data.test_labels) - 0.01


PROGRAM = """
import hashlib, sys, numpy as np
from tests.training.golden import train
rng = np.random.Generator(np.random.PCG64(1))
product = rng.standard_normal((64, 785)).astype("f4") @ rng.standard_normal((785, 64)).astype("f4")
for data in [product.tobytes(), *(train(name)[1] for name in sys.argv[1:])]:
    print(hashlib.sha256(data).hexdigest())
"""


@pytest.mark.parametrize("cores", [CORES, pytest.param(CORES + MORE_CORES, marks=pytest.mark.slow)], ids=["few", "all"])
def test_every_kind_of_processor_trains_the_same_models(cores):
    floating = set()
    for core, threads in cores:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *QUICK],
            cwd=ROOT,
            env=os.environ | {"OPENBLAS_CORETYPE": core, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        )
        rounded, *trained = done.stdout.split()
        assert trained == [GOLDEN[name]["sha256"] for name in QUICK], f"{core}, {threads} threads"
        floating.add(rounded)

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
            assert not name.startswith("mlchain.") or name.startswith(("mlchain.training", "mlchain.errors"))


ROUNDING = {"exp", "exp2", "log", "log2", "mean", "average", "random", "divide", "true_divide"}
FLOATS = {"float32", "float64", "sqrt", "floor"}  # only where a bound says that they are exact, or for that bound
BOUNDED = ("certified.py", "convolution.py")


@pytest.mark.parametrize("path", PURE, ids=lambda path: path.name)
def test_training_uses_no_rounding_function_of_floats_but_for_bounds(path):
    tree = ast.parse(path.read_text())
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}

    assert not names & ROUNDING
    if path.name not in BOUNDED:
        assert not names & FLOATS - ({"float32"} if path.name == "networks.py" else set())
        assert not any(isinstance(node, ast.Div) for node in ast.walk(tree))
