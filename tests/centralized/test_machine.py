"""The rules of the learning server under any order of requests: Hypothesis plays everybody, the network and the clock.

What is checked is not the code written twice but what it promises, from the replies alone; and that what the server
keeps up to date is what a walk over all members finds.
"""

import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from mlchain.centralized.learning.federation import Contribution, Federation, Refusal, Registered, ShareAssignment, Wait
from mlchain.centralized.learning.plan import FederationPlan

WORKERS = [f"worker {number}" for number in range(1, 5)]
ANYBODY = st.sampled_from(WORKERS)


@st.composite
def plans(draw):
    shares = draw(st.integers(1, 4))
    return FederationPlan(
        versions=draw(st.integers(1, 4)),
        shares=shares,
        quorum=draw(st.integers(1, shares)),
        timeout=draw(st.sampled_from([5.0, 20.0])),
        asynchronous=draw(st.booleans()),
        max_staleness=draw(st.integers(0, 2)),
    )


def open_shares(federation, now):
    """Return the shares that nobody has delivered for the current version, nor is still expected to."""
    taken = {it.share for it in federation.contributions.values() if it.version == federation.version}
    for member in federation.members.values():
        if member.owes and member.owes.version == federation.version and now < member.owes.deadline:
            taken.add(member.owes.share)
    return set(range(federation.plan.shares)) - taken


def is_complete(federation, waiting, now):
    """Return whether the next version is to be made: nobody is left who could add to it, or need not be waited for."""
    plan, version = federation.plan, federation.version
    delivered = {it.share for it in federation.contributions.values() if it.version == version}

    def can_add(member):
        if not member.is_registered or member.counted_in == version:
            return False
        if member.owes is None:
            return member.address in waiting or now < federation._seen[member.address] + plan.timeout
        is_replaced = member.owes.version == version and member.owes.share in delivered
        return now < member.owes.deadline and version - member.owes.version <= plan.max_staleness and not is_replaced

    if version == plan.versions or len(federation.contributions) < plan.quorum:
        return False
    all_in = plan.asynchronous or len(delivered) == plan.shares
    return all_in or not any(can_add(member) for member in federation.members.values())


