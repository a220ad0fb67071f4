"""How attackers play the game about claims: each loses a bond for every lie that it stands by."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import cast

from mlchain.actors.behaviours import Behaviour
from mlchain.actors.disputant import Disputant, Proof, ProofOf, answer, shown
from mlchain.protocol.calls import Call, Turn, View, earliest
from mlchain.protocol.content import content_hash
from mlchain.protocol.disputes import Challenge, Claim, challenges_end, claims_end
from mlchain.protocol.game_events import GameTurn
from mlchain.protocol.rounds import Job, Phase, phase

LAST_SECONDS = 5  # before its clock runs out, in which a player that stalls moves
JUNK = b"junk"


class Play(Enum):
    """What a liar does in the game."""

    CLAIM = auto()
    STALL = auto()
    PAD = auto()
    QUARREL = auto()


@dataclass(frozen=True, slots=True)
class PlayingBehaviour(Behaviour):
    """The behaviour of a worker that fights for its lie where a contract decides."""

    play: Play = Play.CLAIM


class Liar(Disputant):
    """Claims the lie of its cartel with a trace that ends in it, and tries every move once."""

    def __init__(self, address: str, bond: int, proof_of: ProofOf, play: Play) -> None:
        super().__init__(address, bond, proof_of)
        self._play = play
        self._made: set[str] = set()

    def act(self, view: View, job: Job, result: bytes, contests: bool, share: float, show: Callable[[], Turn]) -> Turn:
        """Return what to do about a job in which it stands for the lie `result`."""
        if phase(job, view.now) not in (Phase.PROPOSE, Phase.REFEREE):
            return Turn([])
        if not job.is_complete(content_hash(result)):
            return show()
        proof = self.proof(view, job, result)
        if self._play is Play.PAD:
            proof = cast(Proof, Padded(proof))
        turns = [self._lie(view, job, proof)]
        for claim in view.ledger.games.of_job(job):
            is_rival = claim.result_hash != content_hash(result)
            if is_rival and self._play in (Play.STALL, Play.QUARREL):
                turns.append(self._quarrel(view, claim))
            turns += [self._move(view, game, proof) for game in view.ledger.games.about(claim) if game.is_running]
        calls = {f"{job.address} {call}": call for turn in turns for call in turn.calls}
        fresh = [call for key, call in calls.items() if key not in self._made]
        self._made.update(calls)
        times = (job.publish_end, job.referee_end)
        return Turn(fresh, earliest(*(turn.wake for turn in turns), *(time for time in times if time > view.now)))

    def _lie(self, view: View, job: Job, proof: Proof) -> Turn:
        is_made = any(it.claimant == self.address for it in view.ledger.games.of_job(job))
        if is_made or view.now >= claims_end(job):
            return Turn([])
        return Turn([self.claim_of(job, proof)])

    def _quarrel(self, view: View, claim: Claim) -> Turn:
        is_done = any(it.challenger == self.address for it in view.ledger.games.about(claim))
        if is_done or claim.is_refuted or view.now >= challenges_end(claim.job):
            return Turn([])
        return Turn([Call("Disputes", "challenge", (claim.number, *shown(claim.nodes, 0)), self.bond)])

    def _move(self, view: View, game: Challenge, proof: Proof) -> Turn:
        is_ours = game.claim.claimant == self.address and game.turn is GameTurn.CLAIM
        is_pick = game.challenger == self.address and game.turn is GameTurn.CHALLENGER
        if not (is_ours or is_pick) or view.now >= game.runs_out:
            return Turn([])
        if self._play is Play.STALL and view.now < game.runs_out - LAST_SECONDS:
            return Turn([], game.runs_out - LAST_SECONDS)
        if is_ours:
            return Turn([answer(game, proof)])
        if game.leaf is not None:
            return Turn([Call("Disputes", "pickEntry", (game.number, 0))])
        return Turn([Call("Disputes", "pick", (game.number, *shown(game.shown, 0)))])


class Padded:
    """A proof with junk where the tree has to be empty."""

    def __init__(self, proof: Proof) -> None:
        self._proof = proof
        self._at = next(at for at in range(1 << proof.depth) if not proof.leaf(at))

    def __getattr__(self, name: str) -> object:
        return getattr(self._proof, name)

    @property
    def root(self) -> bytes:
        """The root of its tree."""
        return self.node(0, 0)

    def node(self, depth: int, index: int) -> bytes:
        """Return a node of its tree."""
        if index != self._at >> (self._proof.depth - depth):
            return self._proof.node(depth, index)
        node = hashlib.sha256(JUNK).digest()
        for level in range(self._proof.depth, depth, -1):
            at = self._at >> (self._proof.depth - level)
            other = self._proof.node(level, at ^ 1)
            node = hashlib.sha256(other + node if at % 2 else node + other).digest()
        return node

    def leaf(self, position: int) -> bytes:
        """Return the bytes of a leaf, none where there is none."""
        return JUNK if position == self._at else self._proof.leaf(position)
