"""A model becomes a program file's contents: the compiler's result with the model and the graph beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from onnx import ModelProto

from compiler.backend.program import CompiledProgram
from compiler.front import front
from compiler.graph import Graph
from compiler.importer.export import to_onnx
from compiler.importer.load import load
from compiler.pipeline import Observer, compile_graph, compile_model
from compiler.placement.place import DEFAULT_PLACEMENT, PlacementOptions
from compiler.quantizer.calibration import CalibrationSource
from compiler.quantizer.options import DEFAULT_OPTIONS, QuantizationOptions
from compiler.quantizer.sensitivity import LayerSensitivity, measure_sensitivity
from machine.config import Machine
from machine.errors import DataError, ModelError
from machine.program import Program

MOST_SAMPLES = 1 << 12
"""Samples that a program may take at once: its instructions, and the time to compile it, grow with them."""


def compile_program(
    model: str | Path | bytes | Graph,
    machine: Machine,
    calibration: CalibrationSource,
    shapes: Mapping[str, Sequence[int]] | None = None,
    source: str = "",
    observe: Observer | None = None,
    options: QuantizationOptions = DEFAULT_OPTIONS,
    batch: int | None = None,
    placement: PlacementOptions = DEFAULT_PLACEMENT,
) -> Program:
    """Compile an ONNX model (path or bytes) or a float graph for a machine.

    `calibration` holds samples of every input by name, or names a file of them; `shapes` gives dynamic inputs their
    shape; `observe` sees each stage's name and result; `options` say how the model is quantized,
    `placement` what goes to the host. The program takes
    `batch` samples at once, by default as many as the model's own fixed batch, or one.

    Raises:
        ModelError: the model cannot be read, or holds an operator that is not supported (named).
        DataError: calibration data that does not fit the model, or a batch that is not 1 to `MOST_SAMPLES`.
        CompileError: the machine cannot execute the network.
    """
    if isinstance(model, (str, Path)):
        source = source or Path(model).name
    loaded = model if isinstance(model, Graph) else load(model)
    if batch is not None and not 1 <= batch <= MOST_SAMPLES:
        raise DataError(f"the batch is {batch}; legal are 1 to {MOST_SAMPLES} samples")
    graph, compiled = compile_model(machine, loaded, calibration, shapes, observe, options, batch, placement)
    return _program(machine, graph, compiled, model_bytes(loaded), source)


def compile_quantized(graph: Graph, machine: Machine, model: bytes, source: str = "", batch: int = 1) -> Program:
    """Compile a quantized graph for a machine; `model` is the float ONNX model that it was made from.

    Raises:
        CompileError: the machine cannot execute the network.
    """
    return _program(machine, graph, compile_graph(machine, graph, batch=batch), model, source)


def _program(machine: Machine, graph: Graph, compiled: CompiledProgram, model: bytes, source: str) -> Program:
    return Program(
        machine=machine,
        segments=compiled.segments,
        image=compiled.memory,
        memory_bytes=compiled.memory_bytes,
        nodes=compiled.nodes,
        graph=graph.to_dict(),
        model=model,
        source=source or "graph",
    )


def layer_sensitivity(
    model: str | Path | bytes | Graph,
    machine: Machine,
    calibration: CalibrationSource,
    shapes: Mapping[str, Sequence[int]] | None = None,
    options: QuantizationOptions = DEFAULT_OPTIONS,
    placement: PlacementOptions = DEFAULT_PLACEMENT,
) -> tuple[LayerSensitivity, ...]:
    """Return what quantizing each layer of a float model alone does to its outputs, placed as for a machine.

    Raises:
        ModelError: the model cannot be read, or holds an operator that is not supported (named).
        DataError: calibration data that does not fit the model.
        CompileError: `placement` names no node, or refuses one.
    """
    graph = front(model, None, shapes, until="place", machine=machine, placement=placement)
    return measure_sensitivity(graph, calibration, options)


def model_bytes(model: Graph | ModelProto) -> bytes:
    """Return the float model as one ONNX file, weights that lay in other files included.

    Raises:
        ModelError: it is too large for one.
    """
    proto = to_onnx(model) if isinstance(model, Graph) else model
    try:
        return bytes(proto.SerializeToString(deterministic=True))
    except Exception as error:  # protobuf has no common error for a message that is too large
        raise ModelError(f"the model cannot be kept in the program file: {error}") from None
