"""A model that went home names the same classes, in every form, and a file that is none is one sentence."""

import ast
import io
import json
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.data.dataset import Column
from mlchain.data.tables import encode
from mlchain.errors import UserError
from mlchain.export import estimator
from mlchain.export.estimator import Classifier
from mlchain.export.evaluation import evaluate, predictions, read_samples
from mlchain.export.model_file import Trained, read_model, save, start_from, trained_of
from mlchain.tasks.catalogue import create_task, default_recipe, recipe_of
from mlchain.tasks.plans import Plan
from mlchain.tasks.task import DatasetTask
from mlchain.training.layers import InputKind, Inputs
from tests.data.files import csv_of

WITH_MNIST = pytest.mark.skipif("MNIST_DIR" not in os.environ, reason="MNIST_DIR is not set")
IMAGES = Inputs(2, 9, 10, InputKind.UNSIGNED, 255)
NETWORKS = {
    "dense": (Plan(("dense 7", "dense 3"), 1, 8, 0.01), Inputs(12, 1, 1, InputKind.SIGNED, 255)),
    "convolutions": (Plan(("conv 4 3x3 maxpool", "conv 5 2x3 pad=1 sumpool", "dense 4"), 1, 8, 0.01), IMAGES),
    "strides": (Plan(("conv 4 3x2 stride=2x1 pad=2", "conv 3 1x1 maxpool", "dense 2"), 1, 8, 0.01), IMAGES),
    "tokens": (Plan(("embed 3", "conv 4 1x3", "dense 6"), 1, 8, 0.002), Inputs(11, 1, 9, InputKind.TOKENS, 10)),
}


def random_trained(name: str, greatest: int) -> tuple[Trained, np.ndarray]:
    """Return a model with weights up to the greatest, and samples."""
    plan, inputs = NETWORKS[name]
    recipe, generator = recipe_of(plan, name, bytes(32), inputs), np.random.default_rng(len(name) + greatest)
    weights = generator.integers(-greatest, greatest + 1, recipe.weights).astype("<i2")
    samples = generator.integers(0, inputs.greatest + 1, (200, inputs.sample_size)).astype(np.uint8)
    trained = trained_of(recipe, weights.tobytes(), 5, None)
    # Biases that leave every class a chance.
    outputs, fan_in = recipe.stages[-1].weights
    last = weights[-outputs * fan_in :].reshape(outputs, fan_in)
    middle = np.median(logits_of(trained, samples), axis=0) / recipe.layers[-1].bias_input
    last[:, -1] = np.clip(last[:, -1] - middle, -32768, 32767)
    return replace(trained, model=weights.tobytes()), samples


def logits_of(trained: Trained, samples: np.ndarray) -> np.ndarray:
    return DatasetTask(trained.recipe, None).network(trained.model).logits(samples)


def run_onnx(path: Path, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return tuple(session.run(["label", "probabilities"], {"samples": samples.astype(np.float32)}))


@pytest.mark.parametrize("greatest", [300, 2000, 32767])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_form_names_the_classes_that_the_network_does(tmp_path, name, greatest):
    """With weights so great, too, that float32 would round their sums."""
    trained, samples = random_trained(name, greatest)
    expected = logits_of(trained, samples)

    save(tmp_path / "it.npz", trained)
    save(tmp_path / "it.onnx", trained)
    read = read_model(tmp_path / "it.npz")
    label, probabilities = run_onnx(tmp_path / "it.onnx", samples)

    assert read == trained
    assert Classifier.load(tmp_path / "it.npz").logits(samples).tolist() == expected.tolist()
    assert label.tolist() == expected.argmax(axis=1).tolist()
    assert len(set(label.tolist())) > 1
    assert np.allclose(probabilities, read.classifier().predict_proba(samples), atol=1e-6)


def trained_on(task: str, model: str, rounds: int = 2) -> tuple[Trained, DatasetTask]:
    opened = create_task(task, model)
    weights, parent = opened.initial_model(), None
    for number in range(rounds):
        result = opened.train(weights, bytes([number]) * 32, 0, parent, number + 1)
        weights, parent = opened.aggregate(weights, [result], parent), weights
    return trained_of(opened.plan, weights, rounds + 1, opened.dataset), opened


@pytest.mark.parametrize(
    ("task", "model"),
    [
        ("digits", "softmax"),
        ("digits", "mlp"),
        ("cancer", "softmax"),
        ("cancer", "mlp"),
        ("wine", "softmax"),
        ("wine", "mlp"),
        pytest.param("mnist", "softmax", marks=WITH_MNIST),
        pytest.param("mnist", "mlp", marks=[WITH_MNIST, pytest.mark.slow]),
        pytest.param("mnist", "lenet", marks=[WITH_MNIST, pytest.mark.slow]),
    ],
)
def test_on_every_image_and_row_that_can_be_every_form_names_the_same_class(tmp_path, task, model):
    trained, opened = trained_on(task, model, 1 if task == "mnist" else 2)
    data = opened.dataset
    samples = data.test_samples if task == "mnist" else np.concatenate([data.train_samples, data.test_samples])
    said = opened.network(trained.model).predict(samples)

    save(tmp_path / "it.onnx", trained)
    label, _ = run_onnx(tmp_path / "it.onnx", samples)

    assert label.tolist() == said.tolist()
    assert trained.classifier().predict(samples).tolist() == [trained.classes[number] for number in said]
    assert evaluate(trained.classifier(), opened.dataset).accuracy == opened.accuracy(trained.model)


def test_the_estimator_needs_nothing_but_numpy():
    found = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(Path(estimator.__file__).read_text()))
        for name in ([alias.name for alias in getattr(node, "names", [])] if isinstance(node, ast.Import) else [])
        + ([node.module] if isinstance(node, ast.ImportFrom) else [])
    }

    assert found == {"collections", "decimal", "json", "numpy", "pathlib", "typing"}


