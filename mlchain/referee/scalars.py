"""The arithmetic of training, one number at a time, in Python's integers: twin of `ExactArithmetic.sol`."""

import hashlib
from collections.abc import Sequence

from mlchain.training.softmax import FRACTION_BITS, LOSS_PER_BIT, POWERS, PROBABILITY_BITS

_POWERS: list[int] = POWERS.tolist()


def readers(place: int, kernel: int, stride: int, sums: int) -> range:
    """Return which sums, along one side, see a place of the padded input."""
    first = 0 if place < kernel else (place - kernel) // stride + 1
    return range(first, min(place // stride + 1, sums))


def unravel(index: int, height: int, width: int) -> tuple[int, int, int]:
    """Return the plane, the row and the column of a number in row order."""
    plane, rest = divmod(index, height * width)
    return plane, *divmod(rest, width)


def shift_round(value: int, bits: int) -> int:
    """Return a value divided by 2**bits and rounded, a half up."""
    return (value + (1 << bits >> 1)) >> bits


def clip(value: int, low: int, high: int) -> int:
    """Return the value between low and high that comes closest."""
    return low if value < low else high if value > high else value


def probability(logits: Sequence[int], shift: int, of_class: int) -> int:
    """Return a class's probability in units of 2**-16, of base-2 logits in units of 2**-shift."""
    greatest = max(logits)
    powers = []
    for logit in logits:
        distance = (greatest - logit) >> (shift - FRACTION_BITS)
        powers.append(_POWERS[distance & LOSS_PER_BIT - 1] >> (distance >> FRACTION_BITS))
    return (powers[of_class] << PROBABILITY_BITS) // sum(powers)


def loss_of(chance: int) -> int:
    """Return -log2 of a probability, 0 .. 2**16, rounded up, in units of 1/256 bit."""
    chance = max(chance, 1)
    octave = chance.bit_length() - 1
    mantissa = chance << (PROBABILITY_BITS - octave)
    low, high = 0, LOSS_PER_BIT  # twice power `low` is above the mantissa, twice power `high` is not
    while low + 1 < high:
        middle = (low + high) // 2
        if 2 * _POWERS[middle] > mantissa:
            low = middle
        else:
            high = middle
    return (PROBABILITY_BITS - 1 - octave) * LOSS_PER_BIT + high


def displacement_of(key: bytes, place: int, reach: int) -> tuple[int, int]:
    """Return by how many pixels the sample at a place is moved down and across; see `streams.displacements`."""
    words = hashlib.sha256(key + b"displacement" + (place // 8).to_bytes(4, "big")).digest()
    number = int.from_bytes(words[place % 8 * 4 :][:4], "big") % (2 * reach + 1) ** 2
    return number // (2 * reach + 1) - reach, number % (2 * reach + 1) - reach


def code_of(value: int, scale: int, bits: int) -> int:
    """Return the code of a value, as `compression.quantise` has it."""
    if bits == 1:
        return int(value < 0 and scale != 0)
    if scale == 0:
        return 0
    greatest = (1 << bits - 1) - 1
    return clip(shift_round(value, scale.bit_length() - 1), -greatest, greatest)
