"""pyproject.toml, the lock files and the changelog tell the same story as the code."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import mlchain

try:
    import tomllib
except ImportError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def name_of(requirement: str) -> str:
    """Return a distribution's name as indices normalise it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement).group()).lower()


def pins_of(file: str) -> set[str]:
    """Return the pins of a lock file with their markers, without comments."""
    return {line.split("#")[0].strip() for line in (ROOT / file).read_text().splitlines()}


def imports_of(folder: str) -> set[str]:
    """Return the top-level names of all modules that a folder's files import."""
    nodes = [node for path in (ROOT / folder).rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in named}


@pytest.mark.parametrize(
    ("folder", "extras"),
    [("mlchain", ["plots", "onnx"]), ("scripts", ["plots"]), ("benchmarks", ["plots", "tests"])],
)
def test_what_the_code_imports_is_declared(folder, extras):
    declared = {name_of(each) for each in sum([EXTRAS[extra] for extra in extras], PROJECT["dependencies"])}
    homes = packages_distributions()
    foreign = imports_of(folder) - sys.stdlib_module_names - {"mlchain", "benchmarks"}

    undeclared = {name for name in foreign if not declared & {name_of(home) for home in homes.get(name, [name])}}

    assert foreign
    assert not undeclared


def test_every_declared_dependency_is_locked():
    running = {name_of(pin) for pin in pins_of("requirements.txt")}
    developing = {name_of(pin) for pin in pins_of("requirements-dev.txt")}

    assert {name_of(each) for each in PROJECT["dependencies"] + EXTRAS["plots"]} <= running
    assert {name_of(each) for extra in EXTRAS.values() for each in extra} <= developing


def test_developing_needs_the_very_versions_that_running_needs():
    """A pin without a marker holds everywhere, so also where a marker asks for it."""
    running, developing = pins_of("requirements.txt"), pins_of("requirements-dev.txt")

    assert {pin for pin in running - developing if pin.partition(" ;")[0] not in developing} == set()
    assert len(running) < len(developing)


def test_the_changelog_begins_with_the_version_of_the_package():
    versions = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert versions[0] == mlchain.__version__
