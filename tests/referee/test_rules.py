"""The rules of training on the chain: what follows from a trace derives, and nothing else does."""

from dataclasses import astuple, replace

import numpy as np
import pytest
from ape import chain, project, reverts
from eth_tester.exceptions import TransactionFailed
from hypothesis import given, settings
from hypothesis import strategies as st

from mlchain.referee import scalars
from mlchain.referee.prover import Prover
from mlchain.referee.statements import Description, encode_evidence
from mlchain.training import compression, softmax
from mlchain.training.layers import OUTPUT_ERROR_BITS
from tests.referee.cases import WIDE, cases, wide_case

ENTRIES = 12 if settings.get_current_profile_name() == "thorough" else 4  # of one trace


NONE = encode_evidence([])


@pytest.fixture(scope="module")
def judge(server):
    """The rules, deployed."""
    return server.deploy(project.TrainingJudge)


@pytest.fixture(scope="module")
def wide():
    return wide_case()


def follows(judge, case: Prover, position: int, leaf: bytes, entry: int, evidence: bytes) -> bool:
    """Return whether the judge says so; evidence that it cannot use says nothing."""
    described = case.description
    arguments = (described.statement, described.to_bytes(), case.trace.root, position, leaf, entry, evidence)
    call = {"to": judge.address, "data": judge.derives.encode_input(*arguments)}
    try:  # not by Ape, which takes a second to explain why a call reverts
        return bool(int.from_bytes(chain.provider.web3.eth.call(call), "big"))
    except TransactionFailed:
        return False


@st.composite
def entries(draw: st.DrawFn, case: Prover) -> tuple[int, int]:
    """The position of a leaf of any tensor of any step, and the number of one of its entries."""
    layout = case.trace.layout
    step = draw(st.sampled_from([0, 1, layout.last_step - 1, layout.last_step]) | st.integers(0, layout.last_step))
    tensor = draw(st.sampled_from(layout.at_step(step)))
    leaf = draw(st.integers(0, tensor.leaves - 1))
    _, _, count = tensor.span(leaf)
    return layout.position(step, tensor, leaf), draw(st.integers(0, count - 1) | st.just(count - 1))


def changed(leaf: bytes, width: int, entry: int, by: int) -> bytes:
    """Return a leaf with one entry changed, modulo what its bytes can hold."""
    at = slice(entry * width, (entry + 1) * width)
    number = (int.from_bytes(leaf[at], "big") + by) % 256**width
    return leaf[: at.start] + number.to_bytes(width, "big") + leaf[at.stop :]


def check(judge, case: Prover, data: st.DataObject) -> None:
    position, entry = data.draw(entries(case))
    _, tensor, _ = case.trace.layout.find(position)
    leaf = case.trace.leaf(position)
    value, evidence = case.prove(position, entry)
    assert value == case.said(position)[entry]
    assert follows(judge, case, position, leaf, entry, evidence)

    by = data.draw(st.sampled_from([1, -1]) | st.integers(1, 256**tensor.width - 1))
    lie = changed(leaf, tensor.width, entry, by)
    assert not follows(judge, case, position, lie, entry, evidence)
    place = data.draw(st.integers(0, len(evidence) - 1))
    forged = evidence[:place] + bytes([evidence[place] ^ data.draw(st.integers(1, 255))]) + evidence[place + 1 :]
    assert not follows(judge, case, position, lie, entry, forged)


@given(case=cases(), data=st.data())
def test_every_entry_of_a_trace_derives_and_a_changed_one_does_not(judge, case, data):
    for _ in range(ENTRIES):
        check(judge, case, data)


@given(data=st.data())
def test_entries_of_rows_that_are_cut_and_of_sums_in_parts_derive(judge, wide, data):
    for _ in range(ENTRIES):
        check(judge, wide, data)


