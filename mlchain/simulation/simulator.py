"""Runs a whole simulation: everybody acts in turn, and when nobody has anything to do the clock is advanced."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mlchain.actors.server import LearningServer
from mlchain.actors.watcher import Watcher
from mlchain.actors.worker import Worker
from mlchain.chain.accounts import AccountAPI, account_from_secret, load_account
from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy, numbers_of
from mlchain.chain.deployment import Deployment, Parameters
from mlchain.chain.embedded import make_repeatable
from mlchain.chain.provider import connected_provider
from mlchain.chain.receipts import Receipt
from mlchain.errors import TransactionFailed, UserError
from mlchain.protocol.calls import Call, Turn, View, earliest
from mlchain.protocol.pool import MAX_SNAPSHOT_AGE
from mlchain.simulation.attackers import ContractBehaviour, OnReceiving, sent_ahead
from mlchain.simulation.contract_worker import ContractWorker
from mlchain.simulation.options import Options
from mlchain.simulation.participants import (
    BOND,
    SERVER_FUNDS,
    WORKER_FUNDS,
    deal_behaviours,
    make_outsider,
    make_server,
    make_workers,
    proof_opener,
    secret,
    task_opener,
)
from mlchain.tasks.catalogue import LearningTask
from mlchain.tasks.choices import prepare

Actor = LearningServer | Worker | Watcher


@dataclass(slots=True)
class SimulationRun:
    """What was played: the newest view of the chain, everybody's fees, and the gas of every transaction by kind.

    `purses` are the addresses that hold an actor's ether: its own and, if it is a contract, its owner's, who pays its
    gas. `refused` are the transactions that the chain did not accept: what attackers tried, and what somebody else did
    first.
    """

    options: Options
    task: LearningTask
    deployment: Deployment
    server: LearningServer
    workers: list[Worker]
    purses: dict[str, tuple[str, ...]]
    start_balances: dict[str, int]
    view: View
    fees: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    gas: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    refused: list[tuple[str, Call]] = field(default_factory=list)


def open_chain(seed: int) -> Chain:
    """Return the connected chain, repeatable by the seed where possible; raises UserError for a public one."""
    chain = Chain()
    if not chain.is_development:
        raise UserError(f"a simulation needs a development chain, which {chain.network} is not")
    make_repeatable(connected_provider(), seed.to_bytes(8, "big"))
    return chain


def open_accounts(chain: Chain, funder: AccountAPI, seed: int, funds: Mapping[str, int]) -> list[AccountAPI]:
    """Return the accounts that follow from the seed and the labels of `funds`, after giving them that many wei."""
    opened = [account_from_secret(secret(seed, label)) for label in funds]
    payments = zip((account.address for account in opened), funds.values(), strict=True)
    chain.transfer_all(funder, dict(payments))
    return opened


def wealth(chain: Chain, purses: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return how much ether is in everybody's purses together, in wei."""
    balances = chain.balances_of([purse for held in purses.values() for purse in held])
    return {owner: sum(balances[purse] for purse in held) for owner, held in purses.items()}


