"""The odds as a person asks for them, and beside a simulation what happened."""

import struct
from fractions import Fraction

import pytest
from click.testing import CliRunner

from mlchain.protocol.odds import odds_of
from mlchain.protocol.terms import MOST_STAKE
from mlchain.simulation import simulator
from mlchain.simulation.forecast import announce
from mlchain.simulation.odds import Question, number, shown
from mlchain.simulation.odds_plot import save_odds_plot
from mlchain.simulation.options import Options
from mlchain.units import ether
from scripts.odds import cli
from tests.simulation.runs import SMALL, jobs_of, outcome_of

ETHER = 10**18


def ask(*arguments: object):
    """Run the command in this process."""
    return CliRunner(mix_stderr=False).invoke(cli, [str(argument) for argument in arguments])


def line_of(output: str, start: str) -> list[str]:
    """Return the cells, after the first, of the row that starts with this."""
    (line,) = [line for line in output.splitlines() if line.startswith(f"│ {start} ")]
    return [cell.strip() for cell in line.split("│")[2:-1]]


# The command


def test_the_command_answers_what_it_is_asked(tmp_path):
    done = ask("--pool", 100, "--evil", 30, "--committee", 7, "--quorum", 5, "--plot", tmp_path / "odds.png")

    assert (done.exit_code, done.stderr) == (0, "")
    assert line_of(done.stdout, "P(right accepted)") == ["65.0 %", "99.987 %"]
    assert line_of(done.stdout, "P(wrong accepted)") == ["2.4 %", "0.013 %"]
    assert line_of(done.stdout, "P(nothing accepted)") == ["32.6 %", "0 %"]
    assert line_of(done.stdout, "P(referee called)") == ["-", "92.5 %"]
    assert line_of(done.stdout, "P(reward | correct)") == ["74.3 %", "100 %"]
    assert line_of(done.stdout, "P(slashed | correct)") == ["0.93 %", "0 %"]
    assert line_of(done.stdout, "locked for P(wrong accepted) ≥ 1 %") == ["25 ether: 25 of 100", "54 ether: 54 of 100"]
    assert line_of(done.stdout, "jobs until a wrong result") == ["41.3", "7,863"]
    assert line_of(done.stdout, "lost per wrong result if it always lies") == ["37.3 ether", "16,505 ether"]


def test_the_command_shows_short_fractions_the_stake_and_what_audits_do(tmp_path):
    asked = ("--pool", 5, "--evil", 3, "--committee", 3, "--stake", "0.5 ether", "--audit-rate", 0.5)

    done = ask(*asked, "--plot", tmp_path / "odds.svg")

    assert done.exit_code == 0
    assert line_of(done.stdout, "P(wrong accepted)") == ["70.0 % = 7/10", "5.0 % = 1/20"]
    assert line_of(done.stdout, "P(referee called)") == ["-", "95.0 % = 19/20"]
    assert line_of(done.stdout, "locked by its workers") == ["1.5 ether", "1.5 ether"]
    assert line_of(done.stdout, "locked for P(wrong accepted) ≥ 50 %") == ["1.5 ether: 3 of 5", "2.5 ether: 5 of 5"]
    assert line_of(done.stdout, "… if it lies only where that wins") == ["0 ether", "1.5 ether"]


