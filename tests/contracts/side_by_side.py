"""A deployment and the reference model of it, which get the same calls in the same blocks and have to do the same."""

from dataclasses import astuple, dataclass
from typing import NamedTuple

import eth_abi
from ape import chain, project
from eth_utils import keccak

from mlchain.protocol.terms import RoundTerms
from tests.contracts.chain_control import now, time_of_next_block
from tests.contracts.multicalls import PURSE, create
from tests.contracts.protocol_steps import ABSENCE_FEE, MAX_ROUND_DURATION, MIN_WINDOW, NUMBERS, PARAMETERS, STAKE
from tests.reference.chain import Chain, Event, Refused
from tests.reference.protocol import Protocol

LONGEST_BLOCK = 8  # calls
BLOCK_GAS = 29_000_000
FIXED = ("ModelRegistry", "JobFactory", "WorkerRegistry")


class Call(NamedTuple):
    """A call by an actor to a contract, by its name or a job's address."""

    actor: int
    to: str
    method: str
    arguments: tuple = ()
    value: int = 0


@dataclass(frozen=True, slots=True)
class Deployment:
    """A permissioned protocol whose server is a multicall contract, actor 0, and whose members are its workers."""

    multicall: object
    operator: object
    addresses: dict[str, str]
    actors: list[str]

    @classmethod
    def build(cls, operator, size: int) -> "Deployment":
        """Deploy a multicall contract with `size` workers and let it deploy the protocol."""
        multicall = operator.deploy(project.Multicall, size, value=PURSE)
        models = create(multicall, operator, project.ModelRegistry)
        factory = create(multicall, operator, project.JobFactory, models, PARAMETERS | {"permissioned": True})
        registry = project.JobFactory.at(factory).REGISTRY()
        addresses = dict(zip(FIXED, (models.lower(), factory.lower(), registry.lower()), strict=True))
        return cls(multicall, operator, addresses, [address.lower() for address in multicall.actors()])


class SideBySide:
    """Collects the calls of a block, takes each to the model at once, and plays the whole block on the chain later."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment, self.actors = deployment, deployment.actors
        self.model = Protocol(
            Chain(
                chain.chain_id,
                deployment.addresses["JobFactory"],
                lambda number: bytes(chain.blocks[number].hash),
                self._job_address,
            ),
            self.actors[0],
            stake=STAKE,
            absence_fee=ABSENCE_FEE,
            anchor=NUMBERS.anchor,
            min_window=MIN_WINDOW,
            max_round_duration=MAX_ROUND_DURATION,
            permissioned=True,
        )
        self.agree = True
        self._seen: dict[str, tuple] = {}  # the accounts as they were compared last
        self._begin(now() + 1)

    @property
    def now(self) -> int:
        """The time of the block that is being collected."""
        return self.model.chain.now

    @property
    def block(self) -> int:
        """The number of the block that is being collected."""
        return self.model.chain.block

    @property
    def is_full(self) -> bool:
        """Whether the block has to end: with a round, whose jobs' addresses only the chain knows, or for its gas."""
        return self._played is not None or len(self._calls) >= LONGEST_BLOCK

    def do(self, call: Call) -> list[Event] | Refused:
        """Take a call to the model and into the block."""
        self._calls.append(call)
        try:
            answer = self.model.send(self.actors[call.actor], *call[1:])
        except Refused as refusal:
            answer = refusal
        self._answers.append(answer)
        return answer

    def go_to(self, timestamp: int, blocks: int = 0) -> None:
        """End the block, let others pass, and begin one at this time or, if that has passed, as early as can be."""
        self._end()
        if blocks:
            chain.mine(blocks)
        self._begin(max(timestamp, chain.blocks.head.timestamp + 1))

    def balances(self) -> dict[str, int]:
        """Return what the contracts own on the chain after the last block."""
        owners = [*self.deployment.addresses.values(), *self.model.jobs]
        return {owner: chain.get_balance(owner) for owner in owners}

    def purses(self) -> int:
        """Return what all actors own together on the chain after the last block."""
        return sum(chain.get_balance(owner) for owner in self.actors)

    def _begin(self, timestamp: int) -> None:
        time_of_next_block(timestamp)
        self.model.chain.block, self.model.chain.now = chain.blocks.head.number + 1, timestamp
        self._calls: list[Call] = []
        self._answers: list[list[Event] | Refused] = []
        self._played: list | None = None

    def _end(self) -> None:
        self.agree = False
        if self._played is None:
            self._play()
        assert len(self._played) >= len(self._calls), "the block had ended"
        for call, expected, actual in zip(self._calls, self._answers, self._played[: len(self._calls)], strict=True):
            compare(call, expected, actual)
        self._compare_views(self._played[len(self._calls) :])
        self.agree = True

    def _play(self) -> None:
        """Play the block's calls on the chain, and look at everything in the same block after the last of them."""
        calls = [(call.actor, self._target(call.to), call.value, encode(call)) for call in self._calls]
        views = [(0, self._target(view.to), 0, encode(view)) for view in self._views()]
        multicall, operator = self.deployment.multicall, self.deployment.operator
        # Not as Ape sends a transaction: on the embedded chain it runs each once more, to look for debug logs.
        node = chain.provider.web3.eth
        data = multicall.tryExecute.encode_input(calls + views)
        sent = node.send_transaction(
            {"from": operator.address, "to": multicall.address, "data": data, "gas": BLOCK_GAS}
        )
        receipt = node.wait_for_transaction_receipt(sent)
        assert (receipt.blockNumber, receipt.status) == (self.block, 1)
        assert chain.blocks.head.timestamp == self.now
        self._played = answers_in(receipt.logs, {address: name for name, address in self.deployment.addresses.items()})

    def _target(self, to: str) -> str:
        return self.deployment.addresses.get(to, to)

    def _job_address(self, number: int, index: int) -> str:
        """Return where the chain has deployed a job; asked by the model in the middle of deploying it."""
        if self._played is None:
            self._play()
        deployed = {
            (event.arguments["round"], event.arguments["index"]): event.arguments["job"]
            for answer in self._played
            for event in answer.events
            if event.name == "JobDeployed"
        }
        self.agree = (number, index) in deployed
        assert self.agree, f"the chain has not deployed job {index} of round {number}"
        return deployed[number, index]

    # Views

    def look_at_everything(self) -> None:
        """Compare all accounts after this block, and not only those that acted or should have changed."""
        self._seen = {}

    def _views(self) -> list[Call]:
        """What a block ends with; of a job deployed in it nothing, since its address was not known before."""
        acting = {self.actors[call.actor] for call in self._calls}
        self._viewed = [
            actor for actor in self.actors if actor in acting or self._account(actor) != self._seen.get(actor)
        ]
        jobs = [job.address for job in self.model.rounds[-1]] if self.model.rounds else []
        self._viewed_job = jobs[self.block % len(jobs)] if jobs else None
        return [
            *[Call(0, "WorkerRegistry", "accountOf", (actor,)) for actor in self._viewed],
            Call(0, "WorkerRegistry", "currentRound"),
            Call(0, "WorkerRegistry", "burnt"),
            *[Call(0, self._viewed_job, view) for view in ("phase", "outcome") if jobs],
        ]

    def _account(self, actor: str) -> tuple[int, int, int, int]:
        registry = self.model.registry
        place = registry.members.index(actor) + 1 if actor in registry.members else 0
        return registry.credits[actor], registry.stakes[actor], place, registry.left_at.get(actor, 0)

    def _compare_views(self, answers: list) -> None:
        registry = self.model.registry
        answers = iter(answers)
        for actor in self._viewed:
            self._seen[actor] = next(answers).returned("uint96", "uint88", "uint32", "uint40")
            assert self._seen[actor] == self._account(actor), actor
        shown = next(answers).returned("uint96", "uint40", "uint32", "uint40")
        assert shown == (registry.escrow, registry.snapshot_block, registry.unsettled, registry.last_settlement)
        assert next(answers).returned("uint256") == (registry.burnt,)
        if self._viewed_job:
            job = self.model.jobs[self._viewed_job]
            assert next(answers).returned("uint8") == (job.phase(),)
            assert next(answers).returned("uint8", "bytes32") == job.outcome()
        assert chain.get_balance(self._target("WorkerRegistry")) == registry.balance


