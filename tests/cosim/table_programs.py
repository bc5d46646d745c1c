"""Hand-written programs for nano4 with tables and subtraction: all values, reloads, every order in the pipeline."""

from __future__ import annotations

from machine.config import ADDRESS_BITS
from machine.isa import Engine, Instruction, LoadSpace, VectorReduce
from machine.registers import EngineState, Status
from tests.cosim.builders import (
    BANK,
    CHANNELS,
    DATA,
    HALT,
    RECORD,
    RESULT,
    TABLE,
    VALUES,
    Case,
    Ending,
    L,
    M,
    S,
    V,
    drain,
    fill,
    load,
    matrix,
    parameters,
    store,
    vector,
    weights,
)

BOTH = 2 * TABLE


def table(word: int, words: int, source: int = DATA, **fields: int) -> Instruction:
    """Load words of the table memory."""
    return load(word, words, source, space=LoadSpace.TABLES, **fields)


def _all_values() -> list[Instruction]:
    """Both tables in one load of 8 segments; all 256 values in each, and unchanged."""
    return [
        load(0, 64, VALUES),
        table(0, BOTH, send=V),
        vector(0, 64, BANK, table=1, wait=L),
        vector(0, 64, BANK + 64, table=2),
        vector(0, 64, BANK + 128, send=S),
        store(BANK, 192, wait=V),
        HALT,
    ]


def _reload_beside_the_other() -> list[Instruction]:
    """Table 2 is loaded while table 1 is in use, then words of table 1 while table 2 is."""
    return [
        load(0, 64, VALUES),
        table(0, TABLE, send=V),
        vector(0, 64, BANK, table=1, y_count=3, d_y_stride=64, d_span=191, wait=L, send=S + L),
        table(TABLE, TABLE, DATA + 0x101, send=V),
        vector(0, 64, 2 * BANK, table=2, y_count=3, d_y_stride=64, d_span=191, wait=L),
        # Unaligned, in three lines: words 3 to 7, 20 to 24 and 37 to 41, then the last word from the fill value.
        table(3, 5, DATA + 0x333, count1=3, memory_stride1=77, destination_stride1=17, wait=V),
        fill(TABLE - 1, 1, space=LoadSpace.TABLES, fill=-77, send=V),
        vector(0, 64, 3 * BANK, table=1, wait=L),
        vector(0, 64, 3 * BANK + 64, table=2, send=S),
        store(BANK, 192, wait=V),
        store(2 * BANK, 192, RESULT + 0x400, wait=V),
        store(3 * BANK, 128, RESULT + 0x800),
        HALT,
    ]


def _loads_through_windows() -> list[Instruction]:
    """Windows that overlap, skip and pad, lines backwards over the end of the address space, a fill of everything."""
    return [
        load(0, 64, VALUES),
        fill(0, BOTH, space=LoadSpace.TABLES, fill=33),
        table(10, 20, DATA + 5, line_bytes=50, window_stride=3, window_pad=7, fill=-5),
        table(40, 20, DATA + 0x201, line_bytes=200, window_stride=9),
        # Lines of 6 words at 70, 63, 56 and 49; then at 2**18 - 5 + 5 = 0.
        table(70, 6, DATA + 0x301, count1=4, memory_stride1=31, destination_stride1=(1 << ADDRESS_BITS) - 7),
        table(120, 2, DATA + 0x401, count1=2, memory_stride1=9, destination_stride1=(1 << ADDRESS_BITS) - 120, send=V),
        vector(0, 64, BANK, table=1, wait=L),
        vector(0, 64, BANK + 64, table=2, send=S),
        store(BANK, 128, wait=V),
        HALT,
    ]


def _behind_every_source() -> list[Instruction]:
    """Accumulators through channels, products, maxima and sums, each into a table."""
    taps = {"ky_count": 2, "kx_count": 3, "a_ky_stride": 8, "a_kx_stride": 1, "a_span": 29}
    return [
        weights(2, zero_point=-3),
        parameters(1, CHANNELS),
        table(0, BOTH),
        load(0, 64, VALUES, send=M),
        load(BANK, 20, DATA + 0x500, send=V),
        matrix(0, 20, 2, tap_stride0=20, wait=L, send=V),
        drain(0, 20, 2 * BANK, table=1, wait=L + M),
        drain(0, 20, 2 * BANK + 20, table=2, low=-30, high=50),
        vector(0, 20, 3 * BANK, reduce=VectorReduce.MAC, rescale=1, table=1, b=BANK, b_kx_stride=2, b_span=4, **taps),
        vector(0, 20, 3 * BANK + 20, reduce=VectorReduce.MAX, table=2, **taps),
        vector(0, 20, 3 * BANK + 40, rescale=1, table=2, a_zero_point=-7, zero_point=4, **taps, send=S),
        store(2 * BANK, 40, wait=V),
        store(3 * BANK, 60, RESULT + 0x400),
        HALT,
    ]


