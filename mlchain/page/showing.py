"""All that the page shows of a deployment, as values by key: what follows from ledger and view, and no clock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlchain.live.event_lines import counted, told_of
from mlchain.page.amounts import Json, amount
from mlchain.page.chronicle import Chronicle, Sums, actors_of
from mlchain.page.games import dispute_shown
from mlchain.page.jobs import STATES, job_shown
from mlchain.page.models import Quality, maker_of, training_loss, version_shown
from mlchain.protocol.calls import View
from mlchain.protocol.events import Log
from mlchain.protocol.ledger import Account, Ledger
from mlchain.protocol.rounds import ETHER, Job, Round, Verdict, phase

Values = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a deployment is; money in wei, `bond` is 0 where the server is the referee.

    `explorer` is the address of a block explorer, None for a network without one.
    """

    network: str
    chain_id: int
    registry: str
    factory: str
    server: str
    stake: int
    explorer: str | None = None
    bond: int = 0


class Showing:
    """Turns views of one ledger, one after another, into what is shown; what cannot change any more is kept."""

    def __init__(self, place: Place, chronicle: Chronicle) -> None:
        self._place = place
        self._chronicle = chronicle
        self._jobs: dict[str, tuple[object, Json]] = {}
        self._versions: dict[int, Json] = {}
        self._losses: dict[int, float | None] = {}
        self._rounds: dict[int, Json] = {}
        self._lines: dict[int, Json] = {}
        self._steady: tuple[int, Values] = (-1, {})  # what follows from so many logs

    def values(self, view: View, held: int, quality_of: Callable[[int], Quality | None]) -> Values:
        """Return all values; `held` is what the registry has, in wei, `quality_of` tells how good a version is."""
        ledger, logs = view.ledger, len(self._chronicle.logs)
        if self._steady[0] != logs:
            self._steady = logs, self._of_logs(ledger, held)
        steady = self._steady[1]
        return {**steady, "now": self._now(view), **self._open_jobs(view), **self._of_versions(ledger, quality_of)}

    def _of_logs(self, ledger: Ledger, held: int) -> Values:
        return {
            "place": self._where(),
            "money": _money(ledger, held),
            **{f"worker/{owner}": self._worker(ledger, owner) for owner in ledger.accounts if owner != ledger.server},
            **{f"round/{it.number}": self._round(it) for it in ledger.rounds},
            **self._events(ledger),
        }

    def _where(self) -> Json:
        it = self._place
        return {
            "network": it.network,
            "chain": it.chain_id,
            "registry": it.registry,
            "factory": it.factory,
            "server": it.server,
            "stake": amount(it.stake),
            "explorer": it.explorer,
            "states": dict[str, Json](STATES),
            "kinds": list[Json](self._chronicle.kinds),
        }

    def _now(self, view: View) -> Json:
        ledger = view.ledger
        last = ledger.rounds.last
        return {
            "pool": len(ledger.pool.members),
            "next": next_step(ledger),
            "round": last.number if last else None,
            "open": last is not None and not last.is_settled,
            "version": last.terms.model_version if last else None,
            "drawn_from": last.pool_size if last else None,
            "jobs": [job.address for job in last.jobs] if last else [],
        }

    def _open_jobs(self, view: View) -> Values:
        last = view.ledger.rounds.last
        shown = {job.address: self._job(view, last, job) for job in last.jobs} if last else {}
        self._jobs = {address: self._jobs[address] for address in shown}
        return {f"job/{address}": value for address, value in shown.items()}

    def _job(self, view: View, current: Round, job: Job) -> Json:
        """Return a job, as it was shown before if nothing has happened in it: to open commitments takes hashes."""
        steps = self._chronicle.steps_of(job.address)
        state = (steps, phase(job, view.now))
        known = self._jobs.get(job.address)
        if known is None or known[0] != state:
            dispute = dispute_shown(view.ledger, job, steps)
            known = self._jobs[job.address] = (state, job_shown(current, job, view.now, dispute))
        return known[1]

    def _of_versions(self, ledger: Ledger, quality_of: Callable[[int], Quality | None]) -> Values:
        shown = dict[str, Json]()
        for version in ledger.versions:
            number = version.number
            known, refuted = self._versions.get(number), ledger.refuted is not None and ledger.refuted.version == number
            if known is None or refuted:
                maker, quality = maker_of(ledger, version), quality_of(number)
                known = version_shown(version, maker, quality, self._loss(number, maker), refuted)
                if version.is_complete and quality is not None:
                    self._versions[number] = known
            shown[f"version/{number}"] = known
        return shown

    def _loss(self, number: int, maker: Round | None) -> float | None:
        if maker and maker.is_settled and number not in self._losses:
            self._losses[number] = training_loss(maker)
        return self._losses.get(number)

    def _worker(self, ledger: Ledger, owner: str) -> Json:
        account, sums = ledger.accounts[owner], self._chronicle.of_worker.get(owner, Sums())
        return {
            "member": owner in ledger.pool,
            "stake": amount(account.stake),
            "credit": amount(account.credit),
            "earned": amount(sums.earned),
            "lost": amount(sums.lost),
            "net": (sums.earned - sums.lost) / ETHER,
            "verdicts": [sums.verdicts[it] for it in Verdict],
        }

    def _round(self, current: Round) -> Json:
        if current.number not in self._rounds:
            sums = self._chronicle.of_round.get(current.number, Sums())
            shown: Json = {
                "earned": sums.earned / ETHER,
                "lost": sums.lost / ETHER,
                "jobs": len(current.jobs),
                "version": current.terms.model_version,
            }
            if not current.is_settled:
                return shown
            self._rounds[current.number] = shown
        return self._rounds[current.number]

    def _events(self, ledger: Ledger) -> Values:
        newest = self._chronicle.recent(None, None, None)
        self._lines = {number: self._lines.get(number) or self._event(log, ledger) for number, log in newest}
        return {f"event/{number}": line for number, line in self._lines.items()}

    def _event(self, log: Log, ledger: Ledger) -> Json:
        return event_shown(log, ledger, self._chronicle.job_of(log))


