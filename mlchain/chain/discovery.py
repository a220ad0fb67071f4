"""Finding a deployment: by its record, or by the address of its factory, from which everything else follows."""

from pathlib import Path

from eth_utils import is_address, to_checksum_address
from web3.exceptions import BadFunctionCallOutput, ContractLogicError

from mlchain.chain.connection import Chain
from mlchain.chain.deployment import Deployment, Parameters, record_path
from mlchain.chain.identity import check, is_present
from mlchain.errors import UserError


def find_deployment(chain: Chain, folder: Path, factory: str | None, first_block: int) -> Deployment:
    """Return the deployment on `chain` of that factory or, if that is None, of the record in `folder`, and check it.

    Raises UserError when there is none, or when it is not what this version of the code would deploy.
    """
    require_shared(chain)
    try:
        deployment = _of_factory(chain, factory, first_block) if factory else _recorded(chain, folder)
    except (BadFunctionCallOutput, ContractLogicError) as error:
        raise UserError(f"the contract at {factory} on {chain.network} is no JobFactory") from error
    check(chain, deployment)
    return deployment


def require_shared(chain: Chain) -> None:
    """Raise UserError for the chain inside this process, which no other program can reach."""
    if chain.is_embedded:
        raise UserError("the embedded chain ends with this process: choose another with --network")


def _recorded(chain: Chain, folder: Path) -> Deployment:
    path = record_path(folder, chain.network)
    record = Deployment.load(path)
    if record is None:
        raise UserError(f"there is no {path}: name the factory with --address, or deploy one with `ape run deploy`")
    if not is_present(chain, record):
        raise UserError(f"the deployment of {path} is not on {chain.network}: it is another chain, or was reset")
    return record


def _of_factory(chain: Chain, factory: str, first_block: int) -> Deployment:
    if not is_address(factory) or not chain.code_at(to_checksum_address(factory)):
        raise UserError(f"there is no contract at {factory} on {chain.network}")
    factory = to_checksum_address(factory)

    def of_factory(view: str) -> str:
        return str(chain.read("JobFactory", view, address=factory))

    registry, server, referee = of_factory("REGISTRY"), of_factory("SERVER"), of_factory("REFEREE")
    game = {}
    if referee != server:
        judge = str(chain.read("Disputes", "JUDGE", address=referee))
        game = {"TrainingJudge": judge, "Disputes": referee, "VersionReferee": of_factory("VERSION_REFEREE")}
    parameters = Parameters(
        stake=int(chain.read("WorkerRegistry", "STAKE", address=registry)),
        absence_fee=int(chain.read("WorkerRegistry", "ABSENCE_FEE", address=registry)),
        min_window=int(chain.read("JobFactory", "MIN_WINDOW", address=factory)),
        max_round_duration=int(chain.read("JobFactory", "MAX_ROUND_DURATION", address=factory)),
        min_seats=int(chain.read("JobFactory", "MIN_SEATS", address=factory)),
        permissioned=bool(chain.read("WorkerRegistry", "PERMISSIONED", address=registry)),
        referee="contract" if game else "server",
        bond=int(chain.read("Disputes", "BOND", address=referee)) if game else Parameters().bond,
    )
    addresses = {
        "ModelRegistry": of_factory("MODELS"),
        "JobFactory": factory,
        "WorkerRegistry": registry,
        "Job": of_factory("IMPLEMENTATION"),
    } | game
    return Deployment(chain.chain_id, chain.genesis, first_block, server, parameters, addresses)
