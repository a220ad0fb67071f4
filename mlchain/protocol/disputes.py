"""Claims and challenges as everyone can read them: twin of `contracts/referee/Disputes.sol`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlchain.protocol.game_events import (
    BondsWithdrawn,
    Challenged,
    Claimed,
    Decided,
    EntryPicked,
    GameEvent,
    GameTurn,
    Opened,
    Picked,
    Released,
    Revealed,
    Succeeded,
)
from mlchain.protocol.rounds import Job
from mlchain.protocol.terms import CLOCKS as CLOCKS

LEVELS = 6  # of a tree that a move shows


@dataclass(slots=True)
class Claim:
    """That a result of a job is right, as the root of a trace shows; `nodes` are those six levels below the root."""

    number: int
    job: Job
    result_hash: bytes
    claimant: str
    root: bytes
    nodes: tuple[bytes, ...]
    time: int  # in seconds
    is_refuted: bool = False
    is_released: bool = False


@dataclass(slots=True)
class Challenge:
    """That an entry of a claimed trace does not follow; times in seconds.

    `shown` are the nodes that the last move on the claim's side showed, `position` is that of the node picked last.
    """

    number: int
    claim: Claim
    challenger: str
    position: int
    shown: tuple[bytes, ...]
    since: int
    depth: int
    claim_left: int
    challenger_left: int
    turn: GameTurn = GameTurn.CLAIM
    leaf: bytes | None = None
    entry: int | None = None

    @property
    def is_running(self) -> bool:
        """Whether it is somebody's turn."""
        return self.turn in (GameTurn.CLAIM, GameTurn.CHALLENGER)

    @property
    def runs_out(self) -> int:
        """When the clock of whose turn it is has run out, in seconds."""
        return self.since + (self.claim_left if self.turn is GameTurn.CLAIM else self.challenger_left)

    def pass_turn(self, now: int) -> None:
        """Take the time of a move from its clock and let the other side move."""
        if self.turn is GameTurn.CLAIM:
            self.claim_left -= now - self.since
            self.turn = GameTurn.CHALLENGER
        else:
            self.challenger_left -= now - self.since
            self.turn = GameTurn.CLAIM
        self.since = now


def clock_of(job: Job) -> int:
    """Return the time that either side of a challenge has, in seconds: the game starts and ends with the referee's."""
    return job.terms.referee_window // CLOCKS


def claims_end(job: Job) -> int:
    """Return from when on nothing of a job can be claimed, in seconds; of one not disputed, from its publish end on."""
    return job.publish_end + clock_of(job) if job.is_disputed else job.publish_end


def challenges_end(job: Job) -> int:
    """Return from when on no claim of a job can be challenged, in seconds."""
    return job.publish_end + 2 * clock_of(job)


def levels_above(nodes: Sequence[bytes]) -> int:
    """Return how many levels lie between the nodes that a move shows and their root."""
    return (len(nodes) - 1).bit_length()


def bonds_paid(outcome: GameTurn, claimant: str, challenger: str) -> tuple[str, int]:
    """Return who is paid at the end of a challenge, and how many bonds."""
    return (claimant, 1) if outcome is GameTurn.UPHELD else (challenger, 2 if outcome is GameTurn.REFUTED else 1)