class CallResult(NamedTuple):
    """What a call came to on the chain."""

    succeeded: bool
    data: bytes
    events: list[Event]

    def returned(self, *types: str) -> tuple:
        """Return the values that a view has returned."""
        assert self.succeeded
        return eth_abi.decode(types, self.data)


def answers_in(logs: list, names: dict[str, str]) -> list[CallResult]:
    """Return what each call of a multicall came to, with the events that came before its end."""
    answers, events = [], []
    for log in logs:
        topics, address = [bytes(topic) for topic in log["topics"]], log["address"].lower()
        abi = EVENTS[topics[0]]
        arguments = arguments_of(abi, topics[1:], bytes(log["data"]))
        if abi.name == "Called":
            answers.append(CallResult(arguments["succeeded"], arguments["returned"], events))
            events = []
        else:
            events.append(Event(names.get(address, address), abi.name, arguments))
    return answers


def arguments_of(abi, topics: list[bytes], data: bytes) -> dict[str, object]:
    """Decode an event; what is indexed is of types that fit in a word."""
    plain = [field for field in abi.inputs if not field.indexed]
    indexed = [field for field in abi.inputs if field.indexed]
    values = eth_abi.decode([field.canonical_type for field in plain], data)
    return dict(zip([field.name for field in plain], values, strict=True)) | {
        field.name: eth_abi.decode([field.canonical_type], topic)[0]
        for field, topic in zip(indexed, topics, strict=True)
    }


def compare(call: Call, expected: list[Event] | Refused, actual: CallResult) -> None:
    """Hold what a call came to on the chain against what it came to in the model."""
    if isinstance(expected, Refused):
        assert not actual.succeeded, f"{call} went through instead of {expected.error}{expected.values}"
        abi = ERRORS.get(actual.data[:4])
        assert abi, f"{call} failed with {actual.data.hex()} instead of {expected.error}{expected.values}"
        values = eth_abi.decode([field.canonical_type for field in abi.inputs], actual.data[4:])
        assert (abi.name, values) == (expected.error, expected.values), call
    else:
        error = ERRORS.get(actual.data[:4])
        assert actual.succeeded, f"{call} failed with {error.name if error else actual.data.hex()}"
        assert actual.events == expected, call


def encode(call: Call) -> bytes:
    """Return the data of a call's call."""
    abi = METHODS[call.to if call.to in FIXED else "Job", call.method]
    arguments = [astuple(value) if isinstance(value, RoundTerms) else value for value in call.arguments]
    return keccak(text=abi.selector)[:4] + eth_abi.encode([field.canonical_type for field in abi.inputs], arguments)


TYPES = [getattr(project, name).contract_type for name in (*FIXED, "Job")]
METHODS = {(kind.name, abi.name): abi for kind in TYPES for abi in (*kind.mutable_methods, *kind.view_methods)}
EVENTS = {keccak(text=abi.selector): abi for kind in (*TYPES, project.Multicall.contract_type) for abi in kind.events}
ERRORS = {keccak(text=abi.selector)[:4]: abi for kind in TYPES for abi in kind.errors}
