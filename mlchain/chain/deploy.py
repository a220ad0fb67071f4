"""Deploys the contracts, once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ape.utils import ZERO_ADDRESS
from eth_utils import keccak

from mlchain.chain.accounts import AccountAPI, signer_for
from mlchain.chain.connection import Chain
from mlchain.chain.deployment import Deployment, Parameters, make_folder
from mlchain.chain.identity import check, is_present, require_own_blocks
from mlchain.chain.receipts import Receipt
from mlchain.errors import UserError
from mlchain.protocol.hash_chain import LENGTH, HashChain


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
    made = {"Counter": counter, "ModelRegistry": models}
    referee = version_referee = ZERO_ADDRESS
    if parameters.has_game:
        judge = made["TrainingJudge"] = chain.deploy(account, "TrainingJudge")
        game = made["Disputes"] = chain.deploy(account, "Disputes", judge.address, parameters.bond)
        made["VersionReferee"] = chain.deploy(account, "VersionReferee")
        referee, version_referee = game.address, made["VersionReferee"].address
    terms = (
        parameters.stake,
        parameters.absence_fee,
        parameters.min_window,
        parameters.max_round_duration,
        parameters.min_seats,
        parameters.permissioned,
        referee,
        version_referee,
        anchor,
    )
    factory = made["JobFactory"] = chain.deploy(account, "JobFactory", models.address, terms)

    addresses = {contract: creation.address for contract, creation in made.items()}
    addresses["WorkerRegistry"] = str(chain.read("JobFactory", "REGISTRY", address=factory.address))
    addresses["Job"] = str(chain.read("JobFactory", "IMPLEMENTATION", address=factory.address))
    deployment = Deployment(chain.chain_id, chain.genesis, counter.block, str(account.address), parameters, addresses)
    check(chain, deployment)
    return Deployed(deployment, dict(made))


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
