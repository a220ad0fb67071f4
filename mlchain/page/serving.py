"""Serves the page from a thread beside the one that looks at the chain."""

import socket
from ipaddress import ip_address
from threading import Thread

import uvicorn

from mlchain.errors import UserError
from mlchain.page.app import Asked, create_app
from mlchain.page.board import Board

HOST, PORT = "127.0.0.1", 8780
BACKLOG = 512
MOST_CONNECTIONS = 1_000


def serve(board: Board, asked: Asked, host: str = HOST, port: int = PORT) -> str:
    """Serve a board until the program ends; return the page's address. Port 0 is any free one.

    Raises UserError if the host or the port cannot be used.
    """
    listener = _listen(host, port)
    config = uvicorn.Config(
        create_app(board, asked, host),
        log_level="error",
        access_log=False,
        server_header=False,
        http="h11",  # which waits for the end of no head above 16 KiB; uvicorn would take httptools where there is one
        limit_concurrency=MOST_CONNECTIONS,
        lifespan="off",
    )
    server = uvicorn.Server(config)
    Thread(target=server.run, kwargs={"sockets": [listener]}, name="page", daemon=True).start()
    return f"http://{_written(host)}:{listener.getsockname()[1]}/"


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, OverflowError) as error:
        raise UserError(f"cannot listen on port {port} of {host}: {error}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise UserError(f"cannot listen on port {port} of {host}: {error}") from error
    return listener


def _written(host: str) -> str:
    try:
        return f"[{host}]" if ip_address(host).version == 6 else host
    except ValueError:
        return host
