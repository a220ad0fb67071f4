"""Whether a chain has a deployment, and the code and the parameters that it should have."""

from typing import Protocol

from ape.utils import ZERO_ADDRESS

from mlchain.chain.deployment import Deployment
from mlchain.errors import UserError, require

LARGEST_CODE = 24_576  # bytes, EIP-170
BORROWED_BLOCKS = {42161: "Arbitrum One", 42170: "Arbitrum Nova", 421614: "Arbitrum Sepolia"}  # by chain id


class Readable(Protocol):
    """A chain that can be asked what is on it."""

    @property
    def network(self) -> str:
        """The network as it is named on the command line."""

    @property
    def chain_id(self) -> int:
        """The chain's id."""

    @property
    def genesis(self) -> str:
        """The hash of the first block."""

    def code_at(self, address: str) -> bytes:
        """Return the code of the contract at `address`, empty if there is none."""

    def runtime_code(self, contract: str) -> bytes:
        """Return the compiled code, with zeros where its immutable values go."""

    def read(self, contract: str, view: str, *arguments: object, address: str | None = None) -> int | str | bool:
        """Return what a view function says that returns one number, address or truth value."""


def require_same(chain: Readable, deployment: Deployment) -> None:
    """Raise UserError unless `deployment`, which was on `chain` before, still is."""
    require(is_present(chain, deployment), _gone(chain))
    check(chain, deployment)


def require_genesis(chain: Readable, deployment: Deployment) -> None:
    """Raise UserError unless `chain` begins as the one of `deployment` does, even if it has not come to that yet."""
    require(chain.genesis == deployment.genesis, _gone(chain))


def _gone(chain: Readable) -> str:
    return f"the deployment is not on {chain.network} any more: it is another chain, or was reset"


def is_present(chain: Readable, deployment: Deployment) -> bool:
    """Return whether `deployment` was made on this very chain, and not on one that was reset since."""
    same_chain = (chain.chain_id, chain.genesis) == (deployment.chain_id, deployment.genesis)
    return same_chain and all(chain.code_at(address) for address in deployment.addresses.values())


def require_own_blocks(chain_id: int) -> None:
    """Raise UserError for a chain whose contracts see the block numbers of another one.

    What is counted in blocks there, the draw and the lock of a stake, would not be what the protocol says.
    """
    name = BORROWED_BLOCKS.get(chain_id)
    require(name is None, f"{name} cannot be used: to contracts, its block numbers are those of Ethereum")


def check(chain: Readable, deployment: Deployment) -> None:
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
        ("JobFactory", "REFEREE"): addresses.get("Disputes", deployment.server),
        ("JobFactory", "VERSION_REFEREE"): addresses.get("VersionReferee", ZERO_ADDRESS),
        ("Job", "SERVER"): deployment.server,
        ("Job", "REFEREE"): addresses.get("Disputes", deployment.server),
        ("Job", "REGISTRY"): addresses["WorkerRegistry"],
    }
    if parameters.has_game:
        expected[("Disputes", "JUDGE")] = addresses["TrainingJudge"]
        expected[("Disputes", "BOND")] = parameters.bond
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
