"""The versions of the model: which round made each, what it weighs, and how good it is."""

from dataclasses import dataclass

from mlchain.live.status import recipes_of
from mlchain.page.amounts import Json, hash_text
from mlchain.protocol.ledger import Ledger, ModelVersion
from mlchain.protocol.rounds import Round
from mlchain.training.encoding import EncodingError, decode_result
from mlchain.training.layers import RecipeError
from mlchain.training.recipe import Recipe
from mlchain.training.softmax import LOSS_PER_BIT

Quality = tuple[float | None, str | None]  # accuracy in [0, 1], and why it is not known


@dataclass(frozen=True, slots=True)
class Made:
    """What a version is evaluated from: its number, its content hash, the recipe and the model."""

    number: int
    content_hash: bytes
    recipe: bytes
    model: bytes


def version_shown(
    version: ModelVersion, maker: Round | None, quality: Quality | None, loss: float | None, refuted: bool = False
) -> Json:
    """Return a version as it is shown; `loss` is that of the training it came out of, in bits a sample."""
    accuracy, note = quality or (None, None)
    return {
        "number": version.number,
        "parent": version.parent,
        "hash": hash_text(version.content_hash),
        "size": version.size,
        "published": sum(map(len, version.chunks.values())),
        "complete": version.is_complete,
        "refuted": refuted,
        "round": maker.number if maker else None,
        "jobs": len(maker.jobs) if maker else 0,
        "merged": sum(job.accepted is not None for job in maker.jobs) if maker else 0,
        "accuracy": accuracy,
        "note": note,
        "loss": loss,
    }


def maker_of(ledger: Ledger, version: ModelVersion) -> Round | None:
    """Return the round that a version says it is made of, None if it says none, or one that there is not."""
    return ledger.rounds[version.round - 1] if 1 <= version.round <= len(ledger.rounds) else None


def made(ledger: Ledger, number: int) -> Made | None:
    """Return what a version is evaluated from; None before it is complete, or before a round has named a recipe."""
    if not 1 <= number <= len(ledger.versions):
        return None
    version, recipe = ledger.versions[number - 1], recipes_of(ledger)(number)
    if recipe is None or not version.is_complete:
        return None
    return Made(number, version.content_hash, recipe, version.data())


def training_loss(maker: Round) -> float | None:
    """Return the mean loss of a round's accepted results, in bits a sample; None if they cannot be read."""
    try:
        recipe = Recipe.from_bytes(maker.task)
        losses = [decode_result(recipe, result).loss for result in maker.accepted_results()]
    except (RecipeError, EncodingError):
        return None
    samples = len(losses) * recipe.local_steps * recipe.batch
    return sum(losses) / samples / LOSS_PER_BIT if samples else None
