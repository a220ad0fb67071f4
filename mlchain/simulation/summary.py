"""What a simulation came to: one value that tables, plots and `summary.json` are made from."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from mlchain.chain.connection import Chain
from mlchain.protocol.content import content_hash
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import VOID, Job, Outcome, Round, Verdict
from mlchain.simulation.books import Pay, all_pay, decision_of, settlements_of
from mlchain.simulation.forecast import OddsFigures, odds_figures
from mlchain.simulation.simulator import SimulationRun

DECIDED_BY = {
    Outcome.UNANIMOUS: "unanimity",
    Outcome.UNCONTESTED: "uncontested quorum",
    Outcome.QUORUM: "quorum, referee silent",
    Outcome.RULED: "referee",
    Outcome.FAILED: "no quorum, referee silent",
    Outcome.VOID: "referee",
    Outcome.UPHELD: "claims",
}


@dataclass(frozen=True, slots=True)
class JobSummary:
    """A decided job: hashes in hex, None if nothing was accepted; `matches` counts seats that committed honestly."""

    address: str
    outcome: str
    decided_by: str
    accepted_hash: str | None
    honest_hash: str
    matches: int
    seats: int


@dataclass(frozen=True, slots=True)
class RoundSummary:
    """A round and the model version that came out of it; `accuracy` in [0, 1], None for a task without a test set."""

    round: int
    seed: str
    version: int
    content_hash: str
    accuracy: float | None
    jobs: list[JobSummary]


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of `summary.json` (money in wei), and the pay slips behind its `pay`.

    `bytes` is what was published on the chain, once for everybody: models, and results whoever proposed them.
    """

    mode: str
    network: str
    chain_id: int
    task: str
    model: str
    workers: int
    evil: int
    behaviours: dict[str, int]
    seed: int
    rounds: list[RoundSummary]
    accuracy: float | None
    warning: str | None
    model_hash: str
    wrong_accepted: int
    honest_slashed: int
    honest_unpaid: int
    odds: OddsFigures
    bytes: dict[str, int]
    wei: dict[str, int]
    pay: list[Pay]
    gas: dict[str, dict[str, int]]
    seconds: float

    def save(self, folder: Path) -> None:
        """Write `summary.json` into `folder`."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        fields["rounds"] = [asdict(current) for current in self.rounds]
        fields["pay"] = [
            {
                "address": pay.address,
                "behaviour": pay.behaviour,
                "earned": pay.earned,
                "slashed": pay.slashed,
                "gas_paid": pay.gas_paid,
                "bounties": pay.bounties,
                "bonds": pay.bonds,
                "net": pay.net,
            }
            for pay in self.pay
        ]
        (folder / "summary.json").write_text(json.dumps(fields, indent=2) + "\n")


def summarize(chain: Chain, run: SimulationRun, seconds: float) -> Summary:
    """Return the summary of what was played on `chain`."""
    held = chain.balance_of(run.deployment.addresses["WorkerRegistry"])
    options, ledger = run.options, run.view.ledger
    last = ledger.versions[-1]
    rounds = [_round(run, current) for current in ledger.rounds]
    jobs = [job for current in rounds for job in current.jobs]
    names = [worker.behaviour.name for worker in run.workers]
    slashed, unpaid = _wronged(run)
    wrong_accepted = sum(job.accepted_hash not in (None, job.honest_hash) for job in jobs)
    return Summary(
        mode="contracts",
        network=chain.network,
        chain_id=run.view.chain_id,
        task=options.subject.name,
        model=options.model,
        workers=options.workers,
        evil=options.evil,
        behaviours=dict(Counter(names)),
        seed=options.seed,
        rounds=rounds,
        accuracy=run.task.accuracy(last.data()),
        warning=_warning(run),
        model_hash=_hex(last.content_hash),
        wrong_accepted=wrong_accepted,
        honest_slashed=slashed,
        honest_unpaid=unpaid,
        odds=odds_figures(run, wrong_accepted),
        bytes=_published(ledger),
        wei={
            "paid_in": ledger.paid_in,
            "paid_out": ledger.paid_out,
            "held": held,
            "burnt": ledger.burnt,
            "fees": sum(run.fees.values()),
        },
        pay=all_pay(run),
        gas=gas_figures(run.gas),
        seconds=round(seconds, 3),
    )


def _warning(run: SimulationRun) -> str | None:
    ledger = run.view.ledger
    if ledger.refuted:
        return str(ledger.refuted)
    last = ledger.rounds[-1]
    warning = run.task.warning(last.accepted_results()) if last.terms.model_version > 1 else None
    return warning and f"after {len(ledger.rounds)} rounds {warning}"


def gas_figures(gas: dict[str, list[int]]) -> dict[str, dict[str, int]]:
    """Return what is said of the gas of every kind of transaction."""
    return {
        kind: {"count": len(used), "min": min(used), "median": round(median(used)), "max": max(used)}
        for kind, used in gas.items()
    }


def _published(ledger: Ledger) -> dict[str, int]:
    """Return the bytes of models and of results that are on the chain."""
    jobs = [job for current in ledger.rounds for job in current.jobs]
    candidates = [candidate for job in jobs for candidate in job.candidates.values()]
    return {
        "weights_sent": sum(len(chunk) for version in ledger.versions for chunk in version.chunks.values()),
        "updates_received": sum(len(chunk) for candidate in candidates for chunk in candidate.chunks.values()),
    }


def _round(run: SimulationRun, current: Round) -> RoundSummary:
    versions = run.view.ledger.versions
    has_child = bool(current.accepted_results())
    version = versions[current.terms.model_version - 1 + has_child]
    accuracy = run.task.accuracy(version.data())
    jobs = [_job(run, current, job) for job in current.jobs]
    return RoundSummary(current.number, _hex(current.seed), version.number, _hex(version.content_hash), accuracy, jobs)


def _job(run: SimulationRun, current: Round, job: Job) -> JobSummary:
    honest = content_hash(run.task.train(*run.view.ledger.inputs_of(current, job)))
    outcome, accepted = decision_of(job)
    matches = job.votes_for(honest)
    by = "claims" if job.is_disputed and outcome is Outcome.FAILED else DECIDED_BY[outcome]
    kind = {Outcome.FAILED: "failed", Outcome.VOID: "void"}.get(outcome, "accepted")
    accepted_hash = None if accepted == VOID else _hex(accepted)
    return JobSummary(job.address, kind, by, accepted_hash, _hex(honest), matches, job.terms.seats)


def _wronged(run: SimulationRun) -> tuple[int, int]:
    """Return how many seats of honest workers lost money, and how many that committed got none."""
    settlements = [
        (job, seat, settlement)
        for worker in run.workers
        if worker.behaviour.is_honest
        for _number, job, seat, settlement in settlements_of(run, worker.address)
    ]
    slashed = sum(s.verdict in (Verdict.SLASHED, Verdict.ABSENT) for _, _, s in settlements)
    unpaid = sum(s.verdict is not Verdict.REWARDED and seat in job.commitments for job, seat, s in settlements)
    return slashed, unpaid


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
