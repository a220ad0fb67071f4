"""The pool of workers, all ether, and the one round that is open."""

from collections import Counter
from typing import NamedTuple

from tests.reference.chain import Chain, require
from tests.reference.tables import Verdict

MAX_SNAPSHOT_AGE = 128
NAME = "WorkerRegistry"


class Settlement(NamedTuple):
    """What a job says of a seat."""

    seat: int
    worker: str
    verdict: Verdict
    pay: int


class Registry:
    """`contracts/WorkerRegistry.sol`."""

    def __init__(self, chain: Chain, server: str, stake: int, absence_fee: int, permissioned: bool) -> None:
        self.chain, self.server, self.permissioned = chain, server, permissioned
        self.stake, self.absence_fee = stake, absence_fee
        self.admitted: set[str] = set()
        self.members: list[str] = []
        self.past: dict[int, tuple[str, ...]] = {0: ()}  # the members at the end of every block that changed them
        self.left_at: dict[str, int] = {}  # the block in which those that are no members any more left
        self.stakes: Counter[str] = Counter()
        self.credits: Counter[str] = Counter()
        self.escrow = self.unsettled = self.snapshot_block = self.last_settlement = 0
        self.balance = self.burnt = 0
        self.server_paid = self.server_got = 0  # what the server has put into escrow, and what it has withdrawn

    @property
    def owed(self) -> int:
        """What everybody together could claim; what is burnt is nobody's."""
        return self.escrow + self.stakes.total() + self.credits.total()

    def pool_at(self, block: int) -> tuple[str, ...]:
        """Return the members at the end of a block, by their positions."""
        return self.past[max(changed for changed in self.past if changed <= block)]

    # Join and leave

    def set_admission(self, sender: str, worker: str, admitted: bool) -> None:
        require(sender == self.server, "NotTheServer", sender)
        self._admit(worker, admitted)

    def _admit(self, worker: str, admitted: bool) -> None:
        (self.admitted.add if admitted else self.admitted.discard)(worker)
        self._emit("AdmissionSet", worker=worker, admitted=admitted)

    def join(self, sender: str, value: int) -> None:
        missing = self.stake - self.stakes[sender]
        require(not self.permissioned or sender in self.admitted, "NotAdmitted", sender)
        require(sender not in self.members, "AlreadyMember", sender)
        require(value == missing, "WrongStake", value, missing)
        self.stakes[sender] += value
        self.balance += value
        self.left_at.pop(sender, None)
        self._change([*self.members, sender])
        self._emit("Joined", worker=sender, position=len(self.members) - 1, paid=value)

    def leave(self, sender: str) -> None:
        require(sender in self.members, "NotAMember", sender)
        self._remove(sender)

    def _remove(self, worker: str) -> None:
        """The last member takes the place; nothing happens to one that has left before."""
        if worker in self.members:
            position = self.members.index(worker)
            *others, last = self.members
            self._change([last if member == worker else member for member in others])
            self.left_at[worker] = self.chain.block
            self._emit("Left", worker=worker, position=position)

    def _change(self, members: list[str]) -> None:
        self.members = members
        self.past[self.chain.block] = tuple(members)

    # Round

    def require_free(self, snapshot_block: int, seats: int) -> None:
        """Refuse a round while another is open, or one whose pool is too old, too new or too small."""
        require(self.unsettled == 0, "RoundIsOpen", self.unsettled)
        earliest, latest = max(self.chain.block - MAX_SNAPSHOT_AGE, self.last_settlement, 0), self.chain.block - 1
        require(earliest <= snapshot_block <= latest, "InvalidSnapshotBlock", snapshot_block, earliest, latest)
        size = len(self.pool_at(snapshot_block))
        require(seats <= size, "PoolTooSmall", size, seats)

    def open(self, snapshot_block: int, seats: int, escrow: int) -> None:
        """Take a round's pay; its seats go to members at the end of `snapshot_block`."""
        self.snapshot_block, self.unsettled, self.escrow = snapshot_block, seats, escrow
        self.balance += escrow
        self.server_paid += escrow
        self._emit("RoundOpened", snapshotBlock=snapshot_block, seats=seats, escrow=escrow)

    def settle(self, job: str, settlements: list[Settlement], forfeited: int) -> None:
        """Pay from the escrow; what is taken from stakes or forfeited is burnt, what is left over the server's."""
        for seat, worker, verdict, pay in settlements:
            taken = {Verdict.SLASHED: self.stakes[worker], Verdict.ABSENT: self.absence_fee}.get(verdict, 0)
            self.credits[worker] += pay
            self.escrow -= pay
            self.stakes[worker] -= taken
            self.burnt += taken
            if verdict in (Verdict.SLASHED, Verdict.ABSENT):
                self._remove(worker)
            if verdict is Verdict.SLASHED and worker in self.admitted:
                self._admit(worker, False)
            self._emit("SeatSettled", job=job, worker=worker, seat=seat, verdict=verdict, amount=pay + taken)
        if forfeited:
            self.escrow -= forfeited
            self.burnt += forfeited
            self._emit("Forfeited", job=job, amount=forfeited)
        self.unsettled -= len(settlements)
        self.last_settlement = self.chain.block
        if self.unsettled == 0:
            self._emit("RoundClosed", remainder=self.escrow)
            self.credits[self.server] += self.escrow
            self.escrow = 0

    # Withdraw

    def withdraw(self, sender: str) -> None:
        amount = self.credits[sender]
        require(amount, "NothingToWithdraw", sender)
        self.credits[sender] = 0
        self.balance -= amount
        self.server_got += amount * (sender == self.server)
        self._emit("Withdrawn", account=sender, amount=amount)

    def withdraw_stake(self, sender: str) -> None:
        amount, left_at = self.stakes[sender], self.left_at.get(sender, 0)
        unlock_block = left_at + MAX_SNAPSHOT_AGE + 1
        require(sender not in self.members, "StakeInUse", sender)
        require(amount, "NothingToWithdraw", sender)
        require(self.chain.block >= unlock_block, "StakeLocked", left_at, unlock_block)
        require(self.unsettled == 0 or self.snapshot_block >= left_at, "RoundIsOpen", self.unsettled)
        self.stakes[sender] = 0
        self.balance -= amount
        self._emit("StakeWithdrawn", worker=sender, amount=amount)

    def _emit(self, name: str, **arguments: object) -> None:
        self.chain.emit(NAME, name, **arguments)
