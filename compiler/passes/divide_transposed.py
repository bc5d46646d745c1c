"""Transposed convolutions become ordinary ones, one for each phase of the stride, whose results are interleaved.

Along an axis, output position y is q = y + pad of the full result, to which kernel index k adds input x where
q = x * stride + k * dilation. The outputs y = phase + stride * m of one phase take only every n-th kernel index, at
inputs that go on by one with m: an ordinary convolution by a part of the kernel. No product by a zero is computed.
"""

from __future__ import annotations

import itertools
import math
from collections import ChainMap
from dataclasses import dataclass, replace

import numpy as np

from compiler.graph import AttributeValue, Graph, Node, Op, Tensor
from compiler.passes.base import Names
from compiler.passes.edit import Edit
from compiler.passes.shapes import output_shape

MOST_PHASES = 1 << 10
"""Phases of the strides, each of which becomes a convolution."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One axis of the ordinary convolution for a phase: kernel indices in its order, and what of the input it reads.

    `taps` is empty where nothing but the bias reaches the phase. Input positions `first` to before `stop` are read,
    with `before` and `after` zeros around them.
    """

    taps: tuple[int, ...]
    dilation: int
    first: int
    stop: int
    before: int
    after: int


def phase_of(phase: int, size: int, result: int, kernel: int, stride: int, dilation: int, pad: int) -> Phase:
    """Return a phase of an axis of `size` inputs and `result` outputs; all phases are as long as the longest."""
    shared = math.gcd(stride, dilation)
    taps = [k for k in range(kernel) if (phase + pad - k * dilation) % stride == 0]
    step, count = dilation // shared, -(-result // stride)
    start = (phase + pad - taps[-1] * dilation) // stride if taps else 0  # the first input of output `phase`
    stop = start + count + (len(taps) - 1) * step if taps else count
    if stop <= 0 or start >= size:  # nothing but zeros
        taps, start, stop = [], 0, count
    first, last = max(start, 0), min(stop, size)
    return Phase(tuple(reversed(taps)), step, first, last, first - start, stop - last)


@dataclass(frozen=True)
class DivideTransposed:
    """conv_transpose2d(x, w, b) becomes interleave(conv2d(x, w1, b), ...); a stride of 1 needs no interleave."""

    name: str = "divide_transposed"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph without transposed convolutions."""
        edit = Edit(graph)
        for node in graph.nodes():
            if node.op is Op.CONV_TRANSPOSE2D:
                _divide(edit, node)
        return edit.graph()


def _divide(edit: Edit, node: Node) -> None:
    x, y = edit.tensors[node.inputs[0]], edit.tensors[node.output]
    kernel, strides = edit.tensors[node.inputs[1]].shape[2:], node.integers("strides")
    dilations, pads = node.integers("dilations"), node.integers("pads")
    used = [min(strides[axis], y.shape[2 + axis]) for axis in (0, 1)]
    if math.prod(used) > MOST_PHASES:
        raise node.error(f"strides {list(strides)} divide the output into {math.prod(used)} parts; up to {MOST_PHASES} "
                         "are supported")
    sizes = list(zip(x.shape[2:], y.shape[2:], kernel, strides, dilations, pads[:2], strict=True))
    phases = [[phase_of(phase, *sizes[axis]) for phase in range(used[axis])] for axis in (0, 1)]
    made = _Made(edit, node)
    results = [made.convolution(rows, columns) for rows, columns in itertools.product(*phases)]
    if len(results) == 1:
        made.nodes[-1] = replace(made.nodes[-1], outputs=node.outputs)
    else:
        made.nodes.append(Node(made.name("interleave"), Op.INTERLEAVE, tuple(results), node.outputs,
                               {"factors": (used[0], used[1]), "size": y.shape[2:]}))
    edit.replace(node, made.nodes, made.tensors.values())


class _Made:
    """The nodes and tensors that take the place of a transposed convolution."""

    def __init__(self, edit: Edit, node: Node) -> None:
        self.node = node
        self.nodes: list[Node] = []
        self.tensors: dict[str, Tensor] = {}
        self.known = ChainMap(self.tensors, edit.tensors)
        self._tensor_names = Names(self.known)
        self._node_names = Names(edit)
        self.parts: dict[tuple[int, int, int, int], str] = {}

    def name(self, role: str) -> str:
        """Return a free name for a node."""
        return self._node_names.unique(f"{self.node.name}_{role}")

    def _add(self, op: Op, role: str, inputs: tuple[str, ...], attributes: dict[str, AttributeValue]) -> str:
        tensor = self._tensor_names.unique(f"{self.node.output}_{role}")
        made = Node(self.name(role), op, inputs, (tensor,), attributes)
        self.nodes.append(made)
        shape = output_shape(made, [self.known[name].shape for name in inputs])
        self.tensors[tensor] = Tensor(tensor, shape, "float32")
        return tensor

    def _input(self, rows: Phase, columns: Phase) -> str:
        """Return the part of the input that a phase reads."""
        x = self.known[self.node.inputs[0]]
        key = rows.first, rows.stop, columns.first, columns.stop
        if key == (0, x.shape[2], 0, x.shape[3]):
            return x.name
        if key not in self.parts:
            self.parts[key] = self._add(Op.SLICE, "part", (x.name,), {
                "starts": (0, 0, rows.first, columns.first), "stops": (*x.shape[:2], rows.stop, columns.stop),
                "steps": (1, 1, 1, 1),
            })
        return self.parts[key]

    def convolution(self, rows: Phase, columns: Phase) -> str:
        """Add the convolution of a phase, and return what it writes."""
        weight = self.known[self.node.inputs[1]].array
        part = weight[:, :, rows.taps][:, :, :, columns.taps] if rows.taps and columns.taps else None
        if part is None:
            part = np.zeros((*weight.shape[:2], max(len(rows.taps), 1), max(len(columns.taps), 1)), np.float32)
        name = self._tensor_names.unique(f"{self.node.name}_weight")
        self.tensors[name] = Tensor.constant(name, np.ascontiguousarray(part))
        return self._add(Op.CONV2D, "phase", (self._input(rows, columns), name, self.node.inputs[2]), {
            "strides": (1, 1), "dilations": (rows.dilation, columns.dilation), "groups": self.node.integer("groups"),
            "pads": (rows.before, columns.before, rows.after, columns.after),
        })
