"""What the server announces before the first round: its recipe, by the function that says where data can be fetched.

The contracts keep no recipe before a round is deployed. So a recipe is announced as an address that contains it
(RFC 2397), under its own hash, which the task hash of every job will bind.
"""

from base64 import b64decode, b64encode

from eth_utils import keccak

CONTAINED = "data:application/octet-stream;base64,"


def recipe_announcement(recipe: bytes) -> tuple[bytes, str]:
    """Return the fingerprint and the address that announce a recipe."""
    return keccak(recipe), CONTAINED + b64encode(recipe).decode()


def announced_recipe(fingerprint: bytes, url: str) -> bytes | None:
    """Return the recipe that an announcement contains, None for that of a data set."""
    if not url.startswith(CONTAINED):
        return None
    try:
        recipe = b64decode(url.removeprefix(CONTAINED), validate=True)
    except ValueError:
        return None
    return recipe if keccak(recipe) == fingerprint else None
