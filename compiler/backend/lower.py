"""Lower: the machine's part of a quantized graph becomes layers, one for each kernel launch sequence."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass, field

import numpy as np

from compiler.backend import placed
from compiler.backend.batch import with_batch
from compiler.backend.elementwise import (
    addition_record,
    constant_value,
    fused_tables,
    in_all_lanes,
    is_read_in_all_lanes,
    look_up_layer,
    made_in_all_lanes,
    operand_of,
    product_layer,
    replicating_layer,
    with_table,
)
from compiler.backend.geometry import Geometry, Window
from compiler.backend.layers import Border, ChannelParameters, Edge, Kernel, Layer, Layout, Network, Source, Value
from compiler.backend.limits import WINDOW, divisors_reason, is_depthwise, window_reason
from compiler.backend.moves import chosen_positions, geometry_of, keeps_channels, runs
from compiler.backend.moves import parts as moved_parts
from compiler.backend.packing import pack_convolution
from compiler.backend.partition import Part, node_error
from compiler.backend.reach import weight_reach
from compiler.graph import BINARY, MOVES, Graph, Node, Op, Tensor
from compiler.quantizer.parameters import (
    AddParameters,
    AffineParameters,
    add_parameters,
    affine_parameters,
    average_parameters,
    pad_value,
    product_parameters,
)
from machine.config import Machine
from machine.errors import CompileError
from machine.numerics import INT8_MAX, INT8_MIN, AddRescale, Int8Array, Int32Array

DENSE_EDGE = Edge()
READ_BLOCKS = BINARY | {Op.CONV2D, Op.MAX_POOL, Op.AVERAGE_POOL, Op.CONCAT, Op.SLICE, Op.PAD, Op.TABLE, Op.GATHER}
"""Operators that read an activation of their own geometry as blocks."""


def lower(
    machine: Machine, graph: Graph, part: Part, edge: Edge = DENSE_EDGE, images: int = 1
) -> Network:
    """Return the layers of a part's nodes, for a batch of so many images.

    Raises:
        CompileError: a node that has no kernel (node, operator and reason named).
    """
    builder = _Lowering(machine, graph, part, edge, images)
    for name in part.inputs:
        builder.add_value(graph.tensors[name], is_input=True)
    for node in part.body:
        builder.convert(node)
    for name in part.outputs:
        root = builder.aliases[name]
        builder.values[root] = at_edge(dataclasses.replace(builder.values[root], is_output=True), edge.outputs)
    return with_batch(machine, Network(tuple(builder.layers), builder.values, builder.aliases), images)


def at_edge(value: Value, layout: Layout) -> Value:
    """Mark that memory must hold an activation in a layout."""
    if layout is Layout.BLOCKED:
        return dataclasses.replace(value, blocked=True)
    return dataclasses.replace(value, dense=True)


def geometry(tensor: Tensor) -> Geometry:
    """Return [1, C, H, W] or [1, K] (other shapes: see `geometry_of`) as channels, height and width."""
    return geometry_of(tensor.shape[1:])


def fused_additions(graph: Graph, part: Part) -> dict[str, Node]:
    """Return, by addition, the convolution or product whose result nothing else reads, to be computed with it.

    A subtraction is computed with what it subtracts from. What is computed with an addition is as large as its result.
    """
    body = {node.name: index for index, node in enumerate(part.body)}
    fused: dict[str, Node] = {}
    for node in part.body:
        if node.op not in (Op.ADD, Op.SUB) or node.inputs[0] == node.inputs[1]:
            continue
        makers = [graph.producer(name) for name in node.inputs[: 1 if node.op is Op.SUB else 2]]
        found = [maker for maker in makers if maker is not None and maker.name in body and
                 _fusible(graph, part, maker, node)]
        if found:
            fused[node.name] = max(found, key=lambda maker: body[maker.name])
    return fused


def _fusible(graph: Graph, part: Part, maker: Node, addition: Node) -> bool:
    if maker.op not in (Op.CONV2D, Op.DENSE) or maker.output in part.outputs:
        return False
    if graph.tensors[maker.output].shape != graph.tensors[addition.output].shape:
        return False
    return not is_depthwise(graph, maker) and [n.name for n in graph.consumers(maker.output)] == [addition.name]


def _window(node: Node, kernel: tuple[int, ...]) -> Window:
    top, left, _, _ = node.integers("pads")
    dilations = node.integers("dilations") if "dilations" in node.attributes else (1, 1)
    strides = node.integers("strides")
    return Window((kernel[0], kernel[1]), (strides[0], strides[1]), (dilations[0], dilations[1]), (top, left))


@dataclass
class _Lowering:
    """The network under construction."""

    machine: Machine
    graph: Graph
    part: Part
    edge: Edge
    images: int
    layers: list[Layer] = field(default_factory=list)
    values: dict[str, Value] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    body: frozenset[str] = field(init=False)
    fused: dict[str, Node] = field(init=False)
    tables: dict[str, Node] = field(init=False)

    def __post_init__(self) -> None:
        """Find the additions that are computed with what they add to, and the tables with what they look up."""
        self.body = frozenset(node.name for node in self.part.body)
        self.fused = fused_additions(self.graph, self.part)
        self.tables = fused_tables(self.graph, self.part)

    def add_value(self, tensor: Tensor, is_input: bool = False) -> None:
        """Add an activation of its own."""
        value = Value(tensor.name, geometry(tensor), tensor.zero_point, is_input=is_input)
        self.values[tensor.name] = at_edge(value, self.edge.inputs) if is_input else value
        self.aliases[tensor.name] = tensor.name

    def convert(self, node: Node) -> None:
        """Add the layers of a node."""
        if any(node.name == maker.name for maker in self.fused.values()) or node in self.tables.values():
            return
        if node.op is Op.RESHAPE:
            self.aliases[node.output] = self.aliases[node.inputs[0]]
            return
        if self._is_placed(node):
            return
        self._compute(node)
        self._write(node)

    def _is_placed(self, node: Node) -> bool:
        """Whether other layers store a node's result where it belongs, so that no layer is left of it."""
        pixels = placed.pixels(self.machine, self.graph, node, self.values, self.aliases, self.body)
        if pixels is not None:
            self._alias(pixels)
            return True
        homes = self._homes(node)
        if homes:
            self._join(node, homes)
            return True
        places = {} if self.images > 1 else placed.places_in_concat(
            self.graph, node, self.values, self.aliases, self.body
        )
        for name, first in places.items():
            self.values[name] = placed.put(self.values[name], node.output, first)
        if places:
            self._alias(placed.joined(self.graph, node))
        return bool(places)

    def _alias(self, value: Value) -> None:
        self.values[value.name] = value
        self.aliases[value.name] = value.name

    def _compute(self, node: Node) -> None:
        """Add the layer of a node that is computed."""
        chosen = chosen_positions(self.graph, node)
        if chosen is not None:
            output = self.graph.tensors[node.output]
            self.layers.append(Layer(
                node.name, (node.name,), Kernel.GATHER, self._source(node.inputs[0]), node.output, geometry(output),
                Window(chosen=chosen), output.zero_point, INT8_MIN, INT8_MAX, 0,
            ))
        elif node.op is Op.INTERLEAVE and self._stackable(node):
            self.layers.append(self._interleave(node))
        elif node.op in MOVES:
            self.layers.append(self._copy(node))
        elif node.op in (Op.ADD, Op.SUB):
            self._addition(node)
        elif node.op is Op.MUL:
            self.layers.append(self._product(node))
        elif node.op is Op.TABLE:
            self.layers.append(look_up_layer(self.graph, node, self._source(node.inputs[0])))
        elif node.op in (Op.CONV2D, Op.DENSE):
            self.layers.append(self._affine(node))
        else:
            self.layers.append(self._pool(node))

    def _write(self, node: Node) -> None:
        """Let the latest layer look its results up where that is fused, and add the activation that it writes."""
        layer, made, table = self.layers[-1], self.graph.tensors[node.output], self.tables.get(node.name)
        if table is not None:
            layer, made = with_table(self.graph, layer, table), self.graph.tensors[table.output]
        plain = layer.kernel is Kernel.MATRIX and layer.residual is None
        if plain and is_read_in_all_lanes(self.graph, self.part, made.name):
            layer = made_in_all_lanes(self.machine, layer)
            self._add_in_all_lanes(made, layer)
        else:
            self.add_value(made)
        self.layers[-1] = layer

    def _add_in_all_lanes(self, tensor: Tensor, layer: Layer) -> None:
        self.values[layer.output] = Value(layer.output, layer.geometry, tensor.zero_point)

    def _homes(self, node: Node) -> dict[str, int]:
        """Return the first plane of each part of a concat whose makers can store into its memory; else nothing.

        Parts are whole planes, made by the machine, and have no other home; only blocks are read from the result.
        """
        if node.op is not Op.CONCAT or node.integer("axis") != 1 or node.output in self.part.outputs:
            return {}
        readers = self.graph.consumers(node.output)
        if len(self.graph.tensors[node.output].shape) != 4 or any(reader.op not in READ_BLOCKS for reader in readers):
            return {}
        homes: dict[str, int] = {}
        first = 0
        for name in node.inputs:
            value = self.values[self.aliases[name]]
            taken = value.is_input or value.home is not None or value.name in homes
            if taken or first % self.machine.block_bytes or geometry(self.graph.tensors[name]) != value.geometry:
                return {}
            homes[value.name] = first // self.machine.block_bytes
            first += value.geometry.channels
        return homes

    def _join(self, node: Node, homes: dict[str, int]) -> None:
        """Let the parts of a concat lie in its memory: no layer is left of it."""
        for name, plane in homes.items():
            self.values[name] = dataclasses.replace(self.values[name], home=(node.output, plane))
        self.add_value(self.graph.tensors[node.output])
        self.values[node.output] = dataclasses.replace(self.values[node.output], blocked=True, is_joined=True)

    def _stackable(self, node: Node) -> bool:
        """Whether the makers of an interleave's inputs can store them plane by plane behind each other."""
        values = [self.values[self.aliases[name]] for name in node.inputs]
        return len({value.name for value in values}) == len(values) and not any(
            value.is_input or value.home is not None or value.geometry != geometry(self.graph.tensors[name])
            for value, name in zip(values, node.inputs, strict=True)
        )

    def _interleave(self, node: Node) -> Layer:
        """Return the layer of an interleave whose inputs lie behind each other, each from a plane on."""
        output, part = self.graph.tensors[node.output], geometry(self.graph.tensors[node.inputs[0]])
        planes, name = part.planes(self.machine), f"{node.output}:stacked"
        channels = len(node.inputs) * planes * self.machine.block_bytes
        for index, made in enumerate(node.inputs):
            root = self.aliases[made]
            self.values[root] = dataclasses.replace(self.values[root], home=(name, index * planes))
        self.values[name] = Value(
            name, Geometry(channels, part.height, part.width), output.zero_point, blocked=True
        )
        rows, columns = node.integers("factors")
        height, width = output.shape[2:]
        made_by = (tuple(y // rows for y in range(height)), tuple(x // columns for x in range(width)))
        source = Source(name, Layout.BLOCKED, self.values[name].geometry, output.zero_point)
        return Layer(
            node.name, (node.name,), Kernel.INTERLEAVE, source, node.output, geometry(output), Window(chosen=made_by),
            output.zero_point, INT8_MIN, INT8_MAX, 0, factors=(rows, columns),
        )

    def _copy(self, node: Node) -> Layer:
        """Return the layer of an operator that only moves values."""
        output = self.graph.tensors[node.output]
        sources, copies = [], []
        for index, part in enumerate(moved_parts(self.graph, node)):
            shape = self.graph.tensors[part.name].shape[1:]
            sources.append(self._source(part.name, blocks=keeps_channels(part, shape)))
            copies += runs(self.machine, part, index, shape, output.shape[1:], sources[-1].layout, self.images)
        padded = node.op is Op.PAD
        return Layer(
            node.name, (node.name,), Kernel.COPY, sources[0], node.output, geometry(output), Window(),
            output.zero_point, INT8_MIN, INT8_MAX, 0, fill=pad_value(self.graph, node) if padded else 0,
            copied=tuple(sources), runs=tuple(copies), padded=padded,
        )

    def _source(self, name: str, blocks: bool = True) -> Source:
        """How a layer reads a tensor: blocked where it can and the tensor's own geometry allows, else dense bytes."""
        tensor, root = self.graph.tensors[name], self.values[self.aliases[name]]
        seen = geometry(tensor)
        is_dense = root.is_bytes or (root.is_input and self.edge.inputs is Layout.DENSE)
        if not blocks or is_dense or seen != root.geometry:
            if root.is_input and self.edge.inputs is Layout.BLOCKED:
                raise CompileError(f"'{name}' reshapes a model input that lies in blocks; legal are dense inputs")
            self.values[root.name] = dataclasses.replace(root, dense=True)
            return Source(root.name, Layout.DENSE, seen, tensor.zero_point)
        return Source(root.name, Layout.BLOCKED, seen, tensor.zero_point)

    def _affine(self, node: Node) -> Layer:
        parameters = affine_parameters(self.graph, node)
        output = geometry(self.graph.tensors[node.output])
        macs = output.elements * int(np.prod(parameters.weight.shape[1:]))
        if is_depthwise(self.graph, node):
            return self._depthwise(node, parameters, output, macs)
        if node.op is Op.DENSE:
            source, window, weight = self._dense_operand(node, parameters)
        else:
            source = self._source(node.inputs[0])
            window = _window(node, parameters.weight.shape[2:])
            weight = self._ungroup(node, parameters, source)
        if source.layout is Layout.DENSE and source.geometry.height * source.geometry.width > 1:
            packed = pack_convolution(self.machine, source.geometry, output, window, weight)
            if packed is not None:
                source = dataclasses.replace(source, packing=packed.packing, virtual=packed.virtual)
                window, weight = packed.window, packed.weight
        return self._layer(node, Kernel.MATRIX, source, window, macs, parameters, weight)

    def _layer(
        self, node: Node, kernel: Kernel, source: Source, window: Window, macs: int,
        p: AffineParameters, weight: Int8Array,
    ) -> Layer:
        reach = weight_reach(self.machine, weight) if kernel is Kernel.MATRIX else ()
        if reach and node.attributes.get("groups", 1) == 1:  # zeros of a band are no work of the model
            image = self.graph.tensors[node.output].shape[2:]
            macs = min(macs, int(np.count_nonzero(weight)) * int(np.prod(image, dtype=np.int64)))
        return Layer(
            node.name, (node.name,), kernel, source, node.output, geometry(self.graph.tensors[node.output]), window,
            p.output_zero_point, p.low, p.high, macs, weight,
            ChannelParameters(p.bias, p.multiplier, p.left, p.right), fill=p.input_zero_point,
            reach=reach,
        )

    def _depthwise(self, node: Node, parameters: AffineParameters, output: Geometry, macs: int) -> Layer:
        window = _window(node, parameters.weight.shape[2:])
        self._check_vector_limits(node)
        source = self._source(node.inputs[0])
        return self._layer(node, Kernel.DEPTHWISE, source, window, macs, parameters, parameters.weight[:, 0])

    def _dense_operand(self, node: Node, parameters: AffineParameters) -> tuple[Source, Window, Int8Array]:
        """A product over a flattened image is a convolution whose kernel is the whole image."""
        root = self.values[self.aliases[node.inputs[0]]]
        shape, weight = root.geometry, parameters.weight
        is_dense = root.is_bytes or (root.is_input and self.edge.inputs is Layout.DENSE)
        if is_dense or shape.elements != weight.shape[1] or max(shape.height, shape.width) > WINDOW:
            return self._source(node.inputs[0]), Window(), weight[:, :, None, None]
        tensor = self.graph.tensors[node.inputs[0]]
        source = Source(root.name, Layout.BLOCKED, shape, tensor.zero_point)
        window = Window((shape.height, shape.width))
        return source, window, weight.reshape(len(weight), shape.channels, shape.height, shape.width)

    def _ungroup(self, node: Node, parameters: AffineParameters, source: Source) -> Int8Array:
        """Return the weights of a grouped convolution as those of a plain one, zero outside the groups."""
        groups, weight = node.integer("groups"), parameters.weight
        if groups == 1:
            return weight
        per_out, per_in = weight.shape[0] // groups, weight.shape[1]
        full = np.zeros((weight.shape[0], source.geometry.channels, *weight.shape[2:]), np.int8)
        for group in range(groups):
            out = slice(group * per_out, (group + 1) * per_out)
            full[out, group * per_in : (group + 1) * per_in] = weight[out]
        return full

    def _check_vector_limits(self, node: Node) -> None:
        reason = window_reason(self.graph, node) or divisors_reason(self.graph, node, self.machine)
        if reason is not None:
            raise node_error(node, reason)

    def _pool(self, node: Node) -> Layer:
        self._check_vector_limits(node)
        window = _window(node, node.integers("kernel"))
        output = geometry(self.graph.tensors[node.output])
        source = self._source(node.inputs[0])
        if node.op is Op.MAX_POOL:
            return Layer(
                node.name, (node.name,), Kernel.MAX, source, node.output, output, window,
                self.graph.tensors[node.output].zero_point, INT8_MIN, INT8_MAX, 0, fill=INT8_MIN,
            )
        p = average_parameters(self.graph, node)
        counts = p.count
        rows, columns = (_runs_of_equal(counts, axis) for axis in (0, 1))
        divisors = [int(n) for n in np.unique(counts)]
        borders = tuple(Border(y, x, divisors.index(int(counts[y[0], x[0]]))) for y in rows for x in columns)
        places = [np.argwhere(counts == n)[0] for n in divisors]
        multiplier, left, right = (
            np.array([array[y, x] for y, x in places], np.int32) for array in (p.multiplier, p.left, p.right)
        )
        return Layer(
            node.name, (node.name,), Kernel.AVERAGE, source, node.output, output, window,
            p.output_zero_point, p.low, p.high, 0, borders=borders, fill=p.input_zero_point,
            parameters=ChannelParameters(np.zeros(len(divisors), np.int32), multiplier, left, right),
        )

    def _addition(self, node: Node) -> None:
        p, output = add_parameters(self.graph, node), geometry(self.graph.tensors[node.output])
        maker, subtract = self.fused.get(node.name), node.op is Op.SUB
        if maker is None:
            a, b = (self._operand(node, name, output) for name in node.inputs)
            self.layers.append(Layer(
                node.name, (node.name,), Kernel.ADD, a, node.output, output, Window(), p.a_zero_point,
                INT8_MIN, INT8_MAX, 0, residual=b, record=addition_record(p.rescale, p), subtract=subtract,
                fill=p.a_zero_point,
            ))
            return
        layer, other = self._affine(maker), node.inputs[1 - node.inputs.index(maker.output)]
        record = addition_record(_ordered(p, maker.output == node.inputs[0]), p)
        residual = self._operand(node, other, output)
        self.layers.append(dataclasses.replace(
            layer, nodes=(maker.name, node.name), output=node.output, residual=residual, record=record,
            subtract=subtract,
        ))

    def _product(self, node: Node) -> Layer:
        output = geometry(self.graph.tensors[node.output])
        a, b = (self._operand(node, name, output) for name in node.inputs)
        return product_layer(node, product_parameters(self.graph, node), a, b, output)

    def _operand(self, node: Node, name: str, output: Geometry) -> Source:
        """How an element-wise operator reads an operand; one channel for many is put into all lanes of a block."""
        tensor = self.graph.tensors[name]
        spread = geometry(tensor).channels < output.channels
        if not spread and not tensor.is_constant:
            return self._source(name)
        own = in_all_lanes(name) if spread else name
        if own not in self.values and tensor.is_constant:
            self.values[own] = constant_value(self.machine, own, tensor, output)
        elif own not in self.values:
            layer = replicating_layer(self.machine, node, self._source(name), own)
            self._add_in_all_lanes(tensor, layer)
            self.layers.append(layer)
        return operand_of(self.values[own])


def _ordered(p: AddParameters, first: bool) -> AddRescale:
    """The addition's rescales with the fused operand as A."""
    return p.rescale if first else AddRescale(p.rescale.b, p.rescale.a, p.rescale.out)


def _runs_of_equal(counts: Int32Array, axis: int) -> list[tuple[int, int]]:
    """Return ranges of rows (axis 0) or columns (axis 1) whose counts are the same."""
    lines = counts if axis == 0 else counts.T
    changes = [i for i in range(1, len(lines)) if not np.array_equal(lines[i], lines[i - 1])]
    edges = [0, *changes, len(lines)]
    return list(itertools.pairwise(edges))
