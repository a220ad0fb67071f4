"""Who got what and why, from the chain's events, held against everybody's balance to the wei."""

from dataclasses import dataclass

from mlchain.chain.connection import Chain
from mlchain.errors import UserError
from mlchain.protocol.rounds import Job, Outcome, Settlement, Verdict
from mlchain.simulation.simulator import SimulationRun, wealth


@dataclass(frozen=True, slots=True)
class Loss:
    """What a worker lost in a job, in wei, and why."""

    round: int
    job: int
    amount: int
    reason: str


@dataclass(frozen=True, slots=True)
class Pay:
    """What a worker earned, lost and paid for gas over a whole simulation, in wei."""

    address: str
    behaviour: str
    earned: int
    losses: tuple[Loss, ...]
    gas_paid: int
    bounties: int = 0
    bonds: int = 0  # won less lost

    @property
    def slashed(self) -> int:
        """Return everything lost, absence fees included."""
        return sum(loss.amount for loss in self.losses)

    @property
    def net(self) -> int:
        """Return what the worker is richer, or poorer, at the end."""
        return self.earned - self.slashed - self.gas_paid + self.bounties + self.bonds


def settlements_of(run: SimulationRun, worker: str) -> list[tuple[int, Job, int, Settlement]]:
    """Return (round number, job, seat, settlement) of every seat that `worker` has held."""
    held = []
    for current in run.view.ledger.rounds:
        for job in current.jobs:
            seat = job.seat_of(worker)
            if seat is not None and seat in job.settlements:
                held.append((current.number, job, seat, job.settlements[seat]))
    return held


def decision_of(job: Job) -> tuple[Outcome, bytes]:
    """Return how a job was decided, all of which are once a simulation is over."""
    if job.decision is None:
        raise ValueError(f"no seat of {job.address} is settled")
    return job.decision


def pay_of(run: SimulationRun, address: str, behaviour: str) -> Pay:
    """Return the pay of one worker."""
    earned, losses = 0, []
    for number, job, seat, settlement in settlements_of(run, address):
        if settlement.verdict is Verdict.REWARDED:
            earned += settlement.amount
        elif settlement.amount:
            losses.append(Loss(number, job.index, settlement.amount, _reason(job, seat, settlement)))
    bounties, bonds = run.view.ledger.account(address).bounties, bonds_won(run, address)
    return Pay(address, behaviour, earned, tuple(losses), run.fees[address], bounties, bonds)


def bonds_won(run: SimulationRun, address: str) -> int:
    """Return the bonds that somebody has won in challenges, less those that it has lost, in wei."""
    return run.view.ledger.games.won(address) * run.deployment.parameters.bond


def _reason(job: Job, seat: int, settlement: Settlement) -> str:
    if settlement.verdict is Verdict.ABSENT:
        return "never committed"
    shown = job.opened_by(seat)
    if shown is not None and job.is_refuted(shown):
        return "committed to a result whose claims are refuted"
    if decision_of(job)[0] is Outcome.FAILED:
        return "committed to a result that nobody proposed"
    return "committed to another result than the accepted one"


def all_pay(run: SimulationRun) -> list[Pay]:
    """Return the pay of every worker, in the order of the workers."""
    return [pay_of(run, worker.address, worker.behaviour.name) for worker in run.workers]


def check_books(chain: Chain, run: SimulationRun) -> None:
    """Hold what the events say against what the chain holds; raises UserError at the first wei that is missing."""
    ledger = run.view.ledger
    registry = run.deployment.addresses["WorkerRegistry"]
    _require_equal("the registry holds", chain.balance_of(registry), ledger.owed + ledger.burnt)
    _require_equal("what was paid in and not out", ledger.paid_in - ledger.paid_out, ledger.owed + ledger.burnt)

    paid, held, server = all_pay(run), wealth(chain, run.purses), run.server.address
    for pay in paid:
        account = ledger.account(pay.address)
        grown = held[pay.address] - run.start_balances[pay.address]
        _require_equal(f"{pay.address} is richer by", grown + account.stake + account.credit, pay.net)

    spent = run.start_balances[server] - held[server] - ledger.account(server).credit + bonds_won(run, server)
    lost = sum(pay.slashed - pay.bounties for pay in paid)
    forfeited = ledger.burnt - lost
    expected = sum(pay.earned for pay in paid) + forfeited + run.fees[server] + ledger.escrow
    _require_equal("the server has spent", spent, expected)
    if run.options.has_game:
        _require_equal("bonds left in the game are", chain.balance_of(run.deployment.addresses["Disputes"]), 0)
    _require_equal("burnt is", int(chain.read("WorkerRegistry", "burnt")), ledger.burnt)


def _require_equal(what: str, actual: int, expected: int) -> None:
    if actual != expected:
        raise UserError(f"the books do not balance: {what} {actual} wei, the events say {expected}")
