"""What a stranger's or a careless person's file can do: end a command with one sentence."""

import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mlchain.data.dataset import DataError, Dataset, fingerprint
from mlchain.data.opening import read_data
from tests.data.files import csv_of, tiny

BYTES = tiny().to_bytes()
HEADER = json.loads(tiny().header())


def canonical(header: object, body: bytes = b"") -> bytes:
    """Return a canonical file with this header, which may be any text."""
    said = header if isinstance(header, str) else json.dumps(header, sort_keys=True, separators=(",", ":"))
    return b"MLDATA1\n" + len(said).to_bytes(4, "little") + said.encode() + body


BODY = BYTES[len(canonical(HEADER)) :]


def test_a_canonical_file_is_read_as_it_was_written():
    assert canonical(HEADER, BODY) == BYTES
    assert Dataset.from_bytes("it", BYTES).to_bytes() == BYTES
    assert fingerprint(Dataset.from_bytes("it", BYTES)) == fingerprint(tiny())


@given(st.integers(0, len(BYTES) - 1), st.integers(1, 255))
def test_a_changed_byte_makes_another_data_set_or_none(place, change):
    changed = bytearray(BYTES)
    changed[place] ^= change
    try:
        found = Dataset.from_bytes("it", bytes(changed))
    except DataError:
        return
    assert found.to_bytes() == changed
    assert fingerprint(found) != fingerprint(tiny())


@given(st.integers(0, len(BYTES) - 1))
def test_a_truncated_file_is_none(length):
    with pytest.raises(DataError, match=r"^it "):
        Dataset.from_bytes("it", BYTES[:length])


@pytest.mark.parametrize(
    "header",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '"' + "[" * 1000,
        "1" * 100_000,
        "[]",
        "null",
        "NaN",
        "{}",
        HEADER | {"train": -1},
        HEADER | {"train": 10**30},
        HEADER | {"train": 1e400},
        HEADER | {"train": 5.0},
        HEADER | {"height": 10**9},
        HEADER | {"channels": True},
        HEADER | {"kind": 9},
        HEADER | {"classes": "ny"},
        HEADER | {"classes": [1, 2]},
        HEADER | {"classes": ["a", "a"]},
        HEADER | {"classes": ["only"]},
        HEADER | {"columns": [{"name": "x"}] * 2},
        HEADER | {"columns": [{"name": "x", "low": "2", "high": "1"}] * 2},
        HEADER | {"columns": [{"name": "x", "low": "0", "high": "1e999999999"}] * 2},
        HEADER | {"columns": [{"name": "x", "category": "y", "low": "0", "high": "1"}] * 2},
        HEADER | {"columns": [{"name": "x", "category": "y"}]},
        HEADER | {"columns": [{"name": "x", "category": "y", "evil": "z"}] * 2},
        HEADER | {"columns": {"name": "x"}},
        HEADER | {"more": 1},
    ],
)
def test_a_header_that_nobody_writes_is_one_sentence(header):
    with pytest.raises(DataError) as caught:
        Dataset.from_bytes("it", canonical(header, BODY))

    assert str(caught.value).startswith("it ")
    assert "\n" not in str(caught.value)


def test_a_label_of_no_class_is_refused():
    with pytest.raises(DataError, match=r"a label outside 0 \.\. 1"):
        Dataset.from_bytes("it", BYTES[:-1] + b"\x02")


def arrays(**named: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **named)
    return file.getvalue()


