import pytest
from ape import chain, project
from eth_abi import encode
from eth_utils import keccak

from mlchain.protocol.commitments import task_hash
from mlchain.protocol.content import CHUNK_SIZE, MAX_CHUNKS, content_hash
from mlchain.protocol.draw import position_of
from tests.contracts.chain_control import move_to, reverts, time_of_next_block
from tests.contracts.games import SERVER
from tests.contracts.multicalls import call
from tests.contracts.protocol_steps import (
    BONUS,
    MAX_ROUND_DURATION,
    MIN_WINDOW,
    MODEL,
    NUMBERS,
    PARAMETERS,
    REWARD,
    STAKE,
    TASK,
    TERMS,
    Committee,
    decide,
    deploy_round,
    escrow_of,
    job_at,
    next_random,
    referee_end,
    schedule_round,
    terms_of,
)
from tests.reference.tables import Phase

MAX_SNAPSHOT_AGE = 128


@pytest.fixture
def scheduled(factory, registry, server):
    """The snapshot block of the round that is scheduled."""
    return schedule_round(factory, server)


def deploy(factory, sender, value=None, random=None, **changes):
    terms = terms_of(**changes)
    payment = escrow_of(terms) if value is None else value
    return factory.deployRound(terms, random or next_random(factory), TASK, value=payment, sender=sender)


def test_a_round_announces_its_seed_and_every_job(factory, models, registry, server, members, scheduled):
    terms = terms_of(jobs=2, seats=2)
    start = chain.pending_timestamp + 1_000  # ahead of the clock, which the embedded chain follows
    deadline = start + terms["commitWindow"]
    time_of_next_block(start)

    receipt = factory.deployRound(terms, NUMBERS.number_of(1), TASK, value=escrow_of(terms), sender=server)

    opened, deployed, *jobs = receipt.events
    model, _ = models.lineageOf(1)
    assert opened == registry.RoundOpened(snapshotBlock=scheduled, seats=4, escrow=escrow_of(terms))
    assert deployed == factory.RoundDeployed(
        round=1,
        modelVersion=1,
        snapshotBlock=scheduled,
        seed=deployed.seed,
        poolSize=len(members),
        commitDeadline=deadline,
        task=TASK,
    )
    assert deployed.terms == list(terms.values())
    assert jobs == [
        factory.JobDeployed(round=1, index=index, job=jobs[index].job, taskHash=task_hash(TASK, model))
        for index in range(2)
    ]
    assert factory.latestRound() == 1


def test_a_job_carries_its_terms_in_its_code(factory, server, members, scheduled):
    receipt = deploy(factory, server, jobs=2, seats=2, challengeWindow=60, resultSize=CHUNK_SIZE * MAX_CHUNKS)
    _, deployed, *jobs = receipt.events

    for index, event in enumerate(jobs):
        terms = job_at(event.job).terms()

        assert terms == [
            deployed.seed,
            event.taskHash,
            1,
            index,
            scheduled,
            len(members),
            3,  # the radix of the draw: the square root of the size, rounded up
            2,
            2,
            CHUNK_SIZE * MAX_CHUNKS,
            deployed.commitDeadline,
            TERMS["publishWindow"],
            TERMS["refereeWindow"],
            60,
            REWARD,
            BONUS,
        ]
        assert factory.isJob(event.job)


def test_all_escrow_goes_to_the_registry_and_none_to_the_job(factory, registry, server):
    before = registry.balance

    (job,) = deploy_round(factory, server)

    assert registry.balance - before == escrow_of(terms_of())
    assert factory.balance == job.balance == 0
    assert registry.currentRound().escrow == escrow_of(terms_of())
    assert registry.currentRound().unsettledSeats == 3


def test_jobs_of_a_round_share_the_pool_without_overlap(factory, server, members):
    jobs = deploy_round(factory, server, jobs=2, seats=2)

    holders = [holder for job in jobs for holder in job.committee()]

    terms = jobs[0].terms()
    assert holders == [members[position_of(terms.seed, len(members), seat)] for seat in range(4)]
    assert len(set(holders)) == 4


