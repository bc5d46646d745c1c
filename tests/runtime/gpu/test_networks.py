"""Whole networks on the gpu backend (PyTorch's CPU device): the command, the session, host nodes, and bad devices."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks.shared_data import MODELS
from compiler.front import front
from compiler.graph import Graph
from compiler.quantizer.calibration import RandomCalibration
from machine.errors import DataError, ToolError
from machine.program import Program
from runtime.cpu import run_float
from runtime.reference import ReferenceBackend
from runtime.session import Backend, Session
from tests.e2e import host_models
from tests.runtime.helpers import Cli, Tiny

torch = pytest.importorskip("torch")

from runtime.gpu import DEVICE_VARIABLE, DeviceGraph, open_device, peak_macs_per_second, run_quantized  # noqa: E402
from runtime.gpu import device as device_module  # noqa: E402

CPU = torch.device("cpu")
HOSTED: dict[str, Callable[[], Any]] = {
    "normalized": host_models.normalized, "attention": host_models.attention, "gelu": host_models.gelu,
    "embedding": host_models.embedding,
}
FLOAT_MODELS = (
    "onnx_mnist/cnn_mnist_pytorch", "onnx_mnist/mnist-8", "onnx_ultraface/version-slim-320",
    "onnx_yunet/yunet_s_320_320", "deeploy/CCT_FP32_CCT_2_32_32_128_Opset20/network",
)


@pytest.fixture
def on_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEVICE_VARIABLE, "cpu")


def run(graph: Graph, inputs: dict[str, Any], quantized: bool) -> tuple[dict[str, Any], Any]:
    prepared = DeviceGraph(graph, CPU, quantized=quantized)
    values, seconds = prepared.run(prepared.upload(inputs))
    return prepared.download(values), seconds


def equal_to_both(model: bytes, samples: int, tolerance: float) -> tuple[Any, Any]:
    """Compare the float graph with ONNX Runtime, and the quantized graph with the reference; return both's times."""
    graph = front(model, None, until="fold_and_fuse")
    drawn = RandomCalibration(0).draw(graph)
    inputs = {name: array[: samples * graph.tensors[name].shape[0]] for name, array in drawn.items()}
    expected = run_float(model, inputs, 1)
    found, float_seconds = run(graph, inputs, quantized=False)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=tolerance, atol=tolerance, err_msg=name)
    quantized = front(model, inputs)
    found, int8_seconds = run(quantized, inputs, quantized=True)
    for name, array in ReferenceBackend().run(quantized, inputs).items():
        np.testing.assert_array_equal(found[name], array, err_msg=name, strict=True)
    return float_seconds, int8_seconds


@pytest.mark.parametrize("name", HOSTED)
def test_host_nodes_are_executed_and_timed_apart(name: str) -> None:
    float_seconds, int8_seconds = equal_to_both(HOSTED[name]().SerializeToString(), 3, 1e-5)
    assert float_seconds.host > 0 and float_seconds.device > 0
    assert int8_seconds.host > 0 and int8_seconds.device > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", FLOAT_MODELS)
def test_real_models(name: str) -> None:
    path = MODELS / f"{name}.onnx"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    equal_to_both(path.read_bytes(), 2, 1e-4)


def test_session_gives_the_bytes_of_the_reference(digits_program: Program, on_cpu: None) -> None:
    session = Session(digits_program)
    inputs = RandomCalibration(0).draw(session.graph)
    found, expected = session.run(inputs, Backend.GPU), session.run(inputs, Backend.REFERENCE)
    assert found.outputs.keys() == expected.outputs.keys() and found.integers.keys() == expected.integers.keys()
    for name, array in (expected.outputs | expected.integers).items():
        np.testing.assert_array_equal((found.outputs | found.integers)[name], array)
    assert found.cycles is None and found.simulation_seconds > 0


