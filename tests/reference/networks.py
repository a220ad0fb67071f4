"""Training as docs/training.md states it, in loops over Python's integers: slow, and nothing in common with numpy.

Shares with `mlchain.training` the fields of a layer, the table of powers and nothing else.
"""

from collections.abc import Sequence
from itertools import product

from mlchain.training.layers import Layer
from mlchain.training.softmax import POWERS

Volume = list[list[list[int]]]  # channels, rows, columns
Weights = list[list[list[int]]]  # layer, output, input; the bias last

POWER = [int(value) for value in POWERS]


def rounded(value: int, bits: int) -> int:
    """Divide by 2**bits to the nearest integer; a half goes up."""
    return (value + (1 << bits >> 1)) >> bits


def clipped(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))


def train(
    layers: Sequence[Layer], model: Weights, batches: Sequence[tuple[list[Volume], list[int]]]
) -> tuple[Weights, int]:
    """Return the master weights after a step per batch of (samples, labels), and the sum of all losses."""
    master = [
        [[w << layer.quantum for w in row] for row in matrix] for layer, matrix in zip(layers, model, strict=True)
    ]
    loss = 0
    for samples, labels in batches:
        weights = [
            [[rounded(w, layer.quantum) for w in row] for row in matrix]
            for layer, matrix in zip(layers, master, strict=True)
        ]
        total = [[[0] * len(row) for row in matrix] for matrix in weights]
        for sample, label in zip(samples, labels, strict=True):
            gradient, cost = _gradient(layers, weights, sample, label)
            loss += cost
            for layer_total, layer_gradient in zip(total, gradient, strict=True):
                for row_total, row in zip(layer_total, layer_gradient, strict=True):
                    row_total[:] = [a + b for a, b in zip(row_total, row, strict=True)]
        for layer, matrix, gradients in zip(layers, master, total, strict=True):
            low, high = -(2**15) << layer.quantum, (2**15 - 1) << layer.quantum
            for row, steps in zip(matrix, gradients, strict=True):
                moved = zip(row, steps, strict=True)
                row[:] = [clipped(w - rounded(g, layer.learning_shift), low, high) for w, g in moved]
    return master, loss


def logits(layers: Sequence[Layer], weights: Weights, sample: Volume) -> list[int]:
    """Return the logits of a sample under the weights of a model."""
    return [channel[0][0] for channel in _forward(layers, weights, sample)[-1][1]]


def _gradient(layers: Sequence[Layer], weights: Weights, sample: Volume, label: int) -> tuple[Weights, int]:
    steps = _forward(layers, weights, sample)
    chances = _softmax([channel[0][0] for channel in steps[-1][1]], layers[-1].shift)
    errors: Volume = [[[rounded(p - (65536 if place == label else 0), 4)]] for place, p in enumerate(chances)]
    gradient: Weights = []
    for depth in reversed(range(len(layers))):
        layer, (values, sums, routes) = layers[depth], steps[depth]
        if depth < len(layers) - 1:
            errors = _to_sums(layer, sums, routes, errors)
        gradient.insert(0, _of_weights(layer, values, errors))
        if depth:
            errors = _passed(layer, weights[depth], values, errors)
    return gradient, _loss(chances[label])


def _forward(
    layers: Sequence[Layer], weights: Weights, sample: Volume
) -> list[tuple[Volume, Volume, list[list[list]]]]:
    """Return of every layer its inputs, its sums, and of each pool which sums its value is made of."""
    values, steps = sample, []
    for depth, (layer, matrix) in enumerate(zip(layers, weights, strict=True)):
        sums = [_sums(layer, row, values) for row in matrix]
        routes: list[list[list]] = []
        if depth < len(layers) - 1:
            routes = [_routes(layer, channel) for channel in sums]
            outputs = [
                [[_activation(layer, sum(channel[i][j] for i, j in places)) for places in row] for row in pools]
                for channel, pools in zip(sums, routes, strict=True)
            ]
        steps.append((values, sums, routes))
        values = outputs if depth < len(layers) - 1 else values
    return steps


def _activation(layer: Layer, value: int) -> int:
    low, high = (-128, 127) if layer.signed else (0, 255)
    return clipped(value >> layer.shift, low, high)


