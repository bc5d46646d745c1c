"""Public MNIST networks: float against int8 on the 10,000 test images (pixels 0 to 255, as the networks expect)."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from compiler.front import front
from compiler.importer import import_onnx
from compiler.quantizer.options import Method, QuantizationOptions
from runtime.cpu import run_float
from runtime.reference import ReferenceBackend

LARGEST_LOSS_POINTS = 0.2
LEAST_AGREEMENT_PERCENT = 99.5
CALIBRATION_IMAGES = 200


def images(path: Path) -> np.ndarray:
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28).astype(np.float32)


def labels(path: Path) -> np.ndarray:
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=8)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["mnist-8.onnx", "cnn_mnist_pytorch.onnx"])
def test_int8_loses_little_accuracy(shared_models, model, record_property):
    data, path = shared_models / "data" / "mnist", shared_models / "onnx_mnist" / model
    if not data.is_dir() or not path.is_file():
        pytest.skip(f"'{data}' or '{path}' is absent")
    name = import_onnx(path).inputs[0]
    quantized = front(path, {name: images(data / "train-images-idx3-ubyte.gz")[:CALIBRATION_IMAGES]})
    inputs, truth = {name: images(data / "t10k-images-idx3-ubyte.gz")}, labels(data / "t10k-labels-idx1-ubyte.gz")
    (exact,) = run_float(path.read_bytes(), inputs).values()
    (rounded,) = ReferenceBackend().run(quantized, inputs).values()
    accuracies = [100 * float((scores.argmax(axis=1) == truth).mean()) for scores in (exact, rounded)]
    record_property("float_percent", accuracies[0])
    record_property("int8_percent", accuracies[1])
    print(f"{model}: float {accuracies[0]:.2f} %, int8 {accuracies[1]:.2f} %")
    assert accuracies[0] - accuracies[1] <= LARGEST_LOSS_POINTS


OPTIONS = [*(QuantizationOptions(method) for method in Method), QuantizationOptions(equalize=True),
           QuantizationOptions(bias_correction=True), QuantizationOptions(equalize=True, bias_correction=True)]


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: f"{o.method}-{o.equalize:d}{o.bias_correction:d}")
def test_every_way_of_quantizing_agrees_with_float(shared_models, options, record_property):
    data, path = shared_models / "data" / "mnist", shared_models / "onnx_mnist" / "mnist-8.onnx"
    if not data.is_dir() or not path.is_file():
        pytest.skip(f"'{data}' or '{path}' is absent")
    name = import_onnx(path).inputs[0]
    calibration = {name: images(data / "train-images-idx3-ubyte.gz")[:CALIBRATION_IMAGES]}
    inputs = {name: images(data / "t10k-images-idx3-ubyte.gz")[:2000]}
    (exact,) = run_float(path.read_bytes(), inputs).values()
    (rounded,) = ReferenceBackend().run(front(path, calibration, options=options), inputs).values()
    agreement = 100 * float((exact.argmax(axis=1) == rounded.argmax(axis=1)).mean())
    noise = np.square(exact.astype(np.float64) - rounded).sum()
    decibels = 10 * np.log10(np.square(exact.astype(np.float64)).sum() / noise)
    record_property("agreement_percent", agreement)
    record_property("sqnr_db", float(decibels))
    print(f"{options}: agreement {agreement:.2f} %, SQNR {decibels:.1f} dB")
    assert agreement >= LEAST_AGREEMENT_PERCENT
