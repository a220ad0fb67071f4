"""A dispute before a contract as it is shown: claims, challenges, moves, clocks, bonds and bounties."""

from collections.abc import Sequence

from mlchain.live.event_lines import counted
from mlchain.page.amounts import Json, amount, hash_text
from mlchain.protocol.disputes import Challenge, Claim, Games, challenges_end, claims_end
from mlchain.protocol.events import BountyPaid, Log
from mlchain.protocol.game_events import Challenged, EntryPicked, GameTurn, Opened, Picked, Revealed
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import Job

TURNS = {
    GameTurn.CLAIM: "claim's turn",
    GameTurn.CHALLENGER: "challenger's turn",
    GameTurn.UPHELD: "has failed: the claim stands against it",
    GameTurn.REFUTED: "has refuted the claim: nobody answered for it in time",
    GameTurn.MOOT: "is over: another one has refuted the claim",
}


def dispute_shown(ledger: Ledger, job: Job, steps: int) -> Json:
    """Return in a line how a job's dispute stands; None where no contract is the referee.

    `waits` is whose turn it is in the challenge whose clock runs out first, and when that is, in the chain's seconds;
    `steps`, the number of events so far, tells two states apart.
    """
    games, claims = ledger.games, ledger.games.of_job(job)
    if not claims:
        return {"says": "not disputed", "waits": None, "steps": steps} if ledger.has_game else None
    challenges = [game for claim in claims for game in games.about(claim)]
    running = [game for game in challenges if game.is_running]
    parts = [_counted(claims, "claim", [it for it in claims if it.is_refuted], "refuted")]
    if challenges:
        over = [game for game in challenges if not game.is_running]
        parts.append(_counted(challenges, "challenge", over, "over"))
    first = min(running, key=lambda game: game.runs_out, default=None)
    return {
        "says": f"disputed: {', '.join(parts)}",
        "waits": None if first is None else [TURNS[first.turn], first.runs_out],
        "steps": steps,
    }


def game_shown(games: Games, job: Job, logs: Sequence[Log], bond: int) -> Json:
    """Return all that was played about a job, None if nothing was; `logs` are the job's, `bond` is in wei."""
    claims = games.of_job(job)
    if not claims:
        return None
    moves = _moves(logs)
    bounties: dict[str, int] = {}
    for log in logs:
        if isinstance(log.event, BountyPaid):
            bounties[log.event.finder] = bounties.get(log.event.finder, 0) + log.event.amount
    people = [it.claimant for it in claims]
    people += [game.challenger for claim in claims for game in games.about(claim)]
    return {
        "claims_end": claims_end(job),
        "challenges_end": challenges_end(job),
        "bond": amount(bond),
        "claims": [_claim(games, claim, moves) for claim in claims],
        "people": [
            [who, amount(games.won(who, job) * bond), amount(bounties.get(who, 0))]
            for who in dict.fromkeys([*people, *bounties])
        ],
    }


def _claim(games: Games, claim: Claim, moves: dict[int, list[Json]]) -> Json:
    state = "refuted" if claim.is_refuted else "released" if claim.is_released else "standing"
    return {
        "number": claim.number,
        "result": hash_text(claim.result_hash),
        "claimant": claim.claimant,
        "time": claim.time,
        "state": state,
        "speaks": games.first.get((claim.job.address, claim.result_hash)) == claim.number and not claim.is_refuted,
        "challenges": [_challenge(game, moves.get(game.number, [])) for game in games.about(claim)],
    }


def _challenge(game: Challenge, moves: list[Json]) -> Json:
    """Return a challenge; `left` are the seconds that the claim's and the challenger's clock had at the last move."""
    return {
        "number": game.number,
        "challenger": game.challenger,
        "turn": game.turn.name.lower(),
        "says": TURNS[game.turn],
        "ends": game.runs_out if game.is_running else None,
        "left": [game.claim_left, game.challenger_left],
        "moves": moves,
    }


def _moves(logs: Sequence[Log]) -> dict[int, list[Json]]:
    """Return the moves of every challenge in order: when each was made, in the chain's seconds, and what it was."""
    found: dict[int, list[Json]] = {}
    for log in logs:
        match log.event:
            case Challenged(number, position=position):
                text = f"node {position:,} challenged"
            case Opened(number, nodes):
                text = f"{counted(len(nodes), 'node')} below it opened"
            case Picked(number, position):
                text = f"node {position:,} picked"
            case Revealed(number, leaf):
                text = f"its leaf of {counted(len(leaf), 'byte')} revealed"
            case EntryPicked(number, entry):
                text = f"entry {entry:,} picked"
            case _:
                continue
        found.setdefault(number, []).append([log.timestamp, text])
    return found


def _counted(its: Sequence[object], what: str, some: Sequence[object], how: str) -> str:
    """Return a number of things, and how many of them are like this if some are."""
    return counted(len(its), what) + (f" ({len(some):,} {how})" if some else "")
