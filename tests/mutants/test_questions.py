"""Changed rules are asked what the tests ask, and the test that would fail is named."""

from collections import Counter
from types import SimpleNamespace

import pytest

from mutants.compiler import Code
from mutants.questions import Interview, Question
from tests.mutants.test_trials import laboratory
from tests.referee.judging import AT_ONCE, Judge

QUESTIONS = [Question("0x00", 0, "a"), *[Question("0x01", 1, "b")] * AT_ONCE, Question("0x02", 2, "c")]
REVERTING = "60006000fd"
ECHO = "60003560f81c60005260206000f3"  # returns the first byte of what it is called with


def number(value: int) -> str:
    """Return code that returns a number, whatever it is called with."""
    return f"60{value:02x}60005260206000f3"


@pytest.fixture(scope="module")
def interview():
    made = Interview(list(QUESTIONS))
    yield made
    made.end()


@pytest.mark.parametrize(("code", "test"), [(ECHO, None), (number(0), "b"), (number(1), "a"), (REVERTING, "a")])
def test_the_test_that_asked_what_is_answered_otherwise_is_named(interview, code, test):
    interview.questions[:] = QUESTIONS

    assert interview.first_to_notice(Code("", code)) == test


def test_what_has_told_once_is_asked_first(interview):
    interview.questions[:] = QUESTIONS
    two_is_three = ECHO.replace("60f81c", "60f81c8060021401")

    assert interview.first_to_notice(Code("", two_is_three)) == "c"
    assert interview.questions[0].test == "b"
    assert interview.questions[1].test == "c"
    assert sorted(interview.questions) == sorted(QUESTIONS)


def test_a_call_that_reverts_is_an_answer_too(interview):
    interview.questions[:] = [Question("0x00", None, "a")]

    assert interview.first_to_notice(Code("", REVERTING)) is None
    assert interview.first_to_notice(Code("", number(0))) == "a"


def test_rules_that_nobody_asks_about_are_not_asked():
    assert Interview([]).first_to_notice(Code("", REVERTING)) is None


def test_a_control_hears_what_is_asked_and_who_asks(monkeypatch):
    monkeypatch.setattr(Judge, "numbers", lambda judge, asked: [7 if call == "0x07" else None for call in asked])
    judge = Judge(SimpleNamespace(), "0x")
    tests = laboratory(lambda: judge.follow(["0x07", "0x08"]) == [], lambda: judge.numbers(["0x07"]) == [])

    heard = tests.control({}).questions

    assert heard == [Question("0x07", 7, "a::0"), Question("0x08", None, "a::0"), Question("0x07", 7, "a::1")]
    assert not tests.try_out({}, Counter()).questions
