"""A model in ONNX, for any runtime: ordinary floats that hold integers, so that it names the same classes.

A convolution runs in float32 where its weights prove that no sum of its products reaches 2**24, which float32 holds
exactly; anything else is a product in float64, of patches that `Gather` picks. What a sum becomes is floored and
clipped, so that nothing is ever rounded.
"""

from functools import partial, reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlchain.errors import UserError
from mlchain.export.estimator import MAX, POOL, SIGNED, SUM, TOKENS, Classifier, windows_of

OPSET, IR_VERSION = 17, 8  # of 2022: every runtime in use has them
NARROW = 2.0**24


def save_onnx(path: Path, model: Classifier) -> None:
    """Write a model as an ONNX file; needs the library `onnx`.

    Its input `samples` is float32 (n, bytes of a sample), as `Classifier.encode` gives them; its outputs are `label`,
    int64 (n,), the number of the class, and `probabilities`, float32 (n, classes).
    """
    try:
        import onnx
    except ImportError:
        raise UserError("ONNX needs the library onnx: pip install onnx") from None
    graph = _Graph(onnx)
    graph.build(model)
    made = onnx.helper.make_model(
        graph.made(model),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="ml-on-blockchain",
    )
    said = {"classes": "\n".join(map(repr, model.header["classes"])), "recipe": model.header["recipe"]}
    onnx.helper.set_model_props(made, said)
    onnx.checker.check_model(made)
    path.write_bytes(made.SerializeToString())


