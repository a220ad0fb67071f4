"""The rules of training on the chain: what follows from a trace derives, and nothing else does."""

import hashlib
from contextlib import suppress
from dataclasses import astuple, replace

import numpy as np
import pytest
from ape import project
from hypothesis import given, settings
from hypothesis import strategies as st

from mlchain.referee import scalars
from mlchain.referee.evidence import Shown
from mlchain.referee.layout import Kind
from mlchain.referee.prover import Prover
from mlchain.referee.statements import Description, encode_evidence
from mlchain.training import compression, softmax
from mlchain.training.layers import OUTPUT_ERROR_BITS, InputKind, Inputs, Pooling
from mlchain.training.recipe import Recipe
from tests.contracts.chain_control import reverts
from tests.referee.cases import LAST_LAYER, WIDE, WIDE_LAYER, cases, first_case, other_case, wide_case
from tests.referee.judging import changed, derives, derives_right
from tests.referee.junk import climbed, evidence_of, lie_from, publishing, with_any_numbers

ENTRIES = 12  # of one trace


NONE = encode_evidence([])


@pytest.fixture(scope="module")
def judge(server):
    """The rules, deployed."""
    return server.deploy(project.TrainingJudge)


@pytest.fixture(scope="module")
def wide():
    return wide_case()


@st.composite
def entries(draw: st.DrawFn, case: Prover) -> tuple[int, int]:
    """The position of a leaf of any tensor of any step, and the number of one of its entries."""
    layout = case.trace.layout
    step = draw(st.sampled_from([0, 1, layout.last_step - 1, layout.last_step]) | st.integers(0, layout.last_step))
    tensor = draw(st.sampled_from(layout.at_step(step)))
    leaf = draw(st.integers(0, tensor.leaves - 1))
    _, _, count = tensor.span(leaf)
    return layout.position(step, tensor, leaf), draw(st.integers(0, count - 1) | st.just(count - 1))


def check(rules, case: Prover, data: st.DataObject) -> None:
    asked = []
    for _ in range(ENTRIES):
        position, entry = data.draw(entries(case))
        _, tensor, _ = case.trace.layout.find(position)
        leaf = case.trace.leaf(position)
        value, evidence = case.prove(position, entry)
        assert value == case.said(position)[entry]
        by = data.draw(st.sampled_from([1, -1]) | st.integers(1, 256**tensor.width - 1))
        lie = changed(leaf, tensor.width, entry, by)
        place = data.draw(st.integers(0, len(evidence) - 1))
        forged = evidence[:place] + bytes([evidence[place] ^ data.draw(st.integers(1, 255))]) + evidence[place + 1 :]
        asked += [derives(case, position, *shown) for shown in ((leaf, entry, evidence), (lie, entry, evidence))]
        asked.append(derives(case, position, lie, entry, forged))

    assert rules.follow(asked) == [True, False, False] * ENTRIES


@given(case=cases(), data=st.data())
def test_every_entry_of_a_trace_derives_and_a_changed_one_does_not(rules, case, data):
    check(rules, case, data)


@given(data=st.data())
def test_entries_of_rows_that_are_cut_and_of_sums_in_parts_derive(rules, wide, data):
    check(rules, wide, data)


@settings(max_examples=2 * settings.default.max_examples)
@given(case=cases() | st.builds(wide_case), seed=st.integers(0, 2**32))
def test_from_any_numbers_the_chain_derives_what_its_twin_does(rules, case, seed):
    """Numbers that no training makes reach every end of what is clipped, chosen and rounded."""
    dice = np.random.default_rng(seed)
    case = with_any_numbers(case, seed)
    layout, asked, expected = case.trace.layout, [], []
    for step in (0, 1, layout.last_step - 1, layout.last_step):
        for tensor in (it for it in layout.at_step(step) for _ in range(8 if it.kind is Kind.RESULT else 1)):
            leaf = int(dice.integers(tensor.leaves))
            entry = int(dice.integers(tensor.span(leaf)[2]))
            position, data = layout.position(step, tensor, leaf), case.trace.leaf(layout.position(step, tensor, leaf))
            claimed = case if tensor.kind is not Kind.RESULT else publishing(case, position, entry)
            value, evidence = claimed.prove(position, entry)
            right = changed(data, tensor.width, entry, value - case.said(position)[entry])
            wrong = changed(right, tensor.width, entry, int(dice.choice([-1, 1])))
            asked += [derives(claimed, position, shown, entry, evidence) for shown in (right, wrong)]
            expected += [True, False]

    assert rules.follow(asked) == expected


