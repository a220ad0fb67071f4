"""The Solidity compiler for hundreds of compilations: one process that stays loaded, and code without metadata."""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from setup.standard_json import ROOT, standard_json

OUTPUTS = ["evm.bytecode.object", "evm.deployedBytecode.object"]


@dataclass(frozen=True, slots=True)
class Code:
    """What a contract is deployed with, and what it then runs."""

    creation: str
    runtime: str


class Solc:
    """A compiler that stays loaded; it ends with the process that started it."""

    def __init__(self) -> None:
        worker = Path(__file__).parent / "solc_worker.js"
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._worker = subprocess.Popen(["node", worker], cwd=ROOT, text=True, **pipes)

    def compile(self, request: dict) -> dict:
        """Return the output for a standard-JSON input."""
        self._worker.stdin.write(json.dumps(request) + "\n")
        self._worker.stdin.flush()
        return json.loads(self._worker.stdout.readline())


class Compiler:
    """Compiles the contracts with one file replaced by another text."""

    def __init__(self) -> None:
        self._solc = Solc()
        self._input = standard_json(OUTPUTS)
        # Two sources that differ in nothing that runs are then the same code.
        self._input["settings"]["metadata"] = {"appendCBOR": False}
        output = self._solc.compile(self._input)
        self.originals = _codes(output)
        asts = {file: unit["ast"] for file, unit in output["sources"].items()}
        self.asts = {file: ast for file, ast in asts.items() if file in self.sources}
        self._imports = {file: set(_imports(ast)) for file, ast in asts.items()}

    @property
    def sources(self) -> dict[str, str]:
        """Return the text of every file of the contracts."""
        return {file: source["content"] for file, source in self._input["sources"].items()}

    def codes(self, file: str, source: str) -> dict[str, Code] | None:
        """Return the code of all contracts that `file` is part of, given its text; None if that is illegal."""
        affected = [name for name in self.sources if file in self._closure(name)]
        settings = self._input["settings"] | {"outputSelection": {name: {"*": OUTPUTS} for name in affected}}
        sources = self._input["sources"] | {file: {"content": source}}
        output = self._solc.compile(self._input | {"sources": sources, "settings": settings})
        if any(error["severity"] == "error" for error in output.get("errors", [])):
            return None
        return _codes(output)

    def _closure(self, file: str, found: frozenset[str] = frozenset()) -> frozenset[str]:
        found |= {file}
        for imported in self._imports[file] - found:
            if imported not in found:
                found = self._closure(imported, found)
        return found


def _codes(output: dict) -> dict[str, Code]:
    return {
        name: Code(contract["evm"]["bytecode"]["object"], contract["evm"]["deployedBytecode"]["object"])
        for file, unit in output["contracts"].items()
        for name, contract in unit.items()
        if file.startswith("contracts/")
    }


def _imports(ast: dict) -> Iterable[str]:
    return (node["absolutePath"] for node in ast["nodes"] if node["nodeType"] == "ImportDirective")
