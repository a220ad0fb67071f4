"""What the tests of simulations compare with."""

import pytest

from tests.simulation.runs import SMALL, Run, outcome_of


@pytest.fixture(scope="module")
def honest() -> Run:
    """A small run in which everybody is honest."""
    return outcome_of(**SMALL | {"workers": 2})
