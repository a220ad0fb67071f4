"""The deployment record and its parameters: what is written is read again, and nothing else is."""

import json
from pathlib import Path

import pytest
from eth_utils import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from mlchain.chain.deployment import REFEREES, Deployment, Parameters, record_path
from mlchain.errors import UserError
from mlchain.units import duration, ether

ADDRESSES = st.binary(min_size=20, max_size=20).map(to_checksum_address)


@st.composite
def parameters(draw):
    absence_fee = draw(st.integers(1, 2**88 - 2))
    shortest = draw(st.integers(1, (2**32 - 1) // 3))
    return Parameters(
        draw(st.integers(absence_fee + 1, 2**88 - 1)),
        absence_fee,
        shortest,
        draw(st.integers(3 * shortest, 2**32 - 1)),
        draw(st.integers(1, 256)),
        draw(st.booleans()),
        draw(st.sampled_from(REFEREES)),
        draw(st.integers(1, 2**88)),
    )


@st.composite
def records(draw):
    chosen = draw(parameters())
    return Deployment(
        draw(st.integers(1, 2**63)),
        "0x" + draw(st.binary(min_size=32, max_size=32)).hex(),
        draw(st.integers(0, 2**40)),
        draw(ADDRESSES),
        chosen,
        {contract: draw(ADDRESSES) for contract in chosen.contracts},
    )


RECORD = Deployment(
    1, "0x00", 7, "0x" + "11" * 20, Parameters(), dict.fromkeys(Parameters().contracts, "0x" + "22" * 20)
)


@given(record=records())
def test_a_record_is_read_as_it_was_written(tmp_path_factory, record):
    path = tmp_path_factory.mktemp("records") / "new" / "folder" / "record.json"

    record.save(path)

    assert Deployment.load(path) == record
    assert [file.name for file in path.parent.iterdir()] == ["record.json"]


def test_without_a_file_there_is_no_record(tmp_path):
    assert Deployment.load(tmp_path / "record.json") is None


def broken_records():
    """What may be wrong with a file."""
    RECORD_FIELDS = json.loads(json.dumps({name: getattr(RECORD, name) for name in RECORD.__slots__}, default=vars_of))
    yield b""
    yield b"\xff\xfe\x00"
    yield b"[]"
    yield b"3"
    yield b"{}"
    yield json.dumps(RECORD_FIELDS)[:-5].encode()
    for name in RECORD_FIELDS:
        yield json.dumps({key: value for key, value in RECORD_FIELDS.items() if key != name}).encode()
    for change in (
        {"more": 1},
        {"parameters": 3},
        {"parameters": {"stake": "much"}},
        {"parameters": {"stake": 0}},
        {"addresses": []},
        {"addresses": {}},
        {"addresses": RECORD.addresses | {"Job": "nowhere"}},
        {"addresses": RECORD.addresses | {"Job": 5}},
    ):
        yield json.dumps(RECORD_FIELDS | change).encode()


def vars_of(value):
    return {name: getattr(value, name) for name in value.__slots__}


@pytest.mark.parametrize("content", broken_records(), ids=lambda content: content.decode("latin-1")[-40:])
def test_a_broken_record_is_one_sentence_that_names_the_file(tmp_path, content):
    path = tmp_path / "record.json"
    path.write_bytes(content)

    with pytest.raises(UserError) as refusal:
        Deployment.load(path)

    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_folder_in_place_of_the_record_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="is not a deployment record"):
        Deployment.load(tmp_path)


def test_a_record_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(UserError, match=r"cannot write a deployment record into .*file"):
        RECORD.save(tmp_path / "file" / "record.json")


@pytest.mark.parametrize(
    "changes",
    [
        {"stake": 0},
        {"stake": -1},
        {"stake": 2**88},
        {"absence_fee": 0},
        {"absence_fee": -1},
        {"absence_fee": 10**18},
        {"min_window": 0},
        {"min_window": -600},
        {"min_window": 7 * 24 * 1200 + 1},
        {"max_round_duration": 1799},
        {"max_round_duration": 2**32},
        {"min_seats": 0},
        {"min_seats": 257},
    ],
    ids=str,
)
def test_parameters_that_the_contracts_would_refuse_are_one_sentence(changes):
    with pytest.raises(UserError) as refusal:
        Parameters(**changes)

    (name, value), *_ = changes.items()
    shown = {"stake": ether, "absence_fee": ether, "min_seats": str}.get(name, duration)
    assert shown(value) in str(refusal.value)


def test_a_record_is_one_file_even_if_the_network_is_an_address():
    folder = Path("deployments")

    assert record_path(folder, "ethereum:quorum:node") == folder / "ethereum-quorum-node.json"
    assert record_path(folder, "ethereum:local:http://127.0.0.1:8545") == (
        folder / "ethereum-local-http-127.0.0.1-8545.json"
    )
