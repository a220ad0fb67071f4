"""What learning with a trusted server costs: its service for more and more members, and a simulation stage by stage."""

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import requests
from ape import networks
from ape.logging import LogLevel, logger
from eth_account import Account
from eth_utils.crypto import keccak
from numpy.typing import NDArray

from benchmarks.report import ROOT, Section, table, wrapped
from mlchain.centralized.learning.partition import Split
from mlchain.centralized.learning.plan import FederationPlan
from mlchain.centralized.service.settings import Settings
from mlchain.centralized.service.signing import Place, sign_request, signer_of
from mlchain.centralized.simulation.options import CentralizedOptions
from mlchain.centralized.simulation.run import ONE_THREAD, learn
from mlchain.chain.connection import Chain
from mlchain.chain.embedded import make_repeatable
from mlchain.chain.provider import connected_provider
from mlchain.console import percent
from mlchain.tasks.catalogue import default_recipe

SIZES = (300, 1_000, 2_000)  # members
VERSIONS = 2
WATCHED = 5.0  # seconds
LOOK = 0.05  # seconds between two requests that measure how long an answer takes
PLACE = Place(1337, "0x" + "11" * 20)
PLAYED = 300  # workers of the simulation
JOINING, READING = "fund and join, one transaction after the other", "read who has joined"
LEARNING = "start the service and the workers' processes, and learn"


def measure() -> Section:
    """Let members that train nothing learn with the real service, and play a simulation."""
    costs = {members: asyncio.run(_serve(members)) for members in SIZES}
    stages, accuracy = _play()
    rows = [(f"{members:,}", *(f"{it:.2f}" for it in found)) for members, found in costs.items()]
    header = (
        "members",
        "core while all but one wait",
        "longest answer then, s",
        "CPU s a version",
        "longest answer in learning, s",
    )
    figures = {
        "waiting": f"{costs[SIZES[-1]][0]:.2f}",
        "version": f"{costs[SIZES[-1]][2]:.2f}",
        "joining": f"{stages[JOINING][0]:.0f}",
        "reading": f"{stages[READING][0]:.1f}",
        "learning": f"{stages[LEARNING][0]:.0f}",
    }
    method = f"""
    The service in its process, on real connections of members that sign, but deliver zeros instead of training; there
    is a share for every two of them. First one owes its result and all others wait, for {WATCHED:.0f} seconds; then
    they make {VERSIONS} versions. CPU is that of the service; an answer is one to `GET /status`, which is asked for
    all the while.
    """
    text = f"""
{wrapped(method)}

{table(header, rows)}

`ape run simulate --mode centralized --workers {PLAYED}` on the embedded chain, {percent(accuracy)} test accuracy:

{table(("stage", "CPU s", "seconds"), [(stage, f"{cpu:.1f}", f"{wall:.1f}") for stage, (cpu, wall) in stages.items()])}
"""
    return Section("A trusted server", text, figures)


async def _serve(members: int) -> tuple[float, float, float, float]:
    """Return the share of a core that waiting takes, CPU seconds of a version, and the longest answer during each."""
    print(f"  {members} members", file=sys.stderr, flush=True)
    shares = members // 2
    plan = FederationPlan(VERSIONS, shares, shares, timeout=3600.0)
    settings = Settings(PLACE, default_recipe("digits", "softmax").to_bytes(), Split(shares), plan)
    keys = [keccak(number.to_bytes(32, "big")) for number in range(members)]
    with tempfile.TemporaryDirectory() as folder, _service(settings, keys, Path(folder)) as (pid, url):
        held = asyncio.Event()
        crowd = [_Member(url, key) for key in keys]
        await _in_portions(member.register() for member in crowd)
        learning = [asyncio.create_task(crowd[0].learn(held))]
        await _until(url, "working", 1, learning)
        learning += [asyncio.create_task(member.learn()) for member in crowd[1:]]
        await _until(url, "delivered", shares - 1, learning)
        await asyncio.sleep(2)  # until the last have asked for the next version
        slowest = _Slowest(url)
        before, started = _cpu(pid), time.monotonic()
        await asyncio.sleep(WATCHED)
        waiting = (_cpu(pid) - before) / (time.monotonic() - started)
        longest = slowest.reset()
        before = _cpu(pid)
        held.set()
        await asyncio.gather(*learning)
        version = (_cpu(pid) - before) / (VERSIONS - 1)
        slowest.stop()
        return waiting, longest, version, slowest.reset()


