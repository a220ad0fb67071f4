"""Softmax and its loss as powers of two, in integers.

Probabilities are in units of 2**-16, losses in units of 1/256 bit. Base 2 loses nothing: the scale of the
logits absorbs log2(e).
"""

import numpy as np

from mlchain.training.exact import Integers

PROBABILITY_BITS = 16
ONE = 1 << PROBABILITY_BITS  # the probability 1
FRACTION_BITS = 8  # logits count in 1/256 bit once they are scaled
LOSS_PER_BIT = 1 << FRACTION_BITS
WORST_LOSS = 16 * LOSS_PER_BIT  # a probability of 0 costs as much as one of 2**-16

# round(2**16 * 2**(-i/256)) for i = 0 .. 255.
# fmt: off
POWERS: Integers = np.array((
    65536, 65359, 65182, 65006, 64830, 64655, 64480, 64306,
    64132, 63958, 63785, 63613, 63441, 63269, 63098, 62928,
    62757, 62588, 62419, 62250, 62081, 61914, 61746, 61579,
    61413, 61247, 61081, 60916, 60751, 60587, 60423, 60260,
    60097, 59934, 59772, 59611, 59449, 59289, 59128, 58968,
    58809, 58650, 58491, 58333, 58176, 58018, 57861, 57705,
    57549, 57393, 57238, 57083, 56929, 56775, 56622, 56468,
    56316, 56163, 56012, 55860, 55709, 55558, 55408, 55258,
    55109, 54960, 54811, 54663, 54515, 54368, 54221, 54074,
    53928, 53782, 53637, 53492, 53347, 53203, 53059, 52916,
    52773, 52630, 52488, 52346, 52204, 52063, 51922, 51782,
    51642, 51502, 51363, 51224, 51085, 50947, 50810, 50672,
    50535, 50399, 50262, 50126, 49991, 49856, 49721, 49586,
    49452, 49319, 49185, 49052, 48920, 48787, 48655, 48524,
    48393, 48262, 48131, 48001, 47871, 47742, 47613, 47484,
    47356, 47228, 47100, 46973, 46846, 46719, 46593, 46467,
    46341, 46216, 46091, 45966, 45842, 45718, 45594, 45471,
    45348, 45225, 45103, 44981, 44859, 44738, 44617, 44497,
    44376, 44256, 44137, 44017, 43898, 43780, 43661, 43543,
    43425, 43308, 43191, 43074, 42958, 42841, 42726, 42610,
    42495, 42380, 42265, 42151, 42037, 41923, 41810, 41697,
    41584, 41472, 41360, 41248, 41136, 41025, 40914, 40804,
    40693, 40583, 40473, 40364, 40255, 40146, 40037, 39929,
    39821, 39714, 39606, 39499, 39392, 39286, 39180, 39074,
    38968, 38863, 38757, 38653, 38548, 38444, 38340, 38236,
    38133, 38030, 37927, 37824, 37722, 37620, 37518, 37417,
    37316, 37215, 37114, 37014, 36914, 36814, 36715, 36615,
    36516, 36417, 36319, 36221, 36123, 36025, 35928, 35831,
    35734, 35637, 35541, 35445, 35349, 35253, 35158, 35063,
    34968, 34874, 34779, 34685, 34591, 34498, 34405, 34312,
    34219, 34126, 34034, 33942, 33850, 33759, 33667, 33576,
    33486, 33395, 33305, 33215, 33125, 33035, 32946, 32857,
), dtype=np.int64)
# fmt: on
POWERS.setflags(write=False)

_OCTAVES = np.int64(1) << np.arange(17)  # 1, 2, 4 .. 2**16
_DESCENT = -2 * POWERS  # ascending, as searchsorted wants it
_DECAY = (POWERS >> np.arange(17)[:, np.newaxis]).ravel()  # 2**16 * 2**(-i/256), rounded down: in the end 0


def softmax(logits: Integers, scale: int) -> Integers:
    """Return probabilities in units of 2**-16, rounded down, of base-2 logits in units of 2**-scale.

    Shapes (n, classes) both, |logits| < 2**62, 8 <= scale <= 62. Every row sums to more than 2**16 - classes
    and at most to 2**16.
    """
    distance = (logits.max(axis=1, keepdims=True) - logits) >> (scale - FRACTION_BITS)
    powers = _DECAY.take(distance, mode="clip")  # what is beyond the end is 0 too
    chances: Integers = (powers << 16) // powers.sum(axis=1, keepdims=True)
    return chances


def cross_entropy(chances: Integers) -> int:
    """Return the sum of -log2(p), in units of 1/256 bit, each rounded up; at most 4096 a sample.

    `chances` are the probabilities of the labels, (n,), in 0 .. 2**16.
    """
    return int(LOSSES[chances].sum())


def _losses(chances: Integers) -> Integers:
    """Return -log2(p) of every probability: the table of powers read backwards."""
    chances = np.maximum(chances, 1)
    octave = np.searchsorted(_OCTAVES, chances, side="right") - 1
    mantissa = chances << (16 - octave)  # in 2**16 .. 2**17 - 1
    below_double = np.searchsorted(_DESCENT, -mantissa, side="left")  # steps of 1/256 octave, 1 .. 256
    return (15 - octave) * LOSS_PER_BIT + below_double


LOSSES = _losses(np.arange(ONE + 1))
