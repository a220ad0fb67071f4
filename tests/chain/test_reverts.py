"""A refusal is one sentence whatever the chain has to say."""

import pytest
from ape.exceptions import ApeException, ContractLogicError

from mlchain.chain.reverts import reverts_named
from mlchain.errors import TransactionFailed


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ContractLogicError("out of gas\nand more"), "the chain refused the step: out of gas"),
        (ContractLogicError("0x12345678"), "the chain refused the step: 0x12345678"),
        (ApeException("no connection\nand more"), "the step could not be sent: no connection"),
        (ApeException(""), "the step could not be sent: ApeException"),
    ],
)
def test_a_refusal_without_an_error_of_ours_is_told_by_its_first_line(error, sentence):
    with pytest.raises(TransactionFailed) as refusal, reverts_named("the step"):
        raise error

    assert str(refusal.value) == sentence
