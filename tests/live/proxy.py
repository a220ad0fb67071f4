"""A way to a node that loses, delays, doubles and reorders what is asked and answered."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

MODES = (
    *("drop the question", "drop the answer", "delay", "double", "reorder", "refuse", "babble"),
    *("no logs", "older block"),
)
BLOCK_AT = {  # the place of the block among the parameters
    **{"eth_getBlockByNumber": 0, "eth_call": 1, "eth_getBalance": 1, "eth_getCode": 1},
    **{"eth_getTransactionCount": 1, "eth_estimateGas": 1},
}
LAG = 4  # blocks that a backend is behind the others


class Proxy:
    """Passes requests on to a node; while a mode is set, about a half of them meets with it. Counts what it did."""

    def __init__(self, target: str, seed: int) -> None:
        self.mode: str | None = None
        self.done: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self._target = target
        self._random = random.Random(seed)
        self._held = threading.Condition()
        self._waiting = 0
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = proxy.pass_on(body)
                if answer is None:
                    self.close_connection = True
                    return
                status, content = answer
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except ConnectionError:  # who asked has been killed
                    self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where programs ask."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Pass nothing on any more."""
        self._server.shutdown()
        self._server.server_close()

    def pass_on(self, body: bytes) -> tuple[int, bytes] | None:
        """Return status and content of an answer, None for a connection that just ends."""
        mode = self.mode if self._random.random() < 0.5 else None
        self.requests[_method(body)] += 1
        if mode:
            self.done[mode] += 1
        if mode == "drop the question":
            return None
        if mode == "refuse":
            return 503, b"the node is busy"
        if mode == "babble":
            return 200, b"<html>not JSON</html>"
        if mode == "no logs":
            return self._one_by_one(body, self._without_logs)
        if mode == "older block":
            return self._one_by_one(body, self._as_of_an_older_block)
        if mode == "delay":
            time.sleep(self._random.uniform(0.5, 3))
        answer = self._ask(body)
        if mode == "double":
            answer = self._ask(body)
        if mode == "reorder":
            self._let_another_pass()
        return None if mode == "drop the answer" else answer

    def _one_by_one(self, body: bytes, answer: Callable[[dict], tuple[int, bytes] | None]) -> tuple[int, bytes] | None:
        """Answer a question, or each of a batch."""
        asked = json.loads(body)
        if isinstance(asked, dict):
            return answer(asked)
        answers = [each[1] for each in map(answer, asked) if each is not None]
        return (200, b"[" + b",".join(answers) + b"]") if len(answers) == len(asked) else None

    def _without_logs(self, question: dict) -> tuple[int, bytes] | None:
        if question["method"] == "eth_getLogs":
            return _answer(question, "result", [])
        return self._ask(json.dumps(question).encode())

    def _as_of_an_older_block(self, question: dict) -> tuple[int, bytes] | None:
        """Answer as a backend does that lags: newer blocks it does not know, and their logs are none."""
        height = self._ask(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}).encode())
        if height is None:
            return None
        newest = max(0, int(json.loads(height[1])["result"], 16) - LAG)
        method, parameters = question["method"], question.get("params", [])
        if method == "eth_blockNumber":
            return _answer(question, "result", hex(newest))
        if method == "eth_getLogs":
            parameters[0]["toBlock"] = hex(min(newest, int(parameters[0]["toBlock"], 16)))
            if int(parameters[0]["fromBlock"], 16) > newest:
                return _answer(question, "result", [])
        for place, parameter in enumerate(parameters):
            if parameter in ("latest", "pending"):
                parameters[place] = hex(newest)
            elif place == BLOCK_AT.get(method) and isinstance(parameter, str) and int(parameter, 16) > newest:
                if method == "eth_getBlockByNumber":
                    return _answer(question, "result", None)
                return _answer(question, "error", {"code": -32000, "message": "header not found"})
        return self._ask(json.dumps(question).encode())

    def _ask(self, body: bytes) -> tuple[int, bytes] | None:
        try:
            answer = requests.post(self._target, body, headers={"Content-Type": "application/json"}, timeout=30)
        except requests.RequestException:
            return None  # the node is away
        return answer.status_code, answer.content

    def _let_another_pass(self) -> None:
        """Hold an answer back until one that was asked for later has been given, or for two seconds."""
        with self._held:
            self._waiting += 1
            if self._waiting > 1:
                self._held.notify_all()
            else:
                self._held.wait(2)
            self._waiting -= 1


def _answer(question: dict, kind: str, content: object) -> tuple[int, bytes]:
    return 200, json.dumps({"jsonrpc": "2.0", "id": question["id"], kind: content}).encode()


def _method(body: bytes) -> str:
    _before, _key, rest = body.partition(b'"method":')
    return rest.split(b'"', 2)[1].decode(errors="replace") if rest.count(b'"') > 1 else "?"
