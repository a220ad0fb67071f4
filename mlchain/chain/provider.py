"""The network that Ape is connected to."""

from ape import networks
from ape_ethereum.provider import Web3Provider

from mlchain.errors import UserError


def connected_provider() -> Web3Provider:
    """Return Ape's provider of the connected network; raises UserError for one that is no Ethereum."""
    provider = networks.provider
    if not isinstance(provider, Web3Provider):
        raise UserError(f"{provider.network_choice} is no network that is asked as Ethereum is")
    return provider