def test_a_seed_follows_from_chain_factory_the_servers_number_the_snapshot_block_and_the_round(
    factory, server, scheduled
):
    (job,) = deploy_round(factory, server, is_scheduled=True)

    types = ["uint256", "address", "bytes32", "bytes32", "uint256"]
    words = encode(types, [chain.chain_id, factory.address, NUMBERS.number_of(1), chain.blocks[scheduled].hash, 1])
    assert job.terms().seed == keccak(words)


def test_two_deployments_with_the_same_numbers_and_the_same_block_have_different_seeds(
    factory, models, server, members
):
    twin = server.deploy(project.JobFactory, models, PARAMETERS)
    registry = project.WorkerRegistry.at(twin.REGISTRY())
    for member in members[:3]:
        registry.join(value=STAKE, sender=member)

    (job,), (other,) = (deploy_round(each, server) for each in (factory, twin))

    assert job.terms().seed != other.terms().seed


def test_only_the_server_schedules_and_deploys(factory, stranger, members, scheduled):
    for caller in [stranger, members[0]]:
        with reverts(factory.NotTheServer, caller=caller):
            factory.scheduleRound(sender=caller)
        with reverts(factory.NotTheServer, caller=caller):
            deploy(factory, caller)


@pytest.mark.parametrize("change", [-1, 1])
def test_the_value_is_exactly_the_pay_of_the_round(factory, server, change):
    escrow = escrow_of(terms_of())

    with reverts(factory.WrongEscrow, actual=escrow + change, expected=escrow):
        deploy(factory, server, value=escrow + change)


@pytest.mark.parametrize("version", [0, 2])
def test_the_model_was_announced(factory, server, version):
    with reverts(factory.IncompleteModel, version=version):
        deploy(factory, server, modelVersion=version)


def test_the_model_is_completely_published(factory, models, server):
    models.announce(1, content_hash(MODEL), len(MODEL), sender=server)

    with reverts(factory.IncompleteModel, version=2):
        deploy(factory, server, modelVersion=2)


@pytest.mark.parametrize("jobs", [0, 65])
def test_a_round_has_1_to_64_jobs(factory, server, jobs):
    with reverts(factory.InvalidJobs, jobs=jobs, maximum=64):
        deploy(factory, server, jobs=jobs)


def test_64_jobs_and_256_seats_are_legal_and_only_want_more_workers(factory, registry, server, scheduled):
    with reverts(registry.PoolTooSmall, poolSize=5, seats=64 * 256):
        deploy(factory, server, jobs=64, seats=256, quorum=129)


@pytest.mark.parametrize("seats", [0, 257])
def test_a_job_has_1_to_256_seats(factory, server, seats):
    with reverts(factory.InvalidSeats, seats=seats, minimum=1, maximum=256):
        deploy(factory, server, seats=seats, quorum=max(1, seats))


def test_no_first_joiner_is_the_committee_where_a_job_has_three_seats_at_least(models, server):
    factory = server.deploy(project.JobFactory, models, PARAMETERS | {"minSeats": 3})

    for seats in (1, 2):
        with reverts(factory.InvalidSeats, seats=seats, minimum=3, maximum=256):
            deploy(factory, server, seats=seats, quorum=seats)
    schedule_round(factory, server)
    with reverts(project.WorkerRegistry.PoolTooSmall, poolSize=0, seats=3):
        deploy(factory, server, seats=3)


@pytest.mark.parametrize(("seats", "quorum"), [(1, 0), (1, 2), (2, 1), (3, 1), (4, 2), (5, 2), (5, 6)])
def test_a_quorum_is_more_than_half_of_the_seats_and_at_most_all(factory, server, seats, quorum):
    with reverts(factory.InvalidQuorum, quorum=quorum, seats=seats):
        deploy(factory, server, seats=seats, quorum=quorum)


@pytest.mark.parametrize(("seats", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (5, 5)])
def test_the_least_and_the_greatest_quorum_are_legal(factory, server, seats, quorum):
    (job,) = deploy_round(factory, server, seats=seats, quorum=quorum)

    assert job.terms().quorum == quorum


def test_being_right_is_always_rewarded(factory, server):
    with reverts(factory.NoReward):
        deploy(factory, server, reward=0)

    (job,) = deploy_round(factory, server, reward=1)
    assert job.terms().reward == 1


