"""Deployments whose server announces whatever versions it likes."""

from dataclasses import dataclass, replace

from ape import project

from mlchain.actors.refuter import Refuter
from mlchain.chain.connection import Chain
from mlchain.chain.deployment import Deployment
from mlchain.protocol.calls import Call
from mlchain.protocol.content import chunk_hashes, content_hash, split
from mlchain.protocol.ledger import Ledger
from tests.contracts.chain_control import move_to
from tests.contracts.protocol_steps import (
    PARAMETERS,
    STAKE,
    Committee,
    escrow_of,
    job_at,
    next_random,
    referee_end,
    schedule_round,
    terms_of,
)
from tests.protocol.random_rounds import follow, record_of


@dataclass
class Lineage:
    """A deployment with a referee of versions, a pool of workers, and the recipe that its rounds learn by."""

    server: object
    workers: list
    models: object
    referee: object
    factory: object
    record: Deployment
    recipe: bytes = b""

    @classmethod
    def deploy(cls, server, workers) -> "Lineage":
        """Deploy the contracts, and let the workers join."""
        models, referee = server.deploy(project.ModelRegistry), server.deploy(project.VersionReferee)
        factory = server.deploy(project.JobFactory, models, PARAMETERS | {"versionReferee": referee.address})
        registry = project.WorkerRegistry.at(factory.REGISTRY())
        for worker in workers:
            registry.join(value=STAKE, sender=worker)
        record = record_of(models, factory, registry, server)
        record = replace(record, addresses=record.addresses | {"VersionReferee": referee.address})
        return cls(server, workers, models, referee, factory, record)

    def announce(self, data: bytes, round_number: int) -> None:
        """Announce a version and publish it."""
        self.models.announce(round_number, content_hash(data), len(data), sender=self.server)
        for index, chunk in enumerate(split(data)):
            self.models.publish(self.models.latestVersion(), index, chunk_hashes(data), chunk, sender=self.server)

    def play(self, version: int, results: list[bytes | None], is_settled: bool = True) -> list:
        """Play a round on a version, with a job of one seat for each result; where there is none, nobody answers."""
        size = next((len(result) for result in results if result is not None), 1)
        windows = {"commitWindow": 100, "publishWindow": 100, "refereeWindow": 100}
        terms = terms_of(modelVersion=version, jobs=len(results), seats=1, quorum=1, resultSize=size, **windows)
        schedule_round(self.factory, self.server)
        number = next_random(self.factory)
        receipt = self.factory.deployRound(terms, number, self.recipe, value=escrow_of(terms), sender=self.server)
        jobs = [job_at(event.job) for event in receipt.events if event.event_name == "JobDeployed"]
        for job, result in zip(jobs, results, strict=True):
            committee = Committee.of(job, self.server, self.workers)
            if result is not None:
                committee.commit(0, result)
                committee.show(0, result)
        if is_settled:
            if None in results:
                move_to(referee_end(jobs[results.index(None)]))
            for job in jobs:
                job.settle([0], sender=self.server)
        return jobs

    def read(self) -> Chain:
        """Return a reader that has read all of it."""
        reader = follow(self.record)
        reader.sync()
        return reader

    def refuter(self) -> Refuter:
        """Return who looks after its versions."""
        return Refuter(self.factory.address)

    def compare(self, finder, weight: int, ledger: Ledger | None = None) -> None:
        """Send what compares a weight of the newest version with what it has to be."""
        ledger = ledger or self.read().view().ledger
        for call in self.refuter().compare(ledger, ledger.latest_version, weight):
            self.send(finder, call)

    def send(self, finder, call: Call) -> None:
        """Send a call of the refuter."""
        getattr(self.referee, call.method)(*call.arguments, sender=finder)

    def task(self, version: int = 2, parent: bytes | None = None) -> tuple[bytes, bytes, int]:
        """Return what the rounds train that train a version whose parent is this."""
        return self.recipe, bytes(32) if parent is None else content_hash(parent), version
