"""The driver over mapped files: the same bytes, cycles and counters as the simulator, and what it refuses."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from machine.assembly import assemble
from machine.config import load_machine
from machine.errors import DataError, ProgramError, SimulationError, ToolError
from machine.program import Program, load_program
from machine.registers import OFFSETS, Status
from runtime.board import Driver, MmapBus
from runtime.session import Backend, Session
from runtime.timing import segment_time
from tests.e2e.host_models import attention, samples
from tests.e2e.test_host_nodes import compiled
from tests.runtime.board.machine_on_file import MEMORY_OFFSET, REGISTERS_OFFSET, MachineOnFile
from tests.runtime.helpers import COPY, Tiny
from tests.runtime.helpers import samples as tiny_samples

BASE = 0x12_3456_7000


def on_file(program: Program, path: Path, size: int | None = None, base: int = BASE) -> MachineOnFile:
    return MachineOnFile(program.machine, path, program.memory_bytes if size is None else size, base)


def same(session: Session, inputs: dict[str, np.ndarray] | None, path: Path) -> None:
    """Run twice without a reset, and on the simulator."""
    expected = session.run(inputs)
    with on_file(session.program, path) as board:
        driver = Driver(board)
        for _ in range(2):
            result = session.run_on_board(driver, inputs)
            assert result.backend is Backend.BOARD and result.samples == expected.samples
            assert result.segment_cycles == expected.segment_cycles
            assert result.counters == expected.counters
            for kind in ("integers", "outputs"):
                arrays, others = getattr(result, kind), getattr(expected, kind)
                assert arrays.keys() == others.keys()
                for name, array in arrays.items():
                    np.testing.assert_array_equal(array, others[name], err_msg=name)
        assert board.get("INTERRUPT") == 0


def test_a_program_file(tiny: Tiny, tmp_path: Path) -> None:
    same(Session(load_program(tiny.file)), {"x": tiny_samples(5)}, tmp_path / "board")


def test_segments_with_host_operators_between(tmp_path: Path) -> None:
    program = compiled(attention)
    assert len(program.segments) > 1
    same(Session(program), samples(attention(), 3, seed=4), tmp_path / "board")


def test_a_kernel(tmp_path: Path) -> None:
    same(Session(assemble(COPY.read_text(), load_machine("nano4"))), None, tmp_path / "board")


def test_time_only(tiny: Tiny, tmp_path: Path) -> None:
    session = Session(tiny.program)
    with on_file(tiny.program, tmp_path / "board") as board:
        result = session.run_on_board(Driver(board), with_function=False)
    assert result.cycles == session.run(with_function=False).cycles and not result.outputs


def test_counters_of_both_words(tiny: Tiny, tmp_path: Path) -> None:
    segment, image = tiny.program.segments[0], Session(tiny.program).blank_image()
    timing = segment_time(tiny.program, segment)
    with on_file(tiny.program, tmp_path / "board") as board:
        run = Driver(board).run_segment(tiny.program, segment, image)
        assert (run.read_beats, run.write_beats) == (timing.read_beats, timing.write_beats)
        assert (run.cycles, run.counters.tolist()) == (timing.cycles, timing.counters.tolist())
        long = replace(timing, cycles=0x7_8000_0001, counters=timing.counters + (5 << 32))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tests.runtime.board.machine_on_file.simulate_time", lambda *_, **__: long)
            run = Driver(board).run_segment(tiny.program, segment, image)
        assert (run.cycles, run.counters.tolist()) == (long.cycles, long.counters.tolist())


def test_an_error_is_a_status_and_is_cleared(tiny: Tiny, tmp_path: Path) -> None:
    session = Session(tiny.program)
    with on_file(tiny.program, tmp_path / "board") as board:
        driver = Driver(board)
        segment, image = tiny.program.segments[0], session.blank_image()
        image[segment.program_address] = 15
        run = driver.run_segment(tiny.program, segment, image)
        assert run.status is Status.ILLEGAL_INSTRUCTION and run.cycles == run.counters[0].sum() > 0
        assert driver.status() is Status.IDLE
        board.put("STATUS", Status.BUS_ERROR)
        assert driver.run_segment(tiny.program, segment, session.blank_image()).status is Status.DONE
        broken = Session(replace(tiny.program, image=image[: tiny.program.image.size]))
        with pytest.raises(SimulationError, match=r"^the program halted with illegal_instruction in cycle \d+$"):
            broken.run_on_board(driver, {"x": tiny_samples(1)})


def test_hardware_that_does_not_fit(tiny: Tiny, tmp_path: Path) -> None:
    program, segment, image = tiny.program, tiny.program.segments[0], Session(tiny.program).blank_image()
    with MachineOnFile(load_machine("edge4x8"), tmp_path / "other", program.memory_bytes) as other:
        with pytest.raises(ToolError, match=r"the program is for nano4, 4x4; the board has 4x8"):
            Driver(other).run_segment(program, segment, image)
        assert not other.written
    with on_file(program, tmp_path / "small", size=4096) as small, pytest.raises(ToolError, match="the board has 4096"):
        Driver(small).run_segment(program, segment, image)
    with on_file(program, tmp_path / "board") as board:
        board.put("STATUS", Status.RUNNING)
        with pytest.raises(ToolError, match="runs on the board already"):
            Driver(board).run_segment(program, segment, image)
        board.put("STATUS", 9)
        with pytest.raises(ToolError, match="STATUS reads 0x9"):
            Driver(board).run_segment(program, segment, image)
        assert not board.written
    with on_file(program, tmp_path / "odd", base=100) as odd, pytest.raises(ToolError, match="a multiple of 4096"):
        Driver(odd)


def test_registers_are_checked(tiny: Tiny, tmp_path: Path) -> None:
    segment = replace(tiny.program.segments[0], program_address=64)
    with on_file(tiny.program, tmp_path / "board") as board, pytest.raises(ProgramError, match="program_address = 64"):
        Driver(board).run_segment(tiny.program, segment, Session(tiny.program).blank_image())


def test_a_machine_that_hangs(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with on_file(tiny.program, tmp_path / "board") as board:
        driver = Driver(board, timeout_seconds=0.02)
        monkeypatch.setattr(board, "start", lambda: board.put("STATUS", Status.RUNNING))
        with pytest.raises(ToolError, match=r"did not end within 0.02 s: STATUS is running"):
            driver.run_segment(tiny.program, tiny.program.segments[0], Session(tiny.program).blank_image())
        board.put("STATUS", Status.DEADLOCK)
        monkeypatch.setattr(board, "write32", lambda offset, value: None)
        with pytest.raises(ToolError, match=r"did not reset within 0.02 s: STATUS is deadlock"):
            driver.reset()


def test_the_session_says_how_a_board_is_reached(tiny: Tiny) -> None:
    with pytest.raises(DataError, match="run_on_board"):
        Session(tiny.program).run({"x": tiny_samples(1)}, Backend.BOARD)


def test_mmap_bus_reads_and_writes_the_files(tmp_path: Path) -> None:
    registers, memory = tmp_path / "registers", tmp_path / "memory"
    registers.write_bytes(bytes(0x3000))
    memory.write_bytes(bytes(0x3000))
    with MmapBus(registers, memory, 0x1000, 0, registers_offset=REGISTERS_OFFSET, memory_offset=0x1000) as bus:
        bus.write32(OFFSETS["PROGRAM_LENGTH"], 0x8765_4321)
        bus.write_memory(5, b"tensor")
        data = registers.read_bytes()
        at = REGISTERS_OFFSET + OFFSETS["PROGRAM_LENGTH"]
        assert data[at : at + 4] == bytes.fromhex("21436587") and not any(data[:at]) and not any(data[at + 4 :])
        assert memory.read_bytes()[0x1005:0x100B] == b"tensor"
        assert bus.read32(OFFSETS["PROGRAM_LENGTH"]) == 0x8765_4321 and bus.read_memory(6, 3) == b"ens"
    bus.close()


@pytest.mark.parametrize(("size", "offset"), [(4096, 1), (1 << 20, MEMORY_OFFSET)])
def test_mmap_bus_refuses(tmp_path: Path, size: int, offset: int) -> None:
    path = tmp_path / "memory"
    path.write_bytes(bytes(0x8000))
    with pytest.raises(ToolError, match=f"^cannot map {size} bytes of .*memory at {offset:#x}: "):
        MmapBus(path, path, size, 0, memory_offset=offset)
    with pytest.raises(ToolError, match="No such file"):
        MmapBus(tmp_path / "nothing", path, 4096, 0)


def test_mmap_bus_waits_for_the_interrupt(tmp_path: Path) -> None:
    """A FIFO stands for the device: it can be read when something is in it, as UIO's when an interrupt came."""
    path = tmp_path / "registers"
    path.write_bytes(bytes(4096))
    device = tmp_path / "uio"
    os.mkfifo(device)
    with MmapBus(path, path, 4096, 0, interrupts=True) as bus:
        descriptor = os.open(device, os.O_RDWR)
        bus._descriptors[0], kept = descriptor, bus._descriptors[0]
        os.close(kept)
        begin = time.monotonic()
        bus.wait(30.0)
        assert time.monotonic() - begin < 10.0


def test_without_interrupts_it_pauses(tmp_path: Path) -> None:
    path = tmp_path / "registers"
    path.write_bytes(bytes(4096))
    with MmapBus(path, path, 4096, 0) as bus:
        begin = time.monotonic()
        bus.wait(0.02)
        assert time.monotonic() - begin >= 0.02
