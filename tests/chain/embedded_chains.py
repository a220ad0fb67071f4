"""Embedded chains of their own, beside the one that the tests run on."""

from collections.abc import Iterator
from contextlib import contextmanager

from ape import networks

from mlchain.chain.connection import Chain


@contextmanager
def embedded_chain(seed: bytes) -> Iterator[Chain]:
    """Be connected to a new repeatable chain, whatever network the tests run on."""
    before = networks.active_provider
    provider = networks.ethereum.local.get_provider("test")  # with `connect=True` it would be the one of the tests
    provider.connect()
    networks.active_provider = provider
    try:
        chain = Chain()
        chain.make_repeatable(seed)
        yield chain
    finally:
        networks.active_provider = before
