"""For every kind of layer and number of bits: many entries of traces derive, and as many changed ones do not.

The rules are asked on an Anvil of their own, many at once: a chain in Python would take a night.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import requests
from ape import project
from eth_abi import encode
from eth_utils import keccak
from hypothesis import settings

from mlchain.referee.prover import Prover
from mlchain.training.layers import InputKind, Inputs, Layer, Pooling
from mlchain.training.recipe import BITS, Recipe
from tests.live.node import Node
from tests.referee.cases import case_of, task_of
from tests.referee.test_rules import changed

ENTRIES = 10_000 if settings.get_current_profile_name() == "thorough" else 400
OF_A_TRACE = 200
AT_ONCE = 100
DERIVES = keccak(text="derives(bytes32,bytes,bytes32,uint256,bytes,uint256,bytes)")[:4]
ARGUMENTS = ["bytes32", "bytes", "bytes32", "uint256", "bytes", "uint256", "bytes"]

BYTES = Inputs(2, 5, 4, InputKind.UNSIGNED, 255)
DENSE = Layer(3, 0, 0, 1, 1, 0, Pooling.NONE, 0, 7, 6, 0, 4, 64, 300)
KERNEL = replace(DENSE, kernel_height=2, kernel_width=3, padding=1, stride_height=2)
LAST = replace(DENSE, shift=12, error_shift=5)
LAYERS = {
    "dense": (BYTES, DENSE),
    "signed": (BYTES, replace(DENSE, signed=1)),
    "kernel": (BYTES, KERNEL),
    "greatest of four": (BYTES, replace(KERNEL, stride_height=1, pooling=Pooling.MAX)),
    "sum of four": (BYTES, replace(KERNEL, stride_height=1, pooling=Pooling.SUM)),
    "signed inputs": (replace(BYTES, kind=InputKind.SIGNED), KERNEL),
    "tokens": (Inputs(4, 6, 1, InputKind.TOKENS, 3), replace(DENSE, kernel_height=1, kernel_width=1)),
}


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """An Anvil on which the rules are deployed; its `judge` is their address."""
    node = Node(tmp_path_factory.mktemp("anvil"), 1337)
    node.start()
    code = project.TrainingJudge.contract_type.get_deployment_bytecode()
    sender = node.ask("eth_accounts")[0]
    creation = {"from": sender, "data": "0x" + code.hex(), "gas": hex(8_000_000), "gasPrice": "0x0"}
    sent = node.ask("eth_sendTransaction", creation)
    node.ask("evm_mine")
    node.judge = node.ask("eth_getTransactionReceipt", sent)["contractAddress"]
    yield node
    node.stop()


def traces(kind: str, bits: int, generator: np.random.Generator) -> Iterator[Prover]:
    """Return jobs of two layers, of which the first is of that kind, with small weights and huge ones."""
    seen, layer = LAYERS[kind]
    while True:
        reach = 2 ** int(generator.integers(2, 16))
        displacement = int(generator.integers(0, 3)) if seen.kind is InputKind.UNSIGNED else 0
        recipe = Recipe("many", bytes(32), seen, 3, 4, (layer, LAST), bits, displacement, (0, 2))
        task = task_of(recipe, int(generator.integers(1, 12)), generator)
        model, parent = (generator.integers(-reach, reach, recipe.weights).astype("<i2").tobytes() for _ in "mp")
        yield case_of(task, model, parent if generator.integers(2) else None, int(generator.integers(1, 4)))


def questions(case: Prover, generator: np.random.Generator) -> Iterator[tuple[str, bool]]:
    """Return what is asked about random entries of all tensors, as they are and changed, and the right answers."""
    layout, described = case.trace.layout, case.description
    for _ in range(OF_A_TRACE):
        step = int(generator.integers(layout.last_step + 1))
        tensors = layout.at_step(step)
        tensor = tensors[int(generator.integers(len(tensors)))]
        leaf = int(generator.integers(tensor.leaves))
        position, entry = layout.position(step, tensor, leaf), int(generator.integers(tensor.span(leaf)[2]))
        value, evidence = case.prove(position, entry)
        data = case.trace.leaf(position)
        assert value == case.said(position)[entry]
        by = (1, 256**tensor.width - 1, int(generator.integers(1, 256 ** min(tensor.width, 7))))[generator.integers(3)]
        for shown, follows in ((data, True), (changed(data, tensor.width, entry, by), False)):
            asked = (described.statement, described.to_bytes(), case.root, position, shown, entry, evidence)
            yield "0x" + (DERIVES + encode(ARGUMENTS, asked)).hex(), follows


def answers(node, asked: list[str]) -> list[bool]:
    """Return what the rules say; evidence that they cannot use says nothing."""
    calls = [
        {"jsonrpc": "2.0", "id": number, "method": "eth_call", "params": [{"to": node.judge, "data": data}, "latest"]}
        for number, data in enumerate(asked)
    ]
    found = requests.post(node.url, json=calls, timeout=600).json()
    return [int(it.get("result", "0x0"), 16) == 1 for it in sorted(found, key=lambda it: it["id"])]


@pytest.mark.slow
@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("kind", LAYERS)
def test_every_entry_derives_and_no_changed_one_does(node, kind, bits):
    generator = np.random.default_rng([*kind.encode(), bits])
    asked, done = [], 0

    for case in traces(kind, bits, generator):
        asked += questions(case, generator)
        while len(asked) >= AT_ONCE:
            batch, asked = asked[:AT_ONCE], asked[AT_ONCE:]
            assert answers(node, [data for data, _ in batch]) == [follows for _, follows in batch]
            done += AT_ONCE // 2
        if done >= ENTRIES:
            return
