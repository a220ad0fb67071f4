"""A person is told what a file was understood to be, in lines that no file can break out of."""

import numpy as np

from mlchain.data.dataset import Dataset
from mlchain.data.digits import load
from mlchain.data.looking import describe
from mlchain.data.opening import read_data
from mlchain.training.layers import InputKind, Inputs
from tests.data.files import csv_of


def test_of_a_table_columns_classes_balance_and_rows_are_told(tmp_path):
    rows = [[number, "same", "red" if number % 2 else "blue", "yes" if number < 15 else "no"] for number in range(20)]
    (tmp_path / "it.csv").write_text(csv_of(rows, "size,always,colour,label"))

    lines = describe(read_data(tmp_path / "it.csv"), ["size", "always", "colour"])

    assert lines[0] == "rows of a table, 3 bytes each: 16 to train on, 4 to test on"
    assert "  column size: a number from 0 to 19" in lines or "  column size: a number from 1 to 19" in lines
    assert "  column colour: one of blue, red" in lines
    assert "  left out, because it never changes: always" in lines
    assert "2 classes; always saying the most frequent one is right 75.0 %" in lines
    assert "  yes: 12 to train on, 75.0 %" in lines


def test_a_picture_is_shown_as_text():
    lines = describe(load())

    assert lines[0] == "images of 8 x 8 pixels in grey: 1,437 to train on, 360 to test on"
    assert any("@@" in line for line in lines)


def test_what_a_terminal_would_obey_is_escaped():
    samples, labels = np.zeros((4, 2), np.uint8), np.array([0, 1, 0, 1])
    inputs = Inputs(2, 1, 1, InputKind.UNSIGNED, 255)
    evil = ("\x1b[2J\x1b]0;owned\x07", "a\nfingerprint 00")

    lines = describe(Dataset("it", inputs, evil, samples, labels, samples.copy(), labels.copy()))

    assert all(line.isprintable() for line in lines)
