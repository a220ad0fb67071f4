"""The deployment record: where the contracts are, on which chain, with which parameters."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from mlchain.errors import UserError


@dataclass(frozen=True, slots=True)
class Parameters:
    """What is set once, in the order of `JobFactory.Parameters`: money in wei, times in seconds."""

    stake: int = 10**18
    absence_fee: int = 10**17
    shortest_window: int = 600
    longest_round: int = 7 * 24 * 3600
    permissioned: bool = False


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployed system. `genesis` is the hash of block 0, `block` the first that has a log of it."""

    chain_id: int
    genesis: str
    block: int
    server: str
    parameters: Parameters
    addresses: dict[str, str]

    def save(self, path: Path) -> None:
        """Write the record as JSON, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
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
            return cls(**{**fields, "parameters": Parameters(**fields["parameters"])})
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(f"{path} is not a deployment record: delete it or restore it") from error
