"""The loop of a live program: it acts once, waits out a node in trouble, and stops when told to."""

from dataclasses import dataclass, field
from itertools import accumulate
from threading import Event
from types import SimpleNamespace

import pytest
from requests import ConnectionError as NodeGone

from mlchain.chain.node_errors import NodeError
from mlchain.errors import TransactionFailed, UserError
from mlchain.live import loop
from mlchain.live.loop import IDLE_POLL_INTERVAL, ActorLoop
from mlchain.live.training import Interrupted
from mlchain.protocol.calls import Call, Shortfall, Turn
from mlchain.protocol.events import Log, Unknown
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import ETHER

CALLS = [Call("ModelRegistry", "publish", (1, 0)), Call("ModelRegistry", "publish", (1, 1))]


LOG = Log(Unknown("Reset"), "0x2", 1, 0, 1_000, "0xhash")


@dataclass
class View:
    block: int
    now: float


@dataclass
class Chain:
    """A chain; each look is one of `looks`: a failure, or a block. Blocks in `eventful` have a log, seen once."""

    looks: list
    eventful: frozenset = frozenset()
    clock: object = None
    ledger: object = field(default_factory=lambda: Ledger("0x1"))
    seen: list = field(default_factory=list)
    offset: int = 0
    anew: list = field(default_factory=list)

    def sync(self, anew=False):
        self.anew.append(anew)
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, Exception):
            raise look
        is_news = look in self.eventful and look not in self.seen
        self.seen.append(look)
        return [LOG] if is_news else []

    @property
    def now(self):
        return 1_000 + self.clock.now + self.offset

    def last_view(self):
        return View(self.seen[-1], self.now)


@dataclass
class Actor:
    turns: list
    address: str = "0x1"

    def act(self, _view):
        return self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]


@dataclass
class Outbox:
    """An outbox that refuses what is in `refuses`, and has numbers only after `busy` looks."""

    refuses: list = field(default_factory=list)
    busy: int = 0
    is_impatient: bool = False
    sent: list = field(default_factory=list)
    limits: list = field(default_factory=list)
    gas_price: int = 30
    failures: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)

    def failure_of(self, transaction):
        self.asked.append(transaction)
        return self.failures.get(transaction)

    def nonce(self, _block, _now):
        self.busy -= 1
        return None if self.busy >= 0 else 7

    def send(self, call, nonce, most):
        if call in self.refuses:
            raise TransactionFailed(f"the chain refused {call.kind}")
        self.limits.append(most)
        self.sent.append((call, nonce))
        return "0xhash"


class Clock:
    """An event that time passes by waiting for, and that is set after so many waits."""

    def __init__(self, waits):
        self.now, self.pauses, self._left = 0.0, [], waits

    def is_set(self):
        return self._left <= 0

    def wait(self, pause):
        self.pauses.append(pause)
        self.now += pause
        self._left -= 1


@pytest.fixture
def run(monkeypatch):
    """Run a program for some looks; returns whether it ended by itself, what it said, and how long it paused."""

    def run(chain, actor, outbox, waits=10, is_done=lambda _view: False, **limits):
        clock, said = Clock(waits), []
        chain.clock = clock
        monkeypatch.setattr(loop.time, "monotonic", lambda: clock.now)
        ended = ActorLoop(chain, actor, outbox, said.append, is_done, poll_interval=2, **limits).run(clock)
        return ended, said, clock.pauses

    return run


def test_the_calls_of_a_turn_are_sent_in_order_under_consecutive_numbers(run):
    outbox = Outbox()

    run(Chain([1]), Actor([Turn(CALLS), Turn([])]), outbox)

    assert outbox.sent == [(CALLS[0], 7), (CALLS[1], 8)]


def test_a_refused_call_takes_no_number_and_is_not_tried_at_every_look(run):
    chain, outbox = Chain([1]), Outbox(refuses=[CALLS[0]])

    _ended, said, _pauses = run(chain, Actor([Turn(CALLS[:1])]), outbox, waits=40)
    tries = len([line for line in said if "trying again later" in line]) + 1

    assert outbox.sent == []
    assert 4 <= tries <= 8, "the pauses double"
    assert sum(chain.anew) == (tries - 1).bit_length(), "read anew after the first, second and fourth time more"
    assert not any(chain.anew[:2]), "somebody else may have been faster"


