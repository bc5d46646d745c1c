"""The quantization options of `tpukit compile`."""

from __future__ import annotations

from pathlib import Path

import pytest

from machine.program import load_program
from tests.runtime.helpers import Cli, Tiny


def arguments(tiny: Tiny, tmp_path: Path) -> tuple[object, ...]:
    return ("compile", tiny.model, "--machine", "nano4", "-o", tmp_path / "out.tpu")


@pytest.mark.parametrize("method", ["min-max", "percentile", "mse", "entropy"])
def test_methods(cli: Cli, tiny: Tiny, tmp_path: Path, method: str) -> None:
    report = cli(*arguments(tiny, tmp_path), "--calibration", tiny.calibration, "--calibration-method", method,
                 "--percentile", "99", "--json").json
    assert report["quantization"]["method"] == method and report["quantization"]["note"] is None
    same = (tmp_path / "out.tpu").read_bytes() == tiny.file.read_bytes()
    if method in ("min-max", "percentile"):
        assert same == (method == "min-max"), "min-max is the default; one value in a hundred is cut by the other"
    assert cli("check", tmp_path / "out.tpu", "--input", tiny.input).code == 0


def test_equalisation_and_bias_correction(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    report = cli(*arguments(tiny, tmp_path), "--calibration", tiny.calibration, "--equalize", "--bias-correction",
                 "--json").json
    assert report["quantization"]["equalize"] and report["quantization"]["bias_correction"]
    assert cli("check", tmp_path / "out.tpu", "--input", tiny.input).code == 0


def test_random_calibration_says_that_accuracy_means_nothing(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    note = "calibrated with random samples: shape and time are meaningful, accuracy is not"
    command = (*arguments(tiny, tmp_path), "--calibration", "random")
    done = cli(*command)
    assert done.code == 0 and done.stderr == f"tpukit: note: {note} (seed 0)\n"
    first = (tmp_path / "out.tpu").read_bytes()
    report = cli(*command, "--json", "--seed", "0").json
    assert report["quantization"]["note"] == note and report["quantization"]["seed"] == 0
    assert (tmp_path / "out.tpu").read_bytes() == first
    assert cli(*command, "--seed", "1").stderr.endswith("(seed 1)\n")
    assert (tmp_path / "out.tpu").read_bytes() != first
    assert load_program(tmp_path / "out.tpu").instructions


def test_sensitivity(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    command = (*arguments(tiny, tmp_path), "--calibration", tiny.calibration, "--sensitivity")
    done = cli(*command)
    assert "one layer quantized at a time" in done.text and "SQNR at the output (dB)" in done.text
    rows = cli(*command, "--json").json["sensitivity"]
    assert [row["layer"] for row in rows] == ["x", "conv"]
    for row in rows:
        assert set(row["outputs_db"]) == {"y", "p"} and row["sqnr_db"] == min(row["outputs_db"].values())
    assert (tmp_path / "out.tpu").read_bytes() == tiny.file.read_bytes(), "a report changes nothing"


def test_what_is_refused(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    command = (*arguments(tiny, tmp_path), "--calibration", tiny.calibration)
    cli(*command, "--percentile", "40").refuses("the percentile must be above 50 and at most 100, got 40")
    cli(*command, "--calibration-method", "best").refuses("'best' is not one of 'min-max', 'percentile'", code=2)
    cli(*command, "--seed", "-1").refuses("Invalid value for '--seed'", code=2)
    assert not (tmp_path / "out.tpu").exists()
