"""What the documents name exists: tests, attackers, and lines of the contracts."""

import re
from pathlib import Path

import pytest

from mlchain.simulation.attackers import ATTACKERS

ROOT = Path(__file__).parents[1]
SECURITY = (ROOT / "docs" / "security.md").read_text()
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
CONTRACTS = {path.name: path.read_text() for path in (ROOT / "contracts").rglob("*.sol")}
QUOTED = re.findall(r"`(\w+\.sol)`: `([^`]+)`", SECURITY)


def plain(code: str) -> str:
    """Return code without its line breaks and the escapes of a table."""
    return re.sub(r"\s+", "", code.replace("\\|", "|"))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_that_a_document_names_exists(path):
    named = re.findall(r"`(test_\w+)`", path.read_text())

    assert [name for name in named if f"def {name}(" not in TESTS] == []


@pytest.mark.parametrize(("contract", "code"), QUOTED)
def test_every_line_that_is_said_to_stop_an_attack_is_in_its_contract(contract, code):
    assert plain(code) in plain(CONTRACTS[contract])


def test_the_threat_model_names_every_attacker_and_many_lines():
    assert [attacker.name for attacker in ATTACKERS if f"`{attacker.name}`" not in SECURITY] == []
    assert len(QUOTED) > 30


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_links_to_exists(path):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text())

    assert [link for link in links if not (path.parent / link).exists()] == []