def test_a_round_that_is_refused_is_told_of_although_it_is_another_one_at_every_try(run):
    """Its random number is drawn anew, and its snapshot block goes on."""
    tries = [Call("JobFactory", "deployRound", (number,), purpose="round 1") for number in range(100)]

    _ended, said, _pauses = run(Chain([1]), Actor([Turn([it]) for it in tries]), Outbox(refuses=tries), waits=40)

    assert said[0] == "the chain refused JobFactory.deployRound; trying again later"
    assert len(said) <= 7, "the pauses double"


def test_what_was_sent_long_ago_is_forgotten(run, monkeypatch):
    monkeypatch.setattr(loop, "REMEMBERED", 20)
    calls = [Call("ModelRegistry", "publish", (version, bytes(9))) for version in range(100)]
    kept = []

    class Watched(ActorLoop):
        def _send(self, call, nonce, limit):
            kept.append(len(self._refused))
            return super()._send(call, nonce, limit)

    monkeypatch.setitem(globals(), "ActorLoop", Watched)
    run(Chain([1]), Actor([Turn([it]) for it in calls]), Outbox(), waits=90)

    assert len(kept) == 90
    assert max(kept) < 15


def test_what_has_waited_too_long_is_told_of_only_when_it_is_sent_again(run):
    outbox = Outbox(refuses=[CALLS[0]], is_impatient=True)

    _ended, said, _pauses = run(Chain([1]), Actor([Turn(CALLS[:1])]), outbox, waits=40)

    assert len([line for line in said if "pending too long" in line]) <= 8, "the pauses double"


def test_after_a_refusal_the_next_call_gets_its_number(run):
    outbox = Outbox(refuses=[CALLS[0]])

    run(Chain([1]), Actor([Turn(CALLS), Turn([])]), outbox)

    assert outbox.sent == [(CALLS[1], 7)]


def test_what_is_too_dear_waits_with_one_line_and_the_rest_is_sent(run):
    outbox = Outbox()

    _ended, said, _pauses = run(
        Chain([1]), Actor([Turn(CALLS)]), outbox, most_gas_price=lambda call, _view: 29 if call == CALLS[0] else 30
    )

    assert {call for call, _nonce in outbox.sent} == {CALLS[1]}
    assert set(outbox.limits) == {30}, "its transaction may not pay more either"
    assert [line for line in said if "gas costs" in line] == [
        "gas costs 30 wei: ModelRegistry.publish waits for 29 wei or less (--max-gas-price)"
    ]


def test_what_has_waited_is_sent_once_gas_is_cheap_enough_and_is_told_of_when_it_waits_again(run):
    outbox = Outbox()

    class Falling(Actor):
        def act(self, _view):
            outbox.gas_price = 30 if not outbox.sent and self.looks < 3 else 20
            self.looks += 1
            return Turn(CALLS[:1])

        looks = 0

    _ended, said, _pauses = run(Chain([1]), Falling([]), outbox, most_gas_price=lambda _call, _view: 25)

    assert outbox.sent[0] == (CALLS[0], 7)
    assert len([line for line in said if "gas costs" in line]) == 1


def test_a_transaction_that_failed_in_its_block_is_a_line_with_its_reason(run):
    """Its receipt is looked at once, when it is final and nothing that it did has been seen."""
    outbox = Outbox(failures={"0xhash": "out of gas, at a cost of 0.001 ether"})

    _ended, said, _pauses = run(Chain([1]), Actor([Turn(CALLS[:1]), Turn([])]), outbox)

    assert [line for line in said if "failed" in line] == [
        "ModelRegistry.publish in 0xhash failed: out of gas, at a cost of 0.001 ether"
    ]
    assert outbox.asked == ["0xhash"]


def test_of_what_is_seen_to_have_gone_well_no_receipt_is_asked_for(run):
    outbox = Outbox()

    run(Chain([1, 2], eventful=frozenset([2])), Actor([Turn(CALLS[:1]), Turn([])]), outbox)

    assert outbox.asked == []


