"""Running float graphs with ONNX Runtime: samples together where each is computed by itself, else one by one.

An array of S samples of a tensor [k, ...] is [S * k, ...], and of a tensor of no dimensions [S]. Nodes that are
independent along axis 0 (`is_independent`) are run in as few sessions as possible, on all samples at once. Any other
node gets a session of its own, on exactly the graph's shapes, and is run once for each sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from compiler.graph import BINARY, Graph, Node, Op, Tensor
from compiler.importer.export import to_onnx
from machine.errors import DataError
from machine.text import one_line

AnyArray = npt.NDArray[Any]
QUIET = 4


def is_independent(graph: Graph, node: Node) -> bool:
    """Whether a float node computes each sample by itself on arrays of any number of samples along axis 0."""
    computed = [graph.tensors[name] for name in (*node.inputs, *node.outputs) if not graph.tensors[name].is_constant]
    if node.op is Op.ONNX or any(tensor.shape[:1] != (1,) for tensor in computed):
        return False
    if all(graph.tensors[name].is_constant for name in node.inputs):
        return False
    if node.op in BINARY and len({len(tensor.shape) for tensor in computed}) > 1:
        return False
    if node.op in (Op.SOFTMAX, Op.CONCAT) and node.integer("axis") == 0:
        return False
    return node.op is not Op.TRANSPOSE or node.integers("permutation")[0] == 0


def rows_of(tensor: Tensor) -> int:
    """Return how many rows of axis 0 one sample of a tensor has."""
    return tensor.shape[0] if tensor.shape else 1


def samples_of(graph: Graph, name: str, array: AnyArray, what: str = "input") -> int:
    """Return how many samples of a tensor an array holds; `what` is how errors call the tensor.

    Raises:
        DataError: the array does not hold a whole number of samples.
    """
    tensor = graph.tensors[name]
    rows = rows_of(tensor)
    if array.ndim == 0 or array.shape[1:] != tensor.shape[1:] or len(array) % rows:
        wanted = ", ".join(["samples" if rows == 1 else f"samples * {rows}", *map(str, tensor.shape[1:])])
        raise DataError(f"{what} '{name}' must have shape [{wanted}], got {list(array.shape)}")
    return len(array) // rows


def take_samples(graph: Graph, name: str, array: AnyArray, start: int, stop: int) -> AnyArray:
    """Return some of the samples of a tensor, in the array's own memory."""
    rows = rows_of(graph.tensors[name])
    return array[start * rows : stop * rows]


@dataclass(frozen=True)
class _Step:
    """One session: its graph, and whether it takes any number of samples."""

    graph: Graph
    together: bool
    session: onnxruntime.InferenceSession


