"""Options: what cannot be played is refused with one sentence that says why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.errors import UserError
from mlchain.simulation.attackers import BEHAVIOURS
from mlchain.simulation.options import Options
from mlchain.simulation.participants import deal_behaviours, secret

REFUSED = {
    "4 of 3 workers cannot be evil": {"workers": 3, "evil": 4},
    "-1 of 10 workers cannot be evil": {"evil": -1},
    "there has to be at least one worker, not 0": {"workers": 0},
    "a simulation has up to 100,000 workers, not 1,000,000: it would take days": {"workers": 1_000_000},
    "there has to be at least one round, not 0": {"rounds": 0},
    "1 × 20 seats (jobs × committee) need 20 workers, and there are 10": {"committee": 20},
    "3 × 4 seats (jobs × committee) need 12 workers, and there are 10": {"jobs": 3, "committee": 4},
    "11 × 1 seats (jobs × committee) need 11 workers, and there are 10": {"jobs": 11},
    "a round has 1 to 64 jobs, not 0": {"jobs": 0},
    "a round has 1 to 64 jobs, not 65": {"jobs": 65, "workers": 100},
    "a round has 1 to 64 jobs, not -1": {"jobs": -1},
    "a job has 1 to 256 seats, not 0": {"committee": 0},
    "a job has 1 to 256 seats, not -2": {"committee": -2},
    "a job has 1 to 256 seats, not 257": {"committee": 257, "workers": 300},
    "the quorum of 10 seats has to be from 6 to 10, not 5": {"quorum": 5},
    "the quorum of 10 seats has to be from 6 to 10, not 11": {"quorum": 11},
    "the quorum of 5 seats has to be from 3 to 5, not 0": {"quorum": 0, "committee": 5},
    "unknown task 'nope': choose one of fake, digits, mnist, cancer, wine": {"task": "nope"},
    "unknown model 'nope': choose one of softmax, mlp, lenet, lenet-small": {"model": "nope"},
    f"unknown behaviour 'nope': choose from {', '.join(BEHAVIOURS)}": {"behaviour": "silent,nope"},
    f"unknown behaviour '': choose from {', '.join(BEHAVIOURS)}": {"behaviour": ""},
    "the audit rate has to be from 0 to 1, not 1.5": {"audit_rate": 1.5},
    "the audit rate has to be from 0 to 1, not -0.1": {"audit_rate": -0.1},
    "the audit rate has to be from 0 to 1, not nan": {"audit_rate": float("nan")},
    "the seed has to be from 0 to 2^64 - 1, not -1": {"seed": -1},
    "the seed has to be from 0 to 2^64 - 1, not 18446744073709551616": {"seed": 2**64},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_cannot_be_played_is_refused_with_one_sentence(sentence):
    with pytest.raises(UserError) as refusal:
        Options(**REFUSED[sentence])

    assert str(refusal.value) == sentence


@given(st.data())
def test_whatever_the_options_accept_the_factory_would_too(data):
    workers = data.draw(st.integers(1, 600))
    choices = {
        "workers": workers,
        "jobs": data.draw(st.integers(-1, 66)),
        "committee": data.draw(st.none() | st.integers(-1, 258)),
        "quorum": data.draw(st.none() | st.integers(-1, 258)),
    }
    try:
        options = Options(**choices)
    except UserError:
        return

    quorum = options.quorum or options.seats // 2 + 1
    assert 1 <= options.jobs <= 64
    assert 1 <= options.seats <= 256
    assert options.jobs * options.seats <= workers
    assert options.seats < 2 * quorum <= 2 * options.seats


@given(st.integers(1, 40), st.data(), st.integers(0, 2**64 - 1))
def test_exactly_so_many_are_evil_and_the_behaviours_go_round(workers, data, seed):
    evil = data.draw(st.integers(0, workers))
    options = Options(workers=workers, evil=evil, behaviour="silent, wrong", seed=seed)

    names = [behaviour.name for behaviour in deal_behaviours(options)]

    assert names.count("honest") == workers - evil
    assert names.count("silent") - names.count("wrong") in (0, 1)
    assert deal_behaviours(options) == deal_behaviours(options)


def test_secrets_differ_by_seed_and_by_label():
    made = {secret(seed, *labels) for seed in (1, 2, 12) for labels in ((), ("a",), ("a", 1), ("a", 11), ("b", 1))}

    assert len(made) == 15


def test_another_seed_makes_others_evil():
    dealt = {tuple(b.name for b in deal_behaviours(Options(evil=4, seed=seed))) for seed in range(10)}

    assert len(dealt) > 5
