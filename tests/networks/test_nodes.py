"""A network is written once, and its validators start, stop and fail without leaving anything behind."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from eth_account import Account
from eth_keyfile import keyfile
from eth_keys.datatypes import PrivateKey

from networks import nodes
from networks.__main__ import commands
from networks.plan import PASSPHRASE, Network, NetworkError, write_account
from tests.networks.ports import free_ports

FAKE = Path(__file__).with_name("fake_geth.py")
QUICKSTART = Path(__file__).parents[2] / "setup" / "quorum.sh"


@pytest.fixture
def geth(tmp_path):
    """A client's program."""
    path = tmp_path / "geth"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def run():
    """Run a command; return its output if all went well, else the sentence that it ended with."""

    def run(*words):
        result = CliRunner(mix_stderr=False).invoke(commands, [str(word) for word in words])
        if result.exit_code:
            assert isinstance(result.exception, SystemExit), result.exception
            assert result.stderr.count("\n") == 1
            return result.stderr.strip()
        return result.stdout

    return run


@pytest.fixture(params=["goquorum", "geth"])
def client(request):
    return request.param


@pytest.fixture
def folder(run, tmp_path):
    """A network of three GoQuorum validators, written but not started."""
    path = tmp_path / "network with a blank"
    write(run, path, "goquorum")
    yield path
    nodes.stop(Network.load(path), (), print)


def write(run, path, client):
    ports = free_ports(6)
    choice = ["--client", client, "--validators", 3, "--rpc-port", ports, "--peer-port", ports + 3, "--workers", 2]
    return run("write", path, *choice)


def processes(folder):
    network = Network.load(folder)
    return [nodes.process_of(network, member) for member in network.validators]


def test_a_network_has_a_key_for_each_validator_and_accounts_for_ape(run, tmp_path, client):
    path = tmp_path / "network"

    write(run, path, client)

    network = Network.load(path)
    genesis = json.loads((path / "genesis.json").read_text())
    for member in network.validators:
        key = PrivateKey(bytes.fromhex((network.home_of(member) / "nodekey").read_text()))
        assert key.public_key.to_checksum_address() == member.address
        assert member.address[2:].lower() in genesis["extraData"]
        peers = (network.home_of(member) / "config.toml").read_text()
        assert peers.count("enode://") == 2
        assert key.public_key.to_hex()[2:] not in peers, "nobody is its own peer"
    key_files = sorted((path / "ape" / "accounts").iterdir())
    assert [file.stem for file in key_files] == ["server", "worker1", "worker2"]
    owners = {Account.from_key(Account.decrypt(file.read_text(), PASSPHRASE)).address for file in key_files}
    assert owners == set(genesis["alloc"])


def test_nobody_else_can_read_a_key(run, tmp_path, client):
    write(run, tmp_path / "network", client)

    secrets = [*tmp_path.rglob("nodekey"), *tmp_path.rglob("validator.json"), *tmp_path.rglob("accounts/*")]

    assert len(secrets) >= 6
    assert {path.stat().st_mode & 0o077 for path in secrets} == {0}


def test_a_network_is_not_written_over_another(run, folder):
    assert run("write", folder) == f"error: {folder} is not empty: choose another folder, or delete it"


def test_where_no_network_is_nothing_can_be_started(run, tmp_path):
    for command in ("start", "stop", "status"):
        assert "there is no network in" in run(command, tmp_path)


def test_validators_start_once_and_stop(run, folder, geth):
    said = run("start", folder, "--geth", geth)
    running = processes(folder)

    assert all(running)
    assert "validator 3 of 3 started" in said
    assert "started" not in run("start", folder, "--geth", geth)
    assert processes(folder) == running
    assert run("status", folder).count("block 5") == 3

    assert run("stop", folder).count("stopped") == 3
    assert processes(folder) == [None] * 3
    assert run("stop", folder) == ""
    assert run("status", folder).count("is not running") == 3