def test_no_receipt_is_asked_for_while_something_is_on_its_way(run):
    outbox = Outbox()

    class Busy(Actor):
        def act(self, view):
            outbox.busy = 99 if outbox.sent else 0
            return super().act(view)

    run(Chain([1]), Busy([Turn(CALLS[:1]), Turn([])]), outbox)

    assert outbox.asked == []


def test_who_watches_is_told_of_every_look_and_of_what_was_sent(run):
    seen = []
    watch = SimpleNamespace(look=lambda: seen.append("look"), sent=seen.append)

    run(Chain([1, NodeGone("refused"), 1]), Actor([Turn(CALLS[:1]), Turn([])]), Outbox(), waits=3, watch=watch)

    assert seen == ["0xhash", "look", "look"]


def test_nothing_is_sent_while_something_is_on_its_way(run):
    outbox = Outbox(busy=3)

    run(Chain([1]), Actor([Turn(CALLS[:1])] * 4 + [Turn([])]), outbox, waits=3)
    assert outbox.sent == []

    run(Chain([1]), Actor([Turn(CALLS[:1]), Turn([])]), outbox, waits=1)
    assert outbox.sent == [(CALLS[0], 7)]


@pytest.mark.parametrize("trouble", [NodeGone("refused"), TimeoutError("timed out"), ValueError("no JSON")])
def test_a_node_in_trouble_is_waited_for_ever_longer_and_said_so_in_one_line(run, trouble):
    _ended, said, pauses = run(Chain([trouble] * 9 + [1]), Actor([Turn([])]), Outbox(), waits=11)

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30, 30, 2, 2]
    assert said[0] == f"the node does not answer as it should: {trouble}; trying again in 1 s"
    assert said[-1] == "the node answers again"
    assert not any("\n" in line for line in said)


def test_an_error_of_a_task_is_never_called_node_trouble(run):
    class Broken(Actor):
        def act(self, _view):
            raise ValueError("a model of 7 bytes")

    with pytest.raises(ValueError, match=r"^a model of 7 bytes$"):
        run(Chain([1]), Broken([]), Outbox())


def test_what_is_interrupted_because_it_was_told_to_stop_ends_the_loop(run):
    class Stopped(Actor):
        def act(self, _view):
            raise Interrupted

    ended, said, pauses = run(Chain([1]), Stopped([]), Outbox())

    assert (ended, said, pauses) == (False, [], [])


def test_a_notice_is_said_once_for_as_long_as_it_is_the_same(run):
    turns = [Turn([], notice=notice) for notice in ["seat 0 is declined"] * 2 + ["leaving"] * 2]

    looks = [1, 2, 3, 4]
    _ended, said, _pauses = run(Chain(looks, eventful=frozenset(looks)), Actor([*turns, Turn([])]), Outbox())

    assert [line for line in said if line in {"seat 0 is declined", "leaving"}] == ["seat 0 is declined", "leaving"]


def test_it_ends_when_nothing_is_left_to_do(run):
    ended, _said, pauses = run(Chain([1]), Actor([Turn([])]), Outbox(), is_done=lambda _view: True)

    assert ended
    assert pauses == []


def test_it_does_not_end_while_something_is_on_its_way(run):
    """A worker killed after it sent its joining and told to leave at once has not joined yet, but will have."""
    ended, _said, pauses = run(Chain([1]), Actor([Turn([])]), Outbox(busy=3), is_done=lambda _view: True)

    assert ended
    assert len(pauses) == 3


def test_it_does_not_end_while_something_has_waited_too_long(run):
    outbox = Outbox(is_impatient=True)

    assert run(Chain([1]), Actor([Turn([])]), outbox, is_done=lambda _view: True)[0] is False


def test_it_stops_when_told_to(run):
    assert run(Chain([1]), Actor([Turn([])]), Outbox(), waits=1)[0] is False
    stop = Event()
    stop.set()
    assert ActorLoop(Chain([1]), Actor([Turn([])]), Outbox(), print, lambda _view: True).run(stop) is False


