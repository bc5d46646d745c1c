"""Hand-written programs for nano4, one for each stall and each kind of contention."""

from __future__ import annotations

from collections.abc import Callable

from machine.isa import Engine, Instruction, Opcode, make
from machine.registers import EngineState
from tests.cosim.builders import (
    BANK,
    DATA,
    HALT,
    RESULT,
    Case,
    L,
    M,
    S,
    V,
    W,
    drain,
    fill,
    load,
    matrix,
    parameters,
    store,
    vector,
    weights,
)


def _gemm() -> list[Instruction]:
    """Load, weights, matrix, vector, store with a residual, a second reduction that accumulates, all in order."""
    return [
        weights(6, zero_point=-3),
        parameters(2),
        load(0, 40, send=M),
        load(2 * BANK, 20, DATA + 0x300, send=V),
        matrix(0, 20, 2, tap_stride0=20, wait=L),
        matrix(0, 20, 4, tap_stride0=5, accumulate=1, a_span=19, send=V),
        drain(
            0,
            20,
            4 * BANK,
            use_residual=1,
            b=2 * BANK,
            b_x_stride=1,
            b_span=19,
            record=1,
            zero_point=4,
            b_zero_point=-9,
            wait=L + M,
            send=S,
        ),
        store(4 * BANK, 20, wait=V),
        HALT,
    ]


def _depthwise() -> list[Instruction]:
    """A 3x3 depthwise convolution over a padded 6x6 image, then 2x2 maximum pooling, then a sum pooling."""
    shape = {"y_count": 4, "x_count": 4, "ky_count": 3, "kx_count": 3}
    return [
        parameters(1),
        fill(0, 64),
        load(9, 6, line_bytes=24, count1=6, memory_stride1=24, destination_stride1=8),
        load(BANK, 9, DATA + 0x400, send=V),
        make(
            Opcode.VECTOR,
            reduce=2,
            rescale=1,
            a=0,
            a_y_stride=8,
            a_x_stride=1,
            a_ky_stride=8,
            a_kx_stride=1,
            a_span=5 * 8 + 5,
            b=BANK,
            b_ky_stride=3,
            b_kx_stride=1,
            b_span=8,
            d=2 * BANK,
            d_y_stride=4,
            d_x_stride=1,
            d_span=15,
            a_zero_point=5,
            b_zero_point=-2,
            low=-100,
            high=100,
            wait=L,
            **shape,
        ),
        make(
            Opcode.VECTOR,
            reduce=1,
            a=2 * BANK,
            a_y_stride=8,
            a_x_stride=2,
            a_ky_stride=4,
            a_kx_stride=1,
            a_span=15,
            d=3 * BANK,
            d_y_stride=2,
            d_x_stride=1,
            d_span=3,
            y_count=2,
            x_count=2,
            ky_count=2,
            kx_count=2,
            low=-128,
            high=127,
        ),
        make(
            Opcode.VECTOR,
            reduce=0,
            rescale=1,
            a=2 * BANK,
            a_ky_stride=4,
            a_kx_stride=1,
            a_span=15,
            d=3 * BANK + 4,
            ky_count=4,
            kx_count=4,
            a_zero_point=-7,
            low=-128,
            high=127,
            send=S,
        ),
        store(3 * BANK, 5, wait=V),
        HALT,
    ]


def _strided_load_and_store() -> list[Instruction]:
    """Windows that overlap, pad and skip, lines along three dimensions, unaligned bytes in and out."""
    return [
        load(
            0,
            7,
            DATA + 3,
            line_bytes=11,
            window_bytes=3,
            window_stride=2,
            window_pad=2,
            lane_offset=1,
            fill=-4,
            count1=3,
            memory_stride1=13,
            destination_stride1=8,
            count2=2,
            memory_stride2=41,
            destination_stride2=32,
            count3=2,
            memory_stride3=333,
            destination_stride3=64,
            send=S,
        ),
        store(
            0,
            7,
            RESULT + 5,
            window_bytes=3,
            lane_offset=1,
            count1=3,
            memory_stride1=30,
            source_stride1=8,
            count2=2,
            memory_stride2=100,
            source_stride2=32,
            count3=2,
            memory_stride3=301,
            source_stride3=64,
            wait=L,
        ),
        store(1, 40, RESULT + 0x1001, window_bytes=1, lane_offset=2, word_stride=2, source_span=78),
        HALT,
    ]


def _negative_strides() -> list[Instruction]:
    """Lines backwards in memory (strides wrap modulo 2**32) and words backwards in the scratchpad."""
    back = (1 << 32) - 16
    return [
        load(0, 4, DATA + 64, count1=4, memory_stride1=back, destination_stride1=4, send=S),
        store(0, 16, RESULT, wait=L),
        HALT,
    ]


