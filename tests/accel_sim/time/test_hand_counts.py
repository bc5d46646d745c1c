"""Cycle counts derived by hand from docs/timing.md and docs/units/.

On nano4 (4-byte bus, 16 beats an instruction) the first fetch burst is granted in cycle 1, its address is on the bus
in 2, its first beat arrives in 102; instruction i is complete in 117 + 16 i, dispatched in 118 + 16 i, and can issue in
119 + 16 i. An engine that issues in t is active in t + 1.
"""

from __future__ import annotations

from dataclasses import replace

from accel_sim.time import TimeResult
from machine.config import Machine, load_machine
from machine.isa import Engine, Instruction, LoadSpace, Opcode, VectorReduce, VectorSource, make
from machine.registers import EngineState, Status
from tests.accel_sim.both_clocks import simulate_both

NANO = load_machine("nano4")
HALT = make(Opcode.HALT)
FILL = make(Opcode.LOAD, window_bytes=4)
WORD = {"memory_address": 4096, "line_bytes": 4, "window_bytes": 4}


def run(*program: Instruction, machine: Machine = NANO) -> TimeResult:
    result = simulate_both(machine, program, max_cycles=100_000)
    assert result.status == Status.DONE
    assert (result.counters.sum(axis=1) == result.cycles).all()
    return result


def times(result: TimeResult, engine: Engine) -> list[tuple[int, int]]:
    return list(zip(result.issue[engine].tolist(), result.retire[engine].tolist(), strict=True))


def test_halt_only() -> None:
    # The last of 16 beats arrives in 117, halt is seen in 118.
    assert run(HALT).cycles == 118
    # On edge16 4 beats: 102 to 105, so 106.
    result = run(HALT, machine=load_machine("edge16"))
    assert (result.cycles, result.read_beats) == (106, 4)


def test_fill_only_load() -> None:
    # Issued in 119; in 120 it finishes on the request side and its segment, which needs no beat, is granted; written
    # in 121. Halt is complete in 133 and seen in 134.
    result = run(FILL, HALT)
    assert times(result, Engine.LOAD) == [(119, 121)]
    assert result.cycles == 134


def test_load_of_one_word() -> None:
    # Issue 119, burst granted 120, on the bus 121, beat 221, visible and granted 222, written 223, idle 224.
    result = run(make(Opcode.LOAD, **WORD), HALT)
    assert times(result, Engine.LOAD) == [(119, 223)]
    assert result.cycles == 224
    assert result.read_beats == 2 * 16 + 1


def test_load_of_two_segments() -> None:
    # 20 beats in 221 to 240. The first 16 words need 16 beats: there in 237, written 238 to 253. The last 4 are ready
    # long before, granted in the last access 253 and written 254 to 257.
    load = make(Opcode.LOAD, memory_address=4096, line_bytes=80, words=20, window_bytes=4, window_stride=4)
    result = run(load, HALT)
    assert times(result, Engine.LOAD) == [(119, 257)]
    assert result.counters[Engine.LOAD, EngineState.BUSY] == 20


def test_weights_alone() -> None:
    # Issue 119, one burst of 4 beats granted 120, beats 221 to 224.
    result = run(make(Opcode.WEIGHTS, memory_address=4096), HALT)
    assert times(result, Engine.WEIGHTS) == [(119, 224)]
    assert result.cycles == 225
    states = result.counters[Engine.WEIGHTS]
    assert states[EngineState.START] == 2
    assert states[EngineState.WAIT_MEMORY] == 100
    assert states[EngineState.BUSY] == 4


def test_matrix_pass() -> None:
    # The tile is visible in 225, shifted 225 to 228, the shadow full in 229: granted, 4 rows read 230 to 233, the last
    # one written 4 + 4 + 2 later, 243.
    result = run(make(Opcode.WEIGHTS, memory_address=4096), make(Opcode.MATRIX, row_count0=4), HALT)
    assert times(result, Engine.MATRIX) == [(135, 243)]
    assert result.cycles == 244
    states = result.counters[Engine.MATRIX]
    assert states[EngineState.WAIT_WEIGHTS] == 225 - 136
    assert states[EngineState.WAIT_SHIFT] == 4
    assert states[EngineState.DRAIN] == 10


