"""What the contracts cost: by step, beside other systems, and by the size of the pool."""

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib

matplotlib.use("Agg")  # files only: there may be no display

from ape import chain as ape_chain
from matplotlib import pyplot

from benchmarks.contracts import embedded_chain
from benchmarks.gas_steps import RESULT, SEATS, SIZES, measure_flatness, measure_jobs, measure_steps, per_seat
from benchmarks.report import FIGURES, Section, figure, table

COMMIT_TARGET, TARGET = 65_000, 95_000  # gas of a commit, and of a seat in a job
GAS_PRICE, ETHER_PRICE = 1, 3_000  # gwei, euro: assumptions
# The columns of the first table: jobs of a round, and the pool that they are drawn from. Of ten workers a seat's draw
# takes one or two steps; where the pool is a square, always one.
SETTINGS = {"1 job, pool of 10": (1, 10), "1 job, pool of 16": (1, 16), "4 jobs, pool of 64": (4, 64)}
PAYERS = {
    "join": "worker, once",
    "deployRound": "server, per round",
    "commit": "worker, every seat",
    "propose": "worker, one of the job",
    "publish": "worker, one of the job",
    "settle": "server, per job",
    "withdraw": "worker, when it likes",
}
# Gas: of a transaction, of a published byte (calldata 16, log 8) and, under Prague's floor, of a byte of calldata.
BASE, PUBLISHED_BYTE, FLOOR_BYTE = 21_000, 24, 40
PUBLISHED = (len(RESULT), 15_700, 24_576)  # bytes: the default run's result, MNIST's, a whole chunk

# Measured by others' source on Anvil or said in their papers, and not measured again here: gas of a verified job, all
# transactions of all workers, by workers.
PEERS = {
    "iExec PoCo 6.2": {2: 1_280_000, 3: 1_610_000, 7: 3_050_000},
    "OpenFL (nerolation)": {3: 3 * 425_000, 5: 5 * 617_000, 10: 10 * 1_110_000, 16: 16 * 1_700_000},
    "BlockFLow": {10: 10 * 5_600_000},
}
PEER_ROWS = [
    ["iExec PoCo 6.2, 7 workers", "315,000–435,000", "the rest", "3,050,000", "any program; no draw of workers"],
    ["OpenFL (nerolation), 10 workers", "1,110,000", "–", "11,100,000", "a round; reverts at 17 workers"],
    ["BlockFLow, 10 agents", "5,600,000", "–", "56,000,000", "a round"],
    ["Kleros v2, one vote", "258,000–369,000", "–", "–", "a commit, a reveal, and 42,000 for both transactions"],
    ["Flower, ByzFL", "0", "0", "0", "neither payment nor verification"],
]


def measure() -> Section:
    """Measure every step in three settings and the steps of a worker in four pools; draw the figure."""
    with embedded_chain(1) as chain:
        steps = {}
        for name, (jobs, pool) in SETTINGS.items():
            with _undone():
                steps[name] = measure_steps(chain, jobs, pool)
        with _undone():
            jobs = measure_jobs(chain, (3, 5, 7, 10, 16))
        with _undone():
            flat = measure_flatness(chain, _undone)
    _draw(jobs)
    parts = [_by_step(steps), _by_job(steps["1 job, pool of 10"]), _by_pool(flat)]
    return Section("Gas", "\n\n".join(parts))


@contextmanager
def _undone() -> Iterator[None]:
    """Undo on the chain what happens inside."""
    snapshot = ape_chain.provider.snapshot()
    try:
        yield
    finally:
        ape_chain.provider.restore(snapshot)
        ape_chain.history.revert_to_block(ape_chain.blocks.height)


