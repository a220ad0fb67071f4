"""Two traces of one job: the first number in which they differ is one that the wrong one cannot show to follow."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.referee.evidence import TraceReader
from mlchain.referee.layout import Kind
from mlchain.referee.prover import Prover
from mlchain.referee.steps import State, Steps
from mlchain.referee.trace import Trace, first_difference
from mlchain.tasks.catalogue import create_task
from tests.referee.cases import case_of, cases, wide_case
from tests.referee.judging import derives


class LyingSteps(Steps):
    """Changes one number of one step; later steps go on from there."""

    step = 0
    kind, layer, place, by = Kind.LOSS, 0, 0, 0

    def train(self, step, before):
        numbers, state = super().train(step, before)
        if step == self.step:
            changed = numbers[self.kind, self.layer].copy()
            changed.reshape(-1)[self.place] += self.by
            numbers[self.kind, self.layer] = changed
            if self.kind is Kind.MASTER:
                state = State((*state.master[: self.layer], changed, *state.master[self.layer + 1 :]), state.loss)
            if self.kind is Kind.LOSS:
                state = State(state.master, int(changed.reshape(-1)[0]))
        return numbers, state


def lying(case: Prover, monkeypatch, **lie) -> Prover:
    """Return who claims another trace for a job's result."""
    with monkeypatch.context() as patched:
        patched.setattr("mlchain.referee.trace.Steps", type("Lying", (LyingSteps,), lie))
        liar = replace(case)
        liar.__dict__["trace"] = Trace(case.job, case.result)
    return liar


def is_derived(rules, prover: Prover, position: int, entry: int) -> bool:
    _, evidence = prover.prove(position, entry)
    (answer,) = rules.follow([derives(prover, position, prover.leaf(position), entry, evidence)])
    return answer


def assert_refuted(rules, case: Prover, liar: Prover) -> int:
    """Walk down both trees, and see the first number that differs fail; return where."""
    position = first_difference(case.trace, liar.trace.node)
    assert position is not None
    ours, theirs = case.said(position), liar.said(position)
    entry = next(number for number, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b)
    assert is_derived(rules, case, position, entry)
    assert not is_derived(rules, liar, position, entry)
    return position


@pytest.fixture(scope="module")
def examples():
    """A wide network, and lenet on digits, with four bits a weight."""
    task = create_task("digits", "lenet")
    return [wide_case(), case_of(task, task.initial_model(), None, 1)]


@given(data=st.data())
def test_whoever_changes_any_number_cannot_show_that_it_follows(rules, examples, data):
    case = data.draw(st.sampled_from(examples))
    layout = case.trace.layout
    tensor = data.draw(st.sampled_from(layout.training))
    step = data.draw(st.integers(1, layout.last_step - 1))
    place = data.draw(st.integers(0, tensor.rows * tensor.columns - 1))
    lie = {
        "step": step,
        "kind": tensor.kind,
        "layer": tensor.layer,
        "place": place,
        "by": data.draw(st.sampled_from([1, -1])),
    }

    with pytest.MonkeyPatch.context() as monkeypatch:
        liar = lying(case, monkeypatch, **lie)

    position = assert_refuted(rules, case, liar)
    row, column = divmod(place, tensor.columns)
    assert position == layout.position(step, tensor, tensor.leaf_of(row, column))


def test_equal_traces_do_not_differ(examples):
    case = examples[0]

    assert first_difference(case.trace, replace(case).trace.node) is None


@given(case=cases(), data=st.data())
def test_an_entry_follows_only_from_what_comes_before_it(case, data):
    """So at the first number that differs, all that it follows from is the same in both traces."""
    layout = case.trace.layout
    step = data.draw(st.integers(0, layout.last_step))
    tensor = data.draw(st.sampled_from(layout.at_step(step)))
    leaf = data.draw(st.integers(0, tensor.leaves - 1))
    entry = data.draw(st.integers(0, tensor.span(leaf)[2] - 1))
    position, asked = layout.position(step, tensor, leaf), []
    run = TraceReader.run

    def watched(self, slot, at_step, of, row, column):
        number = of.leaf_of(row, column)
        first_row, first_column, _ = of.span(number)
        asked.append((layout.position(at_step, of, number), (row - first_row) * of.columns + column - first_column))
        return run(self, slot, at_step, of, row, column)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(TraceReader, "run", watched)
        case.prove(position, entry)

    assert all(at < (position, entry) for at in asked)
