"""How programs end: deadlock, illegal instructions, address errors, token overflow (docs/timing.md)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from machine.config import load_machine
from machine.errors import ProgramError, SimulationError
from machine.isa import FORMATS, Engine, Opcode, encode, make
from machine.registers import Status
from tests.accel_sim.both_clocks import simulate_both

NANO = load_machine("nano4")
HALT = encode(make(Opcode.HALT))
WORD = {"memory_address": 4096, "line_bytes": 4, "window_bytes": 4}


def with_bits(data: bytes, position: int, value: int) -> bytes:
    return (int.from_bytes(data, "little") | value << position).to_bytes(64, "little")


def test_wait_for_a_token_that_never_comes() -> None:
    # The last beat of the program arrives in 133, no read is outstanding from 134 on: the 64th quiet cycle is 197.
    result = simulate_both(NANO, [make(Opcode.VECTOR, wait=1), make(Opcode.HALT)])
    assert (result.status, result.cycles) == (Status.DEADLOCK, 197)
    assert result.issue[Engine.VECTOR].tolist() == [-1]


def test_program_without_halt() -> None:
    assert simulate_both(NANO, b"").cycles == 64
    assert simulate_both(NANO, b"").status == Status.DEADLOCK


def test_matrix_without_weights() -> None:
    assert simulate_both(NANO, [make(Opcode.MATRIX), make(Opcode.HALT)]).status == Status.DEADLOCK


def test_rows_on_their_way_are_no_deadlock() -> None:
    # Two passes and one tile: the second waits for ever, but only after the first one's row has been written, 128 + 64
    # + 3 cycles after its grant, the 64 quiet cycles begin. With one pass the instruction retires with that write.
    wide = replace(NANO, rows=128, columns=64, scratchpad_bytes=128 * 64 * 4, accumulator_bytes=64 * 4 * 64,
                   weight_fifo_tiles=4)
    tile, halt = make(Opcode.WEIGHTS, memory_address=4096), make(Opcode.HALT)
    (one,) = simulate_both(wide, [tile, make(Opcode.MATRIX), halt]).retire[Engine.MATRIX].tolist()
    two = simulate_both(wide, [tile, make(Opcode.MATRIX, tap_count0=2), halt])
    assert (two.status, two.cycles) == (Status.DEADLOCK, one + 64)


def field_bits(opcode: Opcode, name: str, value: int, **others: int) -> bytes:
    return with_bits(encode(make(opcode, **others)), FORMATS[opcode].offsets()[name], value)


ILLEGAL = {
    "opcode": (6).to_bytes(64, "little"),
    "reserved bits of halt": (1 << 4).to_bytes(64, "little"),
    "highest bit": with_bits(encode(make(Opcode.STORE, window_bytes=4)), 511, 1),
    "own wait bit": field_bits(Opcode.LOAD, "wait", 1 << Engine.LOAD, window_bytes=4),
    "own send bit": field_bits(Opcode.MATRIX, "send", 1 << Engine.MATRIX),
    "load space": field_bits(Opcode.LOAD, "space", 3, window_bytes=4),
    "weights source": field_bits(Opcode.WEIGHTS, "source", 1),
    "weights transpose": field_bits(Opcode.WEIGHTS, "transpose", 1),
    "vector reduce": field_bits(Opcode.VECTOR, "reduce", 3),
    "vector table": field_bits(Opcode.VECTOR, "table", 3),
    "bit above the last field of vector": with_bits(encode(make(Opcode.VECTOR)), 475, 1),
    "load without a window": encode(make(Opcode.LOAD)),
    "load window beyond the word": encode(make(Opcode.LOAD, window_bytes=3, lane_offset=2)),
    "store without a window": encode(make(Opcode.STORE)),
    "store window beyond the word": encode(make(Opcode.STORE, window_bytes=5)),
    "narrow parameters": encode(make(Opcode.LOAD, space=1, window_bytes=3)),
    "narrow table words": encode(make(Opcode.LOAD, space=2, window_bytes=3)),
    "products with a residual": encode(make(Opcode.VECTOR, reduce=2, use_residual=1)),
    "products of accumulators": encode(make(Opcode.VECTOR, reduce=2, source=1)),
    "table with a residual": encode(make(Opcode.VECTOR, table=1, use_residual=1)),
    "second table with a residual": encode(make(Opcode.VECTOR, table=2, use_residual=1)),
    "subtraction of nothing": encode(make(Opcode.VECTOR, subtract=1)),
    "subtraction of nothing before a table": encode(make(Opcode.VECTOR, subtract=1, table=1)),
}


@pytest.mark.parametrize("case", ILLEGAL)
def test_illegal_instruction(case: str) -> None:
    # The first instruction is dispatched in 118.
    result = simulate_both(NANO, ILLEGAL[case] + HALT)
    assert (result.status, result.cycles) == (Status.ILLEGAL_INSTRUCTION, 118)


LIMIT = 8192
SECOND_SEGMENT = 120 + 16
"""Of a fill of more than 16 words: presented in the last access of the first segment, which is granted in 120."""
ADDRESS_ERRORS = {
    "load beyond memory": (make(Opcode.LOAD, **{**WORD, "memory_address": LIMIT}), 120),
    "load's second burst beyond memory": (make(Opcode.LOAD, **{**WORD, "memory_address": LIMIT - 1}), 121),
    "weights' second burst beyond memory": (make(Opcode.WEIGHTS, memory_address=LIMIT - 12), 121),
    "store beyond memory": (make(Opcode.STORE, memory_address=LIMIT, window_bytes=4), 120),
    "store into the program": (make(Opcode.STORE, memory_address=127, window_bytes=4), 120),
    "fill beyond the scratchpad": (make(Opcode.LOAD, window_bytes=4, words=2, destination=2047), 120),
    "parameters beyond the memory": (make(Opcode.LOAD, space=1, window_bytes=4, destination=32 * 16), 120),
    "table words beyond the memory": (make(Opcode.LOAD, space=2, window_bytes=4, destination=128), 120),
    "last of 17 table words": (make(Opcode.LOAD, space=2, window_bytes=4, destination=112, words=17), SECOND_SEGMENT),
    "table line far beyond": (make(Opcode.LOAD, space=2, window_bytes=4, destination=(1 << 18) - 1), 120),
    "vector A": (make(Opcode.VECTOR, a=2047, a_span=1, d=256), 120),
    "vector D": (make(Opcode.VECTOR, d=2047, d_span=1), 120),
    "vector leaves the half": (make(Opcode.VECTOR, source=1, a=63, a_span=1), 120),
    "vector beyond accumulators": (make(Opcode.VECTOR, source=1, a=128), 120),
    "A and B share a bank": (make(Opcode.VECTOR, use_residual=1, a=0, b=255, d=512), 120),
    "store beyond the scratchpad": (make(Opcode.STORE, memory_address=4096, window_bytes=4, source=2048), 120),
}


@pytest.mark.parametrize("case", ADDRESS_ERRORS)
def test_address_error(case: str) -> None:
    # Issue in 119; the request is presented in 120.
    instruction, cycle = ADDRESS_ERRORS[case]
    result = simulate_both(NANO, [instruction, make(Opcode.HALT)], memory_limit=LIMIT)
    assert (result.status, result.cycles) == (Status.ADDRESS_ERROR, cycle)


@pytest.mark.parametrize("fields", [{"a": 2048}, {"accumulator": 61, "row_count0": 4}, {"accumulator": 128}])
def test_matrix_address_error(fields: dict[str, int]) -> None:
    # The pass is presented when its weights are there, in 229.
    program = [make(Opcode.WEIGHTS, memory_address=4096), make(Opcode.MATRIX, **fields), make(Opcode.HALT)]
    result = simulate_both(NANO, program, memory_limit=LIMIT)
    assert (result.status, result.cycles) == (Status.ADDRESS_ERROR, 229)


def test_fetch_beyond_memory() -> None:
    result = simulate_both(NANO, [make(Opcode.HALT)], program_address=LIMIT, memory_limit=LIMIT)
    assert (result.status, result.cycles) == (Status.ADDRESS_ERROR, 1)


def test_the_last_table_word_is_legal() -> None:
    load = make(Opcode.LOAD, space=2, window_bytes=4, words=128)
    assert simulate_both(NANO, [load, make(Opcode.HALT)]).status == Status.DONE


def test_store_beside_the_program_is_legal() -> None:
    store = make(Opcode.STORE, memory_address=128, window_bytes=4)
    assert simulate_both(NANO, [store, make(Opcode.HALT)]).status == Status.DONE


def test_token_overflow() -> None:
    fill = make(Opcode.LOAD, window_bytes=4, send=1 << Engine.VECTOR)
    result = simulate_both(NANO, [fill] * 300 + [make(Opcode.HALT)])
    assert result.status == Status.TOKEN_OVERFLOW
    assert result.retire[Engine.LOAD][255] == result.cycles
    assert result.retire[Engine.LOAD][256] == -1


def test_too_many_cycles() -> None:
    with pytest.raises(SimulationError, match="has not ended after 100 cycles"):
        simulate_both(NANO, HALT, max_cycles=100)


def test_refused_arguments() -> None:
    with pytest.raises(ProgramError, match="multiple of 64 bytes, received 3"):
        simulate_both(NANO, b"abc")
    with pytest.raises(ProgramError, match="memory_limit = 100"):
        simulate_both(NANO, HALT, memory_limit=100)
    with pytest.raises(ProgramError, match="program_address = -1"):
        simulate_both(NANO, HALT, program_address=-1)
