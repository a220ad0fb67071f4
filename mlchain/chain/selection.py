"""Which logs of a deployment somebody asks for: all of what concerns it, and not how thousands of others are paid."""

from collections.abc import Sequence
from typing import Protocol

from mlchain.chain.deployment import Deployment
from mlchain.chain.raw_logs import Filter, topics_of
from mlchain.protocol.events import Log
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import Job
from mlchain.protocol.tally import Tally

FEW = 8  # seats of others: to read how these are settled takes fewer bytes than to ask for less


class Beginning(Protocol):
    """Where reading begins, if not at a deployment's first block."""

    @property
    def only_for(self) -> str | None:
        """To whom alone what is read has to matter, so that the past can be forgotten as time goes on; None for all."""

    def ledger_for(self, block: int) -> tuple[Ledger, int, list[Log]] | None:
        """Return a ledger, the block that it stands at, to read on from up to `block`, and the logs that were read.

        None is an empty ledger before the deployment's first block.
        """

    def distrust(self) -> None:
        """Forget what is kept here of what was read."""

    def concerns(self, job: Job) -> bool:
        """Return whether what happens in a job is to be read."""

    def complete(self, ledger: Ledger, block: int) -> None:
        """Add what the logs up to `block` did not say."""


class Selection:
    """What is asked for of `deployment` where reading begins at `beginning`, None for its first block."""

    def __init__(self, deployment: Deployment, beginning: Beginning | None) -> None:
        self._deployment = deployment
        self._beginning = beginning
        self._owner = beginning.only_for if beginning else None

    def jobs(self, ledger: Ledger) -> list[Job]:
        """Return the jobs of the open round whose events are read."""
        jobs = ledger.open_round.jobs if ledger.open_round else []
        return [job for job in jobs if self._beginning is None or self._beginning.concerns(job)]

    def only_seats_of(self, ledger: Ledger) -> str | None:
        """Return whose seats alone are read of how those of the open round are settled; None for all."""
        current = ledger.open_round
        return self._owner if current and current.has_unread_seats else None

    def knows_too_little(self, ledger: Ledger) -> bool:
        """Return whether more has to be known: nobody has to train the newest version, or to stay in the pool."""
        owner = self.only_seats_of(ledger)
        return ledger.lacks_model or (owner is not None and owner not in ledger.pool)

    def pass_over(self, ledger: Ledger, may_forget: bool) -> None:
        """Leave unread from now on how seats of the open round are settled, if many are others'; `may_forget` the past.

        Who is no member of the pool reads it: to get its stake back, it may have to settle for others.
        """
        if self._owner is None:
            return
        if may_forget:
            ledger.forget_past(self._owner)
        current = ledger.open_round
        if current and self._owner in ledger.pool:
            seats = current.terms.seats * (len(current.jobs) - len(self.jobs(ledger)))
            current.has_unread_seats |= seats > FEW

    def filters(self, ledger: Ledger) -> list[Filter]:
        """Return what to ask for: the logs of all contracts and of `jobs`; of settlements one's own, if few matter.

        No log is found by two of them.
        """
        only_for, addresses = self.only_seats_of(ledger), [job.address for job in self.jobs(ledger)]
        if only_for is None:
            return [([*self._deployment.fixed, *addresses], [])]
        registry, topics = self._deployment.addresses["WorkerRegistry"], topics_of("WorkerRegistry")
        settled, owner = topics.pop("SeatSettled"), f"0x{int(only_for, 16):064x}"
        others = [address for address in self._deployment.fixed if address != registry]
        return [
            ([*others, *addresses], []),
            ([registry], [list(topics.values())]),
            ([registry], [settled, None, owner]),
        ]

    def tally(self, ledger: Ledger, logs: Sequence[Log]) -> Tally:
        """Return what the contracts have counted when these logs, of what is asked for, have followed `ledger`."""
        return Tally.of(ledger, logs, self.jobs(ledger), self.only_seats_of(ledger))
