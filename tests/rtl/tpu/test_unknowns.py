"""Nothing unwritten reaches an output, and a second program behaves as the first after a reset; on Icarus, where every
register without a reset, every memory cell and every byte of memory beyond the image begins as X.

An `if` of an X takes its else branch and so can hide it; the comparison with the Verilated machine, which begins with
other values, shows what became of it. What the programs here store is all written before.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from machine.config import load_machine
from machine.isa import Engine, Instruction, Opcode, encode, make
from machine.registers import Status
from rtl.run import RtlResult, run_program
from rtl.sources import TESTBENCH, bench_parameters, bench_sources
from runtime.fuzz.cases import MEMORY_BYTES as RANDOM_BYTES
from runtime.fuzz.cases import Draws
from tests.rtl.runner import have_icarus
from tests.rtl.tpu.programs import INPUT, MEMORY_BYTES, PARAMETERS, WEIGHTS, Bytes, copy, layer

NANO4 = load_machine("nano4")
COPY, LAYER, WRONG = 0, 0x400, 0x800
"""Where the programs lie in one image; their outputs do not overlap."""
LAYER_OUTPUT = 0x5000
MAX_CYCLES = 5_000
BENCH_BYTES = max(MEMORY_BYTES, RANDOM_BYTES)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not have_icarus(), reason="Icarus is not installed")]


@dataclass(frozen=True)
class Run:
    """What one program did: registers by offset, and (engine, kind, cycle) of each issue and retirement."""

    registers: dict[int, int]
    events: list[tuple[int, ...]]


@dataclass(frozen=True)
class Session:
    """One simulation: its programs' runs, the memory behind them, and what was unknown."""

    runs: list[Run]
    memory: Bytes
    unknowns: list[str]


def compile_bench(folder: Path, replaced: dict[str, tuple[str, str]] | None = None) -> Path:
    """Compile the bench for Icarus; `replaced` maps a file's name to a text in it and what is planted instead."""
    folder.mkdir(exist_ok=True)
    sources = []
    for path in [*bench_sources(), TESTBENCH / "testbench_clock.sv", Path(__file__).with_name("unknowns.sv")]:
        text = path.read_text()
        if replaced and path.name in replaced:
            old, new = replaced[path.name]
            assert text.count(old) == 1
            text = text.replace(old, new)
        sources.append(folder / path.name)
        sources[-1].write_text(text)
    values = [f"-Ptestbench_clock.{k}={v}" for k, v in bench_parameters(NANO4, BENCH_BYTES).items()]
    values.append(f"-Punknowns.BUS_BYTES={NANO4.bus_bytes}")
    binary = folder / "bench.vvp"
    tops = ["-s", "testbench_clock", "-s", "unknowns"]
    subprocess.run(["iverilog", "-g2012", "-o", binary, *tops, *values, *sources], check=True, capture_output=True)
    return binary


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_bench(tmp_path_factory.mktemp("icarus"))


def programs() -> tuple[dict[int, list[Instruction]], Bytes]:
    """Return the programs by address, and one image of all of them."""
    a_copy, a_layer = copy(NANO4, 20), layer(NANO4, output=LAYER_OUTPUT)
    wrong = [
        make(Opcode.LOAD, memory_address=INPUT, line_bytes=80, words=20, window_bytes=4, window_stride=4),
        make(Opcode.STORE, memory_address=WRONG, words=1, window_bytes=4),  # into itself, while the load is under way
        make(Opcode.HALT),
    ]
    by_address = {COPY: a_copy.instructions, LAYER: a_layer.instructions, WRONG: wrong}
    memory = a_layer.memory.copy()
    memory[INPUT + 64 : INPUT + 256] = a_copy.memory[INPUT + 64 : INPUT + 256]
    memory[PARAMETERS : PARAMETERS + 256] = a_layer.memory[PARAMETERS : PARAMETERS + 256]
    memory[WEIGHTS : WEIGHTS + 256] = a_layer.memory[WEIGHTS : WEIGHTS + 256]
    for address, instructions in by_address.items():
        code = b"".join(map(encode, instructions))
        memory[address : address + len(code)] = np.frombuffer(code, dtype=np.uint8)
    return by_address, memory


def start(binary: Path, folder: Path, order: Sequence[int], *, reset: bool = False) -> list[str]:
    """Run the programs at these addresses one after the other, and return what was unknown."""
    by_address, memory = programs()
    lengths = [len(by_address[address]) for address in order]
    return run_icarus(binary, folder, memory, list(zip(order, lengths, strict=True)), reset=reset)


