"""An Anvil of its own, beside the chain that the tests run on."""

from collections.abc import Iterator
from contextlib import contextmanager

from ape import networks

from mlchain.chain.connection import Chain


@contextmanager
def anvil() -> Iterator[object]:
    """Start a node, yield its provider, and end it. Nobody is connected to it yet: see `connected`."""
    provider = networks.ethereum.local.get_provider("foundry")
    provider.connect()
    try:
        yield provider
    finally:
        provider.disconnect()


@contextmanager
def connected(provider: object) -> Iterator[Chain]:
    """Be connected to a node for no longer than a test or the making of a fixture.

    Around it the chain that the tests run on is rolled back, and has to be the connected one again.
    """
    before = networks.active_provider
    networks.active_provider = provider
    try:
        yield Chain()
    finally:
        networks.active_provider = before
