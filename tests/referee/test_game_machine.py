"""Whatever anybody does: with one honest player that answers no wrong claim stands, and no right one falls."""

import pytest
from ape import chain, project
from ape.exceptions import ContractLogicError
from ape.utils import ZERO_ADDRESS
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.contracts.chain_control import rollback
from tests.referee.game import (
    BOND,
    HONEST,
    LEAVES,
    STATEMENT,
    Counting,
    Table,
    answer,
    counted,
    different,
    now,
    pursue,
)

CLAIMS, CLOCK = 1000, 800  # seconds
LIES = [
    Counting({137: counted([548, 549, 551, 552])}),
    Counting({0: counted([1, 2, 3, 4])}),
    Counting({299: counted([1196, 1197, 1198, 1198])}),
    Counting({LEAVES: counted([1200, 1201, 1202, 1203])}),
    Counting({511: b"junk" * 8}),
    Counting({12: counted([48])}),
    Counting({12: b""}),
    Counting({12: None}),
]
SILENT, PLAYING = "silent", "playing"


class Game(RuleBasedStateMachine):
    """Two liars with one purse between them, and an honest player that answers after every move of theirs.

    It puts nothing down before a dispute, and moves for no claim but its own.
    """

    disputes = judge = honest = liars = None

    def __init__(self):
        super().__init__()
        self._undo = rollback()
        self._undo.__enter__()
        self.judge.setTimes(now() + CLAIMS, now() + CLAIMS + 5 * CLOCK, sender=self.liars[0])
        self.table = Table(self.disputes, self.judge)
        self.start, self.end = self.judge.start(), self.judge.end()
        self.claims = {}  # number: (trace, claimant)
        self.games = []  # (game, challenger)
        self.bonds = 0  # that were ever put down
        self.own = None  # the honest claim
        self.refuted = set()  # claims; nothing undoes that, so it is asked once
        self.over = set()  # challenges
        self.first = None  # the claim that speaks for the result

    def teardown(self):
        self._end()
        self._undo.__exit__(None, None, None)

    # The liars

    @precondition(lambda self: now() < self._claims_end())
    @rule(trace=st.sampled_from([*LIES, HONEST]), who=st.integers(0, 1))
    def claim_a_lie_or_copy_the_right_root(self, trace, who):
        self._put(self.table.claim(self.liars[who], trace), trace, self.liars[who])
        self._defend()

    @precondition(lambda self: self.claims and now() < self.start + 2 * CLOCK)
    @rule(data=st.data(), who=st.integers(0, 1))
    def challenge_anything(self, data, who):
        standing = self._standing()
        if not standing:
            return
        number = data.draw(st.sampled_from(standing))
        trace, _ = self.claims[number]
        game = self.table.challenge(self.liars[who], number, trace, data.draw(st.integers(0, 63)))
        self.games.append((game, self.liars[who]))
        self.bonds += 1
        self._defend()

    @precondition(lambda self: self.games)
    @rule(data=st.data(), entry=st.integers(0, 5) | st.just(65_534))
    def move_for_anybody(self, data, entry):
        """Make a move that is anybody's: a claim's, or one of a challenge of theirs, fitting or not."""
        game, challenger = data.draw(st.sampled_from(self.games))
        state = self.disputes.challenges(game.number)
        try:
            if state.turn == 1:
                answer(self.table, self.liars[0], game)
            elif state.turn == 2 and challenger != self.honest:
                if game.leaf is None or data.draw(st.booleans()):
                    self.table.pick(challenger, game, data.draw(st.integers(0, 7)))
                else:
                    self.table.pick_entry(challenger, game, entry)
        except (ContractLogicError, IndexError, KeyError):  # it is refused, or there is nothing such to show
            pass
        self._defend()

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), who=st.integers(0, 1))
    def let_a_claim_speak_for_the_result(self, data, who):
        number = data.draw(st.sampled_from(sorted(self.claims)))
        try:
            self.disputes.succeed(number, sender=self.liars[who])
        except ContractLogicError:
            assert self._is_refuted(number) or not self._is_refuted(self.first)
        else:
            assert not self._is_refuted(number)
            assert self._is_refuted(self.first)
            self.first = number

    @rule(seconds=st.integers(1, 600))
    def wait(self, seconds):
        if now() + seconds < self.start + 4 * CLOCK:  # the rest is for those who finish
            chain.mine(deltatime=seconds)
            self._defend()

    @rule(end=st.sampled_from([0, CLOCK, 2 * CLOCK]))
    def wait_until_the_last_second(self, end):
        if now() < self.start + end - 1:
            chain.mine(timestamp=self.start + end - 2)
            self._defend()

    # The honest player

    def _claims_end(self):
        return self.start + CLOCK * bool(self.claims)

    def _put(self, number, trace, claimant):
        if not self._standing():
            self.first = number
        self.claims[number] = (trace, claimant)
        self.bonds += 1

    def _defend(self):
        if self.claims and self.own is None:
            self.own = self.table.claim(self.honest, HONEST)
            self._put(self.own, HONEST, self.honest)
        self._challenge_lies()
        for game, challenger in self._running():
            for _ in range(8):
                state = self.disputes.challenges(game.number)
                if state.turn == 1 and game.claim == self.own:
                    answer(self.table, self.honest, game)
                elif state.turn == 2 and challenger == self.honest and not self._is_refuted(game.claim):
                    pursue(self.table, self.honest, game)
                else:
                    break
        self._finish()

    def _challenge_lies(self):
        mine = {game.claim for game, challenger in self.games if challenger == self.honest}
        for number, (trace, _) in self.claims.items():
            if trace is HONEST or number in mine or self._is_refuted(number) or now() >= self.start + 2 * CLOCK:
                continue
            game = self.table.challenge(self.honest, number, trace, different(HONEST, trace, 0, 0))
            self.games.append((game, self.honest))
            self.bonds += 1

    def _is_refuted(self, number):
        if number not in self.refuted and self.disputes.claims(number).isRefuted:
            self.refuted.add(number)
        return number in self.refuted

    def _standing(self):
        return [number for number in self.claims if not self._is_refuted(number)]

    def _running(self):
        return [(game, challenger) for game, challenger in self.games if game.number not in self.over]

    def _finish(self):
        """End what has run out, or is moot."""
        for game, _ in self._running():
            state = self.disputes.challenges(game.number)
            if state.turn > 2:
                self.over.add(game.number)
            left = {1: state.claimLeft, 2: state.challengerLeft}.get(state.turn)
            if left is not None and (self._is_refuted(game.claim) or now() >= state.since + left):
                self.table.finish(self.honest, game)

    # What holds

    @invariant()
    def a_result_stands_while_a_claim_of_it_does(self):
        standing = self._standing()
        assert self.judge.stands(STATEMENT) == bool(standing)
        assert self.disputes.caseAt(self.judge, STATEMENT).standing == len(standing)
        speaks = self.first is not None and self.first in standing
        expected = self.claims[self.first][1] if speaks else ZERO_ADDRESS
        assert self.disputes.claimantOf(self.judge, STATEMENT) == expected

    @invariant()
    def every_wei_is_held(self):
        assert self.disputes.balance == self.bonds * BOND

    def _end(self):
        """Let the rest of the time pass, with the honest player answering, and settle everything."""
        while now() < self.start + 4 * CLOCK:
            chain.mine(deltatime=200)
            self._defend()
        self._finish()
        assert now() < self.end, "nothing is left to do when it has to be decided"
        for game, challenger in self.games:
            turn = self.disputes.challenges(game.number).turn
            assert turn in (3, 4, 5)
            assert turn != 4 or game.claim != self.own
            assert challenger != self.honest or turn in (4, 5), "the honest player's challenges never fail"
        for number, (trace, _) in self.claims.items():
            assert trace is HONEST or self._is_refuted(number)
            if not self._is_refuted(number):
                self.disputes.release(number, sender=self.honest)
        assert self.own is not None or not self.claims
        assert self.own is None or not self._is_refuted(self.own)
        owed = {who: self.disputes.creditOf(who) for who in (self.honest, *self.liars)}
        assert sum(owed.values()) == self.bonds * BOND == self.disputes.balance
        spent = sum(challenger == self.honest for _, challenger in self.games)
        spent += self.own is not None
        assert owed[self.honest] >= spent * BOND, "it gets back at least what it has put down"
        for who, amount in owed.items():
            if amount:
                self.disputes.withdraw(sender=who)
        assert self.disputes.balance == 0


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
def test_no_wrong_claim_stands_and_no_right_one_falls(server, newcomers):
    judge = server.deploy(project.CountingJudge)
    disputes = server.deploy(project.Disputes, judge, BOND)
    parts = {"judge": judge, "disputes": disputes, "honest": newcomers[0], "liars": newcomers[1:3]}
    steps = 25 if settings.get_current_profile_name() == "thorough" else 12

    run_state_machine_as_test(
        type("Played", (Game,), parts),
        settings=settings(stateful_step_count=steps, max_examples=settings.default.max_examples // 6 + 1),
    )
