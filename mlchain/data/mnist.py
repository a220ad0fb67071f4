"""MNIST: 70,000 images of 28 x 28 pixels, from the directory MNIST_DIR or else fetched once and kept."""

import functools
import gzip
import hashlib
import os
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlchain.data.dataset import DataError, Dataset, numbered
from mlchain.training.layers import InputKind, Inputs

URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
PIXELS = 28 * 28

# SHA-256 of the files as fetched, and of what they contain.
ARCHIVES = {
    "train-images-idx3-ubyte.gz": "ae46c4f260ac4905871204038b01a6c0a113631ad2d5a23f68961fc8b88747cb",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
CONTENTS = {
    "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def load() -> Dataset:
    """Return MNIST's own training and test sets, read once per process.

    A missing, damaged or different file raises `DataError`, which names it.
    """
    directory = os.environ.get("MNIST_DIR")
    return _load(Path(directory) if directory else _fetch())


@functools.cache
def _load(directory: Path) -> Dataset:
    arrays = [read_idx(directory / name, CONTENTS[name]) for name in CONTENTS]
    train_images, train_labels, test_images, test_labels = arrays
    return Dataset(
        "mnist",
        Inputs(1, 28, 28, InputKind.UNSIGNED, 255),
        numbered(10),
        train_images.reshape(-1, PIXELS),
        train_labels.astype(np.int64),
        test_images.reshape(-1, PIXELS),
        test_labels.astype(np.int64),
    )


def read_idx(path: Path, sha256: str) -> NDArray[np.uint8]:
    """Read a gzip file, or else the unpacked one beside it, of unsigned bytes in IDX format with this SHA-256.

    The name says how many dimensions it has: idx3 images, idx1 labels. Format: http://yann.lecun.com/exdb/mnist/
    """
    content = _unpack(path)
    dimensions = 3 if "idx3" in path.name else 1
    start = 4 + 4 * dimensions
    if content[:4] != bytes([0, 0, 8, dimensions]):
        raise DataError(f"{path} starts with {content[:4].hex()}, not with the magic number 000008{dimensions:02x}")
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    if len(content) != start + int(np.prod(shape, dtype=object)):
        raise DataError(f"{path} holds {len(content)} bytes, which its shape {shape} does not fill")
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(f"{path} has the wrong checksum: its content is not MNIST's")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


def _unpack(path: Path) -> bytes:
    unpacked = path.with_suffix("")
    try:
        return unpacked.read_bytes() if unpacked.exists() and not path.exists() else gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise DataError(f"{path} does not exist: set MNIST_DIR to the directory of MNIST's four files") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read or is truncated: {error}") from error


def _fetch() -> Path:
    import pooch  # here: nothing else downloads, and with MNIST_DIR set nothing does

    files = pooch.create(path=pooch.os_cache("mlchain") / "mnist", base_url=URL, registry=ARCHIVES)
    for name in ARCHIVES:
        try:
            files.fetch(name)
        except (OSError, ValueError) as error:  # ValueError: the checksum
            raise DataError(f"{name} could not be fetched from {URL}: {error}") from error
    return Path(files.path)
