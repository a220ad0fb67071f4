"""A learning server that announces models which nobody has trained: the program of `ape run server`, with its options.

It is for tests only.
"""

from mlchain.actors.server import LearningServer
from mlchain.protocol.ledger import Ledger
from scripts.server import cli

right = LearningServer._next_model


def forged(server: LearningServer, ledger: Ledger) -> bytes:
    """Return the next model with another last weight."""
    return right(server, ledger)[:-1] + b"\x7f"


if __name__ == "__main__":
    LearningServer._next_model = forged  # type: ignore[method-assign]
    cli()
