"""What a profile says: of each layer, of each block of layers, of the whole program.

Figures of several layers are their sums, and everything that the machine did belongs to a layer or to the tail, so that
the totals are those of the hardware's counters (docs/profile.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from accel_sim.time import TimeResult
from machine.program import Program, bound_of
from runtime.profile.occupancy import Occupancy
from runtime.profile.traffic import KINDS, READ_KINDS, RESULTS

CAUSES = (
    "useful", "underused", "vector", "store", "start", "wait_weights", "wait_shift", "wait_bank", "wait_accumulator",
    "wait_token_load", "wait_token_weights", "wait_token_matrix", "wait_token_store", "drain",
    "idle_fetch", "idle_dispatch", "idle_end",
)
"""What a cycle can go to (docs/profile.md)."""
USEFUL = "useful"
LOSSES = CAUSES[1:]
"""Everything but useful work of the array."""


@dataclass(frozen=True)
class Costs:
    """What something took.

    Attributes:
        macs: multiply-accumulates of the accelerator.
        host_macs: those of convolutions and products on the host.
        parameters: constants of the model, in elements.
        cycles: cycles by cause; the causes of `CAUSES`, all of them.
        traffic: bytes on the bus (whole beats) by kind; the kinds of `KINDS`, all of them.
        scratchpad_bytes: the most bytes of the scratchpad that held a value still needed, at any time meanwhile.
        accumulator_bytes: the same of the accumulators.
    """

    macs: int
    host_macs: int
    parameters: int
    cycles: dict[str, int]
    traffic: dict[str, int]
    scratchpad_bytes: int
    accumulator_bytes: int

    @staticmethod
    def sum(costs: Iterable[Costs]) -> Costs:
        """Return the costs of several things together: sums, and the highest of the high-water marks."""
        parts = list(costs)
        return Costs(
            macs=sum(part.macs for part in parts),
            host_macs=sum(part.host_macs for part in parts),
            parameters=sum(part.parameters for part in parts),
            cycles={cause: sum(part.cycles[cause] for part in parts) for cause in CAUSES},
            traffic={kind: sum(part.traffic[kind] for part in parts) for kind in KINDS},
            scratchpad_bytes=max((part.scratchpad_bytes for part in parts), default=0),
            accumulator_bytes=max((part.accumulator_bytes for part in parts), default=0),
        )

    @property
    def total_cycles(self) -> int:
        """All cycles."""
        return sum(self.cycles.values())

    @property
    def lost_cycles(self) -> int:
        """All cycles but those in which every MAC unit of the array works."""
        return self.total_cycles - self.cycles[USEFUL]

    @property
    def largest_loss(self) -> tuple[str, int]:
        """The name and the cycles of the largest loss; of several the first."""
        return max(((cause, self.cycles[cause]) for cause in LOSSES), key=lambda item: item[1])

    @property
    def read_bytes(self) -> int:
        """Bytes that the bus delivered."""
        return sum(self.traffic[kind] for kind in READ_KINDS)

    @property
    def write_bytes(self) -> int:
        """Bytes that the bus took."""
        return self.traffic[RESULTS]

    @property
    def intensity(self) -> float | None:
        """Arithmetic intensity in MACs per byte on the bus; None where nothing was moved."""
        moved = self.read_bytes + self.write_bytes
        return self.macs / moved if moved else None

    def to_dict(self) -> dict[str, Any]:
        """Return the stable JSON keys."""
        return {
            "macs": self.macs,
            "host_macs": self.host_macs,
            "parameters": self.parameters,
            "cycles": self.total_cycles,
            "causes": self.cycles,
            "traffic_bytes": self.traffic,
            "read_bytes": self.read_bytes,
            "write_bytes": self.write_bytes,
            "intensity": self.intensity,
            "scratchpad_bytes": self.scratchpad_bytes,
            "accumulator_bytes": self.accumulator_bytes,
        }


@dataclass(frozen=True)
class LayerProfile:
    """One node of the program.

    Attributes:
        node: its index in the program's `nodes`.
        name: its name (of a group that was fused the first one's).
        operator: its operator, those of a group joined by "+".
        placement: "accelerator" or "host".
        block: the names of the blocks of the model that it is in, the outermost first.
        costs: what it took on the accelerator; nothing for a node on the host.
        bound_cycles: what it would take alone and without a lost cycle.
        expected_cycles: what the compiler expected; of a node on the host the host's time.
        first_cycle: when the first of its instructions issues, 0 if it has none. The segments of a program follow each
            other, the host's time between them left out.
        last_cycle: when the last of them retires, 0 if it has none.
        kernel: how the accelerator executes it, "" on the host.
        reason: why it is on the host, "" on the accelerator.
    """

    node: int
    name: str
    operator: str
    placement: str
    block: tuple[str, ...]
    costs: Costs
    bound_cycles: int
    expected_cycles: int
    first_cycle: int
    last_cycle: int
    kernel: str
    reason: str


@dataclass(frozen=True)
class BlockProfile:
    """A block of the model: layers, and blocks within it, in program order; its costs are all of theirs."""

    path: tuple[str, ...]
    layers: tuple[LayerProfile, ...]
    blocks: tuple[BlockProfile, ...]
    costs: Costs

    @property
    def name(self) -> str:
        """Its own name, without those of the blocks around it; "" for the whole model."""
        return self.path[-1] if self.path else ""


@dataclass(frozen=True, eq=False)
class NetworkProfile:
    """Where the time of a program went.

    Attributes:
        program: the program.
        times: the time of each segment, with history.
        layers: the nodes of the program in order, those on the host included.
        tail: what belongs to no layer; all of it for a kernel without sections.
        root: the whole model as a block; its costs are without the tail.
        total: everything; `total.total_cycles` is the machine's CYCLES, summed over segments.
        counters: cycles of each engine in each state, as the hardware counts them, summed over segments.
        occupancy: how much of the memories on the chip was in use, over time.
    """

    program: Program
    times: tuple[TimeResult, ...]
    layers: tuple[LayerProfile, ...]
    tail: Costs
    root: BlockProfile
    total: Costs
    counters: dict[str, dict[str, int]]
    occupancy: Occupancy

    @property
    def bound_cycles(self) -> int:
        """The least that the program's work takes on the machine."""
        return bound_of(self.program.nodes)

    def utilization(self, costs: Costs) -> float:
        """Return MACs over what the array could do in the same cycles, 0 for no cycles."""
        machine, cycles = self.program.machine, costs.total_cycles
        return costs.macs / (machine.rows * machine.columns * cycles) if cycles else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the stable JSON keys of `tpukit profile --json`."""
        machine = self.program.machine
        return {
            "source": self.program.source,
            "machine": machine.name,
            "batch": self.program.batch,
            "clock_hz": machine.clock_hz,
            "seconds": self.total.total_cycles / machine.clock_hz,
            "bound_cycles": self.bound_cycles,
            "total": self._costs(self.total),
            "layers": [self._layer(layer) for layer in self.layers],
            "tail": self._costs(self.tail),
            "blocks": self._blocks(self.root.blocks),
            "counters": self.counters,
        }

    def _costs(self, costs: Costs) -> dict[str, Any]:
        return {"utilization": self.utilization(costs), **costs.to_dict()}

    def _layer(self, layer: LayerProfile) -> dict[str, Any]:
        return {
            "name": layer.name,
            "operator": layer.operator,
            "placement": layer.placement,
            "reason": layer.reason,
            "block": list(layer.block),
            "kernel": layer.kernel,
            "bound_cycles": layer.bound_cycles,
            "expected_cycles": layer.expected_cycles,
            "first_cycle": layer.first_cycle,
            "last_cycle": layer.last_cycle,
            **self._costs(layer.costs),
        }

    def _blocks(self, blocks: Sequence[BlockProfile]) -> list[dict[str, Any]]:
        return [
            {
                "name": block.name,
                "layers": [layer.name for layer in block.layers],
                "blocks": self._blocks(block.blocks),
                **self._costs(block.costs),
            }
            for block in blocks
        ]
