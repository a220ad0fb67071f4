"""When a watcher without a seat contests what the seats of a job have shown."""

from types import SimpleNamespace

import pytest

from mlchain.actors.watcher import Watcher
from mlchain.protocol.calls import Turn
from mlchain.protocol.rounds import Candidate, Job
from mlchain.protocol.terms import RoundTerms

RIGHT, WRONG = b"r" * 32, b"w" * 32
TERMS = RoundTerms(1, 1, 5, 3, 1, 0, 1, 100, 100, 500, 50)


def shown(**votes: int) -> Job:
    """Return a job with candidates of so many votes, complete ones; `own` is the right one by the watcher itself."""
    job = Job("0x1", 0, bytes(32), TERMS, 1_000, tuple("abcde"))
    for name, count in votes.items():
        hash_ = WRONG if name == "wrong" else RIGHT
        job.candidates[hash_] = Candidate(count, "somebody", {}, {0: b"x"}, is_rival=count > 0)
    return job


@pytest.mark.parametrize(
    ("votes", "is_chosen", "is_time", "contests"),
    [
        ({}, True, False, False),  # nothing is shown yet
        ({}, True, True, True),
        ({"wrong": 5}, True, False, True),
        ({"wrong": 5}, False, False, False),
        ({"wrong": 5, "own": 0}, True, False, True),  # it goes on until its claim stands
        ({"wrong": 4, "right": 1}, True, False, False),  # an honest seat comes first, and earns the bounty
        ({"wrong": 4, "right": 1}, True, True, True),
        ({"wrong": 4, "right": 1}, False, True, True),
        ({"wrong": 1, "right": 4}, True, True, False),
        ({"right": 5}, True, True, False),
        ({"right": 2}, False, True, True),  # too few to be accepted
    ],
)
def test_it_contests_lies_that_no_honest_seat_contradicts_and_what_does_not_stand_in_time(
    votes, is_chosen, is_time, contests
):
    assert Watcher._contests(shown(**votes), RIGHT, is_chosen, is_time) is contests


@pytest.mark.parametrize(("now", "share"), [(1_000, 1.0), (1_062, 0.0)])
def test_where_a_lie_is_claimed_it_leaves_the_seats_their_time_to_claim_what_is_right(now, share):
    """Or it would take the bounty of an honest seat; of a server's claim all is burnt."""
    job, shares = shown(wrong=4, right=1), []
    job.standing[WRONG] = 1

    def act(_view, _job, _right, _contests, share, _show):
        shares.append(share)
        return Turn([])

    ledger = SimpleNamespace(inputs_of=lambda *_: ())
    task = SimpleNamespace(train=lambda: RIGHT)
    watcher = Watcher("0x2", SimpleNamespace(act=act), lambda _round: task, lambda *_: False)
    watcher.watch(SimpleNamespace(now=now, ledger=ledger), SimpleNamespace(number=1, jobs=[job]), job)

    assert shares == [share]
