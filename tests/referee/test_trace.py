"""The trace of a job: training's own numbers, all of them, in a tree."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.referee import trace as traces
from mlchain.referee.layout import Kind, Layout, NotRefereeable
from mlchain.referee.trace import Trace
from mlchain.tasks.catalogue import create_task
from mlchain.training.encoding import decode_result, digest_weights
from mlchain.training.trees import missing
from tests.referee.cases import WIDE, case_of, cases, wide_case


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
    for height, other in enumerate(case.trace.path(depth, position)):
        pair = other + node if position >> height & 1 else node + other
        node = hashlib.sha256(pair).digest()
    assert node == case.trace.root


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


@pytest.mark.parametrize("name", ["digits softmax", "digits mlp", "digits lenet"])
def test_default_recipes_can_be_refereed_in_eleven_moves_or_thirteen(name):
    layout = Layout(create_task(*name.split()).plan)

    assert layout.depth <= 30


def test_a_recipe_whose_entries_follow_from_too_much_is_refused():
    with pytest.raises(NotRefereeable, match="batch are 5000"):
        Layout(replace(WIDE, batch=5000))
    assert wide_case().trace.layout.depth <= 30
