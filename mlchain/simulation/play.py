"""Plays a whole simulation: everybody acts in turn, and when nobody has anything to do the clock moves on."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from mlchain.actors.server import LearningServer
from mlchain.actors.worker import LOOK_BACK, Worker
from mlchain.chain.connection import Chain, account_from_secret
from mlchain.chain.deploy import deploy
from mlchain.chain.deployment import Deployment, Parameters
from mlchain.errors import TransactionFailed, UserError
from mlchain.protocol.calls import Turn, View, earliest
from mlchain.simulation.cast import (
    SERVER_FUNDS,
    WORKER_FUNDS,
    make_server,
    make_workers,
    secret,
    task_opener,
)
from mlchain.simulation.options import Options
from mlchain.tasks.catalogue import LearningTask, create_task

Actor = LearningServer | Worker


@dataclass(slots=True)
class Played:
    """What was played: the last view of the chain, everybody's fees, and the gas of every transaction by kind."""

    options: Options
    task: LearningTask
    deployment: Deployment
    server: LearningServer
    workers: list[Worker]
    start_balances: dict[str, int]
    view: View | None = None
    fees: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    gas: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    refused: list[str] = field(default_factory=list)


class Simulation:
    """A server, its workers and a chain of their own. `report(rounds_done, what)` is called as it goes on."""

    def __init__(self, chain: Chain, funder: object, options: Options, report: Callable[[float, str], None]):
        self._chain = chain
        self._report = report
        self._opener = task_opener()
        task = self._opener(create_task(options.task, options.model).recipe)

        self._accounts = {}
        server = self._open_account(funder, options.seed, "server", SERVER_FUNDS)
        workers = [
            self._open_account(funder, options.seed, f"worker {number}", WORKER_FUNDS)
            for number in range(options.workers)
        ]
        start_balances = {address: chain.balance_of(address) for address in (server, *workers)}
        deployed = deploy(chain, self._accounts[server], Parameters())
        chain.follow(deployed.deployment)
        self.played = Played(
            options,
            task,
            deployed.deployment,
            make_server(server, task, options),
            make_workers(workers, options, self._opener),
            start_balances,
        )
        for contract, receipt in deployed.receipts.items():
            self._note(server, f"deploy {contract}", receipt)

    def _open_account(self, funder: object, seed: int, label: str, funds: int) -> str:
        account = account_from_secret(secret(seed, label))
        self._accounts[account.address] = account
        self._report(0, f"fund {label}")
        self._chain.transfer(funder, account.address, funds)
        return account.address

    def play(self) -> Played:
        """Play all rounds, send everybody home, and return what happened."""
        played = self.played
        while not played.server.is_done(self._chain.view().ledger):
            self._step(self._one_round)
        for actor in (played.server, *played.workers):
            actor.is_leaving = True
        while self._send_home():
            pass
        played.view = self._chain.view()
        return played

    def _step(self, everybody: Callable[[], list[Turn]]) -> None:
        turns = everybody()
        if any(turn.calls for turn in turns):
            return
        wake = earliest(*(turn.wake for turn in turns))
        if wake is None:
            raise UserError("nobody can go on: too few workers are left to deploy another round")
        self._chain.advance_to(wake)

    def _one_round(self) -> list[Turn]:
        """Let the workers act, and then the server, who sees what they did."""
        return self._act(self.played.workers) + self._act([self.played.server])

    def _send_home(self) -> bool:
        """Withdraw what can be withdrawn; return whether anything is left to do."""
        turns = self._one_round()
        if any(turn.calls for turn in turns):
            return True
        view = self._chain.view()
        locked = [worker for worker in self.played.workers if view.ledger.account(worker.address).stake]
        if locked:
            self._chain.mine(LOOK_BACK + 1)
        return bool(locked)

    def _act(self, actors: list[Actor]) -> list[Turn]:
        """Let all of them decide from the same view of the chain, then send what they decided."""
        view = self._chain.view()
        turns = [actor.act(view) for actor in actors]
        for actor, turn in zip(actors, turns, strict=True):
            for call in turn.calls:
                self._report(_rounds_done(view), call.kind)
                self._send(actor, call)
        return turns

    def _send(self, actor: Actor, call: object) -> None:
        try:
            receipt = self._chain.send(self._accounts[actor.address], call)
        except TransactionFailed as failure:
            if isinstance(actor, LearningServer) or actor.behaviour.is_honest:
                raise
            self.played.refused.append(f"{actor.behaviour.name}: {failure}")
            return
        self._note(actor.address, call.kind, receipt)

    def _note(self, address: str, kind: str, receipt: object) -> None:
        self.played.fees[address] += receipt.fee
        self.played.gas[kind].append(receipt.gas)


def _rounds_done(view: View) -> float:
    """Return the number of rounds played, counting the settled and half the committed seats of the open one."""
    current = view.ledger.open_round
    if current is None:
        return len(view.ledger.rounds)
    seats = sum(job.terms.seats for job in current.jobs)
    settled = sum(len(job.settlements) for job in current.jobs)
    committed = sum(len(job.commitments) for job in current.jobs)
    return len(view.ledger.rounds) - 1 + (committed + settled) / (2 * seats)
