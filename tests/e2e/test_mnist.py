"""Real networks from the field: three of MNIST on edge16, 10,000 test images, and one image on the RTL."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from benchmarks.shared_data import MODELS, mnist_images, mnist_labels
from machine.config import load_machine
from runtime.compile import compile_program
from runtime.cosim import cosimulate
from runtime.session import Backend, Session

INPUTS = {"mnist-8": "Input3", "opt-mnist": "Input3", "cnn_mnist_pytorch": "0"}
"""The input of each model; its only output are the scores."""
CALIBRATION_IMAGES = 200
LOSS = 0.002
"""Accuracy that int8 may lose: 0.2 points."""

pytestmark = pytest.mark.skipif(
    not all((MODELS / folder).is_dir() for folder in ("onnx_mnist", "data/mnist")), reason=f"no MNIST in {MODELS}"
)


@functools.cache
def session(name: str) -> Session:
    calibration = {INPUTS[name]: mnist_images("train")[:CALIBRATION_IMAGES]}
    return Session(compile_program(MODELS / f"onnx_mnist/{name}.onnx", load_machine("edge16"), calibration))


@pytest.mark.slow
@pytest.mark.parametrize("name", INPUTS)
def test_accuracy_and_equality_on_ten_thousand_images(name: str) -> None:
    labels, inputs = mnist_labels("t10k"), {INPUTS[name]: mnist_images("t10k")}
    backends = (Backend.SIM, Backend.REFERENCE, Backend.CPU)
    sim, reference, cpu = (session(name).run(inputs, backend) for backend in backends)
    for tensor, values in reference.integers.items():
        assert np.array_equal(sim.integers[tensor], values)
    accuracy, floating = (
        (scores.argmax(axis=-1) == labels).mean() for run in (sim, cpu) for scores in run.outputs.values()
    )
    print(f"{name}: {floating:.2%} in float32, {accuracy:.2%} in int8, {sim.cycles} cycles on edge16")
    assert len(labels) == 10_000
    assert accuracy >= floating - LOSS


def test_one_image_on_the_rtl() -> None:
    result = cosimulate(session("mnist-8"), {INPUTS["mnist-8"]: mnist_images("t10k")[:1]})
    assert result.equal, result.differences
    assert result.cycles_rtl == result.cycles_sim
