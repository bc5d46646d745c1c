"""Machines of one's own: the example files, and random legal ones, through every command that takes a machine."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from examples.digits.data import load_test, model_path
from machine.config import load_machine
from machine.errors import CompileError
from runtime.compile import compile_program
from runtime.demo import OUTPUT
from runtime.fuzz.random_machines import random_machine
from runtime.session import Backend, Session
from tests.runtime.helpers import ROOT, Cli, Tiny, samples, tiny_model

EXAMPLES = sorted((ROOT / "examples" / "machines").glob("*.toml"))
CALIBRATION = model_path().parent / "calibration.npz"
SAMPLES = 8


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.stem)
def machine_file(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    path = tmp_path / "images.npz"
    np.savez(path, image=load_test()[0][:SAMPLES])
    return path


def compile_digits_for(cli: Cli, machine_file: Path, output: Path) -> None:
    command = ["compile", model_path(), "--calibration", CALIBRATION, "--machine", machine_file, "-o", output, "--json"]
    assert cli(*command).json["machine"] == machine_file.stem


def test_an_example_compiles_runs_and_has_a_profile(
    cli: Cli, machine_file: Path, images: Path, tmp_path: Path
) -> None:
    program = tmp_path / "digits.tpu"
    compile_digits_for(cli, machine_file, program)
    outputs = [tmp_path / f"{backend}.npz" for backend in ("sim", "reference")]
    for output in outputs:
        command = ["run", program, "-i", images, "-o", output, "--backend", output.stem, "--machine", machine_file]
        assert cli(*command).code == 0
    sim, reference = (np.load(output)[OUTPUT] for output in outputs)
    np.testing.assert_array_equal(sim, reference)
    cycles = cli("run", program, "--time-only", "--machine", machine_file, "--json").json["cycles"]
    profile = cli("profile", program, "--machine", machine_file, "--json").json
    rows = [*profile["layers"], profile["tail"]]
    assert cycles == profile["total"]["cycles"] == sum(row["cycles"] for row in rows) > 0


def test_a_program_for_another_machine_is_refused(cli: Cli, tiny: Tiny, machine_file: Path) -> None:
    for command in ("run", "profile", "cosim"):
        refused = cli(command, tiny.file, "--machine", machine_file)
        refused.refuses(f"was compiled for nano4, asked to run on {machine_file.stem}")


def test_gemmini_is_edge16_with_four_banks() -> None:
    """As docs/machine-files.md says, which takes its figures from that."""
    gemmini = load_machine(str(ROOT / "examples/machines/gemmini.toml"))
    assert dataclasses.replace(gemmini, name="edge16", scratchpad_banks=8) == load_machine("edge16")


@pytest.mark.slow
def test_the_verilog_of_an_odd_machine_is_equal(cli: Cli, tmp_path: Path) -> None:
    """8 rows, 4 columns, a bus that delivers 3 beats in 4 cycles."""
    machine_file, program = ROOT / "examples/machines/board_8x4.toml", tmp_path / "digits.tpu"
    compile_digits_for(cli, machine_file, program)
    image = tmp_path / "image.npz"
    np.savez(image, image=load_test()[0][:1])
    report = cli("cosim", program, "-i", image, "--machine", machine_file, "--json").json
    assert report["equal"] is True
    assert report["cycles_rtl"] == cli("run", program, "--time-only", "--json").json["cycles"]


def test_random_machines_compute_the_same_or_say_what_is_too_small() -> None:
    refused = 0
    for seed in range(40):
        machine = random_machine(seed, 32)
        try:
            program = compile_program(tiny_model(), machine, {"x": samples(8)})
        except CompileError as error:
            assert "node 'conv' (matrix kernel): " in str(error)
            refused += 1
            continue
        session, inputs = Session(program), {"x": samples(3, seed)}
        sim, reference = (session.run(inputs, backend) for backend in (Backend.SIM, Backend.REFERENCE))
        for name, values in reference.outputs.items():
            np.testing.assert_array_equal(sim.outputs[name], values)
        assert sim.cycles is not None and sim.cycles > 0
    assert refused < 20
