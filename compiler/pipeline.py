"""All stages of the compiler, listed once: a model becomes a program."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from compiler.backend.finish import emit_program, emit_segment, schedule_network
from compiler.backend.layers import Edge
from compiler.backend.lower import DENSE_EDGE, lower
from compiler.backend.memory import allocate
from compiler.backend.partition import partition
from compiler.backend.plan import plan_network
from compiler.backend.program import CompiledProgram
from compiler.front import STAGES as FRONT_STAGES
from compiler.front import front
from compiler.graph import Graph
from compiler.importer.load import ModelSource, load
from compiler.importer.onnx_import import own_batch
from compiler.placement.place import DEFAULT_PLACEMENT, PlacementOptions
from compiler.placement.prices import DEFAULT_HOST, HostModel
from compiler.quantizer.calibration import CalibrationSource
from compiler.quantizer.options import DEFAULT_OPTIONS, QuantizationOptions
from compiler.verify_program import verify_program
from machine.config import Machine

Observer = Callable[[str, object], None]
"""Called with each stage's name and result."""


@dataclass(frozen=True, slots=True)
class StageName:
    """A stage's name and what it does."""

    name: str
    description: str


STAGES: tuple[StageName, ...] = (
    *(StageName(stage.name, stage.description) for stage in FRONT_STAGES),
    StageName("partition", "the host's operators and the machine's"),
    StageName("lower", "layers that each fit one kernel, additions fused, first layers packed"),
    StageName("tile", "each layer's tile and buffers, and the activations that stay in the scratchpad"),
    StageName("schedule", "instructions in the order of dispatch"),
    StageName("allocate", "memory: instructions, constants, activations"),
    StageName("emit", "tokens, final addresses and the program's image, verified"),
)


def compile_model(
    machine: Machine,
    model: ModelSource | Graph,
    calibration: CalibrationSource,
    shapes: Mapping[str, Sequence[int]] | None = None,
    observe: Observer | None = None,
    options: QuantizationOptions = DEFAULT_OPTIONS,
    batch: int | None = None,
    placement: PlacementOptions = DEFAULT_PLACEMENT,
) -> tuple[Graph, CompiledProgram]:
    """Run all stages: a model and calibration data -> the quantized graph and the program for `batch` samples.

    By default a program takes as many samples as the model's own fixed batch, or one.

    Raises:
        ModelError: the model cannot be read, or holds something that is not supported.
        DataError: the calibration data does not fit the model.
        CompileError: the machine cannot execute the network.
    """
    loaded = model if isinstance(model, Graph) else load(model)
    graph = front(loaded, calibration, shapes, observe, options=options, machine=machine, placement=placement)
    if batch is None:
        batch = 1 if isinstance(loaded, Graph) else own_batch(graph, loaded, shapes)
    return graph, compile_graph(machine, graph, observe, batch=batch, host=placement.host)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Leave cycles of objects until later: the many instructions hold none, and looking for some takes a third more."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_without_garbage_collection()
def compile_graph(
    machine: Machine, graph: Graph, observe: Observer | None = None, edge: Edge = DENSE_EDGE, batch: int = 1,
    host: HostModel = DEFAULT_HOST,
) -> CompiledProgram:
    """Run the back half: a quantized graph (of one sample) -> a verified program for `batch` samples.

    `edge` says how the model's inputs and outputs lie in memory: their own dense bytes, or the machine's blocks; `host`
    what is expected of the host's nodes.

    Raises:
        CompileError: the machine cannot execute the graph (node, operator and reason named).
    """
    see = observe or _ignore
    parts = partition(graph)
    see("partition", parts)
    networks = tuple(lower(machine, graph, part, edge, batch) for part in parts.parts)
    see("lower", networks)
    plans = tuple(plan_network(machine, network) for network in networks)
    see("tile", plans)
    scheduled = tuple(schedule_network(machine, *pair) for pair in zip(networks, plans, strict=True))
    see("schedule", scheduled)
    placements = allocate([each.extent for each in scheduled])
    see("allocate", placements)
    emitted = [
        emit_segment(machine, graph, *each, batch)
        for each in zip(parts.parts, networks, plans, scheduled, placements, strict=True)
    ]
    program = emit_program(machine, graph, parts, emitted, placements, batch, host)
    for segment in program.segments:
        verify_program(machine, segment.instructions, program.memory_bytes, segment.program_address)
    see("emit", program)
    return program


def _ignore(name: str, result: object) -> None:
    """Observe nothing."""
