"""What may happen in a round, and what has to come out of it by the tables of the protocol alone."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum, auto

from hypothesis import strategies as st

from mlchain.protocol.content import CHUNK_SIZE, chunk_count
from tests.contracts.protocol_steps import ABSENCE_FEE, STAKE
from tests.reference.tables import Outcome

MEMBERS = 7
SERVER = 0
COMMIT_WINDOW, PUBLISH_WINDOW, REFEREE_WINDOW, CHALLENGE_WINDOW = 600, 3_600, 600, 300


class Behaviour(Enum):
    """What a seat commits to."""

    RIGHT = auto()
    COLLUDING = auto()  # the cartel's wrong result
    LONELY = auto()  # a wrong result of its own
    JUNK = auto()  # what is never shown
    SILENT = auto()  # nothing


class Showing(Enum):
    """What the seats that committed to one result do with it."""

    HIDDEN = auto()
    PROPOSED = auto()
    PUBLISHED = auto()


class Referee(Enum):
    """What the referee does in one job."""

    SILENT = auto()
    RIGHT = auto()
    VOID = auto()


@dataclass(frozen=True, slots=True)
class JobGame:
    """What happens in one job."""

    behaviours: tuple[Behaviour, ...]
    showings: dict[Behaviour, Showing]
    referee: Referee
    publisher: int  # which of the seats with a result publishes it

    def result(self, seat: int, size: int) -> bytes | None:
        """Return the bytes that a seat commits to."""
        behaviour = self.behaviours[seat]
        if behaviour is Behaviour.SILENT:
            return None
        alone = behaviour in (Behaviour.LONELY, Behaviour.JUNK)
        return bytes([behaviour.value, seat if alone else 255]) * (size // 2) + b"!" * (size % 2)


@dataclass(frozen=True, slots=True)
class Game:
    """A round: its terms, what happens in its jobs, and in which batches and by whom all seats are settled."""

    quorum: int
    audited: bool
    reward: int
    bonus: int
    size: int
    jobs: tuple[JobGame, ...]
    batches: tuple[tuple[int, int, tuple[int, ...]], ...]  # actor, job, seats


@st.composite
def games(draw, behaviours=None, showings=None, referees=tuple(Referee)) -> Game:
    """Draw a game; `behaviours(quorum, seats)` and `showings` narrow what seats do."""
    seats = draw(st.integers(1, 5))
    jobs = draw(st.integers(1, MEMBERS // seats).filter(lambda count: count <= 2))
    quorum = draw(st.integers(seats // 2 + 1, seats))
    choose = behaviours or (lambda quorum, seats: st.tuples(*[st.sampled_from(Behaviour)] * seats))
    shown = st.fixed_dictionaries(
        {Behaviour.RIGHT: st.sampled_from(Showing)}
        | {evil: st.sampled_from(Showing) for evil in (Behaviour.COLLUDING, Behaviour.LONELY)}
        | {Behaviour.JUNK: st.just(Showing.HIDDEN)}
        | (showings or {})
    )
    order = draw(st.permutations([(job, seat) for job in range(jobs) for seat in range(seats)]))
    cut = draw(st.integers(1, len(order)))
    return Game(
        quorum=quorum,
        audited=draw(st.booleans()),
        reward=draw(st.integers(1, 10**15)),
        bonus=draw(st.integers(0, 10**15)),
        size=draw(st.sampled_from([40, 41, CHUNK_SIZE + 40])),
        jobs=tuple(
            JobGame(
                draw(choose(quorum, seats)),
                draw(shown),
                draw(st.sampled_from(referees)),
                draw(st.integers(0, 4)),
            )
            for _ in range(jobs)
        ),
        batches=tuple(
            (draw(st.integers(0, MEMBERS)), job, tuple(seat for other, seat in part if other == job))
            for part in (order[:cut], order[cut:])
            for job in range(jobs)
            if any(other == job for other, _ in part)
        ),
    )


@dataclass(slots=True)
class Expected:
    """What a job has to come to, by the tables of the protocol and nothing else."""

    outcome: Outcome
    accepted: bytes | None
    candidates: set[bytes]
    referee_acts: list[str]


def expected_of(game: Game, number: int) -> Expected:
    """Work out a job's outcome from what its seats and its referee do."""
    job = game.jobs[number]
    results = [job.result(seat, game.size) for seat in range(len(job.behaviours))]
    showing = {
        result: job.showings[behaviour]
        for result, behaviour in zip(results, job.behaviours, strict=True)
        if result is not None
    }
    votes = Counter(result for result in results if result is not None)
    candidates = {result for result, shown in showing.items() if shown is not Showing.HIDDEN}
    complete = {result for result, shown in showing.items() if shown is Showing.PUBLISHED}
    leader = next((result for result in complete if votes[result] >= game.quorum), None)
    unanimous = leader is not None and votes[leader] == votes.total()

    right = right_result(game)
    if not (unanimous and not game.audited):
        if job.referee is Referee.VOID:
            return Expected(Outcome.VOID, None, candidates, ["ruleVoid"])
        if job.referee is Referee.RIGHT:
            acts = ["propose"] * (right not in candidates) + ["publish"] * (right not in complete)
            if not game.audited and game.quorum <= votes[right] == votes.total():
                return Expected(Outcome.UNANIMOUS, right, candidates | {right}, acts)  # its bytes were all it lacked
            return Expected(Outcome.RULED, right, candidates | {right}, [*acts, "rule"])
    if leader is None:
        return Expected(Outcome.FAILED, None, candidates, [])
    contested = Outcome.UNCONTESTED if len(candidates) == 1 else Outcome.QUORUM
    return Expected(Outcome.UNANIMOUS if unanimous else contested, leader, candidates, [])


