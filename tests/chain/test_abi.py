"""Decoded values become plain ones, whatever Ape decodes them to."""

from mlchain.chain.abi import from_abi


class Text(str):
    """Ape's addresses are texts with more to them."""


def test_a_struct_becomes_the_tuple_of_its_fields():
    assert from_abi({"count": 3, "inner": {"flag": True, "data": b"x"}}) == (3, (True, b"x"))


def test_a_list_becomes_a_tuple():
    assert from_abi([1, [b"x", "y"]]) == (1, (b"x", "y"))


def test_a_text_becomes_a_plain_one():
    assert type(from_abi(Text("0x00"))) is str


def test_nothing_stays_nothing():
    assert from_abi(None) is None