class Simulation:
    """A server, its workers and a chain of their own. `report(rounds_done, what)` is called as it goes on.

    `recipe` is what is learned; None is the default one of the options' task and model.
    """

    def __init__(
        self, chain: Chain, options: Options, report: Callable[[float, str], None], recipe: bytes | None = None
    ) -> None:
        self._chain = chain
        self._funder = load_account(None)
        self._report = report
        self._opener = task_opener()
        task = self._opener(recipe or prepare(options.subject).recipe.to_bytes())

        self._accounts: dict[str, AccountAPI] = {}
        self._contracts: dict[str, ContractWorker] = {}
        funds = {"server": SERVER_FUNDS} | {f"worker {number}": WORKER_FUNDS for number in range(options.workers)}
        server, *keys = self._open_accounts(options.seed, funds)
        behaviours = deal_behaviours(options)
        cast = {
            self._open_contract(key) if isinstance(behaviour, ContractBehaviour) else key: behaviour
            for key, behaviour in zip(keys, behaviours, strict=True)
        }
        purses = {address: self._purses_of(address) for address in (server, *cast)}
        start_balances = wealth(chain, purses)
        parameters = Parameters(min_seats=1, referee="contract" if options.has_game else "server", bond=BOND)
        # Whoever attacks leaves a smaller pool behind: the last of it still plays.
        deployed = deploy(chain, self._accounts[server], parameters, options.rounds)
        numbers = numbers_of(self._accounts[server], deployed.deployment, options.rounds)
        chain.follow(deployed.deployment)
        proof_of = proof_opener(self._opener) if options.has_game else None
        self._outsiders: list[Watcher] = []
        if proof_of and options.server != "honest":
            (watcher,) = self._open_accounts(options.seed, {"watcher": WORKER_FUNDS})
            factory = deployed.deployment.addresses["JobFactory"]
            self._outsiders = [make_outsider(watcher, self._opener, factory, proof_of)]
        self.run = SimulationRun(
            options,
            task,
            deployed.deployment,
            make_server(server, task, options, numbers, proof_of),
            make_workers(cast, self._opener, proof_of),
            purses,
            start_balances,
            chain.view(),
        )
        for contract, receipt in deployed.receipts.items():
            self._note(server, f"deploy {contract}", receipt)
        for worker in self.run.workers:
            if isinstance(worker.behaviour, ContractBehaviour):
                self._let_react(worker.address, worker.behaviour.on_receiving)

    def _open_accounts(self, seed: int, funds: Mapping[str, int]) -> list[str]:
        """Open accounts as `open_accounts` does, to sign with them, and return their addresses."""
        self._report(0, "fund accounts")
        opened = open_accounts(self._chain, self._funder, seed, funds)
        self._accounts |= {account.address: account for account in opened}
        return [account.address for account in opened]

    def _open_contract(self, owner: str) -> str:
        contract = ContractWorker.create(self._chain, self._accounts[owner])
        self._chain.transfer(self._funder, contract.address, WORKER_FUNDS)
        self._contracts[contract.address] = contract
        return contract.address

    def _purses_of(self, address: str) -> tuple[str, ...]:
        contract = self._contracts.get(address)
        return (address, contract.owner.address) if contract else (address,)

    def _let_react(self, address: str, on_receiving: OnReceiving) -> None:
        """Choose what a worker that is a contract does when it is sent ether."""
        receipt = self._contracts[address].react(self._chain, on_receiving)
        self._note(address, "ContractWorker.receiveBy", receipt)

    def _signed(self, actor: Actor, call: Call) -> tuple[AccountAPI, Call]:
        """Return who signs what, so that an actor sends a call: a contract is told to by its owner."""
        contract = self._contracts.get(actor.address)
        return (
            (contract.owner, contract.relay(self._chain, call)) if contract else (self._accounts[actor.address], call)
        )

    def play(self) -> SimulationRun:
        """Play all rounds, let everybody withdraw, and return what happened."""
        run = self.run
        while not run.server.is_done(self._chain.view().ledger):
            self._step()
        actors: list[Actor] = [run.server, *run.workers, *self._outsiders]
        for actor in actors:
            actor.is_leaving = True
        for address in self._contracts:
            self._let_react(address, OnReceiving.ACCEPT)  # so that their money can be withdrawn in the end
        while self._let_withdraw():
            pass
        run.view = self._chain.view()
        return run

    def _step(self) -> None:
        turns = self._one_round()
        if any(turn.calls for turn in turns):
            return
        wake = earliest(*(turn.wake for turn in turns))
        if wake is None:
            raise UserError("nobody can continue: too few workers are left to deploy another round")
        self._chain.advance_to(wake)

    def _one_round(self) -> list[Turn]:
        """Let the workers act, then the server, who sees what they did, and then who watches them all."""
        return self._act(self.run.workers) + self._act([self.run.server]) + self._act(self._outsiders)

    def _let_withdraw(self) -> bool:
        """Let everybody leave and withdraw; return whether anything is left to do."""
        turns = self._one_round()
        if any(turn.calls for turn in turns):
            return True
        view = self._chain.view()
        locked = [worker for worker in self.run.workers if view.ledger.account(worker.address).stake]
        if locked:
            self._chain.mine(MAX_SNAPSHOT_AGE + 1)
        return bool(locked)

    def _act(self, actors: Sequence[Actor]) -> list[Turn]:
        """Let all of them decide from the same view of the chain, then send what they decided."""
        if not actors:
            return []  # without reading the chain
        view = self._view_for(actors)
        turns = [actor.act(view) for actor in actors]
        coming = [(actor, call) for actor, turn in zip(actors, turns, strict=True) for call in turn.calls]
        sent = sent_ahead(view, self.run.workers, coming) + coming
        outcomes = self._chain.send_all([self._signed(*pair) for pair in sent])
        done = _rounds_done(view)
        for actor, call in sent:
            self._report(done, call.kind)
            self._note_outcome(actor, call, next(outcomes))
        return turns

    def _view_for(self, actors: Sequence[Actor]) -> View:
        """Return what they decide from; where one asks for its balance, those of all who may ask are read at once."""
        view, balances = self._chain.view(), dict[str, int]()
        asking = [actor.address for actor in actors if actor.address not in view.ledger.pool]

        def balance_of(address: str) -> int:
            if address not in balances:
                balances.update(self._chain.balances_of(asking if address in asking else [address]))
            return balances[address]

        return replace(view, balance_of=balance_of)

    def _note_outcome(self, actor: Actor, call: Call, outcome: Receipt | TransactionFailed) -> None:
        if isinstance(outcome, TransactionFailed):
            self._note_refusal(actor, call, outcome)
        else:
            self._note(actor.address, call.kind, outcome)

    def _note_refusal(self, actor: Actor, call: Call, failure: TransactionFailed) -> None:
        """Somebody else may have been faster, so an honest actor looks again; what is refused twice is a fault."""
        is_trusted = not isinstance(actor, Worker) or actor.behaviour.is_honest
        if is_trusted and (actor.address, call) in self.run.refused:
            raise failure
        self.run.refused.append((actor.address, call))
        self.run.fees[actor.address] += failure.fee

    def _note(self, address: str, kind: str, receipt: Receipt) -> None:
        self.run.fees[address] += receipt.fee
        self.run.gas[kind].append(receipt.gas)


def _rounds_done(view: View) -> float:
    """Return the number of rounds played, counting the settled and half the committed seats of the open one."""
    current = view.ledger.open_round
    if current is None:
        return len(view.ledger.rounds)
    seats = sum(job.terms.seats for job in current.jobs)
    settled = sum(len(job.settlements) for job in current.jobs)
    committed = sum(len(job.commitments) for job in current.jobs)
    return len(view.ledger.rounds) - 1 + (committed + settled) / (2 * seats)
