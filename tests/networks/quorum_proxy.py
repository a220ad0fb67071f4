"""A node that answers as GoQuorum v24.4.1 does on a network with Istanbul rules and free gas; behind it is an Anvil.

Refusals are in the words of the real one. Typed transactions it calls unsupported as of Berlin, here as of Istanbul.
"""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
import rlp
from eth_utils import to_bytes

QBFT_EXTRA_DATA = "0x" + "ab" * 327  # as long as that of four validators with their seals
MISSING = ("eth_feeHistory", "eth_maxPriorityFeePerGas", "eth_sendTransaction")


class QuorumProxy:
    """Passes questions on to the node at `target`; `refused` are the reasons it has given for a no."""

    def __init__(self, target: str) -> None:
        self.refused: list[str] = []
        self._target = target

    def answer(self, body: bytes) -> bytes:
        """Return the answer to a question, or to a batch of them."""
        asked = json.loads(body)
        return json.dumps([*map(self._answer, asked)] if isinstance(asked, list) else self._answer(asked)).encode()

    def _answer(self, asked: dict) -> dict:
        refusal = _refusal(asked["method"], asked.get("params", []))
        if refusal:
            self.refused.append(refusal[1])
            return {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": refusal[0], "message": refusal[1]}}
        if asked["method"] == "eth_gasPrice":
            return {"jsonrpc": "2.0", "id": asked["id"], "result": "0x0"}
        answer = requests.post(self._target, json=asked, timeout=30).json()
        if asked["method"].startswith("eth_getBlockBy") and answer.get("result"):
            block = answer["result"]
            for field in ("baseFeePerGas", "withdrawals", "withdrawalsRoot", "blobGasUsed", "excessBlobGas"):
                block.pop(field, None)
            block["extraData"] = QBFT_EXTRA_DATA
        return answer


def _refusal(method: str, parameters: list) -> tuple[int, str] | None:
    """Return code and message of an error, None where the question is one for the chain."""
    if method in MISSING:
        return -32601, f"the method {method} does not exist/is not available"
    if method != "eth_sendRawTransaction":
        return None
    raw = to_bytes(hexstr=parameters[0])
    if raw[0] < 0xC0:  # not a list: EIP-2718's first byte is a type
        return -32000, "transaction type not supported"
    if any(rlp.decode(raw)[1]):
        return -32000, "Gas price not 0"
    return None


@contextmanager
def quorum_proxy(target: str):
    """Serve such a proxy on a port of 127.0.0.1; yield it and its address."""
    proxy = QuorumProxy(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            content = proxy.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield proxy, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
