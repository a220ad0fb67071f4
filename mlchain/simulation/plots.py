"""Plots of a simulation."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # files only: there may be no display

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from mlchain.console import percent
from mlchain.errors import UserError
from mlchain.protocol.rounds import ETHER, Verdict
from mlchain.simulation.simulator import SimulationRun
from mlchain.simulation.summary import Summary


def save_plots(run: SimulationRun, summary: Summary, folder: Path) -> list[Path]:
    """Write accuracy by round, cumulative pay by behaviour and gas by kind into `folder`; return their paths."""
    start = run.task.accuracy(run.view.ledger.versions[0].data())
    accuracies = [start, *(current.accuracy for current in summary.rounds)]
    title = f"Test accuracy, {summary.task} / {summary.model}"
    return [
        save_plot(folder / "accuracy.png", lambda axes: draw_accuracy(axes, title, accuracies)),
        save_plot(folder / "pay.png", lambda axes: _draw_pay(axes, run, summary)),
        save_plot(folder / "gas.png", lambda axes: draw_gas(axes, summary.gas)),
    ]


def save_plot(path: Path, draw: Callable[[Axes], None]) -> Path:
    """Write what `draw` draws into a file; return its path."""
    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    draw(axes)
    return save_figure(figure, path)


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure, whose format is that of the file's name, and close it; return the path.

    Raises UserError if the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=120)
    except FileExistsError as error:
        raise UserError(f"cannot write the plot {path}: {path.parent} is not a folder") from error
    except OSError as error:
        raise UserError(f"cannot write the plot {path}: {error.strerror}") from error
    finally:
        pyplot.close(figure)
    return path


def draw_accuracy(axes: Axes, title: str, accuracies: Sequence[float | None]) -> None:
    """Draw the accuracy of the first model and after every round; nothing where there is none."""
    known = [accuracy for accuracy in accuracies if accuracy is not None]
    if known:
        axes.plot(range(len(known)), known, marker="o")
        last = (len(known) - 1, known[-1])
        axes.annotate(percent(known[-1]), last, textcoords="offset points", xytext=(0, -16), ha="right")
    axes.set(title=title, xlabel="round", ylabel="accuracy")
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    _by_round(axes)


def _draw_pay(axes: Axes, run: SimulationRun, summary: Summary) -> None:
    behaviour_of = {worker.address: worker.behaviour.name for worker in run.workers}
    changes: dict[str, list[float]] = defaultdict(lambda: [0.0] * (len(summary.rounds) + 1))
    for name in behaviour_of.values():
        changes[name]
    for current in run.view.ledger.rounds:
        for job in current.jobs:
            for seat, settlement in job.settlements.items():
                sign = 1 if settlement.verdict is Verdict.REWARDED else -1
                name = behaviour_of[job.committee[seat]]
                changes[name][current.number] += sign * settlement.amount / ETHER / summary.behaviours[name]
    markers, lines = cycle("osd^v"), cycle(("-", "--", ":", "-."))
    for name, change in sorted(changes.items()):
        total = [sum(change[: number + 1]) for number in range(len(change))]
        label = f"{name} ({summary.behaviours[name]})"
        axes.plot(range(len(total)), total, marker=next(markers), linestyle=next(lines), label=label)
    # Rewards are hundredths of a stake, and curves of equal pay lie on each other: hence the scale and the styles.
    if len(changes) > 1:
        axes.set_yscale("symlog", linthresh=0.01)
    axes.axhline(0, color="grey", linewidth=0.8)
    left_out = "gas, bounties and bonds" if run.options.has_game else "gas"
    axes.set(
        title=f"Cumulative pay of a worker by behaviour, before {left_out}",
        xlabel="round",
        ylabel="ether",
    )
    axes.legend()
    _by_round(axes)


def draw_gas(axes: Axes, used: dict[str, dict[str, int]]) -> None:
    """Draw the median gas of every kind of transaction, and how many there were."""
    kinds = list(used)[::-1]
    medians = [used[kind]["median"] for kind in kinds]
    figure = axes.get_figure()
    if isinstance(figure, Figure):  # a line for each kind
        figure.set_figheight(max(figure.get_figheight(), len(kinds) / 4))
    bars = axes.barh(kinds, medians)
    labels = [f"{gas:,} × {used[kind]['count']}" for kind, gas in zip(kinds, medians, strict=True)]
    axes.bar_label(bars, labels, padding=3, fontsize=8)
    axes.set(title="Gas by kind of transaction: median × count", xlabel="gas, logarithmic", xscale="log")
    axes.margins(x=0.25)


def _by_round(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
