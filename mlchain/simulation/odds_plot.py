"""The odds of a job over committee sizes and evil shares, as a picture."""

from pathlib import Path

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from mlchain.errors import UserError
from mlchain.simulation.odds import Question
from mlchain.simulation.odds_curves import PANELS, ChanceOf, Curves, curves_of
from mlchain.simulation.plots import save_figure

LOWEST = 1e-12  # what is less is below a logarithmic panel, and zero is not on it
FORMATS = (".png", ".svg", ".pdf")


def save_odds_plot(question: Question, path: Path) -> None:
    """Draw the odds around the job of `question` into a new .png, .svg or .pdf; raises UserError if that cannot be."""
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"a plot is a file that ends with {', '.join(FORMATS)}, which {path} does not")
    figure, axes = pyplot.subplots(2, 2, figsize=(12, 8.5), sharex=True, layout="constrained")
    curves = curves_of(question)
    for panel, (title, chance_of, is_logarithmic) in zip(axes.flat, PANELS, strict=True):
        panel.set(title=title, xlabel="seats of the committee")
        _scale(panel, is_logarithmic, _draw(panel, question, curves, chance_of))
    figure.suptitle(f"Odds of a job, pool of {question.pool}; the lines are for a quorum of a bare majority")
    figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    save_figure(figure, path)


def _draw(axes: Axes, question: Question, curves: Curves, chance_of: ChanceOf) -> list[float]:
    """Draw a line for each share of evil workers and a mark for the job asked for; return all chances."""
    drawn: list[float] = []
    for evil, odds in curves.items():
        points = {seats: float(chance) for seats, of in odds.items() if (chance := chance_of(of)) is not None}
        label = f"{100 * evil / question.pool:.3g} % evil"
        axes.plot(list(points), list(points.values()), ".-", label=label)
        drawn += points.values()
    chance = chance_of(question.odds())
    if chance is not None:
        label = f"the job asked for: {question.evil} evil, quorum {question.votes} of {question.seats}"
        axes.plot([question.seats], [float(chance)], "kD", markersize=8, label=label)
        drawn.append(float(chance))
    return drawn


def _scale(axes: Axes, is_logarithmic: bool, drawn: list[float]) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(labelbottom=True)
    axes.grid(alpha=0.3)
    if is_logarithmic and any(drawn):
        axes.set_xlabel("seats of the committee; a line that ends continues at zero")
        axes.set_yscale("log", nonpositive="mask")
        axes.set_ylim(max(LOWEST, min(1e-3, min(filter(None, drawn)) / 3)), 2)
    else:
        axes.set_ylim(0, 1.05)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
