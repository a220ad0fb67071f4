"""The recipe: all a worker must know about a job apart from the model, the round and the job's index."""

import re
import struct
from dataclasses import astuple, dataclass

from mlchain.training.layers import Layer, RecipeError, require_in_range, require_layers

WIDE = 16  # bits of a weight's change in a result of version 1, which says nothing about them
BITS = (1, 2, 4, 8, WIDE)
DIGEST_SIZE = 32
CHAIN_LIMIT = 128 * 24_576  # bytes of the longest model or result the chain takes: 128 chunks

_HEAD = struct.Struct("<B8s32sHHB")
_LAYER = struct.Struct("<HHHBBBBH")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A learning task's description, as published on the chain.

    One that could overflow, or that the chain could not take, raises `RecipeError`.
    """

    task: str  # 1 to 8 lower-case letters and digits
    fingerprint: bytes  # SHA-256 of the data set; 32 zero bytes when there is none
    local_steps: int  # of one job
    batch: int  # samples a step
    layers: tuple[Layer, ...]
    bits: int = WIDE  # that a result spends on the change of a weight

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]{1,8}", self.task):
            raise RecipeError(f"task {self.task!r} is not 1 to 8 lower-case letters and digits")
        if len(self.fingerprint) != DIGEST_SIZE:
            raise RecipeError(f"a fingerprint of {len(self.fingerprint)} bytes, {DIGEST_SIZE} wanted")
        require_in_range("local steps", self.local_steps, 1, 65535)
        require_in_range("batch", self.batch, 1, 65535)
        require_layers(self.layers, self.batch)
        if self.bits not in BITS:
            raise RecipeError(f"{self.bits} bits for a change: choose one of {', '.join(map(str, BITS))}")
        require_in_range("model size", self.model_size, 1, CHAIN_LIMIT)
        require_in_range("result size", self.result_size, 1, CHAIN_LIMIT)

    @property
    def weights(self) -> int:
        """Return the number of weights of all layers."""
        return sum(layer.size for layer in self.layers)

    @property
    def model_size(self) -> int:
        """Return the bytes of every model: an int16 a weight."""
        return 2 * self.weights

    @property
    def result_size(self) -> int:
        """Return the bytes of every result: changes, a SHA-256, and losses; see `encoding`."""
        if self.bits == WIDE:
            return 2 * self.weights + DIGEST_SIZE + 4 * self.local_steps
        return 2 * len(self.layers) + -(-self.weights * self.bits // 8) + DIGEST_SIZE + 8

    def to_bytes(self) -> bytes:
        """Return the canonical bytes: head, bits unless they are 16, then layers; fields in order, little-endian."""
        version, bits = (1, b"") if self.bits == WIDE else (2, bytes([self.bits]))
        name = self.task.encode("ascii")
        head = _HEAD.pack(version, name, self.fingerprint, self.local_steps, self.batch, len(self.layers))
        return head + bits + b"".join(_LAYER.pack(*astuple(layer)) for layer in self.layers)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Recipe":
        """Read canonical bytes. Anything that `to_bytes` does not write raises `RecipeError`."""
        if len(data) < _HEAD.size:
            raise RecipeError(f"a recipe of {len(data)} bytes, at least {_HEAD.size} wanted")
        version, name, fingerprint, local_steps, batch, count = _HEAD.unpack_from(data)
        if version not in (1, 2):
            raise RecipeError(f"a recipe of version {version}, 1 or 2 wanted")
        start = _HEAD.size + (version == 2)
        if len(data) != start + count * _LAYER.size:
            raise RecipeError(f"a recipe of {len(data)} bytes, which {count} layers do not fill")
        bits = data[_HEAD.size] if version == 2 else WIDE
        if version == 2 and bits == WIDE:
            raise RecipeError(f"a recipe of version 2 with {WIDE} bits, which version 1 writes")
        layers = tuple(Layer(*values) for values in _LAYER.iter_unpack(data[start:]))
        # Latin-1 keeps every byte, so that a name with padding inside is refused and not shortened.
        return cls(name.rstrip(b"\0").decode("latin-1"), fingerprint, local_steps, batch, layers, bits)
