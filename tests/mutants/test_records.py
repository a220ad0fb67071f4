"""What holds of earlier runs, what is harmless, and what the score is made of."""

import pytest

from mutants import records
from mutants.generate import Mutant, all_mutants
from mutants.records import HUNG, ILLEGAL, KILLED, SAME, SURVIVED, TWIN, Harmless, Record, add_record, load_records
from mutants.report import print_report
from setup.standard_json import standard_json

FATES = [KILLED, HUNG, SURVIVED, ILLEGAL, SAME, TWIN]
HARMLESS = [{"file": "A.sol", "function": "A.f", "was": "x < 1", "now": ["0", "1"], "reason": "none"}]


def mutant_of(number: int, file: str = "A.sol", occurrence: int = 1) -> Mutant:
    return Mutant(file, "A.f", 7, "x < 1", str(number), occurrence, "")


def records_of(*fates: str) -> dict[str, Record]:
    keys = [mutant_of(number).key for number in range(len(fates))]
    return {key: Record(key, fate, "a test", 1.0, key, "code", "tests") for key, fate in zip(keys, fates, strict=True)}


def report(fates: list[str], harmless: Harmless | None = None) -> bool:
    mutants = [mutant_of(number) for number in range(len(fates))]
    harmless = harmless or Harmless([])
    return print_report(mutants, records_of(*fates), harmless, harmless.stale(mutants))


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Where the records are kept."""
    monkeypatch.setattr(records, "RECORDS", tmp_path / "build" / "mutants.jsonl")


@pytest.mark.usefixtures("file")
def test_a_run_goes_on_where_the_last_one_stopped():
    kept = records_of(*FATES)
    for record in kept.values():
        add_record(record)

    assert load_records("code", "tests") == kept


@pytest.mark.usefixtures("file")
def test_changed_tests_are_tried_on_the_survivors_again():
    for record in records_of(*FATES).values():
        add_record(record)

    assert [record.fate for record in load_records("code", "other tests").values()] == [
        KILLED,
        HUNG,
        ILLEGAL,
        SAME,
        TWIN,
    ]


@pytest.mark.usefixtures("file")
def test_who_only_looks_sees_all_survivors():
    kept = records_of(*FATES)
    for record in kept.values():
        add_record(record)

    assert load_records("code", None) == kept


@pytest.mark.usefixtures("file")
def test_nothing_is_known_of_changed_contracts():
    for record in records_of(*FATES).values():
        add_record(record)

    assert not load_records("other code", "tests")


@pytest.mark.usefixtures("file")
def test_nothing_is_known_before_the_first_run():
    assert not load_records("code", "tests")


def test_a_change_is_harmless_if_it_is_listed_for_its_file():
    harmless = Harmless(HARMLESS)

    assert mutant_of(0) in harmless
    assert mutant_of(1) in harmless
    assert mutant_of(2) not in harmless
    assert mutant_of(0, "B.sol") not in harmless


def test_of_equal_lines_one_alone_can_be_harmless():
    harmless = Harmless([HARMLESS[0] | {"occurrence": 2}])

    assert [mutant_of(0, occurrence=each) in harmless for each in (1, 2, 3)] == [False, True, False]


def test_a_listed_change_that_nobody_makes_is_stale():
    stale = Harmless(HARMLESS).stale([mutant_of(0)])

    assert [entry["now"] for entry in stale] == ["1"]


def test_all_that_counts_is_killed_or_survives(capsys):
    report([KILLED, HUNG, KILLED, SURVIVED, ILLEGAL, SAME, TWIN])

    assert "score: 75.0%" in capsys.readouterr().out


def test_a_survivor_is_shown_with_its_line(capsys):
    report([SURVIVED])

    assert "A.sol:7\n    x < 1\n    0\n" in capsys.readouterr().out


def test_nineteen_of_twenty_are_enough():
    assert report([KILLED] * 19 + [SURVIVED])
    assert not report([KILLED] * 18 + [SURVIVED])
    assert not report([])


def test_a_harmless_survivor_counts_for_nothing(capsys):
    assert report([SURVIVED, SURVIVED, KILLED], Harmless(HARMLESS))
    assert "score: 100.0%" in capsys.readouterr().out


def test_a_list_of_harmless_changes_that_is_wrong_does_not_pass(capsys):
    assert not report([KILLED, SURVIVED, KILLED], Harmless(HARMLESS))
    assert "not equivalent: a test kills A.sol:7" in capsys.readouterr().out
    assert not report([SURVIVED, KILLED], Harmless([HARMLESS[0] | {"was": "x < 2"}]))
    assert "nothing matches A.sol A.f" in capsys.readouterr().out


@pytest.fixture(scope="module")
def mutants(solc):
    """The mutants of the contracts."""
    request = standard_json([])
    sources = {file: source["content"] for file, source in request["sources"].items()}
    units = solc.compile(request)["sources"]
    return all_mutants(sources, {file: units[file]["ast"] for file in sources})


def test_every_contract_is_changed(mutants):
    sources = standard_json([])["sources"]
    files = {file for file in sources if "mocks" not in file and "interfaces" not in file}  # these have no code

    assert {mutant.file for mutant in mutants} == files


def test_every_listed_harmless_change_is_one_of_the_mutants_and_has_a_reason(mutants):
    harmless = Harmless.load()

    assert not harmless.stale(mutants)
    assert all(entry["reason"] for entry in harmless.entries)
