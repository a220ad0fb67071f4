"""Every error of the contracts is thrown, and expected by a test from the contract that declares it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = {
    path.stem: re.sub(r"//.*", "", path.read_text())
    for path in sorted((ROOT / "contracts").rglob("*.sol"))
    if "mocks" not in path.parts
}
ERRORS = [(contract, error) for contract, code in CODE.items() for error in re.findall(r"\berror (\w+)\(", code)]
TESTS = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
EXPECTED = re.findall(r"\breverts\(\s*(?:\w+\.)*(\w+)\.(\w+)\b", TESTS)

# What the tests call the contracts, besides their own names.
NAMES = {
    "announced": "ModelRegistry",
    "counter": "Counter",
    "factory": "JobFactory",
    "guarded": "WorkerRegistry",
    "job": "Job",
    "libraries": "LibraryHarness",
    "registry": "WorkerRegistry",
}
MOCKS = {"ContractWorker", "Crowd", "LibraryHarness"}
# Their errors come from the contracts that use them.
LIBRARIES = {"CommitteeDraw", "ContentHash", "Checkpoints", "JobTerms"}


def test_the_contracts_have_errors():
    assert ("Job", "WrongPhase") in ERRORS
    assert ("ContentHash", "InvalidSize") in ERRORS


def test_it_is_known_which_contract_every_test_means():
    assert {NAMES.get(name, name) for name, _ in EXPECTED} <= set(CODE) | MOCKS


@pytest.mark.parametrize(("contract", "error"), ERRORS)
def test_every_error_is_expected_of_its_contract(contract, error):
    contracts = {NAMES.get(name, name) for name, expected in EXPECTED if expected == error}

    assert contracts if contract in LIBRARIES else contract in contracts


@pytest.mark.parametrize(("contract", "error"), ERRORS)
def test_every_error_is_thrown_where_it_is_declared(contract, error):
    assert re.search(rf"(,|\brevert)\s*{error}\(", CODE[contract])
