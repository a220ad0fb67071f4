"""A plain text as a data set: from some characters, say the next one."""

from collections import Counter
from pathlib import Path

import numpy as np

from mlchain.data.dataset import DataError, Dataset
from mlchain.data.utf8 import read_utf8
from mlchain.training.layers import InputKind, Inputs

CONTEXT = 16  # characters that the next one is told from
MOST_CHARACTERS = 96  # that are told apart: the most frequent ones; all others count as one more
OTHER = "\N{REPLACEMENT CHARACTER}"
ONE_IN = 5  # of the text, at its end, is for testing
LONGEST = 4_000_000  # characters


def read_text(path: Path) -> Dataset:
    """Return a text in UTF-8 as samples of 16 characters, each labelled with the next one, in the text's order."""
    text = read_utf8(path)
    if not 20 * CONTEXT <= len(text) <= LONGEST:
        raise DataError(f"{path} has {len(text):,} characters, {20 * CONTEXT} to {LONGEST:,} can be learned from")
    counts = Counter(text)
    if len(counts) < 2:
        raise DataError(f"{path} has 1 character over and over: 2 or more can be told apart")
    kept = sorted(sorted(counts, key=lambda character: (-counts[character], character))[:MOST_CHARACTERS])
    classes = (*kept, OTHER) if len(counts) > len(kept) else tuple(kept)
    number = {character: place for place, character in enumerate(kept)}
    tokens = np.array([number.get(character, len(kept)) for character in text], dtype=np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(tokens[:-1], CONTEXT)
    labels = tokens[CONTEXT:].astype(np.int64)
    last = len(labels) - len(labels) // ONE_IN
    inputs = Inputs(len(classes), 1, CONTEXT, InputKind.TOKENS, len(classes) - 1)
    train, test = np.ascontiguousarray(windows[:last]), np.ascontiguousarray(windows[last + CONTEXT :])
    return Dataset(path.stem, inputs, classes, train, labels[:last].copy(), test, labels[last + CONTEXT :].copy())
