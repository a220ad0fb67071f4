"""Hypothesis profiles and the deployment that the tests of the contracts share."""

import os

import pytest
from ape import accounts, chain, project
from hypothesis import HealthCheck, Phase, settings

from mlchain.chain.provider import connected_provider, leave_out_traces
from mlchain.protocol.content import chunk_hashes, content_hash
from tests.contracts.chain_control import rollback
from tests.contracts.protocol_steps import MODEL, PARAMETERS, STAKE

# The explain phase takes minutes on a Python EVM. Hypothesis would load a profile of its own where CI is set.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
settings.register_profile("quick", deadline=None, phases=PHASES, max_examples=12, derandomize=True)
settings.register_profile("thorough", deadline=None, phases=PHASES, max_examples=500)
# Fails as soon as anything does, for the same mutants every time, however busy the machine is.
settings.register_profile(
    "mutants",
    settings.get_profile("quick"),
    max_examples=25,
    phases=(Phase.explicit, Phase.generate),
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_addoption(parser):
    parser.addoption("--quorum-rules", action="store_true", help="on Anvil, play by Istanbul's rules, with free gas")
    parser.addoption("--contract-coverage", action="store_true", help="show which statements of the contracts are run")
    parser.addoption("--record-gas", action="store_true", help="write tests/contracts/gas.json anew")


def pytest_configure(config):
    leave_out_traces()
    if config.getoption("--quorum-rules"):
        project.config.foundry.evm_version = "istanbul"
        project.config.ethereum.local.default_transaction_type = 0
    if config.getoption("--contract-coverage"):
        from tests.contract_coverage import ContractCoverage

        config.pluginmanager.register(ContractCoverage())


@pytest.fixture(scope="session")
def server():
    """The learning server, who is the referee too."""
    return accounts.test_accounts[0]


@pytest.fixture(scope="session")
def stranger():
    """Somebody who has no part in anything."""
    return accounts.test_accounts[1]


@pytest.fixture(scope="session")
def members():
    """Five workers in the pool, in the order of their positions."""
    return [accounts.test_accounts[number] for number in range(2, 7)]


@pytest.fixture(scope="session")
def newcomers():
    """Workers that have not joined."""
    return [accounts.test_accounts[number] for number in range(7, 30)]


@pytest.fixture(scope="session")
def models(server):
    """A model registry with one version, completely published."""
    models = server.deploy(project.ModelRegistry)
    models.announce(0, content_hash(MODEL), len(MODEL), sender=server)
    models.publish(1, 0, chunk_hashes(MODEL), MODEL, sender=server)
    return models


@pytest.fixture(scope="session")
def factory(server, models):
    """The job factory, with a pool that nobody has joined."""
    return server.deploy(project.JobFactory, models, PARAMETERS)


@pytest.fixture(scope="session")
def registry(factory, members):
    """The worker registry, joined by the members."""
    registry = project.WorkerRegistry.at(factory.REGISTRY())
    for member in members:
        registry.join(value=STAKE, sender=member)
    return registry


@pytest.fixture(scope="session", autouse=True)
def shared_head(factory, registry, newcomers, stranger):
    """Make what files share before the first of them, of whatever folder; return the number of its last block."""
    connected_provider()
    return chain.blocks.height


@pytest.fixture(scope="module", autouse=True)
def rolled_back_file(shared_head):
    """Undo what a file's fixtures have done on the chain."""
    assert chain.blocks.height == shared_head, "something of an earlier file was not undone"
    with rollback():
        yield


@pytest.fixture(autouse=True)
def rolled_back_test(rolled_back_file):
    """Undo what a test has done on the chain."""
    with rollback():
        yield
