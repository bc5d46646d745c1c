"""Plan: tiles, scratchpad banks for what stays and for each layer's buffers.

Everything that different engines touch at the same time lies in different banks: a layer's input, output, residual
and multiplier operand never share one, so no engine denies another's port.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from compiler.backend.copies import copy_work
from compiler.backend.geometry import Box, Region, ceil_div
from compiler.backend.layers import ELEMENTWISE, Kernel, Layer, Layout, Network
from compiler.backend.tile import Streams, Tiling, Work, considered, least_cycles, parameters_reason, work
from machine.config import Machine
from machine.errors import CompileError
from machine.progress import steps

MOST_BUFFERS = 4
NEIGHBOURS = 2
"""Layers before one whose buffers its own avoid, so that they can overlap."""
_WORK = {Kernel.COPY: copy_work}
"""The cost models of kernels that have their own."""
Banks = tuple[int, int]
"""A run of banks: first, number."""


@dataclass(frozen=True, slots=True)
class Buffers:
    """Equal buffers of `words` scratchpad words, one after the other from granule address `base`."""

    base: int
    words: int
    count: int

    def address(self, machine: Machine, index: int) -> int:
        """Granule address of a buffer; indices go round."""
        return self.base + index % self.count * self.words * machine.granules_per_word


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """A layer's tiling and buffers; None for an activation that is resident or not there."""

    layer: Layer
    tiling: Tiling
    cycles: int
    source: Buffers | None
    residual: Buffers | None
    output: Buffers | None
    multipliers: Buffers | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole network: a plan for each layer, and the boxes of the resident activations."""

    layers: tuple[LayerPlan, ...]
    residents: dict[str, Box]
    fills: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Resident:
    """A resident activation: its banks, and the layers during which it occupies them."""

    banks: Banks
    first: int
    last: int

    def near(self, layer: int, slack: int) -> bool:
        """Whether it is there at a layer, or `slack` layers before or after."""
        return self.first - slack <= layer <= self.last + slack


@dataclass
class _Allocator:
    """Decides residency one activation at a time; each decision is judged by the cost of the layers that it touches."""

    machine: Machine
    network: Network
    resident: dict[str, _Resident] = field(default_factory=dict)
    cache: dict[tuple[Hashable, Streams, tuple[int, ...]], tuple[Tiling, Work] | None] = field(default_factory=dict)
    ranked: dict[Hashable, list[tuple[int, int, Tiling]]] = field(default_factory=dict)

    def plan(self, index: int, others: Sequence[Sequence[Banks]] = ()) -> LayerPlan | None:
        """Return the best plan of a layer beside what is resident, None if none fits.

        `others` are the banks of the buffers of the layers just before, the nearest first: they are avoided as far as
        there is room, as is what is resident one layer before or after, so that layers can overlap.
        """
        layer = self.network.layers[index]
        streams = self.streams(layer)
        runs = _free_runs(self.machine, [r.banks for r in self.resident.values() if r.near(index, 0)])
        key = (_shape_key(layer), streams, tuple(sorted(length for _, length in runs)))
        if key not in self.cache:
            self.cache[key] = self._search(layer, streams, runs)
        found = self.cache[key]
        if found is None:
            return None
        tiling, cost = found
        near = [resident.banks for resident in self.resident.values() if resident.near(index, 1)]
        price = _prices(self.machine, [near, *others])
        roles, from_top = self._roles(cost), index % 2 == 1
        placed = _place_apart(self.machine, runs, roles, price) or _place(self.machine, runs, roles, from_top)
        assert placed is not None
        return LayerPlan(
            layer, tiling, cost.cycles, self._buffers(placed, "source", cost.source_words),
            self._buffers(placed, "residual", cost.residual_words),
            self._buffers(placed, "output", cost.output_words),
            self._buffers(placed, "multipliers", cost.multiplier_words),
        )

    def streams(self, layer: Layer) -> Streams:
        """Return which of a layer's activations go through memory."""
        residual = layer.residual
        return Streams(
            layer.kernel is not Kernel.COPY and not self._stays(layer.source.value, layer.source.layout),
            residual is not None and not self._stays(residual.value, residual.layout),
            layer.output not in self.resident,
        )

    def _stays(self, value: str, layout: Layout) -> bool:
        return layout is Layout.BLOCKED and value in self.resident

    def _roles(self, cost: Work) -> list[tuple[str, int]]:
        roles = [
            ("source", cost.source_words * cost.source_buffers),
            ("output", cost.output_words * cost.output_buffers),
            ("residual", cost.residual_words * cost.output_buffers),
            ("multipliers", cost.multiplier_words * cost.multiplier_buffers),
        ]
        return [(role, words) for role, words in roles if words]

    def _buffers(self, placed: dict[str, Banks], role: str, words: int) -> Buffers | None:
        """Return a role's buffers, at the end of its banks: what is resident before or after lies at the start."""
        if role not in placed:
            return None
        first, count = placed[role]
        room = min(count * self.machine.bank_words // words, MOST_BUFFERS)
        base = (first + count) * self.machine.bank_granules - room * words * self.machine.granules_per_word
        return Buffers(base, words, room)

    def _search(self, layer: Layer, streams: Streams, runs: Sequence[Banks]) -> tuple[Tiling, Work] | None:
        """Return the fastest tiling that fits, the first of equal ones; none is estimated that cannot be faster."""
        best: tuple[int, int, Tiling, Work] | None = None
        for least, index, tiling in self._candidates(layer):
            if best is not None and least > best[0]:
                break
            cost = _WORK.get(layer.kernel, work)(self.machine, layer, tiling, streams)
            if best is not None and (cost.cycles, index) >= best[:2]:
                continue
            if _place(self.machine, runs, self._roles(cost), False) is not None:
                best = cost.cycles, index, tiling, cost
        return None if best is None else best[2:]

    def _candidates(self, layer: Layer) -> list[tuple[int, int, Tiling]]:
        """Return a layer's tilings with the least that each can take and its rank among equals, in this order."""
        key = _shape_key(layer)
        if key not in self.ranked:
            found = considered(self.machine, layer)
            known = layer.kernel not in _WORK
            self.ranked[key] = sorted(
                (
                    (least_cycles(self.machine, layer, tiling) if known else 0, index, tiling)
                    for index, tiling in enumerate(found)
                ),
                key=lambda entry: entry[:2],
            )
        return self.ranked[key]

    def consider(self, value: str) -> None:
        """Keep an activation in the scratchpad if it fits and the layers that it touches become faster."""
        region = _resident_region(self.machine, self.network, value)
        if region is None:
            return
        first, last = _lifetime(self.network, value)
        count = ceil_div(region.words, self.machine.bank_words)
        without = self._cost(first, last)
        best: tuple[int, _Resident] | None = None
        for start in self._starts(first, last, count):
            self.resident[value] = _Resident((start, count), first, last)
            cost = self._cost(first, last)
            if cost is not None and (best is None or cost < best[0]):
                best = cost, self.resident[value]
            del self.resident[value]
        if best is not None and (without is None or best[0] < without):
            self.resident[value] = best[1]

    def _starts(self, first: int, last: int, count: int) -> list[int]:
        """Return first banks to try: those first that nothing takes one layer before or after either."""
        found: list[int] = []
        for slack in (1, 0):
            taken = [r.banks for r in self.resident.values() if r.first - slack <= last and first <= r.last + slack]
            fitting = [run for run in _free_runs(self.machine, taken) if run[1] >= count]
            if fitting:
                found += sorted({fitting[0][0], fitting[-1][0] + fitting[-1][1] - count})
        return list(dict.fromkeys(found))

    def _cost(self, first: int, last: int) -> int | None:
        total = 0
        for index in range(first, last + 1):
            plan = self.plan(index)
            if plan is None:
                return None
            total += plan.cycles
        return total


def plan_network(machine: Machine, network: Network) -> Plan:
    """Choose what stays in the scratchpad, and every layer's tiling and buffers.

    Raises:
        CompileError: a layer fits the machine in no tiling.
    """
    allocator = _Allocator(machine, network)
    for layer in steps("choosing what stays in the scratchpad", network.layers, len(network.layers)):
        allocator.consider(layer.output)
    plans: list[LayerPlan] = []
    for index, layer in enumerate(steps("tiling", network.layers, len(network.layers))):
        plan = allocator.plan(index, [_banks(machine, each) for each in plans[: -NEIGHBOURS - 1 : -1]])
        if plan is None:
            reason = parameters_reason(machine, layer) or (
                f"no tile of it fits the scratchpad of {machine.scratchpad_bytes} bytes in "
                f"{machine.scratchpad_banks} banks"
            )
            raise CompileError(f"node '{layer.name}' ({layer.kernel} kernel): {reason}")
        plans.append(plan)
    residents, fills = {}, {}
    for value, place in allocator.resident.items():
        region = _resident_region(machine, network, value)
        assert region is not None
        residents[value] = Box(machine, place.banks[0] * machine.bank_granules, region)
        fills[value] = next(iter(_fills(network, value)), 0)
    return Plan(tuple(plans), residents, fills)


def _shape_key(layer: Layer) -> Hashable:
    """Return all of a layer that its tiling depends on: layers with equal keys have equal tilings."""
    sources = tuple((source.layout, source.geometry, source.packing, source.virtual) for source in layer.reads)
    shape = layer.kernel, layer.geometry, layer.window, layer.parameters is None, layer.residual is None, sources
    return *shape, layer.runs, layer.padded, layer.reach


def _banks(machine: Machine, plan: LayerPlan) -> list[Banks]:
    """Return the banks of a layer's buffers."""
    found = []
    for buffers in (plan.source, plan.residual, plan.output, plan.multipliers):
        if buffers is not None:
            count = ceil_div(buffers.words * buffers.count, machine.bank_words)
            found.append((buffers.base // machine.bank_granules, count))
    return found


def _free_runs(machine: Machine, taken: Iterable[Banks]) -> list[Banks]:
    """Return the runs of banks that nothing takes."""
    used = {bank for first, count in taken for bank in range(first, first + count)}
    runs: list[Banks] = []
    for bank in range(machine.scratchpad_banks):
        if bank in used:
            continue
        if runs and sum(runs[-1]) == bank:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((bank, 1))
    return runs


def _place(
    machine: Machine, runs: Sequence[Banks], roles: Sequence[tuple[str, int]], from_top: bool
) -> dict[str, Banks] | None:
    """Give each role whole banks of its own, the largest first; None if they do not fit."""
    free, placed = list(runs), {}
    for role, words in sorted(roles, key=lambda pair: -pair[1]):
        count = ceil_div(words, machine.bank_words)
        fitting = [i for i, run in enumerate(free) if run[1] >= count]
        if not fitting:
            return None
        index = min(fitting, key=lambda i: (free[i][1], -i if from_top else i))
        first, length = free[index]
        placed[role] = (first + length - count, count) if from_top else (first, count)
        free[index] = (first, length - count) if from_top else (first + count, length - count)
    return placed


def _prices(machine: Machine, taken: Sequence[Sequence[Banks]]) -> list[int]:
    """Return what it costs to share each bank with what others take, the dearest first."""
    price = [0] * machine.scratchpad_banks
    for rank, each in enumerate(taken):
        for first, count in each:
            for bank in range(first, first + count):
                price[bank] += 1 << (len(taken) - rank)
    return price


def _place_apart(
    machine: Machine, runs: Sequence[Banks], roles: Sequence[tuple[str, int]], price: Sequence[int]
) -> dict[str, Banks] | None:
    """Give each role the cheapest banks that are left, the largest first; None if one finds none."""
    free, placed = {bank for first, count in runs for bank in range(first, first + count)}, {}
    for role, words in sorted(roles, key=lambda pair: -pair[1]):
        count = ceil_div(words, machine.bank_words)
        fitting = [start for start in sorted(free) if free.issuperset(range(start, start + count))]
        if not fitting:
            return None
        start = min(fitting, key=lambda start: (sum(price[start : start + count]), start))
        placed[role] = start, count
        free -= set(range(start, start + count))
    return placed


def _readers(network: Network, value: str) -> list[tuple[int, Layer, bool]]:
    """Return the blocked reads of an activation: layer index, layer, whether as residual; copies read memory."""
    return [
        (index, layer, source is layer.residual)
        for index, layer in enumerate(network.layers)
        for source in layer.reads
        if source.value == value and source.layout is Layout.BLOCKED and layer.kernel is not Kernel.COPY
    ]


def _lifetime(network: Network, value: str) -> tuple[int, int]:
    first = next(index for index, layer in enumerate(network.layers) if layer.output == value)
    return first, max([first, *(index for index, _, _ in _readers(network, value))])


def _fills(network: Network, value: str) -> set[int]:
    """Return the values with which readers need the activation's border filled."""
    found = set()
    for _, layer, is_residual in _readers(network, value):
        g, window = layer.source.geometry, layer.window
        spans = [window.span(axis, 0, (layer.geometry.height, layer.geometry.width)[axis]) for axis in (0, 1)]
        sizes = (g.height, g.width)
        windowed = not is_residual and layer.kernel not in ELEMENTWISE
        if windowed and any(s[0] < 0 or s[1] > n for s, n in zip(spans, sizes, strict=True)):
            found.add(layer.fill)
    return found


def _resident_region(machine: Machine, network: Network, value: str) -> Region | None:
    """Return what a resident activation must hold, with the borders its readers need; None if it cannot stay."""
    readers = _readers(network, value)
    copied = any(source.value == value for layer in network.layers for source in layer.copied)
    if not readers and (copied or network.values[value].home is not None):
        return None
    if len(_fills(network, value)) > 1:
        return None
    if any(layer.kernel in ELEMENTWISE and layer.residual is not None and layer.residual.value == layer.source.value
           for _, layer, _ in readers):
        return None
    g = network.values[value].geometry
    region = Region((0, g.planes(machine)), (0, g.height), (0, g.width))
    for _, layer, is_residual in readers:
        if not is_residual and layer.kernel not in ELEMENTWISE:
            spans = (layer.window.span(0, 0, layer.geometry.height), layer.window.span(1, 0, layer.geometry.width))
            region = region.merge(Region(region.planes, *spans))
    if g.images > 1 and region.rows != (0, g.height):
        return None
    return Region(region.planes, (0, g.lines) if g.images > 1 else region.rows, region.columns)
