"""The chain that Ape is connected to, and others that take its place for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from ape import networks
from ape.api import ProviderAPI, ReceiptAPI
from ape_ethereum.provider import Web3Provider
from ape_ethereum.trace import Trace
from web3 import Web3
from web3.middleware import ExtraDataToPOAMiddleware

from mlchain.errors import UserError

EMBEDDED = "test"  # Ape's name for the provider of a chain in memory


def connected_provider() -> Web3Provider:
    """Return Ape's provider of the connected network; raises UserError for one that is not asked as Ethereum is."""
    provider = networks.provider
    if not isinstance(provider, Web3Provider):
        raise UserError(f"{provider.network_choice} does not speak Ethereum's JSON-RPC")
    _accept_long_extra_data(provider.web3)
    if provider.name == EMBEDDED and not provider.web3.eth.default_account:
        # Who calls where nobody is named: else web3 looks it up for each call, and all other accounts with it.
        provider.web3.eth.default_account = provider.web3.eth.accounts[0]
    leave_out_traces()
    return provider


@contextmanager
def connected_to(provider: ProviderAPI) -> Iterator[None]:
    """Be connected to the chain of `provider` for a while, and to the one before it afterwards."""
    before = networks.active_provider
    networks.active_provider = provider
    try:
        yield
    finally:
        networks.active_provider = before


@contextmanager
def connected_to_new_embedded_chain() -> Iterator[None]:
    """Be connected to a chain in memory of its own for a while."""
    provider = networks.ethereum.local.get_provider(EMBEDDED)  # with `connect=True` it could be one that is in use
    provider.connect()
    with connected_to(provider):
        yield


def leave_out_traces() -> None:
    """Keep Ape from having transactions traced: each for what contracts print, ours nothing, and the refused to print.

    A node may not serve traces, and on the embedded chain they take as long as the transaction. To print one, Ape reads
    the key files of all accounts, and fails over a damaged one that has no part in it. It has no option.
    """
    ReceiptAPI.show_debug_logs = _show_nothing
    Trace.show = _show_nothing  # type: ignore[method-assign]


def _show_nothing(*_arguments: object, **_options: object) -> None:
    pass


def _accept_long_extra_data(web3: Web3) -> None:
    """Read headers of proof-of-authority chains, whose `extraData` is longer than 32 bytes; Ape does not do it."""
    if ExtraDataToPOAMiddleware not in web3.middleware_onion:
        web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
