"""Values on their way into and out of a contract."""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, fields, is_dataclass
from typing import cast

from mlchain.protocol.events import Value


def to_abi(value: object) -> object:
    """Return a value as Ape encodes it: a dataclass as a tuple."""
    return astuple(value) if is_dataclass(value) and not isinstance(value, type) else value


def from_abi(value: object) -> Value:
    """Return a decoded value as a plain one: Ape's integers and structs know more than we need."""
    if isinstance(value, bool | bytes):
        return bytes(value) if isinstance(value, bytes) else value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return str(value)
    if is_dataclass(value) or isinstance(value, Iterable):
        return struct_from_abi(value)
    return cast(Value, value)  # None, where Ape decodes nothing


def struct_from_abi(value: object) -> tuple[Value, ...]:
    """Return a decoded struct, array or tuple as a tuple of plain values; raises TypeError for what is none."""
    if is_dataclass(value):
        return tuple(from_abi(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, Mapping):
        return tuple(from_abi(item) for item in value.values())
    if isinstance(value, Iterable):
        return tuple(from_abi(item) for item in value)
    raise TypeError(f"a {type(value).__name__} is no struct of a contract")
