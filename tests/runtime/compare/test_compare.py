"""The comparison in Python: rows, what they are made of, and what is left out."""

from __future__ import annotations

import gc
import importlib
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tpukit
from compiler.graph import Op
from compiler.quantizer.calibration import RandomCalibration
from machine.config import load_machine
from machine.errors import CompileError, DataError, ToolError, TpukitError
from runtime.compare import BACKENDS, LeftOut, Row, Spread, compare, cpu
from runtime.compare.subject import Subject
from runtime.cpu import run_float
from runtime.session import Session
from tests.e2e import host_models
from tests.runtime.gpu.float_cases import CASES
from tests.runtime.helpers import samples, tiny_model

NANO4 = load_machine("nano4")


def tiny(shape: tuple[int | str, ...] = ("N", 2, 4, 4), **how: Any) -> tpukit.Comparison:
    given = {"shapes": {"x": (1, 2, 4, 4)}, "backends": ("sim", "cpu"), "limit_seconds": 0} | how
    return compare(tiny_model(shape), NANO4, {"x": samples(5)}, **given)


def test_rows_of_each_backend_number_and_batch() -> None:
    result = tiny(batches=(1, 3, 1), threads=1)
    keys = [(row.backend, row.number, row.batch) for row in result.rows]
    assert keys == [(backend, number, batch) for backend, number in
                    (("sim", "int8"), ("cpu", "float32"), ("cpu", "int8")) for batch in (1, 3)]
    assert not result.left_out and result.machine == "nano4"
    macs = 4 * 4 * 4 * 2 * 9
    for row in result.rows:
        assert row.macs == macs * row.batch and row.samples == row.batch
        assert row.latency.p10_seconds <= row.latency.median_seconds <= row.latency.p90_seconds
        assert row.samples_per_second == row.batch / row.latency.median_seconds
        assert row.macs_per_second == row.macs / row.latency.median_seconds
        assert [answer.output for answer in row.answers] == ["y", "p"]
        assert ("1 thread" in row.device) == (row.backend == "cpu")
        if row.number == "float32":
            assert row.max_abs_error < 1e-6
        else:
            assert 15 < row.snr_db < 60 and 0 < row.max_abs_error < 1


def test_the_accelerator_is_cycles_over_its_clock() -> None:
    calibration = {"x": samples(8)}
    row = tiny(backends=["sim"], batches=[2], calibration=calibration).rows[0]
    program = tpukit.compile_program(tiny_model(("N", 2, 4, 4)), NANO4, calibration, {"x": (1, 2, 4, 4)}, batch=2)
    run = Session(program).run(with_function=False)
    assert run.cycles is not None and row.cycles == run.cycles
    assert row.latency == Spread.exact(run.cycles / NANO4.clock_hz)
    assert row.peak_macs_per_second == 16 * NANO4.clock_hz
    assert row.share_of_peak == pytest.approx(run.utilization)
    assert row.host is not None and row.host.median_seconds > 0 and row.simulation_seconds


def test_answers_are_of_the_batch_and_each_sample_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Subject(tiny_model(), NANO4, {"x": samples(5)})
    np.testing.assert_array_equal(subject.batch(7)["x"], samples(5)[[0, 1, 2, 3, 4, 0, 1]])
    exact = run_float(tiny_model(), {"x": subject.batch(7)["x"]}, 1)
    assert [answer.max_abs_error for answer in subject.answers(exact, 7)] == [0, 0]
    exact["y"][3, 1, 2, 0] += 2.5
    exact["y"][6] += 1000  # the second sample for the second time
    y, p = subject.answers(exact, 7)
    assert y.max_abs_error == pytest.approx(2.5) and p.max_abs_error == 0
    signal = float(np.square(run_float(tiny_model(), {"x": samples(5)}, 1)["y"].astype(np.float64)).sum())
    assert y.snr_db == pytest.approx(10 * np.log10(signal / 2.5**2), rel=1e-5)
    assert y.top1_agreement is None and p.top1_agreement == 1
    exact["p"] = exact["p"][:, ::-1]
    assert subject.answers(exact, 7)[1].top1_agreement < 0.5
    with pytest.raises(DataError, match=r"output 'y' should be \[3, 4, 4, 4\], received \[2, 4, 4, 4\]"):
        subject.answers({"y": exact["y"][:2], "p": exact["p"]}, 3)
    with pytest.raises(DataError, match="output 'y' should be .*, received nothing"):
        subject.answers({}, 3)


def test_models_that_fix_their_batch() -> None:
    forms = {shape[0]: [row.form for row in tiny(shape, backends=["cpu"], batches=[1, 4]).rows]
             for shape in ((1, 2, 4, 4), ("N", 2, 4, 4))}
    quantized = [cpu.INT8_FORM] * 2
    assert forms[1] == ["the model as it is", "the model exported for any batch", *quantized]
    assert forms["N"] == ["the model as it is", "the model as it is", *quantized]


