"""The way forward in JavaScript gives Python's logits, to the last integer."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlchain.tasks.catalogue import create_task
from mlchain.training.encoding import decode_model, encode_model
from mlchain.training.layers import InputKind
from mlchain.training.networks import Network
from mlchain.training.recipe import Recipe
from tests.training.strategies import INT16, networks

HERE = Path(__file__)
MODULE = HERE.parents[2] / "mlchain" / "page" / "static" / "network.js"
IMAGES = 1_000


@pytest.fixture(scope="module")
def in_javascript(tmp_path_factory):
    """What the page's module says of samples, or why it refuses them."""
    module = tmp_path_factory.mktemp("page") / "network.mjs"  # Node takes it for a module by its name
    module.write_text(MODULE.read_text())
    program = [
        "node",
        HERE.with_name("forward.mjs"),
        module,
    ]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def ask(recipe, model, samples):
            asked = {"recipe": recipe.hex(), "model": model.hex(), "samples": [bytes(it).hex() for it in samples]}
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()


def in_python(recipe, model, samples):
    """What the package says of samples."""
    plan = Recipe.from_bytes(recipe)
    return Network(plan.inputs, plan.layers, decode_model(plan, model)).logits(np.array(samples, np.uint8)).tolist()


@pytest.mark.parametrize("model", ["softmax", "mlp", "lenet"])
def test_a_thousand_images_have_the_same_logits(in_javascript, model):
    task = create_task("digits", model)
    start = task.initial_model()
    trained = task.aggregate(start, [task.train(start, bytes(32), 0)])
    samples = task.dataset.train_samples[:IMAGES]

    assert len(samples) == IMAGES
    assert in_javascript(task.recipe, trained, samples) == in_python(task.recipe, trained, samples)


@st.composite
def cases(draw):
    """A network of every kind of layer, any weights, and samples."""
    inputs, layers = draw(networks())
    recipe = Recipe("random", bytes(32), inputs, 1, 1, layers)
    model = encode_model(tuple(draw(hnp.arrays(np.int16, it.weights, elements=INT16)) for it in recipe.stages))
    bytes_of = st.lists(st.integers(0, inputs.greatest), min_size=inputs.sample_size, max_size=inputs.sample_size)
    return recipe.to_bytes(), model, draw(st.lists(bytes_of, min_size=1, max_size=4))


@given(cases())
def test_random_networks_have_the_same_logits(in_javascript, case):
    assert in_javascript(*case) == in_python(*case)


@given(st.data())
def test_the_greatest_sums_are_exact(in_javascript, data):
    inputs, layers = data.draw(networks())
    recipe = Recipe("greatest", bytes(32), inputs, 1, 1, layers)
    sign = data.draw(st.sampled_from([-32768, 32767]))
    model = encode_model(tuple(np.full(it.weights, sign, np.int16) for it in recipe.stages))
    sample = [0 if inputs.kind is InputKind.SIGNED else inputs.greatest] * inputs.sample_size

    assert in_javascript(recipe.to_bytes(), model, [sample]) == in_python(recipe.to_bytes(), model, [sample])


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda recipe, model: (b"\x02" + recipe[1:], model), "this is no recipe that the page can read"),
        (lambda recipe, model: (recipe[:40], model), "this is no recipe that the page can read"),
        (lambda recipe, model: (recipe + b"\0", model), "the recipe has another length than it says"),
        (lambda recipe, model: (recipe, model[:-2]), "a model of 1298 bytes, 1300 wanted"),
    ],
)
def test_what_is_no_recipe_or_no_model_is_refused(in_javascript, spoil, reason):
    task = create_task("digits", "softmax")

    assert in_javascript(*spoil(task.recipe, task.initial_model()), []) == reason


def test_a_sample_that_no_data_set_has_is_refused(in_javascript):
    task = create_task("digits", "softmax")

    assert in_javascript(task.recipe, task.initial_model(), [[17] * 64]).startswith("a byte 17 of a sample")
    assert in_javascript(task.recipe, task.initial_model(), [[0] * 63]).startswith("a sample of 63 bytes")
