"""Small programs on the Verilated machine: cycles derived by hand from the pages, and every byte of memory."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from machine.config import Machine, load_machine
from machine.errors import ProgramError, ToolError
from machine.isa import Engine, Opcode, encode, make
from machine.registers import EngineState, Status
from rtl.run import RtlResult, run_program
from tests.rtl.tpu.programs import MEMORY_BYTES, OUTPUT, SmallProgram, copy, halt_only, layer, to

NANO4 = load_machine("nano4")
MAX_CYCLES = 20_000


def run(machine: Machine, program: SmallProgram, memory_limit: int = MEMORY_BYTES, **options: int) -> RtlResult:
    length = options.get("length", len(program.instructions))
    limit = options.get("max_cycles", MAX_CYCLES)
    result = run_program(machine, program.memory, 0, length, memory_limit, max_cycles=limit)
    assert (result.counters.sum(axis=1) == result.cycles).all(), "each engine is in one state in each cycle"
    return result


def events(result: RtlResult) -> dict[str, tuple[list[int], list[int]]]:
    return {
        e.name.lower(): (result.issue[e].tolist(), result.retire[e].tolist()) for e in Engine if result.issue[e].size
    }


def test_halt_only() -> None:
    """118 cycles: fetch presents its burst in cycle 1; the address is on the bus in 2, the first of 16 beats (64 bytes
    of 4) comes 100 cycles later in 102, the last in 117; halt is complete in 118, and everything is idle."""
    result = run(NANO4, halt_only())
    assert result.status is Status.DONE
    assert result.cycles == 118
    assert (result.read_beats, result.write_beats) == (16, 0)
    assert (result.counters[:, EngineState.IDLE] == 118).all()
    assert (result.memory == halt_only().expected).all()


def test_copy() -> None:
    """404 cycles. The load is complete in the fetch buffer in 118, queued in 119 and issues; its burst (80 bytes from
    byte 3 of a beat: 21 beats) is presented in 120, its address out in 121, beats in 221 to 241. The first 16 words
    need 17 beats: granted in 238, written in 239 to 254; the other 4 are granted in 254 and written in 255 to 258,
    where it retires. The store issues in 259, reads 20 words in 261 to 280, sends 21 beats in 283 to 303 and is
    answered in 403."""
    program = copy(NANO4, 20)
    result = run(NANO4, program)
    assert result.status is Status.DONE
    assert events(result) == {"load": ([119], [258]), "store": ([259], [403])}
    assert result.cycles == 404
    assert (result.read_beats, result.write_beats) == (48 + 21, 21)
    assert (result.memory == program.expected).all()


def test_layer() -> None:
    """430 cycles. Fetch: instruction k is complete in 118 + 16 k. The loads issue in 119 and 135, the weights in 151.
    Load: 8 beats in 221 to 228, after fetch's last in 213; granted 229, words in 230 to 237. Parameters: beats in 237
    to 248, granted 249, words in 250 to 261. Weights: address out in 153, beats in 253 to 256, the shift goes on in 257
    to 260. Matrix: issues in 238, granted in 261, rows read in 262 to 269, the last written 10 later in 279. Vector:
    issues in 280, granted in 281, 8 reads in 282 to 289, the last written in 309. Store: issues in 310, granted in 311,
    reads in 312 to 319, write address granted in 321, 8 beats in 322 to 329, answered in 429."""
    program = layer(NANO4)
    result = run(NANO4, program)
    assert result.status is Status.DONE
    assert events(result) == {
        "load": ([119, 135], [237, 261]),
        "weights": ([151], [256]),
        "matrix": ([238], [279]),
        "vector": ([280], [309]),
        "store": ([310], [429]),
    }
    assert result.cycles == 430
    matrix = {EngineState(s): int(n) for s, n in enumerate(result.counters[Engine.MATRIX]) if n}
    assert matrix == {
        EngineState.BUSY: 8,
        EngineState.START: 2,  # 238 and 261
        EngineState.WAIT_TOKEN: 71,  # 167 to 237
        EngineState.WAIT_WEIGHTS: 18,  # 239 to 256
        EngineState.WAIT_SHIFT: 4,  # 257 to 260
        EngineState.DRAIN: 10,  # 270 to 279
        EngineState.IDLE: 317,
    }
    assert (result.memory == program.expected).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["edge8", "edge16"])
def test_layer_on_larger_machines(name: str) -> None:
    machine = load_machine(name)
    program = layer(machine, results=40)
    result = run(machine, program)
    assert result.status is Status.DONE
    assert (result.memory == program.expected).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["edge8x4", "edge4x8"])
def test_copy_on_machines_that_are_not_square(name: str) -> None:
    machine = load_machine(name)
    program = copy(machine, 50)
    result = run(machine, program)
    assert result.status is Status.DONE
    assert (result.memory == program.expected).all()


def test_illegal_instruction() -> None:
    """The second instruction is complete in 134, where dispatch looks at it."""
    memory = halt_only().memory
    memory[:64] = np.frombuffer(encode(make(Opcode.WEIGHTS, memory_address=0x1000)), dtype=np.uint8)
    memory[64] = 15
    program = dataclasses.replace(copy(NANO4, 1), memory=memory)
    result = run(NANO4, program, length=2)
    assert (result.status, result.cycles) == (Status.ILLEGAL_INSTRUCTION, 134)


def test_fetch_beyond_the_limit() -> None:
    """Presented in cycle 1 and refused there."""
    result = run(NANO4, halt_only(), memory_limit=0)
    assert (result.status, result.cycles) == (Status.ADDRESS_ERROR, 1)


def test_empty_program_is_a_deadlock() -> None:
    """64 quiet cycles from the first on."""
    result = run(NANO4, halt_only(), length=0)
    assert (result.status, result.cycles) == (Status.DEADLOCK, 64)


def test_missing_token_is_a_deadlock() -> None:
    """Halt is complete in 134 and dispatched never; the store was dispatched in 118. In 133 the last beat arrives and
    in 134 it is no longer outstanding: 134 is the first quiet cycle, 197 the 64th."""
    program = copy(NANO4, 1)
    instructions = [make(Opcode.STORE, wait=to(Engine.LOAD), window_bytes=4, memory_address=OUTPUT), make(Opcode.HALT)]
    program.memory[:128] = np.frombuffer(b"".join(map(encode, instructions)), dtype=np.uint8)
    result = run(NANO4, program, length=2)
    assert (result.status, result.cycles) == (Status.DEADLOCK, 197)
    assert result.counters[Engine.STORE, EngineState.WAIT_TOKEN] == 197 - 118


def test_store_into_the_program() -> None:
    program = copy(NANO4, 1)
    store = make(Opcode.STORE, window_bytes=4, memory_address=128)
    program.memory[:64] = np.frombuffer(encode(store), dtype=np.uint8)
    assert run(NANO4, program).status is Status.ADDRESS_ERROR


def test_a_long_run_is_stopped() -> None:
    with pytest.raises(ToolError, match="did not end within 100 cycles"):
        run(NANO4, halt_only(), max_cycles=100)


@pytest.mark.parametrize(("address", "limit", "what"), [(64, 64, "program_address"), (0, 100, "memory_limit")])
def test_registers_are_checked(address: int, limit: int, what: str) -> None:
    with pytest.raises(ProgramError, match=what):
        run_program(NANO4, halt_only().memory, address, 1, limit)
