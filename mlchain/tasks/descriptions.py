"""A network and its training as a person describes them in a TOML file.

[model]
layers = ["conv 16 5x5 maxpool", "dense 64", "dense"]     # of the last one the classes are the outputs

[training]                                                # every line may be left out
rate = 0.25
batch = 64
steps = 200
bits = 4
displacement = 1
first_jobs = 1
rate_shifts = [0, 0, 1]
"""

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlchain.data.dataset import Dataset
from mlchain.errors import UserError
from mlchain.tasks.plans import Plan, compile_layers, default_plan
from mlchain.training.layers import RecipeError, require_layers
from mlchain.training.recipe import BITS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found]

LEAST_RATE, GREATEST_RATE = 2.0**-20, 2.0**10

_FIELDS = {  # of a plan, by the key in the file
    "rate": "rate",
    "batch": "batch",
    "steps": "local_steps",
    "bits": "bits",
    "displacement": "displacement",
    "first_jobs": "first_jobs",
    "rate_shifts": "rate_shifts",
}
_RANGES = {
    "batch": range(1, 65536),
    "steps": range(1, 65536),
    "bits": BITS,
    "displacement": range(16),
    "first_jobs": range(1, 257),
}
_SECTIONS = {"model": {"layers"}, "training": set(_FIELDS)}


def read_plan(path: Path, dataset: Dataset) -> Plan:
    """Return the plan that a file describes for a data set; anything wrong raises `UserError` with the file's line."""
    try:
        text = path.read_text("utf-8")
        sections = tomllib.loads(text)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path} is not a TOML file: {error}") from None
    return _Description(path, text, sections).plan(dataset)


class _Description:
    """What a file says, and where it says it."""

    def __init__(self, path: Path, text: str, sections: dict[str, Any]) -> None:
        self._path, self._lines, self._sections = path, text.splitlines(), sections

    def plan(self, dataset: Dataset) -> Plan:
        """Return what it describes for a data set."""
        self._check_names()
        layers = self._layers(len(dataset.classes))
        training = self._sections.get("training", {})
        chosen: dict[str, Any] = {_FIELDS[key]: self._value(key, value) for key, value in training.items()}
        plan = replace(default_plan("mlp", dataset), layers=layers, initial=1.0, **chosen)
        try:
            require_layers(dataset.inputs, compile_layers(plan, dataset.inputs), plan.batch)
        except RecipeError as error:
            line = self._layer_of(str(error), layers)
            raise self._wrong("dense" if line == layers[-1] else line, str(error), line == layers[-1]) from None
        return plan

    def _check_names(self) -> None:
        for name, section in self._sections.items():
            if name not in _SECTIONS or not isinstance(section, dict):
                raise self._wrong(name, f"{name!r} is none of the sections [{'] and ['.join(_SECTIONS)}]")
            for key in section:
                if key not in _SECTIONS[name]:
                    raise self._wrong(key, f"{key!r} is unknown: [{name}] has {', '.join(sorted(_SECTIONS[name]))}")
        if "layers" not in self._sections.get("model", {}):
            raise UserError(f'{self._path} does not say layers = ["dense"] or the like in a section [model]')

    def _layers(self, classes: int) -> tuple[str, ...]:
        lines = self._sections["model"]["layers"]
        if not isinstance(lines, list) or not lines or not all(isinstance(line, str) for line in lines):
            raise self._wrong("layers", 'layers are a list of texts: ["conv 16 5x5 maxpool", "dense"]')
        *others, last = lines
        if last.split() == ["dense"]:
            return (*others, f"dense {classes}")
        if last.split() != ["dense", str(classes)]:
            raise self._wrong(last, f'the last layer is "{last}": "dense" is wanted, for the {classes} classes')
        return tuple(lines)

    def _value(self, key: str, value: Any) -> object:
        if key == "rate":
            if type(value) not in (int, float) or not LEAST_RATE <= value <= GREATEST_RATE:
                raise self._wrong(key, f"rate {value!r} is not a number from {LEAST_RATE:g} to {GREATEST_RATE:g}")
            return float(value)
        if key == "rate_shifts":
            is_list = isinstance(value, list) and 1 <= len(value) <= 255
            if not is_list or not all(type(shift) is int and 0 <= shift <= 15 for shift in value):
                raise self._wrong(key, f"rate_shifts {value!r} is not a list of 1 to 255 integers from 0 to 15")
            return tuple(value)
        allowed = _RANGES[key]
        if type(value) is not int or value not in allowed:
            several = isinstance(allowed, range)
            said = f"{allowed[0]} to {allowed[-1]}" if several else f"one of {', '.join(map(str, allowed))}"
            raise self._wrong(key, f"{key} {value!r} is not {'an integer from ' if several else ''}{said}")
        return value

    @staticmethod
    def _layer_of(error: str, layers: tuple[str, ...]) -> str:
        """Return the layer that an error is about, "layers" if it is about all."""
        number, quoted = re.search(r"\blayer (\d+)", error), re.match(r'"([^"]*)"', error)
        return quoted[1] if quoted else layers[int(number[1])] if number else "layers"

    def _wrong(self, place: str, sentence: str, at_the_end: bool = False) -> UserError:
        """Return an error at the first line that has a text in it, or at the last one."""
        numbers = [number for number, line in enumerate(self._lines, start=1) if place in line.partition("#")[0]]
        where = numbers[-1 if at_the_end else 0] if numbers else 1
        return UserError(f"{self._path}, line {where}: {sentence}")