class _Graph:
    """A graph under construction; each value has a name of its own."""

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node, and return the name of its output."""
        name: str = attributes.pop("output", f"{kind.lower()}_{len(self._nodes)}")
        self._nodes.append(self._onnx.helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, array: NDArray[Any]) -> str:
        """Add a constant, and return its name."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(self._onnx.numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def build(self, model: Classifier) -> None:
        """Add a model from its input to its outputs."""
        inputs, layers = model.header["inputs"], model.header["layers"]
        values, shape, magnitude = self._inputs(inputs)
        for layer, weights in zip(layers, model._weights, strict=True):
            values, shape = self._sums(layer, weights, values, shape, magnitude)
            if not layer["is_last"]:
                values = self._activation(layer, values)
                magnitude = 128 if layer["signed"] else 255
        logits = self.node("Reshape", values, self.constant(np.array([-1, shape[0]])))
        self.node("ArgMax", logits, axis=1, keepdims=0, select_last_index=0, output="label")
        natural = self.constant(np.array(np.log(2) / 2.0 ** layers[-1]["shift"]))
        wide = self.node("Cast", logits, to=self._onnx.TensorProto.DOUBLE)
        likely = self.node("Softmax", self.node("Mul", wide, natural), axis=1)
        self.node("Cast", likely, to=self._onnx.TensorProto.FLOAT, output="probabilities")

    def made(self, model: Classifier) -> Any:
        """Return the finished graph."""
        helper, kinds = self._onnx.helper, self._onnx.TensorProto
        samples = helper.make_tensor_value_info("samples", kinds.FLOAT, ["n", model.header["inputs"]["size"]])
        label = helper.make_tensor_value_info("label", kinds.INT64, ["n"])
        probabilities = helper.make_tensor_value_info("probabilities", kinds.FLOAT, ["n", len(model.classes_)])
        return helper.make_graph(self._nodes, "model", [samples], [label, probabilities], self._constants)

    def _inputs(self, inputs: Any) -> tuple[str, tuple[int, int, int], int]:
        channels, height, width = (inputs[side] for side in ("channels", "height", "width"))
        if inputs["kind"] == TOKENS:
            whole = self.node("Cast", "samples", to=self._onnx.TensorProto.INT64)
            tokens = self.node("Reshape", whole, self.constant(np.array([-1, height, width])))
            depth, choices = self.constant(np.array(channels)), self.constant(np.array([0, 1], dtype=np.float32))
            return self.node("OneHot", tokens, depth, choices, axis=1), (channels, height, width), 1
        values, magnitude = "samples", inputs["greatest"]
        if inputs["kind"] == SIGNED:
            values, magnitude = self.node("Sub", values, self.constant(np.array(128, dtype=np.float32))), 128
        shaped = self.node("Reshape", values, self.constant(np.array([-1, channels, height, width])))
        return shaped, (channels, height, width), magnitude

    def _sums(
        self, layer: Any, weights: NDArray[np.float64], values: str, shape: tuple[int, int, int], magnitude: int
    ) -> tuple[str, tuple[int, int, int]]:
        """Add a layer's sums, pooled; return their name, and their shape without the samples."""
        edge, (height, width), (down, across) = layer["padding"], layer["kernel"], layer["stride"]
        rows, columns = (shape[1] + 2 * edge - height) // down + 1, (shape[2] + 2 * edge - width) // across + 1
        bias, body = weights[:, -1] * layer["bias_input"], weights[:, :-1]
        greatest = float((np.abs(body).sum(axis=1) * magnitude + np.abs(bias)).max())
        if greatest * (POOL**2 if layer["pooling"] == SUM else 1) < NARROW:
            kernels = self.constant(body.reshape(-1, shape[0], height, width).astype(np.float32))
            sums = self.node(
                "Conv",
                values,
                kernels,
                self.constant(bias.astype(np.float32)),
                strides=[down, across],
                pads=[edge] * 4,
                kernel_shape=[height, width],
            )
        else:
            sums = self._wide_sums(layer, body, bias, values, shape, (rows, columns))
        if layer["pooling"]:
            rows, columns = rows // POOL, columns // POOL
            sums = self._pooled(layer["pooling"], sums, (POOL * rows, POOL * columns))
        return sums, (len(weights), rows, columns)

    def _pooled(self, pooling: int, sums: str, ends: tuple[int, int]) -> str:
        if pooling == MAX:
            return self.node("MaxPool", sums, kernel_shape=[POOL, POOL], strides=[POOL, POOL])
        axes, steps, last = (self.constant(np.array(sides)) for sides in ((2, 3), (POOL, POOL), ends))
        places = (self.constant(np.array(place)) for place in np.ndindex(POOL, POOL))
        return reduce(partial(self.node, "Add"), [self.node("Slice", sums, at, last, axes, steps) for at in places])

    def _wide_sums(
        self,
        layer: Any,
        body: NDArray[np.float64],
        bias: NDArray[np.float64],
        values: str,
        shape: tuple[int, int, int],
        positions: tuple[int, int],
    ) -> str:
        edge, (height, width), (down, across) = layer["padding"], layer["kernel"], layer["stride"]
        wide = self.node("Cast", values, to=self._onnx.TensorProto.DOUBLE)
        pads = self.constant(np.array([0, 0, edge, edge] * 2))
        padded = self.node("Pad", wide, pads) if edge else wide
        size = (shape[0], shape[1] + 2 * edge, shape[2] + 2 * edge)
        flat = self.node("Reshape", padded, self.constant(np.array([-1, int(np.prod(size))])))
        numbers = np.arange(np.prod(size)).reshape(size)
        windows = windows_of(numbers, (height, width))[:, ::down, ::across]
        places = windows.transpose(1, 2, 0, 3, 4).reshape(positions[0] * positions[1], -1)
        patches = self.node("Gather", flat, self.constant(places), axis=1)  # (n, positions, fan-in)
        sums = self.node("Add", self.node("MatMul", patches, self.constant(body.T)), self.constant(bias))
        turned = self.node("Transpose", sums, perm=[0, 2, 1])
        return self.node("Reshape", turned, self.constant(np.array([-1, len(body), *positions])))

    def _activation(self, layer: Any, sums: str) -> str:
        wide = self.node("Cast", sums, to=self._onnx.TensorProto.DOUBLE)
        floor = self.node("Floor", self.node("Mul", wide, self.constant(np.array(2.0 ** -layer["shift"]))))
        low, high = (-128.0, 127.0) if layer["signed"] else (0.0, 255.0)
        clipped = self.node("Clip", floor, self.constant(np.array(low)), self.constant(np.array(high)))
        return self.node("Cast", clipped, to=self._onnx.TensorProto.FLOAT)
