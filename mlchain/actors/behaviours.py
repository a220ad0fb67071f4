"""How a worker answers: a behaviour is a value, and the honest one is one of them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Assignment:
    """A seat to answer for; `solve` computes the honest result."""

    worker: str
    job: str
    solve: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A way to answer: `answer` returns the result to commit to, or None to stay silent."""

    name: str
    is_honest: bool
    answer: Callable[[Assignment], bytes | None]


def _solve(assignment: Assignment) -> bytes:
    return assignment.solve()


def _keep_silent(_: Assignment) -> None:
    return None


def _spoil_alone(assignment: Assignment) -> bytes:
    return _spoil(assignment.solve(), assignment.worker)


def _spoil_together(assignment: Assignment) -> bytes:
    return _spoil(assignment.solve(), assignment.job)


def _spoil(result: bytes, key: str) -> bytes:
    """Return a result of the same size that differs from the honest one and for every key, in its first 16 bytes.

    The odd first byte of the mask keeps it from being zero. The rest stays: a lie that is hard to see is the best one.
    """
    mask = bytearray(hashlib.sha256(key.encode()).digest()[:16])
    mask[0] |= 1
    return bytes(byte ^ bit for byte, bit in zip(result, mask, strict=False)) + result[len(mask) :]


HONEST = Behaviour("honest", True, _solve)
SILENT = Behaviour("silent", False, _keep_silent)
WRONG = Behaviour("wrong", False, _spoil_alone)
COLLUDING = Behaviour("colluding", False, _spoil_together)

BEHAVIOURS = {behaviour.name: behaviour for behaviour in (HONEST, SILENT, WRONG, COLLUDING)}
