"""Attacks by contracts: workers that refuse or re-enter, forged jobs, forced ether, many calls in one block."""

import pytest
from ape import chain, project
from eth_utils import to_canonical_address

from mlchain.protocol.commitments import commitment
from mlchain.protocol.content import CHUNK_SIZE, content_hash
from tests.contracts.chain_control import move_to, reverts, time_of_next_block
from tests.contracts.games import MEMBERS, SERVER
from tests.contracts.multicalls import PURSE, call
from tests.contracts.protocol_steps import (
    BONUS,
    REWARD,
    RIGHT,
    STAKE,
    TASK,
    chunk_of,
    escrow_of,
    job_at,
    next_random,
    referee_end,
    terms_of,
)
from tests.reference.tables import Outcome, Verdict

MAX_SNAPSHOT_AGE = 128


@pytest.fixture
def round_of(stage):
    """Deploy a round on the stage; return its first job and the actors that hold its seats."""

    def round_of(**changes):
        stage.execute(call(SERVER, stage.factory.scheduleRound))
        receipt = stage.execute(deployment(stage, **changes))
        job = job_at(receipt.events[2].job)
        return job, [stage.actors.index(holder) for holder in job.committee()]

    return round_of


def deployment(stage, **changes):
    terms = terms_of(**changes)
    return call(SERVER, stage.factory.deployRound, terms, next_random(stage.factory), TASK, value=escrow_of(terms))


def commits(job, actors, result=RIGHT):
    return [
        call(actor, job.commit, seat, commitment(job.address, seat, content_hash(result)))
        for seat, actor in enumerate(actors)
    ]


def shows(job, actor, seat, result=RIGHT):
    return [
        call(actor, job.propose, seat, content_hash(result)),
        call(actor, job.publish, seat, *chunk_of(result, 0)),
    ]


def decision(job, actors):
    return [*commits(job, actors), *shows(job, actors[0], 0)]


def worker_at(stage, actor):
    return project.ContractWorker.at(stage.actors[actor])


# G1: conservation


def test_a_receiver_that_refuses_its_pay_blocks_nobody_and_loses_nothing(stage, round_of):
    job, actors = round_of()
    refuser, other = actors[1], actors[2]
    stage.execute(*decision(job, actors), call(SERVER, job.settle, [0, 1, 2]))
    worker_at(stage, refuser).receiveBy(True, b"", sender=stage.operator)

    with reverts(project.ContractWorker.Refused):
        stage.execute(call(refuser, stage.registry.withdraw))
    stage.execute(call(other, stage.registry.withdraw))

    assert stage.registry.accountOf(stage.actors[refuser]).credit == REWARD
    assert chain.get_balance(stage.actors[other]) == REWARD


@pytest.mark.parametrize("attempt", ["withdraw", "withdrawStake"])
def test_a_receiver_that_re_enters_gets_its_credit_once(stage, round_of, attempt):
    job, actors = round_of()
    thief = actors[1]
    stage.execute(*decision(job, actors), call(SERVER, job.settle, [0, 1, 2]))
    callback = getattr(stage.registry, attempt).encode_input()
    worker_at(stage, thief).receiveBy(False, callback, sender=stage.operator)
    held = stage.registry.balance

    stage.execute(call(thief, stage.registry.withdraw))

    assert chain.get_balance(stage.actors[thief]) == REWARD
    assert stage.registry.balance == held - REWARD
    assert not worker_at(stage, thief).calledBack()


def test_a_receiver_that_re_enters_gets_its_stake_once(stage):
    thief = 1
    stage.execute(call(thief, stage.registry.leave))
    callback = stage.registry.withdrawStake.encode_input()
    worker_at(stage, thief).receiveBy(False, callback, sender=stage.operator)
    chain.mine(MAX_SNAPSHOT_AGE)

    stage.execute(call(thief, stage.registry.withdrawStake))

    assert chain.get_balance(stage.actors[thief]) == STAKE
    assert stage.registry.balance == (MEMBERS - 1) * STAKE
    assert not worker_at(stage, thief).calledBack()


def test_a_receiver_that_joins_again_while_it_is_paid_pays_a_whole_stake(stage):
    worker = 1
    stage.execute(call(worker, stage.registry.leave))
    worker_at(stage, worker).receiveBy(False, stage.registry.join.encode_input(), sender=stage.operator)
    chain.mine(MAX_SNAPSHOT_AGE)

    stage.execute(call(worker, stage.registry.withdrawStake))

    assert not worker_at(stage, worker).calledBack()
    assert stage.registry.missingStakeOf(stage.actors[worker]) == STAKE


