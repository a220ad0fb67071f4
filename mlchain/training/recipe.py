"""The recipe: all a worker must know about a job apart from the model, the round and the job's index."""

import re
import struct
from dataclasses import astuple, dataclass, replace

from mlchain.training.layers import (
    InputKind,
    Inputs,
    Layer,
    RecipeError,
    Stage,
    require_in_range,
    require_layers,
    stages,
)

VERSION = 3  # versions 1 and 2 were of other contracts, whose chains this program cannot read either
WIDE = 16  # bits of a weight's change that is not rounded to a scale
BITS = (1, 2, 4, 8, WIDE)
DIGEST_SIZE = 32
CHAIN_LIMIT = 128 * 24_576  # bytes of the longest model or result the chain takes: 128 chunks

_HEAD = struct.Struct("<B16s32sHHBBBHHHBBB")
_LAYER = struct.Struct("<H12BH")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A learning task's description, as published on the chain with every round.

    One that could overflow, or that the chain could not take, raises `RecipeError`.
    """

    task: str  # 1 to 16 lower-case letters, digits, hyphens and underscores: the data set's name, for people
    fingerprint: bytes  # of the data set; 32 zero bytes when there is none
    inputs: Inputs
    local_steps: int  # of one job
    batch: int  # samples a step
    layers: tuple[Layer, ...]
    bits: int = WIDE  # that a result spends on the change of a weight
    displacement: int = 0  # pixels that a sample is moved by at most, at random
    rate_shifts: tuple[int, ...] = (0,)  # halvings of the learning rate by version trained; the last one stays

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9_-]{1,16}", self.task):
            raise RecipeError(f"task {self.task!r} is not 1 to 16 lower-case letters, digits, hyphens and underscores")
        if len(self.fingerprint) != DIGEST_SIZE:
            raise RecipeError(f"a fingerprint of {len(self.fingerprint)} bytes, {DIGEST_SIZE} wanted")
        require_in_range("local steps", self.local_steps, 1, 65535)
        require_in_range("batch", self.batch, 1, 65535)
        if self.bits not in BITS:
            raise RecipeError(f"{self.bits} bits for a change: choose one of {', '.join(map(str, BITS))}")
        require_in_range("displacement", self.displacement, 0, 15 if self.inputs.kind is InputKind.UNSIGNED else 0)
        require_in_range("number of rate shifts", len(self.rate_shifts), 1, 255)
        for shift in self.rate_shifts:
            require_in_range("rate shift", shift, 0, 15)
        for shift in {0, *self.rate_shifts}:
            require_layers(self.inputs, self._slowed(shift), self.batch)
        require_in_range("model size", self.model_size, 1, CHAIN_LIMIT)
        require_in_range("result size", self.result_size, 1, CHAIN_LIMIT)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Return the layers in their places."""
        return stages(self.inputs, self.layers)

    def layers_for(self, version: int) -> tuple[Layer, ...]:
        """Return the layers as they are when they train this version of the model, counted from 1."""
        return self._slowed(self.rate_shifts[min(version, len(self.rate_shifts)) - 1])

    def _slowed(self, shift: int) -> tuple[Layer, ...]:
        return tuple(replace(layer, learning_shift=layer.learning_shift + shift) for layer in self.layers)

    @property
    def weights(self) -> int:
        """Return the number of weights of all layers."""
        return sum(stage.size for stage in self.stages)

    @property
    def model_size(self) -> int:
        """Return the bytes of every model: an int16 a weight."""
        return 2 * self.weights

    @property
    def result_size(self) -> int:
        """Return the bytes of every result: scales, codes, a SHA-256 and the loss; see `encoding`."""
        scales = 0 if self.bits == WIDE else 2 * len(self.layers)
        return scales + -(-self.weights * self.bits // 8) + DIGEST_SIZE + 8

    def to_bytes(self) -> bytes:
        """Return the canonical bytes: the head, little-endian; then the layers and the rate shifts."""
        head = _HEAD.pack(
            VERSION,
            self.task.encode("ascii"),
            self.fingerprint,
            self.local_steps,
            self.batch,
            self.bits,
            self.displacement,
            self.inputs.kind,
            self.inputs.channels,
            self.inputs.height,
            self.inputs.width,
            self.inputs.greatest,
            len(self.layers),
            len(self.rate_shifts),
        )
        return head + b"".join(_LAYER.pack(*astuple(layer)) for layer in self.layers) + bytes(self.rate_shifts)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Recipe":
        """Read canonical bytes. Anything that `to_bytes` does not write raises `RecipeError`."""
        if data[:1] != bytes([VERSION]):
            raise RecipeError(f"a recipe of version {data[0] if data else 'none'}, {VERSION} wanted")
        if len(data) < _HEAD.size:
            raise RecipeError(f"a recipe of {len(data)} bytes, at least {_HEAD.size} wanted")
        _, name, fingerprint, steps, batch, bits, displacement, kind, *rest = _HEAD.unpack_from(data)
        channels, height, width, greatest, count, shifts = rest
        end = _HEAD.size + count * _LAYER.size
        if len(data) != end + shifts:
            raise RecipeError(f"a recipe of {len(data)} bytes, which {count} layers and {shifts} shifts do not fill")
        if kind not in list(InputKind):
            raise RecipeError(f"a kind of input {kind}, 0 to {max(InputKind):d} wanted")
        inputs = Inputs(channels, height, width, InputKind(kind), greatest)
        layers = tuple(Layer(*values) for values in _LAYER.iter_unpack(data[_HEAD.size : end]))
        # Latin-1 keeps every byte, so that a name with padding inside is refused and not shortened.
        task = name.rstrip(b"\0").decode("latin-1")
        return cls(task, fingerprint, inputs, steps, batch, layers, bits, displacement, tuple(data[end:]))
