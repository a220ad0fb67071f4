import pytest
from ape import project
from ape.utils import ZERO_ADDRESS
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.chain_control import reverts, rollback
from tests.contracts.protocol_steps import ABSENCE_FEE, MAX_ROUND_DURATION, MIN_WINDOW, PARAMETERS, STAKE

MOST_STAKE = 2**88 - 1
GAME = "0x" + 20 * "11"


@st.composite
def legal_parameters(draw):
    stake = draw(st.integers(2, MOST_STAKE))
    min_window = draw(st.integers(1, (2**32 - 1) // 3))
    return {
        "stake": stake,
        "absenceFee": draw(st.integers(1, stake - 1)),
        "minWindow": min_window,
        "maxRoundDuration": draw(st.integers(3 * min_window, 2**32 - 1)),
        "minSeats": draw(st.integers(1, 256)),
        "permissioned": draw(st.booleans()),
        "referee": draw(st.sampled_from([ZERO_ADDRESS, GAME])),
        "versionReferee": draw(st.sampled_from([ZERO_ADDRESS, GAME])),
        "randomAnchor": draw(st.binary(min_size=32, max_size=32)),
    }


@settings(max_examples=4)
@given(legal_parameters())
def test_one_transaction_wires_the_whole_protocol(server, models, parameters):
    with rollback():
        factory = server.deploy(project.JobFactory, models, parameters)
        registry = project.WorkerRegistry.at(factory.REGISTRY())
        implementation = project.Job.at(factory.IMPLEMENTATION())

        assert factory.SERVER() == registry.SERVER() == implementation.SERVER() == server
        game = parameters["referee"]
        assert factory.REFEREE() == implementation.REFEREE() == (server if game == ZERO_ADDRESS else game)
        assert registry.FACTORY() == factory
        assert implementation.REGISTRY() == registry
        assert factory.VERSION_REFEREE() == parameters["versionReferee"]
        assert factory.MODELS() == models
        assert registry.STAKE() == parameters["stake"]
        assert registry.ABSENCE_FEE() == parameters["absenceFee"]
        assert registry.PERMISSIONED() == parameters["permissioned"]
        assert factory.MIN_WINDOW() == parameters["minWindow"]
        assert factory.MAX_ROUND_DURATION() == parameters["maxRoundDuration"]
        assert factory.MIN_SEATS() == parameters["minSeats"]
        assert factory.randomHead() == parameters["randomAnchor"]


def test_a_factory_takes_only_its_own_servers_models(models, server, stranger):
    with reverts(project.JobFactory.ForeignModelRegistry, server=server):
        stranger.deploy(project.JobFactory, models, PARAMETERS)


@pytest.mark.parametrize("fee", [0, STAKE, STAKE + 1])
def test_the_absence_fee_is_more_than_nothing_and_less_than_the_stake(server, models, fee):
    with reverts(project.WorkerRegistry.InvalidAbsenceFee, absenceFee=fee, stake=STAKE):
        server.deploy(project.JobFactory, models, PARAMETERS | {"absenceFee": fee})


def test_a_stake_that_its_account_cannot_hold_is_refused(server, models):
    with reverts(project.WorkerRegistry.InvalidStake, stake=MOST_STAKE + 1):
        server.deploy(project.JobFactory, models, PARAMETERS | {"stake": MOST_STAKE + 1})


@pytest.mark.parametrize(
    ("shortest", "longest"),
    [(0, MAX_ROUND_DURATION), (MIN_WINDOW, 3 * MIN_WINDOW - 1), (MIN_WINDOW, 2**32)],
)
def test_windows_that_no_round_could_keep_are_refused(server, models, shortest, longest):
    parameters = PARAMETERS | {"minWindow": shortest, "maxRoundDuration": longest}

    with reverts(project.JobFactory.InvalidWindows, minWindow=shortest, maxRoundDuration=longest):
        server.deploy(project.JobFactory, models, parameters)


@pytest.mark.parametrize("least", [0, 257])
def test_a_least_committee_that_no_job_could_have_is_refused(server, models, least):
    with reverts(project.JobFactory.InvalidSeats, seats=least, minimum=1, maximum=256):
        server.deploy(project.JobFactory, models, PARAMETERS | {"minSeats": least})


@pytest.mark.parametrize(
    "changes",
    [
        {"stake": MOST_STAKE},
        {"absenceFee": 1},
        {"absenceFee": STAKE - 1},
        {"minWindow": 1},
        {"minWindow": MIN_WINDOW, "maxRoundDuration": 3 * MIN_WINDOW},
        {"maxRoundDuration": 2**32 - 1},
        {"minSeats": 1},
        {"minSeats": 256},
    ],
)
def test_what_just_fits_is_taken(server, models, changes):
    factory = server.deploy(project.JobFactory, models, PARAMETERS | changes)

    assert factory.latestRound() == 0


def test_anybody_can_make_a_registry_but_no_other_than_the_factorys_own_is_used(factory, registry, stranger):
    other = stranger.deploy(project.WorkerRegistry, stranger, STAKE, ABSENCE_FEE, False)

    assert other.FACTORY() == stranger
    assert factory.REGISTRY() == registry