@pytest.mark.parametrize("size", [0, CHUNK_SIZE * MAX_CHUNKS + 1])
def test_a_result_has_between_one_byte_and_128_chunks(factory, server, size):
    with reverts(factory.InvalidSize, size=size, maximum=CHUNK_SIZE * MAX_CHUNKS):
        deploy(factory, server, resultSize=size)


@pytest.mark.parametrize("window", ["commitWindow", "publishWindow", "refereeWindow"])
def test_no_window_is_shorter_than_the_shortest(factory, server, scheduled, window):
    with reverts(factory.WindowTooShort, window=MIN_WINDOW - 1, minWindow=MIN_WINDOW):
        deploy(factory, server, **{window: MIN_WINDOW - 1})

    deploy(factory, server, **{window: MIN_WINDOW})


@pytest.mark.parametrize("window", ["commitWindow", "publishWindow", "refereeWindow"])
def test_no_round_outlasts_the_longest(factory, server, scheduled, window):
    rest = MAX_ROUND_DURATION - 2 * 3_600

    with reverts(factory.RoundTooLong, duration=MAX_ROUND_DURATION + 1, maxRoundDuration=MAX_ROUND_DURATION):
        deploy(factory, server, **{window: rest + 1})
    deploy(factory, server, **{window: rest})


def test_the_audit_ends_before_an_uncontested_answer_stands(factory, server, scheduled):
    with reverts(factory.ChallengeOutlastsPublishing, challengeWindow=3_601, publishWindow=3_600):
        deploy(factory, server, challengeWindow=3_601)

    deploy(factory, server, challengeWindow=3_600)


def test_no_more_seats_are_drawn_than_the_pool_has_members(factory, registry, server, members, scheduled):
    with reverts(registry.PoolTooSmall, poolSize=len(members), seats=len(members) + 1):
        deploy(factory, server, jobs=2, seats=3)

    deploy(factory, server, jobs=5, seats=1, quorum=1)


def test_the_pool_is_at_most_128_blocks_old(factory, server, scheduled):
    chain.mine(MAX_SNAPSHOT_AGE - 1)

    receipt = deploy(factory, server)

    assert receipt.block_number - scheduled == MAX_SNAPSHOT_AGE


def test_a_pool_of_129_blocks_ago_is_refused(factory, registry, server, scheduled):
    chain.mine(MAX_SNAPSHOT_AGE)

    with reverts(
        registry.InvalidSnapshotBlock,
        snapshotBlock=scheduled,
        earliest=scheduled + 1,
        latest=scheduled + MAX_SNAPSHOT_AGE,
    ):
        deploy(factory, server)


def test_nobody_draws_by_the_hash_of_a_block_that_is_not_past(stage):
    deployment = call(
        SERVER,
        stage.factory.deployRound,
        terms_of(),
        next_random(stage.factory),
        TASK,
        value=escrow_of(terms_of()),
    )
    block = chain.blocks.head.number + 1

    with reverts(
        stage.registry.InvalidSnapshotBlock,
        snapshotBlock=block,
        earliest=max(0, block - MAX_SNAPSHOT_AGE),
        latest=block - 1,
    ):
        stage.execute(call(SERVER, stage.factory.scheduleRound), deployment)


def test_a_schedule_announces_its_round_and_its_own_block(factory, registry, server):
    assert factory.scheduledBlock() == 0

    receipt = factory.scheduleRound(sender=server)

    assert receipt.events == [factory.RoundScheduled(round=1, snapshotBlock=receipt.block_number)]
    assert factory.scheduledBlock() == receipt.block_number
    deploy(factory, server)
    assert factory.scheduledBlock() == 0
    (event,) = factory.scheduleRound(sender=server).events
    assert event.round == 2


def test_a_round_that_was_not_scheduled_is_not_deployed(factory, server, scheduled):
    deploy(factory, server, seats=1, quorum=1)

    with reverts(factory.NotScheduled):
        deploy(factory, server)


