"""What the contracts cost: by step, for a whole job, and by the size of the pool; what others cost, quoted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib

matplotlib.use("Agg")  # files only: there may be no display

from ape import chain as ape_chain
from matplotlib import pyplot

from benchmarks.contracts import embedded_chain
from benchmarks.gas_steps import RESULT, SEATS, SIZES, measure_flatness, measure_jobs, measure_steps, per_seat
from benchmarks.peers import peers, peers_table
from benchmarks.report import FIGURES, Section, figure, table
from mlchain.console import percent
from mlchain.simulation.plots import save_figure

COMMIT_TARGET, TARGET = 65_000, 95_000  # gas of a commit, and of a seat in a job
GAS_PRICE, ETHER_PRICE = 1, 3_000  # gwei, euro: assumptions
# The columns of the first table: jobs of a round, and the pool that they are drawn from. Of ten workers a seat's draw
# takes one or two steps; where the pool is a square, always one.
SETTINGS = {"1 job, pool of 10": (1, 10), "1 job, pool of 16": (1, 16), "4 jobs, pool of 64": (4, 64)}
PAYERS = {
    "join": "worker, once",
    "scheduleRound": "server, per round",
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


def measure() -> Section:
    """Measure every step in three settings and the steps of a worker in four pools; draw the figure."""
    with embedded_chain(1) as chain:
        steps = {}
        for name, (jobs, pool) in SETTINGS.items():
            with _undone():
                steps[name] = measure_steps(chain, jobs, pool)
        with _undone():
            totals = measure_jobs(chain, (3, 5, 7, 10, 16))
        with _undone():
            flat = measure_flatness(chain, SIZES, _undone)
    _draw(totals)
    parts = [_by_step(steps), _by_job(steps["1 job, pool of 10"]), _by_pool(flat), _of_others()]
    return Section("Gas", "\n\n".join(parts), _figures(steps, flat))


def _figures(steps: dict[str, dict[str, int]], flat: dict[int, dict[str, int]]) -> dict[str, str]:
    """Return what other documents quote."""
    few, many = (sum(per_seat(gas, SETTINGS[name][0]).values()) for name, gas in steps.items() if "16" not in name)
    gas = steps["1 job, pool of 10"]
    settling = [flat[size]["settle, whole pool"] for size in SIZES]
    quoted = {"job": SEATS * few, "seat": few, "seat-of-four-jobs": many, "commit": gas["commit"]}
    quoted |= {"publish": gas["publish"], "settle-least": min(settling), "settle-most": max(settling)}
    return {name: f"{value:,.0f}" for name, value in quoted.items()} | {"settle-growth": _growth(settling)}


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
A seat's share covers everything but publishing: its part of the round, a commit, its part of one proposal and of
settling the job, and a tenth of a withdrawal. In a pool of ten a seat's draw takes one step or more, about 2,000 gas
each, so a run's median varies with its seed; in a pool whose size is a square it always takes one. A result of
`ape run simulate` has more zero bytes than this one and costs less to publish.

{table(["step", "who pays", *steps], rows)}"""


def _by_job(gas: dict[str, int]) -> str:
    share = per_seat(gas, 1)
    worker = share["commit"] + share["propose"] + share["withdraw"]
    server = share["scheduleRound"] + share["deployRound"] + share["settle"]
    costs = {
        "a worker, its seat in a job": worker,
        f"the server, a job of {SEATS} seats": SEATS * server,
        "all of them, a job without the bytes of its result": SEATS * (worker + server),
        f"one worker, publishing {len(RESULT):,} bytes": gas["publish"],
    }
    rows = [
        [name, f"{used:,.0f}", f"{used * GAS_PRICE / 1e9:.6f}", f"{used * GAS_PRICE * ETHER_PRICE / 1e9:.2f}"]
        for name, used in costs.items()
    ]
    return f"""What a job costs, and what that is in money if a unit of gas costs {GAS_PRICE} gwei and an ether
{ETHER_PRICE:,} €, which are assumptions; on a Quorum network gas is free:

{table(["who", "gas", "ether", "€"], rows)}

One worker publishes the bytes of a result; the bonus pays for that. What it costs before Prague, and under Prague's
floor of {FLOOR_BYTE} gas per byte of calldata. The first row is measured; the others add {PUBLISHED_BYTE} gas per byte:

{table(["bytes", "gas", "gas with the floor"], [_publishing(gas["publish"], size) for size in PUBLISHED])}"""


def _publishing(measured: int, size: int) -> list[str]:
    used = measured + PUBLISHED_BYTE * (size - len(RESULT))
    return [f"{size:,}", f"{used:,}", f"{max(used, BASE + FLOOR_BYTE * size):,}"]


def _by_pool(flat: dict[int, dict[str, int]]) -> str:
    rows = []
    for step in flat[SIZES[0]]:
        used = [flat[size][step] for size in SIZES]
        rows.append([step, *[f"{gas:,}" for gas in used], _growth(used)])
    return f"""What a worker pays in pools of {SIZES[0]} to {SIZES[-1]} workers, with the whole pool or three seats as
the committee. Settling is that of a single seat.

{table(["gas", *[f"{size} workers" for size in SIZES], "growth"], rows)}"""


def _growth(used: list[int]) -> str:
    """Return how much more the dearest costs than the cheapest."""
    return percent(max(used) / min(used) - 1)


def _of_others() -> str:
    return f"""### Gas of other systems

**Quoted, not measured by this run.** The systems do different things, so compare orders of magnitude.

{peers_table()}

{figure("gas.png", "Gas of a verified job by workers: this project's, measured, and that of others, quoted")}"""


def _draw(totals: dict[int, int]) -> None:
    drawn, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    axes.plot(
        list(totals), list(totals.values()), color="black", marker="o", linewidth=2.2, label="this project, measured"
    )
    for peer, marker in zip([peer for peer in peers() if peer.by_workers], "sv^", strict=True):
        points, name = peer.by_workers, peer.system.rpartition(",")[0]
        style: dict[str, Any] = {"linestyle": "none", "markerfacecolor": "none", "markersize": 8}
        axes.plot(list(points), list(points.values()), marker=marker, label=f"{name}, quoted", **style)
    axes.set(yscale="log", xlabel="workers", ylabel="gas of a verified job")
    axes.grid(which="both", alpha=0.25)
    axes.legend()
    save_figure(drawn, FIGURES / "gas.png")
