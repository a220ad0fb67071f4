"""Commands print to whatever they are given: other encodings, closed streams, full disks, readers that go away."""

import io
import os
import sys

import click
import pytest

from mlchain.chain.command import OfflineCommand
from mlchain.console import console


def run(print_all) -> int:
    """Run a command that does `print_all`, and return its status."""
    try:
        OfflineCommand("print", callback=print_all).main([], standalone_mode=False)
    except SystemExit as end:
        return end.code
    return 0


def by_click() -> None:
    click.echo("Zürich → 1 × 2")


def by_rich() -> None:
    console().print("Zürich → 1 × 2")


@pytest.fixture(params=[by_click, by_rich])
def print_all(request):
    return request.param


@pytest.fixture
def output_to(monkeypatch):
    """Return a function that lets stdout be a file of this descriptor."""
    files = []

    def replace(descriptor: int) -> None:
        files.append(io.TextIOWrapper(io.FileIO(descriptor, "w"), encoding="utf-8", write_through=True))
        monkeypatch.setattr(sys, "stdout", files[-1])

    yield replace
    for file in files:
        file.close()


@pytest.mark.parametrize(
    ("print_all", "encoding", "text"),
    [
        (by_rich, "ascii", "Z?rich ? 1 ? 2\n"),
        (by_rich, "latin-1", "Zürich ? 1 × 2\n"),
        (by_click, "latin-1", "Zürich ? 1 × 2\n"),  # what is said to be ASCII, click takes for UTF-8
    ],
)
def test_a_character_that_an_encoding_lacks_is_replaced(print_all, encoding, text, monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))

    assert run(print_all) == 0
    assert written.getvalue().decode(encoding) == text


def test_a_command_whose_output_is_closed_does_its_work(print_all, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)

    assert run(print_all) == 0


def test_a_full_disk_is_one_sentence(print_all, output_to, capsys):
    output_to(os.open("/dev/full", os.O_WRONLY))

    assert run(print_all) == 1
    assert capsys.readouterr().err == "error: the output cannot be written: No space left on device\n"
    sys.stdout.flush()  # nothing is left that the interpreter would fail to write as it ends


def test_a_reader_that_has_had_enough_is_no_error_to_tell_of(print_all, output_to, capsys):
    reading, writing = os.pipe()
    os.close(reading)
    output_to(writing)

    assert run(print_all) == 1
    assert capsys.readouterr().err == ""


def test_a_file_that_cannot_be_read_is_one_sentence_that_names_it(capsys, tmp_path):
    assert run(lambda: (tmp_path / "none").read_text()) == 1
    assert capsys.readouterr().err == f"error: {tmp_path / 'none'}: No such file or directory\n"