def test_a_draw_that_the_server_does_not_like_costs_it_129_blocks(factory, server, scheduled):
    with reverts(factory.AlreadyScheduled, snapshotBlock=scheduled):
        factory.scheduleRound(sender=server)
    chain.mine(MAX_SNAPSHOT_AGE - 2)
    with reverts(factory.AlreadyScheduled, snapshotBlock=scheduled):
        factory.scheduleRound(sender=server)
    chain.mine(scheduled + MAX_SNAPSHOT_AGE - chain.blocks.head.number)

    again = schedule_round(factory, server)

    assert again == scheduled + MAX_SNAPSHOT_AGE + 1


@pytest.mark.parametrize("number", [bytes(32), NUMBERS.anchor, NUMBERS.number_of(2)])
def test_the_server_cannot_choose_its_random_number(factory, server, scheduled, number):
    with reverts(factory.WrongRandom, actual=keccak(number), expected=NUMBERS.anchor):
        deploy(factory, server, random=number)


def test_every_round_takes_the_next_number_of_the_chain(factory, registry, server, members):
    for number in (1, 2):
        (job,) = deploy_round(factory, server, seats=1, quorum=1)
        assert factory.randomHead() == NUMBERS.number_of(number)
        decide(committee := Committee.of(job, server, members))
        committee.settle(sender=server)
    schedule_round(factory, server)

    with reverts(factory.WrongRandom, actual=NUMBERS.number_of(1), expected=NUMBERS.number_of(2)):
        deploy(factory, server, random=NUMBERS.number_of(2))


def test_the_pool_is_not_older_than_the_last_settlement(factory, registry, server, members):
    (job,) = deploy_round(factory, server, seats=1, quorum=1)
    committee = Committee.of(job, server, members)
    decide(committee)
    scheduled = schedule_round(factory, server)
    block = committee.settle(sender=server).block_number
    chain.mine()

    with reverts(registry.InvalidSnapshotBlock, snapshotBlock=scheduled, earliest=block, latest=block + 1):
        deploy(factory, server)


def test_the_pool_may_be_that_of_the_block_of_the_last_settlement(stage):
    stage.execute(call(SERVER, stage.factory.scheduleRound))
    terms = terms_of(seats=1, quorum=1)
    deployment = call(
        SERVER, stage.factory.deployRound, terms, next_random(stage.factory), TASK, value=escrow_of(terms)
    )
    job = job_at(stage.execute(deployment).events[-1].job)
    move_to(referee_end(job))
    stage.execute(call(SERVER, job.settle, [0]), call(SERVER, stage.factory.scheduleRound))

    number = next_random(stage.factory)
    stage.execute(call(SERVER, stage.factory.deployRound, terms, number, TASK, value=escrow_of(terms)))

    assert stage.factory.latestRound() == 2


def test_no_round_is_deployed_while_a_seat_is_unsettled(factory, registry, server, members):
    (job,) = deploy_round(factory, server)
    committee = Committee.of(job, server, members)
    decide(committee)
    schedule_round(factory, server)
    for unsettled in [3, 2, 1]:
        with reverts(registry.RoundIsOpen, unsettledSeats=unsettled):
            deploy(factory, server)
        committee.settle(unsettled - 1, sender=server)
    chain.mine(MAX_SNAPSHOT_AGE)
    schedule_round(factory, server)

    receipt = deploy(factory, server)

    assert job_at(receipt.events[-1].job).phase() == Phase.COMMIT


def test_the_server_announces_data_and_nobody_else(factory, server, stranger, members):
    fingerprint, url = keccak(b"a data set"), "https://data.example/digits"
    for caller in [stranger, members[0]]:
        with reverts(factory.NotTheServer, caller=caller):
            factory.announceData(fingerprint, url, sender=caller)

    (event,) = factory.announceData(fingerprint, url, sender=server).events

    assert event.event_name == "DataAnnounced"
    assert (bytes(event.fingerprint), event.url) == (fingerprint, url)


def test_only_the_factory_opens_a_round(registry, server, stranger):
    for caller in [server, stranger]:
        with reverts(registry.NotTheFactory, caller=caller):
            registry.open(chain.blocks.head.number, 1, value=STAKE, sender=caller)


def test_nothing_but_a_clone_that_the_factory_made_is_a_job(factory, registry, stranger):
    for address in [stranger, registry, factory, factory.IMPLEMENTATION()]:
        assert not factory.isJob(address)
