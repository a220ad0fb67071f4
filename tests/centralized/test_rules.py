"""The rules of the learning server, one by one."""

import math

import pytest

from mlchain.centralized.learning.federation import Contribution, Federation, Refusal, Registered, ShareAssignment, Wait
from mlchain.centralized.learning.plan import FederationPlan
from mlchain.errors import UserError


def federation(registered, **choices):
    """A server with the workers 1 to `registered` there, at time 0."""
    plan = FederationPlan(**{"versions": 3, "shares": 2, "quorum": 1, "timeout": 10.0} | choices)
    server = Federation(plan)
    for number in range(1, registered + 1):
        server.joined(f"worker {number}", number)
        server.register(f"worker {number}", 0.0)
    return server


def give(server, number, now=0.0):
    """Hand out work that there has to be."""
    reply = server.ask(f"worker {number}", now)
    assert isinstance(reply, ShareAssignment)
    return reply


def test_who_has_not_joined_gets_nothing():
    server = federation(0)

    assert server.register("stranger", 0) is Refusal.NOT_JOINED
    assert server.ask("stranger", 0) is Refusal.NOT_JOINED
    assert server.deliver("stranger", 0, 0) is Refusal.NOT_JOINED


def test_who_has_joined_but_not_registered_gets_no_weights():
    server = federation(0)
    server.joined("worker", 1)

    assert server.ask("worker", 0) is Refusal.NOT_REGISTERED


def test_a_join_that_is_heard_twice_changes_nothing():
    server = federation(1)
    before = dict(server.members)
    server.joined("worker 1", 1)

    assert server.members == before
    assert server.register("worker 1", 0) is Refusal.REGISTERED


def test_weights_go_out_once_for_each_result():
    server = federation(1)
    give(server, 1)

    assert server.ask("worker 1", 1) is Refusal.OWES
    assert server.ask("worker 1", 100) is Refusal.OWES
    server.deliver("worker 1", 0, 100)
    server.tick(100)
    assert give(server, 1, 100).version == 1


def test_a_worker_keeps_its_share_from_version_to_version():
    server = federation(2)

    for version in range(3):
        assert (give(server, 2).share, give(server, 1).share) == (1, 0)
        for number in (1, 2):
            server.deliver(f"worker {number}", version, 0)
        server.tick(0)


def test_a_worker_that_never_answers_is_replaced():
    server = federation(3)
    silent, other = give(server, 1), give(server, 2)

    assert isinstance(server.ask("worker 3", 9.9), Wait)
    replacement = give(server, 3, 10.0)

    assert replacement.share == silent.share != other.share


def test_a_replaced_worker_s_result_does_not_count_but_lets_it_come_back():
    server = federation(3)
    give(server, 1), give(server, 2)
    give(server, 3, 10.0)
    server.deliver("worker 3", 0, 11)

    assert server.deliver("worker 1", 0, 12) is Refusal.REPLACED
    server.deliver("worker 2", 0, 12)
    assert server.tick(12)
    assert give(server, 1, 12).version == 1


def test_an_overdue_result_that_nobody_replaced_counts():
    server = federation(1)
    give(server, 1)

    assert isinstance(server.deliver("worker 1", 0, 1000), Contribution)


def test_a_share_that_came_late_is_not_worked_on_again_when_its_second_worker_is_overdue_too():
    server = federation(4, shares=1)
    give(server, 1)
    give(server, 2, 10.0)
    server.deliver("worker 1", 0, 11)

    assert isinstance(server.ask("worker 3", 25), Wait)


def test_an_overdue_worker_can_register_again_and_owes_nothing():
    server = federation(1)
    give(server, 1)

    assert server.register("worker 1", 9.9) is Refusal.OWES
    assert server.register("worker 1", 10.0) == Registered()
    assert server.deliver("worker 1", 0, 10) is Refusal.NOTHING_OWED
    give(server, 1, 10.0)


def test_a_version_waits_for_whoever_may_still_add_to_it():
    server = federation(2)
    give(server, 1), give(server, 2)
    server.deliver("worker 1", 0, 1)

    assert server.tick(9.9) == ()
    assert [it.address for it in server.tick(10)] == ["worker 1"]


def test_a_version_waits_a_while_for_who_was_there_and_says_no_more():
    server = federation(2)
    give(server, 1)
    server.deliver("worker 1", 0, 1)

    assert server.tick(9.9) == ()
    assert len(server.tick(10)) == 1


def test_below_the_quorum_a_version_waits_for_ever():
    server = federation(2, quorum=2)
    give(server, 1)
    server.deliver("worker 1", 0, 1)

    assert server.tick(1e9) == ()


def test_a_worker_that_went_after_its_result_does_not_hold_up_every_version():
    server = federation(2)
    for number in (1, 2):
        give(server, number)
        server.deliver(f"worker {number}", 0, 0)
    server.tick(0)
    give(server, 1, 20.0)
    server.deliver("worker 1", 1, 20.0)

    assert len(server.tick(20.0)) == 1


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(("age", "max_staleness", "counts"), [(1, 0, False), (1, 1, True), (2, 1, False), (2, 2, True)])
def test_a_late_result_counts_less_or_not_as_configured(asynchronous, age, max_staleness, counts):
    server = federation(3, max_staleness=max_staleness, asynchronous=asynchronous, timeout=1000.0)
    slow = give(server, 1)
    for version in range(age):
        give(server, 2)
        server.deliver("worker 2", version, 0)
        server.tick(0 if asynchronous else 2000 * (version + 1))
    assert server.version == age

    reply = server.deliver("worker 1", 0, 5000)

    expected = Contribution("worker 1", 0, slow.share, 1 / math.sqrt(1 + age))
    assert reply == (expected if counts else Refusal.TOO_OLD)
    assert server.members["worker 1"].owes is None


