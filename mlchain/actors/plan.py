"""What a learning server wants: the rounds, their terms, and when to stop."""

from dataclasses import dataclass, replace

from mlchain.errors import require


@dataclass(frozen=True, slots=True)
class Plan:
    """What the server wants: how many rounds, and the terms of each. Money in wei, times in seconds.

    `committee` is the seats per job, None for the whole pool in equal parts; `quorum` None is a bare majority. No
    round is scheduled while there are fewer than `min_pool` workers, or than `min_seats`, the deployment's, for each
    job. The first version is trained by `first_jobs`, if those are fewer. Training ends before all rounds are played
    once the model is right on a share of `until_accuracy` of the test samples, or `early_stopping` versions in a row
    have been no better than one before.
    """

    rounds: int
    jobs: int = 1
    committee: int | None = None
    quorum: int | None = None
    reward: int = 10**16
    bonus: int = 10**16
    commit_window: int = 24 * 3600
    publish_window: int = 24 * 3600
    referee_window: int = 24 * 3600
    challenge_window: int = 0
    min_pool: int = 1
    min_seats: int = 1
    first_jobs: int | None = None
    until_accuracy: float | None = None
    early_stopping: int | None = None

    def jobs_on(self, version: int) -> int:
        """Return how many jobs a round on this version has."""
        return self.jobs if version > 1 or self.first_jobs is None else min(self.first_jobs, self.jobs)

    def with_longest_challenge(self) -> "Plan":
        """Return this plan with as much time to audit as a job can have."""
        return replace(self, challenge_window=self.publish_window)


def require_stopping(until_accuracy: float | None, early_stopping: int | None) -> None:
    """Raise UserError for an accuracy that is no share, or a number of versions below 1."""
    is_share = until_accuracy is None or 0 < until_accuracy <= 1
    require(is_share, f"the accuracy to stop at has to be above 0 and at most 1, not {until_accuracy}")
    is_number = early_stopping is None or early_stopping >= 1
    require(is_number, f"the versions without a gain have to be 1 or more, not {early_stopping}")
