"""What the tests of one file share: a round that is open while they run, or actors that are contracts."""

import pytest

from tests.contracts.multicalls import Stage
from tests.contracts.protocol_steps import Committee, deploy_round


@pytest.fixture(scope="module")
def committee(factory, registry, server, members) -> Committee:
    """The committee of the round's only job, in its commit phase; two members hold no seat."""
    (job,) = deploy_round(factory, server)
    return Committee.of(job, server, members)


@pytest.fixture(scope="module")
def job(committee):
    """The round's only job."""
    return committee.job


@pytest.fixture(scope="module")
def new_round(factory, registry, server, members, newcomers):
    """Deploy a round of one job and return its committee."""

    def new_round(**changes):
        (job,) = deploy_round(factory, server, **changes)
        return Committee.of(job, server, [*members, *newcomers])

    return new_round


@pytest.fixture(scope="module")
def stage(server) -> Stage:
    """A deployment whose server and members are contracts that act in one transaction."""
    return Stage.build(server)


@pytest.fixture
def bystander(committee, members):
    """A member of the pool that holds no seat."""
    return next(member for member in members if member not in committee.holders)
