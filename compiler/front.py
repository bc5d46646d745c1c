"""The compiler's front half: the stages from a model file to a quantized graph, listed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from compiler.graph import Graph
from compiler.importer import import_onnx
from compiler.importer.load import ModelSource
from compiler.passes.legality import verify_canonical, verify_fused, verify_imported, verify_quantized
from compiler.passes.pipeline import CANONICALISE, FOLD_AND_FUSE, INFER_SHAPES, Observer, run_passes
from compiler.placement.place import DEFAULT_PLACEMENT, Placed, PlacementOptions, place, verify_placed
from compiler.quantizer.calibration import CalibrationSource
from compiler.quantizer.options import DEFAULT_OPTIONS, QuantizationOptions
from compiler.quantizer.quantize import quantize
from machine.config import Machine
from machine.errors import DataError, ModelError


@dataclass(frozen=True)
class Stage:
    """A named stage, what it does, and what its result is checked with."""

    name: str
    description: str
    verify: Callable[[Graph], None]


STAGES: tuple[Stage, ...] = (
    Stage("import", "the model's operators as a float graph", verify_imported),
    Stage("canonicalise", "one form for each operator, identities gone", verify_canonical),
    Stage("infer_shapes", "every shape derived from the inputs'", verify_canonical),
    Stage("fold_and_fuse", "constants, biases, batch normalisations and activations folded", verify_fused),
    Stage("place", "what goes to the host, and why", verify_placed),
    Stage("quantize", "int8 on the accelerator, conversions where tensors cross", verify_quantized),
)


def import_model(model: ModelSource, shapes: Mapping[str, Sequence[int]] | None = None) -> Graph:
    """Stage `import`: an ONNX model (path, bytes or `ModelProto`) as a float graph.

    Raises:
        ModelError: the model cannot be read or holds something that is not supported.
    """
    return import_onnx(model, shapes)


def canonicalise(graph: Graph, observe: Observer | None = None) -> Graph:
    """Stage `canonicalise`: one form for each operator.

    Raises:
        ModelError: the graph cannot be brought to canonical form.
    """
    return run_passes(graph, CANONICALISE, observe)


def infer_shapes(graph: Graph, observe: Observer | None = None) -> Graph:
    """Stage `infer_shapes`: every shape derived from the inputs'.

    Raises:
        ModelError: shapes do not fit an operator.
    """
    return run_passes(graph, INFER_SHAPES, observe)


def fold_and_fuse(graph: Graph, observe: Observer | None = None) -> Graph:
    """Stage `fold_and_fuse`: constants, biases, batch normalisations and activations folded.

    Raises:
        ModelError: something remains that the quantizer does not know.
    """
    return run_passes(graph, FOLD_AND_FUSE, observe)


def front(
    model: ModelSource | Graph,
    calibration: CalibrationSource | None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    observe: Callable[[str, object], None] | None = None,
    observe_passes: Observer | None = None,
    until: str = STAGES[-1].name,
    options: QuantizationOptions = DEFAULT_OPTIONS,
    machine: Machine | None = None,
    placement: PlacementOptions = DEFAULT_PLACEMENT,
) -> Graph:
    """Run the stages: a model, or a float graph built in Python, and calibration data -> a quantized graph.

    `observe` is called with each stage's name and verified result, in order, and `observe_passes` with each pass's. The
    result is a graph; that of `place` is a `Placed`, the graph and the cut.
    `until` names the last stage to run; calibration data and options are for `quantize` only,
    `machine` and `placement` for `place`: without a machine nothing has a price, and only what must be is on the host.

    Raises:
        ModelError: the model cannot be read, or holds something that is not supported; no stage is called `until`.
        CompileError: `placement` names no node, or refuses one.
        DataError: the calibration data is missing or does not fit the model.
    """
    names = [stage.name for stage in STAGES]
    if until not in names:
        raise ModelError(f"no stage is called '{until}'; the stages are {', '.join(names)}")
    steps: tuple[Callable[[], Graph | Placed], ...] = (
        lambda: model if isinstance(model, Graph) else import_model(model, shapes),
        lambda: canonicalise(graph, observe_passes),
        lambda: infer_shapes(graph, observe_passes),
        lambda: fold_and_fuse(graph, observe_passes),
        lambda: place(graph, machine, placement),
        lambda: _quantize(graph, calibration, options),
    )
    for stage, step in zip(STAGES[: names.index(until) + 1], steps, strict=False):
        result = step()
        graph = result.graph if isinstance(result, Placed) else result
        stage.verify(graph)
        if observe is not None:
            observe(stage.name, result)
    return graph


def _quantize(graph: Graph, calibration: CalibrationSource | None, options: QuantizationOptions) -> Graph:
    if calibration is None:
        raise DataError("calibration data is needed to quantize the model")
    return quantize(graph, calibration, options)
