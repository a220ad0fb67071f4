"""The trace of a job: training's own numbers, all of them, in a tree."""

import hashlib
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.referee import trace as traces
from mlchain.referee.layout import Kind, Layout, NotRefereeable
from mlchain.referee.trace import Trace
from mlchain.tasks.catalogue import create_task
from mlchain.training.cost import START_MEMORY
from mlchain.training.encoding import decode_result, digest_weights
from mlchain.training.layers import InputKind, Inputs
from mlchain.training.trees import missing
from tests.referee.cases import WIDE, case_of, cases, wide_case
from tests.referee.junk import climbed


@given(cases())
def test_a_trace_ends_with_the_weights_and_the_loss_of_the_result(case):
    result = decode_result(case.task.plan, case.result)
    numbers = case.trace.numbers(case.task.plan.local_steps)

    masters = [numbers[Kind.MASTER, depth] for depth in range(len(case.task.plan.layers))]
    assert digest_weights(masters) == result.digest
    assert numbers[Kind.LOSS, 0].tolist() == [result.loss]


@given(case=cases(), data=st.data())
def test_a_path_leads_from_any_leaf_to_the_root(case, data):
    depth = case.trace.layout.depth
    position = data.draw(st.integers(0, 2**depth - 1))
    leaf = case.trace.leaf(position)

    node = hashlib.sha256(leaf).digest() if leaf else missing(0)
    assert climbed(node, position, case.trace.path(depth, position)) == case.trace.root


@given(case=cases(), kept=st.integers(0, 8), data=st.data())
def test_a_tree_is_the_same_however_many_of_its_levels_are_kept(case, kept, data):
    depth = case.trace.layout.depth
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(traces, "KEPT_LEVELS", kept)
        frugal = Trace(case.job, case.result)

    assert frugal.root == case.trace.root
    for _ in range(9):
        position = data.draw(st.integers(0, 2**depth - 1))
        assert frugal.path(depth, position) == case.trace.path(depth, position)


@given(cases())
def test_every_entry_has_one_leaf(case):
    layout = case.trace.layout
    for step in (0, 1, layout.last_step):
        for tensor in layout.at_step(step):
            starts = [tensor.span(leaf) for leaf in range(tensor.leaves)]
            assert sum(count for _, _, count in starts) == tensor.rows * tensor.columns
            assert [tensor.leaf_of(row, column) for row, column, _ in starts] == list(range(tensor.leaves))


def test_a_trace_that_keeps_few_weights_has_the_same_nodes(monkeypatch):
    task = create_task("digits", "softmax")
    case = case_of(task, task.initial_model(), None, 1)
    full = case.trace
    monkeypatch.setattr(traces, "MASTER_MEMORY", 4 * 650 * 4)
    monkeypatch.setattr(traces, "STEPS_AT_HAND", 1)

    frugal = Trace(case.job, case.result)

    assert frugal.root == full.root
    depth = full.layout.depth
    for step in (45, 3, 29, 46, 0):
        position = step << full.layout.leaf_bits
        assert frugal.path(depth, position) == full.path(depth, position)


MEASURE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[2]),) * 2)  # as a worker does
import numpy as np
from mlchain.training.cost import taken
from mlchain.training.recipe import Recipe
from tests.referee.cases import SEED, INDEX, task_of
from mlchain.referee.prover import Prover
recipe = Recipe.from_bytes(bytes.fromhex(sys.argv[1]))
before = taken()[1]
task = task_of(recipe, 50, np.random.default_rng(0))
model = task.initial_model()
prover = Prover(task, model, SEED, INDEX, model, 2, bytes(task.result_size))
layout = prover.trace.layout
for step in range(layout.last_step + 1):
    prover.evidence(layout.position(step, layout.at_step(step)[0], 0), 0)
print(taken()[1] - before)
"""
IMAGES = Inputs(1, 28, 28, InputKind.UNSIGNED, 255)
CONV = replace(WIDE.layers[0], outputs=16, kernel_height=5, kernel_width=5, padding=0)
LAST = replace(WIDE.layers[1], outputs=10, error_shift=13)
BIG = {
    "pools": replace(WIDE, inputs=IMAGES, batch=128, local_steps=9, layers=(CONV, LAST)),
    "many samples": replace(WIDE, inputs=IMAGES, batch=4096, layers=(replace(LAST, error_shift=0),)),
    "many weights": replace(
        WIDE, inputs=IMAGES, local_steps=90, layers=(replace(LAST, outputs=1000, error_shift=0), LAST)
    ),
    "many sums": replace(
        WIDE, batch=64, layers=(replace(CONV, outputs=64, stride_height=4, stride_width=4, pooling=0), LAST)
    ),
}


@pytest.mark.parametrize(
    "name", [name if name == "many samples" else pytest.param(name, marks=pytest.mark.slow) for name in BIG]
)
def test_no_trace_takes_more_memory_than_it_is_estimated_to(name):
    most = traces.memory_of(BIG[name])
    said = subprocess.run(
        [sys.executable, "-c", MEASURE, BIG[name].to_bytes().hex(), str(most)], capture_output=True, text=True
    )
    assert said.returncode == 0, said.stderr

    assert int(said.stdout) <= most - START_MEMORY


@pytest.mark.parametrize("name", ["digits softmax", "digits mlp", "digits lenet"])
def test_default_recipes_can_be_refereed_in_eleven_moves_or_thirteen(name):
    layout = Layout(create_task(*name.split()).plan)

    assert layout.depth <= 30


def test_a_recipe_whose_entries_follow_from_too_much_is_refused():
    with pytest.raises(NotRefereeable, match="batch are 5000"):
        Layout(replace(WIDE, batch=5000))
    assert wide_case().trace.layout.depth <= 30
