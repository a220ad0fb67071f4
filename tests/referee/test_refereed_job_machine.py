"""G11: whatever anybody does, one honest watcher sees to it that the right result is accepted and nobody honest loses.

The server can still call the task broken, at its own cost. The chain is held against its twin after every step.
"""

import pytest
from ape import chain
from ape.exceptions import ContractLogicError
from ape.utils import ZERO_ADDRESS
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mlchain.protocol.content import content_hash
from mlchain.protocol.disputes import challenges_end, claims_end
from mlchain.protocol.game_events import GameTurn
from mlchain.protocol.rounds import VOID, Phase, Verdict, outcome, phase
from mlchain.protocol.settlement import amount_of, verdict_of
from tests.contracts.chain_control import move_to, now, rollback
from tests.contracts.protocol_steps import ABSENCE_FEE, STAKE
from tests.protocol.random_rounds import follow
from tests.referee.refereed import BOND, CLOCK, Contracts, Trace

WRONG, WORSE, HIDDEN = b"w" * 32, b"v" * 32, b"never shown to anybody"
PATIENCE = 100  # seconds that the watcher takes for anything
SEATS, QUORUM = 5, 3
RESULTS = st.sampled_from([WRONG, WORSE, "right", "right"])
LIES = st.sampled_from([None, 0, 1, 2])  # about a leaf, or all of a trace
ANSWERS = st.lists(st.sampled_from(["right", "right", WRONG, WRONG, WORSE, HIDDEN, None]), min_size=5, max_size=5)


