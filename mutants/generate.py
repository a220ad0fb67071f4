"""Small wrong changes of a Solidity file: each is one that somebody could make and that a test has to notice."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

# What an operator is taken for, in Solidity and in assembly.
BINARY = {
    "<": ["<="], "<=": ["<"], ">": [">="], ">=": [">"], "==": ["!="], "!=": ["=="],
    "+": ["-"], "-": ["+"], "*": ["/"], "/": ["*"], "%": ["*"],
    "&&": ["||"], "||": ["&&"], "&": ["|"], "|": ["&"], "^": ["&"], "<<": [">>"], ">>": ["<<"],
}  # fmt: skip
ASSIGNMENTS = {"+=": ["-=", "="], "-=": ["+=", "="], "|=": ["&=", "="], "&=": ["|=", "="]}
UNARY = {"++": "--", "--": "++", "!": ""}
YUL = {
    "add": "sub", "sub": "add", "mul": "div", "div": "mul", "mod": "div", "addmod": "mulmod",
    "or": "and", "and": "or", "shl": "shr", "shr": "shl",
}  # fmt: skip
STATEMENTS = ("ExpressionStatement", "EmitStatement", "Return", "Continue", "Break")
YUL_STATEMENTS = ("YulExpressionStatement", "YulAssignment")
BRANCHES = ("IfStatement", "Conditional")
LOOPS = ("ForStatement", "WhileStatement", "DoWhileStatement")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one file, with the lines it changes before and after, their white space squeezed."""

    file: str
    function: str
    line: int
    was: str
    now: str
    occurrence: int  # among the equal changes of one function
    source: str

    @property
    def key(self) -> str:
        """Return what tells a mutant from all others and outlives changes elsewhere in its file."""
        return f"{self.file} {self.function} #{self.occurrence}: {self.was} → {self.now}"


def all_mutants(sources: dict[str, str], asts: dict[str, dict]) -> list[Mutant]:
    """Return the mutants of all files but the mocks."""
    enums = {name: members for ast in asts.values() for name, members in enums_of(ast).items()}
    files = [file for file in asts if not file.startswith("contracts/mocks/")]
    return [mutant for file in files for mutant in mutants_of(file, sources[file], asts[file], enums)]


def mutants_of(file: str, source: str, ast: dict, enums: dict[str, list[str]]) -> list[Mutant]:
    """Return every mutant of a file, each once; `enums` are the members of all enums (see `enums_of`)."""
    code = source.encode()
    seen, occurrences, mutants = {code}, Counter(), []
    for function, start, end, new in _walk(ast, code, enums, ""):
        mutated = code[:start] + new + code[end:]
        if mutated in seen:
            continue
        seen.add(mutated)
        was, now = _lines(code, start, end, code[start:end]), _lines(code, start, end, new)
        occurrences[function, was, now] += 1
        number = occurrences[function, was, now]
        mutants.append(Mutant(file, function, code.count(b"\n", 0, start) + 1, was, now, number, mutated.decode()))
    return sorted(mutants, key=lambda mutant: mutant.line)


def enums_of(ast: dict | list) -> dict[str, list[str]]:
    """Return the members of the enums that a file declares, under their full names."""
    found = {}
    if isinstance(ast, dict) and ast.get("nodeType") == "EnumDefinition":
        found[ast["canonicalName"]] = [member["name"] for member in ast["members"]]
    for child in _children(ast):
        found |= enums_of(child)
    return found


def _children(node: dict | list) -> list:
    values = node.values() if isinstance(node, dict) else node
    return [value for value in values if isinstance(value, dict | list)]


def _walk(node, code: bytes, enums: dict, function: str) -> Iterator[tuple[str, int, int, bytes]]:
    if isinstance(node, dict) and "nodeType" in node:
        if node["nodeType"] in ("ContractDefinition", "FunctionDefinition", "ModifierDefinition"):
            function = ".".join(filter(None, [function, node["name"] or node.get("kind")]))
        for start, end, new in _changes(node, code, enums):
            yield function, start, end, new
    for child in _children(node):
        yield from _walk(child, code, enums, function)


def _changes(node: dict, code: bytes, enums: dict) -> Iterator[tuple[int, int, bytes]]:
    kind = node["nodeType"]
    start, end = _span(node)
    if kind == "BinaryOperation":
        left, right = _span(node["leftExpression"]), _span(node["rightExpression"])
        yield from _replaced(code, left[1], right[0], node["operator"], BINARY)
        if node["operator"] in ("&&", "||"):
            yield start, end, code[slice(*left)]
            yield start, end, code[slice(*right)]
    elif kind == "Assignment":
        left, right = _span(node["leftHandSide"]), _span(node["rightHandSide"])
        yield from _replaced(code, left[1], right[0], node["operator"], ASSIGNMENTS)
    elif kind == "UnaryOperation" and node["operator"] in UNARY:
        length = len(node["operator"])
        at = start if node["prefix"] else end - length
        yield at, at + length, UNARY[node["operator"]].encode()
    elif kind == "MemberAccess" and node["expression"]["typeDescriptions"].get("typeString", "").startswith(
        "type(enum"
    ):
        members = enums[node["typeDescriptions"]["typeString"].removeprefix("enum ")]
        following = members[(members.index(node["memberName"]) + 1) % len(members)]
        yield end - len(node["memberName"]), end, following.encode()
    elif kind in ("Literal", "YulLiteral"):
        yield from ((start, end, new.encode()) for new in _neighbours(node))
    elif kind == "ModifierInvocation" and node["kind"] == "modifierInvocation":
        yield start, end, b""
    elif kind == "YulFunctionCall" and node["functionName"]["name"] in YUL:
        yield *_span(node["functionName"]), YUL[node["functionName"]["name"]].encode()
    elif kind in STATEMENTS and code[end:].lstrip().startswith(b";"):  # but the step of a for loop, where `{}` is none
        yield start, code.index(b";", end) + 1, b"{}"
    elif kind in YUL_STATEMENTS:
        yield start, end, b"{}"
    elif kind in BRANCHES:
        yield from ((*_span(node["condition"]), new) for new in (b"true", b"false"))
    elif kind in LOOPS and node.get("condition"):
        yield *_span(node["condition"]), b"false"  # `true` would only wait for the gas to run out


def _span(node: dict) -> tuple[int, int]:
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


def _replaced(code: bytes, start: int, end: int, operator: str, table: dict) -> Iterator[tuple[int, int, bytes]]:
    at = code.index(operator.encode(), start, end)
    for new in table.get(operator, []):
        yield at, at + len(operator), new.encode()


def _neighbours(literal: dict) -> list[str]:
    if literal["kind"] == "bool":
        return ["false" if literal["value"] == "true" else "true"]
    if literal["kind"] != "number":
        return []
    value = int(literal["value"].replace("_", ""), 0)
    return [str(value + 1)] + [str(value - 1)] * (value > 0)


def _lines(code: bytes, start: int, end: int, new: bytes) -> str:
    first = code.rfind(b"\n", 0, start) + 1
    last = code.find(b"\n", end)
    return " ".join((code[first:start] + new + code[end:last]).decode().split())
