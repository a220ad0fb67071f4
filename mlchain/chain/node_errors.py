"""A node that does not answer, or answers wrongly: no fault of this program, and likely to be temporary."""

from collections.abc import Iterator
from contextlib import contextmanager

from ape.exceptions import ApeException
from requests import RequestException
from web3.exceptions import Web3Exception

from mlchain.chain.reverts import first_line
from mlchain.errors import UserError


class NodeError(UserError):
    """The node does not answer as it should; the message is one sentence."""


@contextmanager
def node_errors() -> Iterator[None]:
    """Turn every error of a node, or of the connection to it, into NodeError."""
    try:
        yield
    except (RequestException, Web3Exception, ApeException, OSError, ValueError) as error:
        raise NodeError(f"the node does not answer as it should: {first_line(error)}") from error
