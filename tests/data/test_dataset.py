"""The canonical file of a data set: one for each, refused where it is damaged; and its fingerprint."""

import hashlib
import json
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlchain.data import digits
from mlchain.data.dataset import Column, DataError, Dataset, fingerprint
from mlchain.training.layers import InputKind, Inputs
from tests.reference import orders as reference
from tests.training import strategies

PLAIN = Inputs(2, 1, 1, InputKind.UNSIGNED, 9)
COLUMNS = (Column("a", "-1.5", "3"), Column("b", category="x"))


def tiny(**changes: object) -> Dataset:
    plain = Dataset(
        name="tiny",
        inputs=PLAIN,
        classes=("no", "yes", "perhaps"),
        train_samples=np.array([[1, 2], [3, 4]], dtype=np.uint8),
        train_labels=np.array([0, 2]),
        test_samples=np.array([[5, 9]], dtype=np.uint8),
        test_labels=np.array([1]),
    )
    return replace(plain, **changes)


HEADER = (
    b'{"channels":2,"classes":["no","yes","perhaps"],"columns":[],"greatest":9,"height":1,"kind":0,"test":1,"train":2,'
    b'"width":1}'
)
BODY = bytes([1, 2, 3, 4, 0, 2, 5, 9, 1])


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    """Any tiny data set."""
    inputs = draw(strategies.inputs())
    classes = draw(st.lists(st.text(max_size=4), min_size=2, max_size=5, unique=True))
    parts = []
    for count in draw(st.integers(1, 4)), draw(st.integers(1, 4)):
        shape = count, inputs.sample_size
        parts.append(draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, inputs.greatest))))
        parts.append(draw(hnp.arrays(np.int64, count, elements=st.integers(0, len(classes) - 1))))
    numbers = [Column(draw(st.text(max_size=4)), "0.25", "7") for _ in range(inputs.sample_size)]
    return Dataset("any", inputs, tuple(classes), *parts, tuple(numbers) if draw(st.booleans()) else ())


def listed(dataset: Dataset) -> tuple:
    arrays = (samples.tolist() + labels.tolist() for samples, labels in dataset.parts())
    return dataset.inputs, dataset.classes, dataset.columns, *arrays


def written(header: bytes, body: bytes = BODY, *, length: int | None = None) -> bytes:
    return b"MLDATA1\n" + (len(header) if length is None else length).to_bytes(4, "little") + header + body


@given(datasets())
def test_a_data_set_survives_its_file(dataset):
    data = dataset.to_bytes()
    read = Dataset.from_bytes("any", data)

    assert listed(read) == listed(dataset)
    assert read.to_bytes() == data
    assert fingerprint(read) == fingerprint(dataset)


def test_the_file_is_the_documented_one():
    assert tiny().to_bytes() == written(HEADER)
    assert tiny(columns=COLUMNS).header() == HEADER.replace(
        b'"columns":[]', b'"columns":[{"high":"3","low":"-1.5","name":"a"},{"category":"x","name":"b"}]'
    )


def test_a_fingerprint_is_the_documented_one_whatever_the_name():
    train, test = reference.root([bytes([1, 2, 0]), bytes([3, 4, 2])]), reference.root([bytes([5, 9, 1])])
    expected = hashlib.sha256(hashlib.sha256(HEADER).digest() + train + test).digest()

    assert fingerprint(tiny()) == fingerprint(tiny(name="other")) == expected


@given(datasets(), st.data())
def test_any_other_byte_of_a_file_is_refused_or_changes_the_fingerprint(dataset, data):
    whole = dataset.to_bytes()
    place, value = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 255))
    changed = whole[:place] + bytes([value]) + whole[place + 1 :]
    try:
        read = Dataset.from_bytes("changed.mldata", changed)
    except DataError as error:
        refusal = str(error)
    else:
        assert read.to_bytes() == changed
        assert (fingerprint(read) == fingerprint(dataset)) == (changed == whole)
        return

    assert "changed.mldata" in refusal
    assert "\n" not in refusal


def test_no_byte_of_a_file_can_change_without_a_refusal_or_another_fingerprint():
    whole, seen = tiny(columns=COLUMNS).to_bytes(), set()
    for place in range(len(whole)):
        for value in range(256):
            changed = whole[:place] + bytes([value]) + whole[place + 1 :]
            try:
                read = Dataset.from_bytes("tiny", changed)
            except DataError:
                continue
            seen.add(fingerprint(read))
            assert changed == whole or fingerprint(read) != fingerprint(tiny(columns=COLUMNS))

    assert len(seen) > 50  # other names of classes and columns, other samples and labels


