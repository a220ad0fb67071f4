"""An Anvil of its own, beside the chain that the tests run on."""

from collections.abc import Iterator
from contextlib import contextmanager

from ape import networks
from ape.api import ProviderAPI

from mlchain.chain.connection import Chain
from mlchain.chain.provider import connected_to


@contextmanager
def anvil() -> Iterator[ProviderAPI]:
    """Start a node, yield its provider, and end it. Nobody is connected to it yet: see `connected`."""
    provider = networks.ethereum.local.get_provider("foundry")
    provider.connect()
    try:
        yield provider
    finally:
        provider.disconnect()


@contextmanager
def connected(provider: ProviderAPI) -> Iterator[Chain]:
    """Be connected to a node for no longer than a test or the making of a fixture.

    Around it the chain that the tests run on is rolled back, and has to be the connected one again.
    """
    with connected_to(provider):
        yield Chain()