def test_two_passes_of_one_row_are_rows_apart() -> None:
    # The second tile arrives in 225 to 228 and is visible in 229, when the first pass is granted: its shift takes 229
    # to 232, so the second pass is granted in 233; its row is read in 234 and written in 244.
    result = run(make(Opcode.WEIGHTS, memory_address=4096, tiles=2), make(Opcode.MATRIX, tap_count0=2), HALT)
    assert times(result, Engine.MATRIX) == [(135, 244)]


def test_vector_drain() -> None:
    # Granted 120, reads 121 to 124, the last result written 20 later.
    spans = {"a_x_stride": 1, "a_span": 3, "d_x_stride": 1, "d_span": 3}
    drain = make(Opcode.VECTOR, source=VectorSource.ACCUMULATOR, x_count=4, **spans)
    assert times(run(drain, HALT), Engine.VECTOR) == [(119, 144)]


def test_store_of_one_burst() -> None:
    # Granted 120, 4 reads 121 to 124, complete and sent 126, W beats 127 to 130, response 230.
    store = make(Opcode.STORE, memory_address=4096, words=4, word_stride=1, source_span=3, window_bytes=4)
    result = run(store, HALT)
    assert times(result, Engine.STORE) == [(119, 230)]
    assert (result.cycles, result.write_beats) == (231, 4)


def test_fifth_burst_waits_for_a_buffer() -> None:
    # Five lines of 4 bytes that straddle two beats: one read each, granted 120 to 123. Burst 1 is complete in 123, its
    # W beats are in 124 and 125, its buffer is free in 126: grant of the fifth, complete in 129. Bursts are sent two
    # cycles apart: 123, 125, 127, 129, 131. The last W beat is in 133, its response in 233.
    store = make(Opcode.STORE, memory_address=4098, window_bytes=4, count1=5, memory_stride1=16)
    result = run(store, HALT)
    assert times(result, Engine.STORE) == [(119, 233)]
    assert result.counters[Engine.STORE, EngineState.WAIT_ROOM] == 1  # 125: in 124 the fourth word is read
    assert result.write_beats == 10


def test_token_handoff() -> None:
    # The load retires in 223, its token is visible in 224: issue; granted 225, read 226, written 246.
    load = make(Opcode.LOAD, send=1 << Engine.VECTOR, **WORD)
    result = run(load, make(Opcode.VECTOR, wait=1 << Engine.LOAD, d=256), HALT)
    assert times(result, Engine.VECTOR) == [(224, 246)]
    assert result.counters[Engine.VECTOR, EngineState.WAIT_TOKEN] == 224 - 135


def test_table_load_and_look_up() -> None:
    # nano4: a table is 64 words. The load issues in 119 and is granted its burst of 256 bytes in 120, on the bus in
    # 121: 64 beats in 221 to 284. Segments of 16 words: the first 16 beats are there in 237, granted at once, written
    # 238 to 253; the next in the last access of the one before, 253, 269 and 285 (its beats are visible in 285):
    # 254 to 269, 270 to 285, 286 to 301. The token is visible in 302: the vector issues, is granted in 303, reads its
    # 3 words in 304 to 306 and writes the last result in 326: the look-up costs no cycle.
    table = {"memory_address": 4096, "line_bytes": 256, "words": 64, "window_bytes": 4, "window_stride": 4}
    load = make(Opcode.LOAD, space=LoadSpace.TABLES, send=1 << Engine.VECTOR, **table)
    spans = {"x_count": 3, "a_x_stride": 1, "a_span": 2, "d": 256, "d_x_stride": 1, "d_span": 2}
    result = run(load, make(Opcode.VECTOR, table=1, wait=1 << Engine.LOAD, **spans), HALT)
    assert times(result, Engine.LOAD) == [(119, 301)]
    assert result.counters[Engine.LOAD, EngineState.BUSY] == 64
    assert result.counters[Engine.LOAD, EngineState.WAIT_BANK] == 0
    assert times(result, Engine.VECTOR) == [(302, 303 + 3 + 20)]
    assert result.cycles == 327


