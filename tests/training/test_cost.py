"""What a job is estimated to take: more than it takes, and never less for more work."""

import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.tasks.catalogue import default_recipe
from mlchain.training.cost import MULTIPLICATION, SAMPLE, VALUE, cost_of
from mlchain.training.layers import InputKind, Inputs, Layer, Pooling
from mlchain.training.recipe import Recipe
from tests.training.strategies import recipes

DIGITS = default_recipe("digits", "mlp")
DENSE = Layer(2, 0, 0, 1, 1, 0, Pooling.NONE, 0, 16, 6, 0, 10, 255, 100)
ONE_BY_ONE = replace(DENSE, kernel_height=1, kernel_width=1)
DISTANT = replace(ONE_BY_ONE, stride_height=255, stride_width=255)
MEASURE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[2]),) * 2)  # as a worker does
import numpy as np
from mlchain.training.cost import taken
from mlchain.training.jobs import initial_model, job_key, run_job
from mlchain.training.recipe import Recipe
recipe = Recipe.from_bytes(bytes.fromhex(sys.argv[1]))
samples = np.random.default_rng(0).integers(0, recipe.inputs.greatest + 1, (50, recipe.inputs.sample_size), np.uint8)
model, labels = initial_model(recipe), np.arange(50) % recipe.layers[-1].outputs
run_job(recipe, model, samples, labels, job_key(recipe, bytes(32), 0), 1, model)
print(*taken())
"""


def made(inputs: Inputs, *layers: Layer, steps: int = 2, batch: int = 64, displacement: int = 0) -> Recipe:
    return Recipe("made", bytes(32), inputs, steps, batch, layers, displacement=displacement)


IMAGE, POINT = Inputs(1, 28, 28, InputKind.UNSIGNED, 255), Inputs(8, 1, 1, InputKind.UNSIGNED, 1)
POOLED = replace(DENSE, outputs=16, kernel_height=5, kernel_width=5, pooling=Pooling.MAX, shift=12)
RECIPES = {
    "the default": DIGITS,
    "large batches": replace(DIGITS, local_steps=3, batch=30_000),
    "many steps": replace(DIGITS, local_steps=3_000, batch=1),
    "many samples": replace(DIGITS, local_steps=300, batch=2_000),
    "pools": made(IMAGE, POOLED, replace(POOLED, outputs=32, error_shift=10), replace(DENSE, error_shift=13), steps=20),
    "overlapping sums": made(IMAGE, replace(POOLED, pooling=Pooling.SUM), replace(DENSE, error_shift=13), steps=20),
    "many channels": made(Inputs(600, 12, 12, InputKind.SIGNED, 255), replace(POOLED, kernel_height=3), DENSE),
    "a wide edge": made(POINT, replace(DISTANT, padding=255), DENSE),
    "a wide edge inside": made(POINT, replace(DENSE, outputs=8), replace(DISTANT, padding=255), DENSE),
    "displaced points": made(POINT, DENSE, batch=65_535, displacement=15),
    "distant sums": made(
        replace(IMAGE, height=256, width=256), replace(DISTANT, outputs=400, pooling=1), DENSE, batch=1
    ),
    "large patches": made(
        replace(IMAGE, channels=64), replace(DENSE, kernel_height=14, kernel_width=14), DENSE, steps=1
    ),
    "tokens": made(Inputs(256, 1, 900, InputKind.TOKENS, 255), ONE_BY_ONE, DENSE),
}


@pytest.mark.parametrize("name", RECIPES)
def test_no_job_takes_more_than_it_is_estimated_to(name):
    recipe = RECIPES[name]
    cost = cost_of(recipe)
    job = [sys.executable, "-c", MEASURE, recipe.to_bytes().hex(), str(cost.memory)]
    said = subprocess.run(job, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    seconds, memory = map(float, said.stdout.split())

    assert seconds / 2 <= cost.seconds, "of two cores"
    assert memory <= cost.memory


@given(recipes())
def test_more_work_is_never_estimated_to_take_less(recipe):
    cost = cost_of(recipe)

    for more in (replace(recipe, local_steps=recipe.local_steps + 1), replace(recipe, batch=recipe.batch + 1)):
        assert cost_of(more).seconds >= cost.seconds
        assert cost_of(more).memory > cost.memory


@given(st.integers(1, 65_535), st.integers(1, 65_535))
def test_every_sample_and_every_product_counts(local_steps, batch):
    cost, samples = cost_of(replace(DIGITS, local_steps=local_steps, batch=batch)), local_steps * batch

    assert cost.memory >= VALUE * samples
    assert cost.seconds * 10**9 >= SAMPLE * samples + MULTIPLICATION * 2 * samples * DIGITS.weights
