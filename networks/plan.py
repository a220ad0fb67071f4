"""A network's folder: keys, genesis, peers, and accounts for Ape. None of its keys is for real money.

`network.json` has what is needed to start the network and to talk to it; every validator has a folder `node<number>`.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from eth_account import Account
from eth_keys.datatypes import PrivateKey

from networks.genesis import clique_genesis, qbft_genesis

ETHER = 10**18
PASSPHRASE = "local"  # of every key file: they are for a network on this machine
IV_DIGITS = 32
HOST = "127.0.0.1"
SERVER_BALANCE = 1_000_000 * ETHER
GENESIS: dict[str, Callable[..., dict]] = {"goquorum": qbft_genesis, "geth": clique_genesis}


class NetworkError(Exception):
    """An error that a person can correct; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Validator:
    """A validator: its address, and the ports on this machine where it talks to programs and to the others."""

    number: int
    address: str
    rpc_port: int
    peer_port: int

    @property
    def url(self) -> str:
        """Where programs reach it."""
        return f"http://{HOST}:{self.rpc_port}"


@dataclass(frozen=True, slots=True)
class Network:
    """A written network."""

    folder: Path
    client: str
    chain_id: int
    validators: tuple[Validator, ...]

    def home_of(self, validator: Validator) -> Path:
        """Return the folder of a validator."""
        return self.folder / f"node{validator.number}"

    @property
    def accounts(self) -> Path:
        """The folder to give Ape as APE_DATA_FOLDER, whose accounts have ether here."""
        return self.folder / "ape"

    @classmethod
    def load(cls, folder: Path) -> "Network":
        """Read what `write` wrote; raises NetworkError when there is nothing."""
        try:
            fields = json.loads((folder / "network.json").read_text())
            validators = tuple(Validator(**it) for it in fields["validators"])
            return cls(folder.resolve(), fields["client"], fields["chain_id"], validators)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise NetworkError(f"there is no network in {folder}: write one with `python -m networks write`") from error


def write(
    folder: Path,
    client: str,
    validators: int,
    chain_id: int,
    period: int,
    workers: int,
    worker_balance: int,
    rpc_port: int,
    peer_port: int,
) -> Network:
    """Write a network whose validators have consecutive ports; raises NetworkError where there is one already."""
    folder = folder.resolve()
    if folder.exists() and any(folder.iterdir()):
        raise NetworkError(f"{folder} is not empty: choose another folder, or delete it")
    keys = [PrivateKey(os.urandom(32)) for _ in range(validators)]
    members = tuple(
        Validator(number, key.public_key.to_checksum_address(), rpc_port + number - 1, peer_port + number - 1)
        for number, key in enumerate(keys, 1)
    )
    network = Network(folder, client, chain_id, members)
    balances = {write_account(network.accounts, "server"): SERVER_BALANCE}
    for number in range(1, workers + 1):
        balances[write_account(network.accounts, f"worker{number}")] = worker_balance

    genesis = GENESIS[client](chain_id, [it.address for it in members], period, balances)
    (folder / "genesis.json").write_text(json.dumps(genesis, indent=2) + "\n")
    enodes = [
        f"enode://{key.public_key.to_hex()[2:]}@{HOST}:{member.peer_port}?discport=0"
        for key, member in zip(keys, members, strict=True)
    ]
    for key, member in zip(keys, members, strict=True):
        _write_node(network, member, key, enodes)
    record = {"client": client, "chain_id": chain_id, "validators": [asdict(it) for it in members]}
    (folder / "network.json").write_text(json.dumps(record, indent=2) + "\n")  # last: now it is complete
    return network


def write_account(data_folder: Path, name: str) -> str:
    """Write a new key file into a data folder of Ape's; return the address."""
    account = Account.create()
    _write_key_file(data_folder / "accounts" / f"{name}.json", bytes(account.key))
    return account.address


def _write_key_file(path: Path, key: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    encrypted = Account.encrypt(key, PASSPHRASE, kdf="pbkdf2", iterations=2)
    parameters = encrypted["crypto"]["cipherparams"]
    parameters["iv"] = parameters["iv"].zfill(IV_DIGITS)  # eth-keyfile leaves out leading zeros, and Geth panics
    _write_secret(path, json.dumps(encrypted))


def _write_node(network: Network, member: Validator, key: PrivateKey, enodes: list[str]) -> None:
    home = network.home_of(member)
    home.mkdir()
    _write_secret(home / "nodekey", key.to_hex()[2:])
    _write_secret(home / "passphrase", PASSPHRASE)
    if network.client == "geth":  # seals with an account, GoQuorum with the node's own key
        _write_key_file(home / "data" / "keystore" / "validator.json", key.to_bytes())
    others = [enode for number, enode in enumerate(enodes, 1) if number != member.number]
    (home / "config.toml").write_text(
        "[Node.P2P]\n"
        f'ListenAddr = "{HOST}:{member.peer_port}"\n'
        "NoDiscovery = true\n"
        f"StaticNodes = {json.dumps(others)}\n"
    )


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
