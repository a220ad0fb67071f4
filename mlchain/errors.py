"""What can go wrong through no fault of the code: one sentence each, fit to be shown to a person."""


class UserError(Exception):
    """Bad input or a bad environment; the message is one clear sentence."""


class TransactionFailed(UserError):
    """The chain refused a transaction; the message names the transaction and the contract's reason.

    `fee` is what it cost nevertheless, in wei.
    """

    def __init__(self, sentence: str, fee: int = 0) -> None:
        super().__init__(sentence)
        self.fee = fee
