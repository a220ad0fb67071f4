"""Behaviours: what the evil ones answer, and that they cannot be right by accident."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlchain.actors.behaviours import BEHAVIOURS, COLLUDING, HONEST, SILENT, WRONG, Assignment
from tests.actors.stage import address_of

RESULTS = st.one_of(st.binary(min_size=1, max_size=1), st.binary(min_size=1, max_size=80))
NAMES = st.integers(0, 10_000)


def assignment(result: bytes, worker: int = 0, job: int = 0) -> Assignment:
    return Assignment(address_of(f"worker {worker}"), address_of(f"job {job}"), lambda: result)


@given(RESULTS, NAMES, NAMES)
@example(b"\x00", 0, 0)
@example(b"\xff", 0, 0)
def test_a_wrong_answer_is_never_the_honest_one(result, worker, job):
    for behaviour in (WRONG, COLLUDING):
        answer = behaviour.answer(assignment(result, worker, job))

        assert answer != result
        assert len(answer) == len(result)


def test_not_even_a_mask_that_begins_with_nothing_leaves_one_byte_as_it_is():
    for number in range(2_000):
        for behaviour in (WRONG, COLLUDING):
            assert behaviour.answer(assignment(b"\x00", number, number)) != b"\x00"


@given(RESULTS, NAMES, NAMES, NAMES)
def test_colluders_agree_in_a_job(result, one, other, job):
    assert COLLUDING.answer(assignment(result, one, job)) == COLLUDING.answer(assignment(result, other, job))


@given(st.binary(min_size=16, max_size=80), NAMES, NAMES, NAMES)
def test_those_who_are_wrong_alone_differ(result, one, other, job):
    answers = {WRONG.answer(assignment(result, worker, job)) for worker in (one, other)}

    assert len(answers) == len({one, other})


@given(st.binary(min_size=16, max_size=80), NAMES, NAMES)
def test_colluders_tell_another_lie_in_another_job(result, one, other):
    answers = {COLLUDING.answer(assignment(result, 0, job)) for job in (one, other)}

    assert len(answers) == len({one, other})


@given(RESULTS)
def test_the_honest_one_answers_what_it_has_computed(result):
    assert HONEST.answer(assignment(result)) == result


def test_the_silent_one_computes_nothing():
    assert SILENT.answer(Assignment("worker", "job", lambda: pytest.fail("it computes"))) is None


@given(RESULTS, NAMES, NAMES)
def test_a_behaviour_answers_the_same_when_asked_again(result, worker, job):
    for behaviour in BEHAVIOURS.values():
        assert behaviour.answer(assignment(result, worker, job)) == behaviour.answer(assignment(result, worker, job))


def test_exactly_one_behaviour_is_honest():
    assert [behaviour for behaviour in BEHAVIOURS.values() if behaviour.is_honest] == [HONEST]
    assert all(behaviour.name == name for name, behaviour in BEHAVIOURS.items())