class Game(RuleBasedStateMachine):
    """Evil seats, outsiders and server with one purse, and a watcher without a seat that acts after every step.

    All that the watcher knows is the ledger, which is the twin that is tested.
    """

    contracts = watcher = evil = None

    def __init__(self):
        super().__init__()
        self._undo = rollback()
        self._undo.__enter__()
        move_to(now() + 24 * 3600)  # away from today, where the clock runs by itself
        self.scene = self.contracts.round(seats=SEATS, quorum=QUORUM)
        self.reader = follow(self.contracts.record())
        self.right = self.scene.right
        self.results = {content_hash(result): result for result in (self.right, WRONG, WORSE)}
        self.traces = {}  # of claims
        self.answers = []

    def teardown(self):
        try:
            if self.answers:
                self._end()
        finally:
            self._undo.__exit__(None, None, None)

    @property
    def ledger(self):
        return self.reader.view().ledger

    @property
    def job(self):
        return self.ledger.rounds[-1].jobs[0]

    @property
    def games(self):
        return self.ledger.games

    def trace(self, result, lie):
        """Return the right trace of a result, one with another leaf, or a root that nobody has leaves of."""
        leaves = [self.right, content_hash(result)]
        if lie in (0, 1):
            leaves[lie] = b"x" * 32
        return Trace(tuple(leaves), (b"j" * 32, b"k" * 32) if lie == 2 else None)

    # The evil

    @initialize(answers=ANSWERS, who=st.integers(0, 2))
    def commit(self, answers, who):
        answers = [self.right if it == "right" else it for it in answers]
        self.scene.committee.commit_all(*answers[:-1], None)
        with pytest.raises(ContractLogicError):  # whoever copies a result while seats commit claims nothing
            self.scene.claim(self.evil[who], self.right)
        self.scene.committee.commit_all(*[None] * 4, answers[-1])
        self.answers = answers
        if None in answers:
            move_to(self.job.commit_end)
        self._watch()

    @rule(seat=st.integers(0, SEATS - 1), publishes=st.booleans())
    def show_what_a_seat_has_committed_to(self, seat, publishes):
        """Honest seats do so too, when they like."""
        result = self.answers[seat]
        if result is None or result == HIDDEN:
            return
        with_seat = self.scene.committee
        self._attempt(lambda: with_seat.propose(seat, result))
        if publishes:
            self._attempt(lambda: with_seat.publish(seat, result))
        self._watch()

    @rule(who=st.integers(0, 2), result=RESULTS)
    def bring_any_result(self, who, result):
        result = self.right if result == "right" else result
        self._attempt(lambda: self.scene.bring(self.evil[who], result))
        self._watch()

    @rule(
        who=st.integers(0, 2),
        result=RESULTS,
        lie=LIES,
    )
    def claim_anything(self, who, result, lie):
        result = self.right if result == "right" else result
        trace, hash_, job = self.trace(result, lie), content_hash(result), self.job
        time = chain.pending_timestamp
        is_known = hash_ in job.standing
        is_time = is_known or job.is_disputed or phase(job, time) is Phase.PROPOSE
        is_time = is_time and time < claims_end(job) and (is_known or job.ruling is None)
        number = self._attempt(lambda: self.scene.claim(self.evil[who], result, trace))
        assert (number is not None) == (is_time and job.is_complete(hash_))
        if number is not None:
            self.traces[number] = trace
            self._watch()

    @precondition(lambda self: self.traces)
    @rule(data=st.data(), who=st.integers(0, 2), index=st.integers(0, 1))
    def challenge_anything(self, data, who, index):
        claim = self.games.claims[data.draw(st.sampled_from(sorted(self.traces)))]
        is_time = chain.pending_timestamp < challenges_end(claim.job)
        trace = self.traces[claim.number]
        number = self._attempt(lambda: self.scene.challenge(self.evil[who], claim.number, trace, index))
        assert (number is not None) == (is_time and not claim.is_refuted)
        self._watch()

    @precondition(lambda self: self.traces)
    @rule(data=st.data(), who=st.integers(0, 2), what=st.sampled_from(["move", "move", "finish", "succeed"]))
    def move_for_anybody(self, data, who, what):
        if what == "succeed":
            number = data.draw(st.sampled_from(sorted(self.traces)))
            self._attempt(lambda: self.scene.succeed(self.evil[who], number))
        elif self.games.challenges:
            game = self.games.challenges[data.draw(st.sampled_from(sorted(self.games.challenges)))]
            move = self.scene.finish if what == "finish" else self._move
            self._attempt(lambda: move(self.evil[who], game if what == "move" else game.number))
        self._watch()

    @rule(pieces=st.integers(1, 6))
    def wait(self, pieces):
        for _ in range(pieces):
            self._pass(now() + PATIENCE)

    @rule(data=st.data())
    def wait_until_the_last_second(self, data):
        job = self.job
        ends = [job.challenge_end, job.publish_end, job.publish_end + CLOCK, challenges_end(job), job.referee_end]
        to_come = [end - 2 for end in ends if end - 2 > now()]
        if to_come:
            end = data.draw(st.sampled_from(to_come[:2]))
            while now() < end:
                self._pass(min(now() + PATIENCE, end))

    @precondition(lambda self: self.answers and self.job.ruling is None)
    @rule(dice=st.integers(0, 5))
    def call_the_task_broken(self, dice):
        if not dice:
            self._attempt(lambda: self.scene.job.ruleVoid(sender=self.contracts.server))

    def _attempt(self, act):
        try:
            return act()
        except ContractLogicError:
            return None

    def _move(self, by, game):
        """Make whatever move there is in a game, of either side; of a claim's it may be one that is refused."""
        trace, index = self.traces[game.claim.number], game.position
        disputes = self.contracts.disputes
        if game.turn is GameTurn.CHALLENGER:
            disputes.pickEntry(game.number, 0, sender=by)
        elif game.turn is GameTurn.CLAIM and game.leaf is None:
            disputes.reveal(game.number, trace.leaves[index], sender=by)
        elif game.turn is GameTurn.CLAIM:
            self.scene.prove(by, game.number, self.results[game.claim.result_hash], trace, index)

    # The watcher

    def _pass(self, time):
        move_to(time)
        self._watch()

    def _watch(self):
        """Do all that there is to do, as far as there is time for it."""
        job = self.job
        if phase(job, chain.pending_timestamp) in (Phase.PROPOSE, Phase.REFEREE):
            self._bring_and_claim(job, content_hash(self.right))
            self._challenge()
        for game in list(self.games.challenges.values()):
            self._play(game)

    def _bring_and_claim(self, job, right):
        votes = sum(job.opens(seat, right) for seat in range(SEATS))
        is_middle = chain.pending_timestamp >= job.commit_end + job.terms.publish_window // 2
        if not job.is_complete(right) and (is_middle or not votes):
            self.scene.bring(self.watcher, self.right)
        is_contested = votes < QUORUM or self.job.is_disputed
        if not is_contested or not self.job.is_complete(right) or chain.pending_timestamp >= claims_end(self.job):
            return
        mine = [it for it in self.games.claims.values() if it.claimant == self.watcher.address]
        if not mine:
            number = self.scene.claim(self.watcher, self.right)
            self.traces[number] = self.scene.honest_trace(self.right)
            mine = [self.games.claims[number]]
        first = self.games.claims[self.games.first[job.address, right]]
        if first.is_refuted:
            self.scene.succeed(self.watcher, mine[0].number)

    def _challenge(self):
        challenged = {it.claim.number for it in self.games.challenges.values() if it.challenger == self.watcher.address}
        for claim in list(self.games.claims.values()):
            index = self._wrong_node(claim)
            is_open = claim.number not in challenged and not claim.is_refuted
            if index is not None and is_open and chain.pending_timestamp < challenges_end(claim.job):
                self.scene.challenge(self.watcher, claim.number, self.traces[claim.number], index)

    def _wrong_node(self, claim):
        ours = self.scene.honest_trace(self.right)
        return next((at for at in (0, 1) if ours.nodes[at] != self.traces[claim.number].nodes[at]), None)

    def _play(self, game):
        is_mine = self.watcher.address == game.claim.claimant
        while game.is_running and not game.claim.is_refuted and chain.pending_timestamp < game.runs_out:
            can_move = is_mine if game.turn is GameTurn.CLAIM else game.challenger == self.watcher.address
            if not can_move:
                return
            self._move(self.watcher, game)
            game = self.games.challenges[game.number]
        if game.is_running:
            self.scene.finish(self.watcher, game.number)

    # What holds

    @invariant()
    def the_twin_is_right(self):
        if not self.answers:
            return
        job, contract = self.job, self.scene.job
        assert self.scene.outcome() == outcome(job, now())
        assert contract.phase() == phase(job, now())
        if job.ruling is None:
            assert contract.progress().standing == sum(claims > 0 for claims in job.standing.values())
            for result_hash in job.standing:
                first = self.games.claims[self.games.first[job.address, result_hash]]
                speaks = ZERO_ADDRESS if first.is_refuted else first.claimant
                assert self.contracts.disputes.claimantOf(contract, result_hash) == speaks

    @invariant()
    def every_wei_is_held(self):
        bonds = len(self.games.claims) + len(self.games.challenges)
        assert self.contracts.disputes.balance == bonds * BOND
        registry, ledger = self.contracts.registry, self.ledger
        assert registry.balance == ledger.owed + ledger.burnt

    def _end(self):
        """Let the rest of the time pass, settle everything, and count."""
        while now() < self.job.referee_end:
            self._pass(now() + PATIENCE)
        job, registry = self.job, self.contracts.registry
        decision = outcome(job, now())
        assert self.scene.outcome() == decision
        self.scene.committee.settle(sender=self.watcher)
        job, ledger = self.job, self.ledger
        assert job.decision == decision
        assert decision[1] == (VOID if job.ruling == VOID else content_hash(self.right)), "G11: only the right one is"
        for seat, answer in enumerate(self.answers):
            verdict = verdict_of(job, seat, decision)
            chunks = job.candidates[decision[1]].chunks_by(job.committee[seat]) if verdict is Verdict.REWARDED else 0
            settled = job.settlements[seat]
            assert (settled.verdict, settled.amount) == (
                verdict,
                amount_of(verdict, job.terms, chunks, STAKE, ABSENCE_FEE),
            )
            if answer == self.right:
                assert verdict is (Verdict.RELEASED if job.ruling == VOID else Verdict.REWARDED)
        self._settle_bonds()
        slashed = sum(it.amount for it in job.settlements.values() if it.verdict is Verdict.SLASHED)
        for owner in (*self.evil, self.watcher):
            assert registry.accountOf(owner).credit == ledger.account(owner.address).credit
            if owner == self.contracts.server:
                assert registry.accountOf(owner).credit <= job.terms.escrow, "the server gets no wei of a stake"
            else:
                assert registry.accountOf(owner).credit <= slashed // 2
        assert registry.burnt() == ledger.burnt
        assert registry.balance == ledger.owed + ledger.burnt

    def _settle_bonds(self):
        disputes, mine = self.contracts.disputes, 0
        for claim in self.games.claims.values():
            mine += claim.claimant == self.watcher.address
            if not claim.is_refuted:
                assert self._wrong_node(claim) is None, "a claim stands whose trace is not right"
                disputes.release(claim.number, sender=self.watcher)
        for game in self.games.challenges.values():
            assert not game.is_running
            mine += game.challenger == self.watcher.address
            assert game.turn is not GameTurn.REFUTED or game.claim.claimant != self.watcher.address
        games = self.games
        owed = {who: disputes.creditOf(who) for who in (*self.evil, self.watcher)}
        assert {who: games.bonds.get(who.address, 0) * BOND for who in owed} == owed
        assert sum(owed.values()) == disputes.balance
        assert owed[self.watcher] >= mine * BOND, "G11: nobody honest loses a bond"
        for who, amount in owed.items():
            if amount:
                disputes.withdraw(sender=who)
        assert disputes.balance == 0


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
def test_g11_one_honest_watcher_keeps_what_is_right_and_everybody_honest_whole(
    models, server, members, newcomers, monkeypatch
):
    monkeypatch.setattr("mlchain.chain.history.require_same", lambda *_: None)  # the judge is another one
    contracts = Contracts.deploy(models, server, members)
    parts = {"contracts": contracts, "watcher": newcomers[0], "evil": [newcomers[1], newcomers[2], server]}
    steps = 25 if settings.get_current_profile_name() == "thorough" else 10

    run_state_machine_as_test(
        type("Played", (Game,), parts),
        settings=settings(stateful_step_count=steps, max_examples=settings.default.max_examples // 2 + 1),
    )
