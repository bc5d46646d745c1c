"""The digits example: a valid model, its accuracy, and a script that gives the same bytes twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from examples.digits import data
from examples.digits.layers import Convolution
from examples.digits.network import Network, to_onnx
from examples.digits.train import cross_entropy_gradient, load_split, main

FILES = ("digits.onnx", "calibration.npz", "test.npz")


def probabilities(model: onnx.ModelProto, images: np.ndarray) -> np.ndarray:
    """Run a model in ONNX Runtime, image by image: float32[N, 10]."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(["probabilities"], {"image": image[None]})[0] for image in images])


def test_model_is_valid_and_has_every_operator_it_is_there_for() -> None:
    model = onnx.load(data.model_path())
    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
    assert [node.op_type for node in model.graph.node] == [
        *("Conv", "BatchNormalization", "Relu"),
        *("Conv", "Clip", "Conv", "Relu", "MaxPool"),
        *("Conv", "Add", "Relu"),
        *("AveragePool", "Flatten", "Gemm", "Softmax"),
    ]
    names = [node.name for node in model.graph.node]
    assert all(names) and len(set(names)) == len(names)


def test_model_input_and_output() -> None:
    session = onnxruntime.InferenceSession(data.model_path(), providers=["CPUExecutionProvider"])
    (image,), (output,) = session.get_inputs(), session.get_outputs()
    assert (image.name, image.shape, image.type) == ("image", [1, 1, 8, 8], "tensor(float)")
    assert (output.name, output.shape, output.type) == ("probabilities", [1, 10], "tensor(float)")


def test_float_accuracy_on_the_held_back_split() -> None:
    images, labels = data.load_test()
    chosen = probabilities(onnx.load(data.model_path()), images).argmax(axis=1)
    assert (chosen == labels).mean() >= 0.98


def test_committed_data_is_the_split_of_the_script() -> None:
    split = load_split()
    images, labels = data.load_test()
    calibration = data.load_calibration()
    np.testing.assert_array_equal(images, split.test_images)
    np.testing.assert_array_equal(labels, split.test_labels)
    np.testing.assert_array_equal(calibration, split.train_images[:128])
    assert len(images) >= 0.25 * (len(split.train_images) + len(split.test_images))
    assert calibration.dtype == images.dtype == np.float32 and labels.dtype == np.int64
    assert images.min() == 0 and images.max() == 1


def test_every_class_has_its_share_of_the_held_back_split() -> None:
    counts = np.bincount(data.load_test()[1], minlength=10)
    assert counts.min() >= 45 and counts.max() <= 55


def test_script_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    for run in ("first", "second"):
        main(["--epochs", "1", "--seed", "3", "--output-directory", str(tmp_path / run)])
    for name in FILES:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_exported_graph_computes_what_the_network_does() -> None:
    network = Network(np.random.default_rng(5))
    images = load_split().test_images[:16]
    network.forward(images, training=True)
    logits = network.forward(images)
    exponentials = np.exp(logits)
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities(to_onnx(network), images), expected, rtol=1e-4, atol=1e-6)


def test_gradients_agree_with_differences() -> None:
    generator = np.random.default_rng(1)
    network = Network(generator)
    split = load_split()
    images, labels = split.train_images[:8].astype(np.float64), split.train_labels[:8]
    for parameter in network.parameters():
        parameter.value = generator.normal(parameter.value, 0.05)

    def loss() -> float:
        logits = network.forward(images, training=True)
        return float((np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(8), labels]).mean())

    network.backward(cross_entropy_gradient(network.forward(images, training=True), labels))
    for parameter in network.parameters():
        direction = generator.standard_normal(parameter.value.shape)
        expected = (parameter.gradient * direction).sum()
        start, step = parameter.value, 1e-7
        losses = []
        for sign in (1, -1):
            parameter.value = start + sign * step * direction
            losses.append(loss())
        parameter.value = start
        assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_convolution_pads_with_zeros() -> None:
    layer = Convolution(np.random.default_rng(0), inputs=1, outputs=1, kernel=3)
    layer.weight.value = np.ones((1, 1, 3, 3), np.float32)
    expected = [[4, 6, 4], [6, 9, 6], [4, 6, 4]]
    np.testing.assert_array_equal(layer.forward(np.ones((1, 1, 3, 3), np.float32), False)[0, 0], expected)
