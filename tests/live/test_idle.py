"""A worker that has nothing to do leaves the node, the processor and the memory to others."""

import subprocess
import time

import pytest

from tests.live.testbed import LiveTestbed

MINUTES = 10


@pytest.mark.slow
def test_an_idle_worker_asks_little_and_does_not_grow(tmp_path):
    with LiveTestbed(tmp_path, {"worker0": "honest"}, rounds=1) as network:
        network.start("server")
        while "the rounds will train" not in network.programs.log("server"):
            time.sleep(1)
        network.kill("server")  # it has announced what workers join for, and deploys no round
        network.start("worker0", poll_interval=None)
        while "you joined the pool" not in network.programs.log("worker0"):
            time.sleep(1)
        time.sleep(60)
        pid = network.programs.running["worker0"].pid
        (memory, busy), asked = use_of(pid), network.proxy.requests.total()

        time.sleep(60 * MINUTES)

        (later, seconds), requests = use_of(pid), (network.proxy.requests.total() - asked) / MINUTES
        grown, seconds = later - memory, seconds - busy
        print(f"memory {memory / 2**20:.0f} MiB, {grown / 2**20:+.1f} MiB in {MINUTES} minutes; ", end="")
        print(f"{seconds / (60 * MINUTES):.1%} of a core; {requests:.0f} requests a minute: {network.proxy.requests}")
        assert requests <= 7
        assert grown < 10 * 2**20


def use_of(pid):
    """Return the memory of a process in bytes, and the seconds of a core that it has had."""
    said = subprocess.run(["ps", "-o", "rss=,cputime=", "-p", str(pid)], capture_output=True, text=True, check=True)
    memory, clock = said.stdout.split()
    hours, minutes, seconds = map(int, clock.split(":"))
    return int(memory) * 1024, 3600 * hours + 60 * minutes + seconds