def test_the_first_block_of_a_new_clique_chain_is_due_when_its_validators_are_connected(run, tmp_path, geth):
    write(run, tmp_path / "clique", "geth")
    genesis = tmp_path / "clique" / "genesis.json"
    written = json.loads(genesis.read_text())
    before = int(time.time())

    run("start", tmp_path / "clique", "--geth", geth)
    started = json.loads(genesis.read_text())
    due = int(started["timestamp"], 16)
    run("stop", tmp_path / "clique")

    assert before + nodes.HEAD_START <= due <= time.time() + nodes.HEAD_START
    assert started == written | {"timestamp": started["timestamp"]}
    run("start", tmp_path / "clique", "--geth", geth)
    run("stop", tmp_path / "clique")
    assert json.loads(genesis.read_text()) == started, "the validators have a chain that begins with it"


def test_a_key_file_has_all_the_digits_that_geth_needs(tmp_path, monkeypatch):
    monkeypatch.setattr(keyfile.Random, "get_random_bytes", lambda size: bytes(2) + bytes(range(2, size)))

    address = write_account(tmp_path, "alice")
    written = (tmp_path / "accounts" / "alice.json").read_text()

    assert len(json.loads(written)["crypto"]["cipherparams"]["iv"]) == 32
    assert Account.from_key(Account.decrypt(written, PASSPHRASE)).address == address


def test_one_validator_can_be_stopped_and_started_again(run, folder, geth):
    run("start", folder, "--geth", geth)
    before = processes(folder)

    run("stop", folder, "--only", 2)
    assert processes(folder) == [before[0], None, before[2]]

    run("start", folder, "--geth", geth, "--only", 2)
    assert processes(folder)[1] not in (None, before[1])
    assert run("stop", folder, "--only", 7) == "error: there is no validator 7: they are numbered 1 to 3"


def test_a_validator_that_ends_takes_the_others_with_it(run, folder, geth, monkeypatch):
    monkeypatch.setenv("FAKE_GETH", "die")

    assert run("start", folder, "--geth", geth) == "error: validator 2 has exited: Fatal: port is taken"
    assert processes(folder) == [None] * 3


def test_validators_without_blocks_are_not_waited_for_for_ever(run, folder, geth, monkeypatch):
    monkeypatch.setenv("FAKE_GETH", "no blocks")
    monkeypatch.setattr(nodes, "PATIENCE", 1)

    said = run("start", folder, "--geth", geth)

    assert "not all are at block 2: validator 1 at 0, 2 at 0, 3 at 0; see" in said
    assert processes(folder) == [None] * 3


def test_a_client_that_is_not_there_or_refuses_the_genesis_is_one_sentence(run, folder, geth, monkeypatch):
    monkeypatch.setenv("FAKE_GETH", "refuse")

    assert run("start", folder, "--geth", "/nowhere") == "error: /nowhere cannot be run: No such file or directory"
    refused = f"error: {geth} does not take the genesis block: Fatal: invalid genesis file"
    assert run("start", folder, "--geth", geth) == refused


def test_a_process_that_got_the_number_of_an_ended_validator_is_left_alone(run, folder):
    (folder / "node1" / "pid").write_text(str(os.getpid()))

    assert run("stop", folder) == ""
    assert processes(folder) == [None] * 3


def test_it_is_a_program():
    done = subprocess.run([sys.executable, "-m", "networks", "--help"], capture_output=True, text=True)

    assert "Write keys, genesis, static nodes" in done.stdout


@pytest.mark.parametrize(
    ("client", "sentence"),
    [
        ("besu", "error: no Docker daemon answers"),
        ("goquorum", "error: no Docker daemon answers"),
        ("parity", "error: CLIENT must be besu or goquorum, not parity"),
    ],
)
def test_a_quickstart_that_cannot_be_started_is_one_sentence(tmp_path, client, sentence):
    environment = os.environ | {"CLIENT": client, "DOCKER_HOST": f"unix://{tmp_path}/nothing"}

    done = subprocess.run(["sh", QUICKSTART, "up"], env=environment, capture_output=True, text=True)

    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1


def test_a_network_file_that_is_not_one_is_one_sentence(tmp_path):
    (tmp_path / "network.json").write_text('{"client": "geth"}')

    with pytest.raises(NetworkError, match="there is no network"):
        Network.load(tmp_path)
