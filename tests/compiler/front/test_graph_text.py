"""The printer of graphs: stable, one line a node."""

from __future__ import annotations

import numpy as np
from onnx.helper import make_node

from compiler.front import front
from compiler.graph_text import print_graph

EXPECTED = """\
input x: float32[1, 2]
const fc_weight_quantized: int8[1, 2] (axis 0, scales 0.00787402..0.00787402) = [127, -64]
const fc_bias_quantized: int32[1] (axis 0, scales 6.1757e-05..6.1757e-05) = [0]
x_quantized: int8[1, 2] (scale 0.00784314, zero point 0) = quantize(x) @ quantize_x
y_quantized: int8[1, 1] (scale 0.00588235, zero point -128) = dense(x_quantized, fc_weight_quantized, \
fc_bias_quantized) activation_max=127 activation_min=-128 @ fc
y: float32[1, 1] = dequantize(y_quantized) @ dequantize_y
output y
"""


def test_a_quantized_graph(make_model):
    nodes = [make_node("MatMul", ["x", "w"], ["m"], name="fc"), make_node("Relu", ["m"], ["y"])]
    model = make_model(nodes, shape=(1, 2), constants={"w": np.array([[1.0], [-0.5]], np.float32)})
    quantized = front(model, {"x": np.array([[1.0, -1.0], [-1.0, 1.0]], np.float32)})
    assert print_graph(quantized) == EXPECTED
