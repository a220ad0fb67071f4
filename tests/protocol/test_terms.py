"""What the contracts refuse as the terms of a round, or as those of a deployment, the twin knows before."""

from dataclasses import astuple, fields, replace

import pytest
from ape import project
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlchain.protocol.content import CHUNK_SIZE, MAX_CHUNKS
from mlchain.protocol.terms import (
    MAX_JOBS,
    MAX_SEATS,
    MOST_SECONDS,
    MOST_STAKE,
    Limit,
    RoundTerms,
    are_durations,
    are_stakes,
    broken_limits,
    is_quorum,
    least_majority,
)
from tests.contracts.protocol_steps import MAX_ROUND_DURATION, MIN_WINDOW, NUMBERS, PARAMETERS, TASK, schedule_round
from tests.protocol.refusals import refusal_of

LEGAL = RoundTerms(1, 1, 3, 2, 10, 5, 100, 3_600, 3_600, 3_600, 0)
THIRD = MAX_ROUND_DURATION // 3
WINDOWS = [0, MIN_WINDOW - 1, MIN_WINDOW, THIRD, THIRD + 1, MAX_ROUND_DURATION]
CHOICES = {
    "jobs": [0, 1, 2, MAX_JOBS, MAX_JOBS + 1],
    "seats": [0, 1, 2, 3, MAX_SEATS, MAX_SEATS + 1],
    "quorum": [0, 1, 2, 3, 4, MAX_SEATS // 2, MAX_SEATS // 2 + 1, MAX_SEATS, MAX_SEATS + 1],
    "reward": [0, 1],
    "result_size": [0, 1, CHUNK_SIZE * MAX_CHUNKS, CHUNK_SIZE * MAX_CHUNKS + 1],
    "commit_window": WINDOWS,
    "publish_window": WINDOWS,
    "referee_window": WINDOWS,
    "challenge_window": [0, MIN_WINDOW, 3_600, 3_601],
}
BROKEN = [
    replace(LEGAL, jobs=MAX_JOBS + 1),
    replace(LEGAL, seats=MAX_SEATS + 1, quorum=MAX_SEATS),
    replace(LEGAL, quorum=1),
    replace(LEGAL, reward=0),
    replace(LEGAL, result_size=0),
    replace(LEGAL, referee_window=MIN_WINDOW - 1),
    replace(LEGAL, commit_window=MAX_ROUND_DURATION - 7_199),
    replace(LEGAL, challenge_window=3_601),
]


@st.composite
def terms(draw) -> RoundTerms:
    """Return terms that are legal but for some of their fields, which are at or beyond a limit."""
    names = draw(st.lists(st.sampled_from(sorted(CHOICES)), max_size=3, unique=True))
    return replace(LEGAL, **{name: draw(st.sampled_from(CHOICES[name])) for name in names})


@pytest.fixture(scope="module")
def scheduled(factory, registry, server):
    """Schedule a round."""
    schedule_round(factory, server)


@pytest.fixture(scope="module")
def with_game(models, server):
    """A factory whose referee is a contract, with a round scheduled and nobody to draw."""
    factory = server.deploy(project.JobFactory, models, PARAMETERS | {"referee": models.address})
    schedule_round(factory, server)
    return factory


@given(terms())
@example(LEGAL)
@example(replace(LEGAL, jobs=MAX_JOBS))
@example(replace(LEGAL, seats=MAX_SEATS, quorum=MAX_SEATS // 2 + 1))
@example(replace(LEGAL, commit_window=MIN_WINDOW, referee_window=MIN_WINDOW))
@example(replace(LEGAL, commit_window=MAX_ROUND_DURATION - 7_200, challenge_window=3_600))
@example(replace(LEGAL, result_size=CHUNK_SIZE * MAX_CHUNKS, reward=1))
def test_a_round_is_refused_for_the_first_limit_that_its_terms_break(scheduled, factory, server, members, terms):
    broken = [limit.value for limit in broken_limits(terms, 1, MIN_WINDOW, MAX_ROUND_DURATION)]
    too_many = ["PoolTooSmall"] if terms.jobs * terms.seats > len(members) else []

    refused = refusal_of(
        lambda: factory.deployRound(astuple(terms), NUMBERS.number_of(1), TASK, value=terms.escrow, sender=server)
    )

    assert refused == next(iter(broken + too_many), None)


@given(terms())
@example(replace(LEGAL, challenge_window=MIN_WINDOW))
@example(replace(LEGAL, referee_window=5 * MIN_WINDOW, challenge_window=MIN_WINDOW))
@example(replace(LEGAL, referee_window=5 * MIN_WINDOW - 1, challenge_window=MIN_WINDOW))
@example(replace(LEGAL, challenge_window=MIN_WINDOW - 1))
def test_a_game_needs_time_for_its_clocks_and_to_be_called(with_game, server, terms):
    broken = [limit.value for limit in broken_limits(terms, 1, MIN_WINDOW, MAX_ROUND_DURATION, has_game=True)]

    refused = refusal_of(
        lambda: with_game.deployRound(astuple(terms), NUMBERS.number_of(1), TASK, value=terms.escrow, sender=server)
    )

    assert refused == next(iter([*broken, "PoolTooSmall"]), None)


def test_every_limit_can_be_broken_alone():
    assert [broken_limits(terms, 1, MIN_WINDOW, MAX_ROUND_DURATION) for terms in BROKEN] == [[limit] for limit in Limit]
    assert broken_limits(LEGAL, 4, MIN_WINDOW, MAX_ROUND_DURATION) == [Limit.SEATS]
    assert broken_limits(LEGAL, 3, MIN_WINDOW, MAX_ROUND_DURATION) == []


@given(st.integers(1, MAX_SEATS))
def test_two_candidates_never_have_a_quorum(seats):
    assert 2 * least_majority(seats) > seats
    assert next(quorum for quorum in range(seats + 2) if is_quorum(quorum, seats)) == least_majority(seats)


@settings(max_examples=settings().max_examples // 3)
@given(
    stake=st.sampled_from([0, 1, 2, MOST_STAKE, MOST_STAKE + 1]),
    fee=st.sampled_from([0, 1, 2, MOST_STAKE - 1]),
    shortest=st.sampled_from([0, 1, MOST_SECONDS // 3, MOST_SECONDS // 3 + 1]),
    longest=st.sampled_from([0, 2, 3, MOST_SECONDS, MOST_SECONDS + 1]),
)
@example(stake=2, fee=1, shortest=1, longest=3)
@example(stake=MOST_STAKE, fee=MOST_STAKE - 1, shortest=MOST_SECONDS // 3, longest=MOST_SECONDS)
def test_a_deployment_is_refused_if_its_stakes_or_durations_are_no_such(models, server, stake, fee, shortest, longest):
    chosen = {"stake": stake, "absenceFee": fee, "minWindow": shortest, "maxRoundDuration": longest}

    refused = refusal_of(lambda: server.deploy(project.JobFactory, models, PARAMETERS | chosen))

    assert (refused is None) == (are_stakes(stake, fee) and are_durations(shortest, longest))


def test_terms_have_the_order_that_the_contract_takes():
    (deploy,) = [abi for abi in project.JobFactory.contract_type.mutable_methods if abi.name == "deployRound"]

    names = [component.name.lower() for component in deploy.inputs[0].components]

    assert names == [field.name.replace("_", "") for field in fields(RoundTerms)]