def test_by_default_the_whole_pool_is_the_committee_and_the_quorum_the_least_majority(tmp_path):
    question = Question(pool=10, evil=5)

    assert (question.seats, question.votes, Question(pool=1_000).seats) == (10, 6, 256)
    assert question.stake == ETHER
    done = ask("--pool", 10, "--evil", 10, "--audit-rate", 1, "--plot", tmp_path / "odds.pdf")
    assert "committee 10, quorum 6, pool 10, evil 10" in done.stdout
    assert line_of(done.stdout, "P(reward | correct)") == ["-", "-"]
    assert line_of(done.stdout, "jobs until a wrong result") == ["1", "never"]
    assert line_of(done.stdout, "locked for P(wrong accepted) ≥ 1 %")[1] == "out of reach"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--pool", 0), "a pool has 1 to 4294967295 workers, not 0"),
        (("--pool", 2**32), "a pool has 1 to 4294967295 workers, not 4294967296"),
        (("--evil", 101), "101 of 100 workers cannot be evil"),
        (("--evil", -1), "-1 of 100 workers cannot be evil"),
        (("--committee", 101), "a committee of 101 cannot be drawn from 100 workers"),
        (("--committee", 0), "a committee has 1 to 256 seats, not 0"),
        (("--committee", 257, "--pool", 300), "a committee has 1 to 256 seats, not 257"),
        (("--committee", 7, "--quorum", 3), "the quorum of 7 seats has to be from 4 to 7, not 3"),
        (("--committee", 7, "--quorum", 8), "the quorum of 7 seats has to be from 4 to 7, not 8"),
        (("--quorum", 0), "the quorum of 100 seats has to be from 51 to 100, not 0"),
        (("--stake", 0), f"the stake has to be above 0 and at most {ether(MOST_STAKE)}, not 0 ether"),
        (("--audit-rate", 1.5), "the audit rate has to be from 0 to 1, not 1.5"),
        (("--plot", "odds.txt"), "a plot is a file that ends with .png, .svg, .pdf, which odds.txt does not"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(arguments, sentence):
    done = ask(*arguments)

    assert (done.exit_code, done.stdout, done.stderr) == (1, "", f"error: {sentence}\n")


def test_a_plot_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.png").mkdir()

    for path, reason in {
        tmp_path / "file" / "odds.png": f"{tmp_path / 'file'} is not a folder",
        tmp_path / "file" / "below" / "odds.png": "Not a directory",
        tmp_path / "folder.png": "Is a directory",
    }.items():
        done = ask("--plot", path)

        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr == f"error: cannot write the plot {path}: {reason}\n"


@pytest.mark.parametrize(
    ("chance", "text"),
    [
        (None, "-"),
        (Fraction(0), "0 %"),
        (Fraction(1), "100 %"),
        (Fraction(1, 2), "50.0 %"),
        (Fraction(1, 10_000), "0.010 %"),
        (Fraction(31, 10_000_000), "3.1e-06"),
        (1 - Fraction(31, 10_000_000), "1 - 3.1e-06"),
        (Fraction(9_999, 10_000), "99.990 %"),
        (Fraction(31, 10**401), "3.1e-400"),
        (1 - Fraction(31, 10**401), "1 - 3.1e-400"),
    ],
)
def test_no_probability_is_rounded_to_never_or_always(chance, text):
    assert shown(chance) == text


def test_numbers_of_any_size_can_be_read():
    values = (Fraction(0), Fraction(2, 3), Fraction(30), Fraction(9996, 10), Fraction(16505), Fraction(10**400))

    assert [number(value) for value in values] == ["0", "0.667", "30", "1,000", "16,505", "1.0e+400"]
    assert number(Fraction(1, 10**6)) == "1.0e-06"


@pytest.mark.parametrize(
    "question",
    [Question(), Question(1, 0), Question(1, 1), Question(2, 1), Question(300, 0), Question(10, 10, audit_rate=1.0)],
    ids=str,
)
def test_a_plot_is_a_picture_of_a_sensible_size(question, tmp_path):
    path = tmp_path / "odds.png"

    save_odds_plot(question, path)

    content = path.read_bytes()
    assert struct.unpack(">II", content[16:24]) == (1440, 1020)
    assert 20_000 < len(content) < 500_000


# Beside a simulation


def test_a_simulation_announces_the_odds_of_its_jobs():
    options = Options(workers=5, evil=2, committee=3)

    assert announce(options) == (
        "2 of 5 workers are evil; odds of a job if they all tell the same lie: "
        "right 100 %, wrong 0 %, failed 0 %, referee called 90.0 %, P(reward | correct) 100 %"
    )
    assert announce(Options(workers=5, evil=2, committee=3, referee="none")) == (
        "2 of 5 workers are evil; odds of a job if they all tell the same lie: "
        "right 70.0 %, wrong 30.0 %, failed 0 %, referee called -, P(reward | correct) 83.3 %"
    )
    assert "0 of 5 workers are evil" in announce(Options(workers=5, evil=2, behaviour="honest"))


def test_in_a_committee_of_the_whole_pool_what_was_expected_happens():
    run = outcome_of(**SMALL | {"workers": 5, "evil": 2})

    odds = run.summary.odds
    assert odds["expected"] == odds["happened"]
    assert odds["happened"] == {
        "jobs_right": 2,
        "jobs_wrong": 0,
        "jobs_failed": 0,
        "jobs_ruled": 2,
        "honest_seats": 6,
        "honest_seats_paid": 6,
    }


def test_what_was_expected_and_what_happened_stand_side_by_side():
    run = outcome_of(**SMALL | {"workers": 6, "evil": 3, "committee": 2, "jobs": 3, "referee": "none"})

    odds, chances = run.summary.odds, odds_of(6, 3, 2, 2).silent
    outcomes = [job.outcome for job in jobs_of(run)]
    assert odds["job"]["right"] == float(chances.right) == 0.2
    assert odds["job"]["reward"] == float(chances.reward) == 0.4
    assert {name: round(count, 9) for name, count in odds["expected"].items()} == {
        "jobs_right": 1.2,
        "jobs_wrong": 1.2,
        "jobs_failed": 3.6,
        "jobs_ruled": 0,
        "honest_seats": 6,
        "honest_seats_paid": 2.4,
    }
    assert odds["happened"] == {
        "jobs_right": outcomes.count("accepted") - run.summary.wrong_accepted,
        "jobs_wrong": run.summary.wrong_accepted,
        "jobs_failed": outcomes.count("failed"),
        "jobs_ruled": 0,
        "honest_seats": 6,
        "honest_seats_paid": 6 - run.summary.honest_unpaid,
    }


def test_where_nobody_is_honest_nobody_is_expected_to_be_paid():
    odds = outcome_of(**SMALL | {"workers": 2, "evil": 2, "rounds": 1}).summary.odds

    assert odds["job"]["reward"] is None
    assert odds["expected"] == odds["happened"]
    assert (odds["happened"]["jobs_wrong"], odds["happened"]["honest_seats"]) == (1, 0)


def test_rounds_are_expected_to_bring_what_their_own_pool_lets_expect(monkeypatch):
    monkeypatch.setattr(simulator, "WORKER_FUNDS", 26 * ETHER // 10)  # the evil one can stake twice

    run = outcome_of(**SMALL | {"workers": 3, "evil": 1, "rounds": 4})

    assert [job.seats for job in jobs_of(run)] == [3, 3, 2, 2]
    assert run.summary.odds["happened"]["jobs_ruled"] == 2
    assert run.summary.odds["expected"] == run.summary.odds["happened"]
