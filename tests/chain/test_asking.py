"""A node that says nothing, or nothing of use, is not waited for longer than it deserves."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ape_ethereum import provider
from web3.exceptions import BadResponseFormat, Web3Exception

from mlchain.chain import asking


@pytest.fixture(autouse=True)
def promptly(monkeypatch):
    monkeypatch.setattr(provider, "HTTPProvider", provider.HTTPProvider)  # set back after the test
    asking.ask_promptly()


@contextmanager
def answering(body: bytes) -> Iterator[str]:
    """Yield the address of a node whose answer is always the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def asked(url: str) -> object:
    """Return the number of the head block, asked for as Ape does it."""
    return provider._create_web3(http_uri=url).eth.block_number


def test_an_answer_is_returned():
    with answering(b'{"jsonrpc": "2.0", "id": 1, "result": "0x10"}') as url:
        assert int(str(asked(url)), 0) == 16


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"\xff", b"[]", b"{}", b'"busy"', b'{"message": "slow down"}'])
def test_what_is_no_answer_is_called_so(body):
    with answering(body) as url, pytest.raises(BadResponseFormat, match="is not JSON"):
        asked(url)


def test_a_node_that_hangs_is_given_up_soon(monkeypatch):
    monkeypatch.setattr(asking, "ANSWERING", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        begin = time.monotonic()

        with pytest.raises((OSError, Web3Exception)):
            asked(f"http://127.0.0.1:{silent.getsockname()[1]}")

    assert time.monotonic() - begin < 5