class FloatSession:
    """A float graph ready to be run; constants and sessions are set up once."""

    def __init__(self, graph: Graph, outputs: Sequence[str] | None = None) -> None:
        """Prepare a graph whose outputs, or other tensors, are wanted.

        Raises:
            ModelError: a node is not a float node, or ONNX Runtime has no kernel for it (node named).
        """
        self.graph = graph
        self.outputs = tuple(graph.outputs if outputs is None else outputs)
        self._steps = tuple(_steps(graph, self.outputs))

    def run(self, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        """Run samples of the graph's inputs (see the module's text), all of the same number, and return the outputs.

        Raises:
            DataError: the arrays do not hold samples, or ONNX Runtime refuses their values.
        """
        counts = {name: samples_of(self.graph, name, array) for name, array in inputs.items()}
        if len(set(counts.values())) > 1:
            raise DataError(f"all inputs must hold the same number of samples, received {counts}")
        samples = next(iter(counts.values()), 1)
        values = dict(inputs)
        for step in self._steps:
            values |= _run_together(step, values) if step.together else _run_each(step, values, samples)
        constants = {name: self.graph.tensors[name].data for name in self.outputs}
        return {name: values[name] if name in values else np.asarray(constants[name]) for name in self.outputs}


def run_float_graph(
    graph: Graph, inputs: Mapping[str, AnyArray], outputs: Sequence[str] | None = None
) -> dict[str, AnyArray]:
    """Run a float graph once: input arrays by name (any number of samples) -> the named tensors, or the outputs."""
    return FloatSession(graph, outputs).run(inputs)


def open_session(content: bytes) -> onnxruntime.InferenceSession:
    """Return a session of an ONNX model's bytes: one thread, the CPU, no warnings."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = QUIET
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _run_together(step: _Step, values: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    feeds = {name: values[name] for name in step.graph.inputs}
    return dict(zip(step.graph.outputs, _run(step, feeds), strict=True))


def _run_each(step: _Step, values: Mapping[str, AnyArray], samples: int) -> dict[str, AnyArray]:
    parts: list[list[AnyArray]] = []
    for sample in range(samples):
        feeds = {}
        for name in step.graph.inputs:
            taken = take_samples(step.graph, name, values[name], sample, sample + 1)
            feeds[name] = taken.reshape(step.graph.tensors[name].shape)
        parts.append([np.atleast_1d(result) for result in _run(step, feeds)])
    return {name: np.concatenate([part[i] for part in parts]) for i, name in enumerate(step.graph.outputs)}


def _run(step: _Step, feeds: dict[str, AnyArray]) -> list[AnyArray]:
    try:
        results: list[AnyArray] = step.session.run(list(step.graph.outputs), feeds)
    except Exception as error:  # the runtime has no common error
        raise DataError(f"ONNX Runtime cannot run {_described(step.graph.nodes())} on these values: "
                        f"{one_line(error)}") from error
    return results


def _steps(graph: Graph, outputs: Sequence[str]) -> Iterator[_Step]:
    """Divide the nodes that the outputs need into sessions, in the order of execution."""
    nodes = _needed(graph, outputs)
    groups = _groups(graph, nodes)
    read_after: set[str] = set(outputs)
    wanted: list[tuple[str, ...]] = []
    for group in reversed(groups):
        wanted.append(tuple(name for node in group for name in node.outputs if name in read_after))
        read_after |= {name for node in group for name in node.inputs}
    for group, results in zip(groups, reversed(wanted), strict=True):
        made = {name for node in group for name in node.outputs}
        read = dict.fromkeys(name for node in group for name in node.inputs)
        inputs = [name for name in read if name not in made and not graph.tensors[name].is_constant]
        part = Graph.build(group, graph.tensors.values(), inputs, results, verify=False)
        together = is_independent(graph, group[0])
        yield _Step(part, together, _open(part, together))


def _open(part: Graph, together: bool) -> onnxruntime.InferenceSession:
    model = to_onnx(part, any_batch=together).SerializeToString()
    try:
        return open_session(model)
    except Exception as error:  # the runtime has no common error
        raise part.nodes()[0].error(f"ONNX Runtime does not take it: {one_line(error)}") from error


def _needed(graph: Graph, outputs: Iterable[str]) -> list[Node]:
    needed, kept = set(outputs), []
    for node in reversed(graph.nodes()):
        if needed.intersection(node.outputs):
            needed.update(node.inputs)
            kept.append(node)
    return kept[::-1]


def _groups(graph: Graph, nodes: Sequence[Node]) -> list[list[Node]]:
    """Group nodes to sessions: independent ones together, as few groups as their order allows, others alone.

    A node's level is the number of changes from "one by one" to "together" on the way to it.
    """
    level: dict[str, tuple[int, bool]] = {}
    together: dict[int, list[Node]] = {}
    alone: dict[int, list[Node]] = {}
    for node in nodes:
        independent = is_independent(graph, node)
        sources = [level[name] for name in node.inputs if name in level]
        place = max((known + (independent and not joined) for known, joined in sources), default=0)
        (together if independent else alone).setdefault(place, []).append(node)
        level |= dict.fromkeys(node.outputs, (place, independent))
    groups: list[list[Node]] = []
    for place in sorted({*together, *alone}):
        groups += [together[place]] if place in together else []
        groups += [[node] for node in alone.get(place, [])]
    return groups


def _described(nodes: Sequence[Node]) -> str:
    return f"node '{nodes[0].name}' ({nodes[0].op})" if len(nodes) == 1 else f"{len(nodes)} nodes"
