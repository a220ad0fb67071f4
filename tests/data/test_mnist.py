"""MNIST's files: read as they are defined, fetched once, and refused by name."""

import gzip
import hashlib
import os
from pathlib import Path

import numpy as np
import pooch
import pytest

from mlchain.data import mnist
from mlchain.data.dataset import DataError, fingerprint

IMAGES = np.arange(2 * 28 * 28, dtype=np.uint64).astype(np.uint8).reshape(2, 28, 28)
NAME = "train-images-idx3-ubyte.gz"
WITH_MNIST = pytest.mark.skipif("MNIST_DIR" not in os.environ, reason="MNIST_DIR is not set")


def idx(array: np.ndarray) -> bytes:
    """Write an IDX file, by its definition and not by our reader."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def test_an_idx_file_is_read_as_it_was_written(tmp_path):
    content = idx(IMAGES)
    (tmp_path / NAME).write_bytes(gzip.compress(content))

    found = mnist.read_idx(tmp_path / NAME, hashlib.sha256(content).hexdigest())

    assert found.tolist() == IMAGES.tolist()


def test_a_file_that_somebody_has_unpacked_is_read_too(tmp_path):
    content = idx(IMAGES)
    (tmp_path / NAME.removesuffix(".gz")).write_bytes(content)

    found = mnist.read_idx(tmp_path / NAME, hashlib.sha256(content).hexdigest())

    assert found.tolist() == IMAGES.tolist()


def damaged() -> dict[str, tuple[bytes, str]]:
    """Return broken files, with what the error must say about each."""
    content = idx(IMAGES)
    packed = gzip.compress(content)
    return {
        "truncated archive": (packed[:-20], "cannot be read or is truncated"),
        "flipped bit": (
            packed[:40] + bytes([packed[40] ^ 1]) + packed[41:],
            "cannot be read or is truncated",
        ),
        "garbled archive": (packed[:10] + b"\xff" * 40, "cannot be read or is truncated"),
        "not an archive": (content, "cannot be read or is truncated"),
        "empty": (gzip.compress(b""), "starts with , not with the magic number 00000803"),
        "labels": (
            gzip.compress(idx(IMAGES[:, 0, 0])),
            "starts with 00000801, not with the magic number 00000803",
        ),
        "truncated content": (gzip.compress(content[:-1]), r"its shape \(2, 28, 28\) does not fill"),
        "content left over": (gzip.compress(content + b"\0"), r"its shape \(2, 28, 28\) does not fill"),
        "other images": (packed, "has the wrong checksum"),
    }


@pytest.mark.parametrize("case", damaged())
def test_a_damaged_mnist_file_is_named_with_the_reason(case, tmp_path, monkeypatch):
    data, message = damaged()[case]
    (tmp_path / NAME).write_bytes(data)
    monkeypatch.setenv("MNIST_DIR", str(tmp_path))

    with pytest.raises(DataError, match=f"{NAME} .*{message}") as caught:
        mnist.load()

    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_mnist_directory_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "nowhere"))

    with pytest.raises(DataError, match=r"nowhere/train-images-idx3-ubyte\.gz does not exist: set MNIST_DIR"):
        mnist.load()


@pytest.fixture
def downloads(tmp_path, monkeypatch):
    """Let pooch download to a new directory, with a function instead of a network."""

    def install(download):
        monkeypatch.delenv("MNIST_DIR", raising=False)
        monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / project)
        monkeypatch.setattr(pooch.core, "choose_downloader", lambda *_, **__: download)

    return install


def test_without_a_directory_the_files_are_fetched_and_a_failure_names_the_file(downloads):
    asked: list[str] = []

    def refuse(url: str, *_: object) -> None:
        asked.append(url)
        raise OSError("no network")

    downloads(refuse)
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz could not be fetched from .*: no network"):
        mnist.load()

    assert asked == [mnist.URL + "train-images-idx3-ubyte.gz"]


def test_a_fetched_file_with_the_wrong_checksum_is_named(downloads):
    def forge(_: str, path: str, *__: object) -> None:
        Path(path).write_bytes(gzip.compress(idx(IMAGES)))

    downloads(forge)
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz could not be fetched from .*hash"):
        mnist.load()


@WITH_MNIST
def test_mnist_is_the_one_of_the_first_day():
    data = mnist.load()

    assert (len(data.train_labels), len(data.test_labels)) == (60_000, 10_000)
    assert fingerprint(data).hex() == "2df139228dfaae562554868945975a7219c179787d09ca015cf7e3f16738f4b4"