def right_result(game: Game) -> bytes:
    """Return the right result of a game's jobs."""
    return JobGame((Behaviour.RIGHT,), {}, Referee.SILENT, 0).result(0, game.size)


@dataclass(slots=True)
class Books:
    """What each actor has to own in the registry, and who has to be a member."""

    credit: Counter = field(default_factory=Counter)
    burnt: int = 0
    stake: Counter = field(default_factory=lambda: Counter(dict.fromkeys(range(1, MEMBERS + 1), STAKE)))
    members: set[int] = field(default_factory=lambda: set(range(1, MEMBERS + 1)))

    def settle(self, game: Game, number: int, expected: Expected, actors: list[int]) -> None:
        """Book all seats of a job, held by `actors`; what is left is the server's or, after a ruling, burnt."""
        job = game.jobs[number]
        left = len(actors) * game.reward + game.bonus
        for seat, actor in enumerate(actors):
            result = job.result(seat, game.size)
            if result is None:
                self._take(actor, ABSENCE_FEE)
            elif expected.accepted is not None and result == expected.accepted:
                pay = game.reward + published_by(game, number, expected, seat)
                self.credit[actor] += pay
                left -= pay
            elif expected.accepted is not None or (
                expected.outcome is Outcome.FAILED and result not in expected.candidates
            ):
                self._take(actor, STAKE)
        if expected.outcome in (Outcome.RULED, Outcome.VOID):
            self.burnt += left
        else:
            self.credit[SERVER] += left

    def _take(self, actor: int, amount: int) -> None:
        self.stake[actor] -= amount
        self.burnt += amount
        self.members.discard(actor)


def holders_with(game: Game, number: int, result: bytes) -> list[int]:
    """Return the seats that commit to a result."""
    job = game.jobs[number]
    return [seat for seat in range(len(job.behaviours)) if job.result(seat, game.size) == result]


def publisher_of(game: Game, number: int, result: bytes, index: int) -> int:
    """Return the seat that publishes a chunk: they take turns."""
    seats = holders_with(game, number, result)
    return seats[(game.jobs[number].publisher + index) % len(seats)]


def published_by(game: Game, number: int, expected: Expected, seat: int) -> int:
    """Return a seat's share of the bonus."""
    if "publish" in expected.referee_acts:
        return 0
    count = chunk_count(game.size)
    chunks = [publisher_of(game, number, expected.accepted, index) for index in range(count)].count(seat)
    return chunks * (game.bonus // count)
