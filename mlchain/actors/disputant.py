"""Plays the game about claims for one account: claims what is right, challenges what is not, answers every move."""

from collections.abc import Callable
from typing import Protocol

from mlchain.protocol.calls import Call, Shortfall, Turn, View, earliest, together
from mlchain.protocol.content import content_hash
from mlchain.protocol.disputes import LEVELS, Challenge, Claim, challenges_end, claims_end, clock_of, levels_above
from mlchain.protocol.game_events import GameTurn
from mlchain.protocol.rounds import Job, Phase, Round, outcome, phase
from mlchain.tasks.task import CannotTrain
from mlchain.training.trees import grow, path_in

TRIES = 2  # to work a trace out, or to go on with it


class Proof(Protocol):
    """A trace of a job, with evidence for each of its entries: see `mlchain.referee.prover`.

    Whatever is asked of it may raise CannotTrain where it takes more than is allowed.
    """

    @property
    def result(self) -> bytes:
        """The result that the trace ends with."""

    @property
    def root(self) -> bytes:
        """The root of its tree."""

    @property
    def depth(self) -> int:
        """The depth of its tree."""

    def described(self) -> bytes:
        """Return what the result follows from, as the judge reads it."""

    def node(self, depth: int, index: int) -> bytes:
        """Return a node of its tree."""

    def leaf(self, position: int) -> bytes:
        """Return the bytes of a leaf, none where there is none."""

    def place_of(self, at: int) -> tuple[int, int]:
        """Return the position of the leaf that has byte `at` of the result, and the number of its entry there."""

    def first_difference(self, position: int, leaf: bytes) -> int | None:
        """Return the first entry in which a leaf differs from this trace's, None if none does."""

    def evidence(self, position: int, entry: int) -> bytes:
        """Return what shows that an entry of a leaf follows."""


ProofOf = Callable[[View, Round, Job, bytes], Proof]  # of the right result of a job


