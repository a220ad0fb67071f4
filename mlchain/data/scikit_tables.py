"""Two tables that come with scikit-learn, read as a CSV file of one's own is. They need no download."""

import functools
from pathlib import Path

from mlchain.data.dataset import Dataset
from mlchain.data.tables import from_rows

LABEL = "class"


@functools.cache
def cancer() -> Dataset:
    """Return measurements of cells from 569 tumours of the breast, malignant or benign."""
    return from_rows(Path("cancer"), *rows_of("load_breast_cancer"), LABEL)


@functools.cache
def wine() -> Dataset:
    """Return chemical analyses of 178 wines from three cultivars."""
    return from_rows(Path("wine"), *rows_of("load_wine"), LABEL)


def rows_of(loader: str) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of scikit-learn's table of this loader, the class in the last column."""
    from sklearn import datasets  # here: it takes a second, and most tasks do without

    bunch = getattr(datasets, loader)()
    rows = [
        [*map(repr, numbers), str(bunch.target_names[label])]  # the shortest decimal, which is the file's own
        for numbers, label in zip(bunch.data.tolist(), bunch.target, strict=True)
    ]
    return [*bunch.feature_names, LABEL], rows
