"""Whole rounds played by a crowd of contract workers in a few transactions.

Contracts pay no gas themselves, so what they own afterwards is known to the wei.
"""

from dataclasses import dataclass

from ape import chain, project

from mlchain.protocol.commitments import commitment
from mlchain.protocol.content import chunk_count, chunk_hashes, content_hash
from tests.contracts.chain_control import move_to, now, time_of_next_block
from tests.contracts.games import (
    AUDIT_WINDOW,
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
    terms_of,
)

PURSE = 10**20


@dataclass(frozen=True, slots=True)
class Stage:
    """A deployment whose server is the crowd itself and whose members are its contract workers."""

    crowd: object
    director: object
    factory: object
    registry: object
    actors: list[str]

    @classmethod
    def build(cls, director) -> "Stage":
        """Deploy a crowd, let it deploy the protocol and let its workers join."""
        crowd = director.deploy(project.Crowd, MEMBERS, value=PURSE)
        models = project.ModelRegistry.at(create(crowd, director, project.ModelRegistry))
        factory = project.JobFactory.at(create(crowd, director, project.JobFactory, models, PARAMETERS))
        registry = project.WorkerRegistry.at(factory.REGISTRY())
        stage = cls(crowd, director, factory, registry, crowd.actors())
        stage.play(
            act(SERVER, models.announce, 0, content_hash(MODEL), len(MODEL)),
            act(SERVER, models.publish, 1, 0, chunk_hashes(MODEL), MODEL),
            *[act(actor, registry.join, value=STAKE) for actor in range(1, MEMBERS + 1)],
        )
        return stage

    def play(self, *acts):
        """Let the actors act in one transaction."""
        return self.crowd.play(list(acts), sender=self.director)

    def deploy(self, game: Game) -> list:
        """Deploy the game's round and return its jobs."""
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
            challengeWindow=AUDIT_WINDOW if game.audited else 0,
        )
        deploy_round = act(SERVER, self.factory.deployRound, terms, game.random, b"task", value=escrow_of(terms))
        receipt = self.play(deploy_round)
        return [job_at(event.job) for event in receipt.events if event.event_name == "JobDeployed"]

    def run(self, game: Game) -> list:
        """Play a whole game until all seats are settled; return its jobs."""
        jobs = self.deploy(game)
        committees = [[self.actors.index(holder) for holder in job.committee()] for job in jobs]
        self.play(
            *[
                act(actor, job.commit, seat, commitment(chain.chain_id, job.address, seat, content_hash(result)))
                for number, (job, actors) in enumerate(zip(jobs, committees, strict=True))
                for seat, actor in enumerate(actors)
                if (result := game.jobs[number].result(seat, game.size)) is not None
            ]
        )
        time_of_next_block(max(now() + 1, *[job.commitEnd() for job in jobs]))
        self.play(
            *[step for number, job in enumerate(jobs) for step in self._shows(game, number, job, committees[number])]
        )
        move_to(now() + PUBLISH_WINDOW + REFEREE_WINDOW)
        self.play(*[act(actor, jobs[number].settle, list(seats)) for actor, number, seats in game.batches])
        return jobs

    def _shows(self, game: Game, number: int, job, actors: list[int]) -> list:
        steps = []
        for result in sorted({job_result(game, number, seat) for seat in range(len(actors))} - {b""}):
            seat = holders_with(game, number, result)[0]
            showing = game.jobs[number].showings[game.jobs[number].behaviours[seat]]
            if showing is not Showing.HIDDEN:
                steps.append(act(actors[seat], job.propose, seat, content_hash(result)))
            if showing is Showing.PUBLISHED:
                for index in range(chunk_count(game.size)):
                    seat = publisher_of(game, number, result, index)
                    steps.append(act(actors[seat], job.publish, seat, *chunk_of(result, index)))
        right = right_result(game)
        for step in expected_of(game, number).referee_acts:
            if step == "propose":
                steps.append(act(SERVER, job.proposeAsReferee, content_hash(right)))
            elif step == "publish":
                for index in range(chunk_count(game.size)):
                    steps.append(act(SERVER, job.publishAsReferee, *chunk_of(right, index)))
            elif step == "rule":
                steps.append(act(SERVER, job.rule, content_hash(right)))
            else:
                steps.append(act(SERVER, job.ruleVoid))
        return steps


def job_result(game: Game, number: int, seat: int) -> bytes:
    """Return what a seat commits to, nothing for a silent one."""
    return game.jobs[number].result(seat, game.size) or b""


def act(actor: int, method, *arguments, value: int = 0) -> tuple:
    """Return one act of a crowd: a call by an actor."""
    return actor, method.contract.address, value, method.encode_input(*arguments)


def create(crowd, director, container, *arguments, value: int = 0) -> str:
    """Let the crowd create a contract and return its address."""
    code = container.constructor.serialize_transaction(*arguments).data
    address = crowd.create.call(code, value=value, sender=director)
    crowd.create(code, value=value, sender=director)
    return address
