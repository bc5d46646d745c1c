"""ConvTranspose, from ONNX to bytes: ordinary convolutions for each phase of the stride, interleaved."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from compiler.front import front
from compiler.graph import Op
from compiler.importer.onnx_import import import_onnx
from compiler.passes.divide_transposed import phase_of
from compiler.passes.pipeline import PASSES, run_passes
from machine.config import load_machine
from tests.compiler.backend.from_onnx import check_model, model_of
from tests.compiler.backend.operator_forms import TRANSPOSED, floats, transposed
from tests.compiler.refusals import refusal

make = helper.make_node
MACHINES = ["nano4", "edge8x4", "edge16"]


@pytest.mark.parametrize("how", TRANSPOSED.values(), ids=TRANSPOSED)
def test_cases(check: Any, how: dict[str, Any]) -> None:
    check_model(check, transposed(**how))


@pytest.mark.parametrize("pads", [(1, 0, 1, 0), (0, 2, 0, 1), (1, 1, 1, 1)])
def test_a_padded_pixel_of_several_planes(net: Any, check: Any, pads: tuple[int, int, int, int]) -> None:
    """What the phases of one pixel are: an input whose planes do not lie next to each other."""
    built = net(2)
    x = built.input(6, 1, 1)
    kernel = (1 + (pads[0] > 0), 1 + (pads[1] > 0))
    check(load_machine("nano4"), built.graph(built.conv(x, 5, kernel, pads=pads)))


@pytest.mark.parametrize("machine", MACHINES)
def test_a_decoder(check: Any, machine: str) -> None:
    """Normalisation and activation behind it are folded into its phases."""
    constants = {"w": floats(8, 3, 3, 3), "t": floats(8, 12, 4, 4), "s": floats(12), "b": floats(12), "m": floats(12),
                 "v": floats(12) ** 2 + 1, "k": floats(3, 12, 3, 3)}
    nodes = [
        make("Conv", ["x", "w"], ["c"], pads=[1] * 4, strides=[2, 2]), make("Relu", ["c"], ["r"]),
        make("ConvTranspose", ["r", "t"], ["u"], strides=[2, 2], pads=[1] * 4),
        make("BatchNormalization", ["u", "s", "b", "m", "v"], ["n"]), make("Relu", ["n"], ["a"]),
        make("Conv", ["a", "k"], ["y"], pads=[1] * 4),
    ]
    program = check_model(check, model_of(nodes, (1, 3, 12, 10), constants), machine, steps=8)
    assert [layer.kernel for layer in program.layers] == ["matrix"] * 5 + ["interleave", "matrix"]


def test_no_product_by_a_zero_is_computed() -> None:
    model = transposed((6, 5, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
    graph = run_passes(import_onnx(model), PASSES)
    weights = [graph.tensors[node.inputs[1]].array for node in graph.nodes() if node.op is Op.CONV2D]
    assert sorted(weight.shape[2:] for weight in weights) == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_phases_share_one_scale() -> None:
    model = transposed((6, 5, 4, 4), strides=[2, 2])
    graph = front(model, {"x": floats(4, 6, 5, 7)})
    interleave = next(node for node in graph.nodes() if node.op is Op.INTERLEAVE)
    assert len({graph.tensors[name].affine for name in (*interleave.inputs, interleave.output)}) == 1


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1, 6), st.integers(1, 5), st.integers(1, 4), st.integers(1, 4), st.integers(0, 6), st.integers(0, 6),
    st.integers(0, 4),
)
def test_phases(size: int, kernel: int, stride: int, dilation: int, before: int, after: int, extra: int) -> None:
    """Along one axis, against the definition."""
    result = (size - 1) * stride + dilation * (kernel - 1) + 1 + extra - before - after
    if result < 1:
        return
    x, weight = np.arange(1, size + 1), 10 ** np.arange(kernel)
    full = np.zeros(result + before + after + extra, np.int64)
    for i in range(size):
        full[i * stride : i * stride + dilation * (kernel - 1) + 1 : dilation] += x[i] * weight
    found = np.zeros(result, np.int64)
    for phase in range(min(stride, result)):
        part = phase_of(phase, size, result, kernel, stride, dilation, before)
        assert 0 <= part.first < part.stop <= size and min(part.before, part.after) >= 0
        padded = np.pad(x[part.first : part.stop], (part.before, part.after))
        outputs = found[phase::stride]
        for index, tap in enumerate(part.taps):
            outputs += weight[tap] * padded[index * part.dilation :][: len(outputs)]
        reach = max(len(part.taps) - 1, 0) * part.dilation
        assert len(padded) - reach == -(-result // stride)
    assert found.tolist() == full[before : before + result].tolist()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "groups": ({"weight": (6, 5, 3, 3), "group": 4}, "does not fit input"),
    "channels": ({"weight": (4, 5, 3, 3)}, "does not fit input"),
    "pads": ({"weight": (6, 5, 3, 3), "pads": [-1, 0, 0, 0]}, r"pads \[-1, 0, 0, 0\] at least 0"),
    "nothing left": ({"weight": (6, 5, 1, 1), "pads": [3, 3, 3, 3]}, "leave nothing of the output"),
    "three dimensions": ({"weight": (6, 5, 1, 1, 1), "shape": (1, 6, 2, 2, 2)}, "only 1-D and 2-D"),
    "kernel shape": ({"weight": (6, 5, 3, 3), "kernel_shape": [2, 2]}, "contradicts weight"),
}


@pytest.mark.parametrize(("how", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(how: dict[str, Any], reason: str) -> None:
    model = model_of(make("Relu", ["x"], ["y"]), how.get("shape", (1, 6, 5, 7)), {"w": floats(*how["weight"])})
    node = make("ConvTranspose", ["x", "w"], ["y"], name="n",
                **{name: value for name, value in how.items() if name not in ("weight", "shape")})
    model.graph.node[0].CopyFrom(node)
    assert re.search(rf"^node 'n' \(ConvTranspose\): .*{reason}", refusal(model))
