"""The legality verifier: compiled programs pass, and every kind of damage is refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from compiler.backend.program import CompiledProgram
from compiler.graph import Op
from compiler.pipeline import compile_graph
from compiler.verify_program import verify_program
from machine.config import load_machine
from machine.errors import ProgramError
from machine.isa import Instruction, Opcode, make

NANO = load_machine("nano4")
Instructions = list[Instruction]


@pytest.fixture(name="program", scope="module")
def _program(net: Any) -> CompiledProgram:
    built = net(3)
    a = built.conv(built.input(2, 9, 9), 12)
    y = built.add(built.conv(a, 12), a)
    return compile_graph(NANO, built.graph(built.pool(y, Op.MAX_POOL)))


def _change(instruction: Instruction, **values: int) -> Instruction:
    return Instruction(instruction.opcode, {**instruction.values, **values})


def _verify(program: CompiledProgram, instructions: Instructions) -> None:
    verify_program(NANO, instructions, program.memory_bytes)


def _first(instructions: Instructions, opcode: Opcode, wanted: Callable[[Instruction], Any] = lambda i: True) -> int:
    return next(n for n, i in enumerate(instructions) if i.opcode is opcode and wanted(i))


def test_a_compiled_program_is_legal(program: CompiledProgram) -> None:
    _verify(program, list(program.instructions))


def test_every_dropped_pair_of_tokens_is_refused(program: CompiledProgram) -> None:
    """Tokens are as few as vector clocks allow, so without any one of them there is a race."""
    instructions = list(program.instructions)
    for index, instruction in enumerate(instructions[:-1]):
        for engine in range(5):
            if not instruction["wait"] >> engine & 1:
                continue
            broken = list(instructions)
            broken[index] = _change(instruction, wait=instruction["wait"] & ~(1 << engine))
            with pytest.raises(ProgramError, match="race|never taken|orders"):
                _verify(program, broken)


def test_a_dropped_send_is_refused(program: CompiledProgram) -> None:
    instructions = list(program.instructions)
    index = _first(instructions, Opcode.LOAD, lambda i: i["send"])
    instructions[index] = _change(instructions[index], send=0)
    with pytest.raises(ProgramError, match="waits for load|race|no token"):
        _verify(program, instructions)


def test_an_address_into_another_buffer_is_a_race(program: CompiledProgram) -> None:
    instructions = list(program.instructions)
    drain = instructions[_first(instructions, Opcode.VECTOR, lambda i: i["source"] == 1)]
    index = max(n for n, i in enumerate(instructions) if i.opcode is Opcode.LOAD and i["line_bytes"] and not i["space"])
    broken = list(instructions)
    broken[index] = _change(instructions[index], destination=drain["d"])
    with pytest.raises(ProgramError, match="race"):
        _verify(program, broken)


def test_swapped_instructions_of_two_engines_are_refused(program: CompiledProgram) -> None:
    instructions = list(program.instructions)
    index = _first(instructions, Opcode.VECTOR, lambda i: i["wait"])
    before = max(n for n in range(index) if instructions[n].opcode is Opcode.MATRIX)
    instructions[before], instructions[index] = instructions[index], instructions[before]
    with pytest.raises(ProgramError):
        _verify(program, instructions)


@pytest.mark.parametrize(("extra", "reason"), [(1, "never used"), (-1, "weight tiles lack")])
def test_weight_tiles_must_balance(program: CompiledProgram, extra: int, reason: str) -> None:
    instructions = list(program.instructions)
    index = max(n for n, i in enumerate(instructions) if i.opcode is Opcode.WEIGHTS)
    instructions[index] = _change(instructions[index], tiles=instructions[index]["tiles"] + extra)
    with pytest.raises(ProgramError, match=reason):
        _verify(program, instructions)


def test_tiles_come_from_instructions_before() -> None:
    """The other way round the engines would come to their end too, but no order of instructions has that meaning."""
    matrix, weights = make(Opcode.MATRIX), make(Opcode.WEIGHTS, memory_address=4096)
    verify_program(NANO, [weights, matrix, make(Opcode.HALT)], 65536)
    with pytest.raises(ProgramError, match=r"instruction 0 \(matrix\): takes 1 weight tiles of instructions behind it"):
        verify_program(NANO, [matrix, weights, make(Opcode.HALT)], 65536)


def test_a_wait_for_nothing_is_refused(program: CompiledProgram) -> None:
    instructions = list(program.instructions)
    instructions[0] = _change(instructions[0], wait=1 << 4)
    with pytest.raises(ProgramError, match=r"instruction 0 \(load\): waits for store"):
        _verify(program, instructions)


def test_a_full_queue_before_the_instruction_that_frees_it_is_a_deadlock() -> None:
    """Nine weight instructions fill FIFO and queue; the matrix instruction behind them is never dispatched."""
    tiles = NANO.weight_fifo_tiles
    weights = [make(Opcode.WEIGHTS, memory_address=4096, tiles=tiles) for _ in range(NANO.queue_depth + 3)]
    matrix = make(Opcode.MATRIX, tap_count2=tiles * len(weights))
    with pytest.raises(ProgramError, match=r"\(weights\): deadlock: the weight FIFO is full"):
        verify_program(NANO, [*weights, matrix, make(Opcode.HALT)], 65536)


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        (make(Opcode.LOAD, window_bytes=0), "window_bytes = 0"),
        (make(Opcode.LOAD, window_bytes=3, lane_offset=2), "beyond a word of 4 bytes"),
        (make(Opcode.LOAD, space=1, window_bytes=2), "parameters are loaded in whole words of 4 bytes"),
        (make(Opcode.LOAD, space=2, window_bytes=2), "tables are loaded in whole words of 4 bytes"),
        (make(Opcode.LOAD, space=2, window_bytes=4, destination=127, words=2), "table address 128; the last is 127"),
        (_change(make(Opcode.LOAD, window_bytes=4), space=3), "load.space = 3: legal are 0, 1, 2"),
        (make(Opcode.LOAD, window_bytes=4, destination=2047, words=2), "scratchpad address 2048; the last is 2047"),
        (make(Opcode.LOAD, window_bytes=4, line_bytes=4, memory_address=65536), "memory address 65539"),
        (make(Opcode.LOAD, window_bytes=4, line_bytes=4000, window_stride=200, words=20), "the load buffer holds 1024"),
        (make(Opcode.STORE, window_bytes=4), "writes into the program"),
        (make(Opcode.STORE, window_bytes=4, memory_address=4096, words=2, word_stride=1), "source_span = 0"),
        (make(Opcode.MATRIX, row_count0=5, row_stride0=1), "a_span = 0, its loops reach 4"),
        (make(Opcode.MATRIX, a=2047, a_span=4, row_count0=5, row_stride0=1), "the last address is 2047"),
        (make(Opcode.MATRIX, accumulator=62, row_count0=5), "leave a half of 64"),
        (make(Opcode.MATRIX, blocks=2, row_count0=5, accumulator_stride=4), "accumulator_stride 4 is less"),
        (make(Opcode.VECTOR, source=1, a=63, a_span=1, x_count=2, a_x_stride=1), "leave a half of 64"),
        (make(Opcode.VECTOR, reduce=2, use_residual=1), "has no residual operand"),
        (make(Opcode.VECTOR, use_residual=1, b=256, table=2), "table = 2 with use_residual = 1"),
        (make(Opcode.VECTOR, subtract=1), "no residual operand to subtract"),
        (_change(make(Opcode.VECTOR), table=3), "vector.table = 3: legal are 0, 1, 2"),
        (make(Opcode.VECTOR, use_residual=1, a=3, b=200, d=300), "A and B share a scratchpad bank"),
        (make(Opcode.VECTOR, source=1, rescale=1, parameters=32), "parameter address"),
        (_change(make(Opcode.VECTOR), wait=1 << 3), "waits for or sends to itself"),
    ],
)
def test_an_illegal_instruction_is_named_with_the_reason(instruction: Instruction, reason: str) -> None:
    with pytest.raises(ProgramError, match=r"^instruction 0 \(") as caught:
        verify_program(NANO, [instruction, make(Opcode.HALT)], 65536)
    assert reason in str(caught.value)


@pytest.mark.parametrize(("table", "word", "race"), [(1, 0, True), (1, 63, True), (1, 64, False), (2, 63, False),
                                                    (2, 64, True), (2, 127, True), (0, 0, False)])
def test_a_table_is_loaded_and_looked_up_in_order(table: int, word: int, race: bool) -> None:
    """nano4: 64 words a table. Either order of the two instructions needs a token where they meet."""
    load = make(Opcode.LOAD, space=2, destination=word, window_bytes=4)
    vector = make(Opcode.VECTOR, table=table, low=-128, high=127)
    for first, second in ((load, vector), (vector, load)):
        if race:
            with pytest.raises(ProgramError, match=r"instruction 1 .*race: it conflicts with instruction 0"):
                verify_program(NANO, [first, second, make(Opcode.HALT)], 65536)
        else:
            verify_program(NANO, [first, second, make(Opcode.HALT)], 65536)
        ordered = [_change(first, send=1 << second.engine), _change(second, wait=1 << first.engine)]
        verify_program(NANO, [*ordered, make(Opcode.HALT)], 65536)


def test_halt_ends_the_program_and_only_there() -> None:
    with pytest.raises(ProgramError, match="last instruction must be halt"):
        verify_program(NANO, [make(Opcode.WEIGHTS)], 65536)
    with pytest.raises(ProgramError, match="instruction 0 .*halt before the last"):
        verify_program(NANO, [make(Opcode.HALT), make(Opcode.HALT)], 65536)


@pytest.mark.parametrize(("row", "legal"), [(0, True), (1, True), (2, False), (3, False), (4, True)])
def test_a_pass_that_adds_keeps_away_from_the_last_rows_of_the_pass_before(row: int, legal: bool) -> None:
    tiles = make(Opcode.WEIGHTS, memory_address=4096, tiles=2)
    first = make(Opcode.MATRIX, row_count0=4)
    second = make(Opcode.MATRIX, row_count0=4, accumulator=row, accumulate=1)
    program = [tiles, first, second, make(Opcode.HALT)]
    if legal:
        verify_program(NANO, program, 65536)
    else:
        with pytest.raises(ProgramError, match=rf"instruction 2 .*adds to accumulator row {row}, one of"):
            verify_program(NANO, program, 65536)


@pytest.mark.parametrize(("line_bytes", "legal"), [(1016, True), (1017, False), (5000, False)])
def test_the_end_of_a_line_fits_the_load_buffer(line_bytes: int, legal: bool) -> None:
    """A line's last segment waits for all of the line: nano4's buffer of 1,024 bytes, a beat lost at either end."""
    load = make(Opcode.LOAD, memory_address=8192, line_bytes=line_bytes, words=1, window_bytes=4, window_stride=4)
    if legal:
        verify_program(NANO, [load, make(Opcode.HALT)], 65536)
    else:
        with pytest.raises(ProgramError, match="the load buffer holds 1024"):
            verify_program(NANO, [load, make(Opcode.HALT)], 65536)
