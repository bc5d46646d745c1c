"""Emit: every layer's items as instructions, grouped in steps (loads that may come early, then the rest)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from compiler.backend.constants import (
    Constants,
    channel_entries,
    multiplier_words,
    operand_words,
    record_entry,
    uniform_entries,
    weight_tiles,
)
from compiler.backend.copies import copy_loads
from compiler.backend.geometry import Box, Region
from compiler.backend.instructions import build
from compiler.backend.layers import Kernel, Layer, Layout, Network, Source
from compiler.backend.memory import MemoryMap
from compiler.backend.plan import Buffers, LayerPlan, Plan
from compiler.backend.tables import TableSlots
from compiler.backend.tile import Item, granules, items, parameter_slot
from compiler.backend.transfers import (
    fill_border,
    load_parameters,
    load_region,
    load_table,
    load_words,
    store_blocked,
    store_dense,
    store_pixels,
)
from compiler.backend.vector import VectorItem, vector_instructions
from machine.config import Machine
from machine.isa import Instruction, Opcode
from machine.numerics import Int8Array


@dataclass(frozen=True, slots=True)
class Step:
    """One item of work: its loads, and the instructions that compute and store it."""

    layer: int
    loads: tuple[Instruction, ...]
    body: tuple[Instruction, ...]


@dataclass
class Emitter:
    """State that runs through the network: accumulator half, parameter half, tables, constants."""

    machine: Machine
    network: Network
    plan: Plan
    memory: MemoryMap
    constants: Constants = field(default_factory=Constants)
    items_done: int = 0
    tables: TableSlots = field(default_factory=TableSlots)

    @cached_property
    def pixels(self) -> dict[str, list[str]]:
        """The activations that each layer's output is stored as, position by position, too."""
        found: dict[str, list[str]] = {}
        for value in self.network.values.values():
            if value.pixels_of is not None:
                found.setdefault(value.pixels_of, []).append(value.name)
        return found

    def steps(self) -> Iterator[Step]:
        """Yield all steps in an order in which every value is made before it is used."""
        for value in self.network.values.values():
            if value.constant is not None:
                address = self.constants.add(operand_words(self.machine, value.constant))
                self.memory.places[value.name, Layout.BLOCKED] = address
        for index, layer in enumerate(self.plan.layers):
            yield from _LayerEmitter(self, index, layer).steps()