def test_errors_and_losses_follow_from_logits_at_any_distance(rules):
    """Some distances give probabilities that are entries of the table of powers, where the search for a loss ends."""
    dice, size = np.random.default_rng(1), 256  # of a step of the table
    distances = [159, 177, 350, 967, 982, 1776, 1927, 2183, *dice.integers(0, 4500, 22)]
    logits = [np.roll([size * distance, 0, -(2**40)], turn) for distance in distances for turn in range(3)]
    inputs, layer = Inputs(1, 3, 3, InputKind.UNSIGNED, 255), replace(LAST_LAYER, error_shift=0)
    recipe = Recipe("logits", bytes(32), inputs, 1, len(logits), (layer,), 16, displacement=1)
    case = with_any_numbers(first_case(recipe, len(logits), dice), 1, sums=np.array(logits))

    for kind, each in ((Kind.ERRORS, 1), (Kind.LOSSES, 1), (Kind.INPUTS, 9)):
        assert all(rules.follow(first_leaf(case, kind, each)))


def test_every_channel_of_a_sample_is_moved(rules):
    recipe = Recipe(
        "moved",
        bytes(32),
        Inputs(3, 5, 4, InputKind.UNSIGNED, 255),
        1,
        4,
        (replace(LAST_LAYER, error_shift=0),),
        displacement=1,
    )
    case = first_case(recipe, 9, np.random.default_rng(1))

    assert all(rules.follow(first_leaf(case, Kind.INPUTS)))


