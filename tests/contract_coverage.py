"""Which statements of the contracts the tests run: `make coverage`, or `ape test --contract-coverage`.

Ape measures it for Vyper only. Here the embedded chain's machine notes every instruction that it executes, in calls as
in transactions, and the compiler's source maps tell to which statement an instruction belongs. What the optimiser has
merged into other statements is left out of the count.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ape import project
from eth.vm.code_stream import CodeStream

from mutants.compiler import Solc
from setup.standard_json import standard_json

PUSH1, PUSH32 = 0x60, 0x7F
OUTPUTS = [f"evm.{code}.{part}" for code in ("bytecode", "deployedBytecode") for part in ("object", "sourceMap")]
SIMPLE = (
    "ExpressionStatement",
    "EmitStatement",
    "Return",
    "Continue",
    "VariableDeclarationStatement",
    "YulExpressionStatement",
    "YulAssignment",
    "YulVariableDeclaration",
)
CONDITIONAL = ("IfStatement", "ForStatement", "DoWhileStatement", "WhileStatement", "YulForLoop")


@dataclass(frozen=True, slots=True)
class Compiled:
    """Code that the compiler has made, and the piece of source that each of its instructions comes from."""

    code: bytes
    immutables: tuple[tuple[int, int], ...]  # where the constructor fills in, and how many bytes
    origins: dict[int, tuple[int, int, int]]  # by position: start, length, number of the file
    runtime: bool

    def runs_as(self, code: bytes) -> bool:
        """Return whether `code` is this, deployed or with a constructor's arguments."""
        if not self.runtime:
            return code.startswith(self.code)
        if len(code) != len(self.code):
            return False
        filled = bytearray(code)
        for start, length in self.immutables:
            filled[start : start + length] = bytes(length)
        return filled == self.code


class ContractCoverage:
    """Watches a whole test session and prints what it has seen of each contract."""

    def __init__(self) -> None:
        request = standard_json([*OUTPUTS, "evm.deployedBytecode.immutableReferences"])
        output = Solc().compile(request)
        self.sources = {file: source["content"].encode() for file, source in request["sources"].items()}
        self.numbers = {unit["id"]: file for file, unit in output["sources"].items()}
        self.statements = {file: sorted(_statements(output["sources"][file]["ast"])) for file in self.sources}
        self.compiled = []
        for file in self.sources:
            for name, contract in output["contracts"].get(file, {}).items():
                evm = contract["evm"]
                self.compiled += [_compiled(evm["bytecode"], False), _compiled(evm["deployedBytecode"], True)]
                # The same code but for the metadata, to know it by.
                artefact = getattr(project, name).contract_type
                artefact.deployment_bytecode.bytecode = "0x" + evm["bytecode"]["object"]
                artefact.runtime_bytecode.bytecode = "0x" + evm["deployedBytecode"]["object"]
        self.executed = _watch()

    def pytest_terminal_summary(self, terminalreporter) -> None:
        """Print a line per file of the contracts, with the lines whose statements never ran."""
        counted, ran = self._seen()
        terminalreporter.section("statements of the contracts")
        total = [0, 0]
        for file in self.sources:
            if "mocks" in file or not counted[file]:
                continue
            missed = sorted(self._line(file, start) for start in counted[file] - ran[file])
            numbers = len(counted[file]), len(counted[file]) - len(missed)
            total = [sum(pair) for pair in zip(total, numbers, strict=True)]
            terminalreporter.write_line(_row(file, *numbers) + "".join(f"  {line}" for line in missed))
        terminalreporter.write_line(_row("all", *total))

    def _seen(self) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
        """Return for each file where the statements that have code begin, and those of which some was executed."""
        counted, ran = defaultdict(set), defaultdict(set)
        for compiled in self.compiled:
            positions = set().union(*[done for code, done in self.executed.items() if compiled.runs_as(code)])
            for position, (start, length, number) in compiled.origins.items():
                file = self.numbers.get(number)
                statement = self._statement(file, start, start + length) if file in self.sources else None
                if statement is not None:
                    counted[file].add(statement)
                    if position in positions:
                        ran[file].add(statement)
        return counted, ran

    def _statement(self, file: str, start: int, end: int) -> int | None:
        """Return where the innermost statement around a piece of source begins."""
        statements = self.statements[file]
        for first, last in reversed(statements[: bisect_right(statements, (start, float("inf")))]):
            if end <= last:
                return first
        return None

    def _line(self, file: str, position: int) -> int:
        return self.sources[file].count(b"\n", 0, position) + 1


def _watch() -> dict[bytes, set[int]]:
    """Let the machine note the positions that it executes, by code."""
    executed = defaultdict(set)
    iterate = CodeStream.__iter__

    def watched(stream: CodeStream) -> Iterator[int]:
        add = executed[bytes(stream._raw_code_bytes)].add
        for opcode in iterate(stream):
            add(stream.program_counter - 1)
            yield opcode

    CodeStream.__iter__ = watched
    return executed


def _statements(node: dict | list) -> Iterator[tuple[int, int]]:
    kind = node.get("nodeType") if isinstance(node, dict) else None
    if kind in SIMPLE and (kind != "VariableDeclarationStatement" or node.get("initialValue")):
        yield _span(node)
    elif kind in CONDITIONAL and node["condition"]:
        yield _span(node["condition"])
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, dict | list):
            yield from _statements(child)


def _span(node: dict) -> tuple[int, int]:
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


def _compiled(artefact: dict, runtime: bool) -> Compiled:
    code = bytes.fromhex(artefact["object"])
    places = [place for places in artefact.get("immutableReferences", {}).values() for place in places]
    immutables = tuple((place["start"], place["length"]) for place in places)
    origins = dict(zip(_positions(code), _origins(artefact["sourceMap"]), strict=False))  # behind the code are data
    return Compiled(code, immutables, origins, runtime)


def _positions(code: bytes) -> Iterator[int]:
    position = 0
    while position < len(code):
        yield position
        opcode = code[position]
        position += 1 + (opcode - PUSH1 + 1 if PUSH1 <= opcode <= PUSH32 else 0)


def _origins(source_map: str) -> Iterator[tuple[int, int, int]]:
    fields = ["0", "0", "-1"]
    for entry in source_map.split(";"):
        for place, value in enumerate(entry.split(":")[:3]):
            fields[place] = value or fields[place]
        yield int(fields[0]), int(fields[1]), int(fields[2])


def _row(name: str, statements: int, ran: int) -> str:
    return f"{name:<40} {ran:4} of {statements:4} {ran / statements:7.1%}"
