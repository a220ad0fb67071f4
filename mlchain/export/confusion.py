"""The confusion matrix of a model, as a table and as a picture."""

from pathlib import Path

from rich.table import Table

from mlchain.console import table
from mlchain.data.looking import shown
from mlchain.errors import UserError
from mlchain.export.evaluation import Evaluation

MOST_IN_TABLE = 20  # classes


def confusion_table(evaluation: Evaluation) -> Table | None:
    """Return a row for each class, with what its samples were said to be; None for too many classes."""
    names = [shown(name) for name in evaluation.classes]
    if len(names) > MOST_IN_TABLE:
        return None
    made = table("Confusion matrix", "true \\ said", *names, words={"true \\ said"})
    for name, counts in zip(names, evaluation.confusion.tolist(), strict=True):
        made.add_row(name, *(str(count) if count else "" for count in counts))
    return made


def save_confusion(evaluation: Evaluation, folder: Path) -> Path:
    """Draw the confusion matrix into `confusion.png` of a folder, and return its path."""
    from matplotlib.figure import Figure

    path, names = folder / "confusion.png", [shown(name) for name in evaluation.classes]
    side = max(4.0, min(20.0, 0.4 * len(names) + 2))
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(evaluation.confusion, cmap="Blues")
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="said class", ylabel="true class", title=f"Test accuracy {100 * evaluation.accuracy:.2f} %")
    middle = evaluation.confusion.max() / 2
    for true, said in zip(*(numbers.tolist() for numbers in evaluation.confusion.nonzero()), strict=True):
        count = evaluation.confusion[true, said]
        axes.text(said, true, str(count), ha="center", va="center", color="white" if count > middle else "black")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None
    return path
