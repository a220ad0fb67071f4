"""Which logs of a deployment somebody asks for: all of what concerns it, and not how thousands of others are paid."""

from collections.abc import Sequence
from typing import Protocol

from mlchain.chain.deployment import Deployment
from mlchain.chain.raw_logs import Filter, topics_of
from mlchain.protocol.events import Log
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import Job

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


def concerning(ledger: Ledger, beginning: Beginning | None) -> list[Job]:
    """Return the jobs of the open round whose events are read."""
    jobs = ledger.open_round.jobs if ledger.open_round else []
    return [job for job in jobs if beginning is None or beginning.concerns(job)]


def pass_over(ledger: Ledger, owner: str, jobs: Sequence[Job]) -> None:
    """Leave unread from now on how seats are settled in the open round, if many are in other jobs than `jobs`.

    Who is no member of the pool reads it: to get its stake back, it may have to settle for others.
    """
    current = ledger.open_round
    if current and owner in ledger.pool:
        seats = current.terms.seats * (len(current.jobs) - len(jobs))
        current.has_unread_seats |= seats > FEW


def filters_of(deployment: Deployment, jobs: Sequence[Job], only_for: str | None) -> list[Filter]:
    """Return what to ask for: the logs of all contracts and of `jobs`; of settlements `only_for` one's own, if given.

    No log is found by two of them.
    """
    addresses = [job.address for job in jobs]
    if only_for is None:
        return [([*deployment.fixed, *addresses], [])]
    registry, topics = deployment.addresses["WorkerRegistry"], topics_of("WorkerRegistry")
    settled, owner = topics.pop("SeatSettled"), f"0x{int(only_for, 16):064x}"
    others = [address for address in deployment.fixed if address != registry]
    return [
        ([*others, *addresses], []),
        ([registry], [list(topics.values())]),
        ([registry], [settled, None, owner]),
    ]
