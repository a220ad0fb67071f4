"""A table becomes bytes by an exact rule, and what has no clear meaning is refused by row and column."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.data.dataset import Column, DataError, fingerprint
from mlchain.data.opening import read_data
from mlchain.data.tables import encode, read_rows, read_table
from tests.data.files import csv_of

DECIMALS = st.decimals(-(10**12), 10**12, places=6, allow_nan=False) | st.decimals(-2, 2, places=30, allow_nan=False)
ROWS = [[number, number % 3, "ab"[number % 2]] for number in range(20)]


def written(tmp_path: Path, text: str, name: str = "some.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def as_defined(value: Decimal, low: Decimal, high: Decimal) -> int:
    """Return the whole number nearest to 255 (v - low) / (high - low), a half rounded up, by exact fractions."""
    share = 255 * (Fraction(value) - Fraction(low)) / (Fraction(high) - Fraction(low))
    return min(255, max(0, (2 * share + 1).__floor__() // 2))


@given(st.lists(DECIMALS, min_size=1), st.sets(DECIMALS, min_size=2, max_size=2))
def test_a_number_becomes_the_nearest_of_256_places(values, ends):
    low, high = sorted(ends)
    column = Column("x", format(low, "f"), format(high, "f"))

    found = encode([column], {"x": [str(value) for value in values]})

    assert found.ravel().tolist() == [as_defined(value, low, high) for value in values]


@given(DECIMALS, st.sets(DECIMALS, min_size=2, max_size=2), st.integers(0, 5))
def test_how_a_number_is_written_does_not_matter(value, ends, zeros):
    low, high = (format(end, "f") for end in sorted(ends))
    plain = format(value, "f")
    longer = plain + "." * ("." not in plain) + "0" * zeros
    forms = [str(value), plain, format(value, "E"), longer]

    found = encode([Column("x", low, high)], {"x": forms})

    assert len(set(found.ravel().tolist())) == 1


def test_a_text_becomes_a_byte_for_each_text_that_was_trained(tmp_path):
    rows = [[number, ["red", "green", "blue"][number % 3], "ab"[number % 2]] for number in range(30)]

    data = read_table(written(tmp_path, csv_of(rows)), "label")

    assert [(column.name, column.category) for column in data.columns[1:]] == [
        ("b", "blue"),
        ("b", "green"),
        ("b", "red"),
    ]
    assert set(data.train_samples[:, 1:].sum(axis=1).tolist()) == {255}
    assert data.classes == ("a", "b")


def test_a_column_that_never_changes_is_left_out(tmp_path):
    data = read_table(written(tmp_path, csv_of([[number, "same", "ab"[number % 2]] for number in range(20)])), None)

    assert [column.name for column in data.columns] == ["a"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("comma", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_the_same_table_has_the_same_fingerprint_however_it_is_written(tmp_path, line_end, comma, start):
    plain = read_table(written(tmp_path, csv_of(ROWS), "plain.csv"), "label")
    text = start + csv_of([[f'"{a}"', f" {b}.0", c] for a, b, c in ROWS]).replace("\n", line_end).replace(",", comma)

    other = read_table(written(tmp_path, text, "other.csv"), "label")

    assert other.train_samples.tolist() == plain.train_samples.tolist()
    assert fingerprint(read_table(written(tmp_path, csv_of(ROWS), "copy.csv"), "label")) == fingerprint(plain)


def missing(row: list[object]) -> str:
    return csv_of([*ROWS, row])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (missing([1, "", "a"]), "row 22, column 'b' has no value: leave the row out, or fill it in"),
        (missing(["NA", 1, "a"]), "row 22, column 'a' has no value"),
        (missing(["nan", 1, "a"]), "row 22, column 'a' has no value"),
        (missing([1, 2, "?"]), "row 22, column 'label' has no value"),
        (missing([1, 2]), "row 22 has 2 cells, the header 3"),
        (missing([1, 2, 3, 4]), "row 22 has 4 cells, the header 3"),
        (csv_of([[1, number, "a"] for number in range(20)]), "column 'label' has 1 classes, 2 to 256 can be learned"),
        (csv_of([[1, 2, number] for number in range(300)]), "column 'label' has 300 classes"),
        (csv_of([[1, 2, "ab"[number % 2]] for number in range(20)]), "has no column that changes"),
        (csv_of([[1, 2, "a"], [2, 3, "b"]]), "has no class of 5 samples or more"),
        (
            csv_of([[f"n{number}", 2, "ab"[number % 2]] for number in range(99)]),
            "column 'a' has 80 different texts",
        ),
        (csv_of(ROWS, "a,a,label"), "a column twice, or without a name"),
        (csv_of(ROWS, "a,,label"), "a column twice, or without a name"),
        ("", "no rows below a header"),
        ("a,b,label\n", "no rows below a header"),
        ("label\n1\n2\n", "no rows below a header of two columns"),
        ('a,b,label\n"1,2,3\n', "is not a CSV file"),
        (
            csv_of([[f"1e{9**9}", 1, "a"], *ROWS]),
            "row 2, column 'a': '1e387420489' is not a number, and most cells are",
        ),
        (csv_of([*ROWS, [1, "1,5", "a"]], "a,b,label").replace("1,5", '"1,5"'), "row 22, column 'b': '1,5' is not"),
        (csv_of([["inf", 1, "a"], *ROWS]), "row 2, column 'a': 'inf' is not a number"),
    ],
)
def test_what_has_no_clear_meaning_is_refused_by_name(tmp_path, text, sentence):
    path = written(tmp_path, text)

    with pytest.raises(DataError, match=sentence) as caught:
        read_data(path, "label")

    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "some.csv").write_bytes(b"a,b\n\xff\xfe,1\n")

    with pytest.raises(DataError, match="is not text in UTF-8"):
        read_data(tmp_path / "some.csv")


def test_new_rows_may_have_other_columns_in_any_order(tmp_path):
    data = read_table(written(tmp_path, csv_of(ROWS)), "label")
    new = written(tmp_path, csv_of([[b, "x", a] for a, b, _ in ROWS[:5]], "b,other,a"), "new.csv")

    samples = read_rows(new, data.columns)

    cells = {"a": [str(row[0]) for row in ROWS[:5]], "b": [str(row[1]) for row in ROWS[:5]]}
    assert samples.tolist() == encode(data.columns, cells).tolist()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,c\n1,2\n", "has no column 'b', which the model learned from"),
        ("a,b\n1,x\n", "row 2, column 'b': 'x' is not a number"),
    ],
)
def test_new_rows_that_the_model_cannot_read_are_refused(tmp_path, text, sentence):
    data = read_table(written(tmp_path, csv_of(ROWS)), "label")

    with pytest.raises(DataError, match=sentence):
        read_rows(written(tmp_path, text, "new.csv"), data.columns)


def test_a_class_keeps_a_fifth_of_its_rows_for_testing(tmp_path):
    rows = [[number, number % 3, "a" if number < 80 else "b"] for number in range(100)]

    data = read_table(written(tmp_path, csv_of(rows)), "label")

    assert [(data.test_labels == label).sum() for label in (0, 1)] == [16, 4]