class _Member:
    """A member with a connection of its own; it delivers zeros."""

    def __init__(self, url: str, key: bytes) -> None:
        self._host, self._port = url.removeprefix("http://").split(":")
        self._address, self._sign = Account.from_key(key).address, signer_of(key)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def register(self) -> None:
        """Say that the member is there."""
        while (await self._post("/registration"))[0] != 200:  # its join may not have been read yet
            await asyncio.sleep(1)
        self._hang_up()

    async def learn(self, held: asyncio.Event | None = None) -> None:
        """Ask and deliver until learning is finished; the first update only once `held` is set."""
        while True:
            status, body = await self._post("/work")
            if status == 410:
                return
            if status == 200:
                if held:
                    await held.wait()
                    self._hang_up()
                await self._post(f"/updates/{int.from_bytes(body[:4], 'little')}", bytes(len(body) - 8))
            elif status != 204:
                raise RuntimeError(f"the service answers with {status}: {body.decode()}")

    def _hang_up(self) -> None:
        """Close the connection, as the service would after a while without a request."""
        if self._streams:
            self._streams[1].close()
        self._streams = None

    async def _post(self, path: str, body: bytes = b"") -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, int(self._port))
        reader, writer = self._streams
        signed = sign_request(self._sign, self._address, PLACE, "POST", path, body, time.time())
        headers = {"host": self._host, "content-length": str(len(body))} | signed
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ")[1].split("\r\n")[0]) if "content-length: " in head else 0
        return int(head.split()[1]), await reader.readexactly(length)


class _Slowest:
    """Asks for the status all the while, in a thread of its own, and keeps how long the slowest answer took."""

    def __init__(self, url: str) -> None:
        self._url, self._longest, self._stopped = url, 0.0, False
        self._asked: float | None = None  # since when an answer is waited for
        self._asking = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        while not self._stopped:
            self._longest = max(self._longest, await asyncio.to_thread(self._timed))
            await asyncio.sleep(LOOK)

    def _timed(self) -> float:
        self._asked = started = time.monotonic()
        _status(self._url)
        self._asked = None
        return time.monotonic() - started

    def reset(self) -> float:
        """Return the longest answer since the last call, in seconds, and be it one that has not come yet."""
        asked = self._asked
        longest, self._longest = max(self._longest, time.monotonic() - asked if asked else 0.0), 0.0
        return longest

    def stop(self) -> None:
        """Ask no more."""
        self._stopped = True


async def _in_portions(registrations: Iterator[object]) -> None:
    waiting = list(registrations)
    for start in range(0, len(waiting), 100):
        await asyncio.gather(*waiting[start : start + 100])  # type: ignore[call-overload]


async def _until(url: str, what: str, least: int, learning: list[asyncio.Task[None]]) -> None:
    while (await asyncio.to_thread(_status, url))[what] < least:
        await asyncio.sleep(0.5)
        for member in learning:
            if member.done():
                member.result()  # raises what has ended it


def _status(url: str) -> dict[str, int]:
    status: dict[str, int] = requests.get(url + "/status", timeout=300).json()
    return status


def _cpu(pid: int) -> float:
    """Return the CPU seconds that a process has used so far."""
    fields = (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _service(settings: Settings, keys: list[bytes], folder: Path) -> Iterator[tuple[int, str]]:
    """Run a service with these members; yields its process and its address."""
    command = [sys.executable, "-m", "mlchain.centralized.web", str(folder), "0"]
    pipe, variables = subprocess.PIPE, os.environ | ONE_THREAD
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=variables) as running:
        assert running.stdin  # pipes
        assert running.stdout
        joins = [f"{Account.from_key(key).address} {number}" for number, key in enumerate(keys, start=1)]
        running.stdin.write("".join(line + "\n" for line in [settings.to_json(), *joins]))
        running.stdin.flush()
        try:
            yield running.pid, running.stdout.readline().strip()
        finally:
            running.kill()


def _play() -> tuple[dict[str, tuple[float, float]], float]:
    """Play a simulation; return (CPU, wall-clock) seconds of each stage, and the accuracy."""
    print(f"  {PLAYED} workers", file=sys.stderr, flush=True)
    logger.set_level(LogLevel.ERROR)

    class Timed(Chain):
        reading = np.zeros(2)

        def joins(self, counter: str, first: int) -> tuple[list[tuple[str, int]], int]:
            started = _clocks()
            found = super().joins(counter, first)
            self.reading = _clocks() - started
            return found

    with networks.parse_network_choice("ethereum:local:test"):
        chain = Timed()
        make_repeatable(connected_provider(), bytes(8))
        started, children = _clocks(), _cpu_of_children()
        run = learn(chain, CentralizedOptions(workers=PLAYED), lambda _done, _what: None)
        both = _clocks() - started
        learning = np.array([_cpu_of_children() - children, run.learning_seconds])
    following = np.array([0.0, run.learning_seconds])  # this process only waits for the learning to end
    stages = {JOINING: both - chain.reading - following, READING: chain.reading, LEARNING: learning}
    return {stage: (float(cpu), float(wall)) for stage, (cpu, wall) in stages.items()}, run.models[-1].accuracy


def _clocks() -> NDArray[np.float64]:
    return np.array([time.process_time(), time.monotonic()])


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
