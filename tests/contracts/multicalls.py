"""Whole rounds played by contracts, the server and its workers, in a few transactions.

Contracts pay no gas themselves, so what they own afterwards is known to the wei.
"""

from dataclasses import dataclass

from ape import chain, project

from mlchain.protocol.commitments import commitment
from mlchain.protocol.content import chunk_count, chunk_hashes, content_hash
from mlchain.protocol.draw import position_of, seed_of
from tests.contracts.chain_control import move_to, now, time_of_next_block
from tests.contracts.games import (
    CHALLENGE_WINDOW,
    COMMIT_WINDOW,
    MEMBERS,
    PUBLISH_WINDOW,
    REFEREE_WINDOW,
    SERVER,
    Game,
    Showing,
    expected_of,
    holders_with,
    publisher_of,
    right_result,
)
from tests.contracts.protocol_steps import (
    MODEL,
    PARAMETERS,
    STAKE,
    chunk_of,
    escrow_of,
    job_at,
    next_random,
    terms_of,
)

PURSE = 10**20
SLACK = 60  # seconds, well within the challenge window


@dataclass(frozen=True, slots=True)
class Stage:
    """A deployment whose server is a multicall contract and whose members are its workers."""

    multicall: object
    operator: object
    factory: object
    registry: object
    actors: list[str]

    @classmethod
    def build(cls, operator) -> "Stage":
        """Deploy the multicall contract, let it deploy the protocol and let its workers join."""
        multicall = operator.deploy(project.Multicall, MEMBERS, value=PURSE)
        models = project.ModelRegistry.at(create(multicall, operator, project.ModelRegistry))
        factory = project.JobFactory.at(create(multicall, operator, project.JobFactory, models, PARAMETERS))
        registry = project.WorkerRegistry.at(factory.REGISTRY())
        stage = cls(multicall, operator, factory, registry, multicall.actors())
        stage.execute(
            call(SERVER, models.announce, 0, content_hash(MODEL), len(MODEL)),
            call(SERVER, models.publish, 1, 0, chunk_hashes(MODEL), MODEL),
            *[call(actor, registry.join, value=STAKE) for actor in range(1, MEMBERS + 1)],
        )
        return stage

    def execute(self, *calls):
        """Make these calls in one transaction."""
        return self.multicall.execute(list(calls), sender=self.operator)

    def schedule(self, seats: int) -> list[int]:
        """Schedule the next round; return the actors that its first seats will draw, known only now."""
        self.execute(call(SERVER, self.factory.scheduleRound))
        block = self.factory.scheduledBlock()
        number, size = self.factory.latestRound() + 1, self.registry.poolSize()
        parts = chain.chain_id, self.factory.address, next_random(self.factory), chain.blocks[block].hash
        seed = seed_of(*parts, number)
        holders = [self.registry.workerAt(position_of(seed, size, seat), block) for seat in range(seats)]
        return [self.actors.index(holder) for holder in holders]

    def deploy(self, game: Game) -> list:
        """Deploy the game's round, and schedule it before unless that is done; return its jobs."""
        terms = terms_of(
            jobs=len(game.jobs),
            seats=len(game.jobs[0].behaviours),
            quorum=game.quorum,
            reward=game.reward,
            bonus=game.bonus,
            resultSize=game.size,
            commitWindow=COMMIT_WINDOW,
            publishWindow=PUBLISH_WINDOW,
            refereeWindow=REFEREE_WINDOW,
            challengeWindow=CHALLENGE_WINDOW if game.audited else 0,
        )
        if not self.factory.scheduledBlock():
            self.execute(call(SERVER, self.factory.scheduleRound))
        random = next_random(self.factory)
        receipt = self.execute(call(SERVER, self.factory.deployRound, terms, random, b"task", value=escrow_of(terms)))
        return [job_at(event.job) for event in receipt.events if event.event_name == "JobDeployed"]

    def run(self, game: Game) -> list:
        """Play a whole game until all seats are settled; return its jobs."""
        jobs = self.deploy(game)
        committees = [[self.actors.index(holder) for holder in job.committee()] for job in jobs]
        self.execute(
            *[
                call(actor, job.commit, seat, commitment(job.address, seat, content_hash(result)))
                for number, (job, actors) in enumerate(zip(jobs, committees, strict=True))
                for seat, actor in enumerate(actors)
                if (result := game.jobs[number].result(seat, game.size)) is not None
            ]
        )
        # Not the very next second: on a busy machine the empty block before it may have taken that already.
        time_of_next_block(max(now() + SLACK, *[job.commitEnd() for job in jobs]))
        self.execute(
            *[step for number, job in enumerate(jobs) for step in self._shows(game, number, job, committees[number])]
        )
        move_to(now() + PUBLISH_WINDOW + REFEREE_WINDOW)
        self.execute(*[call(actor, jobs[number].settle, list(seats)) for actor, number, seats in game.batches])
        return jobs

    def _shows(self, game: Game, number: int, job, actors: list[int]) -> list:
        steps = []
        for result in sorted({job_result(game, number, seat) for seat in range(len(actors))} - {b""}):
            seat = holders_with(game, number, result)[0]
            showing = game.jobs[number].showings[game.jobs[number].behaviours[seat]]
            if showing is not Showing.HIDDEN:
                steps.append(call(actors[seat], job.propose, seat, content_hash(result)))
            if showing is Showing.PUBLISHED:
                for index in range(chunk_count(game.size)):
                    seat = publisher_of(game, number, result, index)
                    steps.append(call(actors[seat], job.publish, seat, *chunk_of(result, index)))
        right = right_result(game)
        for step in expected_of(game, number).referee_acts:
            if step == "propose":
                steps.append(call(SERVER, job.proposeAny, content_hash(right)))
            elif step == "publish":
                for index in range(chunk_count(game.size)):
                    steps.append(call(SERVER, job.publishUnpaid, *chunk_of(right, index)))
            elif step == "rule":
                steps.append(call(SERVER, job.rule, content_hash(right)))
            else:
                steps.append(call(SERVER, job.ruleVoid))
        return steps


def job_result(game: Game, number: int, seat: int) -> bytes:
    """Return what a seat commits to, nothing for a silent one."""
    return game.jobs[number].result(seat, game.size) or b""


def call(actor: int, method, *arguments, value: int = 0) -> tuple:
    """Return a call by an actor, as a multicall takes it."""
    return actor, method.contract.address, value, method.encode_input(*arguments)


def create(multicall, operator, container, *arguments, value: int = 0) -> str:
    """Let the multicall create a contract and return its address."""
    code = container.constructor.serialize_transaction(*arguments).data
    address = multicall.create.call(code, value=value, sender=operator)
    multicall.create(code, value=value, sender=operator)
    return address
