"""The limit of a transaction's gas holds whatever comes before it in its block: a few of every kind, in any order.

A join behind another in its block takes a third more than a node estimates, which tries it out alone.
"""

import random
from contextlib import contextmanager
from itertools import pairwise, permutations
from pathlib import Path

import pytest
from eth_utils import keccak

from mlchain.chain import batches
from mlchain.chain.accounts import account_from_secret, load_account
from mlchain.chain.deploy import deploy, numbers_of
from mlchain.chain.deployment import Parameters
from mlchain.chain.receipts import Receipt
from mlchain.protocol.announcements import recipe_announcement
from mlchain.protocol.calls import Call
from mlchain.protocol.commitments import commitment
from mlchain.protocol.content import CHUNK_SIZE, chunk_hashes, content_hash, split
from mlchain.protocol.gas import CALLS, TRANSACTION, gas_bound
from mlchain.protocol.rounds import ETHER
from mlchain.protocol.terms import RoundTerms
from tests.chain.anvil import anvil, connected

EACH = 3  # transactions of a kind
RESULT = bytes(range(1, 256)) * (EACH * CHUNK_SIZE // 255)  # no zero bytes, which cost less
WINDOW = 600
RECIPE = bytes(range(160))


def orders(kinds, are_all):
    """Return orders of kinds in which each comes right behind each other one; or, of few, all, of many, some more."""
    if are_all and len(kinds) <= 4:
        return list(permutations(kinds))
    size = len(kinds)
    base = [(place + 1) // 2 * (-1) ** (place + 1) for place in range(size)]  # 0, 1, -1, 2, -2, …
    rows = [[kinds[(first + step) % size] for step in base] for first in range(size)]
    dice = random.Random(1)
    return [*rows, *(row[::-1] for row in rows), *(dice.sample(kinds, size) for _ in range(40 * are_all))]


def test_the_orders_put_each_kind_right_behind_each_other_one():
    for size in range(2, 10):
        kinds = list(range(size))
        found = orders(kinds, are_all=False)

        assert all(sorted(order) == kinds for order in found)
        assert len({pair for order in found for pair in pairwise(order)}) == size * (size - 1)


class Stage:
    """A deployment on an Anvil, and people to act on it; what is sent gets the limits of live programs."""

    def __init__(self, chain):
        self.chain = chain
        self.server = load_account(None)
        self.deployment = deploy(chain, self.server, Parameters(min_window=WINDOW, min_seats=2), 8).deployment
        self.numbers = numbers_of(self.server, self.deployment, 8)
        chain.follow(self.deployment)
        self.people = [account_from_secret(keccak(text=f"person {number}")) for number in range(24)]
        chain.transfer_all(self.server, {person.address: 5 * ETHER for person in self.people})
        self.by_address = {person.address: person for person in self.people}
        self.send(self.announcing(RESULT))
        self.send(*self.publishing(1))

    def send(self, *calls):
        """Put transactions into one block, in this order, and read what follows."""
        self.send_together(*calls)
        self.chain.sync()

    def send_together(self, *calls):
        """Put transactions into one block, in this order: none fails."""
        outcomes = list(self.chain.send_all(calls))
        failed = [outcome for outcome in outcomes if not isinstance(outcome, Receipt)]
        assert failed == []
        assert len({outcome.block for outcome in outcomes}) == 1, "more than a block"

    def announcing(self, model, later=0):
        number = len(self.chain.ledger.versions) + later  # of a round; it has to be a later one each time
        return self.server, Call("ModelRegistry", "announce", (number, content_hash(model), len(model)))

    def publishing(self, version):
        hashes = chunk_hashes(RESULT)
        calls = [
            Call("ModelRegistry", "publish", (version, index, hashes, it)) for index, it in enumerate(split(RESULT))
        ]
        return [(self.server, call) for call in calls]

    def registry(self, method, people, value=0):
        return [(person, Call("WorkerRegistry", method, value=value)) for person in people]

    def announced_data(self):
        call = Call("JobFactory", "announceData", recipe_announcement(RECIPE))
        return [(self.server, call)] * EACH

    def deploying(self, jobs, seats):
        windows = (WINDOW, 4 * WINDOW, WINDOW, 0)
        terms = RoundTerms(1, jobs, seats, seats // 2 + 1, ETHER // 100, ETHER // 1000, len(RESULT), *windows)
        number = self.numbers.number_of(len(self.chain.ledger.rounds) + 1)
        return self.server, Call("JobFactory", "deployRound", (terms, number, RECIPE), terms.escrow)

    def open_round(self, jobs, seats):
        self.send((self.server, Call("JobFactory", "scheduleRound")))
        self.send(self.deploying(jobs, seats))
        return self.chain.ledger.rounds[-1].jobs

    def by_seat(self, job, seat, method, *arguments):
        return self.by_address[job.committee[seat]], Call("Job", method, arguments, address=job.address)

    def committing(self, job):
        seats = range(job.terms.seats)
        return [self.by_seat(job, it, "commit", it, commitment(job.address, it, content_hash(RESULT))) for it in seats]

    def as_referee(self, job, method, *arguments):
        return self.server, Call("Job", method, (content_hash(RESULT), *arguments), address=job.address)

    def shown(self, job, seat=None):
        """Return what publishes every chunk of the result, by a seat or by the referee."""
        chunks = [(index, chunk_hashes(RESULT), it) for index, it in enumerate(split(RESULT))]
        if seat is None:
            return [self.as_referee(job, "publishUnpaid", *chunk) for chunk in chunks]
        return [self.by_seat(job, seat, "publish", seat, content_hash(RESULT), *chunk) for chunk in chunks]

    @contextmanager
    def undone(self):
        """Undo on the chain what happens inside."""
        snapshot = self.chain._provider.snapshot()
        try:
            yield
        finally:
            self.chain._provider.restore(snapshot)
            self.chain.follow(self.deployment)
            self.chain.sync()


@pytest.fixture(scope="module")
def limits():
    """Give every transaction of a batch the limit that a live program gives it, whatever it is estimated at."""
    known = {}

    def limits_of(_provider, _node, transactions):
        return [known.get((it.receiver, it.data), TRANSACTION) for it in transactions]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "_gas_limits", limits_of)
        yield known


@pytest.fixture(scope="module")
def stage(limits):
    with anvil() as node, connected(node) as chain, pytest.MonkeyPatch.context() as patch:
        encode = chain.encode

        def with_limit(call):
            receiver, data = encode(call)
            limits[receiver, data] = gas_bound(call, data, chain.ledger.job_at(receiver))
            return receiver, data

        patch.setattr(chain, "encode", with_limit)
        yield Stage(chain)


def crowd(stage, kinds, are_all):
    """Put all kinds into one block, in every order."""
    for order in orders(list(kinds), are_all):
        snapshot = stage.chain._provider.snapshot()
        stage.send_together(*(call for kind in order for call in kinds[kind]))
        stage.chain._provider.restore(snapshot)


THOROUGHLY = pytest.mark.parametrize("are_all", [False, pytest.param(True, marks=pytest.mark.slow)])


@pytest.fixture
def decided(stage):
    """A chain on which a round can be settled; return who has left, who has a credit, and the jobs."""
    with connected(stage.chain._provider), stage.undone():
        members, leavers = stage.people[:12], stage.people[12:15]
        stage.send(*stage.registry("join", [*members, *leavers], ETHER))
        stage.send(*stage.registry("leave", leavers))
        (job,) = stage.open_round(1, 4)
        stage.send(*stage.committing(job))
        stage.send(stage.by_seat(job, 0, "propose", 0, content_hash(RESULT)))
        stage.send(*stage.shown(job, 0))
        stage.send((stage.server, Call("Job", "settle", (list(range(4)),), address=job.address)))
        stage.chain.mine(130)
        jobs = stage.open_round(EACH, 2)
        stage.chain.advance_to(jobs[0].referee_end)
        stage.send(stage.announcing(RESULT))
        yield leavers, [stage.by_address[it] for it in job.committee[:EACH]], jobs


@THOROUGHLY
def test_beside_a_settlement_every_limit_holds(stage, decided, are_all):
    leavers, paid, jobs = decided
    joiners, strangers = stage.people[15 : 15 + EACH], [person.address for person in stage.people[20 : 20 + EACH]]
    holders = {holder for job in jobs for holder in job.committee}
    free = [person for person in stage.people[:12] if person.address not in holders]
    kinds = {
        "join": stage.registry("join", joiners, ETHER),
        "leave": stage.registry("leave", free[:EACH]),
        "withdraw": stage.registry("withdraw", paid),
        "withdrawStake": stage.registry("withdrawStake", leavers),
        "settle": [(stage.people[23], Call("Job", "settle", ([0, 1],), address=job.address)) for job in jobs],
        "announceData": stage.announced_data(),
        "announce": [stage.announcing(RESULT, later) for later in range(EACH)],
        "publish": stage.publishing(2),
        "setAdmission": [(stage.server, Call("WorkerRegistry", "setAdmission", (it, True))) for it in strangers],
    }

    crowd(stage, kinds, are_all)


@THOROUGHLY
def test_beside_a_deployment_and_commitments_every_limit_holds(stage, are_all):
    with connected(stage.chain._provider), stage.undone():
        members = stage.people[:12]
        stage.send(*stage.registry("join", members, ETHER))
        around = {"join": stage.registry("join", stage.people[15:18], ETHER)}
        around["leave"] = stage.registry("leave", members[:EACH])
        stage.send((stage.server, Call("JobFactory", "scheduleRound")))
        crowd(stage, around | {"deployRound": [stage.deploying(EACH, 3)], "data": stage.announced_data()}, are_all)

        stage.send(stage.deploying(EACH, 3))
        jobs = stage.chain.ledger.rounds[-1].jobs
        commits = [call for job in jobs for call in stage.committing(job)]
        crowd(stage, around | {"commit": commits}, are_all)


@THOROUGHLY
def test_beside_proposals_and_rulings_every_limit_holds(stage, are_all):
    with connected(stage.chain._provider), stage.undone():
        members = stage.people[:14]
        stage.send(*stage.registry("join", members, ETHER))
        shown, ruled, void, silent, *others = stage.open_round(6, 2)
        stage.send(*(call for job in [shown, *others] for call in stage.committing(job)))
        stage.chain.advance_to(ruled.commit_end)  # long after that of the job that all have committed to
        proposal = stage.by_seat(shown, 0, "propose", 0, content_hash(RESULT))
        stage.send(proposal, stage.as_referee(ruled, "proposeAny"))
        kinds = {
            "propose": [stage.by_seat(job, 0, "propose", 0, content_hash(RESULT)) for job in others],
            "publish": stage.shown(shown, 0),
            "referee": [*stage.shown(ruled), stage.as_referee(ruled, "rule")],
            "proposeAny": [stage.as_referee(silent, "proposeAny")],
            "ruleVoid": [(stage.server, Call("Job", "ruleVoid", address=void.address))],
            "leave": stage.registry("leave", members[:EACH]),
        }

        crowd(stage, kinds, are_all)


def test_every_kind_that_has_a_limit_is_in_a_block_above():
    """But for those of the referees, which nobody else's transaction makes dearer: whole runs keep to their limits."""
    source = Path(__file__).read_text()

    kinds = [kind for kind in CALLS if not kind.startswith(("Disputes.", "VersionReferee."))]
    assert [kind for kind in kinds if f'"{kind.split(".")[1]}"' not in source] == []
