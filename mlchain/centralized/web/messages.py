"""Binary bodies: the reply to a request for work."""

import struct

LONGEST_WAIT = 25.0  # seconds that a request for work may wait for an answer; proxies give up after 30 or 60

_HEAD = struct.Struct("<II")


def pack_work(version: int, share: int, weights: bytes) -> bytes:
    """Return the body that hands out work: version and share, little-endian, then the weights."""
    return _HEAD.pack(version, share) + weights


def unpack_work(body: bytes) -> tuple[int, int, bytes]:
    """Return (version, share, weights); raises ValueError for a body that is too short."""
    if len(body) < _HEAD.size:
        raise ValueError(f"a reply of {len(body)} bytes, at least {_HEAD.size} wanted")
    return (*_HEAD.unpack_from(body), body[_HEAD.size :])
