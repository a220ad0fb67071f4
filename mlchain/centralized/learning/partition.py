"""Splits of a data set: every sample belongs to exactly one worker, and every worker has at least one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlchain.errors import require
from mlchain.training.streams import derive_key, permutation, random_words

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Split:
    """How samples are dealt out: into how many shares, and how unevenly.

    `dirichlet_alpha` is the concentration of the Dirichlet distribution that deals out the labels: the smaller, the
    fewer kinds of labels a share has. None deals them out evenly. Raises UserError for what cannot be.
    """

    shares: int
    dirichlet_alpha: float | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        require(self.shares >= 1, f"there has to be at least one share of the data, not {self.shares}")
        require(
            self.dirichlet_alpha is None or 0.01 <= self.dirichlet_alpha <= 1000,
            f"the Dirichlet alpha of the shares has to be from 0.01 to 1000, not {self.dirichlet_alpha}",
        )
        require(0 <= self.seed < 2**64, f"the seed has to be from 0 to 2^64 - 1, not {self.seed}")


def deal(split: Split, labels: NDArray[np.int64]) -> list[Indices]:
    """Return the sample numbers of every share, the same for everybody who asks; raises UserError for too few."""
    require(len(labels) >= split.shares, f"{len(labels)} samples cannot be split into {split.shares} shares")
    key = derive_key("partition", split.seed.to_bytes(8, "little"))
    if split.dirichlet_alpha is None:
        return np.array_split(permutation(key, "even", 0, len(labels)), split.shares)
    return _with_none_empty(_dirichlet(split, labels, key))


def _dirichlet(split: Split, labels: NDArray[np.int64], key: bytes) -> list[Indices]:
    """Divide the samples of every label by proportions of their own (Hsu et al. 2019, arXiv:1909.06335)."""
    words = random_words(key, "proportions", 0, 4)
    generator = np.random.Generator(np.random.PCG64(words.tolist()))
    dealt: list[list[Indices]] = [[] for _ in range(split.shares)]
    for label in np.unique(labels):
        samples = np.flatnonzero(labels == label)
        samples = samples[permutation(key, "label", int(label), len(samples))]
        proportions = generator.dirichlet(np.full(split.shares, split.dirichlet_alpha))
        ends = np.rint(np.cumsum(proportions)[:-1] * len(samples)).astype(np.int64)
        for share, piece in zip(dealt, np.split(samples, ends), strict=True):
            share.append(piece)
    return [np.concatenate(pieces) for pieces in dealt]


def _with_none_empty(shares: list[Indices]) -> list[Indices]:
    """Let every share without a sample have one of the largest share's."""
    for number, share in enumerate(shares):
        if len(share) == 0:
            largest = max(range(len(shares)), key=lambda other: len(shares[other]))
            shares[number], shares[largest] = shares[largest][-1:], shares[largest][:-1]
    return shares
