"""A version of a model as a file: integers, what they stand for, and the recipe that they were trained by."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlchain.data.dataset import Column, Dataset, numbered, shallow_json
from mlchain.errors import UserError, require
from mlchain.export.estimator import FORMAT, Classifier
from mlchain.export.onnx_file import save_onnx
from mlchain.training.encoding import decode_model, encode_model
from mlchain.training.layers import Stage
from mlchain.training.recipe import Recipe

SUFFIXES = (".npz", ".onnx")


@dataclass(frozen=True, slots=True)
class Trained:
    """A version of a model, and what its classes and, of a table, its columns are called."""

    recipe: Recipe
    model: bytes
    version: int
    classes: tuple[str, ...]
    columns: tuple[Column, ...] = ()

    def classifier(self) -> Classifier:
        """Return the model at work."""
        return Classifier(_header(self), decode_model(self.recipe, self.model))


def trained_of(recipe: Recipe, model: bytes, version: int, dataset: Dataset | None) -> Trained:
    """Return a version of a model; without its data set the classes have only numbers."""
    if dataset is None:
        return Trained(recipe, model, version, numbered(recipe.layers[-1].outputs))
    return Trained(recipe, model, version, dataset.classes, dataset.columns)


def require_form(path: Path) -> None:
    """Raise UserError for a file of a form that no model is written in."""
    require(path.suffix in SUFFIXES, f"a model is written into a file that ends with .npz or .onnx: {path} does not")


def save(path: Path, trained: Trained) -> None:
    """Write a model in the form that the file's name asks for: `.npz`, which `read_model` reads, or `.onnx`."""
    require_form(path)
    try:
        if path.suffix == ".onnx":
            save_onnx(path, trained.classifier())
            return
        header = np.frombuffer(json.dumps(_header(trained), sort_keys=True).encode("ascii"), dtype=np.uint8)
        weights = decode_model(trained.recipe, trained.model)
        with path.open("wb") as file:
            np.savez(file, header=header, **{f"weights_{depth}": matrix for depth, matrix in enumerate(weights)})
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None


def read_model(path: Path) -> Trained:
    """Return the model in an `.npz` file; raises UserError for a file that `save` has not written."""
    try:
        with np.load(path, allow_pickle=False) as file:
            header = shallow_json(file["header"].tobytes())
            weights = tuple(file[f"weights_{depth}"] for depth in range(len(header["layers"])))
        recipe = Recipe.from_bytes(bytes.fromhex(header["recipe"]))
        columns = tuple(Column(**column) for column in header["columns"])
        model = encode_model(weights)
        found = Trained(recipe, model, int(header["version"]), tuple(map(str, header["classes"])), columns)
        if _header(found) != header or len(header["classes"]) != recipe.layers[-1].outputs:
            raise ValueError("its header is not that of its recipe")
        if [matrix.shape for matrix in weights] != [stage.weights for stage in recipe.stages]:
            raise ValueError("its weights are not those of its recipe")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or 'it holds no arrays'}") from None
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, RecursionError, zipfile.BadZipFile) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path} is not a model that `ape run model` has written: {reason}") from None
    return found


def start_from(path: Path, recipe: Recipe) -> bytes:
    """Return the model in a file as the first one of a recipe, whose layers it has to have."""
    own = read_model(path)
    kept, wanted = (
        [(stage.weights, stage.layer.shift, stage.layer.bias_input) for stage in each.stages]
        for each in (own.recipe, recipe)
    )
    layers = ", ".join(" x ".join(map(str, stage.weights)) for stage in own.recipe.stages)
    require(kept == wanted, f"{path} has other layers than are to be trained: its weights are {layers}")
    return own.model


def _header(trained: Trained) -> Mapping[str, Any]:
    recipe = trained.recipe
    inputs = asdict(recipe.inputs) | {"kind": int(recipe.inputs.kind), "size": recipe.inputs.sample_size}
    columns = [{key: text for key, text in asdict(column).items() if text is not None} for column in trained.columns]
    return {
        "format": FORMAT,
        "name": recipe.task,
        "version": trained.version,
        "recipe": recipe.to_bytes().hex(),
        "inputs": inputs,
        "layers": [_layer(stage) for stage in recipe.stages],
        "classes": list(trained.classes),
        "columns": columns,
    }


def _layer(stage: Stage) -> dict[str, Any]:
    layer = stage.layer
    return {
        "kernel": list(stage.kernel),
        "stride": [layer.stride_height, layer.stride_width],
        "padding": layer.padding,
        "pooling": int(layer.pooling),
        "signed": layer.signed,
        "shift": layer.shift,
        "bias_input": layer.bias_input,
        "is_last": stage.is_last,
    }
