"""The operators that have a form of their own, one handler each; the others are nodes of the host, or refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from compiler.importer import (
    handlers_affine,
    handlers_elementwise,
    handlers_gather,
    handlers_matrix,
    handlers_move,
    handlers_normalization,
    handlers_pool,
    handlers_product,
    handlers_reduce,
    handlers_resize,
    handlers_shape,
    handlers_transposed,
)
from compiler.importer.context import Context, OnnxNode
from compiler.importer.handlers_functions import FUNCTION_HANDLERS

Handler = Callable[[Context, OnnxNode], None]

HANDLERS: Mapping[str, Handler] = {
    **FUNCTION_HANDLERS,
    "Add": handlers_elementwise.add,
    "AveragePool": handlers_pool.average_pool,
    "BatchNormalization": handlers_matrix.batch_normalization,
    "Clip": handlers_elementwise.clip,
    "Concat": handlers_move.concat,
    "Conv": handlers_matrix.conv,
    "ConvTranspose": handlers_transposed.conv_transpose,
    "DepthToSpace": handlers_move.depth_to_space,
    "Div": handlers_affine.div,
    "Dropout": handlers_shape.dropout,
    "Expand": handlers_gather.expand,
    "Flatten": handlers_shape.flatten,
    "Gather": handlers_gather.gather,
    "Gemm": handlers_matrix.gemm,
    "GlobalAveragePool": handlers_pool.global_average_pool,
    "GlobalMaxPool": handlers_pool.global_max_pool,
    "Identity": handlers_shape.identity,
    "LRN": handlers_normalization.lrn,
    "LogSoftmax": handlers_elementwise.softmax,
    "MatMul": handlers_product.matmul,
    "Max": handlers_elementwise.maximum,
    "MaxPool": handlers_pool.max_pool,
    "Min": handlers_elementwise.minimum,
    "Mul": handlers_affine.mul,
    "Neg": handlers_affine.neg,
    "Pad": handlers_move.pad,
    "ReduceMax": handlers_reduce.reduce_max,
    "ReduceMean": handlers_reduce.reduce_mean,
    "ReduceSum": handlers_reduce.reduce_sum,
    "Relu": handlers_elementwise.relu,
    "Reshape": handlers_shape.reshape,
    "Resize": handlers_resize.resize,
    "Shape": handlers_shape.shape_of,
    "Slice": handlers_move.slice_of,
    "Softmax": handlers_elementwise.softmax,
    "SpaceToDepth": handlers_move.space_to_depth,
    "Split": handlers_move.split,
    "Squeeze": handlers_shape.squeeze,
    "Sub": handlers_affine.sub,
    "Sum": handlers_elementwise.total,
    "Tile": handlers_gather.tile,
    "Transpose": handlers_move.transpose,
    "Unsqueeze": handlers_shape.unsqueeze,
    "Upsample": handlers_resize.upsample,
}

HOST = frozenset({"LogSoftmax", "Softmax"})
"""Imported operators that the host executes; the accelerator executes what remains of the others."""
REMOVED = frozenset({"Dropout", "Identity", "Shape"})
"""Imported operators of which nothing remains to be executed."""
