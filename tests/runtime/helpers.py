"""The command line called in process, a tiny model, and what a call gave."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from machine.program import Program

ROOT = Path(__file__).parents[2]
COPY = ROOT / "examples" / "kernels" / "copy.s"
CONFIGURATIONS = ROOT / "machine" / "configurations"


@dataclass
class Outcome:
    """What a call of the command line gave."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout.decode()

    @property
    def json(self) -> Any:
        assert self.code == 0, self.stderr
        return json.loads(self.stdout)

    def refuses(self, text: str, code: int = 1) -> None:
        """Hold that the command failed with one line, which contains `text`, and printed nothing else."""
        assert (self.code, self.stdout) == (code, b""), (self.code, self.stdout, self.stderr)
        assert self.stderr.startswith("tpukit: error: ") and self.stderr.count("\n") == 1, self.stderr
        assert text in self.stderr, self.stderr


Cli = Callable[..., Outcome]


def tiny_model(shape: tuple[int | str, ...] = (1, 2, 4, 4), operator: str = "Relu") -> bytes:
    """Return a float model `x` -> `y` (a convolution, an operator) and `p` (softmax over channels)."""
    weight = np.random.default_rng(1).normal(size=(4, 2, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node(operator, ["c"], ["y"], "activation"),
        helper.make_node("Softmax", ["y"], ["p"], "softmax", axis=1),
    ]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (shape[0], 4, "h", 4)) for name in ("y", "p")]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, [numpy_helper.from_array(weight, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    assert isinstance(model, onnx.ModelProto)
    return bytes(model.SerializeToString())


def samples(count: int, seed: int = 2) -> np.ndarray:
    """Return inputs of the tiny model, none outside the range of the others: float32[count, 2, 4, 4]."""
    return np.random.default_rng(seed).normal(size=(count, 2, 4, 4)).clip(-2, 2).astype(np.float32)


@dataclass
class Tiny:
    """Paths of the tiny model, its data, and its program for nano4."""

    folder: Path
    program: Program

    @property
    def model(self) -> Path:
        return self.folder / "tiny.onnx"

    @property
    def calibration(self) -> Path:
        return self.folder / "calibration.npz"

    @property
    def input(self) -> Path:
        return self.folder / "input.npz"

    @property
    def file(self) -> Path:
        return self.folder / "tiny.tpu"