def first_leaf(case: Prover, kind: Kind, each: int = 1) -> list[str]:
    """Return the calls that ask of entries of a first leaf, in step 1, whether what has to be there follows."""
    tensor = case.trace.layout.of(kind)
    position = case.trace.layout.position(1, tensor, 0)
    return [derives_right(case, position, entry) for entry in range(each // 2, tensor.span(0)[2], each)]


@pytest.mark.parametrize("reach", [1, 2, None], ids=["many are equal", "some are equal", "few are equal"])
def test_errors_go_to_the_first_greatest_of_a_pool_alone_and_nowhere_outside(rules, reach):
    first = replace(WIDE_LAYER, kernel_height=2, kernel_width=2, padding=0, pooling=Pooling.MAX)
    inputs = Inputs(1, 6, 6, InputKind.UNSIGNED, 255)
    recipe = replace(WIDE, inputs=inputs, layers=(first, LAST_LAYER))
    case = with_any_numbers(first_case(recipe, 3, np.random.default_rng(1)), 1, reach=reach)

    assert all(rules.follow(first_leaf(case, Kind.ERRORS)))


def test_errors_pass_to_all_inputs_of_a_convolution_between_layers_to_the_last_row_and_column(rules):
    first = replace(WIDE_LAYER, pooling=Pooling.NONE)
    second = replace(first, stride_height=2, error_shift=6)
    recipe = replace(WIDE, inputs=Inputs(1, 6, 6, InputKind.UNSIGNED, 255), layers=(first, second, LAST_LAYER))
    case = with_any_numbers(first_case(recipe, 3, np.random.default_rng(1)), 1)

    assert all(rules.follow(first_leaf(case, Kind.PASSED)))


@pytest.mark.parametrize("batch", [512, 513], ids=["one part", "two parts"])
def test_weights_move_by_all_parts_of_their_gradients(rules, batch):
    layer = replace(LAST_LAYER, error_shift=0)
    recipe = Recipe("parts", bytes(32), Inputs(1, 2, 1, InputKind.UNSIGNED, 255), 1, batch, (layer,))
    case = with_any_numbers(first_case(recipe, 9, np.random.default_rng(1)), 1)

    assert all(rules.follow(first_leaf(case, Kind.MASTER)))


def test_runs_that_go_on_in_the_next_leaf_are_read_to_their_end(rules, wide):
    layout = wide.trace.layout
    errors, weights = layout.of(Kind.PASSED), layout.of(Kind.WEIGHTS_T, 1)
    column = weights.entries_per_piece // LAST_LAYER.outputs
    assert weights.leaf_of(0, column * LAST_LAYER.outputs) < weights.leaf_of(0, (column + 1) * LAST_LAYER.outputs - 1)
    leaf = errors.leaf_of(0, column)
    asked = [(wide, layout.position(1, errors, leaf), column - errors.span(leaf)[1])]
    inputs, layer = Inputs(1, 41, 25, InputKind.UNSIGNED, 255), replace(LAST_LAYER, error_shift=0, quantum=0)
    long = first_case(Recipe("long", bytes(32), inputs, 1, 1, (layer,), 16), 3, np.random.default_rng(1))
    assert long.trace.layout.of(Kind.INPUTS).leaves == 2
    asked.append((long, long.trace.layout.position(1, long.trace.layout.of(Kind.SUMS), 0), 0))

    anything = [(with_any_numbers(case, 1, reach=1000), *place) for case, *place in asked]  # hardly any is zero

    assert all(rules.follow(derives_right(*place) for place in anything))


def test_a_digest_follows_from_the_roots_of_master_weights_and_from_no_others(rules, wide):
    end = wide.task.plan.result_size - 40
    places = [wide.place_of(at) for at in range(end, end + 40)]
    asked = [derives(wide, at, wide.leaf(at), entry, wide.prove(at, entry)[1]) for at, entry in places]
    roots = [replace(it, data=bytes([layer]) * 32) for layer, it in enumerate(evidence_of(wide, *places[0])[:-1])]
    digest = hashlib.sha256(b"".join(it.data for it in roots)).digest()
    lying = replace(wide, result=wide.result[:end] + digest + wide.result[end + 32 :])
    position, entry = places[0]
    lie = changed(wide.leaf(position), 1, entry, digest[0] - wide.result[end])
    shown = encode_evidence([*roots, evidence_of(lying, position, entry)[-1]])

    assert all(rules.follow(asked))
    assert rules.follow([derives(lying, position, lie, entry, shown, wide.root)]) == [False]


def test_nothing_derives_from_a_leaf_of_another_length_or_from_a_node_in_its_place(rules):
    """The leaf of errors has 64 bytes, as many as two nodes; the last of its numbers is read."""
    dice, layer = np.random.default_rng(1), replace(LAST_LAYER, outputs=4, error_shift=0)
    case = first_case(Recipe("short", bytes(32), Inputs(1, 1, 1, InputKind.UNSIGNED, 255), 1, 8, (layer,), 16), 8, dice)
    layout = case.trace.layout
    tensor = layout.of(Kind.ERRORS_T)
    position, entry = layout.position(1, tensor, 0), 31
    (right,) = evidence_of(case, position, entry)
    assert len(right.data) == 64

    errors = layout.position(1, layout.of(Kind.ERRORS), 0)
    short = replace(right, data=right.data[:-2])
    node = errors % 2 ** (layout.depth - 1)
    pair = b"".join(case.node(layout.depth, 2 * node + side) for side in (0, 1))
    lies = [
        (bytes(2), short, climbed(hashlib.sha256(short.data).digest(), errors, right.path)),
        (pair[-2:], Shown(pair, tuple(case.trace.path(layout.depth - 1, node))), case.root),
    ]
    leaf = case.leaf(position)

    assert rules.follow([derives(case, position, leaf, entry, encode_evidence([right]))]) == [True]
    for said, shown, root in lies:
        assert said != leaf[-2:]
        asked = derives(case, position, leaf[:-2] + said, entry, encode_evidence([shown]), root)
        assert rules.follow([asked]) == [False]


@settings(max_examples=2 * settings.default.max_examples)
@given(case=cases() | st.builds(wide_case), seed=st.integers(0, 2**32))
def test_nothing_derives_from_what_is_not_of_the_trace_the_data_set_or_the_bytes_published(rules, case, seed):
    """Each lie follows from what is shown for it, some of which is another job's, with its path or the right one's."""
    dice = np.random.default_rng(seed)
    other = with_any_numbers(other_case(case, dice), seed)
    layout, asked = case.trace.layout, []
    for step in (0, 1, layout.last_step - 1, layout.last_step):
        for tensor in layout.at_step(step):
            leaf = int(dice.integers(tensor.leaves))
            entry = int(dice.integers(tensor.span(leaf)[2]))
            position = layout.position(step, tensor, leaf)
            right, theirs = (evidence_of(each, position, entry) for each in (case, other))
            for paths in (right, theirs):
                chance = dice.choice([0.3, 1])
                shown = [
                    Shown(lie.data, along.path) if dice.random() < chance else mine
                    for mine, lie, along in zip(right, theirs, paths, strict=False)
                ]
                with suppress(StopIteration, IndexError):
                    lie = lie_from(case, position, entry, shown)
                    if lie not in (None, case.said(position)[entry]):
                        said = changed(case.leaf(position), tensor.width, entry, lie - case.said(position)[entry])
                        asked.append(derives(case, position, said, entry, encode_evidence(shown)))

    assert not any(rules.follow(asked))


@pytest.mark.parametrize("place", range(7))
def test_a_description_of_something_else_is_refused(judge, wide, place):
    described = wide.description
    values = list(astuple(described))
    was = values[place]
    values[place] = was + 1 if isinstance(was, int) else bytes([was[0] ^ 1]) + was[1:]

    with reverts(judge.WrongDescription):
        judge.depthOf(described.statement, Description(*values).to_bytes())


def with_layers(layers: int, rates: int) -> bytes:
    """Return the bytes of a recipe of so many layers and rates, all alike."""
    data = WIDE.to_bytes()
    return data[:63] + bytes([layers, rates]) + layers * data[65:81] + data[-1:] * rates


@pytest.mark.parametrize(
    "recipe",
    [
        *(b"", bytes(65), b"\x03" + bytes(80), WIDE.to_bytes()[:-1], b"\x02" + WIDE.to_bytes()[1:]),
        *(with_layers(*counts) for counts in ((0, 1), (1, 0), (9, 1))),
    ],
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

    with reverts(judge.UnknownEntry, position=position, entry=len(leaf)):
        judge.derives(described.statement, described.to_bytes(), wide.trace.root, position, leaf, len(leaf), NONE)


@pytest.mark.parametrize("evidence", [b"", bytes(64), NONE], ids=["nothing", "zeros", "no leaf"])
def test_an_entry_without_evidence_does_not_derive(judge, wide, evidence):
    described, position = wide.description, 1 << wide.trace.layout.leaf_bits
    leaf = wide.trace.leaf(position)

    with reverts(judge.NotShown):
        judge.derives(described.statement, described.to_bytes(), wide.trace.root, position, leaf, 0, evidence)


def test_no_more_leaves_are_read_than_are_said_to_be_shown(rules, wide):
    _, call, evidence = a_sum(wide)
    count = int.from_bytes(evidence[32:64], "big")
    counts = [count, 2**31, count - 1, 2**32]  # of which the last four bytes say how many

    asked = [call.replace(evidence[:64].hex(), (evidence[:32] + each.to_bytes(32, "big")).hex()) for each in counts]

    assert rules.follow(asked) == [True, True, False, False]


def test_evidence_is_no_shorter_than_an_array_without_leaves(rules, wide):
    _, call, evidence = a_sum(wide)
    said = len(evidence).to_bytes(32, "big")
    asked = [
        call.replace((said + evidence).hex(), (length.to_bytes(32, "big") + evidence).hex()) for length in (64, 63)
    ]

    assert rules.follow(asked) == [True, False]


def test_nothing_derives_from_a_leaf_that_is_too_long_or_too_short(rules, wide):
    position, _, evidence = a_sum(wide)
    leaf = wide.leaf(position)

    asked = [derives(wide, position, each, 0, evidence) for each in (leaf, leaf + bytes(1), leaf[:-1])]

    assert rules.follow(asked) == [True, False, False]


def a_sum(case: Prover) -> tuple[int, str, bytes]:
    """Return the position of a leaf of sums, the call that asks for the first of them, and the evidence."""
    position = case.trace.layout.position(1, case.trace.layout.of(Kind.SUMS), 0)
    evidence = case.prove(position, 0)[1]
    return position, derives(case, position, case.leaf(position), 0, evidence), evidence


def test_a_byte_that_is_published_as_another_does_not_derive_though_the_trace_is_right(rules, wide):
    layout = wide.trace.layout
    (tensor,) = [t for t in layout.at_step(layout.last_step) if t.kind.name == "RESULT"]
    position, entry = layout.position(layout.last_step, tensor, 0), 5
    other = bytearray(wide.result)
    other[entry] ^= 1
    lying = replace(wide, result=bytes(other))
    lying.__dict__["trace"] = wide.trace  # it claims the right one

    leaf, (value, evidence) = wide.trace.leaf(position), lying.prove(position, entry)
    leaves = [changed(leaf, 1, entry, by) for by in (0, 1, -leaf[entry])]
    (*shown, piece), (*_, own) = evidence_of(wide, position, entry), evidence_of(lying, position, entry)
    forged = [encode_evidence([*shown, Shown(piece.data, path)]) for path in (piece.path, own.path)]

    assert value is None
    assert not any(rules.follow(derives(lying, position, it, entry, evidence) for it in leaves))
    assert not any(rules.follow(derives(lying, position, leaf, entry, it) for it in forged))


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
