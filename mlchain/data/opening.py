"""A person's own data, whatever it is kept in, as a data set."""

from pathlib import Path

from mlchain.data.arrays import read_arrays
from mlchain.data.dataset import DataError, Dataset
from mlchain.data.images import read_folder
from mlchain.data.tables import read_table
from mlchain.data.text import read_text
from mlchain.errors import require
from mlchain.training.layers import RecipeError

KINDS = "a .csv, .npz, .txt or .mldata file, or a folder of images"


def read_data(path: Path, label: str | None = None) -> Dataset:
    """Return what a file or a folder holds; `label` names the column of a CSV file that is to be learned.

    Whatever cannot be learned from raises `DataError`, which says where.
    """
    suffix = path.suffix.lower()
    require(path.exists(), f"{path} does not exist")
    require(label is None or suffix == ".csv", f"--label names a column of a .csv file, and {path} is none")
    try:
        if path.is_dir():
            return read_folder(path)
        if suffix == ".csv":
            return read_table(path, label)
        if suffix == ".npz":
            return read_arrays(path)
        if suffix == ".txt":
            return read_text(path)
        if suffix == ".mldata":
            return read_canonical(path)
    except RecipeError as error:
        raise DataError(f"{path} holds samples that no network can take: {error}") from None
    raise DataError(f"{path} cannot be read as data: {KINDS} is wanted")


def read_canonical(path: Path) -> Dataset:
    """Return the data set that `Dataset.to_bytes` was written into a file of."""
    try:
        return Dataset.from_bytes(str(path), path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
