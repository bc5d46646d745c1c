"""A real network from the field: mnist-8.onnx on edge16, 10,000 test images, and one of them on the RTL."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from machine.config import load_machine
from runtime.compile import compile_program
from runtime.cosim import cosimulate
from runtime.session import Backend, Session

SHARED = Path(__file__).resolve().parents[3] / "shared/models"
MODEL, DATA = SHARED / "onnx_mnist/mnist-8.onnx", SHARED / "data/mnist"
INPUT, OUTPUT = "Input3", "Plus214_Output_0"
LOSS = 0.002
"""Accuracy that int8 may lose: 0.2 points."""

pytestmark = pytest.mark.skipif(not MODEL.exists() or not DATA.exists(), reason=f"no models in {SHARED}")


def images(name: str) -> np.ndarray:
    """Images of an IDX file: float32[n, 1, 28, 28], values 0 to 255 as the model was trained with."""
    data = np.frombuffer(gzip.decompress((DATA / name).read_bytes()), np.uint8)[16:]
    return data.reshape(-1, 1, 28, 28).astype(np.float32)


@pytest.fixture(scope="module")
def session() -> Session:
    calibration = {INPUT: images("train-images-idx3-ubyte.gz")[:200]}
    return Session(compile_program(MODEL, load_machine("edge16"), calibration))


@pytest.mark.slow
def test_accuracy_and_equality_on_ten_thousand_images(session: Session) -> None:
    labels = np.frombuffer(gzip.decompress((DATA / "t10k-labels-idx1-ubyte.gz").read_bytes()), np.uint8)[8:]
    inputs = {INPUT: images("t10k-images-idx3-ubyte.gz")}
    sim, reference, cpu = (session.run(inputs, backend) for backend in (Backend.SIM, Backend.REFERENCE, Backend.CPU))
    for name, values in reference.integers.items():
        assert np.array_equal(sim.integers[name], values)
    accuracy, floating = ((run.outputs[OUTPUT].argmax(axis=-1) == labels).mean() for run in (sim, cpu))
    print(f"mnist-8: {floating:.2%} in float32, {accuracy:.2%} in int8, {sim.cycles} cycles on edge16")
    assert len(labels) == 10_000 and accuracy >= floating - LOSS


def test_one_image_on_the_rtl(session: Session) -> None:
    result = cosimulate(session.program, session.first_image({INPUT: images("t10k-images-idx3-ubyte.gz")[:1]}))
    assert result.equal, result.differences
    assert result.cycles_rtl == result.cycles_sim