def event_shown(log: Log, ledger: Ledger, address: str) -> Json:
    """Return an event as it is shown: its kind, what it says, and where it is; `address` is its job's, if any."""
    job = ledger.job_at(address)
    return {
        "kind": log.name,
        "says": told_of(log, ledger, ""),
        "block": log.block,
        "time": log.timestamp,
        "transaction": log.transaction,
        "job": job.address if job else None,
        "people": list[Json](sorted(actors_of(log.event))),
    }


def next_step(ledger: Ledger) -> str | None:
    """Return what comes next where no round is open, None where one is."""
    if ledger.refuted:
        return f"Version {ledger.refuted.version} of the model is not what was accepted: no round can follow."
    if ledger.open_round:
        return None
    version, pool = ledger.latest_version, len(ledger.pool.members)
    if version is None:
        return "Nothing has happened yet: the learning server announces a model first (ape run server)."
    if not version.is_complete:
        return f"The learning server is publishing version {version.number} of the model."
    if ledger.scheduled is not None:
        return f"Round {len(ledger.rounds) + 1} is scheduled: its committees are drawn from {counted(pool, 'worker')}."
    if not pool:
        return "Workers can join the pool now (ape run worker); a round needs a committee to be drawn from them."
    if not ledger.rounds:
        return f"{counted(pool, 'worker')} joined: the learning server deploys the first round once they are enough."
    return f"Round {len(ledger.rounds)} is settled: the next version of the model or the next round follows."


def _money(ledger: Ledger, held: int) -> Json:
    stakes = sum(account.stake for account in ledger.accounts.values())
    credits_ = sum(account.credit for account in ledger.accounts.values())
    owed = ledger.owed + ledger.burnt
    named: Mapping[str, int] = {
        "escrow": ledger.escrow,
        "stakes": stakes,
        "credits": credits_,
        "burnt": ledger.burnt,
        "owed": owed,
        "held": held,
        "difference": held - owed,
        "paid_in": ledger.paid_in,
        "paid_out": ledger.paid_out,
        "server": ledger.accounts.get(ledger.server, Account()).credit,
    }
    return {name: amount(wei) for name, wei in named.items()}
