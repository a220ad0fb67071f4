"""A node that says nothing, or nothing of use, is not waited for longer than it deserves."""

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version

import pytest
from ape import networks
from ape.exceptions import ApeException
from web3.exceptions import BadResponseFormat, Web3Exception

from mlchain.chain import prompt_node
from mlchain.chain.prompt_node import PromptHTTP, PromptNode, promptly


@contextmanager
def answering(body: bytes) -> Iterator[str]:
    """Yield the address of a node whose answer is always the same, and compressed for who takes that, as Geth's are."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            is_taken = "gzip" in self.headers.get("Accept-Encoding", "")
            if is_taken:
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(gzip.compress(body) if is_taken else body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def silent() -> Iterator[str]:
    """Yield the address of a node that does not answer."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        end = threading.Timer(10, listener.close)  # or who is not prompt would wait for half an hour
        end.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        end.cancel()


def node_at(url: str) -> PromptNode:
    """Return a node as the commands connect to it."""
    return promptly(networks.get_provider_from_choice(f"ethereum:quorum:{url}"))


def asked(url: str) -> int:
    """Return the number of the head block."""
    node = node_at(url)
    node._set_web3()
    return node.web3.eth.block_number


def connect_to(url: str) -> tuple[type, tuple[str | None, int, str]]:
    """Return how a node is asked once Ape has connected to it, and by what address, id and name it is known."""
    node = node_at(url)
    node.connect()
    return type(node.web3.provider), (node.http_uri, node.chain_id, node.network_choice)


def test_ape_connects_by_it_and_keeps_to_the_settings_of_the_node():
    with answering(b'{"jsonrpc": "2.0", "id": 1, "result": "0x539"}') as url:
        asked_by, settings = connect_to(url)

    assert asked_by is PromptHTTP, (
        f"Ape {version('eth-ape')} opens its connections elsewhere than in _set_web3: mend mlchain/chain/prompt_node.py"
    )
    assert settings == (url, 1337, f"ethereum:quorum:{url}")


def test_a_node_that_hangs_from_the_start_is_given_up_soon_while_ape_connects(monkeypatch):
    monkeypatch.setattr(prompt_node, "ANSWER_TIMEOUT", 0.2)
    with silent() as url:
        begin = time.monotonic()

        with pytest.raises((OSError, ApeException)):
            node_at(url).connect()

    assert time.monotonic() - begin < 5


@pytest.mark.parametrize("choice", ["ethereum:local:test", "ethereum:local:foundry"])
def test_chains_of_this_machine_are_left_alone(choice):
    provider = networks.get_provider_from_choice(choice)

    assert promptly(provider) is provider


def test_an_answer_is_returned():
    with answering(b'{"jsonrpc": "2.0", "id": 1, "result": "0x10"}') as url:
        assert int(str(asked(url)), 0) == 16


def test_an_answer_may_come_compressed():
    encodings = []
    with answering(b'{"jsonrpc": "2.0", "id": 1, "result": "0x10"}') as url:
        node = node_at(url)
        node._set_web3()
        session = node.web3.provider._request_session_manager.cache_and_return_session(url)
        session.hooks["response"].append(lambda answer, **_: encodings.append(answer.headers.get("Content-Encoding")))

        assert node.web3.eth.block_number == 16

    assert encodings == ["gzip"]


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"\xff", b"[]", b"{}", b'"busy"', b'{"message": "slow down"}'])
def test_what_is_no_answer_is_called_so(body):
    with answering(body) as url, pytest.raises(BadResponseFormat, match="is not JSON"):
        asked(url)


def test_a_node_that_hangs_is_given_up_soon(monkeypatch):
    monkeypatch.setattr(prompt_node, "ANSWER_TIMEOUT", 0.2)
    with silent() as url:
        begin = time.monotonic()

        with pytest.raises((OSError, Web3Exception)):
            asked(url)

    assert time.monotonic() - begin < 5


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_node_on_this_machine_is_asked_without_the_proxy_of_the_environment(host, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nothing listens there

    with answering(b'{"jsonrpc": "2.0", "id": 0, "result": "0x7"}') as url:
        assert asked(url.replace("127.0.0.1", host)) == 7


def test_requests_and_their_bytes_are_counted():
    answer = b'{"jsonrpc": "2.0", "id": 1, "result": "0x539"}'
    with answering(answer) as url:
        node = node_at(url)
        node._set_web3()
        http = node.web3.provider
        assert http.traffic == (0, 0)
        for _ in range(2):
            assert http.make_request("eth_blockNumber", [])["result"] == "0x539"

    requests, size = http.traffic
    assert requests == 2
    assert 2 * len(answer) + 80 < size < 2 * len(answer) + 300
