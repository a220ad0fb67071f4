"""How a node is asked over HTTP: its answer has to come soon, and to be one."""

from json import JSONDecodeError
from typing import Any

import requests
from ape_ethereum import provider
from web3 import HTTPProvider
from web3.exceptions import BadResponseFormat
from web3.providers.rpc.utils import ExceptionRetryConfiguration
from web3.types import RPCEndpoint, RPCResponse

CONNECTING = 5.0  # seconds until a connection has to be there
ANSWERING = 20.0  # seconds that a node may say nothing for


class PromptProvider(HTTPProvider):
    """Asks a node, but does not wait half an hour for an answer and ask five times as Ape and web3 would.

    Raises BadResponseFormat for an answer that is none, such as a web page.
    """

    def __init__(self, **arguments: Any) -> None:
        errors = (requests.ConnectionError, requests.HTTPError)
        super().__init__(**arguments, exception_retry_configuration=ExceptionRetryConfiguration(errors=errors))

    def get_request_kwargs(self) -> dict[str, Any]:
        """Return how a request is made."""
        return {**super().get_request_kwargs(), "timeout": (CONNECTING, ANSWERING)}

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Return the answer to a request, be it a result or an error."""
        try:
            response = super().make_request(method, params)
        except (JSONDecodeError, UnicodeDecodeError) as error:
            raise BadResponseFormat(f"the answer to {method} is not JSON") from error
        if not isinstance(response, dict) or "jsonrpc" not in response:
            raise BadResponseFormat(f"the answer to {method} is not JSON-RPC")
        return response


def ask_promptly() -> None:
    """Let Ape ask every node that it connects to from now on in this way; it has no setting for it."""
    provider.HTTPProvider = PromptProvider
