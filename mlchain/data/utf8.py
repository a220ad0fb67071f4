"""Text in UTF-8, as a person's own files hold it."""

from pathlib import Path

from mlchain.data.dataset import DataError


def read_utf8(path: Path, encoding: str = "utf-8") -> str:
    """Return the text of a file, by UTF-8 or a variant of it; one that cannot be read raises `DataError`."""
    try:
        return path.read_text(encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text in UTF-8: {error.reason} at byte {error.start}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
