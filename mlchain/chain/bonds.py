"""The bonds that an account has in games about jobs of earlier rounds, from the views of the game."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from mlchain.protocol.disputes import CLOCKS, Challenge, Claim, Games
from mlchain.protocol.game_events import GameTurn
from mlchain.protocol.rounds import VOID, Job
from mlchain.protocol.terms import RoundTerms

MOST_LOOKED_AT = 1_000  # claims, and as many challenges: the newest ones

Ask = Callable[[Iterable[tuple[str, tuple[object, ...]]]], list[Any]]  # views of the game and their arguments


def learn_bonds(games: Games, owner: str, bond: int, ask: Ask) -> None:
    """Add all claims and challenges in which `owner` has bonds, and what it is owed; what is known already stays.

    That takes a bounded number of requests, however many claims there are: anybody can make some.
    """
    claims, challenges = _unknown(games.claims, games.claim_count), _unknown(games.challenges, games.challenge_count)
    asked = [
        ("creditOf", (owner,)),
        *(("claims", (it,)) for it in claims),
        *(("challenges", (it,)) for it in challenges),
    ]
    credit, *answers = ask(asked)
    games.bonds[owner] = credit // bond
    found = dict(zip(claims, answers, strict=False))
    own = {number for number, it in found.items() if it[3] == owner and not any(it[6:])}
    running = {
        number: it
        for number, it in zip(challenges, answers[len(claims) :], strict=True)
        if it[7] in (GameTurn.CLAIM, GameTurn.CHALLENGER) and (it[2] == owner or it[0] in own)
    }
    wanted = sorted((own | {it[0] for it in running.values()}).difference(games.claims))
    older = [number for number in wanted if number not in found]
    found |= zip(older, ask(("claims", (number,)) for number in older), strict=True)
    cases = ask(("caseAt", found[number][:2]) for number in wanted)
    for number, case in zip(wanted, cases, strict=True):
        games.claims[number] = _claim(number, found[number], case)
    for number, it in running.items():
        claim, _node, challenger, position, depth, _entry, _is_revealed, turn, since, claim_left, challenger_left = it
        left = claim_left, challenger_left, GameTurn(turn)
        games.challenges[number] = Challenge(number, games.claims[claim], challenger, position, (), since, depth, *left)


def _unknown(known: Collection[int], count: int) -> list[int]:
    return [number for number in range(max(0, count - MOST_LOOKED_AT), count) if number not in known]


def _claim(number: int, claim: tuple[Any, ...], case: tuple[Any, ...]) -> Claim:
    """Return a claim about a job of which no more is known than the times of the game, which are all that matters."""
    disputed, result_hash, root, claimant, _depth, _running, is_refuted, is_released = claim
    _statement, start, clock, standing, _first = case
    terms = RoundTerms(1, 1, 1, 1, 0, 0, 1, 0, 0, CLOCKS * clock, 0)
    job = Job(disputed, 0, VOID, terms, start, (), standing={result_hash: standing})
    return Claim(number, job, result_hash, claimant, root, (), start, is_refuted, is_released)
