"""What a contract says to a call that it refuses."""

from collections.abc import Callable

from ape import project
from ape.exceptions import ContractLogicError, CustomError

from mlchain.chain.deployment import CONTRACTS
from tests.contracts.chain_control import revert_data, rollback, selector_of

NAMES = {selector_of(abi): abi.name for name in CONTRACTS for abi in project.get_contract(name).contract_type.errors}


def refusal_of(send: Callable[[], object]) -> str | None:
    """Return the name of the error with which a transaction is refused, None if it is not; undo it."""
    with rollback():
        try:
            send()
        except CustomError as failure:
            return failure.abi.name
        except ContractLogicError as failure:  # of a contract further down
            return NAMES[revert_data(str(failure))[:4]]
    return None
