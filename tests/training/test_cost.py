"""What a job is estimated to take: more than it takes, and never less for more work."""

import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.tasks.catalogue import default_recipe
from mlchain.training.cost import MULTIPLICATION, SAMPLE, VALUE, cost_of

DIGITS = default_recipe("digits", "mlp")
MEASURE = """
import resource, sys
from mlchain.tasks.catalogue import open_task
task = open_task(bytes.fromhex(sys.argv[1]))
task.train(task.initial_model(), bytes(32), 0)
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
"""
KIB = 1 if sys.platform == "darwin" else 1024  # bytes of a unit of ru_maxrss


@pytest.mark.parametrize(
    "recipe",
    [
        DIGITS,
        replace(DIGITS, local_steps=3, batch=30_000),
        replace(DIGITS, local_steps=3_000, batch=1),
        replace(DIGITS, local_steps=300, batch=2_000),
    ],
    ids=["the default", "large batches", "many steps", "many samples"],
)
def test_no_job_takes_more_than_it_is_estimated_to(recipe):
    said = subprocess.run(
        [sys.executable, "-c", MEASURE, recipe.to_bytes().hex()], capture_output=True, text=True, check=True
    )
    seconds, memory = map(float, said.stdout.split())

    cost = cost_of(recipe)

    assert seconds / 2 <= cost.seconds, "of two cores"
    assert memory * KIB <= cost.memory


@given(st.integers(1, 65_534), st.integers(1, 65_534))
def test_more_work_is_never_estimated_to_take_less(local_steps, batch):
    recipe = replace(DIGITS, local_steps=local_steps, batch=batch)
    cost = cost_of(recipe)

    for more in (replace(recipe, local_steps=local_steps + 1), replace(recipe, batch=batch + 1)):
        assert cost_of(more).seconds >= cost.seconds
        assert cost_of(more).memory > cost.memory


@given(st.integers(1, 65_535), st.integers(1, 65_535))
def test_every_sample_and_every_product_counts(local_steps, batch):
    cost, samples = cost_of(replace(DIGITS, local_steps=local_steps, batch=batch)), local_steps * batch

    assert cost.memory >= VALUE * samples
    assert cost.seconds * 10**9 >= SAMPLE * samples + MULTIPLICATION * 2 * samples * DIGITS.weights
