"""The rules of the learning server: who is given weights, which updates count, and when a version is made.

Nothing here knows a network, a clock or a disk: events come in with the time at which they happen, replies go out.
Facts are stored and the rest is derived: a member that owes a result past its deadline is overdue without being told.
What is derived is kept up to date, so that an event costs the same however many members there are; only a new version
looks at all of them.

The rule that everything else serves: weights go out only to a member that has just registered or has delivered the
result for the weights it was given before. One set of weights, one result.
"""

import math
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from itertools import islice

from mlchain.centralized.learning.plan import FederationPlan


@dataclass(frozen=True, slots=True)
class ShareAssignment:
    """What a member was given weights for: to train `version` on `share` by `deadline`."""

    version: int
    share: int
    deadline: float


@dataclass(frozen=True, slots=True)
class Member:
    """Who joined as the `number`th; `counted_in` is the last version that one of its updates went into."""

    address: str
    number: int
    is_registered: bool = False
    owes: ShareAssignment | None = None
    counted_in: int | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """An update that counts for the next version, trained from `version` on `share`; `weight` falls with age."""

    address: str
    version: int
    share: int
    weight: float


class Refusal(Enum):
    """Why a request changes nothing, or a result does not count."""

    NOT_JOINED = "this address has not joined: it has to call Counter.increment() first"
    NOT_REGISTERED = "this worker has joined but not registered"
    REGISTERED = "this worker is registered already"
    OWES = "this worker owes a result: it gets weights again when it delivers, or registers after the deadline"
    NOTHING_OWED = "this worker does not owe a result for that version"
    TOO_OLD = "the result came too late: its version is too old to count"
    REPLACED = "the result came too late: another worker has delivered this share"
    FINISHED = "learning is finished"


@dataclass(frozen=True, slots=True)
class Registered:
    """The member may ask for work."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The member has nothing to do until a version is made or somebody is overdue."""


