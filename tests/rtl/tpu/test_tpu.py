"""The whole machine under cocotb, and the same run on both simulators."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from machine.config import load_machine
from rtl.run import run_program
from rtl.sources import TESTBENCH, bench_parameters, bench_sources, design_parameters, design_sources
from tests.rtl.runner import have_icarus
from tests.rtl.runner import run as run_bench
from tests.rtl.tpu.programs import MEMORY_BYTES, layer

NANO4 = load_machine("nano4")


@pytest.mark.slow
def test_stalling_memory() -> None:
    run_bench("tpu", "tests.rtl.tpu.bench_tpu", design_sources(), design_parameters(NANO4))


@pytest.mark.slow
@pytest.mark.skipif(not have_icarus(), reason="Icarus is not installed")
def test_icarus_gives_the_same_run(tmp_path: Path) -> None:
    """Events, registers and memory of one program are the same on both simulators."""
    program = layer(NANO4)
    expected = run_program(NANO4, program.memory, 0, len(program.instructions), MEMORY_BYTES, max_cycles=10_000)
    values = [f"-Ptestbench_clock.{k}={v}" for k, v in bench_parameters(NANO4, MEMORY_BYTES).items()]
    sources = [*bench_sources(), TESTBENCH / "testbench_clock.sv"]
    binary = tmp_path / "testbench.vvp"
    subprocess.run(["iverilog", "-g2012", "-o", binary, "-s", "testbench_clock", *values, *sources], check=True)
    image = program.memory.reshape(-1, NANO4.bus_bytes)[:, ::-1]
    image.tofile(tmp_path / "image")
    arguments = {
        "program_length": len(program.instructions),
        "memory_limit": MEMORY_BYTES,
        "max_cycles": 10_000,
        "image": tmp_path / "image",
        "result": tmp_path / "result",
        "events": tmp_path / "events",
        "memory": tmp_path / "memory",
        "memory_beats": MEMORY_BYTES // NANO4.bus_bytes,
    }
    subprocess.run(["vvp", binary, *(f"+{key}={value}" for key, value in arguments.items())], check=True)
    registers = dict(tuple(map(int, line.split())) for line in (tmp_path / "result").read_text().splitlines())
    assert (registers[0x04], registers[0x14]) == (expected.status, expected.cycles)
    for engine in range(5):
        for state in range(11):
            assert registers[0x100 + 8 * (16 * engine + state)] == expected.counters[engine, state]
    events = sorted(tuple(map(int, line.split())) for line in (tmp_path / "events").read_text().splitlines())
    assert events == sorted(
        (int(engine), kind, int(cycle))
        for kind, table in enumerate((expected.issue, expected.retire))
        for engine, cycles in table.items()
        for cycle in cycles
    )
    assert (np.fromfile(tmp_path / "memory", dtype=np.uint8) == program.expected).all()
