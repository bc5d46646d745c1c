"""`tpukit compare`: the table, JSON, and one line for every mistake."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import runtime
from runtime.compare.table import duration
from tests.runtime.helpers import Cli, Tiny, samples

QUICK = ("--machine", "nano4", "--seconds", "0", "--backends", "sim,cpu")


def test_table(cli: Cli, tiny: Tiny) -> None:
    text = cli("compare", tiny.model, "-i", tiny.input, "--batch", "1,4", "--threads", "1", *QUICK).text
    assert text.count("│ sim") == 2 and text.count("│ cpu") == 4
    assert "sim int8: nano4, 4x4 at" in text and "1 thread; the model as it is (batch 1)" in text
    assert "simulating batch 4 took" in text and "left out" not in text


def test_json(cli: Cli, tiny: Tiny) -> None:
    result = cli("compare", tiny.model, "-i", tiny.input, "--json", *QUICK).json
    assert result["source"] == str(tiny.model) and result["machine"] == "nano4" and result["left_out"] == []
    sim, single, integer = result["rows"]
    assert sim["cycles"] / sim["latency"]["median_seconds"] == pytest.approx(sim["peak_macs_per_second"] / 16)
    assert single["snr_db"] is None or single["snr_db"] > 100  # infinite is null
    assert integer["number"] == "int8" and integer["share_of_peak"] is None


@pytest.mark.parametrize("kernel", [("--gemm", "8x8x8"), ("--conv", "1x4x6x6,4x3x3,2")])
def test_kernels(cli: Cli, kernel: tuple[str, str]) -> None:
    result = cli("compare", *kernel, "--batch", "2", "--json", *QUICK).json
    assert result["source"] == f"{kernel[0][2:]} {kernel[1]}"
    assert {row["macs"] for row in result["rows"]} == {2 * 512 if kernel[0] == "--gemm" else 2 * 9 * 4 * 4 * 9}


def test_random_input_and_standard_input(cli: Cli, tiny: Tiny) -> None:
    assert cli("compare", tiny.model, "-i", "random", "--json", *QUICK).json["rows"]
    result = cli("compare", "-", "-i", "random", "--calibration", tiny.calibration, "--json", *QUICK,
                 stdin=tiny.model.read_bytes())
    assert result.json["rows"]


def test_a_network_by_name(cli: Cli) -> None:
    result = cli("compare", "digits", "-i", "random", "--json", *QUICK).json
    assert result["source"] == "digits" and [row["number"] for row in result["rows"]] == ["int8", "float32", "int8"]


def test_a_gpu_that_is_not_there_is_left_out(cli: Cli, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    text = cli("compare", tiny.model, "-i", tiny.input, *QUICK[:4]).text
    assert "gpu left out: no CUDA device" in text and "│ cpu" in text


def test_without_pytorch(cli: Cli, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("runtime.gpu")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(runtime, "gpu", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    text = cli("compare", tiny.model, "-i", tiny.input, *QUICK[:4]).text
    assert "gpu left out: the gpu backend needs PyTorch, which is not installed: pip install 'tpukit[torch]'" in text


@pytest.mark.parametrize(("arguments", "reason"), [
    ((), "give one of MODEL.onnx, --gemm and --conv"),
    (("MODEL", "--gemm", "4x4x4"), "give one of MODEL.onnx, --gemm and --conv"),
    (("MODEL",), "--input X.npz is needed (or --input random)"),
    (("--gemm", "4x4x4", "-i", "random"), "a kernel makes up its own samples"),
    (("--conv", "1x2"), "is not of the form 1xCxHxW"),
    (("MODEL", "-i", "random", "--batch", "1,0"), "--batch '1,0' is not a list of numbers of at least 1"),
    (("MODEL", "-i", "random", "--batch", ""), "--batch '' is not a list"),
    (("MODEL", "-i", "random", "--batch", "4097"), "the batch is 4097; legal are 1 to 4096"),
    (("MODEL", "-i", "random", "--backends", "sim,rtl"), "no backend is called 'rtl'; legal are sim, cpu, gpu"),
    (("MODEL", "-i", "WRONG"), "input 'x' must have shape [samples, 2, 4, 4], got [3, 2, 4, 5]"),
    (("MODEL", "-i", "OTHER"), "the model's inputs are 'x', received 'z'"),
    (("MODEL", "-i", "none.npz"), "none.npz"),
    (("-", "-i", "-"), "only one input can be '-'"),
    (("MODEL", "-i", "random", "--machine", "edge99"), "edge99"),
])
def test_mistakes(cli: Cli, tiny: Tiny, tmp_path: Path, arguments: tuple[Any, ...], reason: str) -> None:
    np.savez(tmp_path / "wrong.npz", x=np.zeros((3, 2, 4, 5), np.float32))
    np.savez(tmp_path / "other.npz", z=samples(2))
    paths = {"MODEL": tiny.model, "WRONG": tmp_path / "wrong.npz", "OTHER": tmp_path / "other.npz"}
    cli("compare", *(paths.get(argument, argument) for argument in arguments)).refuses(reason)


def test_durations() -> None:
    assert [duration(seconds) for seconds in (0.0, 1.5e-9, 2.5e-5, 0.0123456, 12.0)] == [
        "0 us", "0.0015 us", "25 us", "12.35 ms", "12 s"]