class Federation:
    """The learning server's state: its version, its members, and the updates that count for the next version so far.

    Time that goes back is taken to stand still.
    """

    def __init__(
        self,
        plan: FederationPlan,
        version: int = 0,
        members: Iterable[Member] = (),
        contributions: Iterable[Contribution] = (),
        now: float = 0.0,
    ) -> None:
        self.plan = plan
        self.version = version  # that workers are given; the one in the making follows it
        self.members = {member.address: member for member in members}
        self.contributions = {contribution.address: contribution for contribution in contributions}
        self.changed: set[str] = set()  # the members that differ from what was kept of them last
        self.waiting: dict[str, None] = {}  # whose requests for work are open, in the order in which they came
        self._seen = dict.fromkeys(self.members, now)
        deadlines = (member.owes.deadline for member in self.members.values() if member.owes)
        self._now = max([now, *(deadline - plan.timeout for deadline in deadlines)])
        self._derive()

    def _derive(self) -> None:
        """Derive from the members and updates what is kept up to date until the next version."""
        self._delivered = {it.share for it in self.contributions.values() if it.version == self.version}
        self._open = set(range(self.plan.shares)) - self._delivered  # nor is anybody still expected to deliver them
        self._ready = {it: None for it in self.waiting if self.members[it].counted_in != self.version}
        # Who else is there, in the order in which patience with them ends.
        self._patience = OrderedDict[str, None]()
        others = (it for it in self.members.values() if it.is_registered and it.address not in self.waiting)
        for member in sorted(others, key=self._patience_ends):
            if self._patience_ends(member) > self._now:
                self._patience[member.address] = None
                if member.owes and member.owes.version == self.version:
                    self._open.discard(member.owes.share)

    @property
    def is_finished(self) -> bool:
        """Whether all versions have been made."""
        return self.version == self.plan.versions

    # Events

    def joined(self, address: str, number: int) -> None:
        """Record that `address` joined as the `number`th; to hear it twice changes nothing."""
        if address not in self.members:
            self._set(Member(address, number))

    def register(self, address: str, now: float) -> Registered | Refusal:
        """Register a member, for the first time or again; one that is overdue gives up what it owes."""
        self._pass_time(now)
        member = self.members.get(address)
        if member is None:
            return Refusal.NOT_JOINED
        if member.owes and not self.is_overdue(member, now):
            return Refusal.OWES
        if member.is_registered and not member.owes:
            return Refusal.REGISTERED

        self._set(replace(member, is_registered=True, owes=None))
        self._see(address)
        return Registered()

    def ask(self, address: str, now: float) -> ShareAssignment | Wait | Refusal:
        """Give a member work if there is any; only a `ShareAssignment` goes out with the current version's weights."""
        self.go(address, now)
        member = self.members.get(address)
        if member is None:
            return Refusal.NOT_JOINED
        if not member.is_registered:
            return Refusal.NOT_REGISTERED
        if member.owes:
            return Refusal.OWES
        if self.is_finished:
            return Refusal.FINISHED

        share = None if member.counted_in == self.version else self._share_for(member)
        if share is None:
            self._see(address)
            return Wait()
        assignment = ShareAssignment(self.version, share, self._now + self.plan.timeout)
        self._open.remove(share)
        self._set(replace(member, owes=assignment))
        self._see(address)
        return assignment

    def deliver(self, address: str, version: int, now: float) -> Contribution | Refusal:
        """Accept the result that a member owes; afterwards it owes nothing, whether the result counts or not."""
        self._pass_time(now)
        member = self.members.get(address)
        if member is None:
            return Refusal.NOT_JOINED
        if member.owes is None or member.owes.version != version:
            return Refusal.NOTHING_OWED

        self._see(address)
        refusal = self._refusal_of(member.owes)
        if refusal:
            self._set(replace(member, owes=None))
            return refusal
        weight = 1 / math.sqrt(1 + self.version - version)  # Xie et al. 2019, arXiv:1903.03934, polynomial with a = 1/2
        contribution = Contribution(address, version, member.owes.share, weight)
        self._set(replace(member, owes=None, counted_in=self.version))
        self.contributions[address] = contribution
        if version == self.version:
            self._delivered.add(contribution.share)
            self._open.discard(contribution.share)
        return contribution

    def tick(self, now: float) -> tuple[Contribution, ...]:
        """Go on to the next version if it is complete, and return the updates that make it, or none.

        To be called whenever an update counts, and from time to time, since members become overdue.
        """
        self._pass_time(now)
        if self.is_finished or not self._is_complete():
            return ()
        contributions = tuple(self.contributions.values())
        self.contributions = {}
        self.version += 1
        self._derive()
        return contributions

    # Whose requests are open

    def wait(self, address: str) -> None:
        """Take note that a member that was told to wait is there until it goes, or asks again."""
        self.waiting[address] = None
        self._patience.pop(address, None)
        if self.members[address].counted_in != self.version:
            self._ready[address] = None

    def go(self, address: str, now: float) -> None:
        """Take note that a member does not wait any longer, if it did."""
        self._pass_time(now)
        if address in self.waiting:
            del self.waiting[address]
            self._ready.pop(address, None)
            self._see(address)

    def to_call(self, now: float) -> list[str]:
        """Return who of those that wait would not be told to wait now, if they ask in this order."""
        self._pass_time(now)
        if self.is_finished:
            return list(self.waiting)
        return list(islice(self._ready, len(self._open)))

    # What follows from the state

    def is_overdue(self, member: Member, now: float) -> bool:
        """Return whether a member has let the deadline of what it owes pass."""
        return member.owes is not None and max(now, self._now) >= member.owes.deadline

    def _set(self, member: Member) -> None:
        self.members[member.address] = member
        self.changed.add(member.address)

    def _see(self, address: str) -> None:
        """Begin anew to be patient with a member."""
        self._seen[address] = self._now
        self._patience[address] = None
        self._patience.move_to_end(address)

    def _patience_ends(self, member: Member) -> float:
        return member.owes.deadline if member.owes else self._seen[member.address] + self.plan.timeout

    def _pass_time(self, now: float) -> None:
        """Give up those with whom patience ends: the shares that they owe are open again."""
        self._now = max(now, self._now)
        while self._patience:
            member = self.members[next(iter(self._patience))]
            if self._now < self._patience_ends(member):
                return
            del self._patience[member.address]
            if member.owes and member.owes.version == self.version and member.owes.share not in self._delivered:
                self._open.add(member.owes.share)

    def _refusal_of(self, result: ShareAssignment) -> Refusal | None:
        if self.is_finished:
            return Refusal.FINISHED
        if self.version - result.version > self.plan.max_staleness:
            return Refusal.TOO_OLD
        if result.version == self.version and result.share in self._delivered:
            return Refusal.REPLACED
        return None

    def _share_for(self, member: Member) -> int | None:
        """Return the share that a member works on: its own if it is open, another one if not, None if none is."""
        own = (member.number - 1) % self.plan.shares
        return own if own in self._open else min(self._open, default=None)

    def _is_complete(self) -> bool:
        if len(self.contributions) < self.plan.quorum:
            return False
        if self.plan.asynchronous or len(self._delivered) == self.plan.shares:
            return True
        # There is a share for who is there: one that is not delivered is open, or owed by somebody who can add.
        return not self._ready and not self._can_any_add()

    def _can_any_add(self) -> bool:
        """Return whether an update may still be expected for the next version from anybody but those who wait."""
        while self._patience:
            member = self.members[next(iter(self._patience))]
            if member.counted_in != self.version and not (member.owes and self._refusal_of(member.owes)):
                return True
            del self._patience[member.address]  # until the next version, unless it is heard of before
        return False