def test_asynchronously_a_version_needs_a_quorum_and_no_more():
    server = federation(3, shares=3, quorum=2, asynchronous=True)
    for number in (1, 2, 3):
        give(server, number)

    server.deliver("worker 1", 0, 0)
    assert server.tick(0) == ()
    assert isinstance(server.ask("worker 1", 0), Wait)
    server.deliver("worker 3", 0, 0)
    assert len(server.tick(0)) == 2


def test_nobody_adds_twice_to_a_version():
    server = federation(1, quorum=2)
    give(server, 1)
    server.deliver("worker 1", 0, 0)

    assert isinstance(server.ask("worker 1", 1000.0), Wait)


def test_a_result_for_another_version_than_the_owed_one_changes_nothing():
    server = federation(1)
    give(server, 1)

    assert server.deliver("worker 1", 1, 0) is Refusal.NOTHING_OWED
    assert isinstance(server.deliver("worker 1", 0, 0), Contribution)


def test_when_all_versions_are_made_there_is_nothing_more_to_do():
    server = federation(2, versions=1, asynchronous=True)
    give(server, 1), give(server, 2)
    server.deliver("worker 1", 0, 0)
    server.tick(0)

    assert server.is_finished
    assert server.ask("worker 1", 0) is Refusal.FINISHED
    assert server.deliver("worker 2", 0, 0) is Refusal.FINISHED
    assert server.tick(100) == ()


@pytest.mark.parametrize(
    "choices",
    [
        {"versions": 0},
        {"shares": 0},
        {"quorum": 0},
        {"quorum": 3},
        {"timeout": 0},
        {"timeout": math.inf},
        {"timeout": math.nan},
        {"max_staleness": -1},
    ],
    ids=str,
)
def test_a_plan_that_could_not_be_carried_out_is_one_sentence(choices):
    with pytest.raises(UserError, match=str(next(iter(choices.values())))):
        federation(0, **choices)


class Counted(dict):
    """The members, which count how many of them are looked at."""

    looks = 0

    def __getitem__(self, address):
        self.looks += 1
        return super().__getitem__(address)

    def get(self, address, default=None):
        self.looks += 1
        return super().get(address, default)

    def values(self):
        self.looks += len(self)
        return super().values()


def most_looks(members):
    """Return at how many members the dearest event looks, of a version that all but one work on while it waits."""
    server = federation(members, shares=members - 1, quorum=1, timeout=1000.0)
    server.members = Counted(server.members)
    looks = []

    def counted(reply):
        looks.append(server.members.looks)
        server.members.looks = 0
        return reply

    for number in range(1, members):
        counted(give(server, number))
    assert isinstance(counted(server.ask(f"worker {members}", 0)), Wait)
    counted(server.wait(f"worker {members}"))
    for number in range(1, members - 1):
        counted(server.deliver(f"worker {number}", 0, 1))
        assert counted(server.tick(1)) == ()
        assert counted(server.to_call(1)) == []
    assert counted(server.to_call(1000)) == [f"worker {members}"]
    assert counted(server.tick(1000)) == ()
    counted(give(server, members, 1000))
    assert counted(server.register(f"worker {members - 1}", 1000)) == Registered()
    return max(looks)


def test_an_event_costs_the_same_however_many_members_there_are():
    assert most_looks(200) == most_looks(20)


def test_a_worker_that_waits_is_not_given_up_however_long_it_waits():
    server = federation(2)
    give(server, 1), give(server, 2)
    server.deliver("worker 1", 0, 0)
    server.joined("worker 3", 3), server.register("worker 3", 0)
    assert isinstance(server.ask("worker 3", 0), Wait)
    server.wait("worker 3")

    assert server.tick(100) == ()
    assert server.to_call(100) == ["worker 3"]
    server.go("worker 3", 100)
    assert server.to_call(100) == []
    assert server.tick(109) == ()
    assert len(server.tick(110)) == 1


def test_of_those_who_wait_as_many_are_called_as_there_are_shares():
    server = federation(4, timeout=1000.0)
    give(server, 1), give(server, 2)
    for number in (3, 4):
        assert isinstance(server.ask(f"worker {number}", 0), Wait)
        server.wait(f"worker {number}")
    assert server.to_call(0) == []
    server.deliver("worker 1", 0, 0)
    assert isinstance(server.ask("worker 1", 1), Wait)
    server.wait("worker 1")

    assert server.to_call(1000) == ["worker 3"]


def test_time_that_goes_back_stands_still():
    server = federation(3)
    give(server, 1), give(server, 2)
    give(server, 3, 10.0)

    assert server.register("worker 2", 5.0) == Registered()
    assert give(server, 2, 5.0).deadline == 20.0
    later = Federation(server.plan, 0, server.members.values(), (), 0.0)
    assert isinstance(later.ask("worker 1", 0.0), Refusal)
    assert later.register("worker 1", 0.0) == Registered()
