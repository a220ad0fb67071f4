"""Data comes by its fingerprint: whatever else an address sends is one sentence, and nothing of it is kept."""

import socket
import time

import pytest

from mlchain.data import store
from mlchain.data.dataset import DataError, fingerprint
from tests.data.files import sending, serving, tiny

WANTED = tiny()
DIGEST = fingerprint(WANTED)
BYTES = WANTED.to_bytes()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def kept(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_what_is_announced_is_fetched_checked_and_found(folder):
    with serving(sending(BYTES)) as address:
        path = store.fetch(address, DIGEST)

    assert kept(folder) == [path.name] == [f"{DIGEST.hex()}.mldata"]
    assert store.find(DIGEST).to_bytes() == BYTES


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (sending(BYTES[:-1] + bytes([BYTES[-1] ^ 1])), "is the data set .* is wanted"),
        (sending(BYTES[:-1]), "is damaged: "),
        (sending(BYTES[:-1], length=len(BYTES)), "cannot be fetched from: ProtocolError"),
        (sending(tiny(9).to_bytes()), f"is the data set {fingerprint(tiny(9)).hex()}, and {DIGEST.hex()} is wanted"),
        (sending(b"\x80\x04cos\nsystem\n(S'touch /tmp/owned'\ntR."), "is not a data set written by `ape run data`"),
        (sending(b""), "is not a data set"),
        (sending(BYTES, status=404), "answers with status 404"),
        (sending(bytes(5000)), "sends more than 4.9 KiB, all that is allowed"),
    ],
)
def test_whatever_else_an_address_sends_is_one_sentence_and_nothing_is_kept(folder, answer, sentence):
    with serving(answer) as address, pytest.raises(DataError, match=f"^{address} {sentence}") as caught:
        store.fetch(address, DIGEST, most=4999)

    assert "\n" not in str(caught.value)
    assert kept(folder) == []


def test_an_endless_answer_ends_at_the_limit():
    sent = []

    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        while len(sent) < 10_000:
            handler.wfile.write(bytes(2**16))
            sent.append(2**16)

    with serving(answer) as address, pytest.raises(DataError, match="sends more than 1 MiB"):
        store.fetch(address, DIGEST, most=2**20)

    assert sum(sent) < 50 * 2**20


def test_an_address_that_trickles_is_left_when_time_is_up():
    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x")
            time.sleep(0.1)

    start = time.monotonic()
    with serving(answer) as address, pytest.raises(DataError, match=r"sends too slowly: \d+ B until time was up"):
        store.fetch(address, DIGEST, seconds=1)

    assert time.monotonic() - start < 10


def test_an_address_that_nobody_answers_at_is_one_sentence():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/x"

        with pytest.raises(DataError, match=f"^{address} cannot be fetched from: ConnectionError$"):
            store.fetch(address, DIGEST)


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "ftp://host/x", "host/x", "http://", "http://[::1", "javascript:x", "", "http://a\x1b[2J"],
)
def test_an_address_that_is_none_of_the_web_is_asked_for_nothing(address, monkeypatch):
    monkeypatch.setattr(store.requests, "get", lambda *_, **__: pytest.fail("it was asked"))

    with pytest.raises(DataError, match="address of data") as caught:
        store.fetch(address, DIGEST)

    assert str(caught.value).isprintable()


def test_a_redirection_to_a_file_is_not_followed():
    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", "file:///etc/passwd")
        handler.end_headers()

    with serving(answer) as address, pytest.raises(DataError, match="cannot be fetched from: InvalidSchema"):
        store.fetch(address, DIGEST)


def test_the_credentials_of_netrc_are_sent_to_nobody(tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    asked = []

    def answer(handler):
        asked.append(dict(handler.headers))
        sending(BYTES)(handler)

    with serving(answer) as address:
        store.fetch(address, DIGEST)

    assert [name for headers in asked for name in headers if name.lower() == "authorization"] == []


def test_a_file_under_another_s_name_is_not_taken_for_it(folder):
    store.keep(WANTED)
    store.path_of(DIGEST).write_bytes(tiny(9).to_bytes())

    with pytest.raises(DataError, match=f"is the data set .* and {DIGEST.hex()} is wanted"):
        store.find(DIGEST)


def test_what_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(DataError, match="cannot be written"):
        store.keep(WANTED, tmp_path / "file")


def test_an_address_of_this_machine_is_asked_without_the_proxy_of_the_environment(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nothing listens there

    with serving(sending(BYTES)) as address:
        assert store.fetch(address, DIGEST).read_bytes() == BYTES
