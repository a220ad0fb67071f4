"""What a test does to the chain itself: undo, move the clock, expect an error."""

import re
from ast import literal_eval
from collections.abc import Iterator
from contextlib import contextmanager

import ape
from ape import chain
from ape.exceptions import CustomError
from eth_utils import keccak


@contextmanager
def rollback() -> Iterator[None]:
    """Undo on the chain what happens inside; exceptions pass through, which `chain.isolate` swallows.

    Goes past `chain.snapshot()`: that one knows a snapshot by its head block, so that of two of one block, one in the
    other, only the inner one would be gone back to.
    """
    provider = chain.provider
    snapshot = provider.snapshot()
    try:
        yield
    finally:
        provider.restore(snapshot)
        chain.history.revert_to_block(chain.blocks.height)


@contextmanager
def reverts(error, **values) -> Iterator[None]:
    """Expect exactly this custom error, with exactly these values, from whichever contract it comes.

    `ape.reverts` passes as well on a revert without data, on a misspelled value and on one that is left out.
    """
    with reverts_as(error) as inputs:
        yield
    assert inputs == {name: getattr(value, "address", value) for name, value in values.items()}


@contextmanager
def reverts_as(error) -> Iterator[dict]:
    """Expect this custom error, whatever its values, which are in what is yielded once it has come."""
    found = {}
    with ape.reverts() as revert:  # noqa: TID251
        yield found
    selector, inputs = _error_of(revert.value, error.abi)
    assert selector == selector_of(error.abi), f"expected {error.abi.signature}, got {revert.value}"
    found.update(inputs)


def _error_of(failure, abi) -> tuple[bytes, dict]:
    if isinstance(failure, CustomError):
        return selector_of(failure.abi), failure.inputs
    # The error of a contract further down: Ape leaves its data undecoded.
    data = revert_data(str(failure))
    if data[:4] != selector_of(abi):
        return data[:4], {}
    return data[:4], chain.provider.network.ecosystem.decode_calldata(abi, data[4:])


def revert_data(message: str) -> bytes:
    if message.startswith("0x"):
        return bytes.fromhex(message[2:])
    if message.startswith('b"'):  # data that contains an apostrophe
        return literal_eval(message)
    if match := re.match("custom error 0x(.{8}): (.*)", message, re.DOTALL):  # a view on Anvil
        return bytes.fromhex(match[1]) + match[2].encode()
    return b""


def selector_of(abi) -> bytes:
    return keccak(text=abi.selector)[:4]


def time_of_next_block(timestamp: int) -> None:
    """Give the next transaction exactly this time. The embedded chain mines an empty block before it."""
    chain.pending_timestamp = timestamp


def move_to(timestamp: int) -> None:
    """Mine a block at this time, which is then the time that views see."""
    chain.mine(timestamp=timestamp)


def now() -> int:
    """Return the time that views see."""
    return chain.blocks.head.timestamp