def test_run_command(cli: Cli, tiny: Tiny, on_cpu: None) -> None:
    assert cli("run", tiny.file, "-i", tiny.input, "--backend", "gpu", "--json").json["samples"] == 5
    cli("run", tiny.file, "--time-only", "--backend", "gpu").refuses("the gpu backend has no clock")


def test_without_a_device(cli: Cli, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEVICE_VARIABLE, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    cli("run", tiny.file, "-i", tiny.input, "--backend", "gpu").refuses("no CUDA device")


def test_without_pytorch(cli: Cli, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("runtime.gpu")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    cli("run", tiny.file, "-i", tiny.input, "--backend", "gpu").refuses("pip install 'tpukit[torch]'")


@pytest.mark.parametrize("name", ["meta", "nothing", "cuda:x", ""])
def test_device_of_another_kind(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEVICE_VARIABLE, name)
    with pytest.raises(ToolError, match=rf"TPUKIT_TORCH_DEVICE is '{name}'; legal are cuda, cuda:N and cpu"):
        open_device()


def test_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv(DEVICE_VARIABLE, "cuda:1")
    assert open_device() == torch.device("cuda", 1)
    monkeypatch.setenv(DEVICE_VARIABLE, "cuda:2")
    with pytest.raises(ToolError, match=r"'cuda:2'; there are 2 CUDA device\(s\)"):
        open_device()


def test_memory_that_is_too_small(digits_program: Program, on_cpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Session(digits_program).graph
    inputs = RandomCalibration(0).draw(graph)

    def refuse(*arguments: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3.00 GiB. GPU 0 has little.")

    monkeypatch.setattr(torch, "round", refuse)  # the first thing that a quantized graph does
    with pytest.raises(DataError, match=r"ran out of memory: CUDA out of memory; try a smaller batch$"):
        run_quantized(graph, inputs, graph.outputs)


@pytest.mark.parametrize(("text", "told"), [
    ("CUDA error: an illegal memory access\nwas encountered", "failed: CUDA error: an illegal memory access was enc"),
    ("DefaultCPUAllocator: can't allocate memory: you tried", "ran out of memory; try a smaller batch"),
])
def test_devices_that_fail(text: str, told: str) -> None:
    with pytest.raises(DataError, match=told), device_module.device_errors(CPU):
        raise RuntimeError(text)
    with pytest.raises(RuntimeError, match="shapes"), device_module.device_errors(CPU):
        raise RuntimeError("shapes do not fit")


def test_many_samples_run_in_batches(digits_program: Program, on_cpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("runtime.gpu.executor"), "BATCH", 3)
    graph = Session(digits_program).graph
    inputs = RandomCalibration(0).draw(graph)
    found, seconds = run_quantized(graph, inputs, graph.outputs)
    for name, array in ReferenceBackend().run(graph, inputs).items():
        np.testing.assert_array_equal(found[name], array, strict=True)
    assert seconds.device > 0


def test_inputs_that_do_not_fit(digits_program: Program, on_cpu: None) -> None:
    graph = Session(digits_program).graph
    with pytest.raises(DataError, match="the model's inputs are 'image'"):
        run_quantized(graph, {}, graph.outputs)


def test_peaks_are_multiprocessors_by_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    properties = SimpleNamespace(major=9, minor=0, multi_processor_count=132, uuid="1")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    monkeypatch.setattr(device_module, "_highest_clock_hz", lambda device: 1.83e9)
    device = torch.device("cuda", 0)
    # NVIDIA's data sheet of the H100 SXM: 989.4 and 1,979 dense Tera-operations, two for each multiply-accumulate
    assert peak_macs_per_second(device, "float16") == pytest.approx(989.4e12 / 2, rel=1e-2)
    assert peak_macs_per_second(device, "int8") == pytest.approx(1979e12 / 2, rel=1e-2)
    assert peak_macs_per_second(device, "float32") == pytest.approx(132 * 128 * 1.83e9)
    properties.minor = 7
    assert peak_macs_per_second(device, "int8") is None
    assert peak_macs_per_second(CPU, "int8") is None
