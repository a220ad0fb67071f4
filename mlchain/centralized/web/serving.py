"""Runs a learning server on this machine: a socket, a folder, and a thread that watches for new members."""

import asyncio
import fcntl
import resource
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import uvicorn

from mlchain.centralized.learning.training import open_federated
from mlchain.centralized.service.learning_service import LearningService
from mlchain.centralized.service.settings import Settings
from mlchain.centralized.service.store import Store
from mlchain.centralized.web.app import create_app
from mlchain.errors import UserError

HOST = "127.0.0.1"  # the traffic is signed, not encrypted: to be reached from elsewhere it needs a TLS proxy in front
BACKLOG = 4096  # connections that wait to be accepted: thousands of workers may come at once
LONGEST_HEAD = 16 * 1024  # bytes of a request's line and headers

OnJoin = Callable[[str, int], None]  # is told of an address, and as which number it joined
Watch = Callable[[OnJoin], None]  # reports everybody who joins, for as long as the server shall run


def database_in(folder: Path) -> Path:
    """Return where a learning server keeps its state in its folder."""
    return folder / "learning.sqlite"


def serve(settings: Settings, folder: Path, port: int, watch: Watch, announce: Callable[[str], None]) -> None:
    """Serve until `watch` returns or the process is told to stop; port 0 is any free one.

    `announce(url)` is called once workers can connect. Raises UserError if the port or the folder cannot be used.
    """
    _allow_connections()
    store = Store(database_in(folder))
    lock = _lock(folder)  # held for as long as it is open, and released however the process ends
    listener = _listen(port)
    task = open_federated(settings.recipe, settings.split)
    service = LearningService(settings, task, store, time.time)
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    app = create_app(service, lambda: announce(url), lambda: server.should_exit)
    config = uvicorn.Config(
        app, log_level="error", access_log=False, h11_max_incomplete_event_size=LONGEST_HEAD, timeout_keep_alive=60
    )
    server = uvicorn.Server(config)
    asyncio.run(_serve(server, service, listener, watch))
    store.close()
    lock.close()


async def _serve(server: uvicorn.Server, service: LearningService, listener: socket.socket, watch: Watch) -> None:
    loop = asyncio.get_running_loop()

    def on_join(address: str, number: int) -> None:
        loop.call_soon_threadsafe(service.joined, address, number)

    def watching() -> None:
        try:
            watch(on_join)
        finally:
            server.should_exit = True

    threading.Thread(target=watching, name="joins", daemon=True).start()
    await server.serve(sockets=[listener])


def _lock(folder: Path) -> TextIO:
    """Keep a second server out of the folder: each would overwrite what the other has in memory."""
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise UserError(f"a server is running with the folder {folder} already") from error
    return lock


def _allow_connections() -> None:
    """Allow this process as many open connections as it may have: shells often begin with 1,024."""
    _usual, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # a system may say "unlimited", and have a limit
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _listen(port: int) -> socket.socket:
    # The protocol is named because asyncio turns off the delay of small packets, 40 ms a reply, only where it is.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise UserError(f"cannot listen on port {port} of {HOST}: {error}") from error
    return listener
