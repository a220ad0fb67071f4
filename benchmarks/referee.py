"""What a dispute about training costs: the trace and a move in processor time, a derivation in gas."""

import resource
import time
from collections.abc import Iterator
from random import Random
from statistics import median

from ape import accounts, project

from benchmarks.contracts import embedded_chain
from benchmarks.processes import measured
from benchmarks.report import Section, table, wrapped
from mlchain.referee.layout import Kind
from mlchain.referee.prover import Prover
from mlchain.tasks.catalogue import create_task

TRACED = ("digits softmax", "digits mlp", "digits lenet", "mnist softmax", "mnist mlp", "mnist lenet")
PRICED = ("digits softmax", "digits lenet", "mnist mlp")
LEVELS = 6  # of the tree a move
ENTRIES = 4  # of every tensor of a step
GAS = 6_000_000  # offered
MOVES = 12  # timed, of either kind


def measure() -> Section:
    """Time traces, each in a process of its own, and price derivations."""
    traced = {name: measured("referee", _traced, [name])[name] for name in TRACED}
    rows = [[name, *cells] for name, cells in traced.items()]
    head = ["", "job, s", "trace, s", "trace / job", "a move, s", "MiB", "levels", "moves of six levels"]
    prices = {name: _prices(name) for name in PRICED}
    kinds = [kind for kind in Kind if any(kind in found for found in prices.values())]
    cost = [[kind.name.lower(), *(thousands(prices[name].get(kind)) for name in PRICED)] for kind in kinds]
    said = f"""A job of a second round, its trace, and one of its moves, which show {LEVELS} levels of the tree or
        prove an entry. One thread; a move is the slowest of {2 * MOVES} at {MOVES} random places, whose steps are
        worked out again. A dispute takes two moves for every six levels, and three more."""
    priced = f"""Gas of `TrainingJudge.derives` as a transaction, in thousands: the dearest of {ENTRIES} entries of
        every tensor, in the first and the last step of training, before and after."""
    ratios = {f"trace-{name}": traced[f"mnist {name}"][2] for name in ("mlp", "lenet")}
    figures = ratios | {"dearest": max(map(_dearest, prices.values()), key=int)}
    text = f"{wrapped(said)}\n\n{table(head, rows)}\n\n{wrapped(priced)}\n\n{table(['', *PRICED], cost)}"
    return Section("A dispute about training", text, {name: str(value) for name, value in figures.items()})


def _dearest(prices: dict[Kind, int]) -> str:
    return thousands(max(prices.values()))


def thousands(gas: int | None) -> str:
    """Return gas in thousands, for a table."""
    return "–" if gas is None else f"{gas / 1000:.0f}"


def prover(name: str) -> Prover:
    """Return who has computed a job of a second round of a task and model, and all but its trace."""
    task = create_task(*name.split())
    seed, parent = bytes(32), task.initial_model()
    model = task.aggregate(parent, [task.train(parent, seed, 1)])
    return Prover(task, model, seed, 0, parent, 2, task.train(model, seed, 0, parent, 2))


def _traced(name: str) -> list[str]:
    """Return seconds of the job, of the trace, their ratio, seconds of a move, MiB, levels and moves."""
    case = prover(name)
    jobs = []
    for _ in range(1 if "lenet" in name else 3):
        started = time.process_time()
        case.task.train(case.model, case.seed, case.index, case.parent, case.version)
        jobs.append(time.process_time() - started)
    started = time.process_time()
    layout = case.trace.layout
    trace = time.process_time() - started
    seconds = max(_seconds_of_moves(case))
    job, memory = median(jobs), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    moves = 2 * -(-layout.depth // LEVELS) + 3
    figures = [f"{job:.2f}", f"{trace:.2f}", f"{trace / job:.1f} ×", f"{seconds:.3f}", str(memory)]
    return [*figures, str(layout.depth), str(moves)]


def _seconds_of_moves(case: Prover) -> Iterator[float]:
    """Yield the processor time of moves, each time two at a leaf of another step: its nodes, and an entry's proof."""
    layout, random = case.trace.layout, Random(1)
    for _ in range(MOVES):
        tensor = random.choice(layout.training)
        leaf = random.randrange(tensor.leaves)
        position = layout.position(random.randrange(1, layout.last_step), tensor, leaf)
        first = position >> LEVELS
        started = time.process_time()
        for index in range(1 << LEVELS):
            case.trace.node(layout.depth, (first << LEVELS) + index)
        case.trace.path(layout.depth - LEVELS, first)
        shown = time.process_time()
        case.evidence(position, random.randrange(tensor.span(leaf)[2]))
        yield from (shown - started, time.process_time() - shown)


def _prices(name: str) -> dict[Kind, int]:
    """Return the gas of the dearest entry of each kind of tensor."""
    case, random = prover(name), Random(2)
    described, layout, dearest = case.description, case.trace.layout, dict[Kind, int]()
    with embedded_chain(1):
        server = accounts.test_accounts[0]
        judge = server.deploy(project.TrainingJudge)
        for step in (0, 1, layout.last_step - 1, layout.last_step):
            for tensor in layout.at_step(step):
                for number in range(ENTRIES):
                    leaf = random.randrange(tensor.leaves)
                    entries = tensor.span(leaf)[2]
                    entry = random.randrange(entries) if number else entries - 1
                    position = layout.position(step, tensor, leaf)
                    _, evidence = case.prove(position, entry)
                    shown = (position, case.trace.leaf(position), entry, evidence)
                    receipt = judge.derives.transact(
                        described.statement, described.to_bytes(), case.trace.root, *shown, sender=server, gas=GAS
                    )
                    dearest[tensor.kind] = max(dearest.get(tensor.kind, 0), receipt.gas_used)
    return dearest
