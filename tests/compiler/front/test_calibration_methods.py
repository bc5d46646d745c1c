"""Calibration methods: what each range holds, on made-up histograms and on a network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx.helper import make_node

from compiler.front import front
from compiler.graph import Op
from compiler.importer.float_session import run_float_graph
from compiler.quantizer.calibration import activations, check_calibration, measure_ranges
from compiler.quantizer.histogram import Histogram, collect_histograms
from compiler.quantizer.options import Method, QuantizationOptions
from compiler.quantizer.ranges import choose_range, choose_ranges, mse_range, percentile_range, square_error
from runtime.reference import ReferenceBackend

VALUES = arrays.arrays(np.float32, st.integers(1, 300), elements=st.floats(-1e4, 1e4, width=32)).filter(
    lambda values: np.abs(values).max() > 1e-6
)


def histogram_of(values) -> Histogram:
    histogram = Histogram(min(float(values.min()), 0.0), max(float(values.max()), 0.0))
    histogram.add(values)
    return histogram


def with_outliers(seed=0, count=20_000, rectified=False):
    values = np.random.default_rng(seed).normal(size=count).astype(np.float32)
    values[:2] = (60.0, -60.0)
    return np.maximum(values, 0) if rectified else values


def mean_square_error(values, ends):
    scale = (ends[1] - ends[0]) / 255
    zero = round(-128 - ends[0] / scale)
    steps = np.clip(np.rint(values / scale) + zero, -128, 127) - zero
    return float(np.square(values - steps * scale).mean())


@settings(deadline=None)
@given(VALUES, st.integers(1, 5))
def test_a_histogram_counts_every_value_once_however_it_comes(values, parts):
    whole = histogram_of(values)
    pieces = Histogram(whole.low, whole.high)
    for part in np.array_split(values, parts):
        pieces.add(part)
    assert whole.zeros + whole.counts.sum() == values.size
    assert whole.zeros == (values == 0).sum()
    assert pieces.zeros == whole.zeros and np.array_equal(pieces.counts, whole.counts)


@settings(deadline=None, max_examples=50)
@given(VALUES, st.sampled_from(Method), st.floats(60, 100))
def test_every_method_stays_within_the_values_and_keeps_zero(values, method, percent):
    histogram = histogram_of(values)
    low, high = choose_range(histogram, QuantizationOptions(method, percent))
    assert histogram.low <= low <= 0 <= high <= histogram.high
    assert high - low > 0


@settings(deadline=None)
@given(VALUES, st.floats(50.5, 100))
def test_a_percentile_range_holds_that_percentage(values, percent):
    histogram = histogram_of(values)
    low, high = percentile_range(histogram, percent)
    slack = histogram.width * 1e-3 + 1e-30
    inside = ((values >= low - slack) & (values <= high + slack)).mean()
    assert 100 * inside >= percent - 1e-6


@settings(deadline=None, max_examples=50)
@given(VALUES)
def test_the_mse_range_is_never_worse_than_the_whole_one(values):
    histogram = histogram_of(values)
    whole = square_error(histogram, histogram.low, histogram.high)
    assert square_error(histogram, *mse_range(histogram)) <= whole


@pytest.mark.parametrize("method", [Method.PERCENTILE, Method.ENTROPY])
@pytest.mark.parametrize("rectified", [False, True])
def test_outliers_are_cut_off_and_the_error_of_the_others_falls(method, rectified):
    values = with_outliers(rectified=rectified)
    histogram = histogram_of(values)
    low, high = choose_range(histogram, QuantizationOptions(method, 99.98))
    assert 3 < high < 40 and (low == 0 if rectified else -40 < low < -3)
    rest = values[2:]
    assert mean_square_error(rest, (low, high)) < mean_square_error(rest, (histogram.low, histogram.high)) / 2


@pytest.mark.parametrize("method", [Method.PERCENTILE, Method.MSE, Method.ENTROPY])
def test_evenly_spread_values_are_not_cut(method):
    values = np.linspace(-1, 3, 100_001, dtype=np.float32)
    low, high = choose_range(histogram_of(values), QuantizationOptions(method))
    assert low == pytest.approx(-1, abs=0.02) and high == pytest.approx(3, abs=0.02)


def test_mse_is_near_the_best_clip_known_for_a_normal_distribution():
    """Eight bits, symmetric: 3.92 standard deviations (Banner and others, 2019)."""
    values = np.random.default_rng(1).normal(size=400_000).astype(np.float32)
    low, high = mse_range(histogram_of(values))
    assert -low == pytest.approx(3.92, rel=0.06) and high == pytest.approx(3.92, rel=0.06)


def network(make_model):
    random = np.random.default_rng(3)
    nodes = [make_node("Conv", ["x", "w1"], ["c"], pads=[1] * 4), make_node("Relu", ["c"], ["r"]),
             make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
             make_node("Flatten", ["p"], ["f"]), make_node("Gemm", ["f", "w2"], ["y"])]
    return make_model(nodes, constants={"w1": random.normal(size=(4, 3, 3, 3)).astype(np.float32),
                                        "w2": random.normal(size=(64, 5)).astype(np.float32) / 8})


def samples(count, seed=4):
    return {"x": np.random.default_rng(seed).normal(size=(count, 3, 8, 8)).astype(np.float32)}


@pytest.mark.parametrize("method", Method)
def test_a_network_is_near_float_by_every_method(make_model, fused, method):
    model, data = network(make_model), samples(64)
    quantized = front(model, data, options=QuantizationOptions(method))
    exact = run_float_graph(fused(model), data)["y"]
    error = ReferenceBackend().run(quantized, data)["y"] - exact
    assert 10 * np.log10(np.square(exact).sum() / np.square(error).sum()) > 20
    pool = next(node for node in quantized.nodes() if node.op is Op.MAX_POOL)
    assert quantized.tensors[pool.output].quantization == quantized.tensors[pool.inputs[0]].quantization


def test_min_max_is_the_default_and_takes_the_measured_ends(make_model, fused):
    graph, data = fused(network(make_model)), samples(8)
    assert choose_ranges(graph, data, QuantizationOptions()) == measure_ranges(graph, data)


def test_histograms_do_not_depend_on_how_samples_are_batched(make_model, fused, monkeypatch):
    graph, data = fused(network(make_model)), samples(7)
    names, ranges = activations(graph), measure_ranges(graph, data)
    whole = collect_histograms(graph, data, ranges, names)
    monkeypatch.setattr("compiler.quantizer.calibration.BYTES_AT_ONCE", 1)
    one_by_one = collect_histograms(graph, data, ranges, names)
    for name, histogram in whole.items():
        moved = np.abs(np.cumsum(histogram.counts) - np.cumsum(one_by_one[name].counts)).max()
        assert moved <= 2, "a value may change its bin by a rounding of the float sums, no more"


def test_samples_are_not_copied(make_model, fused):
    graph = fused(network(make_model))
    pixels = np.random.default_rng(1).normal(size=(5, 3, 8, 8)).astype(np.float32)
    assert check_calibration(graph, {"x": pixels})["x"] is pixels
