"""Data sets and files to test with."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from mlchain.data.dataset import Dataset
from mlchain.training.layers import InputKind, Inputs


def tiny(rows: int = 7) -> Dataset:
    """Return a data set of a few samples of two bytes."""
    samples = np.arange(2 * rows, dtype=np.uint8).reshape(rows, 2)
    labels = np.arange(rows, dtype=np.int64) % 2
    inputs = Inputs(2, 1, 1, InputKind.UNSIGNED, 255)
    return Dataset("tiny", inputs, ("no", "yes"), samples[2:], labels[2:], samples[:2], labels[:2])


def csv_of(rows: list[list[object]], header: str = "a,b,label") -> str:
    """Return a CSV file with these rows."""
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"


@contextmanager
def serving(answer) -> Iterator[str]:
    """Serve on a free port; `answer(handler)` answers every GET. Yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(ConnectionError):  # who has read enough hangs up
                answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/data.mldata"
    finally:
        server.shutdown()
        server.server_close()


def sending(body: bytes, length: int | None = None, status: int = 200):
    """Return an `answer` that sends these bytes, and says that they are so many."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)

    return answer