class Games:
    """Folds events into all claims and challenges about jobs that are known, and the bonds that are owed to anybody.

    `claim_count` and `challenge_count` are those that there are, whatever they are about.
    """

    def __init__(self) -> None:
        self.claims: dict[int, Claim] = {}
        self.challenges: dict[int, Challenge] = {}
        self.first: dict[tuple[str, bytes], int] = {}  # the claim that speaks for a job's result
        self.bonds: dict[str, int] = {}  # owed, in numbers of bonds
        self.claim_count = 0
        self.challenge_count = 0

    def of_job(self, job: Job) -> list[Claim]:
        """Return the claims for results of a job."""
        return [claim for claim in self.claims.values() if claim.job is job]

    def about(self, claim: Claim) -> list[Challenge]:
        """Return the challenges of a claim."""
        return [it for it in self.challenges.values() if it.claim is claim]

    def won(self, owner: str, job: Job | None = None) -> int:
        """Return how many bonds somebody has won in challenges, of one job or of all, less those that it has lost."""
        won = 0
        for game in self.challenges.values():
            is_counted = job is None or game.claim.job is job
            if is_counted and game.turn in (GameTurn.UPHELD, GameTurn.REFUTED):
                sides = (game.claim.claimant, game.challenger)
                winner, loser = sides if game.turn is GameTurn.UPHELD else sides[::-1]
                won += (winner == owner) - (loser == owner)
        return won

    def held(self, owner: str) -> int:
        """Return how many bonds of somebody are in the game: put down, or owed and not withdrawn."""
        claims = [it for it in self.claims.values() if not (it.is_refuted or it.is_released)]
        running = [it for it in self.challenges.values() if it.is_running]
        put_down = [it.claimant for it in claims] + [it.challenger for it in running]
        return put_down.count(owner) + self.bonds.get(owner, 0)

    def forget(self, job: Job, owner: str) -> None:
        """Forget the claims of a job but those in which `owner` has bonds; what is owed is kept."""
        gone = {claim.number for claim in self.of_job(job) if not self._has_bonds(claim, owner)}
        self.claims = {at: it for at, it in self.claims.items() if at not in gone}
        self.challenges = {at: it for at, it in self.challenges.items() if it.claim.number not in gone}
        self.first = {key: number for key, number in self.first.items() if number not in gone}

    def _has_bonds(self, claim: Claim, owner: str) -> bool:
        is_own = claim.claimant == owner and not (claim.is_refuted or claim.is_released)
        return is_own or any(it.is_running and it.challenger == owner for it in self.about(claim))

    def fold(self, event: GameEvent, now: int, job_at: Callable[[str], Job | None]) -> None:
        """Take an event of the time `now` in; those about unknown jobs, claims and challenges are passed over."""
        self.claim_count += isinstance(event, Claimed)
        self.challenge_count += isinstance(event, Challenged)
        match event:
            case Claimed():
                self._claim(event, now, job_at(event.disputed))
            case Challenged(claim=number) if number in self.claims:
                claim = self.claims[number]
                left = clock_of(claim.job)
                shown = claim.nodes
                depth = levels_above(shown)
                self.challenges[event.challenge] = Challenge(
                    event.challenge, claim, event.challenger, event.position, shown, now, depth, left, left
                )
            case Released(number) if number in self.claims:
                self.claims[number].is_released = True
                self._owe(self.claims[number].claimant, 1)
            case Succeeded(number) if number in self.claims:
                claim = self.claims[number]
                self.first[claim.job.address, claim.result_hash] = number
            case BondsWithdrawn(owner=owner):
                self.bonds[owner] = 0
            case Opened() | Picked() | Revealed() | EntryPicked() | Decided() if event.challenge in self.challenges:
                self._move(self.challenges[event.challenge], event, now)

    def _claim(self, event: Claimed, now: int, job: Job | None) -> None:
        if job is None:
            return
        claim = Claim(event.claim, job, event.result_hash, event.claimant, event.root, event.nodes, now)
        self.claims[claim.number] = claim
        if not job.standing.get(claim.result_hash):
            self.first[job.address, claim.result_hash] = claim.number
        job.standing[claim.result_hash] = job.standing.get(claim.result_hash, 0) + 1

    def _move(self, game: Challenge, event: Opened | Picked | Revealed | EntryPicked | Decided, now: int) -> None:
        match event:
            case Opened(nodes=nodes):
                game.shown = nodes
            case Picked(position=position):
                game.position = position
                game.depth += levels_above(game.shown)
            case Revealed(leaf=leaf):
                game.leaf = leaf
            case EntryPicked(entry=entry):
                game.entry = entry
            case Decided(outcome=outcome):
                self._decide(game, outcome, now)
                return
        game.pass_turn(now)

    def _decide(self, game: Challenge, outcome: GameTurn, now: int) -> None:
        """End a challenge. After the job is decided that moves bonds and changes nothing else."""
        claim, game.turn = game.claim, outcome
        self._owe(*bonds_paid(outcome, claim.claimant, game.challenger))
        if outcome is GameTurn.REFUTED:
            claim.is_refuted = True
            if now < claim.job.referee_end and claim.job.ruling is None:
                claim.job.standing[claim.result_hash] -= 1

    def _owe(self, owner: str, bonds: int) -> None:
        self.bonds[owner] = self.bonds.get(owner, 0) + bonds
