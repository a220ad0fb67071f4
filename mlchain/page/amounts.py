"""Values as the browser is sent them: money to read and to the wei, hashes."""

from decimal import Decimal
from typing import TypeAlias

from mlchain.units import ether

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
DECIMALS = {"ether": 6, "gwei": 3, "wei": 0}  # that are shown


def amount(wei: int) -> Json:
    """Return money as a text to read, rounded, and as wei, in digits: a number of JavaScript could not hold it."""
    number, unit = ether(wei).split()
    rounded = f"{Decimal(number):,.{DECIMALS[unit]}f}"
    text = rounded.rstrip("0").rstrip(".") if "." in rounded else rounded
    return [f"{text} {unit}", str(wei)]


def hash_text(digest: bytes) -> str:
    """Return a hash in hex."""
    return "0x" + digest.hex()