def _patch(layer: Layer, values: Volume, down: int, across: int) -> list[tuple[int, int, int] | None]:
    """Return the places of the inputs of a sum, in the order of the weights; None for those of the edge."""
    height, width = len(values[0]), len(values[0][0])
    kernel_height, kernel_width = layer.kernel_height or height, layer.kernel_width or width
    found: list[tuple[int, int, int] | None] = []
    for channel, row, column in product(range(len(values)), range(kernel_height), range(kernel_width)):
        i, j = down * layer.stride_height + row - layer.padding, across * layer.stride_width + column - layer.padding
        found.append((channel, i, j) if 0 <= i < height and 0 <= j < width else None)
    return found


def _size(layer: Layer, values: Volume) -> tuple[int, int]:
    height, width = len(values[0]), len(values[0][0])
    down = (height + 2 * layer.padding - (layer.kernel_height or height)) // layer.stride_height + 1
    return down, (width + 2 * layer.padding - (layer.kernel_width or width)) // layer.stride_width + 1


def _sums(layer: Layer, row: list[int], values: Volume) -> list[list[int]]:
    def at(down: int, across: int) -> int:
        seen = _patch(layer, values, down, across)
        terms = (w * values[p[0]][p[1]][p[2]] for w, p in zip(row[:-1], seen, strict=True) if p is not None)
        return sum(terms) + row[-1] * layer.bias_input

    down, across = _size(layer, values)
    return [[at(i, j) for j in range(across)] for i in range(down)]


def _routes(layer: Layer, sums: list[list[int]]) -> list[list[list[tuple[int, int]]]]:
    if layer.pooling == 0:
        return [[[(i, j)] for j in range(len(sums[0]))] for i in range(len(sums))]
    pools = []
    for i in range(len(sums) // 2):
        pools.append([])
        for j in range(len(sums[0]) // 2):
            places = [(2 * i + a, 2 * j + b) for a, b in product(range(2), range(2))]
            greatest = max(sums[a][b] for a, b in places)
            first = next(place for place in places if sums[place[0]][place[1]] == greatest)
            pools[-1].append([first] if layer.pooling == 1 else places)
    return pools


def _to_sums(layer: Layer, sums: Volume, routes: list[list[list]], errors: Volume) -> Volume:
    """Return the errors of the sums, from those of the outputs."""
    low, high = (-128, 127) if layer.signed else (0, 255)
    spread = [[[0] * len(row) for row in channel] for channel in sums]
    for channel, pools in enumerate(routes):
        for i, row in enumerate(pools):
            for j, places in enumerate(row):
                value = sum(sums[channel][a][b] for a, b in places) >> layer.shift
                for a, b in places:
                    spread[channel][a][b] = errors[channel][i][j] if low < value < high else 0
    return spread


def _of_weights(layer: Layer, values: Volume, errors: Volume) -> list[list[int]]:
    gradient = []
    for channel in errors:
        row = [0] * (len(_patch(layer, values, 0, 0)) + 1)
        for down, across in product(range(len(channel)), range(len(channel[0]))):
            error = channel[down][across]
            for place, p in enumerate(_patch(layer, values, down, across)):
                row[place] += error * values[p[0]][p[1]][p[2]] if p is not None else 0
            row[-1] += error * layer.bias_input
        gradient.append(row)
    return gradient


def _passed(layer: Layer, weights: list[list[int]], values: Volume, errors: Volume) -> Volume:
    passed = [[[0] * len(row) for row in channel] for channel in values]
    for row, channel in zip(weights, errors, strict=True):
        for down, across in product(range(len(channel)), range(len(channel[0]))):
            for weight, p in zip(row[:-1], _patch(layer, values, down, across), strict=True):
                if p is not None:
                    passed[p[0]][p[1]][p[2]] += weight * channel[down][across]
    return [[[clipped(rounded(e, layer.error_shift), -32767, 32767) for e in row] for row in part] for part in passed]


def _softmax(values: list[int], scale: int) -> list[int]:
    powers = []
    for value in values:
        q = (max(values) - value) >> (scale - 8)
        powers.append(POWER[q & 255] >> min(q >> 8, 17))
    return [(power << 16) // sum(powers) for power in powers]


def _loss(chance: int) -> int:
    """Return -log2 of a probability, in 1/256 bit and rounded up: the least step of the table that is not above it."""
    chance = max(chance, 1)
    octave = 16 - chance.bit_length() + 1
    scaled = chance << octave  # 2**16 .. 2**17 - 1
    above = next((i for i in range(256) if 2 * POWER[i] <= scaled), 256)
    return (octave - 1) * 256 + above
