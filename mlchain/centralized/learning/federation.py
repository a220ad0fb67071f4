"""The rules of the learning server: who is given weights, which updates count, and when a version is made.

Nothing here knows a network, a clock or a disk: events come in with the time at which they happen, replies go out.
Facts are stored and the rest is derived: a member that owes a result past its deadline is overdue without being told.

The rule that everything else serves: weights go out only to a member that has just registered or has delivered the
result for the weights it was given before. One set of weights, one result.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from mlchain.errors import require


@dataclass(frozen=True, slots=True)
class FederationPlan:
    """How versions are made; times in seconds. Raises UserError for a plan that could not be carried out.

    Synchronous: a version is made from the updates of all shares, or from at least `quorum` once nobody is left who
    could still add one. Asynchronous: as soon as there are `quorum` updates; slower members add to the next version.
    A result up to `max_staleness` versions old counts, but for less; an older one does not.
    """

    versions: int
    shares: int
    quorum: int
    timeout: float = 60.0
    asynchronous: bool = False
    max_staleness: int = 0

    def __post_init__(self) -> None:
        require(self.versions >= 1, f"there has to be at least one version, not {self.versions}")
        require(self.shares >= 1, f"there has to be at least one share of the data, not {self.shares}")
        require(
            1 <= self.quorum <= self.shares,
            f"the quorum of {self.shares} shares has to be from 1 to {self.shares}, not {self.quorum}",
        )
        require(0 < self.timeout < math.inf, f"the time for a result has to be above 0 seconds, not {self.timeout}")
        require(self.max_staleness >= 0, f"the maximum staleness of a result cannot be {self.max_staleness}")


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
    """The learning server's state: its version, its members, and the updates that count for the next version so far."""

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
        self._seen = dict.fromkeys(self.members, now)

    @property
    def is_finished(self) -> bool:
        """Whether all versions have been made."""
        return self.version == self.plan.versions

    # Events

    def joined(self, address: str, number: int) -> None:
        """Record that `address` joined as the `number`th; to hear it twice changes nothing."""
        self.members.setdefault(address, Member(address, number))

    def register(self, address: str, now: float) -> Registered | Refusal:
        """Register a member, for the first time or again; one that is overdue gives up what it owes."""
        member = self.members.get(address)
        if member is None:
            return Refusal.NOT_JOINED
        if member.owes and not self.is_overdue(member, now):
            return Refusal.OWES
        if member.is_registered and not member.owes:
            return Refusal.REGISTERED

        self._seen[address] = now
        self.members[address] = replace(member, is_registered=True, owes=None)
        return Registered()

    def ask(self, address: str, now: float) -> ShareAssignment | Wait | Refusal:
        """Give a member work if there is any; only a `ShareAssignment` goes out with the current version's weights."""
        member = self.members.get(address)
        if member is None:
            return Refusal.NOT_JOINED
        if not member.is_registered:
            return Refusal.NOT_REGISTERED
        if member.owes:
            return Refusal.OWES
        if self.is_finished:
            return Refusal.FINISHED

        self._seen[address] = now
        share = None if member.counted_in == self.version else self._share_for(member, now)
        if share is None:
            return Wait()
        assignment = ShareAssignment(self.version, share, now + self.plan.timeout)
        self.members[address] = replace(member, owes=assignment)
        return assignment

    def deliver(self, address: str, version: int, now: float) -> Contribution | Refusal:
        """Accept the result that a member owes; afterwards it owes nothing, whether the result counts or not."""
        member = self.members.get(address)
        if member is None:
            return Refusal.NOT_JOINED
        if member.owes is None or member.owes.version != version:
            return Refusal.NOTHING_OWED

        self._seen[address] = now
        self.members[address] = replace(member, owes=None)
        refusal = self._refusal_of(member.owes)
        if refusal:
            return refusal
        weight = 1 / math.sqrt(1 + self.version - version)  # Xie et al. 2019, arXiv:1903.03934, polynomial with a = 1/2
        contribution = Contribution(address, version, member.owes.share, weight)
        self.members[address] = replace(member, owes=None, counted_in=self.version)
        self.contributions[address] = contribution
        return contribution

    def tick(self, now: float) -> tuple[Contribution, ...]:
        """Go on to the next version if it is complete, and return the updates that make it, or none.

        To be called whenever an update counts, and from time to time, since members become overdue.
        """
        if self.is_finished or not self._is_complete(now):
            return ()
        contributions = tuple(self.contributions.values())
        self.contributions = {}
        self.version += 1
        return contributions

    # What follows from the state

    def is_overdue(self, member: Member, now: float) -> bool:
        """Return whether a member has let the deadline of what it owes pass."""
        return member.owes is not None and now >= member.owes.deadline

    def _refusal_of(self, result: ShareAssignment) -> Refusal | None:
        if self.is_finished:
            return Refusal.FINISHED
        if self.version - result.version > self.plan.max_staleness:
            return Refusal.TOO_OLD
        if result.version == self.version and result.share in self._delivered_shares():
            return Refusal.REPLACED
        return None

    def _delivered_shares(self) -> set[int]:
        return {it.share for it in self.contributions.values() if it.version == self.version}

    def _open_shares(self, now: float) -> list[int]:
        """Return the shares that nobody has delivered for the current version, nor is still expected to."""
        taken = self._delivered_shares()
        for member in self.members.values():
            if member.owes and member.owes.version == self.version and not self.is_overdue(member, now):
                taken.add(member.owes.share)
        return [share for share in range(self.plan.shares) if share not in taken]

    def _share_for(self, member: Member, now: float) -> int | None:
        """Return the share that a member works on: its own if it is open, another one if not, None if none is."""
        shares = self._open_shares(now)
        own = (member.number - 1) % self.plan.shares
        return own if own in shares else min(shares, default=None)

    def _is_complete(self, now: float) -> bool:
        if len(self.contributions) < self.plan.quorum:
            return False
        if self.plan.asynchronous or len(self._delivered_shares()) == self.plan.shares:
            return True
        return not any(self._can_add(member, now) for member in self.members.values())

    def _can_add(self, member: Member, now: float) -> bool:
        """Return whether an update of a member may still be expected for the next version."""
        if not member.is_registered or member.counted_in == self.version:
            return False
        if member.owes:
            return not self.is_overdue(member, now) and self._refusal_of(member.owes) is None
        # There is a share for it: one that is neither delivered nor open is owed by somebody else who can add.
        return now < self._seen[member.address] + self.plan.timeout
