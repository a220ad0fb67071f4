"""Two tables that come with scikit-learn, read as a CSV file of one's own is. They need no download."""

import functools
from pathlib import Path

from mlchain.data.dataset import Dataset
from mlchain.data.tables import from_rows


@functools.cache
def cancer() -> Dataset:
    """Return measurements of cells from 569 tumours of the breast, malignant or benign."""
    return _table("cancer", "load_breast_cancer")


@functools.cache
def wine() -> Dataset:
    """Return chemical analyses of 178 wines from three cultivars."""
    return _table("wine", "load_wine")


def _table(name: str, loader: str) -> Dataset:
    from sklearn import datasets  # here: it takes a second, and most tasks do without

    bunch = getattr(datasets, loader)()
    rows = [
        [*map(repr, numbers), str(bunch.target_names[label])]  # the shortest decimal, which is the file's own
        for numbers, label in zip(bunch.data.tolist(), bunch.target, strict=True)
    ]
    return from_rows(Path(name), [*bunch.feature_names, "class"], rows, "class")
