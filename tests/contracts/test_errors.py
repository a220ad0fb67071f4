"""Every error of a contract, its own or inherited, is thrown by it and expected of it by a test."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = {
    path.stem: re.sub(r"//.*", "", path.read_text())
    for path in sorted((ROOT / "contracts").rglob("*.sol"))
    if "mocks" not in path.parts
}


def with_bases(contract: str) -> str:
    """Return the code of a contract and of what it inherits from."""
    bases = re.search(rf"\bcontract {contract} is ([\w, ]+)", CODE[contract])
    return CODE[contract] + "".join(CODE[base] for base in re.findall(r"\w+", bases[1] if bases else ""))


# Interfaces and abstract contracts are part of the contracts that inherit from them.
ERRORS = [
    (contract, error)
    for contract, code in CODE.items()
    if re.search("^(contract|library) ", code, re.MULTILINE)
    for error in re.findall(r"\berror (\w+)\(", with_bases(contract))
]
TESTS = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
EXPECTED = re.findall(r"\b(?:reverts|reverts_as|refused)\(\s*(?:\w+\.)*(\w+)\.(\w+)\b", TESTS)

# What the tests call the contracts, besides their own names.
NAMES = {
    "announced": "ModelRegistry",
    "counter": "Counter",
    "factory": "JobFactory",
    "guarded": "WorkerRegistry",
    "disputes": "Disputes",
    "job": "Job",
    "judge": "TrainingJudge",
    "libraries": "LibraryHarness",
    "models": "ModelRegistry",
    "referee": "VersionReferee",
    "registry": "WorkerRegistry",
}
MOCKS = {"AnswerJudge", "ContractWorker", "CountingJudge", "LibraryHarness", "Multicall"}
# Their errors come from the contracts that use them.
LIBRARIES = {"CommitteeDraw", "ContentHash", "Checkpoints", "JobTerms", "TraceEvidence", "TraceLayout"}


def test_the_contracts_have_errors():
    assert ("Job", "WrongPhase") in ERRORS
    assert ("ContentHash", "InvalidSize") in ERRORS
    assert [contract for contract, error in ERRORS if error == "NotTheServer"] == [
        "Job",
        "JobFactory",
        "ModelRegistry",
        "WorkerRegistry",
    ]


def test_it_is_known_which_contract_every_test_means():
    assert {NAMES.get(name, name) for name, _ in EXPECTED} <= set(CODE) | MOCKS


@pytest.mark.parametrize(("contract", "error"), ERRORS)
def test_every_error_is_expected_of_its_contract(contract, error):
    contracts = {NAMES.get(name, name) for name, expected in EXPECTED if expected == error}

    assert contracts if contract in LIBRARIES else contract in contracts


@pytest.mark.parametrize(("contract", "error"), ERRORS)
def test_every_error_is_thrown_by_its_contract(contract, error):
    assert re.search(rf"(,|\brevert)\s*{error}\(", with_bases(contract))
