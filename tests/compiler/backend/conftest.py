"""Random quantized networks, and their comparison with the reference backend byte for byte."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from accel_sim.function import execute
from compiler.backend.layers import Edge, Layout
from compiler.backend.lower import DENSE_EDGE
from compiler.backend.program import CompiledProgram
from compiler.graph import Graph, Node, Op, Quantization, Tensor
from compiler.passes.legality import verify_quantized
from compiler.passes.shapes import output_shape
from compiler.pipeline import compile_graph
from machine.config import Machine
from runtime.reference import ReferenceBackend


@dataclass
class Net:
    """Builds a quantized graph node by node; every tensor's scale and weight is random but plausible."""

    seed: int = 0
    nodes: list[Node] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    input_name: str = "x"

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)

    def input(self, *shape: int) -> str:
        return self._tensor(self.input_name, (1, *shape))

    def _tensor(self, name: str, shape: tuple[int, ...], like: Tensor | None = None) -> str:
        affine = like.quantization if like else None
        affine = affine or Quantization((float(self.random.uniform(0.02, 0.06)),), int(self.random.integers(-128, 60)))
        self.tensors.append(Tensor(name, shape, "int8", affine))
        return name

    def tensor(self, name: str) -> Tensor:
        return next(t for t in self.tensors if t.name == name)

    def _affine(self, op: Op, x: str, weight_shape: tuple[int, ...], shape: tuple[int, ...], **attributes: Any) -> str:
        name = f"{op}_{len(self.nodes)}"
        fan_in = int(np.prod(weight_shape[1:]))
        weight = self.random.integers(-127, 128, weight_shape).astype(np.int8)
        scales = tuple(float(s) for s in self.random.uniform(0.5, 2, weight_shape[0]) / 127 / np.sqrt(fan_in))
        bias = self.random.integers(-1000, 1000, weight_shape[0]).astype(np.int32)
        bias_scale = tuple(s * self.tensor(x).scale for s in scales)
        self.tensors.append(Tensor.constant(f"{name}_w", weight, Quantization(scales, 0, 0)))
        self.tensors.append(Tensor.constant(f"{name}_b", bias, Quantization(bias_scale, 0, 0)))
        y = self._tensor(f"{name}_y", shape)
        low = int(self.random.choice([-128, self.tensor(y).zero_point]))
        attributes |= {"activation_min": low, "activation_max": 127}
        self.nodes.append(Node(name, op, (x, f"{name}_w", f"{name}_b"), (y,), attributes))
        return y

    def conv(
        self, x: str, channels: int, kernel: tuple[int, int] = (3, 3), strides: tuple[int, int] = (1, 1),
        pads: tuple[int, int, int, int] = (1, 1, 1, 1), dilations: tuple[int, int] = (1, 1), groups: int = 1,
    ) -> str:
        _, c, *size = self.tensor(x).shape
        out = [
            (size[i] + pads[i] + pads[i + 2] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1 for i in (0, 1)
        ]
        return self._affine(
            Op.CONV2D, x, (channels, c // groups, *kernel), (1, channels, *out),
            strides=strides, pads=pads, dilations=dilations, groups=groups,
        )

    def dense(self, x: str, outputs: int) -> str:
        return self._affine(Op.DENSE, x, (outputs, self.tensor(x).shape[1]), (1, outputs))

    def add(self, a: str, b: str) -> str:
        return self.binary(Op.ADD, a, b)

    def binary(self, op: Op, a: str, b: str) -> str:
        name = f"{op}_{len(self.nodes)}"
        node = Node(name, op, (a, b), (f"{name}_y",), {"activation_min": -120, "activation_max": 127})
        y = self._tensor(f"{name}_y", output_shape(node, [self.tensor(x).shape for x in (a, b)]))
        self.nodes.append(node)
        return y

    def constant(self, *shape: int) -> str:
        """A constant operand."""
        name = f"constant_{len(self.tensors)}"
        affine = Quantization((float(self.random.uniform(0.02, 0.06)),), int(self.random.integers(-128, 60)))
        data = self.random.integers(-128, 128, (1, *shape)).astype(np.int8)
        self.tensors.append(Tensor.constant(name, data, affine))
        return name

    def table(self, x: str, entries: npt.NDArray[np.int8] | None = None) -> str:
        """A look-up in a table; of random entries where none are given."""
        name = f"table_{len(self.nodes)}"
        data = self.random.integers(-128, 128, 256).astype(np.int8) if entries is None else entries
        self.tensors.append(Tensor.constant(f"{name}_t", data))
        y = self._tensor(f"{name}_y", self.tensor(x).shape)
        self.nodes.append(Node(name, Op.TABLE, (x, f"{name}_t"), (y,)))
        return y

    def pool(
        self, x: str, op: Op, kernel: tuple[int, int] = (2, 2), strides: tuple[int, int] = (2, 2),
        pads: tuple[int, int, int, int] = (0, 0, 0, 0), include: int = 0,
    ) -> str:
        name = f"{op}_{len(self.nodes)}"
        _, c, *size = self.tensor(x).shape
        out = [(size[i] + pads[i] + pads[i + 2] - kernel[i]) // strides[i] + 1 for i in (0, 1)]
        like = self.tensor(x) if op is Op.MAX_POOL else None
        y = self._tensor(f"{name}_y", (1, c, *out), like)
        attributes: dict[str, Any] = {"kernel": kernel, "strides": strides, "pads": pads}
        if op is Op.AVERAGE_POOL:
            attributes["count_include_pad"] = include
        self.nodes.append(Node(name, op, (x,), (y,), attributes))
        return y

    def reshape(self, x: str, *shape: int) -> str:
        name = f"reshape_{len(self.nodes)}"
        y = self._tensor(f"{name}_y", (1, *shape), self.tensor(x))
        self.nodes.append(Node(name, Op.RESHAPE, (x,), (y,), {"shape": (1, *shape)}))
        return y

    def _share(self, name: str, affine: Quantization | None) -> None:
        self.tensors = [dataclasses.replace(t, quantization=affine) if t.name == name else t for t in self.tensors]

    def move(self, op: Op, *inputs: str, **attributes: Any) -> str:
        """A concat, slice, pad or transpose; all inputs take the first one's quantization."""
        name = f"{op}_{len(self.nodes)}"
        for other in inputs[1:]:
            self._share(other, self.tensor(inputs[0]).quantization)
        node = Node(name, op, inputs, (f"{name}_y",), attributes)
        shape = output_shape(node, [self.tensor(x).shape for x in inputs])
        self.nodes.append(node)
        return self._tensor(f"{name}_y", shape, self.tensor(inputs[0]))

    def concat(self, *inputs: str, axis: int = 1) -> str:
        return self.move(Op.CONCAT, *inputs, axis=axis)

    def slice(self, x: str, **axes: tuple[int, int, int]) -> str:
        """Slice channels, rows or columns (`c`, `h`, `w`) as (start, stop, step)."""
        names = (None, "c", "h", "w")
        parts = [axes.get(str(names[i]), (0, size, 1)) for i, size in enumerate(self.tensor(x).shape)]
        starts, stops, steps = zip(*parts, strict=True)
        return self.move(Op.SLICE, x, starts=starts, stops=stops, steps=steps)

    def pad(self, x: str, *pads: int, value: float = 0.0) -> str:
        return self.move(Op.PAD, x, pads=pads, value=value)

    def transpose(self, x: str, *permutation: int) -> str:
        return self.move(Op.TRANSPOSE, x, permutation=permutation)

    def graph(self, *outputs: str) -> Graph:
        graph = Graph.build(self.nodes, self.tensors, (self.input_name,), outputs)
        verify_quantized(graph)
        return graph


def _run(
    program: CompiledProgram, arrays: dict[str, npt.NDArray[np.int8]], edge: Edge, batch: int
) -> dict[str, npt.NDArray[np.int8]]:
    """Run samples, `batch` of them at a time."""
    samples = len(next(iter(arrays.values())))
    runs = samples // batch
    memory = np.zeros((runs, program.memory_bytes), np.uint8)
    memory[:, : len(program.memory)] = program.memory
    for entry in program.segment.inputs:
        array = arrays[entry.tensor]
        data = array if edge.inputs is Layout.DENSE else _blocks(program.machine, array, batch)
        flat = data.reshape(runs, -1).view(np.uint8)
        memory[:, entry.address : entry.address + flat.shape[1]] = flat
    execute(program.machine, program.instructions, memory)
    results = {}
    for entry in program.segment.outputs:
        data = memory[:, entry.address :].view(np.int8)
        if edge.outputs is Layout.DENSE:
            results[entry.tensor] = data[:, : entry.size_bytes].reshape(samples, *entry.shape[1:])
        else:
            results[entry.tensor] = _unblock(data, entry.shape, program.machine)
    return results


def _blocks(machine: Machine, array: npt.NDArray[np.int8], batch: int) -> npt.NDArray[np.int8]:
    """int8[N, C, H, W] in blocked layout, lanes beyond C zero; the images of a batch lie one below the other."""
    samples, channels, height, width = array.shape
    block = machine.block_bytes
    padded = np.zeros((samples, -(-channels // block) * block, height, width), np.int8)
    padded[:, :channels] = array
    split = padded.reshape(samples // batch, batch, -1, block, height, width)
    return split.transpose(0, 2, 1, 4, 5, 3)


def _unblock(data: npt.NDArray[np.int8], shape: tuple[int, ...], machine: Machine) -> npt.NDArray[np.int8]:
    batch, channels, height, width = shape
    size = -(-channels // machine.block_bytes) * machine.block_bytes * batch * height * width
    split = data[:, :size].reshape(len(data), -1, batch, height, width, machine.block_bytes)
    return split.transpose(0, 2, 1, 5, 3, 4).reshape(len(data) * batch, -1, height, width)[:, :channels]


def check(
    machine: Machine, graph: Graph, samples: int = 2, seed: int = 0, edge: Edge = DENSE_EDGE, batch: int = 1
) -> CompiledProgram:
    """Compile, execute and compare a graph with the reference; return the program for `batch` samples at a time."""
    program = compile_graph(machine, graph, edge=edge, batch=batch)
    samples = max(samples, batch)
    random = np.random.default_rng(seed)
    arrays = {
        entry.tensor: random.integers(-128, 128, (samples, *entry.shape[1:])).astype(np.int8)
        for entry in program.segment.inputs
    }
    expected = ReferenceBackend().run_integers(graph, arrays)
    found = _run(program, arrays, edge, batch)
    assert set(found) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
    return program


@pytest.fixture(name="check", scope="session")
def _check() -> Any:
    return check


@pytest.fixture(name="net", scope="session")
def _net() -> type[Net]:
    return Net