@given(datasets(), st.data())
def test_a_truncated_file_is_refused_and_so_is_one_with_bytes_left_over(dataset, data):
    whole = dataset.to_bytes()
    for wrong in (whole[: data.draw(st.integers(0, len(whole) - 1))], whole + data.draw(st.binary(min_size=1))):
        with pytest.raises(DataError, match=r"^mine is (damaged|not a data set)"):
            Dataset.from_bytes("mine", wrong)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=3), values, max_size=3),
)
FIELDS = json.loads(HEADER)


@given(st.sampled_from(sorted(FIELDS)), JSON)
@example("train", 2**70)
@example("train", float("inf"))
@example("test", -1)
@example("channels", 2.0)
@example("channels", True)
@example("kind", False)
@example("greatest", 9.0)
@example("classes", [1, 2, 3])
@example("columns", [{"name": 1, "low": "0", "high": "1"}])
@example("columns", ["name"])
def test_no_header_whatsoever_causes_anything_but_a_refusal(field, value):
    header = json.dumps(FIELDS | {field: value}, sort_keys=True, separators=(",", ":")).encode()
    if header == HEADER:
        return
    try:
        read = Dataset.from_bytes("mine", written(header))
    except DataError as error:
        refusal = str(error)
    else:
        assert read.to_bytes() == written(header)
        return

    assert refusal.startswith("mine")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "mine is not a data set written by `ape run data`"),
        (b"PK\3\4" + bytes(99), "mine is not a data set"),
        (written(HEADER, length=2**32 - 1), "mine is not a data set"),
        (written(b"[" * 100_000), "mine is damaged: its header is nested too deeply"),
        (written(b'{"a":' * 100_000), "mine is damaged: its header is nested too deeply"),
        (written(b'["]\\"", ' * 100_000), "mine is damaged: its header is nested too deeply"),
        (written(b"[]"), "mine is damaged"),
        (written(b"\xff"), "mine is damaged"),
        (written(b" " + HEADER), "mine is damaged: its header is not as `ape run data` writes it"),
        (written(HEADER, BODY[:-1]), "mine is damaged"),
        (written(HEADER, BODY + b"\0"), "mine is damaged: 10 bytes of samples and labels, 9 wanted"),
        (written(HEADER, BODY[:-1] + b"\3"), r"mine: a label outside 0 \.\. 2"),
        (written(HEADER, b"\x0a" + BODY[1:]), "mine: no sample, or a byte above 9"),
    ],
)
def test_a_file_that_is_none_is_refused_by_its_name(data, message):
    with pytest.raises(DataError, match=message):
        Dataset.from_bytes("mine", data)


def test_a_large_header_is_refused_in_a_moment():
    """Not in a time that grows with the square of its length, which is what a search for the end of a text takes."""
    start = time.process_time()
    with pytest.raises(DataError, match="mine is damaged"):
        Dataset.from_bytes("mine", written(b'"' + b'\\"' * 100_000))

    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": replace(PLAIN, greatest=8)}, "tiny: no sample, or a byte above 8"),
        ({"classes": ("no", "yes")}, r"tiny: a label outside 0 \.\. 1"),
        ({"classes": ("no",)}, "tiny has 1 classes, 2 to 256 can be learned"),
        ({"classes": ("no",) * 257}, "tiny has 257 classes"),
        ({"classes": ("no", "yes", "no")}, "tiny has two classes of one name"),
        ({"columns": COLUMNS[:1]}, "tiny has 1 columns for 2 bytes"),
        ({"train_labels": np.array([0, -1])}, "tiny: a label outside"),
        ({"train_labels": np.array([0])}, "tiny: samples uint8"),
        ({"test_samples": np.array([[5, 9]])}, "tiny: samples int64"),
        ({"test_samples": np.zeros((0, 2), np.uint8), "test_labels": np.zeros(0, np.int64)}, "tiny: no sample"),
    ],
)
def test_a_data_set_out_of_range_is_refused(changes, message):
    with pytest.raises(DataError, match=message):
        tiny(**changes)


def test_a_data_set_cannot_be_written():
    for array in (tiny().train_samples, tiny().test_labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_digits_are_the_ones_of_the_first_day():
    data = digits.load()

    assert (len(data.train_labels), len(data.test_labels)) == (1437, 360)
    assert fingerprint(data).hex() == "e83b0513bff123c142048f6c9979b823db3a8d258eb80cef7316fdbc28781607"
    assert digits.load() is data
