"""The deployment record: where the contracts are, on which chain, and with which parameters."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from eth_utils import is_address

from mlchain.errors import UserError
from mlchain.protocol.terms import MAX_SEATS, MOST_STAKE, are_durations, are_stakes
from mlchain.units import duration, ether

GAME = ("TrainingJudge", "Disputes", "VersionReferee")  # of a deployment whose referee is a contract
CONTRACTS = ("Counter", "ModelRegistry", "JobFactory", "WorkerRegistry", "Job", *GAME)
REFEREES = ("server", "contract")


@dataclass(frozen=True, slots=True)
class Parameters:
    """What is set once: money in wei, times in seconds, seats per job.

    `referee` is who decides where seats disagree; `bond` what a claim puts down where that is a contract. Raises
    UserError for what the contracts would refuse.
    """

    stake: int = 10**18
    absence_fee: int = 10**17
    min_window: int = 600
    max_round_duration: int = 7 * 24 * 3600
    min_seats: int = 3
    permissioned: bool = False
    referee: str = "server"
    bond: int = 10**17

    def __post_init__(self) -> None:
        if not are_stakes(self.stake, self.absence_fee):
            raise UserError(
                f"the absence fee, {ether(self.absence_fee)}, has to be above 0 and below the stake, "
                f"{ether(self.stake)}, and that at most {ether(MOST_STAKE)}"
            )
        if not are_durations(self.min_window, self.max_round_duration):
            raise UserError(
                f"the shortest window, {duration(self.min_window)}, has to be above 0 and at most a third of the "
                f"longest round, {duration(self.max_round_duration)}, and that below 2^32 seconds"
            )
        if not 1 <= self.min_seats <= MAX_SEATS:
            raise UserError(f"the least number of seats of a job has to be from 1 to {MAX_SEATS}, not {self.min_seats}")
        if self.referee not in REFEREES:
            raise UserError(f"the referee is {' or '.join(REFEREES)}, not {self.referee}")
        if self.bond < 1:
            raise UserError("the bond of a claim has to be above 0")

    @property
    def has_game(self) -> bool:
        """Whether claims decide where seats disagree, and not the server."""
        return self.referee == "contract"

    @property
    def contracts(self) -> tuple[str, ...]:
        """The contracts of a deployment with these parameters."""
        return tuple(name for name in CONTRACTS if self.has_game or name not in GAME)


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployed system. `genesis` is the hash of block 0, `block` the first that has a log of it."""

    chain_id: int
    genesis: str
    block: int
    server: str
    parameters: Parameters
    addresses: dict[str, str]

    @property
    def fixed(self) -> list[str]:
        """The addresses of the contracts whose logs are the history, besides those of its jobs."""
        names = ("ModelRegistry", "JobFactory", "WorkerRegistry", "Disputes")
        return [self.addresses[name] for name in names if name in self.addresses]

    def save(self, path: Path) -> None:
        """Write the record as JSON, whole or not at all."""
        make_folder(path.parent)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n")
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Deployment | None":
        """Read a record; None if there is none. Raises UserError when the file is not one."""
        if not path.exists():
            return None
        try:
            fields = json.loads(path.read_text())
            record = cls(**{**fields, "parameters": Parameters(**fields["parameters"])})
            complete = set(record.addresses) == set(record.parameters.contracts) and all(
                map(is_address, record.addresses.values())
            )
        except (OSError, ValueError, TypeError, KeyError, AttributeError, UserError) as error:
            raise UserError(f"{path} is not a deployment record: delete it or restore it") from error
        if not complete:
            raise UserError(f"{path} does not name the address of every contract: delete it or restore it")
        return record


def record_path(folder: Path, network: str) -> Path:
    """Return where in `folder` the record of a network lies, which may be named by the address of a node."""
    return folder / f"{re.sub(r'[^0-9A-Za-z.]+', '-', network)}.json"


def make_folder(folder: Path) -> None:
    """Create a folder for a record unless it is there; raises UserError when that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write a deployment record into {folder}: {error.strerror}") from error
