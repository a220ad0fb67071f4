"""Accounts that transactions are sent from: Ape's, and those of a simulation."""

import os
import re
from collections.abc import Callable

import click
from ape import accounts, networks
from ape.api import AccountAPI as AccountAPI  # for modules that must not import Ape themselves
from ape.exceptions import AccountsError
from ape_test.accounts import TestAccount
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils import is_address, to_checksum_address

from mlchain.errors import UserError


def load_account(alias: str | None) -> AccountAPI:
    """Return the account of that name; on a development chain also a test account, such as TEST::3.

    Without a name, it is the first test account. Raises UserError when there is none, or its key file is damaged.
    """
    if alias is None:
        if not networks.provider.network.is_dev:
            raise UserError("no account given: choose one of `ape accounts list` with --account")
        return accounts.test_accounts[0]
    number = re.fullmatch(r"TEST::([0-9]{1,9})", alias)  # what Ape calls its test accounts, but does not load
    try:
        if number and networks.provider.network.is_dev:
            return accounts.test_accounts[int(number[1])]
        account = accounts.load(alias)
    except (AccountsError, IndexError, KeyError) as error:
        raise UserError(f"there is no account {alias!r}: `ape accounts list` shows all") from error
    try:
        account.address  # noqa: B018 - Ape reads the key file for it
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise UserError(f"the key file of the account {alias!r} is damaged") from error
    return account


def address_named(name: str) -> str:
    """Return an address as it is, or that of the account of a name; raises UserError when it is neither."""
    return to_checksum_address(name) if is_address(name) else str(load_account(name).address)


def load_unattended(alias: str | None) -> AccountAPI:
    """Return the account of that name, unlocked for as long as the program runs.

    It asks for the passphrase once, unless Ape's own variable has it. Raises UserError when the account is not there or
    the passphrase is wrong.
    """
    account = load_account(alias)
    if hasattr(account, "set_autosign"):
        try:
            account.set_autosign(True)
        except AccountsError as error:
            raise UserError(f"the account {alias!r} cannot be unlocked: {error}") from error
        except click.Abort as error:
            variable = _passphrase_variable(alias)
            raise UserError(f"nobody is there to enter the passphrase of {alias!r}: set {variable} to it") from error
    return account


def load_signer(alias: str | None) -> AccountAPI:
    """Return the account of that name, which asks before it signs unless Ape's own variable has its passphrase."""
    return load_unattended(alias) if _passphrase_variable(alias) in os.environ else load_account(alias)


def _passphrase_variable(alias: str | None) -> str:
    """Return the variable of the environment from which Ape takes the passphrase of an account."""
    return f"APE_ACCOUNTS_{alias}_PASSPHRASE"


def account_from_secret(secret: bytes) -> AccountAPI:
    """Return an account whose key is these 32 bytes: for simulations, where keys come from a seed."""
    account = Account.from_key(secret)
    return TestAccount(index=0, address_str=account.address, private_key=account.key.to_0x_hex())


def signer_for(account: AccountAPI) -> Callable[[str], bytes]:
    """Return a function that signs texts with an account."""

    def sign(text: str) -> bytes:
        signature = account.sign_message(encode_defunct(text=text))
        if signature is None:
            raise UserError(f"the account {account.address} did not sign")
        return bytes(signature.encode_rsv())

    return sign
