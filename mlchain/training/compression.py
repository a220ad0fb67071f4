"""Changes in a few bits a weight: what is left after an estimate, in units of a scale that each layer has.

A code of b bits is an integer in -(2**(b-1) - 1) .. 2**(b-1) - 1; one of a single bit is -1 or 1. The scale is the one
with the least squared error: among the powers of two, or for signs, where it is known, the mean magnitude (Bernstein
et al. 2018, arXiv:1802.04434). The estimate is the last step of the model, which everybody knows: so what one round
loses the next one makes up for, and no worker has to remember anything (Richtárik et al. 2021, arXiv:2106.05203).
"""

import numpy as np
from numpy.typing import NDArray

from mlchain.training.exact import Integers, shift_round

GREATEST_SHIFT = 15
Codes = NDArray[np.int8]


def quantise(values: Integers, bits: int) -> tuple[Codes, int]:
    """Return the codes and the scale that come closest to values of less than 2**18.

    Where nothing is left the scale is 0, and so are all codes, or 1 if they are signs.
    """
    codes, scale = _signs(values) if bits == 1 else _steps(values, 2 ** (bits - 1) - 1)
    if scale == 0 or not codes.any():
        return np.full(values.shape, bits == 1, dtype=np.int8), 0
    return codes.astype(np.int8), scale


def restore(codes: Codes, scale: int) -> Integers:
    """Return what codes and scale stand for."""
    return codes.astype(np.int64) * scale


def _signs(values: Integers) -> tuple[Integers, int]:
    mean = (2 * int(np.abs(values).sum()) + values.size) // (2 * values.size)
    return np.where(values < 0, -1, 1), min(mean, 1 << GREATEST_SHIFT)


def _steps(values: Integers, greatest: int) -> tuple[Integers, int]:
    """Try the powers of two up to the first whose codes reach all values; of two equally good ones take the less."""
    least, best, scale = 1 << 62, values, 0
    reach = int(np.abs(values).max())
    for shift in range(GREATEST_SHIFT + 1):
        codes = np.clip(shift_round(values, shift), -greatest, greatest)
        error = int(((codes << shift) - values).__pow__(2).sum())  # below 2**62: at most 2**21 values, see `Recipe`
        if error < least:
            least, best, scale = error, codes, 1 << shift
        if greatest << shift >= reach:
            break
    return best, scale


def pack(codes: Codes, bits: int) -> bytes:
    """Return codes as bytes, the first in the lowest bits, in two's complement or, of one bit, 1 for -1."""
    per_byte = 8 // bits
    fields = np.zeros(-(-codes.size // per_byte) * per_byte, dtype=np.uint8)
    fields[: codes.size] = codes < 0 if bits == 1 else codes.view(np.uint8) & (2**bits - 1)
    packed: NDArray[np.uint8] = (fields.reshape(-1, per_byte) << _places(bits)).sum(axis=1, dtype=np.uint8)
    return packed.tobytes()


def unpack(data: bytes, bits: int, count: int) -> Codes:
    """Return so many codes; any bytes have some, also such as `quantise` never returns."""
    fields = (np.frombuffer(data, dtype=np.uint8)[:, np.newaxis] >> _places(bits) & (2**bits - 1)).ravel()
    fields = fields[:count].astype(np.int16)
    if bits == 1:
        signs: Codes = (1 - 2 * fields).astype(np.int8)
        return signs
    half = 2 ** (bits - 1)
    return np.where(fields >= half, fields - 2 * half, fields).astype(np.int8)


def _places(bits: int) -> NDArray[np.uint8]:
    return np.arange(0, 8, bits, dtype=np.uint8)
