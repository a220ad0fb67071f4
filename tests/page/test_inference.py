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
from mlchain.training.layers import InputKind, Inputs, Layer, Pooling
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

        def ask(recipe, model, samples, what="logits"):
            asked = {"recipe": recipe.hex(), "model": model.hex(), "samples": [bytes(it).hex() for it in samples]}
            asked["what"] = what
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


def layer(outputs, kernel=(0, 0), stride=(1, 1), padding=0, pooling=Pooling.NONE, **more):
    """A layer; what it has to do with learning is of no account here."""
    sizes = (outputs, *kernel, *stride, padding, pooling)
    chosen = {"signed": 0, "shift": 10, "bias_input": 1} | more
    return Layer(*sizes, **chosen, learning_shift=9, error_shift=0, quantum=0, initial=9)


# Between them all that a layer can be, on sides that differ, with sums on both sides of what they are clipped to.
KINDS = {
    "unsigned, greatest of four, clipped to 0 and 255": (
        Inputs(2, 5, 6, InputKind.UNSIGNED, 255),
        (layer(3, (3, 2), (1, 1), 1, Pooling.MAX, shift=14, bias_input=255), layer(4)),
    ),
    "signed, sums of four, clipped to -128 and 127": (
        Inputs(1, 6, 5, InputKind.SIGNED, 255),
        (layer(3, (2, 3), (1, 2), 2, Pooling.SUM, signed=1, shift=16), layer(4)),
    ),
    "tokens, embedded, then strides": (
        Inputs(5, 4, 7, InputKind.TOKENS, 4),
        (layer(3, (1, 1), signed=1, shift=9), layer(4, (3, 2), (2, 3), 1, shift=16), layer(3)),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_layers_of_every_kind_have_the_same_logits(in_javascript, kind):
    inputs, layers = KINDS[kind]
    recipe = Recipe("kinds", bytes(32), inputs, 1, 1, layers)
    numbers = np.random.default_rng(1)
    model = encode_model(tuple(numbers.integers(-32768, 32768, it.weights, np.int16) for it in recipe.stages))
    samples = numbers.integers(0, inputs.greatest + 1, (20, inputs.sample_size))

    assert in_javascript(recipe.to_bytes(), model, samples.tolist()) == in_python(recipe.to_bytes(), model, samples)


def test_sums_of_more_than_32_bits_are_exact_and_give_probabilities(in_javascript):
    inputs = Inputs(1, 20, 20, InputKind.UNSIGNED, 255)
    recipe = Recipe("great", bytes(32), inputs, 1, 1, (layer(2, (19, 19), pooling=Pooling.SUM, shift=20), layer(2)))
    model = encode_model(tuple(np.full(it.weights, 32767, np.int16) for it in recipe.stages))
    asked = recipe.to_bytes(), model, [[255] * 400]

    assert in_javascript(*asked) == in_python(*asked) == [[(2 * 255 + 1) * 32767] * 2]
    assert in_javascript(*asked, "probabilities") == [[0.5, 0.5]]


@pytest.mark.parametrize("model", ["softmax", "mlp"])
def test_the_probabilities_that_are_shown_are_those_of_the_package(in_javascript, model):
    task = create_task("digits", model)
    start = task.initial_model()
    trained = task.aggregate(start, [task.train(start, bytes(32), 0)])
    samples = task.dataset.test_samples[:50]

    shown = np.array(in_javascript(task.recipe, trained, samples, "probabilities"))

    logits = np.array(in_python(task.recipe, trained, samples))
    powers = np.exp2(
        (logits - logits.max(axis=1, keepdims=True)) / 2.0 ** Recipe.from_bytes(task.recipe).layers[-1].shift
    )
    assert np.allclose(shown, powers / powers.sum(axis=1, keepdims=True), rtol=1e-12, atol=0)
    assert 0.5 < shown.max() < 1


def test_of_equal_logits_the_first_class_is_named(in_javascript):
    task = create_task("digits", "softmax")
    model = bytes(len(task.initial_model()))

    assert in_javascript(task.recipe, model, task.dataset.test_samples[:1], "classes") == [0]


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