def test_forced_ether_is_owed_to_nobody_and_changes_nothing(stage, round_of):
    job, actors = round_of()
    push20, selfdestruct = b"\x73", b"\xff"
    for target in [stage.registry, stage.factory, job]:
        bomb = push20 + to_canonical_address(target.address) + selfdestruct
        stage.multicall.create(bomb, value=7, sender=stage.operator)

    stage.execute(*decision(job, actors), call(SERVER, job.settle, [0, 1, 2]))
    stage.execute(*[call(actor, stage.registry.withdraw) for actor in actors])

    assert stage.registry.balance == MEMBERS * STAKE + 7
    assert (stage.factory.balance, job.balance) == (7, 7)


@pytest.mark.parametrize("target", ["registry", "factory", "job"])
def test_no_contract_takes_ether_that_it_does_not_ask_for(stage, round_of, target):
    job, _ = round_of()
    address = {"registry": stage.registry, "factory": stage.factory, "job": job}[target].address

    with reverts(project.Multicall.FailedCall):
        stage.execute((SERVER, address, 1, b""))


def test_a_seat_listed_twice_in_one_batch_is_paid_once(stage, round_of):
    job, actors = round_of()

    stage.execute(*decision(job, actors), call(3, job.settle, [1, 1, 1]))

    assert stage.registry.accountOf(stage.actors[actors[1]]).credit == REWARD
    assert stage.registry.currentRound().unsettledSeats == 2


def test_a_worker_removed_twice_is_removed_once(stage, round_of):
    job, actors = round_of()
    leaver = actors[2]
    stage.execute(*commits(job, actors[:2]), call(leaver, stage.registry.leave))
    time_of_next_block(job.commitEnd())

    receipt = stage.execute(*shows(job, actors[0], 0), call(SERVER, job.settle, [2]))

    assert not [event for event in receipt.events if event.event_name == "Left"]
    assert stage.registry.poolSize() == MEMBERS - 1
    assert len({stage.registry.workerAt(position, chain.blocks.head.number) for position in range(6)}) == 6


