"""What a deployment and a round can be: twin of what `contracts/JobFactory.sol` and `WorkerRegistry.sol` refuse."""

from dataclasses import dataclass
from enum import Enum

from mlchain.protocol.content import CHUNK_SIZE, MAX_CHUNKS

MAX_JOBS = 64  # JobFactory.MAX_JOBS
MAX_SEATS = 256  # JobFactory.MAX_SEATS
CLOCKS = 5  # into which a game's time, the referee window, is divided
MOST_WEI = 2**96 - 1  # that the registry can hold for anybody
MOST_STAKE = 2**88 - 1  # wei
MOST_SECONDS = 2**32 - 1  # of a round


@dataclass(frozen=True, slots=True)
class RoundTerms:
    """The terms of a round in the order of `JobFactory.RoundTerms`: money in wei, times in seconds, sizes in bytes."""

    model_version: int
    jobs: int
    seats: int
    quorum: int
    reward: int
    bonus: int
    result_size: int
    commit_window: int
    publish_window: int
    referee_window: int
    challenge_window: int

    @property
    def windows(self) -> tuple[int, int, int]:
        """The commit, publish and referee window, in seconds."""
        return self.commit_window, self.publish_window, self.referee_window

    @property
    def escrow(self) -> int:
        """What the server has to pay in, in wei."""
        return self.jobs * (self.seats * self.reward + self.bonus)


class Limit(Enum):
    """A limit of a round's terms, by the error of a contract that refuses what breaks it."""

    JOBS = "InvalidJobs"
    SEATS = "InvalidSeats"
    QUORUM = "InvalidQuorum"
    REWARD = "NoReward"
    RESULT_SIZE = "InvalidSize"
    WINDOW = "WindowTooShort"
    DURATION = "RoundTooLong"
    CHALLENGE = "ChallengeOutlastsPublishing"


def broken_limits(
    terms: RoundTerms, min_seats: int, min_window: int, max_round_duration: int, has_game: bool = False
) -> list[Limit]:
    """Return the limits that terms break, in the order in which the contracts check them.

    `min_seats`, `min_window` and `max_round_duration`, in seconds, are those of the deployment, and `has_game` says
    whether its referee is a contract.
    """
    holds = {
        Limit.JOBS: 0 < terms.jobs <= MAX_JOBS,
        Limit.SEATS: min_seats <= terms.seats <= MAX_SEATS,
        Limit.QUORUM: is_quorum(terms.quorum, terms.seats),
        Limit.REWARD: terms.reward > 0,
        Limit.RESULT_SIZE: is_size(terms.result_size),
    }
    windows = broken_window_limits(terms.windows, min_window, max_round_duration)
    if has_game and min(terms.referee_window // CLOCKS, terms.challenge_window) < min_window:
        windows = [Limit.WINDOW, *(limit for limit in windows if limit is not Limit.WINDOW)]
    challenge = [Limit.CHALLENGE] if terms.challenge_window > terms.publish_window else []
    return [limit for limit, is_kept in holds.items() if not is_kept] + windows + challenge


def broken_window_limits(windows: tuple[int, int, int], min_window: int, max_round_duration: int) -> list[Limit]:
    """Return the limits that the commit, publish and referee window of a round break, all in seconds."""
    holds = {Limit.WINDOW: min(windows) >= min_window, Limit.DURATION: sum(windows) <= max_round_duration}
    return [limit for limit, is_kept in holds.items() if not is_kept]


def least_majority(seats: int) -> int:
    """Return the smallest quorum that a job of so many seats can have: no two candidates reach it."""
    return seats // 2 + 1


def is_quorum(quorum: int, seats: int) -> bool:
    """Return whether a job of so many seats can have this quorum."""
    return least_majority(seats) <= quorum <= seats


def is_size(size: int) -> bool:
    """Return whether so many bytes can be published."""
    return 0 < size <= CHUNK_SIZE * MAX_CHUNKS


def are_stakes(stake: int, absence_fee: int) -> bool:
    """Return whether a deployment can have this stake and this absence fee, in wei."""
    return 0 < absence_fee < stake <= MOST_STAKE


def are_durations(min_window: int, max_round_duration: int) -> bool:
    """Return whether a deployment can have this shortest window and this longest round, in seconds."""
    return 0 < 3 * min_window <= max_round_duration <= MOST_SECONDS
