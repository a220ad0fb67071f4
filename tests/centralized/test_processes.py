"""The service as a process of its own: killed at any time it goes on where it was, and bad requests do not stop it."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import requests
from eth_account import Account

from mlchain.centralized.learning.behaviours import honest
from mlchain.centralized.service.signing import signer_of
from mlchain.centralized.service.store import Store
from mlchain.centralized.web.serving import database_in
from mlchain.centralized.web.worker import FederatedWorker, ServiceClient
from mlchain.errors import UserError
from tests.centralized.scenes import KEYS, MEMBERS, settings
from tests.networks.ports import free_ports

ROOT = Path(__file__).parents[2]


@contextmanager
def service(folder, port=0, **choices):
    """Run a service with three members; yields its process and its address."""
    running = subprocess.Popen(
        [sys.executable, "-m", "mlchain.centralized.web", str(folder), str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        running.stdin.write(settings(**choices).to_json() + "\n")
        running.stdin.write("".join(f"{address} {number}\n" for number, address in enumerate(MEMBERS, start=1)))
        running.stdin.flush()
        yield running, running.stdout.readline().strip()
    finally:
        running.kill()
        running.communicate()


def worker(url, number):
    return FederatedWorker(ServiceClient(url, Account.from_key(KEYS[number]).address, signer_of(KEYS[number])), honest)


def start(*workers):
    """Let workers work, a thread each."""
    threads = [threading.Thread(target=it.run, daemon=True) for it in workers]
    for thread in threads:
        thread.start()
    return threads


def models_in(folder):
    with closing(Store(database_in(folder))) as store:
        return store.models()


def test_killed_again_and_again_the_service_loses_nothing(tmp_path):
    port, chance, seen = free_ports(1), random.Random(1), []
    threads = start(worker(f"http://127.0.0.1:{port}", 0), worker(f"http://127.0.0.1:{port}", 1))

    for _ in range(4):
        with service(tmp_path, port, versions=40, timeout=2.0) as (running, url):
            assert url
            time.sleep(chance.uniform(0.1, 0.6))
            running.send_signal(signal.SIGKILL)
            running.wait()
        models = models_in(tmp_path)
        assert models[: len(seen)] == seen
        seen = models
    with service(tmp_path, port, versions=40, timeout=2.0) as (running, url):
        for thread in threads:
            thread.join(60)
        status = requests.get(url + "/status", timeout=10).json()

    assert len(seen) > 1
    assert status["finished"]
    assert status["joined"] == 3
    assert [model.version for model in models_in(tmp_path)] == list(range(41))


def test_the_same_updates_make_the_same_models_killed_or_not(tmp_path):
    for folder in ("killed", "left alone"):
        port = free_ports(1)
        threads = start(worker(f"http://127.0.0.1:{port}", 0), worker(f"http://127.0.0.1:{port}", 1))
        if folder == "killed":
            with service(tmp_path / folder, port, timeout=2.0) as (running, _url):
                time.sleep(0.5)
                os.kill(running.pid, signal.SIGKILL)
        with service(tmp_path / folder, port, timeout=2.0):
            for thread in threads:
                thread.join(60)

    killed, left_alone = ([it.data for it in models_in(tmp_path / name)] for name in ("killed", "left alone"))
    assert killed == left_alone


def test_a_flood_of_bad_requests_does_not_stop_good_ones(tmp_path):
    with service(tmp_path, versions=10) as (_running, url):
        port, stop = int(url.rsplit(":", 1)[1]), threading.Event()
        flood = [threading.Thread(target=flood_with_nonsense, args=(port, stop), daemon=True) for _ in range(8)]
        for thread in flood:
            thread.start()
        threads = start(worker(url, 0), worker(url, 1))
        for thread in threads:
            thread.join(60)
        stop.set()
        finished = requests.get(url + "/status", timeout=10).json()["finished"]

    assert finished


def flood_with_nonsense(port, stop):
    """Send what is no HTTP, what is not signed, what is too long, and what never ends."""
    idle = []
    while not stop.is_set():
        for nonsense in (
            b"\x00\xff" * 500 + b"\r\n\r\n",
            b"POST /updates/0 HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999999\r\n\r\n" + bytes(4096),
            b"POST /work HTTP/1.1\r\nhost: x\r\nworker: " + MEMBERS[0].encode() + b"\r\ncontent-length: 0\r\n\r\n",
            b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\n\r\n",
        ):
            with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as sender:
                sender.sendall(nonsense)
                sender.recv(1000)
        if len(idle) < 20:
            with suppress(OSError):
                idle.append(socket.create_connection(("127.0.0.1", port), timeout=5))
                idle[-1].sendall(b"POST /work HTTP/1.1\r\n")


def test_a_folder_of_a_server_with_other_settings_is_refused(tmp_path):
    with service(tmp_path) as (_running, url):
        assert url
    with service(tmp_path, versions=3) as (running, url):
        assert url == ""
        assert "belongs to a server with other settings" in running.communicate()[1]
        assert running.returncode == 1


def test_a_folder_has_one_server_at_a_time(tmp_path):
    with service(tmp_path) as (_first, url), service(tmp_path) as (second, nothing):
        assert url != nothing == ""
        assert "error: a server is running with the folder" in second.communicate()[1]


def test_a_port_in_use_is_one_sentence(tmp_path):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken, service(tmp_path, taken.getsockname()[1]) as started:
        assert started[1] == ""
        assert "error: cannot listen on port" in started[0].communicate()[1]


def test_the_service_ends_with_who_started_it(tmp_path):
    with service(tmp_path) as (running, _url):
        running.stdin.close()
        running.stdin = None

        assert running.wait(20) == 0


@contextmanager
def crowd(url, *cast):
    """Run workers, (number of the key, behaviour), a process each."""
    running = subprocess.Popen(
        [sys.executable, "-m", "mlchain.centralized.simulation.workers", url],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        running.stdin.write("".join(f"{KEYS[number].hex()} {behaviour}\n" for number, behaviour in cast) + "\n")
        running.stdin.flush()
        yield running
    finally:
        running.kill()
        running.stderr.close()


def test_a_crowd_learns_and_ends(tmp_path):
    with service(tmp_path) as (_running, url), crowd(url, (0, "honest"), (1, "honest")) as running:
        assert running.wait(60) == 0

    assert len(models_in(tmp_path)) == 3


def test_a_crowd_ends_when_one_of_it_fails(tmp_path):
    with service(tmp_path) as (_running, url), crowd(url, (0, "honest"), (1, "rude")) as running:
        assert running.wait(60) == 1
        assert "rude" in running.stderr.read()


def test_a_crowd_ends_with_who_started_it(tmp_path):
    with service(tmp_path) as (_running, url), crowd(url, (0, "honest")) as running:
        time.sleep(1)
        running.stdin.close()

        assert running.wait(60) == 1


def test_a_worker_that_has_not_joined_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr("mlchain.centralized.web.worker.PATIENCE", 0.0)
    monkeypatch.setattr("mlchain.centralized.web.worker.RETRY_INTERVAL", 0.01)
    with service(tmp_path, timeout=0.1) as (_running, url), pytest.raises(UserError, match="has not joined"):
        worker(url, 3).run()


def test_where_no_learning_server_is_a_worker_says_so(monkeypatch):
    monkeypatch.setattr("mlchain.centralized.web.worker.PATIENCE", 0.0)

    with pytest.raises(UserError, match="does not answer: ConnectionError"):
        worker(f"http://127.0.0.1:{free_ports(1)}", 0).run()
