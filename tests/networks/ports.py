"""Ports of this machine that nobody uses now."""

import random
import socket
from contextlib import ExitStack

HOST = "127.0.0.1"
# Below the ports that Linux (from 32,768) and others (from 49,152) give connections that go out: one of those could
# take a port here while the node that listens there is away for a while.
FIRST, LAST = 10_000, 32_767
CHANCE = random.SystemRandom()  # which nobody seeds: tests that run at once would look at the same ports


def free_ports(count: int) -> int:
    """Return the first of `count` consecutive ports that are free, and that no outgoing connection takes."""
    while True:
        first = CHANCE.randint(FIRST, LAST - count + 1)
        if all(_is_free(port) for port in range(first, first + count)):
            return first


def _is_free(port: int) -> bool:
    with ExitStack() as stack:
        probe = stack.enter_context(socket.socket())
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
