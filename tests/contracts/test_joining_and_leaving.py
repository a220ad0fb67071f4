import ape
import pytest
from ape import chain, project
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.chain_control import move_to, reverts, rollback
from tests.contracts.protocol_steps import (
    ABSENCE_FEE,
    PARAMETERS,
    RIGHT,
    STAKE,
    WRONG,
    Committee,
    deploy_round,
    referee_end,
)


@pytest.fixture(scope="module")
def newcomer(newcomers):
    return newcomers[0]


@pytest.fixture(scope="module")
def guarded(server, models):
    """A registry that only those may join whom the server admits."""
    factory = server.deploy(project.JobFactory, models, PARAMETERS | {"permissioned": True})
    return project.WorkerRegistry.at(factory.REGISTRY())


def pool_of(registry):
    head = chain.blocks.head.number
    return [registry.workerAt(position, head) for position in range(registry.poolSize())]


def test_a_worker_joins_at_the_end_of_the_pool_with_a_whole_stake(registry, members, newcomer):
    receipt = registry.join(value=STAKE, sender=newcomer)

    assert receipt.events == [registry.Joined(worker=newcomer, position=len(members), paid=STAKE)]
    assert pool_of(registry) == [*members, newcomer]
    assert registry.accountOf(newcomer) == [0, STAKE, len(members) + 1, 0]
    assert registry.balance == STAKE * (len(members) + 1)


def test_the_last_member_takes_the_position_of_one_that_leaves(registry, members):
    first, *between, last = members

    receipt = registry.leave(sender=first)

    assert receipt.events == [registry.Left(worker=first, position=0)]
    assert pool_of(registry) == [last, *between]
    assert registry.accountOf(first) == [0, STAKE, 0, receipt.block_number]
    assert registry.accountOf(last) == [0, STAKE, 1, 0]


def test_nobody_moves_when_the_last_member_leaves(registry, members):
    *others, last = members

    receipt = registry.leave(sender=last)

    assert receipt.events == [registry.Left(worker=last, position=len(others))]
    assert pool_of(registry) == others
    assert registry.workerAt(len(others), receipt.block_number) == ape.utils.ZERO_ADDRESS


def test_the_pool_of_a_past_block_does_not_change(registry, members, newcomer):
    block = chain.blocks.head.number

    registry.leave(sender=members[1])
    registry.join(value=STAKE, sender=newcomer)

    assert registry.poolSizeAt(block) == len(members)
    assert [registry.workerAt(position, block) for position in range(len(members))] == members


def test_joining_again_costs_nothing_while_the_stake_is_whole(registry, members):
    worker = members[0]
    registry.leave(sender=worker)

    receipt = registry.join(value=0, sender=worker)

    assert receipt.events == [registry.Joined(worker=worker, position=len(members) - 1, paid=0)]
    assert registry.accountOf(worker) == [0, STAKE, len(members), 0]


def test_a_member_cannot_join(registry, members):
    with reverts(registry.AlreadyMember, worker=members[0]):
        registry.join(value=0, sender=members[0])


@pytest.mark.parametrize("value", [0, STAKE - 1, STAKE + 1])
def test_a_worker_pays_exactly_what_is_missing_to_its_stake(registry, newcomer, value):
    with reverts(registry.WrongStake, actual=value, expected=STAKE):
        registry.join(value=value, sender=newcomer)


def test_one_that_was_absent_tops_its_stake_up(registry, factory, server, members):
    (job,) = deploy_round(factory, server, seats=1, quorum=1)
    holder = Committee.of(job, server, members).holders[0]
    move_to(referee_end(job))
    job.settle([0], sender=server)
    assert registry.missingStakeOf(holder) == ABSENCE_FEE

    receipt = registry.join(value=ABSENCE_FEE, sender=holder)

    assert receipt.events == [registry.Joined(worker=holder, position=4, paid=ABSENCE_FEE)]
    assert registry.accountOf(holder).stake == STAKE


def test_one_that_is_no_member_cannot_leave(registry, members, newcomer):
    registry.leave(sender=members[0])

    for worker in [members[0], newcomer]:
        with reverts(registry.NotAMember, worker=worker):
            registry.leave(sender=worker)


def test_one_that_leaves_with_a_drawn_seat_may_still_commit(registry, factory, server, members):
    (job,) = deploy_round(factory, server, seats=1, quorum=1)
    committee = Committee.of(job, server, members)
    registry.leave(sender=committee.holders[0])

    committee.commit(0, RIGHT)

    assert job.progress().commits == 1


def test_only_the_admitted_join_a_permissioned_pool(guarded, server, newcomers):
    admitted, other = newcomers[:2]

    receipt = guarded.setAdmission(admitted, True, sender=server)
    guarded.join(value=STAKE, sender=admitted)

    assert receipt.events == [guarded.AdmissionSet(worker=admitted, admitted=True)]
    with reverts(guarded.NotAdmitted, worker=other):
        guarded.join(value=STAKE, sender=other)


def test_a_member_that_is_admitted_no_longer_stays_until_it_leaves(guarded, server, newcomer):
    guarded.setAdmission(newcomer, True, sender=server)
    guarded.join(value=STAKE, sender=newcomer)

    receipt = guarded.setAdmission(newcomer, False, sender=server)

    assert receipt.events == [guarded.AdmissionSet(worker=newcomer, admitted=False)]
    assert guarded.poolSize() == 1
    guarded.leave(sender=newcomer)
    with reverts(guarded.NotAdmitted, worker=newcomer):
        guarded.join(value=0, sender=newcomer)


def test_a_slash_takes_the_admission(server, models, newcomers):
    factory = server.deploy(project.JobFactory, models, PARAMETERS | {"permissioned": True})
    registry, workers = project.WorkerRegistry.at(factory.REGISTRY()), newcomers[:3]
    for worker in workers:
        registry.setAdmission(worker, True, sender=server)
        registry.join(value=STAKE, sender=worker)
    (job,) = deploy_round(factory, server)
    committee = Committee.of(job, server, workers)
    committee.commit_all(RIGHT, WRONG)
    move_to(job.commitEnd())
    committee.show(0, RIGHT)
    committee.rule(RIGHT)

    receipt = committee.settle(sender=server)

    right, liar, silent = committee.holders
    assert receipt.decode_logs(registry.AdmissionSet) == [registry.AdmissionSet(worker=liar, admitted=False)]
    assert [registry.isAdmitted(worker) for worker in (right, liar, silent)] == [True, False, True]
    with reverts(registry.NotAdmitted, worker=liar):
        registry.join(value=STAKE, sender=liar)


def test_only_the_server_admits(guarded, newcomer):
    with reverts(guarded.NotTheServer, caller=newcomer):
        guarded.setAdmission(newcomer, True, sender=newcomer)


@settings(max_examples=4)
@given(st.lists(st.integers(0, 6), min_size=4, max_size=8))
def test_the_pool_has_no_gaps_whoever_comes_and_goes(registry, members, newcomers, visits):
    workers = [*members, *newcomers[:2]]
    model = list(members)
    with rollback():
        for number in visits:
            worker = workers[number]
            if worker in model:
                registry.leave(sender=worker)
                last = model.pop()
                if worker != last:
                    model[model.index(worker)] = last
            else:
                registry.join(value=registry.missingStakeOf(worker), sender=worker)
                model.append(worker)

        assert pool_of(registry) == model
        for worker in workers:
            place = model.index(worker) + 1 if worker in model else 0
            assert registry.accountOf(worker).positionPlusOne == place