@dataclass
class _LayerEmitter:
    """Emits one layer."""

    emitter: Emitter
    index: int
    plan: LayerPlan
    held: list[Region] = field(default_factory=list)
    loads_done: int = 0
    loads: list[Instruction] = field(default_factory=list)
    body: list[Instruction] = field(default_factory=list)
    weights: dict[tuple[tuple[int, int], tuple[int, int], int], tuple[int, int]] = field(default_factory=dict)
    parameters: int = 0
    record: int = 0
    table: int = 0
    item_index: int = 0
    held_multipliers: tuple[int, int] = (0, 0)
    multipliers_loaded: int = 0

    @property
    def machine(self) -> Machine:
        """The machine."""
        return self.emitter.machine

    @cached_property
    def tiles(self) -> Int8Array:
        """The layer's weights as tiles."""
        return weight_tiles(self.machine, self.layer)

    @cached_property
    def multiplier_address(self) -> int:
        """Address of the depthwise weights."""
        return self.emitter.constants.add(multiplier_words(self.machine, self.layer))

    @cached_property
    def parameter_address(self) -> int:
        """Address of the parameter entries of all channels."""
        assert self.layer.parameters is not None
        return self.emitter.constants.add(channel_entries(self.machine, self.layer.parameters))

    @property
    def layer(self) -> Layer:
        """The layer."""
        return self.plan.layer

    def steps(self) -> Iterator[Step]:
        """Yield a step for each input region of each item."""
        self._prepare()
        for index, item in enumerate(items(self.machine, self.layer, self.plan.tiling)):
            self.item_index = index
            yield from self._item(item)
            self.emitter.items_done += 1

    def _prepare(self) -> None:
        """Load what belongs to the whole layer: border of a resident output, parameters, record, table."""
        machine, layer, constants = self.machine, self.layer, self.emitter.constants
        half = machine.parameter_entries // 2
        self.parameters, self.record = half * (self.index % 2), half * (self.index % 2) + half - 1
        box = self.emitter.plan.residents.get(layer.output)
        if box is not None:
            self.loads += fill_border(box, layer.geometry.stacked, self.emitter.plan.fills[layer.output])
        if layer.record is not None:
            address = constants.add(record_entry(machine, layer.record))
            self.loads.append(load_parameters(machine, address, self.record, (1, 1), 0))
        if layer.parameters is not None:
            self._prepare_parameters()
        if layer.table is not None:
            self._prepare_table(layer.table.tobytes())

    def _prepare_table(self, table: bytes) -> None:
        slot, load = self.emitter.tables.take(table)
        self.table = slot + 1
        if load:
            self.loads.append(load_table(self.machine, self.emitter.constants.add(table), slot))

    def _prepare_parameters(self) -> None:
        machine, parameters = self.machine, self.layer.parameters
        assert parameters is not None
        if self.layer.kernel is Kernel.AVERAGE:
            address = self.emitter.constants.add(uniform_entries(machine, parameters))
            self.loads.append(load_parameters(machine, address, self.parameters, (1, len(parameters.bias)), 0))
        elif self._parameters_stay():
            entries = (1, self._lanes * self._planes)
            self.loads.append(load_parameters(machine, self.parameter_address, self.parameters, entries, 0))

    @property
    def _lanes(self) -> int:
        return self.machine.block_bytes // self.machine.columns

    @property
    def _planes(self) -> int:
        return self.layer.geometry.planes(self.machine)

    def _parameters_stay(self) -> bool:
        return self._lanes * self._planes <= self.machine.parameter_entries // 2 - 1

    def _item_parameters(self, item: Item) -> tuple[int, int]:
        """Return the first parameter entry of an item, and entries from a lane group to the next."""
        if self.layer.parameters is None:
            return 0, 0
        if self.layer.kernel is Kernel.AVERAGE:
            return self.parameters, 0
        if self._parameters_stay():
            return self.parameters + item.output.planes[0], self._planes
        entry = self.parameters + parameter_slot(self.machine) * (self.item_index % 2)
        entry_bytes = 12 * self.machine.columns
        address = self.parameter_address + item.output.planes[0] * entry_bytes
        groups = (self._lanes, item.output.depth)
        self.loads.append(load_parameters(self.machine, address, entry, groups, self._planes * entry_bytes))
        return entry, item.output.depth

    def _step(self) -> Step:
        step = Step(self.index, tuple(self.loads), tuple(self.body))
        self.loads, self.body = [], []
        return step

    def _multipliers(self, planes: tuple[int, int]) -> int:
        """Return where an item's multipliers lie; they are loaded where they differ from the item's before."""
        buffers = self.plan.multipliers
        if buffers is None:
            return 0
        if planes != self.held_multipliers:
            self.held_multipliers, self.multipliers_loaded = planes, self.multipliers_loaded + 1
            words = self.layer.window.kernel[0] * self.layer.window.kernel[1]
            self.loads += load_words(
                self.machine, self.multiplier_address + planes[0] * words * self.machine.block_bytes,
                buffers.address(self.machine, self.multipliers_loaded), (planes[1] - planes[0]) * words,
            )
        return buffers.address(self.machine, self.multipliers_loaded)

    def _copy(self, item: Item) -> Step:
        output, memory = self._output_box(item), self.emitter.memory
        addresses = [memory.address(source.value, source.layout) for source in self.layer.copied]
        self.loads += copy_loads(self.layer, addresses, output, item.output)
        self._store(output, item.output)
        return self._step()

    def _item(self, item: Item) -> Iterator[Step]:
        if self.layer.kernel is Kernel.COPY:
            yield self._copy(item)
            return
        entry, lane_entries = self._item_parameters(item)
        output = self._output_box(item)
        residual = None
        if self.layer.residual is not None:
            region = self.layer.residual.broadcast(self.machine, item.output)
            residual = self._operand(self.layer.residual, region, self.plan.residual, self.item_index)
        accumulator = 0
        if self.layer.kernel is Kernel.MATRIX:
            accumulator = self.emitter.items_done % 2 * self.machine.accumulator_half_rows
            for index, region in enumerate(item.inputs):
                self._matrix(item, region, accumulator, index == 0)
                if index < len(item.inputs) - 1:
                    yield self._step()
            source = None
        else:
            source = self._source_box(item.inputs[0])
        self.body += vector_instructions(VectorItem(
            self.machine, self.layer, item.output, source, output, residual, accumulator, entry, lane_entries,
            self.record, self._multipliers(item.output.planes), self.table,
        ))
        self._store(output, item.output)
        yield self._step()

    def _operand(self, source: Source, region: Region, buffers: Buffers | None, index: int) -> Box:
        """Return the box of an operand: the resident one, or a buffer into which the region is loaded."""
        if buffers is None:
            return self._resident(source.value, region)
        box = Box(self.machine, buffers.address(self.machine, index), region)
        fill = self.layer.fill if source is self.layer.source else 0
        self.loads += load_region(source, self.emitter.memory.address(source.value, source.layout), box, fill)
        return box

    def _resident(self, value: str, region: Region) -> Box:
        """Return the box of a resident activation, with rows counted as a region counts them."""
        height = self.emitter.network.values[value].geometry.height
        return self.emitter.plan.residents[value].at_image(region.image, height)

    def _source_box(self, region: Region) -> Box:
        """Return the box that holds an input region; one that a buffer still holds is not loaded again."""
        buffers = self.plan.source
        if buffers is None:
            return self._resident(self.layer.source.value, region)
        if region in self.held:
            index = self.loads_done - len(self.held) + self.held.index(region)
            return Box(self.machine, buffers.address(self.machine, index), region)
        box = self._operand(self.layer.source, region, buffers, self.loads_done)
        self.loads_done += 1
        self.held = [*self.held, region][-buffers.count :]
        return box

    def _output_box(self, item: Item) -> Box:
        if self.plan.output is None:
            return self._resident(self.layer.output, item.output)
        return Box(self.machine, self.plan.output.address(self.machine, self.item_index), item.output)

    def _matrix(self, item: Item, region: Region, accumulator: int, first: bool) -> None:
        box = self._source_box(region)
        reach = self.layer.reached(self.machine, item.output.planes)
        planes = max(region.planes[0], reach[0]), min(region.planes[1], reach[1])
        region = dataclasses.replace(region, planes=planes)
        for granule in self._granule_groups():
            self._pass(item.output, region, box, granule, accumulator, first and granule[0] == 0)

    def _granule_groups(self) -> list[tuple[int, int]]:
        """Granules of a word as one tap loop where there is one to spare, else one instruction for each."""
        count = granules(self.machine, self.layer)
        if count > 1 and min(self.layer.window.kernel) > 1:
            return [(granule, granule + 1) for granule in range(count)]
        return [(0, count)]

    def _pass(
        self, output: Region, region: Region, box: Box, granule: tuple[int, int], accumulator: int, first: bool
    ) -> None:
        layer, machine = self.layer, self.machine
        window, area = layer.window, output.width * output.height
        blocks = output.depth * self._lanes
        address, tiles = self._weight_address(output.planes, region.planes, granule)
        self.body.append(build(Opcode.WEIGHTS, memory_address=address, tiles=tiles))
        step = machine.rows // machine.granule_bytes
        row_strides = (window.strides[1] * box.column_stride, window.strides[0] * box.row_stride)
        loops = [
            (window.kernel[1], window.dilations[1] * box.column_stride),
            (window.kernel[0], window.dilations[0] * box.row_stride),
            (granule[1] - granule[0], step),
        ]
        taps = [loop for loop in loops if loop[0] > 1] + [(1, 0), (1, 0)]
        top, left = (window.span(axis, first, first + 1)[0] for axis, first in
                     ((0, output.rows[0]), (1, output.columns[0])))
        self.body.append(build(
            Opcode.MATRIX,
            a=box.address(region.planes[0], top, left) + granule[0] * step,
            a_span=(output.width - 1) * row_strides[0] + (output.height - 1) * row_strides[1],
            row_count0=output.width, row_stride0=row_strides[0],
            row_count1=output.height, row_stride1=row_strides[1] if output.height > 1 else 0,
            tap_count0=taps[0][0], tap_stride0=taps[0][1], tap_count1=taps[1][0], tap_stride1=taps[1][1],
            tap_count2=region.depth, tap_stride2=box.plane_stride if region.depth > 1 else 0,
            blocks=blocks, accumulator=accumulator, accumulator_stride=area, accumulate=0 if first else 1,
            zero_point=layer.source.zero_point,
        ))

    def _weight_address(
        self, outputs: tuple[int, int], inputs: tuple[int, int], granule: tuple[int, int]
    ) -> tuple[int, int]:
        """Return address and number of the weight tiles of a pass, in exactly the order in which it takes them."""
        key = (outputs, inputs, granule[0])
        if key not in self.weights:
            part = self.tiles[
                outputs[0] * self._lanes : outputs[1] * self._lanes, inputs[0] : inputs[1], granule[0] : granule[1]
            ]
            count = part.size // self.machine.tile_bytes
            self.weights[key] = self.emitter.constants.add(part.tobytes()), count
        return self.weights[key]

    def _store(self, box: Box, region: Region) -> None:
        name, g = self.layer.output, self.layer.geometry
        memory = self.emitter.memory
        if memory.holds(name, Layout.BLOCKED):
            self.body += store_blocked(g, memory.address(name, Layout.BLOCKED), box, region)
        if memory.holds(name, Layout.DENSE):
            self.body += store_dense(g, memory.address(name, Layout.DENSE), box, region)
        for pixels in self.emitter.pixels.get(name, ()):
            self.body += store_pixels(g, memory.address(pixels, Layout.DENSE), box, region)
