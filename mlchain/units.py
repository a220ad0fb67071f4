"""Money, times and sizes as people write them: `1 ether`, `10m`, `2 GiB`; inside: wei, seconds and bytes."""

import re
from fractions import Fraction

import click

from mlchain.protocol.rounds import ETHER
from mlchain.protocol.terms import MOST_SECONDS, MOST_WEI

GWEI = 10**9
MONEY = {"wei": 1, "gwei": GWEI, "ether": ETHER, "eth": ETHER}  # in wei
TIMES = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}  # in seconds
SIZES = {"b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}  # in bytes
NUMBER = r"[0-9][0-9_]{0,199}(?:\.[0-9]{1,80})?|\.[0-9]{1,80}"


def ether(wei: int) -> str:
    """Return an amount exactly: in ether or, where that would be long, in gwei or wei."""
    if abs(wei) >= ETHER // 1_000 or wei % (ETHER // 10**6) == 0:
        return f"{_decimal(wei, 18)} ether"
    return f"{_decimal(wei, 9)} gwei" if abs(wei) >= GWEI else f"{wei} wei"


def duration(seconds: int) -> str:
    """Return a time exactly, in the largest unit that it is a whole number of; days only from two on."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % TIMES[unit] == 0 and (unit != "d" or seconds > TIMES["d"]):
            return f"{seconds // TIMES[unit]}{unit}"
    return f"{seconds}s"


def wei_of(text: str) -> int | None:
    """Return the wei of an amount such as `0.01 ether`, `5 gwei` or plain wei; None if it is no whole number of wei."""
    wei = _measured(text, MONEY, "wei")
    return None if wei is None or wei.denominator != 1 else int(wei)


def seconds_of(text: str) -> Fraction | None:
    """Return the seconds of a time such as `90s`, `10m`, `24h`, `7d` or plain seconds; None if it is none."""
    return _measured(text, TIMES, "s")


def size_text(size: int) -> str:
    """Return a number of bytes to read, rounded to a tenth of a unit."""
    unit = next((unit for unit in ("TiB", "GiB", "MiB", "KiB") if size >= SIZES[unit.lower()]), "B")
    return f"{size / SIZES[unit.lower()]:,.1f}".removesuffix(".0") + f" {unit}"


def _measured(text: str, units: dict[str, int], plain: str) -> Fraction | None:
    match = re.fullmatch(rf"({NUMBER})\s*([a-z]*)", text.strip().lower())
    unit = units.get(match[2] or plain) if match else None
    return Fraction(match[1].replace("_", "")) * unit if match and unit else None


def _decimal(number: int, decimals: int) -> str:
    whole, rest = divmod(abs(number), 10**decimals)
    digits = f"{rest:0{decimals}}".rstrip("0")
    return f"{'-' if number < 0 else ''}{whole}{'.' if digits else ''}{digits}"


class Amount(click.ParamType):
    """An option that takes money and gives wei."""

    name = "amount"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the wei that a person has written; anything else ends the command with a sentence."""
        wei = value if isinstance(value, int) else wei_of(value)
        if wei is None:
            self.fail(f"{value!r} is not an amount: write 1 ether, 0.01 ether, 5 gwei or plain wei", param, ctx)
        if wei > MOST_WEI:
            self.fail(f"{value!r} is more than the contracts can hold, which is {ether(MOST_WEI)}", param, ctx)
        return wei


class Duration(click.ParamType):
    """An option that takes a time and gives seconds; those of the chain are whole."""

    name = "time"

    def __init__(self, is_whole: bool = True) -> None:
        self._is_whole = is_whole

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds that a person has written; anything else ends the command with a sentence."""
        seconds = seconds_of(value) if isinstance(value, str) else Fraction(value)
        if seconds is None or (self._is_whole and seconds.denominator != 1):
            self.fail(f"{value!r} is not a time: write 90s, 10m, 24h, 7d or plain seconds", param, ctx)
        if seconds > MOST_SECONDS:
            self.fail(f"{value!r} is more than {MOST_SECONDS} seconds", param, ctx)
        return int(seconds) if self._is_whole else float(seconds)


class Size(click.ParamType):
    """An option that takes a size in memory and gives bytes."""

    name = "size"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the bytes that a person has written; anything else ends the command with a sentence."""
        size = value if isinstance(value, int) else _measured(value, SIZES, "b")
        if size is None or not 1 <= size < 2**63:
            self.fail(f"{value!r} is not a size: write 2 GiB, 512 MiB or plain bytes", param, ctx)
        return int(size)
