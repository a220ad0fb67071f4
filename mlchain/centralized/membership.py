"""Joining a `Counter`, and reading from its events who has."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from eth_utils.address import is_address, to_checksum_address

from mlchain.chain.accounts import AccountAPI
from mlchain.chain.connection import Chain
from mlchain.chain.deployment import Deployment, record_path
from mlchain.chain.discovery import require_shared
from mlchain.chain.node_errors import NodeError, node_errors
from mlchain.errors import UserError
from mlchain.protocol.calls import Call

POLL_INTERVAL = 1.0  # seconds


def find_counter(chain: Chain, named: str | None, folder: Path) -> tuple[str, int]:
    """Return the address of the counter and the first block that can have an event of it.

    It is the one named, or that of the deployment record in `folder`. Raises UserError when it is not on this chain.
    """
    require_shared(chain)
    address, first = (named, 0) if named else _recorded(chain, folder)
    if not is_address(address) or not chain.code_at(to_checksum_address(address)):
        raise UserError(f"there is no contract at {address} on {chain.network}")
    return to_checksum_address(address), first


def _recorded(chain: Chain, folder: Path) -> tuple[str, int]:
    path = record_path(folder, chain.network)
    record = Deployment.load(path)
    if record is None:
        raise UserError(f"there is no {path}: name the counter with --counter, or deploy one with `ape run deploy`")
    return record.addresses["Counter"], record.block


def join(chain: Chain, account: AccountAPI, counter: str) -> tuple[int, bool]:
    """Join from `account`, unless it has before; return its number and whether it has joined just now."""
    number = _number_of(chain, account.address, counter)
    if number:
        return number, False
    chain.send(account, Call("Counter", "increment", address=counter))
    return _number_of(chain, account.address, counter), True


def _number_of(chain: Chain, member: str, counter: str) -> int:
    """Return the number that a member joined as, 0 before it has."""
    number = chain.read("Counter", "numberOf", member, address=counter)
    assert isinstance(number, int)
    return number


def watch_joins(chain: Chain, counter: str, first: int, on_join: Callable[[str, int], None]) -> None:
    """Report everybody who joins from block `first` on, for ever; a node that does not answer is asked again."""
    while True:
        try:
            with node_errors():
                joined, first = chain.joins(counter, first)
        except NodeError as error:
            print(error, file=sys.stderr)
        else:
            for address, number in joined:
                on_join(address, number)
        time.sleep(POLL_INTERVAL)
