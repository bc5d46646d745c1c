"""The quantizer: scales, error bounds against float, calibration data that does not fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.helper import make_node

from compiler.front import STAGES, front
from compiler.graph import Graph, Op, Quantization
from compiler.importer.float_session import run_float_graph
from compiler.passes.legality import verify_quantized
from compiler.passes.pipeline import PASSES
from compiler.quantizer.calibration import measure_ranges, read_calibration
from compiler.quantizer.parameters import affine_parameters
from compiler.quantizer.quantize import quantize
from compiler.quantizer.scheme import activation_quantization, quantize_weights, quantized_bound
from machine.errors import DataError, ModelError
from runtime.reference import ReferenceBackend


def floats(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def run(graph: Graph, x):
    return ReferenceBackend().run(graph, {"x": x})["y"]


@settings(deadline=None)
@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_activations_represent_zero_exactly_and_their_range_within_half_a_step(one, other):
    low, high = sorted((one, other))
    quantization = activation_quantization(low, high)
    scale, zero = quantization.scale[0], quantization.zero_point
    assert -128 <= zero <= 127
    if max(high, 0.0) - min(low, 0.0) < 1e-30:
        assert (scale, zero) == (1.0, 0)
        return
    assert (-128 - zero) * scale <= min(low, 0.0) + scale / 2 * 1.001
    assert (127 - zero) * scale >= max(high, 0.0) - scale / 2 * 1.001


def test_relu_outputs_use_the_whole_range():
    assert activation_quantization(0.0, 25.5).zero_point == -128
    assert activation_quantization(0.0, 25.5).scale[0] == pytest.approx(0.1)


def test_weights_are_symmetric_per_channel():
    weight = np.array([[1.0, -2.0], [0.5, 0.25]], np.float32)
    made = quantize_weights(weight, np.array([0.1, -0.2], np.float32), 0.5, 1.0)
    assert made.weight.tolist() == [[64, -127], [127, 64]]
    assert made.scales == pytest.approx((2 / 127, 0.5 / 127))
    assert made.bias.tolist() == [round(0.1 / (0.5 * 2 / 127)), round(-0.2 / (0.5 * 0.5 / 127))]


def test_dead_channels_keep_their_bias():
    made = quantize_weights(np.zeros((3, 4), np.float32), np.array([0.0, 3.0, -1e6], np.float32), 0.5, 0.25)
    assert made.scales[:2] == (0.5, 0.5)
    assert made.bias.tolist() == [0, 12, -4_000_000]
    assert not made.weight.any()


def test_a_bias_far_above_its_weights_is_kept_within_int32():
    made = quantize_weights(np.full((1, 1), 1e-9, np.float32), np.array([5.0], np.float32), 1e-3, 0.1)
    assert abs(int(made.bias[0])) <= 1 << 30
    assert made.bias[0] * 1e-3 * made.scales[0] == pytest.approx(5.0)


@pytest.mark.parametrize(("value", "steps"), [(0.9, 4), (0.8, 3), (-0.9, -4), (-0.8, -3), (0.0, 0)])
def test_a_bound_is_the_nearest_step(value, steps):
    assert quantized_bound(value, Quantization((0.25,), -10), 99) == steps - 10


def test_bounds_in_the_integer_domain():
    quantization = activation_quantization(-1.0, 1.55)
    assert quantized_bound(0.0, quantization, -128) == quantization.zero_point
    assert quantized_bound(None, quantization, 127) == 127
    assert quantized_bound(6.0, quantization, 127) == 127


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 4]), st.booleans())
def test_a_convolution_is_within_its_error_bound(make_model, fused, seed, groups, relu):
    weight, bias = floats(seed, 4, 4 // groups, 3, 3), floats(seed + 1, 4)
    nodes = [make_node("Conv", ["x", "w", "b"], ["c"], group=groups, pads=[1, 0, 0, 1], strides=[2, 1]),
             make_node("Relu" if relu else "Identity", ["c"], ["y"])]
    graph = fused(make_model(nodes, shape=(1, 4, 6, 5), constants={"w": weight, "b": bias}))
    x = floats(seed + 2, 3, 4, 6, 5)
    quantized = quantize(graph, {"x": x})
    verify_quantized(quantized)
    conv = next(node for node in quantized.nodes() if node.op is Op.CONV2D)
    tensors = [quantized.tensors[name] for name in (*conv.inputs, conv.output)]
    s_x, s_w, s_y = tensors[0].scale, np.array(tensors[1].affine.scale), tensors[3].scale
    sum_w = np.abs(weight).sum(axis=(1, 2, 3))
    terms = weight[0].size
    bound = s_y / 2 + s_x / 2 * sum_w + s_w / 2 * terms * (np.abs(x).max() + s_x) + s_x * s_w / 2
    error = np.abs(run(quantized, x) - run_float_graph(graph, {"x": x})["y"]).max(axis=(0, 2, 3))
    assert (error <= bound * 1.01 + s_y / 2).all()


def small_network(make_model):
    nodes = [
        make_node("Conv", ["x", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1]), make_node("Relu", ["c1"], ["r1"]),
        make_node("Conv", ["r1", "wd"], ["c2"], pads=[1, 1, 1, 1], group=8), make_node("Add", ["r1", "c2"], ["a"]),
        make_node("Clip", ["a", "low", "high"], ["a6"]),
        make_node("MaxPool", ["a6"], ["p"], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        make_node("AveragePool", ["p"], ["v"], kernel_shape=[2, 2], pads=[0, 0, 1, 1]),
        make_node("Flatten", ["v"], ["f"]), make_node("Gemm", ["f", "w2", "b2"], ["l"], transB=1),
        make_node("Softmax", ["l"], ["y"]),
    ]
    constants = {
        "w1": floats(1, 8, 3, 3, 3) / 5, "b1": floats(2, 8), "wd": floats(3, 8, 1, 3, 3) / 3, "low": np.float32(0),
        "high": np.float32(6), "w2": floats(4, 10, 8 * 16) / 11, "b2": floats(5, 10),
    }
    return make_model(nodes, constants=constants)


def test_a_whole_network_is_near_float(make_model, fused):
    model = small_network(make_model)
    x = floats(6, 20, 3, 8, 8)
    quantized = front(model, {"x": x})
    assert [node.op for node in quantized.nodes()] == [
        Op.QUANTIZE, Op.CONV2D, Op.CONV2D, Op.ADD, Op.MAX_POOL, Op.AVERAGE_POOL, Op.RESHAPE, Op.DENSE, Op.DEQUANTIZE,
        Op.SOFTMAX,
    ]
    assert np.abs(run(quantized, x) - run_float_graph(fused(model), {"x": x})["y"]).max() < 0.03


def test_the_quantized_graph_survives_serialisation(make_model):
    quantized = front(small_network(make_model), {"x": floats(6, 4, 3, 8, 8)})
    again = Graph.from_dict(*quantized.to_dict())
    x = floats(7, 2, 3, 8, 8)
    np.testing.assert_array_equal(run(quantized, x), run(again, x))


def test_the_stages_are_observed_in_order_and_the_result_is_the_same_twice(make_model):
    seen = []
    calibration = {"x": floats(6, 4, 3, 8, 8)}
    first = front(small_network(make_model), calibration, observe=lambda name, graph: seen.append(name))
    assert seen == [stage.name for stage in STAGES]
    header, arrays = first.to_dict()
    header_again, arrays_again = front(small_network(make_model), calibration).to_dict()
    assert header == header_again
    assert all(np.array_equal(arrays[name], arrays_again[name]) for name in arrays | arrays_again)


def test_the_front_half_can_stop_early(make_model):
    passes = []
    graph = front(small_network(make_model), None, until="fold_and_fuse",
                  observe_passes=lambda name, graph: passes.append(name))
    assert Op.QUANTIZE not in {node.op for node in graph.nodes()}
    assert passes == [step.name for step in PASSES]
    with pytest.raises(DataError, match="calibration data is needed to quantize the model"):
        front(small_network(make_model), None)
    with pytest.raises(ModelError, match="no stage is called 'emit'; the stages are import, canonicalise, infer_sh"):
        front(small_network(make_model), None, until="emit")


def test_a_dead_channel_does_not_divide_by_zero(make_model):
    weight = floats(1, 4, 3, 3, 3)
    weight[2] = 0
    model = make_model([make_node("Conv", ["x", "w", "b"], ["y"])], constants={"w": weight, "b": np.full(4, 2.0, "f4")})
    quantized = front(model, {"x": floats(2, 2, 3, 8, 8)})
    result = run(quantized, floats(3, 1, 3, 8, 8))[:, 2]
    assert np.abs(result - 2.0).max() <= quantized.tensors[quantized.nodes()[1].output].scale / 2 * 1.001


def test_an_activation_that_is_always_zero(make_model):
    model = make_model([make_node("Conv", ["x", "w"], ["y"])], constants={"w": np.zeros((4, 3, 3, 3), np.float32)})
    quantized = front(model, {"x": np.zeros((1, 3, 8, 8), np.float32)})
    assert not run(quantized, floats(3, 2, 3, 8, 8)).any()
    parameters = affine_parameters(quantized, quantized.nodes()[1])
    assert parameters.multiplier.dtype == np.int32


def test_outputs_in_the_middle_and_inputs_read_twice(make_model):
    nodes = [make_node("Conv", ["x", "w"], ["c"]), make_node("Add", ["x2", "x2"], ["d"]),
             make_node("Relu", ["c"], ["y"])]
    model = make_model(nodes, constants={"w": floats(1, 4, 3, 3, 3)}, more_inputs={"x2": (1, 5)})
    from onnx import TensorProto
    from onnx.helper import make_tensor_value_info
    model.graph.output.extend([make_tensor_value_info("c", TensorProto.FLOAT, (1, 4, 6, 6)),
                               make_tensor_value_info("d", TensorProto.FLOAT, (1, 5))])
    calibration = {"x": floats(2, 3, 3, 8, 8), "x2": floats(3, 3, 5)}
    quantized = front(model, calibration)
    results = ReferenceBackend().run(quantized, calibration)
    np.testing.assert_allclose(results["d"], 2 * calibration["x2"], atol=0.05)
    np.testing.assert_allclose(results["y"], np.maximum(results["c"], 0), atol=0.2)


SHAPE = (2, 3, 8, 8)
BAD = {
    "other names": ({"z": floats(0, *SHAPE)}, r"must hold the model's inputs \['x'\], got \['z'\]"),
    "more names": ({"x": floats(0, *SHAPE), "z": floats(0, 1)}, r"got \['x', 'z'\]"),
    "shape": ({"x": floats(0, 2, 3, 8, 9)}, r"must have shape \[samples, 3, 8, 8\], got \[2, 3, 8, 9\]"),
    "no batch": ({"x": floats(0, 3, 8, 8)}, r"must have shape \[samples, 3, 8, 8\], got \[3, 8, 8\]"),
    "scalar": ({"x": np.float32(1)}, r"got \[\]"),
    "no samples": ({"x": floats(0, 0, 3, 8, 8)}, "needs the same number of samples for every input, got {'x': 0}"),
    "double": ({"x": np.zeros(SHAPE)}, "'x' must be float32, got float64"),
    "integers": ({"x": np.zeros(SHAPE, np.uint8)}, "'x' must be float32, got uint8"),
    "complex": ({"x": np.zeros(SHAPE, complex)}, "'x' must be float32, got complex128"),
    "text": ({"x": np.full(SHAPE, "a")}, "'x' must be float32, got <U1"),
    "nan": ({"x": np.full(SHAPE, np.nan, np.float32)}, "'x' holds NaN or infinity"),
    "infinity": ({"x": np.full(SHAPE, -np.inf, np.float32)}, "'x' holds NaN or infinity"),
    "overflow inside": ({"x": np.full(SHAPE, 3e38, np.float32)}, "tensor '.*' becomes NaN or infinite on the calibra"),
}


@pytest.mark.parametrize(("calibration", "message"), BAD.values(), ids=BAD)
def test_calibration_data_that_does_not_fit_is_refused(make_model, calibration, message):
    model = make_model([make_node("Conv", ["x", "w"], ["y"])], constants={"w": np.ones((4, 3, 3, 3), np.float32)})
    with pytest.raises(DataError, match=message) as caught:
        front(model, calibration)
    assert "\n" not in str(caught.value)


def test_calibration_files(tmp_path):
    path = tmp_path / "calibration.npz"
    with pytest.raises(DataError, match="cannot read '.*': No such file"):
        read_calibration(path)
    np.savez(path, x=np.arange(3))
    assert read_calibration(path)["x"].tolist() == [0, 1, 2]
    assert read_calibration(str(path)).keys() == {"x"}


def test_ranges_do_not_depend_on_how_samples_are_batched(make_model, fused, monkeypatch):
    graph = fused(small_network(make_model))
    samples = {"x": floats(6, 7, 3, 8, 8)}
    whole = measure_ranges(graph, samples)
    monkeypatch.setattr("compiler.quantizer.calibration.BYTES_AT_ONCE", 1)
    one_by_one = measure_ranges(graph, samples)
    assert whole.keys() == one_by_one.keys()
    for name, ends in whole.items():
        assert one_by_one[name] == pytest.approx(ends, rel=1e-5, abs=1e-6)
