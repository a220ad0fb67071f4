"""Settings: what is published is read again, and what does not go together is one sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.centralized.learning.partition import Split
from mlchain.centralized.learning.plan import FederationPlan
from mlchain.centralized.service.settings import Settings, settings_from
from mlchain.errors import UserError
from mlchain.tasks.choices import Subject
from tests.centralized.scenes import PLACE, RECIPE

CHOICES = {
    "subject": Subject(),
    "rounds": 3,
    "shares": 7,
    "quorum": None,
    "rule": "average",
    "evil": 0,
    "dirichlet_alpha": None,
    "seed": 1,
    "timeout": 60.0,
    "asynchronous": False,
    "max_staleness": 0,
}


@given(
    st.integers(3, 50), st.none() | st.floats(0.01, 1000), st.floats(0.1, 1e6), st.booleans(), st.integers(0, 2**64 - 1)
)
def test_settings_are_read_as_they_were_published(shares, dirichlet_alpha, timeout, asynchronous, seed):
    plan = FederationPlan(2, shares, shares, timeout, asynchronous, 1)
    settings = Settings(PLACE, RECIPE, Split(shares, dirichlet_alpha, seed), plan, "krum", 0)

    assert Settings.from_json(settings.to_json()) == settings


def test_without_a_quorum_it_is_the_least_majority():
    for shares, quorum in ((1, 1), (2, 2), (7, 4), (8, 5)):
        assert settings_from(PLACE, **CHOICES | {"shares": shares}).plan.quorum == quorum


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"rule": "nope"}, "unknown aggregation rule 'nope'"),
        ({"rule": "krum", "evil": 1}, "krum needs at least 5 updates to stand up to 1 evil ones, not 4"),
        ({"quorum": 0}, "the quorum of 7 shares has to be from 1 to 7, not 0"),
        ({"shares": 0}, "at least one share"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(choice, sentence):
    with pytest.raises(UserError, match=sentence):
        settings_from(PLACE, **CHOICES | choice)


def test_data_in_other_shares_than_are_learned_is_one_sentence():
    with pytest.raises(UserError, match="data in 3 shares cannot be learned in 2"):
        Settings(PLACE, RECIPE, Split(3), FederationPlan(1, 2, 2))
