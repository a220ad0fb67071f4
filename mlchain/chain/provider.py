"""The network that Ape is connected to."""

from ape import networks
from ape_ethereum.provider import Web3Provider
from web3 import Web3
from web3.middleware import ExtraDataToPOAMiddleware

from mlchain.errors import UserError


def connected_provider() -> Web3Provider:
    """Return Ape's provider of the connected network; raises UserError for one that is not asked as Ethereum is."""
    provider = networks.provider
    if not isinstance(provider, Web3Provider):
        raise UserError(f"{provider.network_choice} does not speak Ethereum's JSON-RPC")
    _accept_long_extra_data(provider.web3)
    return provider


def _accept_long_extra_data(web3: Web3) -> None:
    """Read headers of proof-of-authority chains, whose `extraData` is longer than 32 bytes; Ape does not do it."""
    if ExtraDataToPOAMiddleware not in web3.middleware_onion:
        web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
