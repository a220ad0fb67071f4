"""The outcome and the settlement of a job as docs/protocol.md has them: its tables, word by word."""

from enum import IntEnum, auto


class Phase(IntEnum):
    """`Job.Phase`."""

    COMMIT = 0
    PROPOSE = auto()
    REFEREE = auto()
    DECIDED = auto()


class Outcome(IntEnum):
    """`Job.Outcome`."""

    UNDECIDED = 0
    UNANIMOUS = auto()
    UNCONTESTED = auto()
    QUORUM = auto()
    RULED = auto()
    FAILED = auto()
    VOID = auto()


class Verdict(IntEnum):
    """`WorkerRegistry.Verdict`."""

    REWARDED = 0
    RELEASED = auto()
    SLASHED = auto()
    ABSENT = auto()


# (conditions, outcome, what is accepted): the first line all of whose conditions hold.
ACCEPTED, BROKEN = "the referee has accepted a result", "the referee has called the task broken"
COMPLETE, ALL_COMMITS, NO_OTHER = "the leader is complete", "its votes are all commits", "there is no other candidate"
CHALLENGE_OVER, PUBLISH_OVER = "`commitEnd + A` is reached", "`commitEnd + P` is reached"
REFEREE_OVER = "`commitEnd + P + R` is reached"
RULED, LEADER, NOTHING = "that", "the leader", "–"
OUTCOMES = (
    ([ACCEPTED], Outcome.RULED, RULED),
    ([BROKEN], Outcome.VOID, NOTHING),
    ([COMPLETE, ALL_COMMITS, CHALLENGE_OVER], Outcome.UNANIMOUS, LEADER),
    ([COMPLETE, NO_OTHER, PUBLISH_OVER], Outcome.UNCONTESTED, LEADER),
    ([COMPLETE, REFEREE_OVER], Outcome.QUORUM, LEADER),
    ([REFEREE_OVER], Outcome.FAILED, NOTHING),
    ([], Outcome.UNDECIDED, NOTHING),
)

# What a seat gets by what it committed to, if a result is accepted, if the job failed, and if its task is broken.
SEATS = ("opens to the accepted result", "opens to another candidate", "opens to no candidate", "never committed")
SETTLEMENTS = (
    (Verdict.REWARDED, None, None),
    (Verdict.SLASHED, Verdict.RELEASED, Verdict.RELEASED),
    (Verdict.SLASHED, Verdict.SLASHED, Verdict.RELEASED),
    (Verdict.ABSENT, Verdict.ABSENT, Verdict.ABSENT),
)
WORDS = {
    "reward and its share of the bonus": Verdict.REWARDED,
    "slashed": Verdict.SLASHED,
    "released": Verdict.RELEASED,
    "fee, removed": Verdict.ABSENT,
    "": None,
}