def test_host_operators() -> None:
    model = host_models.attention().SerializeToString()
    result = compare(model, NANO4, RandomCalibration(1), ("sim", "cpu"), (1, 3), limit_seconds=0)
    assert not result.left_out
    by_key = {(row.backend, row.number, row.batch): row for row in result.rows}
    assert by_key["cpu", "float32", 3].form == "the model as it is, sample by sample"
    assert by_key["cpu", "float32", 3].max_abs_error == 0
    assert by_key["cpu", "int8", 3].snr_db > 15 and by_key["sim", "int8", 3].snr_db > 15


def test_without_a_gpu_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.delenv("TPUKIT_TORCH_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = tiny(backends=BACKENDS, batches=[1, 2])
    assert len(result.rows) == 6
    (left_out,) = result.left_out
    assert str(left_out) == f"gpu left out: no CUDA device (PyTorch {torch.__version__} sees none)"
    with pytest.raises(ToolError, match="no CUDA device"):
        tiny(backends=["gpu"])


def test_the_gpu_on_the_cpu_device(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("TPUKIT_TORCH_DEVICE", "cpu")
    result = tiny(backends=["sim", "gpu"], batches=[1, 2])
    assert [(row.number, row.batch) for row in result.rows[2:]] == [
        (number, batch) for number in ("float32", "float16", "int8") for batch in (1, 2)]
    sim, single, half, integer = (result.rows[index] for index in (1, 3, 5, 7))
    assert integer.answers == sim.answers
    assert single.max_abs_error < 1e-5 < half.max_abs_error < 0.05
    assert integer.host is not None and half.host is None  # the softmax is the host's in int8


def test_out_of_memory_leaves_one_row_out(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setenv("TPUKIT_TORCH_DEVICE", "cpu")
    real, refused, held = torch.nn.functional.conv2d, [], []

    def limited(x: Any, *others: Any) -> Any:
        if len(x) > 2:
            refused.append(weakref.ref(x))
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3.00 GiB.")
        gc.collect()
        held.extend(tensor() for tensor in refused)
        return real(x, *others)

    monkeypatch.setattr(torch.nn.functional, "conv2d", limited)
    result = tiny(backends=["gpu", "cpu"], batches=[1, 4])
    assert [(row.backend, row.number, row.batch) for row in result.rows] == [
        ("gpu", "float32", 1), ("gpu", "float16", 1), ("gpu", "int8", 1), ("gpu", "int8", 4),
        ("cpu", "float32", 1), ("cpu", "float32", 4), ("cpu", "int8", 1), ("cpu", "int8", 4)]
    assert [(each.number, each.batch) for each in result.left_out] == [("float32", 4), ("float16", 4)]
    assert all("out of memory" in each.reason and "\n" not in each.reason for each in result.left_out)
    assert held and not any(tensor is not None for tensor in held)  # rows after it can use the memory again


def test_a_machine_that_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise CompileError("node 'conv' (conv2d): no tile fits")

    monkeypatch.setattr(importlib.import_module("runtime.compare.sim"), "compile_quantized", refuse)
    result = tiny()
    assert {row.backend for row in result.rows} == {"cpu"}
    assert result.left_out == (LeftOut("sim", "int8", 1, "node 'conv' (conv2d): no tile fits"),)
    with pytest.raises(TpukitError, match="no tile fits"):
        tiny(backends=["sim"])


@pytest.mark.parametrize(("how", "reason"), [
    ({"backends": ["sim", "tpu"]}, "no backend is called 'tpu'; legal are sim, cpu, gpu"),
    ({"backends": []}, "no backend is called ''"),
    ({"batches": [1, 0]}, "the batch is 0; legal are 1 to 4096 samples"),
    ({"batches": [5000]}, "the batch is 5000"),
    ({"threads": 0}, "0 threads"),
    ({"limit_seconds": float("nan")}, "the limit of a measurement is nan s"),
    ({"calibration": {"z": samples(2)}}, r"calibration data must hold the model's inputs \['x'\]"),
])
def test_arguments_that_are_refused(how: dict[str, Any], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        tiny(**how)


def test_a_graph_built_in_python() -> None:
    graph = CASES[Op.DENSE, "plain"]
    result = compare(graph, NANO4, RandomCalibration(0), ["sim", "cpu"], [3], source="mine", limit_seconds=0)
    assert result.source == "mine" and [row.macs for row in result.rows] == [3 * 140] * 3
    assert result.to_dict()["rows"][1]["latency"]["runs"] == 3


def test_a_device_that_does_nothing_has_no_rate() -> None:
    row = Row("sim", "d", "int8", "f", 2, Spread.exact(0.0), None, 0, 1.0, (), 1)
    assert (row.samples_per_second, row.macs_per_second, row.share_of_peak) == (None, None, None)
    known = replace(row, latency=Spread.exact(2.0), macs=6, peak_macs_per_second=12.0)
    assert (known.samples_per_second, known.macs_per_second, known.share_of_peak) == (1.0, 3.0, 0.25)
    assert replace(known, peak_macs_per_second=None).share_of_peak is None


def test_a_network_with_an_average_in_int8(digits_program: tpukit.Program) -> None:
    result = compare(digits_program.model, NANO4, RandomCalibration(0), ["cpu"], [1, 4], limit_seconds=0)
    assert [row.number for row in result.rows] == ["float32", "float32", "int8", "int8"] and not result.left_out
