"""A node that is asked over HTTP, whose answers have to come soon, and to be answers."""

from json import JSONDecodeError
from typing import Any

import requests
from ape.api import ProviderAPI
from ape_ethereum.provider import EthereumNodeProvider
from ape_node.provider import GethDev, Node
from web3 import HTTPProvider, Web3
from web3.exceptions import BadResponseFormat
from web3.providers.rpc.utils import ExceptionRetryConfiguration
from web3.types import RPCEndpoint, RPCResponse

from mlchain.http import session_for

CONNECT_TIMEOUT = 5.0  # seconds
ANSWER_TIMEOUT = 20.0  # seconds that a node may say nothing for


class PromptHTTP(HTTPProvider):
    """Asks a node, but does not wait half an hour for an answer and ask five times as Ape and web3 would.

    Raises BadResponseFormat for an answer that is none, such as a web page.
    """

    def __init__(self, uri: str, headers: dict[str, str]) -> None:
        retries = ExceptionRetryConfiguration(errors=(requests.ConnectionError, requests.HTTPError))
        session = session_for(uri)
        session.hooks["response"].append(self._count)
        self.traffic = (0, 0)  # requests, and the bytes of them and of the answers
        super().__init__(uri, {"headers": headers}, session, exception_retry_configuration=retries)

    def _count(self, response: requests.Response, *_given: object, **_more: object) -> None:
        known, size = self.traffic
        self.traffic = (known + 1, size + len(response.request.body or b"") + len(response.content))

    def get_request_kwargs(self) -> dict[str, Any]:
        """Return how a request is made."""
        return {**super().get_request_kwargs(), "timeout": (CONNECT_TIMEOUT, ANSWER_TIMEOUT)}

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Return the answer to a request, be it a result or an error."""
        try:
            response = super().make_request(method, params)
        except (JSONDecodeError, UnicodeDecodeError) as error:
            raise BadResponseFormat(f"the answer to {method} is not JSON") from error
        if not isinstance(response, dict) or "jsonrpc" not in response:
            raise BadResponseFormat(f"the answer to {method} is not JSON-RPC")
        return response

    def make_batch_request(self, requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse] | RPCResponse:
        """Return the answers to many requests, in their order; a single error where the node takes no batches."""
        try:
            return super().make_batch_request(requests)
        except (JSONDecodeError, UnicodeDecodeError, AttributeError, TypeError) as error:
            raise BadResponseFormat("the answer to a batch is not JSON-RPC") from error


class _AskedPromptly(EthereumNodeProvider):
    """A provider of Ape's that asks by `PromptHTTP`, from the first question on that connecting to it takes."""

    def _set_web3(self) -> None:
        """Ape's own providers override this, too, to say how they are asked: there is no setting for it."""
        is_local_socket = self.ipc_path is not None and self.ipc_path.exists()  # which Ape would take first
        uri = None if is_local_socket else self.http_uri
        if uri is None:
            super()._set_web3()  # type: ignore[no-untyped-call]  # Ape's
            return
        network = self.network
        headers = self.network_manager.get_request_headers(network.ecosystem.name, network.name, self.name)
        self._web3 = Web3(PromptHTTP(uri, headers), middleware=[])
        self._client_version = None  # of the node that was asked before


class PromptNode(_AskedPromptly, Node):
    """A node of a live network."""


class PromptDevelopmentNode(_AskedPromptly, GethDev):
    """A node of the local network that is named by its address."""


PROMPT: dict[type[ProviderAPI], type[_AskedPromptly]] = {Node: PromptNode, GethDev: PromptDevelopmentNode}


def promptly(provider: ProviderAPI) -> ProviderAPI:
    """Return a provider for the same node, not connected yet, that asks it promptly; others are returned as they are.

    Anvil, which Ape starts and stops itself, and the embedded chain need no patience.
    """
    asked = PROMPT.get(type(provider))
    if asked is None:
        return provider
    return asked(name=provider.name, network=provider.network, provider_settings=provider.provider_settings)