def test_the_bonus_is_shared_by_the_chunk_and_its_remainder_goes_back(stage, round_of):
    large = bytes(CHUNK_SIZE) + b"tail"
    job, actors = round_of(resultSize=len(large), bonus=BONUS)
    stage.execute(
        *commits(job, actors, large),
        call(actors[0], job.propose, 0, content_hash(large)),
        call(actors[1], job.publish, 1, *chunk_of(large, 0)),
        call(actors[2], job.publish, 2, *chunk_of(large, 1)),
        call(SERVER, job.settle, [0, 1, 2]),
    )

    credits = [stage.registry.accountOf(stage.actors[actor]).credit for actor in [SERVER, *actors]]

    assert BONUS % 2 == 1
    assert credits == [1, REWARD, REWARD + BONUS // 2, REWARD + BONUS // 2]


def test_a_seat_that_publishes_several_chunks_is_paid_for_each(stage, round_of):
    large = bytes(2 * CHUNK_SIZE) + b"tail"
    job, actors = round_of(resultSize=len(large), bonus=BONUS)
    stage.execute(
        *commits(job, actors, large),
        call(actors[0], job.propose, 0, content_hash(large)),
        call(actors[0], job.publish, 0, *chunk_of(large, 0)),
        call(actors[1], job.publish, 1, *chunk_of(large, 1)),
        call(actors[0], job.publish, 0, *chunk_of(large, 2)),
        call(SERVER, job.settle, [0, 1, 2]),
    )

    credits = [stage.registry.accountOf(stage.actors[actor]).credit for actor in actors]

    assert credits == [REWARD + 2 * (BONUS // 3), REWARD + BONUS // 3, REWARD]


# Forged jobs


def plant(stage, code: bytes) -> str:
    """Create a contract with exactly this code and return its address."""
    # PUSH2 length, DUP1, PUSH1 12, PUSH1 0, CODECOPY, PUSH1 0, RETURN
    init = bytes.fromhex(f"61{len(code):04x}80600c6000396000f3") + code
    address = stage.multicall.create.call(init, sender=stage.operator)
    stage.multicall.create(init, sender=stage.operator)
    assert bytes(chain.provider.get_code(address)) == code
    return address


def test_a_forged_job_that_carries_a_true_jobs_terms_settles_nothing(stage, round_of):
    job, actors = round_of()
    forged = job_at(plant(stage, bytes(chain.provider.get_code(job.address))))
    assert forged.terms() == job.terms()
    stage.execute(*decision(forged, actors))
    assert forged.outcome()[0] == Outcome.UNANIMOUS

    with reverts(stage.registry.NotAJob, caller=forged):
        stage.execute(call(actors[0], forged.settle, [0, 1, 2]))
    assert not stage.factory.isJob(forged)


def test_a_contract_that_calls_itself_a_job_settles_nothing(stage, round_of):
    round_of()

    with reverts(stage.registry.NotAJob, caller=stage.actors[1]):
        stage.execute(call(1, stage.registry.settle, [(0, 0, Verdict.REWARDED, STAKE)], 0, stage.actors[1]))


def test_the_code_that_all_jobs_run_cannot_be_used_as_a_job(stage):
    assert not stage.factory.isJob(stage.factory.IMPLEMENTATION())


def test_a_clone_that_somebody_else_made_is_no_job(stage):
    implementation = to_canonical_address(stage.factory.IMPLEMENTATION())
    clone = bytes.fromhex("363d3d373d3d3d363d73") + implementation + bytes.fromhex("5af43d82803e903d91602b57fd5bf3")

    for terms in [b"", b"\x00", bytes(128)]:
        assert not stage.factory.isJob(plant(stage, clone + terms))


def test_a_contract_with_the_longest_code_is_no_job(stage):
    assert not stage.factory.isJob(plant(stage, bytes(24_576)))


# One block, any order


def test_no_round_is_deployed_in_the_block_of_the_last_settlement(stage, round_of):
    job, actors = round_of()
    stage.execute(*decision(job, actors), call(SERVER, stage.factory.scheduleRound))
    block = chain.blocks.head.number + 1

    with reverts(stage.registry.InvalidSnapshotBlock, snapshotBlock=block - 1, earliest=block, latest=block - 1):
        stage.execute(call(SERVER, job.settle, [0, 1, 2]), deployment(stage))


def test_a_copier_in_the_block_of_the_last_commit_is_too_late(stage, round_of):
    job, actors = round_of()
    stage.execute(*commits(job, actors[:2]))
    time_of_next_block(job.commitEnd())

    with reverts(job.WrongPhase, actual=3, first=0, last=0):
        stage.execute(*shows(job, actors[0], 0), commits(job, actors)[2])


def test_a_whole_job_fits_in_one_block(stage, round_of):
    job, actors = round_of()

    stage.execute(*decision(job, actors), call(SERVER, job.settle, [0, 1, 2]))

    assert job.outcome()[0] == Outcome.UNANIMOUS
    assert stage.registry.currentRound().unsettledSeats == 0


@pytest.mark.parametrize("wrong_first", [False, True])
def test_the_order_of_proposals_decides_nothing(stage, round_of, wrong_first):
    wrong = RIGHT[::-1]
    job, actors = round_of()
    stage.execute(*commits(job, actors[:2]), *[commits(job, actors, wrong)[2]])
    right_shows, wrong_shows = shows(job, actors[0], 0), shows(job, actors[2], 2, wrong)
    stage.execute(*(wrong_shows + right_shows if wrong_first else right_shows + wrong_shows))

    move_to(referee_end(job))

    assert job.outcome() == (Outcome.QUORUM, content_hash(RIGHT))


def test_an_outsider_cannot_take_the_bonus_by_copying_a_publication(stage, round_of):
    job, actors = round_of()
    outsider = next(actor for actor in range(1, MEMBERS + 1) if actor not in actors)
    stage.execute(*commits(job, actors), shows(job, actors[0], 0)[0])

    with reverts(job.NotTheHolder, caller=stage.actors[outsider], seat=0):
        stage.execute(call(outsider, job.publish, 0, *chunk_of(RIGHT, 0)), shows(job, actors[0], 0)[1])


def test_one_that_leaves_and_joins_in_one_block_keeps_its_stake_and_one_place(stage):
    leaver = stage.actors[1]

    stage.execute(call(1, stage.registry.leave), call(1, stage.registry.join))

    block = chain.blocks.head.number
    pool = [stage.registry.workerAt(position, block) for position in range(MEMBERS)]
    assert sorted(pool) == sorted(stage.actors[1:])
    assert pool[-1] == leaver
    assert stage.registry.accountOf(leaver) == [0, STAKE, MEMBERS, 0]
    assert PURSE > stage.registry.balance == MEMBERS * STAKE