def _tables_and_subtraction() -> list[Instruction]:
    """Both tables loaded, then rows looked up in either, past them, and with another operand subtracted and added."""
    tables = make(
        Opcode.LOAD,
        space=2,
        memory_address=DATA + 0x400,
        line_bytes=512,
        words=128,
        window_bytes=4,
        window_stride=4,
        send=V,
    )
    other = {"use_residual": 1, "b": BANK, "b_x_stride": 1, "b_span": 63}
    return [
        load(0, 64),
        load(BANK, 64, DATA + 0x100),
        parameters(4),
        tables,
        vector(0, 64, 2 * BANK, table=1, wait=L),
        vector(0, 64, 2 * BANK + 64, table=2, rescale=1),
        vector(0, 64, 2 * BANK + 128),
        vector(0, 64, 3 * BANK, record=1, subtract=1, **other),
        vector(0, 64, 3 * BANK + 64, record=1, **other, send=S),
        store(2 * BANK, 192, wait=V),
        store(3 * BANK, 128, RESULT + 0x400),
        HALT,
    ]


def _many(kind: Callable[[int], Instruction], count: int) -> list[Instruction]:
    return [kind(index) for index in range(count)]


LATE_FOR_VECTOR = fill(7 * BANK, 250, send=V)
"""Some 250 cycles of load work before a token: by then the matrix engine is in its passes."""