X, Y = np.zeros((20, 4), dtype=np.uint8), np.arange(20) % 2


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.npz", b"", "is not an .npz file of plain arrays"),
        ("a.npz", b"PK\x03\x04 and no more", "is not an .npz file"),
        ("a.npz", arrays(x=X, y=np.array([object()] * 20)), "is not an .npz file of plain arrays: Object arrays"),
        ("a.npz", arrays(x=X), "has the arrays x: x and y, or"),
        ("a.npz", arrays(x=X.astype(float), y=Y), r"has samples float64 \(20, 4\)"),
        ("a.npz", arrays(x=X, y=Y[:-1]), r"has labels int64 \(19,\) for samples \(20, 4\)"),
        ("a.npz", arrays(x=X, y=Y / 2), "has labels float64"),
        ("a.npz", arrays(x=X[:, :0], y=Y), "holds samples that no network can take: channels 0"),
        ("a.npz", arrays(x=np.zeros((20, 70_000), np.uint8), y=Y), "holds samples that no network can take"),
        ("a.txt", b"too short", "has 9 characters, 320 to"),
        ("a.txt", b"\xff" * 400, "is not text in UTF-8"),
        ("a.txt", b"x" * 400, "has 1 character over and over"),
        ("a.exe", b"", "cannot be read as data: a .csv, .npz, .txt or .mldata file, or a folder"),
        ("a.mldata", b"anything", "is not a data set written by `ape run data`"),
    ],
)
def test_a_file_that_cannot_be_learned_from_is_one_sentence(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(DataError, match=sentence) as caught:
        read_data(tmp_path / name)

    assert str(tmp_path / name) in str(caught.value) or name.split(".")[0] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_archive_that_unpacks_to_more_than_there_is_memory_for_is_one_sentence(tmp_path):
    shape = {"descr": "|u1", "fortran_order": False, "shape": (2**50, 4)}
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, shape)
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w") as file:
        file.writestr("x.npy", head.getvalue())
        file.writestr("y.npy", head.getvalue())

    with pytest.raises(DataError, match=r"bomb\.npz"):
        read_data(tmp_path / "bomb.npz")


@pytest.fixture
def folder(tmp_path):
    for name, shade in (("dark", 10), ("light", 200)):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(6):
            Image.new("L", (5, 4), shade + number).save(tmp_path / "images" / name / f"{number}.png")
    return tmp_path / "images"


def test_a_folder_of_images_is_a_data_set(folder):
    data = read_data(folder)

    assert data.inputs.shape == (1, 4, 5)
    assert data.classes == ("dark", "light")
    light = [part[labels == 1][:, 0].tolist() for part, labels in data.parts()]
    assert sorted([*light[0], *light[1]]) == [*range(200, 206)]


def png_bomb() -> bytes:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 2**20, 2**20, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "cannot be read as PNG or PGM"),
        (b"GIF89a", "cannot be read as PNG or PGM"),
        (png_bomb(), "cannot be read as PNG or PGM"),
        (b"P5 1000000 1000000 255\n", "cannot be read as PNG or PGM"),
        ((6, 4), "4 x 6 pixels in grey, 0.png 4 x 5 pixels in grey: all have to be alike"),
    ],
)
def test_an_image_that_is_none_or_of_another_size_is_named(folder, content, sentence):
    bad = folder / "light" / "9.png"
    if isinstance(content, bytes):
        bad.write_bytes(content)
    else:
        Image.new("L", content).save(bad)

    with pytest.raises(DataError, match=sentence) as caught:
        read_data(folder)

    assert str(bad) in str(caught.value)


@pytest.mark.parametrize("mode", ["RGBA", "I;16", "LA"])
def test_an_image_with_other_than_8_bits_of_grey_or_colour_is_refused(folder, mode):
    Image.new(mode, (5, 4)).save(folder / "light" / "9.png")

    with pytest.raises(DataError, match=r"9.png keeps its pixels as .*: 8 bits, grey or RGB, are wanted"):
        read_data(folder)


def test_a_label_for_what_has_no_columns_is_refused(folder):
    with pytest.raises(Exception, match=r"^--label names a column of a .csv file, and .* is none$"):
        read_data(folder, "label")


def test_data_of_very_many_columns_is_refused_and_not_a_stack_trace(tmp_path):
    wide = [[*range(number, number + 66_000), "ab"[number % 2]] for number in range(10)]
    (tmp_path / "wide.csv").write_text(csv_of(wide, ",".join(f"c{n}" for n in range(66_000)) + ",label"))

    with pytest.raises(DataError, match=r"wide\.csv holds samples that no network can take: channels 66000"):
        read_data(tmp_path / "wide.csv")
