"""Attacks on the referee of versions: calldata that no encoder writes, many chunks, the longest recipes."""

from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest
from ape import chain
from ape.exceptions import ContractLogicError

from mlchain.protocol.content import CHUNK_SIZE
from mlchain.protocol.gas import BYTE, CALLS
from mlchain.protocol.terms import MAX_JOBS
from mlchain.tasks.catalogue import open_recipe
from mlchain.training.layers import InputKind, Inputs
from mlchain.training.recipe import Recipe
from tests.contracts.chain_control import reverts, rollback
from tests.referee.lineages import Lineage
from tests.referee.test_versions import LAYER, TINY, changed, model_of, result_of

WORD = 32
SLOWER = replace(LAYER, shift=16, learning_shift=20)
SMALL = replace(SLOWER, kernel_height=1, kernel_width=1, shift=8)
# So many weights that a tree over their first chunk is lower than one over all would be, and a short last piece.
LONG = replace(TINY, inputs=Inputs(5555, 1, 1, InputKind.UNSIGNED, 1), layers=(SLOWER,), bits=8)
DEEP = replace(TINY, layers=(SMALL, *[replace(SMALL, error_shift=6)] * 6, SLOWER), rate_shifts=(1,) * 255)


@pytest.fixture(scope="module")
def empty(server, members):
    """A deployment without a version."""
    return Lineage.deploy(server, members)


def play(lineage: Lineage, recipe: Recipe, jobs: int) -> bytes:
    """Play a round on the first and one on the second version; return what this becomes."""
    opened, first, once = open_recipe(recipe.to_bytes()), model_of(recipe, 1), [result_of(recipe, 1)]
    second = opened.aggregate(first, once)
    lineage.recipe = opened.recipe
    lineage.announce(first, 0)
    lineage.play(1, once)
    lineage.announce(second, 1)
    results = [result_of(recipe, seed) for seed in range(jobs)]
    lineage.play(2, results)
    return opened.aggregate(second, results, first)


def send_raw(lineage: Lineage, sender, data: bytes) -> None:
    """Send the referee of versions these bytes."""
    fields = {"chain_id": chain.chain_id, "nonce": sender.nonce, "gas": 5_000_000, "value": 0}
    fields |= {"max_fee": 2 * chain.provider.base_fee, "max_priority_fee": 0, "type": 2}
    ecosystem = chain.provider.network.ecosystem
    sender.call(ecosystem.create_transaction(receiver=lineage.referee.address, data=data, **fields))


def test_no_calldata_refutes_a_right_version(empty, stranger):
    """Pieces are shown twice in each other's place; then offsets, lengths and numbers are any, and such as wrap."""
    dice = Random(1)
    with rollback():
        empty.announce(play(empty, TINY, 1), 2)
        reader = empty.read()
        ledger = reader.view().ledger
        (call,) = empty.refuter().compare(ledger, ledger.latest_version, 5)
        data = reader.encode(call)[1]
        words = [int.from_bytes(data[at : at + WORD], "big") for at in range(4, len(data), WORD)]
        start = words[6] // WORD + 1  # of the offsets of what is shown
        shown = range(start, start + words[start - 1])
        mutants = [{place: words[other]} for place in shown for other in shown if other != place]
        small = [place for place, word in enumerate(words) if word < len(data)]
        for _ in range(20):
            near = words[dice.choice(small)] + dice.choice([-WORD, 0, WORD])
            value = dice.choice([near, -near, 2**255, 2**64 - 1, dice.randrange(len(data)), -dice.randrange(5000)])
            mutants.append(dict.fromkeys(dice.sample(small, dice.choice([1, 2])), value % 2**256))
        for mutant in mutants:
            changed_words = [mutant.get(place, word) for place, word in enumerate(words)]
            with suppress(ContractLogicError):
                send_raw(empty, stranger, data[:4] + b"".join(word.to_bytes(WORD, "big") for word in changed_words))
            assert empty.factory.refutedVersion() == 0
        with reverts(empty.referee.Follows):
            empty.compare(stranger, 5, ledger)


def test_weights_are_found_in_all_chunks_and_in_the_last_short_piece(empty, stranger):
    with rollback():
        right = play(empty, LONG, 1)
        assert len(right) > CHUNK_SIZE
        places = [0, CHUNK_SIZE // 2 - 1, CHUNK_SIZE // 2, LONG.weights - 1]
        with rollback():
            empty.announce(right, 2)
            ledger = empty.read().view().ledger
            for weight in places:
                with reverts(empty.referee.Follows):
                    empty.compare(stranger, weight, ledger)
        for weight in places:
            with rollback():
                empty.announce(changed(right, weight), 2)
                (call,) = empty.refuter().act(empty.read().view()).calls
                empty.send(stranger, call)
                assert (call.arguments[2], empty.factory.refutedVersion()) == (weight, 3)


def test_the_bound_of_gas_holds_for_the_longest_recipe(empty, stranger):
    used = []
    for jobs in (1, 3):
        with rollback():
            empty.announce(changed(play(empty, DEEP, jobs), DEEP.weights - 1), 2)
            reader = empty.read()
            (call,) = empty.refuter().act(reader.view()).calls
            used.append(reader.send(stranger, call).gas - len(reader.encode(call)[1]) * BYTE)

    each = (used[1] - used[0]) / 2
    assert 2 * (used[0] + (MAX_JOBS - 1) * each) < CALLS["VersionReferee.refuteByWeight"]
