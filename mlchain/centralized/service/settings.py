"""What a learning server is set to do: public, and the same for as long as it runs."""

import json
from dataclasses import asdict, dataclass
from typing import TypedDict

from typing_extensions import Unpack

from mlchain.centralized.learning.aggregation import rule_named
from mlchain.centralized.learning.partition import Split
from mlchain.centralized.learning.plan import FederationPlan
from mlchain.centralized.service.signing import Place
from mlchain.errors import UserError
from mlchain.tasks.choices import Subject, prepare


@dataclass(frozen=True, slots=True)
class Settings:
    """Where workers join, what is learned, how the data is dealt out, how learning goes, how updates are combined.

    `evil` is how many evil updates the rule shall stand up to. Raises UserError for what does not go together.
    """

    place: Place
    recipe: bytes
    split: Split
    plan: FederationPlan
    rule: str = "average"
    evil: int = 0

    def __post_init__(self) -> None:
        if self.split.shares != self.plan.shares:
            raise UserError(f"data in {self.split.shares} shares cannot be learned in {self.plan.shares}")
        rule_named(self.rule, self.evil, self.plan.quorum)

    def to_json(self) -> str:
        """Return the settings as they are published and kept."""
        return json.dumps(asdict(self) | {"recipe": self.recipe.hex()}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Settings":
        """Read published settings; raises UserError for a text that is none."""
        try:
            fields = json.loads(text)
            return cls(
                Place(**fields["place"]),
                bytes.fromhex(fields["recipe"]),
                Split(**fields["split"]),
                FederationPlan(**fields["plan"]),
                fields["rule"],
                fields["evil"],
            )
        except (ValueError, TypeError, KeyError) as error:
            raise UserError("this is no learning server: its plan cannot be read") from error


class SettingsChoices(TypedDict):
    """The names and numbers that a person chooses; a quorum of None is the least majority of the shares."""

    subject: Subject
    rounds: int
    shares: int
    quorum: int | None
    rule: str
    evil: int
    dirichlet_alpha: float | None
    seed: int
    timeout: float
    asynchronous: bool
    max_staleness: int


def settings_from(place: Place, **chosen: Unpack[SettingsChoices]) -> Settings:
    """Return the settings that names and numbers stand for; raises UserError where they stand for none."""
    shares, quorum = chosen["shares"], chosen["quorum"]
    split = Split(shares, chosen["dirichlet_alpha"], chosen["seed"])
    quorum = shares // 2 + 1 if quorum is None else quorum
    plan = FederationPlan(
        chosen["rounds"], shares, quorum, chosen["timeout"], chosen["asynchronous"], chosen["max_staleness"]
    )
    recipe = prepare(chosen["subject"]).recipe.to_bytes()
    return Settings(place, recipe, split, plan, chosen["rule"], chosen["evil"])
