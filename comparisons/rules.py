"""Compares the aggregation rules with Flower's on random updates, in the environment that `flower.py` describes.

PYTHONPATH=. flower-env/bin/python comparisons/rules.py
"""

import numpy as np
from flwr.server.strategy import aggregate as flower
from numpy.typing import NDArray

from mlchain.centralized.learning.aggregation import aggregate

CASES = 300
Vectors = NDArray[np.float64]


def by_flower(updates: Vectors, weights: NDArray[np.int64], evil: int) -> dict[str, Vectors]:
    """Return what Flower makes of the same updates, by the name of our rule."""
    weighted = [([update], int(weight)) for update, weight in zip(updates, weights, strict=True)]
    count = len(updates)
    return {
        "average": flower.aggregate(weighted)[0],
        "median": flower.aggregate_median(weighted)[0],
        "trimmed-mean": flower.aggregate_trimmed_avg(weighted, (evil + 0.5) / count)[0],
        "krum": flower.aggregate_krum([([update], 1) for update in updates], evil, 0)[0],
        "multi-krum": flower.aggregate_krum([([update], 1) for update in updates], evil, count - evil)[0],
    }


def main() -> None:
    """Print the largest difference of every rule."""
    generator = np.random.Generator(np.random.PCG64(1))
    greatest: dict[str, float] = {}
    for _ in range(CASES):
        evil = int(generator.integers(0, 3))
        shape = int(generator.integers(2 * evil + 3, 12)), int(generator.integers(1, 30))
        updates = generator.integers(-3000, 3000, shape).astype(np.float64)
        weights = generator.integers(1, 100, shape[0])
        for name, theirs in by_flower(updates, weights, evil).items():
            difference = float(np.abs(theirs - aggregate(name, updates, weights, evil)).max())
            greatest[name] = max(greatest.get(name, 0.0), difference)
    for name, difference in greatest.items():
        print(f"{name}: largest difference from Flower in {CASES} cases: {difference}")


if __name__ == "__main__":
    main()
