import pytest
from ape import chain
from eth_abi import encode
from eth_utils import keccak

from mlchain.protocol.commitments import task_hash
from mlchain.protocol.content import CHUNK_SIZE, MAX_CHUNKS, content_hash
from mlchain.protocol.draw import position_of
from tests.contracts.chain_control import reverts, time_of_next_block
from tests.contracts.protocol_steps import (
    BONUS,
    MAX_ROUND_DURATION,
    MIN_WINDOW,
    MODEL,
    REWARD,
    SERVER_RANDOM,
    STAKE,
    TASK,
    TERMS,
    Committee,
    decide,
    deploy_round,
    escrow_of,
    job_at,
    terms_of,
)
from tests.reference.tables import Phase

MAX_SNAPSHOT_AGE = 128


def deploy(factory, sender, value=None, **changes):
    terms = terms_of(**changes)
    payment = escrow_of(terms) if value is None else value
    return factory.deployRound(terms, SERVER_RANDOM, TASK, value=payment, sender=sender)


def test_a_round_announces_its_seed_and_every_job(factory, registry, server, members):
    terms = terms_of(jobs=2, seats=2)
    start = chain.pending_timestamp + 1_000  # ahead of the clock, which the embedded chain follows
    deadline = start + terms["commitWindow"]
    time_of_next_block(start)

    receipt = factory.deployRound(terms, SERVER_RANDOM, TASK, value=escrow_of(terms), sender=server)

    opened, deployed, *jobs = receipt.events
    assert opened == registry.RoundOpened(snapshotBlock=terms["snapshotBlock"], seats=4, escrow=escrow_of(terms))
    assert deployed == factory.RoundDeployed(
        round=1,
        modelVersion=1,
        seed=deployed.seed,
        poolSize=len(members),
        commitDeadline=deadline,
        task=TASK,
    )
    assert deployed.terms == list(terms.values())
    assert jobs == [
        factory.JobDeployed(round=1, index=index, job=jobs[index].job, taskHash=task_hash(TASK, 1, index))
        for index in range(2)
    ]
    assert factory.latestRound() == 1


