"""Every benchmark script runs, at its smallest setting, and prints what it promises.

Sizing and golden cycles have tests of their own.
"""

from __future__ import annotations

import functools
import json
import shutil
from pathlib import Path

import pytest

from benchmarks import (
    architectures,
    batch,
    compare_backends,
    compile_networks,
    cosimulation,
    host_model,
    published,
    report_page,
    rtl_builds,
    shared_models,
    simulator_speed,
)
from benchmarks.networks import compile_convolution
from examples.digits.data import model_path


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    return tmp_path / "figures.json"


def test_batch(capsys: pytest.CaptureFixture[str]) -> None:
    batch.main(["product", "--batches", "1", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"product for edge16, batch {size}" for size in (1, 2)]


def test_compare_backends(figures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--machine", "nano4", "--backends", "sim", "cpu", "--seconds", "0", "--json", str(figures), "--markdown"]
    compare_backends.main(["digits", "--batches", "2", *options])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[:4] for line in lines[2:5]] == [
        ["| digits", "sim", "int8", "2"], ["| digits", "cpu", "float32", "2"], ["| digits", "cpu", "int8", "2"]
    ]
    assert lines[6].startswith("- sim int8: nano4, 4x4 at ")
    (result,) = json.loads(figures.read_text())
    assert [row["batch"] for row in result["rows"]] == [2, 2, 2]


def test_host_model(figures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host_model.main(["--repeats", "1", "--json", str(figures)])
    assert "The host, one thread of ONNX Runtime" in capsys.readouterr().out
    measured = json.loads(figures.read_text())
    assert list(measured) == ["seconds_per_call", "operations_per_second", "bytes_per_second"]


@pytest.mark.slow
def test_compile_networks(capsys: pytest.CaptureFixture[str]) -> None:
    compile_networks.main(["product", "--values", "--layers"])
    printed = capsys.readouterr().out
    assert "every byte is the reference's" in printed
    assert "the same as a command: " in printed
    assert "  130,433 cycles" in printed  # as docs/decisions/0005-back-end.md has it


@pytest.mark.slow
def test_no_layer_is_slower_than_the_best_published(figures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert published.main(["--json", str(figures)]) == 0
    assert "slower than the best published: 0 of 18" in capsys.readouterr().out
    rows = json.loads(figures.read_text())
    assert len(rows) == 18
    assert all(row["cycles"] < row["best"] < row["tiler"] for row in rows)


def test_published_fails_where_a_layer_is_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = published.Published(64, 128, 1, 128, 1, 1, tiler=2, best=1)
    monkeypatch.setattr(published, "LAYERS", (layer,))
    assert published.main([]) == 1


@pytest.mark.slow
def test_simulator_speed(figures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = functools.partial(compile_convolution, channels=4, size=5, filters=4, kernel=3)
    monkeypatch.setattr(simulator_speed, "compile_convolution", lambda machine, *layer: small(machine))
    simulator_speed.main(["--machine", "nano4", "--json", str(figures)])
    rows = json.loads(figures.read_text())
    assert [row["program"] for row in rows] == ["digits.onnx", *["conv 3x3, 5x5, 4 to 4, stride 1"] * 2]
    assert all(row["events_seconds"] > 0 and row["stepper_seconds"] > 0 and row["rtl_seconds"] > 0 for row in rows)


@pytest.mark.slow
def test_rtl_builds(figures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = functools.partial(compile_convolution, channels=16, size=14, filters=16, kernel=3)
    monkeypatch.setattr(rtl_builds, "compile_convolution", lambda machine, *layer: small(machine))
    rtl_builds.main(["--machines", "nano4", "--json", str(figures)])
    (row,) = json.loads(figures.read_text())
    assert row["elements"] == 16 and row["build_seconds"] > 0 and row["cycles"] > 10_000
    assert row["cycles_per_second"] > 0


@pytest.mark.slow
def test_cosimulation(figures: Path) -> None:
    assert cosimulation.main(["digits", "--machine", "nano4", "--json", str(figures)]) == 0
    (row,) = json.loads(figures.read_text())
    assert row["cosim"]["equal"]


@pytest.mark.slow
def test_architectures(figures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert architectures.main(["squeezenet", "--json", str(figures)]) == 0
    assert "squeezenet: accelerator 1 average_pool, 26 conv2d, 3 max_pool; host 1 dequantize" in capsys.readouterr().out
    (row,) = json.loads(figures.read_text())
    assert row["values_different"] == 0


def test_architectures_report_other_bytes_and_other_cycles() -> None:
    row = architectures.Row(
        "alexnet", "edge16", 1, 1, 1, 100, 1, 0.5, {}, *[0.0] * 8, values_compared=10, values_different=2, sqnr_db=30.0
    )
    assert architectures.problems([row], {"alexnet": 99}) == [
        "alexnet: 2 of 10 values differ from the reference", "alexnet: 100 cycles, golden are 99"
    ]


def test_shared_models(tmp_path: Path, figures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(model_path(), tmp_path / "digits.onnx")
    (tmp_path / "damaged.onnx").write_bytes(b"no model")
    assert shared_models.main([str(tmp_path), "--json", str(figures)]) == 0
    damaged, digits = json.loads(figures.read_text())
    assert damaged["model"] == "damaged.onnx" and "damaged.onnx: refused: " in capsys.readouterr().out
    assert digits["reason"] == "" and digits["cycles"] > 0 and digits["values_different"] == 0


@pytest.mark.slow
@pytest.mark.skipif(shutil.which(report_page.BROWSER) is None, reason="chromium is not installed")
def test_report_page(capsys: pytest.CaptureFixture[str], figures: Path) -> None:
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    report_page.main(["digits", "--openings", "1", "--json", str(figures)])
    assert "digits" in capsys.readouterr().out
    (row,) = json.loads(figures.read_text())
    assert 1_000_000 < row["size_bytes"] < 10_000_000
    assert 0 < row["answers_ms"] <= row["drawn_ms"] and row["zoom_ms"] > 0
