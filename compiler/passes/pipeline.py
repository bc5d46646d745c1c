"""The passes over the float graph, in order, and how they are run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from compiler.graph import Graph
from compiler.passes.addends_to_normalizations import AddendsToNormalizations
from compiler.passes.align_operands import AlignOperands
from compiler.passes.base import Pass
from compiler.passes.canonicalise_operands import CanonicaliseOperands
from compiler.passes.divide_transposed import DivideTransposed
from compiler.passes.fold_batch_normalization import FoldBatchNormalization
from compiler.passes.fold_constants import FoldConstants
from compiler.passes.fuse_bias import FuseBias
from compiler.passes.fuse_clip import FuseClip
from compiler.passes.fuse_functions import FuseFunctions
from compiler.passes.fuse_pad import FusePad
from compiler.passes.hoist_clip import HoistClip
from compiler.passes.infer_shapes import InferShapes
from compiler.passes.remove_dead import RemoveDead
from compiler.passes.remove_identity import RemoveIdentity
from machine.errors import ModelError

Observer = Callable[[str, Graph], None]
"""Is called with the name of a pass or a stage, and the graph that it made."""

CANONICALISE: tuple[Pass, ...] = (RemoveIdentity(), CanonicaliseOperands(), AlignOperands())
INFER_SHAPES: tuple[Pass, ...] = (InferShapes(),)
FOLD_AND_FUSE: tuple[Pass, ...] = (
    FoldConstants(),
    FuseFunctions(),
    FuseBias(),
    AddendsToNormalizations(),
    FoldBatchNormalization(),
    FuseBias(),  # again: a bias that followed a batch normalisation
    FusePad(),
    DivideTransposed(),
    HoistClip(),
    FuseClip(),
    RemoveDead(),
)
PASSES: tuple[Pass, ...] = (*CANONICALISE, *INFER_SHAPES, *FOLD_AND_FUSE)


def run_passes(graph: Graph, passes: Sequence[Pass], observe: Observer | None = None) -> Graph:
    """Apply passes in order; the graph is verified after each, and `observe` called with the pass's name and result.

    Raises:
        ModelError: a pass refuses the graph, or leaves one that is not sound (the pass is named).
    """
    for step in passes:
        graph = step.apply(graph)
        try:
            graph.verify()
        except ModelError as error:
            raise ModelError(f"after pass {step.name}: {error}") from error
        if observe is not None:
            observe(step.name, graph)
    return graph