def run_icarus(
    binary: Path, folder: Path, memory: Bytes, placed: Sequence[tuple[int, int]], *, reset: bool = False
) -> list[str]:
    """Run programs, each given by its address and length, from a memory; return what was unknown."""
    memory.reshape(-1, NANO4.bus_bytes)[:, ::-1].tofile(folder / "image")
    arguments: dict[str, object] = {
        "program_address": placed[0][0],
        "program_length": placed[0][1],
        "memory_limit": memory.size,
        "max_cycles": MAX_CYCLES,
        "memory_beats": memory.size // NANO4.bus_bytes,
        "reset": int(reset),
        **{name: folder / name for name in ("image", "result", "events", "memory", "unknowns")},
    }
    if len(placed) > 1:
        arguments |= {"second_address": placed[1][0], "second_length": placed[1][1]}
    vvp = shutil.which("vvp")
    assert vvp is not None
    subprocess.run([vvp, binary, *(f"+{key}={value}" for key, value in arguments.items())], check=True, timeout=120)
    return (folder / "unknowns").read_text().splitlines()


def results(folder: Path) -> list[Run]:
    """Read what the programs of a simulation did."""
    parts = zip(*((folder / name).read_text().split("second\n") for name in ("result", "events")), strict=True)
    runs = []
    for registers, events in parts:
        pairs = (line.split() for line in registers.splitlines())
        lines = sorted(tuple(map(int, line.split())) for line in events.splitlines())
        runs.append(Run({int(offset): int(value) for offset, value in pairs}, lines))
    return runs


def simulate(binary: Path, folder: Path, order: Sequence[int], *, reset: bool = False) -> Session:
    """Run them, and return all that they did."""
    unknowns = start(binary, folder, order, reset=reset)
    return Session(results(folder), np.fromfile(folder / "memory", dtype=np.uint8), unknowns)


def fresh(address: int, memory: Bytes) -> RtlResult:
    """Run one program alone on the Verilated machine."""
    length = len(programs()[0][address])
    return run_program(NANO4, memory, address, length, MEMORY_BYTES, max_cycles=MAX_CYCLES)


def assert_equal(run: Run, expected: RtlResult) -> None:
    assert (run.registers[0x04], run.registers[0x14]) == (expected.status, expected.cycles)
    for (engine, state), count in np.ndenumerate(expected.counters):
        assert run.registers[0x100 + 8 * (16 * engine + state)] == count
    assert run.events == sorted(
        (int(engine), kind, int(cycle))
        for kind, table in enumerate((expected.issue, expected.retire))
        for engine, cycles in table.items()
        for cycle in cycles
    )


@pytest.mark.parametrize("order", [(COPY, LAYER), (LAYER, COPY)], ids=["copy_layer", "layer_copy"])
def test_a_second_program_runs_as_after_reset(bench: Path, tmp_path: Path, order: tuple[int, int]) -> None:
    session = simulate(bench, tmp_path, order)
    assert session.unknowns == []
    memory = programs()[1]
    for run, address in zip(session.runs, order, strict=True):
        expected = fresh(address, memory)
        assert expected.status is Status.DONE
        assert_equal(run, expected)
        memory = expected.memory
    assert (session.memory == memory).all()


def test_after_an_error_and_a_reset(bench: Path, tmp_path: Path) -> None:
    """The error comes while a load is under way; its beats must not reach the program after the reset."""
    session = simulate(bench, tmp_path, (WRONG, LAYER), reset=True)
    assert session.unknowns == []
    memory = programs()[1]
    expected = fresh(WRONG, memory)
    assert expected.status is Status.ADDRESS_ERROR
    assert expected.issue[Engine.LOAD].size > expected.retire[Engine.LOAD].size
    assert_equal(session.runs[0], expected)
    expected = fresh(LAYER, memory)
    assert_equal(session.runs[1], expected)
    assert (session.memory == expected.memory).all()


@pytest.mark.parametrize("number", [1, 5, 8, 10, 28])
def test_random_programs(bench: Path, tmp_path: Path, number: int) -> None:
    """Legal programs that may store what nobody wrote: such data is unknown, and nothing else is."""
    case = Draws(1, False, NANO4).case(number)
    length = len(case.words)
    unknowns = run_icarus(bench, tmp_path, case.memory(), [(case.program_address, length)])
    assert {line.split()[1] for line in unknowns} <= {"m_wdata"}
    expected = run_program(NANO4, case.memory(), case.program_address, length, RANDOM_BYTES, max_cycles=MAX_CYCLES)
    (run,) = results(tmp_path)
    assert_equal(run, expected)


def test_a_missing_reset_is_seen(tmp_path: Path) -> None:
    binary = compile_bench(tmp_path / "bench", {"store_write.sv": ("      wvalid_q       <= 1'b0;\n", "")})
    assert any(line.endswith(" m_wvalid") for line in start(binary, tmp_path, (COPY,)))


def test_what_the_first_program_leaves_is_seen(tmp_path: Path) -> None:
    """Counters that a start does not clear."""
    binary = compile_bench(tmp_path / "bench", {"state_counters.sv": ("if (!rst_ni || clear_i)", "if (!rst_ni)")})
    session = simulate(binary, tmp_path, (COPY, LAYER))
    with pytest.raises(AssertionError):
        assert_equal(session.runs[1], fresh(LAYER, programs()[1]))
