"""A public MNIST network quantized in every way: float against int8 on test images (pixels 0 to 255, as it expects).

What int8 loses of accuracy, on all images and the simulator, is tested in `tests/e2e/test_mnist.py`.
"""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.shared_data import MODELS, mnist_images
from compiler.front import front
from compiler.importer import import_onnx
from compiler.quantizer.options import Method, QuantizationOptions
from runtime.cpu import run_float
from runtime.reference import ReferenceBackend

PATH = MODELS / "onnx_mnist/mnist-8.onnx"
LEAST_AGREEMENT_PERCENT = 99.5
CALIBRATION_IMAGES, TEST_IMAGES = 200, 2000
OPTIONS = [*(QuantizationOptions(method) for method in Method), QuantizationOptions(equalize=True),
           QuantizationOptions(bias_correction=True), QuantizationOptions(equalize=True, bias_correction=True)]


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: f"{o.method}-{o.equalize:d}{o.bias_correction:d}")
@pytest.mark.skipif(not PATH.exists(), reason=f"no {PATH}")
def test_every_way_of_quantizing_agrees_with_float(options, record_property):
    (name,) = import_onnx(PATH).inputs
    calibration = {name: mnist_images("train")[:CALIBRATION_IMAGES]}
    inputs = {name: mnist_images("t10k")[:TEST_IMAGES]}
    (exact,) = run_float(PATH.read_bytes(), inputs).values()
    (rounded,) = ReferenceBackend().run(front(PATH, calibration, options=options), inputs).values()
    agreement = 100 * float((exact.argmax(axis=1) == rounded.argmax(axis=1)).mean())
    noise = np.square(exact.astype(np.float64) - rounded).sum()
    decibels = 10 * np.log10(np.square(exact.astype(np.float64)).sum() / noise)
    record_property("agreement_percent", agreement)
    record_property("sqnr_db", float(decibels))
    print(f"{options}: agreement {agreement:.2f} %, SQNR {decibels:.1f} dB")
    assert agreement >= LEAST_AGREEMENT_PERCENT
