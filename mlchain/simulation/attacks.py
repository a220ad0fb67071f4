"""Every attack that a simulation can act out, and what came of it."""

from dataclasses import dataclass, replace

from mlchain.protocol.content import content_hash
from mlchain.simulation.attackers import ATTACKERS, PLAYERS
from mlchain.simulation.books import bonds_won
from mlchain.simulation.evil_servers import EVIL_SERVERS
from mlchain.simulation.options import Options
from mlchain.simulation.simulator import SimulationRun
from mlchain.simulation.summary import Summary

BASE = Options(workers=10, evil=4, rounds=2, task="fake")


@dataclass(frozen=True, slots=True)
class Attack:
    """A way to attack: what is tried, and the simulation that acts it out."""

    name: str
    attempt: str
    options: Options


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an attack: seats, transactions, and money in wei."""

    attack: Attack
    decided_by: str
    refused: int
    attackers_lost: int
    attackers_earned: int
    others_lost: int
    others_unpaid: int
    has_failed: bool


def all_attacks(seed: int) -> list[Attack]:
    """Return every evil behaviour on its own, then the mixtures and majorities that say more than one alone."""
    alone = [Attack(evil.name, evil.attempt, replace(BASE, behaviour=evil.name)) for evil in ATTACKERS]
    together = [
        Attack(
            "half, no referee",
            "half of the pool lies, the referee is silent",
            replace(BASE, evil=5, referee="none"),
        ),
        Attack("majority", "nine of ten lie against one honest seat", replace(BASE, evil=9)),
        Attack("adaptive majority", "nine of ten decide last", replace(BASE, evil=9, behaviour="adaptive")),
        Attack("everybody", "all seats lie, and the server audits", replace(BASE, evil=10, audit_rate=1.0)),
        Attack(
            "everything at once",
            "every attacker in one pool of 34",
            replace(BASE, workers=34, evil=len(ATTACKERS), behaviour=",".join(evil.name for evil in ATTACKERS)),
        ),
    ]
    game = replace(BASE, task="digits", rounds=1, referee="contract")
    fights = [Attack(evil.name, evil.attempt, replace(game, behaviour=evil.name)) for evil in PLAYERS]
    fights += [
        Attack(
            "cartel", "19 of 20 claim, stall and challenge", replace(game, workers=20, evil=19, behaviour="stalling")
        ),
        Attack("no honest seat", "all seats lie, the server watches", replace(game, evil=10, audit_rate=1.0)),
    ]
    fights += [
        Attack(f"{name} server", attempt, replace(game, evil=0, rounds=2, server=name))
        for name, attempt in EVIL_SERVERS.items()
    ]
    attacks = alone + together + fights
    return [replace(a, options=replace(a.options, seed=seed + number)) for number, a in enumerate(attacks)]


def result_of(attack: Attack, run: SimulationRun, summary: Summary) -> Result:
    """Return what came of an attack.

    It has failed when nothing wrong was accepted, nor stands as a version of the model, nobody honest lost anything,
    and everybody honest was paid whose job was decided. What no quorum and no referee decides is paid for by nobody:
    that much a silent referee costs.
    """
    honest = [pay for pay in summary.pay if pay.behaviour == "honest"]
    evil = [pay for pay in summary.pay if pay.behaviour != "honest"]
    decided = dict.fromkeys(job.decided_by for current in summary.rounds for job in current.jobs)
    undecided = all(job.outcome == "failed" for current in summary.rounds for job in current.jobs)
    others_lost = sum(pay.slashed + max(0, -pay.bonds) for pay in honest)
    unpaid = 0 if undecided and attack.options.referee == "none" else summary.honest_unpaid
    unclaimed = summary.wei["held"] - summary.wei["burnt"]
    lost = [pay.slashed + pay.gas_paid + max(0, -pay.bonds) for pay in evil]
    if attack.options.server != "honest":
        lost.append(max(0, -bonds_won(run, run.server.address)))
    return Result(
        attack,
        ", ".join(decided),
        len(run.refused),
        attackers_lost=sum(lost),
        attackers_earned=sum(pay.earned + pay.bounties + max(0, pay.bonds) for pay in evil),
        others_lost=others_lost,
        others_unpaid=summary.honest_unpaid,
        has_failed=(summary.wrong_accepted, forged(run), others_lost, unpaid, unclaimed) == (0, 0, 0, 0, 0),
    )


def forged(run: SimulationRun) -> int:
    """Return how many versions of the model stand that are not what was accepted."""
    ledger = run.view.ledger
    standing = ledger.versions[1 : ledger.refuted.version - 1 if ledger.refuted else None]
    wrong = 0
    for version in standing:
        made_in = ledger.rounds[version.round - 1]
        model = run.task.aggregate(ledger.model_of(made_in), made_in.accepted_results(), ledger.parent_of(made_in))
        wrong += version.content_hash != content_hash(model)
    return wrong
