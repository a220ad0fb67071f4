"""Who sent a request: an Ethereum key signs what is asked, of which server, on which chain, once, and until when."""

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils.address import is_checksum_address

LONGEST_LIFE = 60  # seconds that a signature is good for, and that its nonce has to be remembered
NONCE_SIZE = 16
RECOVERIES = (b"\x1b", b"\x1c")  # what a signature ends in: 27 or 28

HEADERS = {  # of a signed request, and their forms
    "worker": re.compile(r"0x[0-9a-fA-F]{40}"),
    "nonce": re.compile(rf"[0-9a-f]{{{2 * NONCE_SIZE}}}"),
    "expires": re.compile(r"[1-9][0-9]{0,11}"),
    "signature": re.compile(r"0x[0-9a-f]{130}"),
}

Signer = Callable[[str], bytes]  # from a text to the 65 bytes of its signature, as wallets sign messages (EIP-191)


class NotSigned(Exception):
    """A request whose signature is missing, foreign or stale; the message says which."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which server a signature is for: a `Counter` on a chain."""

    chain_id: int
    counter: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """The headers of a signed request: who signs, a number used once, when it expires in Unix seconds."""

    worker: str
    nonce: str
    expires: int
    signature: bytes


def signed_text(place: Place, method: str, target: str, body: bytes, stamp: Stamp) -> str:
    """Return what is signed for a request; `target` is its path and query. A wallet shows it as it is."""
    return "\n".join(
        (
            "ml-on-blockchain request",
            f"chain {place.chain_id}",
            f"counter {place.counter}",
            f"{method} {target}",
            f"body {hashlib.sha256(body).hexdigest()}",
            f"nonce {stamp.nonce}",
            f"expires {stamp.expires}",
        )
    )


def sign_request(
    sign: Signer, worker: str, place: Place, method: str, target: str, body: bytes, now: float
) -> dict[str, str]:
    """Return the headers that prove that `worker` makes this request, once and within half of the longest life."""
    unsigned = Stamp(worker, secrets.token_hex(NONCE_SIZE), int(now) + LONGEST_LIFE // 2, b"")
    signature = sign(signed_text(place, method, target, body, unsigned))
    return {
        "worker": worker,
        "nonce": unsigned.nonce,
        "expires": str(unsigned.expires),
        "signature": "0x" + signature.hex(),
    }


def read_stamp(headers: Mapping[str, str], now: float) -> Stamp:
    """Read the headers of a request, without any arithmetic; raises NotSigned for what can be refused at sight."""
    for name, form in HEADERS.items():
        if not form.fullmatch(headers.get(name, "")):
            raise NotSigned(f"the header {name!r} is missing or malformed")
    worker, expires = headers["worker"], int(headers["expires"])
    if not is_checksum_address(worker):
        raise NotSigned("the header 'worker' is not an address with its checksum")
    if expires <= now:
        raise NotSigned("the signature has expired")
    if expires > now + LONGEST_LIFE:
        raise NotSigned(f"the signature is good for more than {LONGEST_LIFE} seconds")
    return Stamp(worker, headers["nonce"], expires, bytes.fromhex(headers["signature"][2:]))


def check_signature(stamp: Stamp, place: Place, method: str, target: str, body: bytes) -> None:
    """Raise NotSigned unless the worker that a stamp names has signed this very request for this server."""
    # Other numbers there are read as the chain's own by eth-account, so that one signature would have many forms.
    if stamp.signature[-1:] not in RECOVERIES:
        raise NotSigned("the signature does not end in 27 or 28")
    message = encode_defunct(text=signed_text(place, method, target, body, stamp))
    try:
        signer = Account.recover_message(message, signature=stamp.signature)
    except Exception as error:  # the libraries below raise many kinds for bytes that are no signature
        raise NotSigned("the signature is none") from error
    if signer != stamp.worker:
        raise NotSigned("the signature is not the worker's, or not for this request, server and chain")


def signer_of(secret: bytes) -> Signer:
    """Return what signs with a key of 32 bytes."""
    account = Account.from_key(secret)
    return lambda text: bytes(account.sign_message(encode_defunct(text=text)).signature)