def _subtraction() -> list[Instruction]:
    """B from A with A from the scratchpad and from the accumulators, beside the addition of the same operands."""
    residual = {"use_residual": 1, "b": BANK, "b_x_stride": 1, "record": 1, "zero_point": 4, "b_zero_point": -9}
    return [
        weights(1, zero_point=2),
        parameters(2, CHANNELS, memory_stride1=RECORD - CHANNELS),
        load(0, 64, VALUES, send=M),
        load(BANK, 64, DATA + 0x600, send=V),
        matrix(0, 64, wait=L, send=V),
        vector(0, 64, 2 * BANK, b_span=63, subtract=1, **residual, wait=L),
        vector(0, 64, 2 * BANK + 64, b_span=63, **residual),
        drain(0, 64, 3 * BANK, b_span=63, subtract=1, **residual, wait=M),
        drain(0, 64, 3 * BANK + 64, b_span=63, **residual, send=S),
        store(2 * BANK, 128, wait=V),
        store(3 * BANK, 128, RESULT + 0x400),
        HALT,
    ]


def _one_after_the_other() -> list[Instruction]:
    """Instructions of one to three results, each with another end: what they ask for travels with their results."""
    residual = {"use_residual": 1, "b": BANK, "b_x_stride": 1, "record": 1, "zero_point": 4}
    ends: list[dict[str, int]] = [
        {"table": 1}, {}, {"table": 2}, {"subtract": 1, **residual}, {"table": 1}, residual, {"table": 2},
        {"subtract": 1, **residual}, residual, {"table": 2}, {"table": 1},
    ]
    counts = [1 + n % 3 for n in range(3 * len(ends))]
    vectors = [
        vector(3 * n, count, 2 * BANK + 3 * n, **end, **({"b_span": count - 1} if "b" in end else {}))
        for n, (count, end) in enumerate(zip(counts, 3 * ends, strict=True))
    ]
    return [
        parameters(1, RECORD, destination=16),
        table(0, BOTH),
        load(0, 100, DATA + 0x700),
        load(BANK, 3, DATA + 0x900, send=V),
        vector(6 * BANK, 60, 5 * BANK, wait=L),  # the queue fills up behind it
        *vectors,
        vector(0, 1, 4 * BANK, send=S),
        store(2 * BANK, 100, wait=V),
        HALT,
    ]


TABLE_CASES: list[Case] = [
    Case("tables_of_all_values", _all_values(), Engine.VECTOR, EngineState.BUSY),
    Case("table_reloaded_beside_the_other", _reload_beside_the_other(), Engine.LOAD, EngineState.BUSY),
    Case("tables_loaded_through_windows", _loads_through_windows(), Engine.LOAD, EngineState.BUSY),
    Case("tables_behind_every_source", _behind_every_source(), Engine.VECTOR, EngineState.BUSY),
    Case("subtraction", _subtraction(), Engine.VECTOR, EngineState.BUSY),
    Case("tables_one_after_the_other", _one_after_the_other(), Engine.VECTOR, EngineState.BUSY),
]


def _with(instruction: Instruction, **values: int) -> Instruction:
    """Change fields to values that `make` refuses."""
    return Instruction(instruction.opcode, {**instruction.values, **values})


def _refused(name: str, instruction: Instruction) -> Ending:
    """An illegal instruction behind some that are legal, of which the vector instruction is still at work."""
    before = [vector(0, 40, BANK, table=1), table(0, 4)]
    return Ending(name, [*before, instruction, HALT], Status.ILLEGAL_INSTRUCTION)


def _outside(name: str, instruction: Instruction) -> Ending:
    return Ending(name, [vector(0, 40, BANK), fill(0, 3), instruction, fill(0, 3), HALT], Status.ADDRESS_ERROR)


TABLE_ENDINGS: list[Ending] = [
    _refused("reserved_space", _with(table(0, 1), space=3)),
    _refused("reserved_table", _with(vector(0, 1, BANK), table=3)),
    _refused("table_with_a_residual", vector(0, 1, BANK, table=1, use_residual=1, b=2 * BANK)),
    _refused("second_table_with_a_residual", vector(0, 1, BANK, table=2, use_residual=1, b=2 * BANK, subtract=1)),
    _refused("reserved_table_with_a_residual", _with(vector(0, 1, BANK, use_residual=1, b=2 * BANK), table=3)),
    _refused("subtraction_without_a_residual", vector(0, 1, BANK, subtract=1)),
    _refused("subtraction_before_a_table", vector(0, 1, BANK, subtract=1, table=2)),
    _refused("narrow_table_words", table(0, 1, window_bytes=3)),
    _refused("table_words_off_the_first_lane", table(0, 1, window_bytes=3, lane_offset=1)),
    _outside("first_word_behind_the_tables", table(BOTH, 1)),
    _outside("fill_behind_the_tables", fill(BOTH - 1, 2, space=LoadSpace.TABLES)),
    _outside("second_segment_leaves_the_tables", table(BOTH - 20, 21)),
    _outside("second_line_leaves_the_tables", table(0, 4, count1=2, destination_stride1=BOTH - 3)),
    _outside("last_address_of_all", fill((1 << ADDRESS_BITS) - 1, 1, space=LoadSpace.TABLES)),
    _outside("words_do_not_wrap", fill((1 << ADDRESS_BITS) - 1, 2, space=LoadSpace.TABLES)),
]
