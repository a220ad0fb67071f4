"""Embedded chains of their own, beside the one that the tests run on."""

from collections.abc import Iterator
from contextlib import contextmanager

from ape import networks

from mlchain.chain.connection import Chain


@contextmanager
def embedded_chain(seed: bytes | None = None) -> Iterator[Chain]:
    """Be connected to a new embedded chain, a repeatable one if there is a seed; whatever network the tests run on."""
    before = networks.active_provider
    networks.active_provider = networks.ethereum.local.get_provider("test", connect=True)
    try:
        chain = Chain()
        if seed is not None:
            chain.make_repeatable(seed)
        yield chain
    finally:
        networks.active_provider = before