class Disputant:
    """Decides from the ledger alone. `proof_of` works a trace out, which takes some times as long as the job does.

    `share`, from 0 to 1, is how much of what time there is for a move it leaves to others who could make it as well.
    """

    def __init__(self, address: str, bond: int, proof_of: ProofOf, gas_reserve: int = 0) -> None:
        self.address = address
        self.bond = bond
        self._proof_of = proof_of
        self._gas_reserve = gas_reserve
        self._proofs: dict[str, Proof] = {}  # by the address of a job; of the open round
        self._failures: dict[str, int] = {}  # likewise, to work a trace out, which takes time whenever it is tried

    def act(self, view: View, job: Job, result: bytes, contests: bool, share: float, show: Callable[[], Turn]) -> Turn:
        """Return what to do about a job whose right result this is.

        It starts a dispute if it `contests` what the seats have shown. `show()` says how the result is brought to be a
        candidate, and published whole, which a claim needs.
        """
        if phase(job, view.now) not in (Phase.PROPOSE, Phase.REFEREE) or not (contests or job.is_disputed):
            return Turn([])
        if self._failures.get(job.address, 0) >= TRIES:
            return Turn([])
        try:
            return self._dispute(view, job, result, share, show)
        except CannotTrain as error:
            self._failures[job.address] = self._failures.get(job.address, 0) + 1
            return Turn([], notice=f"job {job.index} is not disputed: {error}")

    def _dispute(self, view: View, job: Job, result: bytes, share: float, show: Callable[[], Turn]) -> Turn:
        proof = self.proof(view, job, result)
        standing = [claim for claim in view.ledger.games.of_job(job) if not claim.is_refuted]
        right = content_hash(result), proof.root
        is_claimed = any((claim.result_hash, claim.root) == right for claim in standing)  # by whomever
        turns = [] if is_claimed else [self._claim(view, job, proof, share, show)]
        for claim in standing:
            is_right = (claim.result_hash, claim.root) == right
            turns += [] if is_right else [self._challenge(view, claim, proof, share)]
            for game in view.ledger.games.about(claim):
                if game.is_running:
                    turns.append(self._defend(view, game, proof, share) if is_right else self._pursue(game, proof))
        times = (job.publish_end, claims_end(job), challenges_end(job), job.referee_end)
        turns.append(Turn([], earliest(*(time for time in times if time > view.now))))
        return self._afford(view, together(turns))

    def proof(self, view: View, job: Job, result: bytes) -> Proof:
        """Return the trace of a job of the open round that ends in a result, worked out once."""
        if job.address not in self._proofs:
            current = view.ledger.round_of(job)
            kept = {it.address for it in current.jobs}
            self._proofs = {address: proof for address, proof in self._proofs.items() if address in kept}
            self._failures = {address: count for address, count in self._failures.items() if address in kept}
            self._proofs[job.address] = self._proof_of(view, current, job, result)
        return self._proofs[job.address]

    def collect(self, view: View) -> Turn:
        """Return what ends games whose clocks have run out, and brings bonds home."""
        games, calls, times = view.ledger.games, list[Call](), list[int]()
        for game in games.challenges.values():
            if game.is_running and self.address in (game.challenger, game.claim.claimant):
                if game.claim.is_refuted or game.runs_out <= view.now:
                    calls.append(_call("finish", game.number))
                else:
                    times.append(game.runs_out)
        for claim in games.claims.values():
            if claim.is_refuted or claim.is_released or claim.claimant != self.address:
                continue
            first = games.claims.get(games.first.get((claim.job.address, claim.result_hash), -1))
            if first is not None and first.is_refuted:
                calls.append(_call("succeed", claim.number))
            if any(game.is_running for game in games.about(claim)):
                continue
            end = challenges_end(claim.job)
            if view.now >= end:
                calls.append(_call("release", claim.number))
            else:
                times.append(end)
        if games.bonds.get(self.address):
            calls.append(_call("withdraw"))
        return Turn(calls, earliest(*times))

    def has_bonds(self, view: View) -> bool:
        """Return whether bonds of this account are still in the game."""
        return view.ledger.games.held(self.address) != 0

    # Claims

    def _claim(self, view: View, job: Job, proof: Proof, share: float, show: Callable[[], Turn]) -> Turn:
        """Claim the right result, as soon as it is published whole."""
        if view.now >= claims_end(job):
            return Turn([])
        window, start = job.terms.publish_window, job.commit_end
        if view.now >= job.publish_end:
            window, start = clock_of(job), job.publish_end
        time = start + int(share * window / 2)
        if view.now < time:
            return Turn([], time)
        if not job.is_complete(content_hash(proof.result)):
            return show()
        return Turn([self.claim_of(job, proof)])

    def claim_of(self, job: Job, proof: Proof) -> Call:
        """Return what claims the result that a trace ends in."""
        shows = nodes_below(proof, 0, 0)
        arguments = (job.address, content_hash(proof.result), proof.described(), proof.root, shows)
        return _call("claim", *arguments, value=self.bond)

    # The challenger's moves

    def _challenge(self, view: View, claim: Claim, proof: Proof, share: float) -> Turn:
        """Challenge a wrong claim where it first differs; if another does already, only if that takes too long."""
        end, clock = challenges_end(claim.job), clock_of(claim.job)
        games = view.ledger.games.about(claim)
        if view.now >= end or any(it.challenger == self.address for it in games):
            return Turn([])
        index = self._pick(claim, proof, claim.nodes, 0, 0)
        time = claim.time + int(share * clock / 2)
        if any(it.is_running and it.position >> (it.depth - levels_above(claim.nodes)) == index for it in games):
            time = max(time, end - clock // 4)
        if view.now < time:
            return Turn([], time)
        return Turn([_call("challenge", claim.number, *shown(claim.nodes, index), value=self.bond)])

    def _pursue(self, game: Challenge, proof: Proof) -> Turn:
        if game.challenger != self.address or game.turn is not GameTurn.CHALLENGER:
            return Turn([])
        if game.leaf is None:
            index = self._pick(game.claim, proof, game.shown, game.depth, game.position)
            return Turn([_call("pick", game.number, *shown(game.shown, index))])
        entry = proof.first_difference(game.position, game.leaf)
        if entry is None:
            entry = self._wrong_byte(game.claim, proof)[1]
        return Turn([_call("pickEntry", game.number, entry)])

    def _pick(self, claim: Claim, proof: Proof, shown: tuple[bytes, ...], depth: int, position: int) -> int:
        """Return the first of the nodes shown that differs; if none does, the one with a byte published otherwise."""
        levels = levels_above(shown)
        first = position << levels
        for index, node in enumerate(shown):
            if node != proof.node(depth + levels, first + index):
                return index
        leaf, _ = self._wrong_byte(claim, proof)
        return (leaf >> (proof.depth - depth - levels)) - first

    @staticmethod
    def _wrong_byte(claim: Claim, proof: Proof) -> tuple[int, int]:
        """Return where the trace has the first byte of the result that is published otherwise: leaf and entry."""
        published = claim.job.candidates[claim.result_hash].data()
        pairs = enumerate(zip(proof.result, published, strict=False))
        return proof.place_of(next((at for at, (own, other) in pairs if own != other), 0))

    # The claim's moves

    def _defend(self, view: View, game: Challenge, proof: Proof, share: float) -> Turn:
        """Answer for a right claim: at once for one's own, for somebody else's when half of its clock has passed."""
        if game.turn is not GameTurn.CLAIM or view.now >= game.runs_out:
            return Turn([])
        if game.claim.claimant != self.address:
            time = game.since + int(game.claim_left * (0.5 + share / 4))
            if view.now < time:
                return Turn([], time)
        return Turn([answer(game, proof)])

    # Ether

    def _afford(self, view: View, turn: Turn) -> Turn:
        """Leave out what needs a bond if there is not enough for all bonds."""
        needs = sum(call.value for call in turn.calls)
        if not needs:
            return turn
        needs, has = needs + self._gas_reserve, view.balance_of(self.address)
        if has >= needs:
            return turn
        lacks = Shortfall("the bond of a claim, and what it keeps for gas", needs, has)
        return Turn([call for call in turn.calls if not call.value], turn.wake, shortfall=lacks)


def answer(game: Challenge, proof: Proof) -> Call:
    """Return the claim's next move, by the trace that it has named."""
    if game.depth < proof.depth:
        return _call("open", game.number, nodes_below(proof, game.depth, game.position))
    leaf = proof.leaf(game.position)
    if not leaf:
        return _call("provePadding", game.number, proof.described())
    if game.leaf is None or game.entry is None:
        return _call("reveal", game.number, leaf)
    evidence = proof.evidence(game.position, game.entry)
    return _call("prove", game.number, proof.described(), leaf, evidence)


def heirs(view: View, job: Job) -> list[Call]:
    """Return what lets a claim that stands speak for the accepted result of a job, if the one that did is refuted.

    Who settles seats calls it first, or what they lose is burnt; that of a claim of the server's is in any case.
    """
    games, accepted = view.ledger.games, outcome(job, view.now)[1]
    first = games.claims.get(games.first.get((job.address, accepted), -1))
    if first is None or not first.is_refuted:
        return []
    standing = [it for it in games.of_job(job) if it.result_hash == accepted and not it.is_refuted]
    return [_call("succeed", it.number) for it in standing if it.claimant != view.ledger.server][:1]


def _call(method: str, *arguments: object, value: int = 0) -> Call:
    return Call("Disputes", method, arguments, value)


def nodes_below(proof: Proof, depth: int, position: int) -> list[bytes]:
    """Return the nodes that a move shows below one: six levels, or the leaves if they are closer."""
    levels = min(LEVELS, proof.depth - depth)
    return [proof.node(depth + levels, (position << levels) + index) for index in range(1 << levels)]


def shown(nodes: tuple[bytes, ...], index: int) -> tuple[int, bytes, list[bytes]]:
    """Return the arguments of a pick: the index, the node and its path among the nodes shown."""
    return index, nodes[index], path_in(grow(list(nodes), levels_above(nodes)), index)
