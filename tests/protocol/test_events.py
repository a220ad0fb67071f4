"""The dataclasses of the events are twins of the contracts' declarations."""

from dataclasses import Field, astuple, fields
from typing import get_args, get_origin

import pytest
from ape import project

from mlchain.chain.deployment import CONTRACTS
from mlchain.protocol.events import Event, Log, Unknown, decode
from mlchain.protocol.game_events import GameTurn
from mlchain.protocol.rounds import Outcome, Verdict
from mlchain.protocol.terms import RoundTerms

EVENTS = [(name, abi) for name in CONTRACTS for abi in project.get_contract(name).contract_type.events]
WORDS = {"bytes": b"x", "bytes32": bytes(32), "address": "0x1", "string": "x"}
EXAMPLES = WORDS | {"bool": True, "tuple": tuple(range(11)), "bytes32[]": (bytes(32),)}
KINDS = {int, str, bytes, bool, tuple, GameTurn, Outcome, RoundTerms, Verdict}


def example(abi) -> dict[str, object]:
    """Return arguments for an event, each of the kind that its ABI says."""
    return {field.name: EXAMPLES.get(field.type, 2) for field in abi.inputs}


def kind_of(field: Field) -> object:
    """Return the class of a field's values."""
    return get_origin(field.type) or field.type


@pytest.mark.parametrize(("contract", "abi"), EVENTS, ids=lambda it: it if isinstance(it, str) else it.name)
def test_every_event_of_the_contracts_is_decoded_into_its_own_kind(contract, abi):
    arguments = example(abi)

    event = decode(abi.name, arguments)

    assert not isinstance(event, Unknown)
    assert Log(event, contract, 1, 0, 0).name == abi.name
    values = [getattr(event, field.name) for field in fields(event)]
    assert [astuple(it) if isinstance(it, RoundTerms) else it for it in values] == list(arguments.values())
    assert [type(it) for it in values] == [kind_of(field) for field in fields(event)]


def test_no_kind_of_event_is_one_that_no_contract_has():
    kinds = {type(decode(abi.name, example(abi))) for _contract, abi in EVENTS}

    assert kinds == set(get_args(Event)) - {Unknown}
    assert {kind_of(field) for kind in kinds for field in fields(kind)} == KINDS


def test_an_event_that_no_contract_has_is_unknown():
    assert decode("Reset", {"by": "0x1"}) == Unknown("Reset")
    assert Log(Unknown("Reset"), "0x2", 1, 0, 0).name == "Reset"