def test_a_job_carries_its_terms_in_its_code(factory, server, members):
    snapshot_block = chain.blocks.head.number
    receipt = deploy(factory, server, jobs=2, seats=2, challengeWindow=60, resultSize=CHUNK_SIZE * MAX_CHUNKS)
    _, deployed, *jobs = receipt.events

    for index, event in enumerate(jobs):
        terms = job_at(event.job).terms()

        assert terms == [
            deployed.seed,
            1,
            index,
            snapshot_block,
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


def test_a_seed_follows_from_the_servers_number_the_snapshot_block_and_the_round(factory, server):
    block = chain.blocks.head
    (job,) = deploy_round(factory, server, snapshotBlock=block.number)

    words = encode(["bytes32", "bytes32", "uint256"], [SERVER_RANDOM, block.hash, 1])
    assert job.terms().seed == keccak(words)


def test_only_the_server_deploys(factory, stranger, members):
    for caller in [stranger, members[0]]:
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


def test_64_jobs_and_256_seats_are_legal_and_only_want_more_workers(factory, registry, server):
    with reverts(registry.PoolTooSmall, poolSize=5, seats=64 * 256):
        deploy(factory, server, jobs=64, seats=256, quorum=129)


@pytest.mark.parametrize("seats", [0, 257])
def test_a_job_has_1_to_256_seats(factory, server, seats):
    with reverts(factory.InvalidSeats, seats=seats, maximum=256):
        deploy(factory, server, seats=seats, quorum=max(1, seats))


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
def test_no_window_is_shorter_than_the_shortest(factory, server, window):
    with reverts(factory.WindowTooShort, window=MIN_WINDOW - 1, minWindow=MIN_WINDOW):
        deploy(factory, server, **{window: MIN_WINDOW - 1})

    deploy(factory, server, **{window: MIN_WINDOW})


@pytest.mark.parametrize("window", ["commitWindow", "publishWindow", "refereeWindow"])
def test_no_round_outlasts_the_longest(factory, server, window):
    rest = MAX_ROUND_DURATION - 2 * 3_600

    with reverts(factory.RoundTooLong, duration=MAX_ROUND_DURATION + 1, maxRoundDuration=MAX_ROUND_DURATION):
        deploy(factory, server, **{window: rest + 1})
    deploy(factory, server, **{window: rest})


def test_the_audit_ends_before_an_uncontested_answer_stands(factory, server):
    with reverts(factory.ChallengeOutlastsPublishing, challengeWindow=3_601, publishWindow=3_600):
        deploy(factory, server, challengeWindow=3_601)

    deploy(factory, server, challengeWindow=3_600)


def test_no_more_seats_are_drawn_than_the_pool_has_members(factory, registry, server, members):
    with reverts(registry.PoolTooSmall, poolSize=len(members), seats=len(members) + 1):
        deploy(factory, server, jobs=2, seats=3)

    deploy(factory, server, jobs=5, seats=1, quorum=1)


def test_the_pool_is_at_most_128_blocks_old(factory, server):
    chain.mine(MAX_SNAPSHOT_AGE)
    earliest = chain.blocks.head.number + 1 - MAX_SNAPSHOT_AGE

    receipt = deploy(factory, server, snapshotBlock=earliest)

    assert receipt.block_number - earliest == MAX_SNAPSHOT_AGE


def test_a_pool_of_129_blocks_ago_is_refused(factory, registry, server):
    chain.mine(MAX_SNAPSHOT_AGE)
    latest = chain.blocks.head.number
    earliest = latest + 1 - MAX_SNAPSHOT_AGE

    with reverts(registry.InvalidSnapshotBlock, snapshotBlock=earliest - 1, earliest=earliest, latest=latest):
        deploy(factory, server, snapshotBlock=earliest - 1)


def test_the_snapshot_block_is_a_past_one(factory, registry, server):
    snapshot_block = chain.blocks.head.number + 1

    with reverts(
        registry.InvalidSnapshotBlock,
        snapshotBlock=snapshot_block,
        earliest=max(0, snapshot_block - MAX_SNAPSHOT_AGE),
        latest=snapshot_block - 1,
    ):
        deploy(factory, server, snapshotBlock=snapshot_block)


def test_the_pool_is_not_older_than_the_last_settlement(factory, registry, server, members):
    (job,) = deploy_round(factory, server, seats=1, quorum=1)
    committee = Committee.of(job, server, members)
    decide(committee)
    settlement = committee.settle(sender=server)
    chain.mine()

    block = settlement.block_number
    with reverts(registry.InvalidSnapshotBlock, snapshotBlock=block - 1, earliest=block, latest=block + 1):
        deploy(factory, server, snapshotBlock=block - 1)
    deploy(factory, server, snapshotBlock=block)


def test_no_round_is_deployed_while_a_seat_is_unsettled(factory, registry, server, members):
    (job,) = deploy_round(factory, server)
    committee = Committee.of(job, server, members)
    decide(committee)
    for unsettled in [3, 2, 1]:
        with reverts(registry.RoundIsOpen, unsettledSeats=unsettled):
            deploy(factory, server)
        committee.settle(unsettled - 1, sender=server)

    receipt = deploy(factory, server)

    assert job_at(receipt.events[-1].job).phase() == Phase.COMMIT


def test_only_the_factory_opens_a_round(registry, server, stranger):
    for caller in [server, stranger]:
        with reverts(registry.NotTheFactory, caller=caller):
            registry.open(chain.blocks.head.number, 1, value=STAKE, sender=caller)


def test_nothing_but_a_clone_that_the_factory_made_is_a_job(factory, registry, stranger):
    for address in [stranger, registry, factory, factory.IMPLEMENTATION()]:
        assert not factory.isJob(address)
