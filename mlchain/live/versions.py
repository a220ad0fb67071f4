"""The versions of a deployment's model, as a ledger knows them."""

from mlchain.errors import UserError, require
from mlchain.protocol.ledger import Ledger
from mlchain.training.layers import RecipeError
from mlchain.training.recipe import Recipe


def version_in(ledger: Ledger, number: int | None) -> tuple[Recipe, bytes, int]:
    """Return the recipe, the bytes and the number of a version of the model, the newest complete one for None.

    Nothing is returned from a refuted version on. Raises UserError if it is not on the chain, or if no round has named
    its recipe yet.
    """
    complete = [version for version in ledger.versions if version.is_complete]
    if ledger.refuted:
        refuted = ledger.refuted.version
        require(number is None or number < refuted, f"version {refuted} of the model was refuted: take an earlier one")
        complete = [version for version in complete if version.number < refuted]
    require(bool(complete), "no version of the model is on the chain yet")
    chosen = next((version for version in complete if version.number == number), None) if number else complete[-1]
    if chosen is None:
        raise UserError(f"version {number} of the model is not on the chain: 1 to {complete[-1].number} are")
    require(bool(ledger.rounds), "no round has been deployed yet, and only a round names the recipe of the model")
    by_version = {current.terms.model_version: current for current in reversed(ledger.rounds)}
    current = by_version.get(chosen.number) or by_version.get(chosen.parent) or ledger.rounds[-1]
    try:
        recipe = Recipe.from_bytes(current.task)
    except RecipeError as error:
        raise UserError(f"round {current.number} has a recipe that this version cannot read: {error}") from None
    data = chosen.data()
    require(
        len(data) == recipe.model_size, f"version {chosen.number} is not a model of round {current.number}'s recipe"
    )
    return recipe, data, chosen.number
