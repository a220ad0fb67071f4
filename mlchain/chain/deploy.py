"""Deploys the contracts and checks what is deployed."""

from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path

from eth_utils import keccak

from mlchain.chain.accounts import AccountAPI, signer_for
from mlchain.chain.connection import Chain
from mlchain.chain.deployment import Deployment, Parameters, make_folder
from mlchain.chain.receipts import Receipt
from mlchain.errors import UserError, require
from mlchain.protocol.hash_chain import LENGTH, HashChain

LARGEST_CODE = 24_576  # bytes, EIP-170
BORROWED_BLOCKS = {42161: "Arbitrum One", 42170: "Arbitrum Nova", 421614: "Arbitrum Sepolia"}  # by chain id


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployment and the receipts of the transactions that made it, by contract."""

    deployment: Deployment
    receipts: dict[str, Receipt]


def deploy(chain: Chain, account: AccountAPI, parameters: Parameters, rounds: int = LENGTH) -> Deployed:
    """Create all contracts from `account`, the learning server from then on, for so many rounds at most; check them."""
    require_own_blocks(chain.chain_id)
    counter = chain.deploy(account, "Counter")
    models = chain.deploy(account, "ModelRegistry")
    anchor = _numbers(account, chain.chain_id, models.address, rounds).anchor
    factory = chain.deploy(account, "JobFactory", models.address, (*astuple(parameters), anchor))

    addresses = {"Counter": counter.address, "ModelRegistry": models.address, "JobFactory": factory.address}
    addresses["WorkerRegistry"] = str(chain.read("JobFactory", "REGISTRY", address=factory.address))
    addresses["Job"] = str(chain.read("JobFactory", "IMPLEMENTATION", address=factory.address))
    deployment = Deployment(chain.chain_id, chain.genesis, counter.block, str(account.address), parameters, addresses)
    check(chain, deployment)
    return Deployed(deployment, {"Counter": counter, "ModelRegistry": models, "JobFactory": factory})


def numbers_of(account: AccountAPI, deployment: Deployment, rounds: int = LENGTH) -> HashChain:
    """Return the random numbers that `account` has deployed the contracts with: nothing of them is stored anywhere."""
    return _numbers(account, deployment.chain_id, deployment.addresses["ModelRegistry"], rounds)


def _numbers(account: AccountAPI, chain_id: int, models: str, rounds: int) -> HashChain:
    text = f"The random numbers of the learning server of ml-on-blockchain, chain {chain_id}, models at {models}"
    return HashChain(keccak(signer_for(account)(text)), rounds)


def deploy_once(chain: Chain, account: Callable[[], AccountAPI], parameters: Parameters, path: Path) -> Deployed:
    """Deploy and write the record, or check what the record at `path` says is on this chain already.

    `account()` is asked for only when there is something to deploy. Raises UserError when what is deployed has other
    parameters or is not what it should be.
    """
    known = Deployment.load(path)
    if known and is_present(chain, known):
        if known.parameters != parameters:
            raise UserError(
                f"{path} records a deployment with other parameters: choose another folder for a second one"
            )
        check(chain, known)
        return Deployed(known, {})
    make_folder(path.parent)  # first, or the addresses of what was paid for could be lost
    deployed = deploy(chain, account(), parameters)
    deployed.deployment.save(path)
    return deployed


def is_present(chain: Chain, deployment: Deployment) -> bool:
    """Return whether `deployment` was made on this very chain, and not on one that was reset since."""
    same_chain = (chain.chain_id, chain.genesis) == (deployment.chain_id, deployment.genesis)
    return same_chain and all(chain.code_at(address) for address in deployment.addresses.values())


def require_own_blocks(chain_id: int) -> None:
    """Raise UserError for a chain whose contracts see the block numbers of another one.

    What is counted in blocks there, the draw and the lock of a stake, would not be what the protocol says.
    """
    name = BORROWED_BLOCKS.get(chain_id)
    require(name is None, f"{name} cannot be used: to contracts, its block numbers are those of Ethereum")


def check(chain: Chain, deployment: Deployment) -> None:
    """Compare code, wiring and parameters with what they should be; raises UserError at the first difference."""
    require_own_blocks(chain.chain_id)
    for contract, address in deployment.addresses.items():
        _check_code(contract, chain.code_at(address), chain.runtime_code(contract))
    parameters, addresses = deployment.parameters, deployment.addresses
    expected = {
        ("ModelRegistry", "SERVER"): deployment.server,
        ("JobFactory", "SERVER"): deployment.server,
        ("JobFactory", "MODELS"): addresses["ModelRegistry"],
        ("JobFactory", "REGISTRY"): addresses["WorkerRegistry"],
        ("JobFactory", "IMPLEMENTATION"): addresses["Job"],
        ("JobFactory", "MIN_SEATS"): parameters.min_seats,
        ("JobFactory", "MIN_WINDOW"): parameters.min_window,
        ("JobFactory", "MAX_ROUND_DURATION"): parameters.max_round_duration,
        ("WorkerRegistry", "SERVER"): deployment.server,
        ("WorkerRegistry", "FACTORY"): addresses["JobFactory"],
        ("WorkerRegistry", "STAKE"): parameters.stake,
        ("WorkerRegistry", "ABSENCE_FEE"): parameters.absence_fee,
        ("WorkerRegistry", "PERMISSIONED"): parameters.permissioned,
        ("Job", "REFEREE"): deployment.server,
        ("Job", "REGISTRY"): addresses["WorkerRegistry"],
    }
    for (contract, view), value in expected.items():
        actual = chain.read(contract, view, address=addresses[contract])
        if actual != value:
            raise UserError(f"{contract}.{view} is {actual}, not {value}: not the deployed contracts")


def _check_code(contract: str, actual: bytes, compiled: bytes) -> None:
    """Immutable values stand where the compiled code has zeros; every other byte has to be the same.

    Except for the metadata at the end, which name the sources of other contracts too: Ape does not compile a contract
    again when only these have changed.
    """
    if len(actual) > LARGEST_CODE:
        raise UserError(f"{contract} has {len(actual)} bytes of code, more than the {LARGEST_CODE} allowed")
    end = len(compiled) - 2 - int.from_bytes(compiled[-2:], "big")
    same = len(actual) == len(compiled) and all(
        one == other or other == 0 for one, other in zip(actual[:end], compiled[:end], strict=True)
    )
    if not same:
        raise UserError(f"the code of {contract} on the chain is not the one compiled here")