def test_what_an_actor_waits_for_is_said_once_however_often_it_looks(run):
    turns = [Turn([], waiting="4 of 5"), Turn([], waiting="5 of 6"), Turn(CALLS[:1]), Turn([], waiting="3 of 5")]

    _ended, said, _pauses = run(Chain([1, 2, 3, 4, 5], eventful=frozenset(range(1, 6))), Actor(turns), Outbox())

    assert [line for line in said if " of " in line] == ["4 of 5", "3 of 5"]


LACK = Shortfall("its stake", needs=2 * ETHER, has=ETHER)


def test_who_has_too_little_ether_to_begin_is_told_so_and_how_much_it_takes(run):
    with pytest.raises(UserError, match=r"^0x1 has 1 ether and needs 2 ether: its stake$"):
        run(Chain([1]), Actor([Turn([], shortfall=LACK)]), Outbox())


def test_who_has_too_little_ether_later_says_so_once_and_waits_for_more(run):
    outbox = Outbox()
    turns = [Turn([]), *[Turn([], shortfall=LACK)] * 3, Turn(CALLS[:1]), *[Turn([], shortfall=LACK)] * 2]

    _ended, said, _pauses = run(Chain([1]), Actor(turns), outbox, waits=200)

    assert [line for line in said if "waiting" in line] == ["0x1 has 1 ether and needs 2 ether: its stake; waiting"] * 2
    assert outbox.sent == [(CALLS[0], 7)]


def test_who_has_something_else_to_do_begins_with_that(run):
    outbox = Outbox()

    run(Chain([1]), Actor([Turn(CALLS[:1], shortfall=LACK), Turn([])]), outbox)

    assert outbox.sent == [(CALLS[0], 7)]


def test_the_longer_nothing_happens_the_longer_it_waits(run):
    _ended, _said, pauses = run(Chain([1]), Actor([Turn([])]), Outbox(), waits=30)

    assert all(pause <= max(2, waited / 4) for pause, waited in zip(pauses, accumulate([0, *pauses]), strict=False))
    assert max(pauses) == IDLE_POLL_INTERVAL


def test_however_long_nothing_happens_it_looks_when_something_is_due(run):
    looks = []

    class Waker(Actor):
        def act(self, view):
            looks.append(view.now)
            return Turn([], wake=1_133)

    run(Chain([1]), Waker([]), Outbox(), waits=25)

    assert any(1_133 <= look <= 1_135 for look in looks)


def test_without_news_an_actor_sleeps_until_it_wants_to_wake(run):
    wakes = []

    class Sleeper(Actor):
        def act(self, view):
            wakes.append(view)
            return Turn([], wake=view.now + 20)

    run(Chain([1]), Sleeper([]), Outbox(), waits=15)

    assert wakes[0].now == 1_000
    assert 1_020 <= wakes[1].now <= 1_022


def test_news_end_a_rest_even_if_what_follows_cannot_be_sent_at_once(run):
    outbox = Outbox(busy=2)
    turns = [Turn([]), *[Turn(CALLS[:1])] * 3, Turn([])]

    run(Chain([1, 2], eventful=frozenset([2])), Actor(turns), outbox, waits=4)

    assert outbox.sent == [(CALLS[0], 7)], "8 seconds into a rest of 30"


def test_news_that_were_read_before_a_trouble_are_not_forgotten_over_a_rest(run):
    outbox = Outbox()

    class Forgetful(Actor):
        def act(self, view):
            if view.block == 2 and not self.troubled:
                self.troubled = True
                raise NodeError("refused")
            return super().act(view)

        troubled = False

    run(Chain([1, 2], eventful=frozenset([2])), Forgetful([Turn([]), Turn(CALLS[:1]), Turn([])]), outbox, waits=4)

    assert outbox.sent == [(CALLS[0], 7)]


def test_a_rest_by_a_clock_that_was_put_right_is_no_rest(run):
    chain, looks = Chain([1]), []
    chain.offset = 3_600

    class Looker(Actor):
        def act(self, view):
            looks.append(chain.clock.now)
            chain.offset = 0
            return Turn([])

    run(chain, Looker([]), Outbox(), waits=5)

    assert looks[:2] == [0, 2]