NUMBERS = st.decimals(-(10**9), 10**9, places=5, allow_nan=False)


@given(st.lists(NUMBERS, min_size=1), st.sets(NUMBERS, min_size=2, max_size=2))
def test_the_estimator_reads_a_cell_as_training_did(values, ends):
    low, high = (format(end, "f") for end in sorted(ends))
    column = {"name": "x", "low": low, "high": high}

    found = [estimator._byte(column, str(value)) for value in values]

    assert found == encode([Column(**column)], {"x": [str(value) for value in values]}).ravel().tolist()


def table_model(tmp_path):
    columns = (Column("size", "0", "10"), Column("colour", category="red"), Column("colour", category="blue"))
    inputs = Inputs(3, 1, 1, InputKind.SIGNED, 255)
    recipe = recipe_of(Plan(("dense 2",), 1, 8, 0.1), "table", bytes(32), inputs)
    return Trained(recipe, np.array([9, 5, -5, 0, -9, -5, 5, 0], "<i2").tobytes(), 1, ("small", "large"), columns)


def test_rows_are_read_by_name_in_any_order_and_from_files(tmp_path):
    trained = table_model(tmp_path)
    model = trained.classifier()
    (tmp_path / "new.csv").write_text(csv_of([["red", 2.5], ["blue", 7], ["green", 99]], "colour,size"))

    by_place = model.encode([["2.5", "red"], [7, "blue"], [Decimal(99), "green"]])
    by_name = model.encode([{"colour": "red", "size": 2.5}, {"size": 7, "colour": "blue"}, {"size": 99, "colour": ""}])

    assert by_place.tolist() == by_name.tolist() == [[64, 255, 0], [179, 0, 255], [255, 0, 0]]
    assert read_samples(tmp_path / "new.csv", model)[1].tolist() == by_place.tolist()
    assert [line.split(" (")[0] for line in predictions(tmp_path / "new.csv", model)] == [
        f"row {number}: {name}" for number, name in enumerate(model.predict(by_place), start=2)
    ]
    with pytest.raises(ValueError, match="a row has the cells size, colour"):
        model.encode([[1]])


def test_samples_of_another_shape_are_refused():
    model = random_trained("convolutions", 40)[0].classifier()

    with pytest.raises(ValueError, match="a sample has 180 bytes of at most 255"):
        model.predict(np.zeros((2, 5), np.uint8))
    with pytest.raises(ValueError, match="samples of this model are arrays of uint8"):
        model.predict([[1.5]])


def test_images_may_have_their_colours_last():
    model = random_trained("convolutions", 40)[0].classifier()
    images = np.random.default_rng(1).integers(0, 256, (3, 9, 10, 2)).astype(np.uint8)

    assert model.encode(images).tolist() == images.transpose(0, 3, 1, 2).reshape(3, -1).tolist()


def test_a_model_of_one_s_own_begins_a_recipe_with_the_same_layers(tmp_path):
    trained, opened = trained_on("digits", "softmax", 1)
    save(tmp_path / "own.npz", trained)

    assert start_from(tmp_path / "own.npz", replace(opened.plan, local_steps=3, task="other")) == trained.model
    with pytest.raises(
        UserError, match=r"^.*own.npz has other layers than are to be trained: its weights are 10 x 65$"
    ):
        start_from(tmp_path / "own.npz", default_recipe("digits", "mlp"))


def hostile(header: object = None, **arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    said = header if isinstance(header, bytes) else json.dumps(header).encode()
    np.savez(file, header=np.frombuffer(said, np.uint8), **arrays)
    return file.getvalue()


def headers() -> dict[str, bytes]:
    trained, _ = random_trained("dense", 40)
    header = trained.classifier().header
    weights = {
        f"weights_{depth}": np.zeros(stage.weights, np.int16) for depth, stage in enumerate(trained.recipe.stages)
    }
    return {
        "nothing": b"",
        "a pickle": b"\x80\x04cos\nsystem\n(S'touch /tmp/owned'\ntR.",
        "no header": hostile({}),
        "a deep header": hostile(b"[" * 10**6),
        "a list": hostile([]),
        "a recipe that is none": hostile(header | {"recipe": "00"}, **weights),
        "a header that is not its recipe's": hostile(
            header | {"inputs": header["inputs"] | {"greatest": 9}}, **weights
        ),
        "too many classes": hostile(header | {"classes": ["a"] * 9}, **weights),
        "no weights": hostile(header),
        "other weights": hostile(header, **weights | {"weights_0": np.zeros((7, 3), np.int16)}),
        "objects": hostile(header, **weights | {"weights_0": np.array([object()])}),
    }


@pytest.mark.parametrize("what", headers())
def test_a_file_that_holds_no_model_is_one_sentence(tmp_path, what):
    (tmp_path / "it.npz").write_bytes(headers()[what])

    with pytest.raises(
        UserError, match=r"^.*it.npz (is not a model that `ape run model` has written|cannot be read): "
    ) as caught:
        read_model(tmp_path / "it.npz")

    assert "\n" not in str(caught.value)


def test_a_model_is_written_only_into_what_its_name_says(tmp_path):
    trained = random_trained("dense", 40)[0]

    with pytest.raises(UserError, match=r"ends with .npz or .onnx: .*it.pkl does not"):
        save(tmp_path / "it.pkl", trained)
    with pytest.raises(UserError, match="cannot be written: No such file"):
        save(tmp_path / "nowhere" / "it.npz", trained)