@given(case=cases(), data=st.data())
def test_the_chain_lays_a_trace_out_as_its_twin_does(judge, case, data):
    layout, described = case.trace.layout, case.description
    assert judge.depthOf(described.statement, described.to_bytes()) == layout.depth
    position = data.draw(st.integers(0, 2**layout.depth - 1) | entries(case).map(lambda at: at[0]))

    found = layout.find(position)
    expected = found[1].span(found[2])[2] if found else 0
    assert judge.entriesOf(described.statement, described.to_bytes(), position) == expected


@pytest.mark.parametrize("place", range(7))
def test_a_description_of_something_else_is_refused(judge, wide, place):
    described = wide.description
    values = list(astuple(described))
    was = values[place]
    values[place] = was + 1 if isinstance(was, int) else bytes([was[0] ^ 1]) + was[1:]

    with reverts(judge.WrongDescription):
        judge.depthOf(described.statement, Description(*values).to_bytes())


@pytest.mark.parametrize(
    "recipe", [b"", bytes(65), b"\x03" + bytes(80), WIDE.to_bytes()[:-1], b"\x02" + WIDE.to_bytes()[1:]]
)
def test_what_is_no_recipe_is_refused(judge, wide, recipe):
    described = replace(wide.description, recipe=recipe)

    with reverts(judge.NotARecipe):
        judge.depthOf(described.statement, described.to_bytes())


def test_a_version_zero_is_refused(judge, wide):
    described = replace(wide.description, version=0)

    with reverts(judge.NotARecipe):
        judge.depthOf(described.statement, described.to_bytes())


def test_an_entry_beyond_a_leaf_is_unknown(judge, wide):
    described, position = wide.description, 1 << wide.trace.layout.leaf_bits
    leaf = wide.trace.leaf(position)

    with reverts(judge.UnknownEntry):
        judge.derives(described.statement, described.to_bytes(), wide.trace.root, position, leaf, len(leaf), NONE)


@pytest.mark.parametrize("evidence", [b"", bytes(64), NONE], ids=["nothing", "zeros", "no leaf"])
def test_an_entry_without_evidence_does_not_derive(judge, wide, evidence):
    described, position = wide.description, 1 << wide.trace.layout.leaf_bits
    leaf = wide.trace.leaf(position)

    with reverts(judge.NotShown):
        judge.derives(described.statement, described.to_bytes(), wide.trace.root, position, leaf, 0, evidence)


def test_a_byte_that_is_published_as_another_does_not_derive_though_the_trace_is_right(judge, wide):
    layout = wide.trace.layout
    (tensor,) = [t for t in layout.at_step(layout.last_step) if t.kind.name == "RESULT"]
    position, entry = layout.position(layout.last_step, tensor, 0), 5
    other = bytearray(wide.result)
    other[entry] ^= 1
    lying = replace(wide, result=bytes(other))
    lying.__dict__["trace"] = wide.trace  # it claims the right one

    value, evidence = lying.prove(position, entry)

    assert value is None
    assert not follows(judge, lying, position, wide.trace.leaf(position), entry, evidence)


# The scalar functions of the twin against those that train


@given(data=st.data(), shift=st.integers(8, 20))
def test_probabilities_and_output_errors_are_those_of_training(data, shift):
    classes = data.draw(st.integers(2, 9))
    reach = 2 ** data.draw(st.integers(1, 40))
    logits = data.draw(st.lists(st.integers(-reach, reach), min_size=classes, max_size=classes))

    expected = softmax.softmax(np.array([logits]), shift)[0].tolist()

    assert [scalars.probability(logits, shift, each) for each in range(classes)] == expected
    assert OUTPUT_ERROR_BITS == 12


def test_every_probability_has_the_loss_that_training_says():
    assert [scalars.loss_of(chance) for chance in range(softmax.ONE + 1)] == softmax.LOSSES.tolist()


@given(bits=st.sampled_from([1, 2, 4, 8]), values=st.lists(st.integers(-(2**17), 2**17), min_size=1, max_size=30))
def test_codes_are_those_of_training(bits, values):
    codes, scale = compression.quantise(np.array(values), bits)

    expected = (codes < 0).astype(int).tolist() if bits == 1 else codes.tolist()
    assert [scalars.code_of(value, scale, bits) for value in values] == expected
