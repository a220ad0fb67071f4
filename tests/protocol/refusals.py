"""What a contract says to a call that it refuses."""

from collections.abc import Callable

from ape import project
from ape.exceptions import ContractLogicError, CustomError

from mlchain.chain.deployment import CONTRACTS
from tests.contracts.chain_control import _data_of, _selector, rollback

NAMES = {_selector(abi): abi.name for name in CONTRACTS for abi in project.get_contract(name).contract_type.errors}


def refusal_of(send: Callable[[], object]) -> str | None:
    """Return the name of the error with which a transaction is refused, None if it is not; undo it."""
    with rollback():
        try:
            send()
        except CustomError as failure:
            return failure.abi.name
        except ContractLogicError as failure:  # of a contract further down
            return NAMES[_data_of(str(failure))[:4]]
    return None
