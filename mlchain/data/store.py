"""The folder of data sets, each in a file that its fingerprint names, and how one comes into it over the network."""

import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from mlchain.data.dataset import DataError, Dataset, fingerprint
from mlchain.data.opening import read_canonical
from mlchain.http import session_for
from mlchain.units import size_text

SUFFIX = ".mldata"
MOST_BYTES = 2**30  # of a data set that is fetched
PAUSE = 20.0  # seconds that an address may take to answer, and then between two pieces
PIECE = 2**16  # bytes
LONGEST_ADDRESS = 2_000  # characters


def data_dir() -> Path:
    """Return the folder: DATA_DIR, or one in the user's cache."""
    if chosen := os.environ.get("DATA_DIR"):
        return Path(chosen)
    import pooch  # here: it takes a moment

    return Path(pooch.os_cache("mlchain")) / "data"


def path_of(digest: bytes) -> Path:
    """Return the file of the data set with this fingerprint, whether or not it is there."""
    return data_dir() / (digest.hex() + SUFFIX)


def find(digest: bytes) -> Dataset | None:
    """Return the data set with this fingerprint, None without one; a file that is none raises `DataError`."""
    path = path_of(digest)
    return require_fingerprint(read_canonical(path), digest) if path.exists() else None


def require_fingerprint(dataset: Dataset, digest: bytes) -> Dataset:
    """Return the data set, or raise `DataError` unless it has this fingerprint."""
    found = fingerprint(dataset)
    if found != digest:
        raise DataError(f"{dataset.name} is the data set {found.hex()}, and {digest.hex()} is wanted")
    return dataset


def keep(dataset: Dataset, folder: Path | None = None) -> Path:
    """Write the canonical file of a data set into the folder, or another, and return its path."""
    folder = data_dir() if folder is None else folder
    path = folder / (fingerprint(dataset).hex() + SUFFIX)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix="new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(dataset.to_bytes())
            Path(name).chmod(0o644)
            Path(name).replace(path)  # at once: nobody ever reads half of it
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from None
    return path


def fetch(address: str, digest: bytes, most: int = MOST_BYTES, seconds: float = 600.0) -> Path:
    """Fetch the data set with this fingerprint from an http or https address into the folder; return its path.

    Takes no more than `most` bytes and so many seconds. Whatever goes wrong, or comes that is not the data set, raises
    `DataError`, and nothing is kept.
    """
    require_address(address)
    dataset = Dataset.from_bytes(address, _download(address, most, time.monotonic() + seconds))
    return keep(require_fingerprint(dataset, digest))


def require_address(address: str) -> None:
    """Raise `DataError` unless an address is one of http or https that can be printed."""
    if not (address.isascii() and address.isprintable() and len(address) <= LONGEST_ADDRESS):
        raise DataError(f"an address of data has to be at most {LONGEST_ADDRESS:,} printable ASCII characters")
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise DataError(f"{address} is not an address of data: it has to begin with http:// or https://")


def _download(address: str, most: int, deadline: float) -> bytes:
    held = bytearray()
    try:
        # As it is, not compressed: what is counted is what is kept. Without the credentials of ~/.netrc.
        headers, nobody = {"Accept-Encoding": "identity"}, (lambda request: request)
        with (
            session_for(address) as session,
            session.get(address, stream=True, timeout=PAUSE, headers=headers, auth=nobody) as answer,
        ):
            if answer.status_code != requests.codes.ok:
                raise DataError(f"{address} answers with status {answer.status_code}")
            while piece := answer.raw.read1(PIECE):  # what has come, be it a byte: so that slowness is noticed
                held += piece
                if len(held) > most:
                    raise DataError(f"{address} sends more than {size_text(most)}, all that is allowed (--max-data)")
                if time.monotonic() > deadline:
                    raise DataError(f"{address} sends too slowly: {size_text(len(held))} until time was up")
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise DataError(f"{address} cannot be fetched from: {type(error).__name__}") from None
    return bytes(held)
