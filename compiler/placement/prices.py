"""What nodes and crossings cost, in cycles of the accelerator: the numbers that the cut weighs.

- A node on the accelerator: the longest of its multiplications on the full array, a word of the vector unit for each
  value that it reads, and its weights over the bus. It is a bound: what the tiler reaches is a little more.
- A node on the host: a call of ONNX Runtime, its operations and the bytes that it reads and writes (`HostModel`).
- A crossing: its int8 bytes over the bus at the latency of one access, and a call of the host that converts them (five
  bytes for each value, one int8 and one float32).

Several samples are one call of the host on all of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from compiler.graph import Graph, Node, Op
from machine.config import Machine

FLOAT_BYTES = 4
OPERATIONS_PER_MAC = 2


@dataclass(frozen=True, slots=True)
class HostModel:
    """The host's speed on one thread; the defaults are what `python -m benchmarks.host_model` measured on an AMD EPYC.

    Attributes:
        seconds_per_call: time of one call of ONNX Runtime that does nothing.
        operations_per_second: float operations of a large product, a multiplication and an addition being two.
        bytes_per_second: bytes read and written by an operator that does little else.
    """

    seconds_per_call: float = 3.5e-6
    operations_per_second: float = 2.5e11
    bytes_per_second: float = 3.8e10

    def cycles(self, machine: Machine, operations: int, moved_bytes: int) -> int:
        """Return the time of one call in cycles of the accelerator's clock."""
        seconds = (
            self.seconds_per_call + operations / self.operations_per_second + moved_bytes / self.bytes_per_second
        )
        return math.ceil(seconds * machine.clock_hz)


DEFAULT_HOST = HostModel()


def macs(graph: Graph, node: Node) -> int:
    """Return a node's multiplications for one sample: those of convolutions and products, 0 for others."""
    if node.op not in (Op.CONV2D, Op.DENSE):
        return 0
    return math.prod(graph.tensors[node.output].shape) * math.prod(graph.tensors[node.inputs[1]].shape[1:])


def accelerator_cycles(graph: Graph, machine: Machine, node: Node) -> int:
    """Return the least cycles that a node of the fused float graph takes on the accelerator."""
    if node.op is Op.RESHAPE:
        return 0
    output = math.prod(graph.tensors[node.output].shape)
    read = sum(math.prod(graph.tensors[name].shape) for name in node.inputs if not graph.tensors[name].is_constant)
    taps = math.prod(node.integers("kernel")) if "kernel" in node.attributes else 1
    weights = sum(math.prod(graph.tensors[name].shape) for name in node.inputs if graph.tensors[name].is_constant)
    return max(
        math.ceil(Fraction(macs(graph, node), machine.tile_bytes)),
        math.ceil(Fraction(max(read, output * taps), machine.columns)),
        _bus_cycles(machine, weights),
    )


def host_cycles(graph: Graph, machine: Machine, host: HostModel, node: Node, samples: int = 1) -> int:
    """Return what a node that is no conversion takes on the host, in cycles of the accelerator."""
    sizes = [math.prod(graph.tensors[name].shape) for name in (*node.inputs, *node.outputs)]
    taps = math.prod(node.integers("kernel")) if "kernel" in node.attributes else 1
    written = sum(math.prod(graph.tensors[name].shape) for name in node.outputs)
    operations = OPERATIONS_PER_MAC * macs(graph, node) + written * taps
    return host.cycles(machine, samples * operations, samples * FLOAT_BYTES * sum(sizes))


def crossing_cycles(graph: Graph, machine: Machine, host: HostModel, tensor: str, samples: int = 1) -> int:
    """Return what it takes to convert a tensor on the host and to move its int8 form; the same in both directions."""
    elements = samples * math.prod(graph.tensors[tensor].shape)
    return host.cycles(machine, elements, (1 + FLOAT_BYTES) * elements) + transfer_cycles(machine, elements)


def transfer_cycles(machine: Machine, moved_bytes: int) -> int:
    """Return what it takes to move bytes between host and memory, either way, as they are."""
    return max(machine.read_latency_cycles, machine.write_latency_cycles) + _bus_cycles(machine, moved_bytes)


def _bus_cycles(machine: Machine, moved_bytes: int) -> int:
    rate = Fraction(machine.bus_bytes * machine.bus_rate_numerator, machine.bus_rate_denominator)
    return math.ceil(moved_bytes / rate)
