"""A trained model at work. This file needs numpy alone: copy it beside a model and use it anywhere.

    model = Classifier.load("model.npz")
    model.predict([["5.1", "3.5", "1.4", "0.2"]])      # rows of a table, in the order of `feature_names_in_`
    model.predict_proba(images)                        # uint8 of shape (n, height, width), or with colours as a fourth

All sums are of integers below 2**53, so that float64 holds them exactly and every machine names the same classes.
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMAT = 1
AT_ONCE = 256  # samples
POOL = 2
SIGNED, TOKENS = 1, 2  # what a byte of a sample stands for: itself less 128, or a token
MAX, SUM = 1, 2  # how sums are pooled
EXACT = Context(prec=120)


class Classifier:
    """A model and what its bytes and classes stand for; made by `load`.

    `classes_` are the names of the classes; `feature_names_in_`, of a table's model, those of its columns.
    """

    def __init__(self, header: Mapping[str, Any], weights: Sequence[NDArray[np.int16]]) -> None:
        """Take what a model file holds: its header, and the weights (outputs, fan-in + 1) of every layer."""
        self.header = header
        self.classes_ = np.array(header["classes"])
        self.feature_names_in_ = list(dict.fromkeys(column["name"] for column in header["columns"]))
        self._weights = [matrix.astype(np.float64) for matrix in weights]

    @classmethod
    def load(cls, path: "str | Path") -> "Classifier":
        """Return the model in an `.npz` file; raises ValueError for a file that holds none."""
        with np.load(path, allow_pickle=False) as file:
            if "header" not in file.files:
                raise ValueError(f"{path} holds no model")
            header = json.loads(file["header"].tobytes())
            if header.get("format") != FORMAT:
                raise ValueError(f"{path} holds a model of format {header.get('format')}, {FORMAT} wanted")
            return cls(header, [file[f"weights_{depth}"] for depth in range(len(header["layers"]))])

    def predict(self, samples: Any) -> NDArray[Any]:
        """Return the name of the class of every sample, of equally likely ones the first."""
        named: NDArray[Any] = self.classes_[self.logits(samples).argmax(axis=1)]
        return named

    def predict_proba(self, samples: Any) -> NDArray[np.float64]:
        """Return the probability of every class, (samples, classes)."""
        logits = self.logits(samples) / 2.0 ** self.header["layers"][-1]["shift"]  # to the base 2
        powers = np.exp2(logits - logits.max(axis=1, keepdims=True))
        chances: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return chances

    def score(self, samples: Any, labels: Any) -> float:
        """Return the share of samples whose class is the one named."""
        return float((self.predict(samples) == np.asarray(labels).astype(str)).mean())

    def logits(self, samples: Any) -> NDArray[np.float64]:
        """Return the integers that decide, (samples, classes): logits to the base 2 in units of 2**-shift."""
        rows = self.encode(samples)
        parts = [self._forward(rows[start : start + AT_ONCE]) for start in range(0, len(rows), AT_ONCE)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.classes_)))

    def encode(self, samples: Any) -> NDArray[np.uint8]:
        """Return the bytes of samples, (samples, bytes).

        An array of uint8 has them: (n, bytes), or images (n, height, width) or (n, height, width, channels). A table's
        samples may also be rows of cells in the order of `feature_names_in_`, mappings by those names, or a pandas
        DataFrame; a text's the texts before the character to be told.
        """
        inputs = self.header["inputs"]
        if isinstance(samples, np.ndarray) and samples.dtype == np.uint8:
            planes = samples.transpose(0, 3, 1, 2) if samples.ndim == 4 else samples
            rows = np.ascontiguousarray(planes).reshape(len(samples), -1)
        elif self.feature_names_in_:
            rows = self._encode_table(samples)
        elif inputs["kind"] == TOKENS:
            rows = np.array([self._tokens(text) for text in samples], dtype=np.uint8)
        else:
            raise ValueError("samples of this model are arrays of uint8")
        if rows.shape[1:] != (inputs["size"],) or (rows.size and rows.max() > inputs["greatest"]):
            size, greatest = inputs["size"], inputs["greatest"]
            raise ValueError(f"a sample has {size} bytes of at most {greatest}, and these have {rows.shape[1:]}")
        return rows

    def _encode_table(self, rows: Any) -> NDArray[np.uint8]:
        names = self.feature_names_in_
        if hasattr(rows, "columns"):  # a DataFrame
            rows = rows[names].values.tolist()
        cells = [[row[name] for name in names] if isinstance(row, Mapping) else list(row) for row in rows]
        if any(len(row) != len(names) for row in cells):
            raise ValueError(f"a row has the cells {', '.join(names)}")
        places = {name: place for place, name in enumerate(names)}
        columns = self.header["columns"]
        encoded = [[_byte(column, str(row[places[column["name"]]]).strip()) for column in columns] for row in cells]
        return np.array(encoded, dtype=np.uint8).reshape(len(cells), len(columns))

    def _tokens(self, text: str) -> list[int]:
        number = {character: token for token, character in enumerate(self.classes_.tolist())}
        other, size = number.get("\N{REPLACEMENT CHARACTER}"), self.header["inputs"]["size"]
        tokens = [number.get(character, other) for character in text[-size:]]
        if len(tokens) < size or None in tokens:
            raise ValueError(f"a text has {size} characters or more, which the model has seen")
        return [token for token in tokens if token is not None]

    def _forward(self, rows: NDArray[np.uint8]) -> NDArray[np.float64]:
        inputs = self.header["inputs"]
        if inputs["kind"] == TOKENS:
            places = rows.reshape(len(rows), 1, inputs["height"], inputs["width"])
            values = (places == np.arange(inputs["channels"]).reshape(1, -1, 1, 1)).astype(np.float64)
        else:
            values = rows.astype(np.float64) - (128 if inputs["kind"] == SIGNED else 0)
            values = values.reshape(len(rows), inputs["channels"], inputs["height"], inputs["width"])
        for layer, weights in zip(self.header["layers"], self._weights, strict=True):
            values = _apply(layer, weights, values)
        logits: NDArray[np.float64] = values.reshape(len(rows), -1)
        return logits


def _byte(column: Mapping[str, str], cell: str) -> int:
    """Return what a cell becomes: where a number lies between two others in 255ths, or whether a text is this one."""
    if "category" in column:
        return 255 * (cell == column["category"])
    value, low, high = (Decimal(text) for text in (cell, column["low"], column["high"]))
    above, span = EXACT.subtract(value, low), EXACT.subtract(high, low)
    if not value.is_finite() or above <= 0 or above >= span:
        return 255 * (above > 0)
    return int(EXACT.divide_int(EXACT.add(510 * above, span), 2 * span))


def _apply(layer: Mapping[str, Any], weights: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a layer's outputs (samples, channels, height, width), or of the last one its sums."""
    edge, (height, width), (down, across) = layer["padding"], layer["kernel"], layer["stride"]
    values = np.pad(values, ((0, 0), (0, 0), (edge, edge), (edge, edge)))
    windows = windows_of(values, (height, width))[:, :, ::down, ::across]
    samples, channels, rows, columns = windows.shape[:4]
    patches = windows.transpose(0, 2, 3, 1, 4, 5).reshape(samples * rows * columns, channels * height * width)
    sums: NDArray[np.float64] = patches @ weights[:, :-1].T + weights[:, -1] * layer["bias_input"]
    sums = sums.reshape(samples, rows, columns, -1).transpose(0, 3, 1, 2)
    if layer["pooling"]:
        rows, columns = rows // POOL, columns // POOL
        pools = sums[:, :, : POOL * rows, : POOL * columns].reshape(samples, -1, rows, POOL, columns, POOL)
        sums = pools.max(axis=(3, 5)) if layer["pooling"] == MAX else pools.sum(axis=(3, 5))
    if layer["is_last"]:
        return sums
    low, high = (-128, 127) if layer["signed"] else (0, 255)
    outputs: NDArray[np.float64] = np.clip(np.floor(sums / 2.0 ** layer["shift"]), low, high)
    return outputs


def windows_of(values: NDArray[Any], kernel: tuple[int, int]) -> NDArray[Any]:
    """Return what a kernel sees at every position: two axes more, at the end."""
    return np.lib.stride_tricks.sliding_window_view(values, kernel, axis=(-2, -1))  # type: ignore[call-overload, no-any-return]
