"""The document of results: its tables, its sections, and what becomes of a topic that fails."""

import sys
from importlib.util import find_spec
from types import ModuleType

import pytest

from benchmarks import __main__ as command
from benchmarks import report
from benchmarks.machine import facts, processor
from benchmarks.report import Section, figure, percent, table, wrapped
from mlchain.errors import UserError


@pytest.fixture
def topics(tmp_path, monkeypatch):
    """Return a function that makes the topics be these, by name and what `measure` does; all is written elsewhere."""
    monkeypatch.setattr(report, "SECTIONS", tmp_path / "sections")
    monkeypatch.setattr(command, "DOCUMENT", tmp_path / "results.md")
    monkeypatch.setattr(command, "FIGURES", tmp_path / "figures")

    def choose(**measures):
        monkeypatch.setattr(command, "TOPICS", tuple(measures))
        for name, measure in measures.items():
            module = ModuleType(name)
            module.measure = measure
            monkeypatch.setitem(sys.modules, f"benchmarks.{name}", module)
        return tmp_path / "results.md"

    return choose


def refuse():
    raise UserError("there is no data")


def crash():
    raise ZeroDivisionError("by zero")


@pytest.mark.parametrize("topic", command.TOPICS)
def test_every_topic_has_a_module_that_measures(topic):
    source = find_spec(f"benchmarks.{topic}").origin

    with open(source) as text:  # noqa: PTH123 - importing it would import what it measures
        assert "\ndef measure() -> Section:\n" in text.read()


def test_an_unknown_topic_is_one_sentence_and_status_2(topics, capsys):
    document = topics(known=lambda: Section("Known", "text"))

    assert command.main(["known", "nothing"]) == 2
    assert capsys.readouterr().err == "there is no benchmark 'nothing': choose from known\n"
    assert not document.exists()


def test_a_topic_that_fails_loses_no_other_section(topics, capsys):
    document = topics(first=refuse, second=crash, third=lambda: Section("Third", "what was found"))

    assert command.main([]) == 1

    said = capsys.readouterr().err
    assert "first failed: there is no data\n" in said
    assert "second failed: ZeroDivisionError: by zero\n" in said
    assert "Traceback" in said
    assert "## Third\n\nwhat was found\n" in document.read_text()
    assert "Not measured: first, second." in document.read_text()


def test_sections_measured_before_stay_and_keep_the_order_of_the_topics(topics):
    document = topics(first=lambda: Section("First", "one"), second=lambda: Section("Second", "two"))

    assert command.main(["second"]) == 0
    assert command.main(["first"]) == 0

    text = document.read_text()
    assert text.index("## First") < text.index("## Second")
    assert "Not measured" not in text


def test_the_document_says_when_and_on_what_it_was_measured(topics):
    document = topics(only=lambda: Section("Only", "text"))

    command.main([])

    assert facts() in document.read_text()
    assert "Measured on 20" in document.read_text()


def test_the_processor_has_a_name_whether_the_system_tells_it_or_not(tmp_path):
    told = tmp_path / "cpuinfo"
    told.write_text("processor\t: 0\nmodel name\t: Quick 9000\n")

    assert processor(told) == "Quick 9000"
    assert processor(tmp_path / "nothing")


def test_a_table_is_markdown_with_numbers_to_the_right():
    assert table(["", "gas"], [["commit", 69_610], ["join", 121_844]]) == (
        "|  | gas |\n| --- | ---: |\n| commit | 69610 |\n| join | 121844 |"
    )


def test_a_figure_is_shown_from_beside_the_document():
    assert figure("odds.png", "Odds") == "![Odds](figures/odds.png)"


def test_a_paragraph_is_wrapped_and_an_item_of_a_list_indented():
    text = wrapped("- " + "word\n   " * 40)

    assert [len(line) <= 120 for line in text.splitlines()] == [True, True]
    assert text.splitlines()[1].startswith("  word")


def test_a_share_is_written_in_percent():
    assert percent(0.92345) == "92.34 %"
    assert percent(0.5, 0) == "50 %"
