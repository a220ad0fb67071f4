"""Writes docs/contracts.md from the NatSpec of the contracts: `make docs`, or `python -m setup.contract_docs`."""

import json
import re
import subprocess
from collections.abc import Iterator

from setup.standard_json import ROOT, standard_json

PAGE = ROOT / "docs/contracts.md"
# Each contract, and the files that declare what it has: functions, events and errors, enums and structs.
CONTRACTS = {
    "JobFactory": ["interfaces/IJobFactory.sol", "ServerOwned.sol"],
    "Job": ["interfaces/IJob.sol", "libraries/JobTerms.sol"],
    "WorkerRegistry": ["interfaces/IWorkerRegistry.sol", "ServerOwned.sol"],
    "ModelRegistry": ["ModelRegistry.sol", "ServerOwned.sol"],
    "Disputes": ["referee/interfaces/IDisputes.sol", "referee/Disputes.sol"],
    "VersionReferee": ["referee/interfaces/IVersionReferee.sol", "referee/VersionReferee.sol"],
    "Counter": ["Counter.sol"],
}
INTRODUCTION = """# The contracts

What each contract offers, generated from its NatSpec by `make docs`; a test fails when the two differ. How the
contracts work together, and why, is in [protocol.md](protocol.md). A value without a type is a `uint256`.
"""


def page() -> str:
    """Return the whole page."""
    solc = next((ROOT / ".venv/solc").glob("solc-v*"))
    request = json.dumps(standard_json(["abi", "devdoc", "userdoc"]))
    answer = subprocess.run(
        [solc, "--standard-json"], input=request, cwd=ROOT, capture_output=True, text=True, check=True
    )
    compiled = {name: unit for units in json.loads(answer.stdout)["contracts"].values() for name, unit in units.items()}
    sections = [Section(name, files, compiled).lines() for name, files in CONTRACTS.items()]
    return "\n".join([INTRODUCTION, *[line for section in sections for line in section]])


class Section:
    """What is said of one contract."""

    def __init__(self, name: str, files: list[str], compiled: dict[str, dict]) -> None:
        self.name = name
        self.source = "\n".join((ROOT / "contracts" / file).read_text() for file in files)
        self.contract = compiled[name]
        bases = [compiled[base] for base in ("ServerOwned", f"I{name}") if base in compiled]
        self.documents = [self.contract, *bases]
        # What the interface declares it declares with names for everything.
        entries = {_key(entry): entry for document in self.documents for entry in document["abi"]}
        self.abi = [entries[_key(entry)] for entry in self.contract["abi"]]

    def lines(self) -> Iterator[str]:
        """Return the lines of the section."""
        yield from (f"## {self.name}", "", self.contract["userdoc"]["notice"], "")
        if details := self.contract["devdoc"].get("details"):
            yield from (details.replace(" - ", "\n- "), "")
        if types := list(self._types()):
            yield from ("### Types", "", "```solidity", "\n\n".join(types), "```", "")
        functions = [entry for entry in self.abi if entry["type"] in ("constructor", "function")]
        views = [entry for entry in functions if entry["stateMutability"] in ("view", "pure")]
        yield from self._entries("Functions", [entry for entry in functions if entry not in views])
        yield from self._entries("Views", views)
        yield from self._entries("Events", [entry for entry in self.abi if entry["type"] == "event"])
        yield from ("### Errors", "", "| error | meaning |", "|---|---|")
        for entry in sorted((it for it in self.abi if it["type"] == "error"), key=lambda it: it["name"]):
            if notice := self._text(entry, "notice"):  # OpenZeppelin's errors have none
                yield f"| `{_signature(entry)}` | {notice} |"
        yield ""

    def _types(self) -> Iterator[str]:
        for block in re.findall(r"^( *)((?:enum|struct) \w+ \{\n.*?^\1\})", self.source, re.MULTILINE | re.DOTALL):
            yield re.sub(f"^{block[0]}", "", block[1], flags=re.MULTILINE)

    def _entries(self, title: str, entries: list[dict]) -> Iterator[str]:
        if entries:
            yield from (f"### {title}", "")
        for entry in sorted(entries, key=self._position):
            text = self._text(entry, "notice")
            details = self._text(entry, "details")
            yield from (f"**`{_signature(entry)}`** – {text}" + (f" *{details}*" if details else ""), "")
            values = [*self._values(entry, "params", "inputs"), *self._values(entry, "returns", "outputs")]
            yield from ([*values, ""] if values else [])

    def _position(self, entry: dict) -> int:
        """Return where an entry is declared; a public variable is declared by its name alone."""
        name = entry.get("name", "constructor")
        found = re.search(rf"\b(function|event) {name}\(|\b(public|immutable) {name}\b", self.source)
        return found.start() if found else -1

    def _text(self, entry: dict, kind: str) -> str:
        for document in self.documents:
            if kind in (found := self._document(document, entry, "userdoc" if kind == "notice" else "devdoc")):
                return found[kind]
        return ""

    def _values(self, entry: dict, kind: str, side: str) -> Iterator[str]:
        """Return a line for each argument or returned value that is documented."""
        texts = {}
        for document in self.documents:
            texts |= self._document(document, entry, "devdoc").get(kind, {})
        word = "returns " if kind == "returns" else ""
        for name in (value["name"] for value in entry.get(side, [])):
            if name in texts:
                yield f"- {word}`{name}`: {texts[name]}"

    @staticmethod
    def _document(contract: dict, entry: dict, kind: str) -> dict:
        group = {"error": "errors", "event": "events"}.get(entry["type"], "methods")
        found = contract[kind].get(group, {}).get(_key(entry)[1], {})
        variables = contract[kind].get("stateVariables", {}).get(entry.get("name"), {})
        return (found[0] if isinstance(found, list) else found) or variables


def _key(entry: dict) -> tuple[str, str]:
    if "name" not in entry:
        return entry["type"], entry["type"]
    return entry["type"], f"{entry['name']}({','.join(map(_canonical, entry['inputs']))})"


def _canonical(value: dict) -> str:
    if not value["type"].startswith("tuple"):
        return value["type"]
    return f"({','.join(map(_canonical, value['components']))}){value['type'].removeprefix('tuple')}"


def _signature(entry: dict) -> str:
    """Return name and arguments as in the source, without locations and the commonest type."""
    arguments = [f"{_type(value)}{value['name']}" for value in entry["inputs"]]
    return f"{entry.get('name', 'constructor')}({', '.join(arguments)})"


def _type(value: dict) -> str:
    kind = re.sub(r"^(struct|enum|contract) (\w+\.)?", "", value["internalType"])
    return "" if kind == "uint256" or not value["name"] else f"{kind} "


if __name__ == "__main__":
    PAGE.write_text(page())