CASES: list[Case] = [
    Case("gemm", _gemm(), Engine.MATRIX, EngineState.BUSY),
    Case("depthwise", _depthwise(), Engine.VECTOR, EngineState.BUSY),
    Case("strided_lines", _strided_load_and_store(), Engine.STORE, EngineState.BUSY),
    Case("tables_and_subtraction", _tables_and_subtraction(), Engine.VECTOR, EngineState.BUSY),
    Case("negative_strides", _negative_strides(), Engine.LOAD, EngineState.BUSY),
    Case("halt_only", [HALT], Engine.LOAD, EngineState.IDLE),
    Case("load_waits_for_memory", [load(0, 200), HALT], Engine.LOAD, EngineState.WAIT_MEMORY),
    Case(
        "load_waits_for_token", [store(0, 16, send=L), load(0, 16, wait=S), HALT], Engine.LOAD, EngineState.WAIT_TOKEN
    ),
    Case(
        "load_denied_by_vector_writes",
        [
            fill(0, 100, send=V),
            vector(0, 100, BANK, wait=L),
            load(BANK + 128, 100),
            fill(BANK + 128, 20),
            HALT,
        ],
        Engine.LOAD,
        EngineState.WAIT_BANK,
    ),
    Case(
        "weights_wait_for_room",
        [weights(100), fill(0, 60, send=M), matrix(0, 60, 100, wait=L), HALT],
        Engine.WEIGHTS,
        EngineState.WAIT_ROOM,
    ),
    Case(
        "weights_wait_for_memory",
        [weights(4), fill(0, 4, send=M), matrix(0, 4, 4, wait=L), HALT],
        Engine.WEIGHTS,
        EngineState.WAIT_MEMORY,
    ),
    Case(
        "weights_wait_for_token",
        [store(0, 4, send=W), weights(1, wait=S), matrix(0, 4), HALT],
        Engine.WEIGHTS,
        EngineState.WAIT_TOKEN,
    ),
    Case("matrix_waits_for_weights", [weights(1), matrix(0, 8), HALT], Engine.MATRIX, EngineState.WAIT_WEIGHTS),
    Case(
        "matrix_waits_for_shift",
        [weights(40), fill(0, 4, send=M), matrix(0, 1, 40, wait=L), HALT],
        Engine.MATRIX,
        EngineState.WAIT_SHIFT,
    ),
    Case(
        "matrix_denied_by_store_reads",
        [
            weights(60),
            *_many(lambda n: store(n, 64, RESULT + 256 * n), 8),
            matrix(0, 4, 60),
            HALT,
        ],
        Engine.MATRIX,
        EngineState.WAIT_BANK,
    ),
    Case(
        "matrix_denied_by_vector_reads",
        [
            weights(40),
            vector(0, 200, BANK),
            vector(0, 200, 2 * BANK),
            matrix(0, 4, 40),
            HALT,
        ],
        Engine.MATRIX,
        EngineState.WAIT_BANK,
    ),
    Case(
        "matrix_denied_by_vector_accumulators",
        [
            weights(40),
            vector(0, 60, BANK, source=1),
            drain(0, 60, BANK),
            vector(0, 60, BANK, source=1),
            matrix(3 * BANK, 4, 40),
            HALT,
        ],
        Engine.MATRIX,
        EngineState.WAIT_ACCUMULATOR,
    ),
    Case(
        "matrix_waits_for_token",
        [weights(1), fill(0, 200, send=M), matrix(0, 4, wait=L), HALT],
        Engine.MATRIX,
        EngineState.WAIT_TOKEN,
    ),
    Case("matrix_drains", [weights(1), matrix(0, 4), HALT], Engine.MATRIX, EngineState.DRAIN),
    Case(
        "matrix_in_both_halves",
        [
            weights(8),
            matrix(0, 4, 2, blocks=2, accumulator_stride=64),
            matrix(0, 4, 2, blocks=2, accumulator=32, accumulator_stride=4, block_stride=4),
            drain(0, 4, BANK),
            drain(64, 4, BANK + 4),
            HALT,
        ],
        Engine.MATRIX,
        EngineState.BUSY,
    ),
    Case(
        "vector_denied_by_matrix_accumulators",
        [
            weights(30),
            LATE_FOR_VECTOR,
            matrix(0, 40, 30),
            drain(10, 8, BANK, wait=L),
            drain(64, 8, BANK),
            HALT,
        ],
        Engine.VECTOR,
        EngineState.WAIT_ACCUMULATOR,
    ),
    Case(
        "vector_denied_by_store_reads",
        [
            *_many(lambda n: store(0, 64, RESULT + 256 * n), 6),
            *_many(lambda n: vector(0, 3, BANK), 12),
            HALT,
        ],
        Engine.VECTOR,
        EngineState.WAIT_BANK,
    ),
    Case(
        "vector_denied_by_load_writes",
        [
            fill(7 * BANK, 9, send=V),
            *_many(lambda n: fill(BANK, 7, count1=30, destination_stride1=7), 3),
            vector(0, 3, BANK, wait=L),
            HALT,
        ],
        Engine.VECTOR,
        EngineState.WAIT_BANK,
    ),
    Case(
        "vector_denied_by_matrix_reads",
        [
            weights(30),
            LATE_FOR_VECTOR,
            matrix(0, 60, 30),
            vector(0, 3, BANK, wait=L),
            HALT,
        ],
        Engine.VECTOR,
        EngineState.WAIT_BANK,
    ),
    Case(
        "vector_waits_for_its_own_writes",
        [vector(0, 9, BANK), vector(BANK, 9, 2 * BANK), HALT],
        Engine.VECTOR,
        EngineState.WAIT_BANK,
    ),
    Case(
        "vector_back_to_back",
        [*_many(lambda n: vector(n, 1 + n % 3, 2 * BANK + 4 * n), 20), HALT],
        Engine.VECTOR,
        EngineState.DRAIN,
    ),
    Case(
        "vector_waits_for_token",
        [fill(0, 90, send=V), vector(0, 9, BANK, wait=L), HALT],
        Engine.VECTOR,
        EngineState.WAIT_TOKEN,
    ),
    Case(
        "store_waits_for_room",
        [store(0, 1, count1=40, memory_stride1=4, source_stride1=1), HALT],
        Engine.STORE,
        EngineState.WAIT_ROOM,
    ),
    Case(
        "store_denied_by_vector_reads",
        [
            vector(0, 200, BANK),
            vector(0, 200, BANK),
            *_many(lambda n: store(3, 4, RESULT + 16 * n), 10),
            HALT,
        ],
        Engine.STORE,
        EngineState.WAIT_BANK,
    ),
    Case(
        "store_denied_by_matrix_reads",
        [
            weights(30),
            fill(7 * BANK, 250, send=S),
            matrix(0, 60, 30),
            store(3, 4, wait=L),
            HALT,
        ],
        Engine.STORE,
        EngineState.WAIT_BANK,
    ),
    Case(
        "store_waits_for_token", [fill(0, 90, send=S), store(0, 9, wait=L), HALT], Engine.STORE, EngineState.WAIT_TOKEN
    ),
    Case("store_waits_for_memory", [store(0, 4), HALT], Engine.STORE, EngineState.WAIT_MEMORY),
    Case(
        "read_channel_shared",
        [
            weights(60),
            *_many(lambda n: load(BANK * (n % 4), 100, DATA + 100 * n), 12),
            fill(7 * BANK, 4, send=M),
            matrix(7 * BANK, 4, 60, wait=L),
            HALT,
        ],
        Engine.LOAD,
        EngineState.WAIT_MEMORY,
    ),
    Case(
        "queues_full",
        [
            *_many(lambda n: vector(0, 50, BANK), 12),
            *_many(lambda n: store(2 * BANK, 2), 12),
            *_many(lambda n: load(4 * BANK, 2), 12),
            HALT,
        ],
        Engine.VECTOR,
        EngineState.BUSY,
    ),
    Case(
        "tokens_both_ways",
        [
            *(
                instruction
                for n in range(12)
                for instruction in (
                    load(8 * n, 8, DATA + 64 * n, send=V, wait=0 if n < 2 else V),
                    vector(8 * n, 8, BANK + 8 * n, wait=L, send=S if n >= 10 else S + L),
                    store(BANK + 8 * n, 8, RESULT + 32 * n, wait=V),
                )
            ),
            HALT,
        ],
        Engine.STORE,
        EngineState.WAIT_TOKEN,
    ),
]
"""Several of these write and read the same bytes on purpose; where that is a race, only time is compared."""
