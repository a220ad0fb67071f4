"""G11: whatever anybody does, one honest watcher sees to it that the right result is accepted and nobody honest loses.

The server can still call the task broken, at its own cost. The chain is held against its twin after every step.
"""

from random import Random

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
    rule,
    run_state_machine_as_test,
)

from mlchain.protocol.content import content_hash
from mlchain.protocol.disputes import challenges_end, claims_end
from mlchain.protocol.game_events import GameTurn
from mlchain.protocol.rounds import VOID, Phase, Verdict, outcome, phase
from mlchain.protocol.settlement import amount_of, verdict_of
from mlchain.protocol.tally import JobTally
from tests.contracts.chain_control import move_to, now, rollback
from tests.contracts.protocol_steps import ABSENCE_FEE, STAKE
from tests.protocol.random_rounds import follow
from tests.referee.refereed import BOND, CLOCK, WORSE, WRONG, Contracts, Trace

HIDDEN = b"never shown to anybody"
PATIENCE = 150  # seconds that the watcher takes for anything
SEATS, QUORUM = 5, 3
ANSWERS, ODDS = [WRONG, WORSE, HIDDEN, None], [4, 4, 1, 1, 1]  # of a seat, beside the right one


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
        self._read = self._ledger = None

    def teardown(self):
        try:
            if self.answers:
                self._end()
        finally:
            self._undo.__exit__(None, None, None)

    @property
    def ledger(self):
        if self._read != chain.blocks.height:
            self._read, self._ledger = chain.blocks.height, self.reader.view().ledger
        return self._ledger

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

    @initialize(seed=st.integers(0, 2**32))
    def commit(self, seed):
        random = Random(seed)
        self.answers = random.choices([self.right, *ANSWERS], ODDS, k=SEATS)
        self.scene.committee.commit_all(*self.answers[:-1], None)
        with pytest.raises(ContractLogicError):  # whoever copies a result while seats commit claims nothing
            self.scene.claim(random.choice(self.evil), self.right)
        self.scene.committee.commit_all(*[None] * (SEATS - 1), self.answers[-1])
        if None in self.answers:
            move_to(self.job.commit_end)
        self._watch()

    @rule(seed=st.integers(0, 2**32))
    def do_evil(self, seed):
        random = Random(seed)
        acts = {
            self.show: 1,
            self.claim: 6,
            self.challenge: 5,
            self.move: 5,
            self.finish: 1,
            self.succeed: 2,
            self.wait: 4,
            self.wait_long: 3,
            self.veto: 0.2,
        }
        random.choices(list(acts), acts.values())[0](random, random.choice(self.evil))
        self._watch()

    def veto(self, _random, _by):
        """Let the server call the task broken."""
        self._attempt(lambda: self.scene.job.ruleVoid(sender=self.contracts.server))

    def show(self, random, by):
        """Propose and publish any result, by a seat that has committed to it, an honest one too, or without."""
        self._show(by, random.choice(list(self.results.values())), random.random() < 0.7)

    def _show(self, by, result, publishes=True):
        self._attempt(lambda: self.scene.job.proposeAny(content_hash(result), sender=by))
        if publishes and result in self.answers:
            self._attempt(lambda: self.scene.committee.publish(self.answers.index(result), result))
        elif publishes:
            self._attempt(lambda: self.scene.bring(by, result))

    def claim(self, random, by):
        """Claim any result, the right one often, by its right trace or another one."""
        result = random.choice([self.right, *self.results.values()])
        self._show(by, result)
        trace, hash_, job = self.trace(result, random.choice([None, 0, 1, 2])), content_hash(result), self.job
        time = chain.pending_timestamp
        is_known = hash_ in job.standing
        is_time = is_known or job.is_disputed or phase(job, time) is Phase.PROPOSE
        is_time = is_time and time < claims_end(job) and (is_known or job.ruling is None)
        number = self._attempt(lambda: self.scene.claim(by, result, trace))
        assert (number is not None) == (is_time and job.is_complete(hash_))
        if number is not None:
            self.traces[number] = trace

    def challenge(self, random, by):
        """Challenge any claim, right or wrong, of the watcher or of themselves."""
        if not self.traces:
            return
        claim = self.games.claims[random.choice(sorted(self.traces))]
        is_time = chain.pending_timestamp < challenges_end(claim.job)
        index = random.randrange(2)
        number = self._attempt(lambda: self.scene.challenge(by, claim.number, self.traces[claim.number], index))
        assert (number is not None) == (is_time and not claim.is_refuted)

    def move(self, random, by):
        """Move in any game that runs, for either side."""
        running = [game for game in self.games.challenges.values() if game.is_running]
        if running:
            self._attempt(lambda: self._move(by, random.choice(running)))

    def finish(self, random, by):
        """Say of any game that it is over."""
        if self.games.challenges:
            self._attempt(lambda: self.scene.finish(by, random.choice(sorted(self.games.challenges))))

    def succeed(self, random, by):
        """Let any claim speak for its result."""
        if self.traces:
            self._attempt(lambda: self.scene.succeed(by, random.choice(sorted(self.traces))))

    def wait(self, random, _by):
        """Let some seconds pass."""
        move_to(now() + random.randint(1, PATIENCE))

    def wait_long(self, _random, _by):
        """Wait for the last second before something begins or ends."""
        end = next((end - 2 for end in sorted(self._times()) if end - 2 > now()), 0)
        while now() < end:
            self._pass(min(now() + PATIENCE, end))

    def _times(self):
        """Return when something begins or ends."""
        job = self.job
        middle = job.commit_end + job.terms.publish_window // 2
        ends = [middle, job.challenge_end, job.publish_end, job.publish_end + CLOCK]
        ends += [challenges_end(job), job.referee_end]
        return ends + [game.runs_out for game in self.games.challenges.values() if game.is_running]

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
        elif game.leaf is None:
            disputes.reveal(game.number, trace.leaves[index], sender=by)
        else:
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
        progress = contract.progress()
        assert JobTally.of(job).words.items() <= dict(enumerate(progress)).items()
        if job.ruling is None:
            assert progress.standing == sum(claims > 0 for claims in job.standing.values())
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
        while (time := now()) < self.job.referee_end:
            self._pass(min(it for it in self._times() if it > time))
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
                is_of_use = self.job.ruling != VOID  # of a task that was called broken no claim has to be refuted
                assert not is_of_use or self._wrong_node(claim) is None, "a claim stands whose trace is not right"
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
        settings=settings(stateful_step_count=steps, max_examples=settings.default.max_examples // 3 + 1),
    )