def test_table_words_are_granted_while_vector_holds_the_scratchpad() -> None:
    # The vector (119, granted 120) holds bank 0's write port for its 64 results, 121 to 203. A fill of that bank waits
    # for it until 204, the cycle of the last write; a fill of table words at the same addresses is granted in 136.
    vector = make(Opcode.VECTOR, a=256, x_count=64, d_x_stride=1, d_span=63)
    result = run(vector, make(Opcode.LOAD, space=LoadSpace.TABLES, window_bytes=4), HALT)
    assert times(result, Engine.LOAD) == [(135, 137)]
    assert times(run(vector, FILL, HALT), Engine.LOAD) == [(135, 205)]


def test_subtraction_takes_the_time_of_an_addition() -> None:
    # Granted in 120, 64 reads 121 to 184, the last result in 204.
    values = {"x_count": 64, "use_residual": 1, "b": 256, "d": 512}
    for subtract in (0, 1):
        assert times(run(make(Opcode.VECTOR, subtract=subtract, **values), HALT), Engine.VECTOR) == [(119, 204)]


def test_store_denies_vector_a_bank() -> None:
    # The store's 64 reads are granted in 120 and hold bank 0 in 121 to 183. The vector asks from 136 and is granted in
    # 184, the cycle of the store's last read.
    store = make(Opcode.STORE, memory_address=4096, words=64, word_stride=1, source_span=63, window_bytes=4)
    result = run(store, make(Opcode.VECTOR, d=256), HALT)
    assert times(result, Engine.VECTOR) == [(135, 184 + 1 + 20)]
    assert result.counters[Engine.VECTOR, EngineState.WAIT_BANK] == 184 - 136


def test_vector_denies_matrix_a_half() -> None:
    # The vector issues in 151 and is granted in 152 with 100 reads: it holds the half in 153 to 251. The matrix asks
    # from 229 (as in `test_matrix_pass`) and is granted in 252.
    vector = make(Opcode.VECTOR, source=VectorSource.ACCUMULATOR, x_count=100, d=512)
    result = run(make(Opcode.WEIGHTS, memory_address=4096), make(Opcode.MATRIX, row_count0=4), vector, HALT)
    assert times(result, Engine.MATRIX) == [(135, 252 + 4 + 10)]
    assert result.counters[Engine.MATRIX, EngineState.WAIT_ACCUMULATOR] == 252 - 229


def test_matrix_denies_vector_a_half() -> None:
    # The pass of 24 rows is granted in 229 (as in `test_matrix_pass`) and holds its half in 230 to
    # 229 + 24 + 4 + 4 + 1 = 262. The second weights instruction issues in 151, is granted in 152 and retires with its
    # last beat, 256 (253 to 256): the vector issues in 257, asks from 258 and is granted in 263, the cycle of the last
    # accumulator write.
    weights = make(Opcode.WEIGHTS, memory_address=4096)
    more = make(Opcode.WEIGHTS, memory_address=4096, send=1 << Engine.VECTOR)
    vector = make(Opcode.VECTOR, source=VectorSource.ACCUMULATOR, wait=1 << Engine.WEIGHTS)
    result = run(weights, make(Opcode.MATRIX, row_count0=24), more, vector, HALT)
    assert times(result, Engine.VECTOR) == [(257, 263 + 1 + 20)]
    assert result.counters[Engine.VECTOR, EngineState.WAIT_ACCUMULATOR] == 263 - 258


def test_own_writes_deny_own_reads() -> None:
    # The first vector (119, granted 120) reads in 121 and writes bank 1 in 141; it holds that write port in
    # 121 to 120 + 1 + 19 = 140. The second issues in 135 and asks from 136 for bank 1, as A: no other engine is there,
    # but its own writes deny it to 140. Granted in 141, the cycle of the write, it reads in 142 and writes in 162.
    first = make(Opcode.VECTOR, d=256)
    result = run(first, make(Opcode.VECTOR, a=256, d=512), HALT)
    assert times(result, Engine.VECTOR) == [(119, 141), (135, 141 + 1 + 20)]
    states = result.counters[Engine.VECTOR]
    assert states[EngineState.WAIT_BANK] == 141 - 136
    assert states[EngineState.START] == 4  # 119, 120, 135 and 141: none of the denied cycles
    # The same as B, the second operand of a MAC or of a residual addition; and where only the end of the span is in
    # the bank: A from 255 to 256.
    other_ways = [
        {"b": 256, "reduce": VectorReduce.MAC}, {"b": 256, "use_residual": 1},
        {"a": 255, "a_span": 1}, {"b": 255, "b_span": 1, "a": 768, "use_residual": 1},
    ]
    for fields in other_ways:
        result = run(first, make(Opcode.VECTOR, d=512, **fields), HALT)
        assert times(result, Engine.VECTOR)[1] == (135, 141 + 1 + 20), fields


