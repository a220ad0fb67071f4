"""A node whose chain has as many rounds as wanted, all alike: its answers are computed when it is asked."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from ape import project
from ape.utils import ZERO_ADDRESS
from eth_abi import decode, encode
from eth_utils import keccak, to_checksum_address, to_hex
from web3 import HTTPProvider, Web3

from mlchain.chain.deployment import Deployment, Parameters
from mlchain.protocol.commitments import commitment
from mlchain.protocol.content import content_hash, split
from mlchain.protocol.events import Log
from mlchain.protocol.events import decode as decode_event

SEATS, BLOCKS = 3, 10  # of a round
STAKE, REWARD, BONUS = 10**18, 10**16, 10**16
WINDOW = 600
RESULT = bytes(1_340)
TASK = bytes(120)
TERMS = (REWARD, BONUS, len(RESULT), WINDOW, WINDOW, WINDOW, 0)  # of a round, from its reward on


def address(*named: object) -> str:
    """Return an address of its own for everything that has a name."""
    return to_checksum_address(keccak(text=" ".join(map(str, named)))[:20])


SERVER = address("server")
WORKERS = [address("worker", number) for number in range(SEATS)]
AT = {contract: address(contract) for contract in Parameters().contracts}
DEPLOYMENT = Deployment(1, "0x" + bytes(32).hex(), 1, SERVER, Parameters(), AT)


class SyntheticChain:
    """Has the deployment, with contracts that consist of zeros."""

    network = "synthetic"
    chain_id = DEPLOYMENT.chain_id
    genesis = DEPLOYMENT.genesis

    def code_at(self, _address: str) -> bytes:
        """Return the code of every contract."""
        return bytes(100)

    def runtime_code(self, _contract: str) -> bytes:
        """Return the code of every contract."""
        return bytes(100)

    def read(self, _contract: str, view: str, *_arguments: object, address: str | None = None) -> int | str | bool:
        """Return a parameter of the deployment."""
        parameters = asdict(DEPLOYMENT.parameters)
        names = {"REGISTRY": "WorkerRegistry", "FACTORY": "JobFactory", "MODELS": "ModelRegistry"}
        if view in ("SERVER", "REFEREE"):
            return SERVER
        if view == "VERSION_REFEREE":
            return ZERO_ADDRESS
        found: int | bool | None = parameters.get(view.lower())
        return AT[names.get(view, "Job")] if found is None else found


class SyntheticNode(HTTPProvider):
    """Has played `rounds` rounds on models of `size` bytes; counts requests, bytes and its own processor seconds.

    A round has so many jobs and seats in each, and a worker for every seat; its newest blocks can be held back.
    """

    def __init__(self, rounds: int, size: int, jobs: int = 1, seats: int = SEATS, task: bytes = TASK) -> None:
        super().__init__("http://127.0.0.1:1")
        self.rounds, self.model = rounds, bytes(size)
        self.jobs, self.seats, self.task = jobs, seats, task
        self.workers = [address("worker", number) for number in range(jobs * seats)]
        self.held_back = 0
        self._round_of: dict[str, int] = {}  # by the address of a job
        self.requests, self.bytes, self.seconds = 0, 0, 0.0

    def provider(self) -> Any:
        """Return what readers ask this node by."""
        return SimpleNamespace(web3=Web3(self, middleware=[]))

    @property
    def head(self) -> int:
        """The newest block."""
        return BLOCKS * (self.rounds + 1) - 1 - self.held_back

    def make_request(self, method: Any, params: Any) -> Any:
        """Answer a request."""
        return self._counted([(method, params)])[0]

    def make_batch_request(self, batch_requests: Any) -> Any:
        """Answer many requests that come as one."""
        return self._counted(batch_requests)

    def _counted(self, asked: Any) -> list[Any]:
        started = time.process_time()
        answers = [{"jsonrpc": "2.0", "id": 1, **self._answer(*it)} for it in asked]
        self.requests += 1
        self.bytes += len(json.dumps(answers))
        self.seconds += time.process_time() - started
        return answers

    def _answer(self, method: str, params: list[Any]) -> dict[str, Any]:
        """Return a result, or an error."""
        return {"result": self._result(method, params)}

    def _result(self, method: str, params: list[Any]) -> Any:
        if method == "eth_getBlockByNumber":
            block = int(params[0], 16)
            return {"number": params[0], "hash": _hash(block), "timestamp": hex(block)}
        if method == "eth_call":
            return self._view(params[0]["data"], int(params[1], 16))
        return self._logs(params[0])

    def _logs(self, question: dict[str, Any]) -> list[dict[str, Any]]:
        first, last = int(question["fromBlock"], 16), min(int(question["toBlock"], 16), self.head)
        asked = question["address"]
        wanted = {it.lower() for it in (asked if isinstance(asked, list) else [asked])}
        topics = [None if it is None else [it] if isinstance(it, str) else it for it in question.get("topics", [])]
        found = []
        for number in self._rounds(first // BLOCKS, last // BLOCKS, wanted):
            for index, (block, contract, event, place, values) in enumerate(self._events(number)):
                if first <= block <= last and place.lower() in wanted:
                    log = _log(contract, event, values)
                    if all(it is None or (at < len(log[0]) and log[0][at] in it) for at, it in enumerate(topics)):
                        where = {"address": place, "blockNumber": hex(block), "blockTimestamp": hex(block)}
                        more = {"logIndex": hex(index), "blockHash": _hash(block), "transactionIndex": "0x0"}
                        found.append(
                            where
                            | more
                            | {"topics": log[0], "data": log[1], "transactionHash": _transaction(block, index)}
                        )
        return found

    def played(self) -> Iterator[Log]:
        """Return all that has happened, as a reader understands it; to ask and answer takes minutes."""
        for number in range(self.rounds + 1):
            for index, (block, contract, event, place, values) in enumerate(self._events(number)):
                names = [it.name for it in _event(contract, event).inputs]
                transaction = _transaction(block, index)
                yield Log(
                    decode_event(event, dict(zip(names, values, strict=True))), place, block, index, block, transaction
                )

    def _rounds(self, first: int, last: int, wanted: set[str]) -> Iterable[int]:
        """Return the rounds in which contracts at these addresses can have logs: of jobs, their own alone."""
        rounds = {self._round_of.get(it) for it in wanted}
        return range(first, last + 1) if None in rounds else sorted(rounds & set(range(first, last + 1)))

    def _jobs(self, number: int) -> list[str]:
        jobs = [address("job", number, index) for index in range(self.jobs)]
        self._round_of.update((job.lower(), number) for job in jobs)
        return jobs

    def _events(self, number: int) -> Iterator[tuple[int, str, str, str, tuple[Any, ...]]]:
        """Return block, contract, event, address and values of the events of a round; those of number 0 come before."""
        block = BLOCKS * number
        registry, factory, models = AT["WorkerRegistry"], AT["JobFactory"], AT["ModelRegistry"]
        if not number:
            for position, worker in enumerate(self.workers):
                yield 1, "WorkerRegistry", "Joined", registry, (worker, position, STAKE)
        else:
            jobs = self._jobs(number)
            held = [(job, seat, self._holder(at, seat)) for at, job in enumerate(jobs) for seat in range(self.seats)]
            escrow, hash_ = self.jobs * (self.seats * REWARD + BONUS), content_hash(RESULT)
            yield block, "JobFactory", "RoundScheduled", factory, (number, block)
            yield block + 1, "WorkerRegistry", "RoundOpened", registry, (block, len(held), escrow)
            terms = (number, self.jobs, self.seats, self.seats // 2 + 1, *TERMS)
            seed = keccak(number.to_bytes(8, "big"))
            deployed = (number, number, block, seed, len(self.workers), block + WINDOW, terms, self.task)
            yield block + 1, "JobFactory", "RoundDeployed", factory, deployed
            for index, job in enumerate(jobs):
                yield block + 1, "JobFactory", "JobDeployed", factory, (number, index, job, bytes(32))
            for job, seat, worker in held:
                yield block + 2, "Job", "Committed", job, (seat, worker, commitment(job, seat, hash_))
            for index, job in enumerate(jobs):
                yield block + 3, "Job", "Proposed", job, (hash_, self._holder(index, 0), self.seats)
                yield block + 4, "Job", "ChunkPublished", job, (hash_, 0, self._holder(index, 0), RESULT)
                yield block + 5, "Job", "Settled", job, (1, hash_, self.seats)
            for job, seat, worker in held:
                yield block + 5, "WorkerRegistry", "SeatSettled", registry, (job, worker, seat, 0, REWARD)
            yield block + 5, "WorkerRegistry", "RoundClosed", registry, (0,)
        hash_ = content_hash(self.model) if number < 2 else bytes(32)  # which takes long, and nobody checks
        yield block + 6, "ModelRegistry", "VersionAnnounced", models, (number + 1, number, hash_, len(self.model))
        for index, chunk in enumerate(split(self.model)):
            yield block + 7, "ModelRegistry", "ChunkPublished", models, (number + 1, index, chunk)

    def _holder(self, index: int, seat: int) -> str:
        return self.workers[index * self.seats + seat]

    def _view(self, data: str, block: int) -> str:
        method = _methods()[data[:10]]
        given = decode([it.canonical_type for it in method.inputs], bytes.fromhex(data[10:]))
        played = block // BLOCKS
        chunks = len(split(self.model))
        answers: dict[str, Any] = {
            "latestRound": lambda: (played,),
            "latestVersion": lambda: (played + 1 if block else 0,),
            "poolSize": lambda: (len(self.workers) if block else 0,),
            "scheduledBlock": lambda: (0,),
            "progress": lambda: (self.seats, 0, 1, self.seats, 0, 1, 0),
            "currentRound": lambda: (0, BLOCKS * played, 0, BLOCKS * played + 5),
            "poolSizeAt": lambda _block: (len(self.workers),),
            "workerAt": lambda position, _block: (self.workers[position],),
            "accountOf": lambda _owner: ((0, STAKE, 1, 0),),
            "versionAt": lambda number: (bytes(32), 2**chunks - 1, len(self.model), number - 1),
        }
        values = answers[method.name](*given)
        return to_hex(encode([it.canonical_type for it in method.outputs], values))


def _hash(block: int) -> str:
    return to_hex(keccak(block.to_bytes(8, "big")))


def _transaction(block: int, index: int) -> str:
    return f"0x{block:032x}{index:032x}"


@lru_cache(maxsize=1)
def _methods() -> dict[str, Any]:
    views = [view for name in AT for view in project.get_contract(name).contract_type.view_methods]
    return {to_hex(keccak(text=view.selector)[:4]): view for view in views}


@lru_cache(maxsize=64)
def _event(contract: str, name: str) -> Any:
    events = project.get_contract(contract).contract_type.events
    return next(event for event in events if event.name == name)


@lru_cache(maxsize=256)
def _log(contract: str, name: str, values: tuple[Any, ...]) -> tuple[list[str], str]:
    """Return the topics and the data of a log, in hex."""
    abi = _event(contract, name)
    pairs = list(zip(abi.inputs, values, strict=True))
    topics: list[str] = [to_hex(keccak(text=abi.selector))]
    topics += [to_hex(encode([it.canonical_type], [value])) for it, value in pairs if it.indexed]
    rest = [(it.canonical_type, value) for it, value in pairs if not it.indexed]
    return topics, to_hex(encode([kind for kind, _ in rest], [value for _, value in rest]))
