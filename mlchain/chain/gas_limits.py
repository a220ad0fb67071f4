"""What gas a transaction of a live program may take and what it offers for it.

It may take its bound, for others may make it dearer than its estimate.
"""

from ape.api import TransactionAPI
from ape_ethereum.provider import Web3Provider
from eth_utils import to_checksum_address
from web3.types import TxParams, Wei

from mlchain.chain.questions import REFUSALS
from mlchain.chain.reverts import refusal_of
from mlchain.errors import TransactionFailed
from mlchain.protocol.calls import Call
from mlchain.protocol.gas import gas_bound
from mlchain.protocol.rounds import Job

ROOM = 1.2  # on an estimate that is beyond the bound: gas has other prices here, or a contract is paid


def gas_limit(
    provider: Web3Provider, call: Call, sender: str, receiver: str, data: bytes, job: Job | None, after: bool = False
) -> int:
    """Return a limit for the gas of a call to `receiver`, which is `job` if it is one.

    It may come `after` a transaction that it needs, and that is in no block yet. Raises TransactionFailed, with the
    reason, if the contract would refuse it now.
    """
    fields: TxParams = {
        "from": to_checksum_address(sender),
        "to": to_checksum_address(receiver),
        "value": Wei(call.value),
        "data": data,
    }
    estimate = _estimate(provider, call.kind, fields, after)
    bound = gas_bound(call, data, job) or 0
    return bound if estimate <= bound else int(estimate * ROOM)


def raise_price(transaction: TransactionAPI, factor: float, cap: int | None = None) -> None:
    """Multiply what a transaction offers for its gas: of two with the same number nodes keep the dearer one.

    A tip has to rise, too, be it from nothing. Where all gas is free nothing may be offered for it. No offer exceeds
    `cap` wei for a unit of gas, None for any: Ape offers more than gas costs now, in case the next block is dearer.
    """
    offers = {price: getattr(transaction, price, None) for price in ("gas_price", "max_fee", "max_priority_fee")}
    is_free = not any(offers.values())
    for price, offered in offers.items():
        if offered is not None and not is_free:
            raised = offered if factor == 1 else int(offered * factor) + 1
            setattr(transaction, price, raised if cap is None else min(raised, cap))


def _estimate(provider: Web3Provider, kind: str, fields: TxParams, after: bool) -> int:
    """Return what a transaction would take now; Ape would print the whole trace of one that is refused.

    Many nodes try it out as if it were in their newest block, in which that block's own hash is not known yet.
    """
    refusals = []
    for is_pending in (after, not after):
        try:
            return int(provider.web3.eth.estimate_gas(fields, "pending" if is_pending else None))
        except REFUSALS as error:
            refusals.append(error)
    raise TransactionFailed(f"the chain refused {kind}: {refusal_of(refusals[0])}") from refusals[0]