def _by_step(steps: dict[str, dict[str, int]]) -> str:
    rows = [[step, payer, *[f"{gas[step]:,}" for gas in steps.values()]] for step, payer in PAYERS.items()]
    shares = {name: per_seat(gas, SETTINGS[name][0]) for name, gas in steps.items()}
    rows.append(["**a seat in a job**", "", *[f"**{sum(share.values()):,.0f}**" for share in shares.values()]])
    for step in next(iter(shares.values())):
        rows.append([f"… of it {step}", "", *[f"{share[step]:,.0f}" for share in shares.values()]])
    missed = [f"{sum(share.values()) - TARGET:+,.0f}" for share in shares.values()]
    commits = [f"{gas['commit'] - COMMIT_TARGET:+,}" for gas in steps.values()]
    rows += [
        [f"off the target of {COMMIT_TARGET:,} for a commit", "", *commits],
        [f"off the target of {TARGET:,} for a seat in a job", "", *missed],
    ]
    return f"""Median gas by step, in honest rounds of {SEATS} seats a job, with a result of {len(RESULT):,} bytes.
A seat's share is that of everything but publishing: its part of the round, a commit, its part of one proposal and of
settling the job, and a tenth of a withdrawal. Drawn from ten workers a seat takes one step of the draw or more, of
2,000 gas; from a square number of workers always one.

{table(["step", "who pays", *steps], rows)}"""


def _by_job(gas: dict[str, int]) -> str:
    share = per_seat(gas, 1)
    worker = share["commit"] + share["propose"] + share["withdraw"]
    server = share["deployRound"] + share["settle"]
    rows = [
        [
            f"this project, {SEATS} workers",
            f"{worker:,.0f}",
            f"{SEATS * server:,.0f}",
            f"{SEATS * (worker + server):,.0f}",
            "",
        ]
    ]
    prices = [
        [name, f"{used:,.0f}", f"{used * GAS_PRICE / 1e9:.6f}", f"{used * GAS_PRICE * ETHER_PRICE / 1e9:.2f}"]
        for name, used in {
            "a worker, its seat in a job": worker,
            "the server, a job of ten seats": SEATS * server,
            f"one worker, publishing {len(RESULT):,} bytes": gas["publish"],
        }.items()
    ]
    return f"""A verified job without the bytes of its result, and what else is on offer. The other rows were measured
by others or are from the systems' papers, and were not measured again here; the systems do different things, so compare
orders of magnitude.

{table(["", "gas that a worker pays", "that the server pays", "of a job in all", "note"], rows + PEER_ROWS)}

{figure("gas.png", "Gas of a verified job by workers, of this project and of others")}

The bytes of a result are published by one worker, whose bonus is for that. What they cost before Prague, and under
its floor of {FLOOR_BYTE} gas for a byte of calldata; the first line is measured, the others add {PUBLISHED_BYTE}
gas a byte:

{table(["bytes", "gas", "gas with the floor"], [_publishing(gas["publish"], size) for size in PUBLISHED])}

In money, if a unit of gas costs {GAS_PRICE} gwei and an ether {ETHER_PRICE:,} €; on a Quorum network gas is free:

{table(["who", "gas", "ether", "€"], prices)}"""


def _publishing(measured: int, size: int) -> list[str]:
    used = measured + PUBLISHED_BYTE * (size - len(RESULT))
    return [f"{size:,}", f"{used:,}", f"{max(used, BASE + FLOOR_BYTE * size):,}"]


def _by_pool(flat: dict[int, dict[str, int]]) -> str:
    rows = []
    for step in flat[SIZES[0]]:
        used = [flat[size][step] for size in SIZES]
        rows.append([step, *[f"{gas:,}" for gas in used], f"{max(used) / min(used) - 1:.2%}"])
    return f"""What a worker pays in pools of {SIZES[0]} to {SIZES[-1]}, whose committee is the whole pool or three
seats; settling is that of one seat alone.

{table(["gas", *[f"{size} workers" for size in SIZES], "most over least"], rows)}"""


def _draw(jobs: dict[int, int]) -> None:
    drawn, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    axes.plot(list(jobs), list(jobs.values()), color="black", marker="o", linewidth=2.2, label="this project")
    for (name, points), marker in zip(PEERS.items(), "sv^", strict=True):
        axes.plot(list(points), list(points.values()), marker=marker, label=f"{name} (measured by others)")
    axes.set(yscale="log", xlabel="workers", ylabel="gas of a verified job")
    axes.grid(which="both", alpha=0.25)
    axes.legend()
    drawn.savefig(FIGURES / "gas.png", dpi=110)
    pyplot.close(drawn)
