"""The document of results: its tables and sections, what others quote of it, and what becomes of a failed topic."""

import re
import sys
from importlib.util import find_spec
from types import ModuleType

import pytest

from benchmarks import __main__ as command
from benchmarks import documents, sessions
from benchmarks.documents import Record, quoting, read_records, sections_of
from benchmarks.machine import facts, processor
from benchmarks.peers import peers, peers_table
from benchmarks.report import ROOT, Section, figure, table, wrapped
from mlchain.errors import UserError


@pytest.fixture
def topics(tmp_path, monkeypatch):
    """Return a function that makes the topics be these, by name and what `measure` does; all is written elsewhere."""
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results.md")
    monkeypatch.setattr(command, "DATA", tmp_path / "results.json")
    monkeypatch.setattr(command, "DOCUMENTS", [tmp_path / "README.md"])
    monkeypatch.setattr(command, "FIGURES", tmp_path / "figures")
    (tmp_path / "README.md").write_text("nothing is quoted")

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
    assert capsys.readouterr().err == "there is no benchmark 'nothing': choose from known, sessions\n"
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


def test_a_document_quotes_what_was_measured_last(topics, tmp_path):
    quoting_it = tmp_path / "README.md"
    quoting_it.write_text("It costs <!--figures:only.gas-->0<!--/--> gas.\n\n```console\n$ echo 1 2\nold\n```\n")
    topics(only=lambda: Section("Only", "1,234 gas", {"gas": "1,234"}))

    assert command.main([]) == 0

    assert "It costs <!--figures:only.gas-->1,234<!--/--> gas." in quoting_it.read_text()
    assert "$ echo 1 2\n1 2\n```" in quoting_it.read_text()
    assert read_records(tmp_path / "results.json")["only"].figures == {"gas": "1,234"}


def test_a_figure_that_was_never_measured_cannot_be_quoted():
    records = {"gas": Record("Gas", "2026-01-01", "a machine", 1.0, {"commit": "1"})}

    with pytest.raises(KeyError, match="guess"):
        quoting("<!--figures:gas.guess-->2<!--/-->", records)


@pytest.mark.parametrize("path", documents.DOCUMENTS, ids=lambda path: path.name)
def test_every_document_quotes_the_figures_of_the_last_measurement(path):
    assert quoting(path.read_text(), read_records()) == path.read_text()


def test_every_figure_is_in_the_section_of_its_topic():
    sections = sections_of(documents.RESULTS.read_text())

    absent = [
        f"{topic}.{name}"
        for topic, record in read_records().items()
        for name, figure in record.figures.items()
        if not re.search(rf"(?<![\d.,]){re.escape(figure)}(?![\d,])", sections[record.title])
    ]

    assert absent == []


def test_the_document_of_results_has_the_sections_that_were_measured_and_no_others():
    text = documents.RESULTS.read_text()

    assert documents.assembled(read_records(), sections_of(text), command.TOPICS) == text


def test_figures_of_other_systems_are_named_as_quoted_and_have_a_source():
    section = sections_of(documents.RESULTS.read_text())["Gas"]
    measured, _, quoted = section.partition("### Gas of other systems")

    assert all(peer.source.startswith("https://") and peer.origin for peer in peers())
    assert peers_table() in quoted
    assert not [peer.system for peer in peers() if peer.system.split(",")[0] in measured]


def test_a_session_is_run_again_and_one_that_fails_is_an_error():
    assert sessions.rerun("```console\n$ echo it is | tr a-z A-Z\n```\n") == (
        "```console\n$ echo it is | tr a-z A-Z\nIT IS\n```\n"
    )
    with pytest.raises(RuntimeError, match="status 3"):
        sessions.printed_by("exit 3")


def shown() -> list:
    """Return every session of the documents, those that take minutes marked as slow."""
    found = [
        (path.name, command, printed)
        for path in documents.DOCUMENTS
        for command, printed in sessions.commands_of(path.read_text()).items()
    ]
    is_quick = ("ape run odds", "ape run simulate | ")
    return [
        pytest.param(
            command, printed, id=f"{name}: {command}", marks=[] if command.startswith(is_quick) else pytest.mark.slow
        )
        for name, command, printed in found
    ]


@pytest.mark.parametrize(("command", "printed"), shown())
def test_a_document_shows_what_its_command_prints(command, printed):
    assert sessions.timeless(sessions.printed_by(command)) == sessions.timeless(printed)


def test_the_front_page_states_no_figure_that_no_command_prints():
    text = (ROOT / "README.md").read_text()
    for printed in (documents.QUOTED, sessions.SESSION):
        text = printed.sub("", text)

    assert re.findall(r"\d+(?:\.\d+)? ?%|\d{1,3}(?:,\d{3})+|\d+\.\d+ (?:s|seconds)", text) == []
