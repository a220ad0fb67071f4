"""Admitting workers to a permissioned pool, and revoking that."""

from collections.abc import Iterator, Sequence

from mlchain.chain.accounts import AccountAPI
from mlchain.chain.connection import Chain
from mlchain.chain.deployment import Deployment
from mlchain.errors import require
from mlchain.protocol.calls import Call


def set_admission(
    chain: Chain, deployment: Deployment, signer: AccountAPI, workers: Sequence[str], is_admitted: bool
) -> Iterator[str]:
    """Let the workers at these addresses join, or no longer, and yield a line for each; what is so stays as it is.

    Raises UserError unless the pool is permissioned and `signer` the learning server.
    """
    server = deployment.server
    require(deployment.parameters.permissioned, "anybody may join this pool: only a --permissioned one admits workers")
    require(signer.address == server, f"{signer.address} is not the learning server here: {server} is")
    now = "admitted" if is_admitted else "not admitted"
    for worker in workers:
        if chain.read("WorkerRegistry", "isAdmitted", worker) == is_admitted:
            yield f"{worker} was {now} already"
        else:
            chain.send(signer, Call("WorkerRegistry", "setAdmission", (worker, is_admitted)))
            yield f"{worker} is {now} {'now' if is_admitted else 'any more'}"
