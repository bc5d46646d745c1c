"""The operators that tpukit imports, one handler each. An operator that is not here is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from compiler.importer import handlers_elementwise, handlers_matrix, handlers_pool, handlers_shape
from compiler.importer.context import Context, OnnxNode

Handler = Callable[[Context, OnnxNode], None]

HANDLERS: Mapping[str, Handler] = {
    "Add": handlers_elementwise.add,
    "AveragePool": handlers_pool.average_pool,
    "BatchNormalization": handlers_matrix.batch_normalization,
    "Clip": handlers_elementwise.clip,
    "Conv": handlers_matrix.conv,
    "Dropout": handlers_shape.dropout,
    "Flatten": handlers_shape.flatten,
    "Gemm": handlers_matrix.gemm,
    "GlobalAveragePool": handlers_pool.global_average_pool,
    "Identity": handlers_shape.identity,
    "LogSoftmax": handlers_elementwise.softmax,
    "MatMul": handlers_matrix.matmul,
    "MaxPool": handlers_pool.max_pool,
    "Relu": handlers_elementwise.relu,
    "Reshape": handlers_shape.reshape,
    "Shape": handlers_shape.shape_of,
    "Softmax": handlers_elementwise.softmax,
    "Squeeze": handlers_shape.squeeze,
    "Unsqueeze": handlers_shape.unsqueeze,
}