class Learning(RuleBasedStateMachine):
    """Everybody does anything at any time."""

    @initialize(plan=plans(), there=st.sets(ANYBODY))
    def start(self, plan, there):
        self.plan = plan
        self.federation = Federation(plan)
        self.now = 0.0
        self.joined = set()
        self.may_have_weights = set()  # who registered or delivered since it was given weights
        self.given = {}  # what was handed out last, by worker
        self.open = {}  # of these, what nobody has delivered or given up
        self.counted = {}  # what counts for the version in the making, by worker
        self.made = []
        self.waiting = []  # whose requests are open
        for worker in there:
            self.join(worker)
            self.register(worker)

    # Events

    @rule(worker=ANYBODY)
    def join(self, worker):
        self.federation.joined(worker, WORKERS.index(worker) + 1)
        self.joined.add(worker)

    @rule(worker=ANYBODY)
    def register(self, worker):
        reply = self.federation.register(worker, self.now)

        overdue = worker in self.open and self.now >= self.open[worker].deadline
        if worker not in self.joined:
            assert reply is Refusal.NOT_JOINED
        elif worker in self.open and not overdue:
            assert reply is Refusal.OWES
        elif worker in self.given and not overdue:
            assert reply is Refusal.REGISTERED
        if isinstance(reply, Registered):
            self.may_have_weights.add(worker)
            self.open.pop(worker, None)

    @rule(worker=ANYBODY)
    def ask(self, worker):
        expected = open_shares(self.federation, self.now)
        self.last_reply = reply = self.federation.ask(worker, self.now)

        if worker in self.waiting:
            self.waiting.remove(worker)
        if isinstance(reply, ShareAssignment):
            assert reply.share in expected
            assert worker in self.may_have_weights
            assert worker not in self.counted
            assert reply.version == len(self.made)
            assert reply.deadline == self.now + self.plan.timeout
            self.assert_nobody_else_works_on(reply)
            self.may_have_weights.discard(worker)
            self.given[worker] = self.open[worker] = reply
        else:
            assert isinstance(reply, Wait | Refusal)

    def assert_nobody_else_works_on(self, assignment):
        for other in (*self.open.values(), *self.counted.values()):
            if (other.version, other.share) == (assignment.version, assignment.share):
                assert isinstance(other, ShareAssignment)
                assert self.now >= other.deadline

    @rule(worker=ANYBODY)
    def deliver(self, worker):
        self.deliver_for(worker, self.given[worker].version if worker in self.given else 0)

    @rule(worker=ANYBODY, version=st.integers(0, 4))
    def deliver_for(self, worker, version):
        owed = self.open.get(worker)
        reply = self.federation.deliver(worker, version, self.now)

        if owed is None or owed.version != version:
            assert reply is (Refusal.NOTHING_OWED if worker in self.joined else Refusal.NOT_JOINED)
            return
        del self.open[worker]
        self.may_have_weights.add(worker)
        age = len(self.made) - version
        if isinstance(reply, Contribution):
            assert age <= self.plan.max_staleness
            assert reply == Contribution(worker, version, owed.share, 1 / math.sqrt(1 + age))
            assert worker not in self.counted
            self.counted[worker] = reply
        elif reply is Refusal.TOO_OLD:
            assert age > self.plan.max_staleness
        elif reply is Refusal.REPLACED:
            assert (version, owed.share) in {(it.version, it.share) for it in self.counted.values()}
        else:
            assert reply is Refusal.FINISHED
            assert len(self.made) == self.plan.versions

    @rule(seconds=st.sampled_from([0.0, 1.0, 5.0, 20.0]))
    def tick(self, seconds):
        self.now += seconds
        complete = is_complete(self.federation, self.waiting, self.now)
        made = self.federation.tick(self.now)

        assert bool(made) == complete

        if made:
            assert dict.fromkeys(it.address for it in made) == dict.fromkeys(self.counted)
            assert len(made) >= self.plan.quorum
            self.made.append(made)
            self.counted = {}
        elif len(self.made) < self.plan.versions and self.plan.asynchronous:
            assert len(self.counted) < self.plan.quorum

    @rule()
    def restart(self):
        """Start anew from what is kept of the state."""
        old, self.waiting = self.federation, []
        self.federation = Federation(self.plan, old.version, old.members.values(), old.contributions.values(), self.now)

    @rule(worker=ANYBODY, stays=st.booleans())
    def wait_or_go(self, worker, stays):
        if worker in self.waiting and not stays:
            self.federation.go(worker, self.now)
            self.waiting.remove(worker)
        elif worker not in self.waiting and stays:
            self.ask(worker)
            if self.last_reply == Wait():
                self.federation.wait(worker)
                self.waiting.append(worker)

    @rule()
    def call(self):
        """Who is called is given work, and nobody else would be."""
        called = self.federation.to_call(self.now)
        assert len(set(called)) == len(called)
        for worker in [*called, *(it for it in self.waiting if it not in called)]:
            self.ask(worker)
            if worker in called:
                assert isinstance(self.last_reply, ShareAssignment) or self.last_reply is Refusal.FINISHED
            else:
                assert self.last_reply == Wait()
            if self.last_reply == Wait():
                self.federation.wait(worker)
                self.waiting.append(worker)

    # Promises

    @invariant()
    def no_more_versions_are_made_than_planned(self):
        if hasattr(self, "plan"):
            assert self.federation.version == len(self.made) <= self.plan.versions

    @invariant()
    def no_share_counts_twice_for_the_version_it_was_made_from(self):
        if hasattr(self, "plan"):
            current = [it.share for it in self.counted.values() if it.version == len(self.made)]
            assert len(current) == len(set(current))

    def teardown(self):
        """Whatever happened, learning goes on to its end as soon as all take part again."""
        if not hasattr(self, "plan"):
            return
        for worker in WORKERS:
            self.join(worker)
        for _ in range(60):
            self.tick(self.plan.timeout)
            for worker in WORKERS:
                self.register(worker)
                self.ask(worker)
                self.deliver(worker)
                self.tick(0.0)
        assert self.federation.is_finished


def test_no_order_of_requests_breaks_the_rules():
    run_state_machine_as_test(
        Learning, settings=settings(max_examples=4 * settings().max_examples, stateful_step_count=60)
    )
