"""Whose key is locked is told how to unlock it, and a damaged key file concerns its own account alone."""

import json

import click
import pytest
from ape import accounts, config
from eth_account import Account

from mlchain.chain.accounts import load_account, load_unattended
from mlchain.errors import TransactionFailed, UserError
from mlchain.protocol.calls import Call
from tests.chain.anvil import anvil, connected

PASSPHRASE = "a passphrase"


@pytest.fixture
def alice():
    """Return the name of an account that is locked, in a folder of its own beside a damaged key file."""
    with config.isolate_data_folder():
        folder = accounts.containers["accounts"].data_folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a-damaged-one.json").write_text('{"address": ')
        (folder / "alice.json").write_text(json.dumps(Account.encrypt(bytes(31) + b"\1", PASSPHRASE, iterations=2)))
        yield "alice"


def test_without_anybody_to_ask_the_variable_that_takes_the_passphrase_is_named(alice, monkeypatch):
    def nobody(*_arguments: object, **_named: object) -> None:
        raise click.Abort  # as click does at the end of the input

    monkeypatch.setattr(click, "prompt", nobody)

    with pytest.raises(UserError, match=f"^nobody is there to enter .* set APE_ACCOUNTS_{alice}_PASSPHRASE to it$"):
        load_unattended(alice)


def test_a_wrong_passphrase_is_one_sentence_and_the_right_one_unlocks(alice, monkeypatch):
    monkeypatch.setenv(f"APE_ACCOUNTS_{alice}_PASSPHRASE", "another")
    with pytest.raises(UserError, match=f"^the account '{alice}' cannot be unlocked: Invalid password$"):
        load_unattended(alice)

    monkeypatch.setenv(f"APE_ACCOUNTS_{alice}_PASSPHRASE", PASSPHRASE)
    assert load_unattended(alice).address == Account.from_key(bytes(31) + b"\1").address


def test_a_damaged_key_file_is_one_sentence(alice):
    with pytest.raises(UserError, match=r"^the key file of the account 'a-damaged-one' is damaged$"):
        load_account("a-damaged-one")


def test_a_refusal_is_told_of_whatever_key_files_of_others_there_are(alice, capfd):
    """Ape looked through all of them for the trace of what was refused, and printed that trace."""
    with anvil() as node, connected(node) as chain:
        registry = chain.deploy(accounts.test_accounts[0], "ModelRegistry").address

        with pytest.raises(TransactionFailed, match=r"^the chain refused ModelRegistry.announce: NotTheServer\("):
            chain.send(
                accounts.test_accounts[1], Call("ModelRegistry", "announce", (0, bytes(32), 10), address=registry)
            )

    assert "Call trace" not in capfd.readouterr().out
