"""Embedded chains of their own, beside the one that the tests run on."""

from collections.abc import Iterator
from contextlib import contextmanager

from mlchain.chain.connection import Chain
from mlchain.chain.embedded import make_repeatable
from mlchain.chain.provider import connected_provider, connected_to_new_embedded_chain


@contextmanager
def embedded_chain(seed: bytes) -> Iterator[Chain]:
    """Be connected to a new repeatable chain, whatever network the tests run on."""
    with connected_to_new_embedded_chain():
        make_repeatable(connected_provider(), seed)
        yield Chain()
