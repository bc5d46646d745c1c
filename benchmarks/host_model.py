"""What the host costs: ONNX Runtime's time per call, operations a second and bytes a second on the machine at hand.

`python -m benchmarks.host_model [--repeats 200] [--json FILE]`. Each figure is the least time of many calls of a
one-node model on one thread, so that other work on the machine disturbs it little:

- a call: the identity of one value;
- operations: a product of two matrices, two operations for each multiplication and addition, less the call;
- bytes: the sum of two tensors that do not fit the caches, read and written, less the call.

`compiler.placement.prices.HostModel` has such figures as its defaults.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper
from rich.console import Console
from rich.table import Table

from compiler.placement.prices import HostModel

OPSET = 17
PRODUCT_SIZE = 384
SUM_ELEMENTS = 1 << 23
"""32 MiB of float32 each: more than the caches hold."""
FLOAT_BYTES = 4
CLOCK_SECONDS = 1e-9
"""The least time that is divided by, should the empty call have been disturbed and the other not."""


def session_of(operator: str, shapes: Sequence[Sequence[int]], output: Sequence[int]) -> onnxruntime.InferenceSession:
    """Return a session of one thread for a model of one float operator."""
    names = [f"x{index}" for index in range(len(shapes))]
    pairs = zip(names, shapes, strict=True)
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in pairs]
    graph = helper.make_graph([helper.make_node(operator, names, ["y"])], operator, values,
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, output)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def seconds(session: onnxruntime.InferenceSession, feeds: Mapping[str, npt.NDArray[np.float32]], repeats: int) -> float:
    """Return the least time of `repeats` calls after one that is not counted."""
    session.run(None, dict(feeds))
    least = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        session.run(None, dict(feeds))
        least = min(least, time.perf_counter() - start)
    return least


def measure(repeats: int) -> HostModel:
    """Return the host's figures on the machine at hand."""
    call = seconds(session_of("Identity", [[1]], [1]), {"x0": np.zeros(1, np.float32)}, repeats)
    square = [PRODUCT_SIZE, PRODUCT_SIZE]
    matrices = {name: np.ones(square, np.float32) for name in ("x0", "x1")}
    product = seconds(session_of("MatMul", [square, square], square), matrices, repeats)
    terms = {name: np.ones(SUM_ELEMENTS, np.float32) for name in ("x0", "x1")}
    addition = seconds(session_of("Add", [[SUM_ELEMENTS]] * 2, [SUM_ELEMENTS]), terms, max(1, repeats // 10))
    return HostModel(
        seconds_per_call=call,
        operations_per_second=2 * PRODUCT_SIZE**3 / max(product - call, CLOCK_SECONDS),
        bytes_per_second=3 * FLOAT_BYTES * SUM_ELEMENTS / max(addition - call, CLOCK_SECONDS),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print, beside the defaults."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=200, help="calls that each figure is the least time of")
    parser.add_argument("--json", type=Path, help="write the measured figures here")
    options = parser.parse_args(arguments)
    measured, default = dataclasses.asdict(measure(options.repeats)), dataclasses.asdict(HostModel())
    table = Table("figure", "measured", "default", title="The host, one thread of ONNX Runtime")
    for name, value in measured.items():
        table.add_row(name, f"{value:.4g}", f"{default[name]:.4g}")
    Console().print(table)
    if options.json is not None:
        options.json.write_text(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()
