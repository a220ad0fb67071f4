"""Every kind of change is made wherever it can be, and nothing else is changed."""

import pytest

from mutants.generate import all_mutants

FILE = "contracts/Snippet.sol"
SOURCE = """
pragma solidity 0.8.30;

contract Snippet {
    enum Colour { Red, Green, Blue } // « not ASCII »

    event Seen(uint256 value);

    uint256 public constant LIMIT = 1_0;
    uint256 public total;

    modifier locked() {
        _;
    }

    function compare(uint256 a, uint256 b) external pure returns (bool) {
        bool less = (a) < (b);
        bool most = a >= b;
        bool equal = a == b;
        return less && most || !equal;
    }

    function compute(uint256 a, uint256 b) external pure returns (uint256 c) {
        c = a * b;
        c += a % b;
        c |= a << 8;
        c = a ^ b;
    }

    function act(uint256[] calldata values) external locked {
        require(
            values.length > 0x2
        );
        for (uint256 i = 0; i < values.length; ++i) {
            if (values[i] == total) continue;
            delete total;
        }
        emit Seen(total);
    }

    function choose(bool first) external pure returns (Colour) {
        do first = true; while (!first);
        return first ? Colour.Red : Colour.Blue;
    }

    function assemble(uint256 a) external pure returns (uint256 b) {
        assembly {
            mstore(0x20, a)
            b := or(shl(1, a), a)
        }
    }
}
"""
CHANGES = {
    "uint256 public constant LIMIT = 1_0;": ["LIMIT = 11", "LIMIT = 9"],
    "bool less = (a) < (b);": ["(a) <= (b)"],
    "bool most = a >= b;": ["a > b"],
    "bool equal = a == b;": ["a != b"],
    "return less && most || !equal;": [
        "{}",
        "less && most && !equal",
        "return less && most;",
        "return !equal;",
        "less || most || !equal",
        "return less || !equal;",
        "return most || !equal;",
        "less && most || equal",
    ],
    "c = a * b;": ["{}", "a / b"],
    "c += a % b;": ["{}", "c -= a % b", "c = a % b", "a * b"],
    "c |= a << 8;": ["{}", "c &= a << 8", "c = a << 8", "a >> 8", "a << 9", "a << 7"],
    "c = a ^ b;": ["{}", "a & b"],
    "function act(uint256[] calldata values) external locked {": ["external {"],
    "require( values.length > 0x2 );": ["{}"],
    "values.length > 0x2": ["values.length >= 0x2", "values.length > 3", "values.length > 1"],
    "for (uint256 i = 0; i < values.length; ++i) {": ["i = 1", "i <= values.length", "; false;", "--i"],
    "if (values[i] == total) continue;": ["values[i] != total", "(true)", "(false)", "total) {}"],
    "delete total;": ["{}"],
    "emit Seen(total);": ["{}"],
    "do first = true; while (!first);": ["do {} while", "first = false", "while (false)", "while (first)"],
    "return first ? Colour.Red : Colour.Blue;": [
        "{}",
        "true ? Colour",
        "false ? Colour",
        "? Colour.Green :",
        ": Colour.Red;",
    ],
    "mstore(0x20, a)": ["{}", "mstore(33, a)", "mstore(31, a)"],
    "b := or(shl(1, a), a)": ["{}", "and(shl(1, a), a)", "shr(1, a)", "shl(2, a)", "shl(0, a)"],
}


@pytest.fixture(scope="module")
def mutants(solc):
    """The mutants of the snippet."""
    request = {"language": "Solidity", "settings": {"outputSelection": {"*": {"": ["ast"]}}}}
    output = solc.compile(request | {"sources": {FILE: {"content": SOURCE}}})
    return all_mutants({FILE: SOURCE}, {FILE: output["sources"][FILE]["ast"]})


@pytest.mark.parametrize("line", CHANGES)
def test_a_line_is_changed_in_every_way_that_there_is(mutants, line):
    changed = [mutant.now for mutant in mutants if mutant.was == line]

    assert len(changed) == len(CHANGES[line])
    for change in CHANGES[line]:
        assert [now for now in changed if change in now]


def test_nothing_else_is_changed(mutants):
    assert {mutant.was for mutant in mutants} == set(CHANGES)


def test_no_mutant_is_the_original_or_another_one(mutants):
    assert len({SOURCE, *[mutant.source for mutant in mutants]}) == len(mutants) + 1


def test_every_mutant_has_a_key_of_its_own(mutants):
    assert len({mutant.key for mutant in mutants}) == len(mutants)


def test_a_mutant_says_where_it_is(mutants):
    (mutant,) = [mutant for mutant in mutants if mutant.was == "emit Seen(total);"]

    assert SOURCE.splitlines()[mutant.line - 1].strip() == mutant.was
    assert mutant.function == "Snippet.act"


def test_a_mutant_differs_from_the_original_in_nothing_but_its_change(mutants):
    for mutant in mutants:
        assert " ".join(SOURCE.split()).replace(mutant.was, mutant.now, 1) == " ".join(mutant.source.split())
