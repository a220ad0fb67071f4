"""Nothing that is deployed has an opcode that a chain with Istanbul's rules, such as a Quorum network, lacks."""

import re

import pytest
from ape import project

from mlchain.training import softmax

# Every byte that Istanbul gives a meaning, and INVALID, which the compiler uses where nothing may ever come.
ISTANBUL = {
    *range(0x00, 0x0C),  # STOP to SIGNEXTEND
    *range(0x10, 0x1E),  # LT to SAR
    0x20,  # SHA3
    *range(0x30, 0x48),  # ADDRESS to SELFBALANCE; BASEFEE came with London
    *range(0x50, 0x5C),  # POP to JUMPDEST; TLOAD, MCOPY and PUSH0 came later
    *range(0x60, 0xA5),  # PUSH1 to LOG4
    *range(0xF0, 0xF6),  # CREATE to CREATE2
    0xFA,  # STATICCALL
    0xFD,  # REVERT
    0xFE,  # INVALID
    0xFF,  # SELFDESTRUCT
}
PUSH1, PUSH32 = 0x60, 0x7F
# What the compiler puts after code: hash of the sources, its own version. Code that contains other code has several.
METADATA = re.compile(rb"\xa2\x64ipfs\x58\x22.{34}\x64solc\x43.{3}\x00\x33", re.DOTALL)
TABLE = b"".join((power - 2**15).to_bytes(2, "big") for power in softmax.POWERS.tolist())  # in TrainingJudge
CONTRACTS = sorted(project.contracts)


def opcodes_of(code: bytes) -> set[int]:
    """Return the opcodes in `code`, without what PUSH takes as data, metadata, and the table of a softmax's powers."""
    found = set()
    for part in METADATA.split(code.replace(TABLE, b"")):
        place = 0
        while place < len(part):
            opcode = part[place]
            found.add(opcode)
            place += 1 + (opcode - PUSH1 + 1 if PUSH1 <= opcode <= PUSH32 else 0)
    return found


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_code_of_a_contract_has_no_opcode_newer_than_istanbul(contract):
    contract_type = project.get_contract(contract).contract_type
    codes = [bytes(it) for it in (contract_type.get_deployment_bytecode(), contract_type.get_runtime_bytecode()) if it]

    for code in codes:
        assert {hex(it) for it in opcodes_of(code) - ISTANBUL} == set()


def test_there_is_code_to_look_through():
    """Among it that of contracts which create others: theirs is in their own."""
    assert {"Counter", "Job", "JobFactory", "ModelRegistry", "WorkerRegistry"} <= set(CONTRACTS)
    factory = bytes(project.JobFactory.contract_type.get_deployment_bytecode())
    assert len(METADATA.findall(factory)) == 3, "its own, and those of WorkerRegistry and Job"
    assert len(opcodes_of(factory)) > 40


@pytest.mark.parametrize("newer", [0x1E, 0x48, 0x49, 0x4A, 0x5C, 0x5D, 0x5E, 0x5F], ids=hex)
def test_an_opcode_that_came_later_is_found_and_data_and_metadata_are_not_taken_for_it(newer):
    metadata = b"\xa2\x64ipfs\x58\x22" + bytes([newer]) * 34 + b"\x64solc\x43" + bytes([newer]) * 3 + b"\x00\x33"
    push1, push2, stop = 0x60, 0x61, 0x00

    assert opcodes_of(bytes([push1, 1, newer, stop]) + metadata) - ISTANBUL == {newer}
    assert opcodes_of(bytes([push1, newer, push2, newer, newer, stop]) + metadata + bytes([stop])) <= ISTANBUL
