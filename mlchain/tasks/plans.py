"""From what a person writes of a network to the integers of a recipe.

Floating point is used here and only here: what comes of it are integers, which one machine works out once and which
are then on the chain. Units: a hidden value counts in 2**-6, a weight of the model in 2**-10, a master weight in
2**-20, or less finely where steps are, an error in 2**-9, or in 2**-12 where it is an output's.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlchain.data.dataset import Dataset
from mlchain.training.layers import OUTPUT_ERROR_BITS, InputKind, Inputs, Layer, Pooling, RecipeError, Stage, stages
from mlchain.training.recipe import WIDE

HIDDEN_BITS = 6
WEIGHT_BITS = 10
QUANTUM_BITS = 10
ERROR_BITS = 9
EMBEDDING_SPREAD = 0.5  # of the initial weights of an embedding: each output sees one of them

_WORDS = {"maxpool": Pooling.MAX, "sumpool": Pooling.SUM}
_SIDES = re.compile(r"(\d{1,3})x(\d{1,3})")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is chosen for a task: the network, as its layers are written, and how it is trained."""

    layers: tuple[str, ...]  # for instance "conv 16 5x5 maxpool", "dense 10"
    local_steps: int  # of a job
    batch: int
    rate: float  # by which the mean gradient of a batch is multiplied
    bits: int = 4  # that a result spends on the change of a weight
    displacement: int = 0  # pixels
    first_jobs: int | None = None  # of the first round, where that is not as many as in the others
    rate_shifts: tuple[int, ...] = (0,)  # halvings of the rate by version trained; the last one stays
    initial: float = 1.0  # by which the initial weights are multiplied


MODELS = ("softmax", "mlp", "lenet", "lenet-small")
BATCH = {"softmax": 128}  # 64 for the others
LEAST_STEPS = {"softmax": 45}  # 60 for the others
MOST_SAMPLES = 60_000  # of a job
SMALL = 4096  # weights: with fewer, a result of 16 bits a weight is shorter than many a call
# The greatest rate; and that times the curvature, beyond which training is unstable.
RATES = {"softmax": (4.0, 32.0), "mlp": (0.5, 15.0), "lenet": (0.25, 0.5), "lenet-small": (0.25, 0.5)}
COOLING = (0, 0, 0, 1, 2)
WARMING = (1, 0, 0, 1, 2)  # where the first gradients are great: a softmax begins at 0, or the curvature is above
GREAT = 16