def test_own_writes_deny_nothing_else() -> None:
    # Granted at once in 136, read in 137, written in 157: a write of the bank that is held for writing, a read of
    # another bank, a B that is not used, and accumulator rows whose number is that of a granule of the bank.
    first = make(Opcode.VECTOR, a=256)  # writes bank 0
    others = [
        {"a": 256, "d": 0}, {"a": 512, "d": 768}, {"a": 512, "b": 0, "d": 768},
        {"source": VectorSource.ACCUMULATOR, "a": 0, "d": 768},
    ]
    for fields in others:
        result = run(first, make(Opcode.VECTOR, **fields), HALT)
        assert times(result, Engine.VECTOR) == [(119, 141), (135, 136 + 1 + 20)], fields
        assert result.counters[Engine.VECTOR, EngineState.WAIT_BANK] == 0


def test_full_queue_stops_dispatch() -> None:
    # edge16: instruction i is dispatched in 106 + 4 i. The load issues in 107, its beat arrives in 209, it retires in
    # 211. Eight vectors (i = 1 to 8) fill the queue by 138; the ninth waits until the first has issued in 212 and is
    # dispatched in 213, the fill behind it in 214.
    edge = load_machine("edge16")
    load = make(Opcode.LOAD, send=1 << Engine.VECTOR, memory_address=4096, line_bytes=16, window_bytes=16)
    first = make(Opcode.VECTOR, wait=1 << Engine.LOAD, d=4096)
    others = [make(Opcode.VECTOR, d=4096)] * 8
    result = run(load, first, *others, make(Opcode.LOAD, window_bytes=16), HALT, machine=edge)
    assert times(result, Engine.LOAD) == [(107, 211), (215, 217)]
    # One vector a cycle: the next issues in the cycle in which the one before is granted.
    assert result.issue[Engine.VECTOR].tolist() == list(range(212, 221))


def test_fetch_of_nine_instructions() -> None:
    # Three bursts (4, 4 and 1 instructions) are granted in 1, 2 and 3; their 144 beats arrive without a gap from 102
    # to 245; halt is seen in 246.
    result = run(*[FILL] * 8, HALT)
    assert (result.cycles, result.read_beats) == (246, 144)
    assert result.issue[Engine.LOAD].tolist() == [119 + 16 * i for i in range(8)]


def test_outstanding_reads_are_limited() -> None:
    # Two reads outstanding: bursts are granted in 120 and 121, their beats arrive in 221 and 222; the third is granted
    # in 222, when the first is no longer outstanding, its beat arrives in 323 and is written in 325.
    load = make(Opcode.LOAD, **WORD, count1=3, memory_stride1=4, destination_stride1=1)
    result = run(load, HALT, machine=replace(NANO, memory_outstanding=2))
    assert times(result, Engine.LOAD) == [(119, 325)]


def test_half_rate_bus() -> None:
    # One beat every second cycle: the credit is full at the first beat (102), then 104, ...: the 16th in 132.
    machine = replace(NANO, bus_rate_numerator=1, bus_rate_denominator=2)
    assert run(HALT, machine=machine).cycles == 133


def test_load_keeps_four_instructions_in_flight() -> None:
    # edge16: five loads of one word could issue in 107, 111, 115, 119, 123; the fifth waits for the first to retire
    # in 211 (beat 209), visible in 212. The others' beats follow 4 cycles apart.
    edge = load_machine("edge16")
    load = make(Opcode.LOAD, memory_address=4096, line_bytes=16, window_bytes=16)
    result = run(*[load] * 5, HALT, machine=edge)
    assert result.issue[Engine.LOAD].tolist() == [107, 111, 115, 119, 212]
    assert result.retire[Engine.LOAD].tolist() == [211, 215, 219, 223, 316]
