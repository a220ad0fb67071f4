"""The figures about learning: accuracy by round, and by share of evil workers."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # files only: there may be no display

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from mlchain.simulation.plots import save_figure

OURS = "this system"
NO_REFEREE = "this system, referee silent"
# By split, attack, percent of evil workers and who combines: test accuracy after 0, 1 .. rounds. Of what was not
# measured there is nothing.
Curves = dict[tuple[str, str, int, str], list[float]]

# Okabe and Ito's colours, told apart by everybody. Ours lie on top, and curves that coincide show under each other.
STYLES: dict[str, dict[str, Any]] = {  # as matplotlib's keyword arguments
    OURS: {"color": "black", "marker": "o", "linewidth": 2.6},
    NO_REFEREE: {"color": "black", "marker": "x", "linestyle": ":", "linewidth": 1.8},
    "average": {"color": "#D55E00", "marker": "v"},
    "median": {"color": "#0072B2", "marker": "s", "linewidth": 3.2, "alpha": 0.55},
    "trimmed-mean": {"color": "#009E73", "marker": "^", "linestyle": "--"},
    "krum": {"color": "#CC79A7", "marker": "D", "linestyle": "-."},
    "multi-krum": {"color": "#E69F00", "marker": "P"},
}


def draw_learning(path: Path, panels: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """Draw accuracy after rounds 1, 2 .. of every learner, a panel for each model; the last one's value is written."""
    across = 2  # or titles would be cut off, and legends hide the curves
    drawn, grid = pyplot.subplots(-(-len(panels) // across), across, figsize=(10, 8), layout="constrained")
    all_axes = grid.flat
    styles: list[dict[str, Any]] = [
        {"color": "black", "marker": "o", "markersize": 9, "markerfacecolor": "white"},
        {"color": "#D55E00", "marker": "x"},
    ]
    for axes, (title, curves) in zip(all_axes, panels.items(), strict=True):
        for (name, curve), style in zip(curves.items(), styles, strict=True):
            axes.plot(range(1, len(curve) + 1), curve, label=f"{name}: {curve[-1]:.2%}", **style)
        axes.set(title=title, xlabel="round")
        axes.legend(loc="lower right")
        axes.yaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
        _percent_by_round(axes, 1)
        axes.set_ylabel("test accuracy")
    save_figure(drawn, path)


def draw_final(path: Path, curves: Curves) -> None:
    """Draw the last accuracy under the attack that does most harm over the share of evil workers, a panel a split."""
    splits = list(dict.fromkeys(split for split, *_ in curves))
    drawn, all_axes = pyplot.subplots(1, len(splits), figsize=(11, 5), sharey=True, layout="constrained")
    for axes, split in zip(all_axes, splits, strict=True):
        for name, style in STYLES.items():
            worst = worst_of(curves, split, name)
            axes.plot(
                [share / 100 for share in worst], list(worst.values()), markersize=7, zorder=_order(name), **style
            )
        axes.set(title=f"{split} shares", xlabel="evil workers", ylim=(-0.02, 1), xticks=[0, 0.1, 0.2, 0.3, 0.4, 0.5])
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.grid(alpha=0.3)
    all_axes[0].set_ylabel("test accuracy, worst of three attacks")
    _legend(drawn)
    save_figure(drawn, path)


def worst_of(curves: Curves, split: str, name: str) -> dict[int, float]:
    """Return the least last accuracy, over all attacks, by the share of evil workers in percent."""
    found: dict[int, float] = {}
    for (of_split, _attack, share, who), curve in curves.items():
        if (of_split, who) == (split, name):
            found[share] = min(curve[-1], found.get(share, 1.0))
    return dict(sorted(found.items()))


def draw_rounds(path: Path, curves: Curves) -> None:
    """Draw accuracy by round: a column for each share of evil workers above 0, a row for each split and attack."""
    rows = list(dict.fromkeys((split, attack) for split, attack, *_ in curves))
    columns = sorted({share for _, _, share, _ in curves} - {0})
    size = (2.9 * len(columns), 2.2 * len(rows) + 0.6)
    drawn, grid = pyplot.subplots(len(rows), len(columns), figsize=size, sharex=True, sharey=True, layout="constrained")
    for (row, (split, attack)), (column, share) in product(enumerate(rows), enumerate(columns)):
        axes = grid[row][column]
        for name, style in STYLES.items():
            curve = curves.get((split, attack, share, name), [])
            axes.plot(range(len(curve)), curve, zorder=_order(name), **style | {"marker": None})
        _percent_by_round(axes, 0)
        axes.set_ylim(-0.02, 1)
        if row == 0:
            axes.set_title(f"{share} % evil")
        if row == len(rows) - 1:
            axes.set_xlabel("round")
        if column == 0:
            axes.set_ylabel(f"{attack}\n{split} shares")
    _legend(drawn)
    save_figure(drawn, path)


def _order(name: str) -> int:
    return 3 if name in (OURS, NO_REFEREE) else 2


def _percent_by_round(axes: Axes, decimals: int) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals))
    axes.grid(alpha=0.3)


def _legend(drawn: Figure) -> None:
    lines = [Line2D([], [], label=name, markersize=7, **style) for name, style in STYLES.items()]
    drawn.legend(handles=lines, loc="outside lower center", ncols=4, frameon=False)