def default_plan(model: str, dataset: Dataset) -> Plan:
    """Return what a model's name stands for on a data set; raises `RecipeError` if it cannot learn that."""
    if model not in MODELS:
        raise RecipeError(f"{model!r} is no model: choose one of {', '.join(MODELS)}")
    layers = (*_hidden_layers(model, dataset), f"dense {len(dataset.classes)}")
    batch = BATCH.get(model, 64)
    seen = min(MOST_SAMPLES, len(dataset.train_labels))
    greatest, stable = RATES[model]
    convolves, curvature = model.startswith("lenet"), _curvature(dataset, layers[0])
    plan = Plan(
        layers,
        local_steps=max(LEAST_STEPS.get(model, 60), seen // batch),
        batch=batch,
        rate=min(greatest, 2.0 ** round(math.log2(stable / curvature))),
        displacement=int(convolves and _is_image(dataset.inputs) and min(dataset.inputs.shape[1:]) >= 16),
        first_jobs=1 if convolves else None,
        rate_shifts=WARMING if model == "softmax" or curvature > GREAT else COOLING,
        initial=0 if model == "softmax" else 1,
    )
    size = sum(stage.size for stage in stages(dataset.inputs, compile_layers(plan, dataset.inputs)))
    return replace(plan, bits=WIDE) if size < SMALL else plan


def _hidden_layers(model: str, dataset: Dataset) -> tuple[str, ...]:
    inputs, (_, height, width) = dataset.inputs, dataset.inputs.shape
    if model == "softmax":
        return ()
    if model == "mlp":
        return (f"dense {32 if inputs.sample_size <= 128 and len(dataset.classes) <= 16 else 64}",)
    first, second = (16, 32) if model == "lenet" else (8, 16)
    if inputs.kind is InputKind.TOKENS:
        return f"embed {first}", f"conv {second} {min(3, height)}x{min(3, width)}", "dense 64"
    if not _is_image(inputs):
        raise RecipeError("it looks for patterns between neighbours, which a table's columns are not")
    if min(height, width) < 16:
        return "conv 8 3x3 pad=1 maxpool", f"dense {second}"
    lines, channels = [], first
    while min(height, width) >= 12:  # each halves the picture: to 4 to 9 pixels along the shorter side
        lines.append(f"conv {channels} 5x5 maxpool")
        height, width, channels = (height - 4) // 2, (width - 4) // 2, second
    return tuple(lines)


def _is_image(inputs: Inputs) -> bool:
    return inputs.kind is InputKind.UNSIGNED and min(inputs.shape[1:]) >= 4


def _curvature(dataset: Dataset, layer: str) -> float:
    """Return the squared length of the mean of what a kernel of the first layer sees, 1 at least.

    Where samples are bright, that comes close to the greatest eigenvalue of their second moments.
    """
    inputs, kernel = dataset.inputs, _read(layer, dataset.inputs.shape)
    if inputs.kind is InputKind.TOKENS:
        return 1.0
    share = (kernel.kernel_height * kernel.kernel_width or inputs.height * inputs.width) / inputs.height / inputs.width
    mean = (dataset.train_samples.mean(axis=0) - (128 if inputs.kind is InputKind.SIGNED else 0)) / 2 ** input_bits(
        inputs
    )
    return max(1.0, share * float(mean @ mean))


def compile_layers(plan: Plan, inputs: Inputs) -> tuple[Layer, ...]:
    """Return the layers of a plan on these inputs; a line that cannot be read or does not fit raises `RecipeError`."""
    layers: list[Layer] = []
    shape, unit, rate = inputs.shape, input_bits(inputs), plan.rate / plan.batch
    for depth, line in enumerate(plan.layers):
        last = depth == len(plan.layers) - 1
        read = _read(line, shape)
        many = 2 if read.pooling == Pooling.SUM else 0  # bits that a sum of four pools needs more
        error = OUTPUT_ERROR_BITS if last else ERROR_BITS - many
        stage = Stage(read, shape, 0, depth == 0, last)
        spread = EMBEDDING_SPREAD if read.signed else math.sqrt(6 / stage.fan_in)
        finest = round(unit + error - WEIGHT_BITS - math.log2(rate))  # unit of a step, 2**-finest of the model's
        if finest < 0:
            raise RecipeError(f'"{line}" cannot be trained at a rate as great as {plan.rate:g}')
        quantum = min(QUANTUM_BITS, finest)  # a finer one would hold nothing but zeros
        layer = Layer(
            **{name: getattr(read, name) for name in _READ},
            shift=WEIGHT_BITS + unit + many - (0 if last else HIDDEN_BITS),
            learning_shift=finest - quantum,
            error_shift=0 if depth == 0 else error + WEIGHT_BITS - ERROR_BITS,
            quantum=quantum,
            bias_input=max(1, inputs.magnitude) if depth == 0 else 255,
            initial=round(plan.initial * spread * 2**WEIGHT_BITS),
        )
        layers.append(layer)
        shape, unit = stages(inputs, layers)[-1].outputs, HIDDEN_BITS
    return tuple(layers)


def input_bits(inputs: Inputs) -> int:
    """Return b such that an input counts in units of 2**-b: the greatest then is about 1."""
    return round(math.log2(inputs.magnitude))


_READ = ("outputs", "kernel_height", "kernel_width", "stride_height", "stride_width", "padding", "pooling", "signed")


def _read(line: str, shape: Sequence[int]) -> Layer:
    """Return a layer as its line says, all shifts 0."""
    kind, *words = line.split() or [""]
    if kind not in ("conv", "dense", "embed"):
        raise RecipeError(f'"{line}" begins neither with conv, dense nor embed')
    if not words or not re.fullmatch(r"\d{1,5}", words[0]):
        raise RecipeError(f'"{line}" does not say how many outputs: "{kind} 16"')
    kernel = {"conv": None, "dense": (0, 0), "embed": (1, 1)}[kind]
    stride, padding, pooling = (1, 1), 0, Pooling.NONE
    for word in words[1:] if kind == "conv" else []:
        name, _, value = word.partition("=")
        if sides := _SIDES.fullmatch(word):
            kernel = int(sides[1]), int(sides[2])
        elif word in _WORDS:
            pooling = _WORDS[word]
        elif name == "stride" and (sides := _SIDES.fullmatch(value if "x" in value else f"{value}x{value}")):
            stride = int(sides[1]), int(sides[2])
        elif name == "pad" and re.fullmatch(r"\d{1,3}", value):
            padding = int(value)
        else:
            raise RecipeError(f'"{line}" has the unknown word "{word}"')
    if kind != "conv" and len(words) > 1:
        raise RecipeError(f'"{line}" has the unknown word "{words[1]}"')
    if kernel is None:
        raise RecipeError(f'"{line}" does not say how large its kernel is: "conv 16 5x5"')
    if kind == "conv" and (kernel[0] > shape[1] + 2 * padding or kernel[1] > shape[2] + 2 * padding):
        raise RecipeError(f'"{line}" has a kernel that is larger than its input of {shape[1]} x {shape[2]}')
    signed = int(kind == "embed")
    return Layer(int(words[0]), *kernel, *stride, padding, pooling, signed, 0, 0, 0, 0, 0, 0)
