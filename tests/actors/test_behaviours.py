"""Behaviours: what the evil ones answer, and that they cannot be right by accident."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlchain.actors.behaviours import HONEST, Assignment
from mlchain.simulation.attackers import (
    ATTACKERS,
    BEHAVIOURS,
    CAMPS,
    COLLUDING,
    FORGING,
    PLAYERS,
    SILENT,
    SYBIL,
    WITHHOLDING,
    WRONG,
)
from tests.actors.scenes import Scene
from tests.actors.stage import address_of

RESULTS = st.one_of(st.binary(min_size=1, max_size=1), st.binary(min_size=1, max_size=80))
LONG_RESULTS = st.binary(min_size=16, max_size=80)
NUMBERS = st.integers(0, 10_000)
SCENE = Scene()
LIARS = (WRONG, COLLUDING, CAMPS, WITHHOLDING, FORGING, SYBIL)


def assignment(result: bytes, worker: int = 0, job: int = 0) -> Assignment:
    """Return an assignment of some worker in some job, whose right result is `result`."""
    some = SCENE.assignment(result=result)
    return replace(some, worker=address_of(f"worker {worker}"), job=replace(some.job, address=address_of(f"job {job}")))


@given(RESULTS, NUMBERS, NUMBERS)
@example(b"\x00", 0, 0)
@example(b"\xff", 0, 0)
def test_a_wrong_answer_is_never_the_honest_one(result, worker, job):
    for behaviour in LIARS:
        answer = behaviour.answer(assignment(result, worker, job))

        assert answer != result
        assert len(answer) == len(result)


def test_not_even_a_mask_that_begins_with_nothing_leaves_one_byte_as_it_is():
    for number in range(2_000):
        for behaviour in (WRONG, COLLUDING):
            assert behaviour.answer(assignment(b"\x00", number, number)) != b"\x00"


@given(RESULTS, NUMBERS, NUMBERS, NUMBERS)
def test_colluders_of_every_kind_agree_in_a_job(result, one, other, job):
    answers = {
        behaviour.answer(assignment(result, worker, job))
        for behaviour in (COLLUDING, WITHHOLDING, FORGING, SYBIL)
        for worker in (one, other)
    }

    assert len(answers) == 1


@given(LONG_RESULTS, st.sets(NUMBERS, min_size=2, max_size=9), NUMBERS)
def test_two_camps_have_two_lies(result, workers, job):
    parity = {worker: int(address_of(f"worker {worker}"), 16) % 2 for worker in workers}

    answers = {worker: CAMPS.answer(assignment(result, worker, job)) for worker in workers}

    assert len(set(answers.values())) == len(set(parity.values()))


@given(LONG_RESULTS, NUMBERS, NUMBERS, NUMBERS)
def test_those_who_are_wrong_alone_differ(result, one, other, job):
    answers = {WRONG.answer(assignment(result, worker, job)) for worker in (one, other)}

    assert len(answers) == len({one, other})


@given(LONG_RESULTS, NUMBERS, NUMBERS)
def test_colluders_tell_another_lie_in_another_job(result, one, other):
    answers = {COLLUDING.answer(assignment(result, 0, job)) for job in (one, other)}

    assert len(answers) == len({one, other})


@given(RESULTS)
def test_the_honest_one_answers_what_it_has_computed(result):
    assert HONEST.answer(assignment(result)) == result


def test_the_silent_one_computes_nothing():
    silent = replace(SCENE.assignment(), solve=lambda: pytest.fail("it computes"))

    assert SILENT.answer(silent) is None


@given(RESULTS, NUMBERS, NUMBERS)
def test_a_behaviour_answers_the_same_when_asked_again(result, worker, job):
    for behaviour in BEHAVIOURS.values():
        answers = [behaviour.answer(assignment(result, worker, job)) for _ in range(2)]

        assert answers[0] == answers[1]


def test_exactly_one_behaviour_is_honest():
    assert [behaviour for behaviour in BEHAVIOURS.values() if behaviour.is_honest] == [HONEST]
    assert list(BEHAVIOURS.values()) == [HONEST, *ATTACKERS, *PLAYERS]
    assert all(behaviour.name == name for name, behaviour in BEHAVIOURS.items())


def test_every_attacker_differs_from_the_honest_one_in_what_it_does():
    for attacker in ATTACKERS:
        disguised = replace(attacker, name=HONEST.name, is_honest=True, attempt=HONEST.attempt)

        assert disguised != HONEST
