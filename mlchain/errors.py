"""What can go wrong through no fault of the code: one sentence each, fit to be shown to a person."""

from collections.abc import Iterable


class UserError(Exception):
    """Bad input or a bad environment; the message is one clear sentence."""


def require(condition: bool, sentence: str) -> None:
    """Raise UserError with that sentence unless the condition holds."""
    if not condition:
        raise UserError(sentence)


def require_known(what: str, name: str, known: Iterable[str]) -> None:
    """Raise UserError unless `name` is one of the known names of `what`."""
    names = list(known)
    require(name in names, f"unknown {what} {name!r}: choose one of {', '.join(names)}")


class TransactionFailed(UserError):
    """The chain refused a transaction; the message names the transaction and the contract's reason.

    `fee` is what it cost nevertheless, in wei.
    """

    def __init__(self, sentence: str, fee: int = 0) -> None:
        super().__init__(sentence)
        self.fee = fee
