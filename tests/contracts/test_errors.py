"""Every error of the contracts is expected by a test, under its own name."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = [path for path in (ROOT / "contracts").rglob("*.sol") if "mocks" not in path.parts]
ERRORS = sorted({name for path in CONTRACTS for name in re.findall(r"^\s*error (\w+)\(", path.read_text(), re.M)})
TESTS = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))


def test_the_contracts_have_errors():
    assert "WrongPhase" in ERRORS


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_is_expected_somewhere(error):
    assert re.search(rf"\breverts\(\s*[\w.]+\.{error}\b", TESTS)


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.stem)
def test_every_error_is_thrown_where_it_is_declared(path):
    source = path.read_text()

    for error in re.findall(r"^\s*error (\w+)\(", source, re.M):
        assert len(re.findall(rf"\b{error}\(", source)) > 1
