"""Claims, challenges and their moves, where these decide what is accepted."""

from hashlib import sha256

from mlchain.audit.findings import Check
from mlchain.audit.state import AuditState, EventCheck
from mlchain.protocol.disputes import LEVELS, Challenge, Claim, challenges_end, claims_end, levels_above
from mlchain.protocol.events import Log
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
from mlchain.protocol.rounds import Job, Phase, phase
from mlchain.training.trees import grow


def check_game_event(state: AuditState, log: Log, event: GameEvent) -> None:
    """Check an event of the game by its rules; of claims about anything but jobs, only the numbers and the bonds."""
    games = state.ledger.games
    match event:
        case Claimed():
            check = EventCheck(state, Check.OUTCOMES, log, f"claim {event.claim}")
            check.expect_equal("its number", event.claim, len(state.bonds.claimants))
            job = state.ledger.job_at(event.disputed)
            if job:
                _check_claimed(state, check, job, event)
        case Challenged():
            check = EventCheck(state, Check.OUTCOMES, log, f"challenge {event.challenge}")
            check.expect_equal("its number", event.challenge, len(state.bonds.challengers))
            if check.expect(event.claim in state.bonds.claimants, f"there is no claim {event.claim}"):
                claim = games.claims.get(event.claim)
                if claim:
                    _check_challenged(check, claim, event)
        case Released(number) | Succeeded(number):
            check = EventCheck(state, Check.OUTCOMES, log, f"claim {number}")
            if check.expect(number in state.bonds.claimants, "there is no such claim") and number in games.claims:
                _check_stands(state, check, games.claims[number], event)
        case BondsWithdrawn(owner, amount):
            check = EventCheck(state, Check.PAYMENTS, log, owner)
            check.expect_equal("the bonds that it took home", amount, state.rules.bond * state.bonds.owed[owner])
            check.expect(amount > 0, "it took home nothing")
        case Opened() | Picked() | Revealed() | EntryPicked() | Decided():
            check = EventCheck(state, Check.OUTCOMES, log, f"challenge {event.challenge}")
            is_known = check.expect(event.challenge in state.bonds.challengers, "there is no such challenge")
            game = games.challenges.get(event.challenge)
            if is_known and game:
                _check_move(check, game, event)


def _check_claimed(state: AuditState, check: EventCheck, job: Job, event: Claimed) -> None:
    """Check that a claim is in time, of a result that is published, and shows the nodes of its root."""
    now = check.log.timestamp
    place, end = state.name_of(job), claims_end(job)
    if not job.is_disputed or (job.ruling is not None and event.result_hash not in job.standing):
        is_open = phase(job, now) is Phase.PROPOSE
        check.expect(is_open, f"{place} was disputed at {now}, in the phase {phase(job, now).name.lower()}")
    check.expect(now < end, f"a result of {place} was claimed at {now}, and not before {end}")
    is_complete = job.is_complete(event.result_hash)
    check.expect(is_complete, f"it claims 0x{event.result_hash.hex()}, whose bytes are not published")
    _check_nodes(check, event.nodes, event.root)


def _check_challenged(check: EventCheck, claim: Claim, event: Challenged) -> None:
    now, end = check.log.timestamp, challenges_end(claim.job)
    check.expect(not claim.is_refuted, f"claim {claim.number} was refuted before")
    check.expect(now < end, f"it challenged claim {claim.number} at {now}, and not before {end}")
    count = len(claim.nodes)
    check.expect(0 <= event.position < count, f"it picked node {event.position} of {count}")


def _check_stands(state: AuditState, check: EventCheck, claim: Claim, event: Released | Succeeded) -> None:
    """Check that a claim stands whose bond is released, or that speaks for its result from now on."""
    games, now, end = state.ledger.games, check.log.timestamp, challenges_end(claim.job)
    check.expect(not claim.is_refuted, "it was refuted before")
    if isinstance(event, Succeeded):
        first = games.claims[games.first[claim.job.address, claim.result_hash]]
        check.expect(first.is_refuted, f"it succeeded claim {first.number}, which stands")
        return
    check.expect(not claim.is_released, "its bond was released before")
    check.expect(not any(it.is_running for it in games.about(claim)), "its bond was released while it is challenged")
    check.expect(now >= end, f"its bond was released at {now}, which is before {end}")


def _check_move(check: EventCheck, game: Challenge, event: Opened | Picked | Revealed | EntryPicked | Decided) -> None:
    """Check that a move is one that can be made, by whose turn it is and in time, and what it shows by its hash."""
    if not check.expect(game.is_running, "it was over before"):
        return
    if isinstance(event, Decided):
        _check_decided(check, game, event)
        return
    now, is_claims = check.log.timestamp, isinstance(event, Opened | Revealed)
    turn = GameTurn.CLAIM if is_claims else GameTurn.CHALLENGER
    check.expect_equal("whose turn it is", game.turn.name.lower(), turn.name.lower())
    check.expect(now < game.runs_out, f"a move came at {now}, when its clock had run out at {game.runs_out}")
    check.expect(not game.claim.is_refuted, f"claim {game.claim.number} was refuted before")
    check.expect((game.leaf is not None) is isinstance(event, EntryPicked), "this move is not made at this depth")
    match event:
        case Opened(nodes=nodes):
            _check_nodes(check, nodes, _picked(game))
        case Revealed(leaf=leaf):
            check.expect_equal("the hash of its leaf", sha256(leaf).digest(), _picked(game))
        case Picked(position=position):
            at = position >> levels_above(game.shown)
            check.expect_equal("the node above the one picked", at, game.position)


def _check_decided(check: EventCheck, game: Challenge, event: Decided) -> None:
    """Check how a challenge has ended; that a proof was right is not in the events."""
    now, outcome = check.log.timestamp, event.outcome
    check.expect_equal("the claim that it is about", event.claim, game.claim.number)
    is_over, is_claims = now >= game.runs_out, game.turn is GameTurn.CLAIM
    ends = {GameTurn.REFUTED} if is_claims else {GameTurn.UPHELD}
    if not is_over:
        # What is proved is an entry that was picked, or that there should be no leaf where none is.
        is_asked = game.entry is not None or (game.leaf is None and _picked(game) == bytes(32))
        ends = {GameTurn.UPHELD} if is_claims and is_asked else set()
    if game.claim.is_refuted:
        ends = {GameTurn.MOOT}
    side = "the claim" if is_claims else "the challenger"
    problem = f"it ended at {now} as {outcome.name.lower()}, where {side} had until {game.runs_out}"
    check.expect(outcome in ends, problem)


def _picked(game: Challenge) -> bytes:
    """Return the node that was picked last."""
    return game.shown[game.position % len(game.shown)]


def _check_nodes(check: EventCheck, nodes: tuple[bytes, ...], root: bytes) -> None:
    """Check that nodes are all those some levels below their root."""
    count = len(nodes)
    if check.expect(1 < count <= 1 << LEVELS and count & (count - 1) == 0, f"it shows {count} nodes"):
        found = grow(list(nodes), levels_above(nodes))[-1][0]
        check.expect_equal("the root of the nodes that it shows", found, root)
