"""The function simulator against the literal interpreter: every byte of every memory after the same instructions.

Programs are random, or one instruction made for the case; the state before it is random, but for parameter entries:
random words there would make nearly every result saturate.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accel_sim.function import execute
from compiler.verify_program import verify_program
from machine.config import ADDRESS_BITS, Machine
from machine.isa import Instruction, LoadSpace, Opcode, VectorReduce, VectorSource, make
from machine.numerics import Rescale, add_rescale
from runtime.fuzz.random_images import random_image
from runtime.fuzz.random_programs import MEMORY_BYTES, random_program
from tests.accel_sim.function.literal import LiteralMachine
from tests.accel_sim.function.states import (
    MACHINES,
    NAMES,
    RECORDS,
    SAMPLES,
    SHARED_BYTES,
    assert_equal,
    check,
    lanes,
    random_state,
    results,
    shift_words,
    write_record,
)

machines = st.sampled_from(NAMES).map(MACHINES.__getitem__)
seeds = st.integers(0, 2**32 - 1)
int8s = st.integers(-128, 127)
shifts = st.integers(0, 31)
strides = st.one_of(st.integers(0, 6), st.integers(-6, -1))


# Random programs


@pytest.mark.parametrize("name", NAMES)
def test_random_programs_and_the_verifier_accepts_them(name: str) -> None:
    machine = MACHINES[name]
    for seed in range(100, 115):
        instructions = random_program(machine, seed, 12)
        verify_program(machine, instructions, MEMORY_BYTES)
        memory = random_image(machine, instructions, seed)[None]
        literal = LiteralMachine(machine, bytearray(memory.tobytes()))
        state = execute(machine, instructions, memory)
        literal.run(instructions)
        assert_equal(state, literal, 0)


def with_designed_parameters(machine: Machine, instruction: Instruction) -> Instruction:
    """Return a vector instruction that takes channels from channel entries and its record from the records."""
    if instruction.opcode is not Opcode.VECTOR:
        return instruction
    last = machine.parameter_entries - RECORDS
    entries = {
        "parameters": min(instruction["parameters"], last - instruction["blocks"]),
        "record": last + instruction["record"] % RECORDS,
    }
    return Instruction(Opcode.VECTOR, {**instruction.values, **entries})


@pytest.mark.parametrize("name", NAMES)
def test_random_programs_with_designed_parameters(name: str) -> None:
    machine = MACHINES[name]
    for seed in range(15):
        program = random_program(machine, seed, 12)[:-1]
        kept = [i for i in program if i.opcode is not Opcode.LOAD or i["space"] == LoadSpace.SCRATCHPAD]
        check(random_state(machine, seed), *(with_designed_parameters(machine, i) for i in kept))


# Vector: channel parameters


@pytest.mark.parametrize("name", NAMES)
def test_all_pairs_of_shifts(name: str) -> None:
    machine = MACHINES[name]
    columns = machine.columns
    blocks = 16
    rng = np.random.default_rng(7)
    pairs = np.array(list(product(range(32), range(32)))).reshape(-1, blocks, columns, 2)
    inside: dict[str, set[int]] = {"left": set(), "right": set()}
    for left, right in zip(pairs[..., 0], pairs[..., 1], strict=True):
        state = random_state(machine, 7)
        # About +-100 after both shifts, where an int32 can give it; otherwise anything.
        magnitude = np.clip(200.0 * 2.0 ** (right - left), 2, (1 << 31) - 1)
        points = np.trunc(rng.uniform(-1, 1, (SAMPLES, 3, blocks, columns)) * magnitude).astype(np.int32)
        state.accumulators[:, : 3 * blocks] = points.reshape(SAMPLES, -1, columns)
        entry = lanes(state)[5 : 5 + blocks]
        entry[:, 0] = rng.integers(-1, 2, (blocks, columns))
        entry[:, 2] = shift_words(rng, left, right)
        vector = make(
            Opcode.VECTOR, source=VectorSource.ACCUMULATOR, rescale=1, blocks=blocks, x_count=3, parameters=5,
            a_block_stride=1, a_x_stride=blocks, a_span=3 * blocks - 1, zero_point=9, low=-120, high=125,
            d_block_stride=3 * columns // machine.granule_bytes, d_x_stride=columns // machine.granule_bytes,
            d_span=(3 * blocks - 1) * columns // machine.granule_bytes,
        )
        check(state, vector)
        values = results(state, vector).reshape(SAMPLES, blocks, 3, columns)
        telling = ((values > -120) & (values < 125) & (values != 9)).any(axis=(0, 2))
        inside["left"] |= set(left[telling].tolist())
        inside["right"] |= set(right[telling].tolist())
    # Every shift has results that neither saturate nor vanish.
    assert inside["left"] == inside["right"] == set(range(32))


@pytest.mark.parametrize(("right", "expected"), [(15, 64), (16, 32), (18, 8), (21, 1), (22, 1), (23, 0), (31, 0)])
def test_right_shift_by_hand(right: int, expected: int) -> None:
    # x = 2**22 with the multiplier 2**30 is 2**21 before the right shift; the tie 1/2 of 22 goes away from zero.
    state = random_state(MACHINES["nano4"], 0)
    state.accumulators[:, 0] = 1 << 22
    lanes(state)[0, :3] = np.array([0, 1 << 30, right << 8])[:, None]
    check(state, make(Opcode.VECTOR, source=VectorSource.ACCUMULATOR, rescale=1, low=-128, high=127))
    assert (state.scratchpad[:, 0] == expected).all()


def test_bias_wraps_and_the_multiplier_ignores_its_top_bit() -> None:
    state = random_state(MACHINES["edge4x8"], 0)
    state.accumulators[:, 0] = (1 << 31) - 1
    lanes(state)[3, :3] = np.array([1, -(1 << 30), 24 << 8])[:, None]  # 0xC0000000: the multiplier is 2**30
    check(state, make(Opcode.VECTOR, source=1, rescale=1, parameters=3, low=-128, high=127))
    assert (state.scratchpad.view(np.int8)[:, 0] == -64).all()  # -2**31 / 2 / 2**24


# Vector: residual additions


def addition(**values: int) -> Instruction:
    """Return an addition of bank 1 (A) and bank 2 (B) into 0, on nano4: 64 results."""
    spans = {f"{name}_{key}": value for name in "abd" for key, value in (("x_stride", 1), ("span", 63))}
    values = {"low": -128, "high": 127, "x_count": 64, "a": 256, "b": 512, "use_residual": 1} | spans | values
    return make(Opcode.VECTOR, **values)


@pytest.mark.parametrize(("low", "high"), [(-128, 127), (-20, 35), (10, 90), (-100, -3), (0, 127), (-128, 5), (7, 7)])
@pytest.mark.parametrize("zero_point", [-100, -11, 0, 30, 100])
def test_residual_clamps_of_the_record(low: int, high: int, zero_point: int) -> None:
    rng = np.random.default_rng(1)
    state = random_state(MACHINES["nano4"], 1)
    scales = add_rescale(0.5, 0.7, 0.6)
    write_record(state, rng, 30, [scales.a, scales.b, scales.out], zero_point, low, high)
    signed = state.scratchpad.view(np.int8)
    signed[:, [256, 512]], signed[:, [257, 513]] = -128, 127
    vector = addition(record=30, zero_point=3, b_zero_point=-6)
    check(state, vector)
    values = results(state, vector)
    # The sums reach zero_point - 251 and + 258, so both clamps bind.
    assert values.min() == low and values.max() == high


@settings(deadline=None, max_examples=40)
@given(seeds, st.lists(shifts, min_size=6, max_size=6), int8s, int8s, int8s, st.data())
def test_residual_of_any_record(seed: int, amounts: list[int], zero: int, b_zero: int, out_zero: int, data) -> None:
    rng = np.random.default_rng(seed)
    state = random_state(MACHINES["nano4"], seed)
    multipliers = data.draw(st.lists(st.integers(0, (1 << 31) - 1), min_size=3, max_size=3))
    rescales = [Rescale(m, amounts[2 * n], amounts[2 * n + 1]) for n, m in enumerate(multipliers)]
    low, high = sorted((data.draw(int8s), data.draw(int8s)))
    inner = sorted((data.draw(int8s), data.draw(int8s)))
    write_record(state, rng, 31, rescales, out_zero, low, high)
    rescale = data.draw(st.integers(0, 1))
    check(state, addition(
        record=31, subtract=data.draw(st.integers(0, 1)), zero_point=zero, b_zero_point=b_zero, low=inner[0],
        high=inner[1], rescale=rescale, x_count=8,
    ))


@pytest.mark.parametrize("reduce", [VectorReduce.SUM, VectorReduce.MAX])
@pytest.mark.parametrize("name", NAMES)
def test_residual_takes_b_of_the_last_tap(name: str, reduce: VectorReduce) -> None:
    machine = MACHINES[name]
    state = random_state(machine, 3)
    record = machine.parameter_entries - 1
    unit = Rescale(1 << 30, 1, 0)
    write_record(state, np.random.default_rng(3), record, [unit, unit, unit], 0, -128, 127)
    step = machine.columns // machine.granule_bytes
    check(state, make(
        Opcode.VECTOR, reduce=reduce, use_residual=1, ky_count=3, kx_count=2, x_count=2, low=-60, high=60,
        a=machine.bank_granules, a_x_stride=8, a_ky_stride=2 * step, a_kx_stride=step, a_span=8 + 5 * step,
        b=2 * machine.bank_granules, b_x_stride=8, b_ky_stride=2 * step, b_kx_stride=step, b_span=8 + 5 * step,
        d_x_stride=step, d_span=step, record=record,
    ))


# Vector: taps, sources, addresses


@st.composite
def vectors(draw: st.DrawFn, machine: Machine) -> Instruction:
    """Draw a vector instruction: strides of any sign, every address inside."""
    source = draw(st.sampled_from(VectorSource))
    reduce = draw(st.sampled_from([r for r in VectorReduce if r != VectorReduce.MAC or not source]))
    residual = 0 if reduce == VectorReduce.MAC else draw(st.integers(0, 1))
    loops = ("block", "y", "x", "ky", "kx")
    counts = [draw(st.integers(1, most)) for most in (2, 2, 3, 3, 3)]
    values = {"source": source, "reduce": reduce, "use_residual": residual, "rescale": draw(st.integers(0, 1))}
    values |= {"subtract": draw(st.integers(0, residual)), "table": 0 if residual else draw(st.integers(0, 2))}
    values |= dict(zip(("blocks", "y_count", "x_count", "ky_count", "kx_count"), counts, strict=True))
    for bank, (operand, axes) in enumerate((("a", 5), ("b", 5), ("d", 3))):
        steps = [draw(strides) for _ in range(axes)]
        values |= {f"{operand}_{loops[n]}_stride": step % (1 << ADDRESS_BITS) for n, step in enumerate(steps)}
        spans = [(count - 1) * step for count, step in zip(counts, steps, strict=False)]
        below, above = -sum(s for s in spans if s < 0), sum(s for s in spans if s > 0)
        accumulators = operand == "a" and source == VectorSource.ACCUMULATOR
        base, size = (0, machine.accumulator_rows) if accumulators else \
            (bank * machine.bank_granules, machine.bank_granules)
        values[operand] = base + draw(st.sampled_from([below, size - 1 - above, (below + size - 1 - above) // 2]))
        values[f"{operand}_span"] = below + above
    values |= {name: draw(int8s) for name in ("a_zero_point", "b_zero_point", "zero_point")}
    values["low"], values["high"] = sorted((draw(int8s), draw(int8s)))
    values["parameters"] = draw(st.integers(0, machine.parameter_entries - RECORDS - counts[0]))
    values["record"] = draw(st.integers(machine.parameter_entries - RECORDS, machine.parameter_entries - 1))
    return make(Opcode.VECTOR, **{name: int(value) for name, value in values.items()})


@settings(deadline=None, max_examples=50)
@given(st.data(), machines, seeds)
def test_vector(data, machine: Machine, seed: int) -> None:
    check(random_state(machine, seed), data.draw(vectors(machine)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("reduce", list(VectorReduce))
def test_taps_of_extreme_operands(name: str, reduce: VectorReduce) -> None:
    machine = MACHINES[name]
    for a, b, zero in product((-128, 127), (-128, 127), (-128, 127)):
        state = random_state(machine, 5)
        state.scratchpad.view(np.int8)[:, : 2 * machine.bank_words] = a
        state.scratchpad.view(np.int8)[:, machine.bank_words : 2 * machine.bank_words] = b
        check(state, make(
            Opcode.VECTOR, reduce=reduce, rescale=1, ky_count=3, kx_count=3, a_zero_point=zero, b_zero_point=zero,
            b=machine.bank_granules, d=2 * machine.bank_granules, parameters=1, low=-128, high=127,
        ))


# Matrix


@st.composite
def matrices(draw: st.DrawFn, machine: Machine) -> tuple[Instruction, Instruction]:
    """Draw weights and the matrix instruction that takes them: groups, strides of any sign, wrapping rows."""
    axes = [f"{kind}_count{n}" for kind in ("row", "tap") for n in range(3)]
    counts = {name: draw(st.integers(1, 3 if name.endswith("0") else 2)) for name in axes}
    blocks = draw(st.integers(1, 3))
    steps = {name.replace("count", "stride"): draw(strides) for name in axes}
    block_stride = draw(st.one_of(st.just(0), strides))
    spans = [(counts[name] - 1) * steps[name.replace("count", "stride")] for name in axes]
    spans.append((blocks - 1) * block_stride)
    below, above = -sum(s for s in spans if s < 0), sum(s for s in spans if s > 0)
    last = machine.scratchpad_granules - 1 - above
    rows = counts["row_count0"] * counts["row_count1"] * counts["row_count2"]
    block_rows = draw(st.sampled_from([0, rows, -rows]))
    first = draw(st.integers(2 * rows, machine.accumulator_rows - 3 * rows))
    tiles = blocks * counts["tap_count0"] * counts["tap_count1"] * counts["tap_count2"]
    matrix = make(
        Opcode.MATRIX, a=draw(st.sampled_from([below, last, (below + last) // 2])), blocks=blocks,
        block_stride=block_stride % (1 << ADDRESS_BITS), accumulator=first, accumulator_stride=block_rows % (1 << 16),
        accumulate=draw(st.integers(0, 1)), zero_point=draw(int8s),
        **counts, **{name: step % (1 << ADDRESS_BITS) for name, step in steps.items()},
    )
    address = draw(st.integers(0, SHARED_BYTES - tiles * machine.tile_bytes))
    return make(Opcode.WEIGHTS, memory_address=address, tiles=tiles + 1, zero_point=draw(int8s)), matrix


@settings(deadline=None, max_examples=40)
@given(st.data(), machines, seeds)
def test_matrix(data, machine: Machine, seed: int) -> None:
    state = random_state(machine, seed)
    state.memory[:, SHARED_BYTES : SHARED_BYTES + machine.tile_bytes] = 1  # the tile that stays behind
    weights, matrix = data.draw(matrices(machine))
    check(state, weights, matrix)


def test_blocks_that_share_rows_add_up() -> None:
    state = random_state(MACHINES["nano4"], 0)
    check(state, make(Opcode.WEIGHTS, tiles=2), make(Opcode.MATRIX, blocks=2, row_count0=4, accumulate=1))


@pytest.mark.parametrize("accumulate", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_blocks_of_a_grouped_product_read_their_own_rows(name: str, accumulate: int) -> None:
    machine = MACHINES[name]
    state = random_state(machine, 11)
    matrix = make(
        Opcode.MATRIX, blocks=3, block_stride=16, row_count0=2, row_stride0=2, a_span=2, tap_count0=2, tap_stride0=6,
        a=40, accumulator=8, accumulator_stride=2, accumulate=accumulate, zero_point=-5,
    )
    check(state, make(Opcode.WEIGHTS, memory_address=4096, tiles=6, zero_point=3), matrix)


def test_block_stride_by_hand() -> None:
    # Tiles of ones: block k sums its own row of k + 1 in both taps, 4 * 2 * (k + 1) in every column.
    state = random_state(MACHINES["nano4"], 0)
    state.memory[:, :64] = 1
    state.scratchpad[:, 10:12], state.scratchpad[:, 13:15] = 1, 2
    weights = make(Opcode.WEIGHTS, tiles=4)
    check(state, weights, make(
        Opcode.MATRIX, a=10, blocks=2, block_stride=3, tap_count0=2, tap_stride0=1, accumulator_stride=1))
    assert (state.accumulators[:, 0] == 8).all() and (state.accumulators[:, 1] == 16).all()


def test_accumulators_wrap() -> None:
    state = random_state(MACHINES["edge8x4"], 2)
    state.accumulators[:, :4] = [(1 << 31) - 1, -(1 << 31), (1 << 31) - 1, -(1 << 31)]
    check(state, make(Opcode.WEIGHTS, tiles=2), make(
        Opcode.MATRIX, accumulate=1, row_count0=4, row_stride0=2, tap_count0=2, tap_stride0=10, a_span=6))


# Load and store


@st.composite
def lines(draw: st.DrawFn, size: int, units: int) -> dict[str, int]:
    """Draw counts and strides of lines of `size` units of scratchpad; "memory" and "local" are the first addresses."""
    fields, below, span = {}, [0, 0], [0, 0]
    for n in (1, 2, 3):
        count = draw(st.integers(1, 3))
        fields[f"count{n}"] = count
        for side, (name, step) in enumerate((("memory", draw(st.integers(-90, 90))), ("local", draw(strides)))):
            fields[f"{name}_stride{n}"] = step % (1 << (18 if side else 32))
            below[side] -= min(0, (count - 1) * step)
            span[side] += abs((count - 1) * step)
    fields["memory"] = draw(st.integers(below[0], below[0] + 2000))
    last = units - 1 - size - (span[1] - below[1])
    fields["local"] = draw(st.sampled_from([below[1], last, (below[1] + last) // 2]))
    return fields


def renamed(fields: dict[str, int], side: str) -> dict[str, int]:
    """Name the fields of `lines` as an instruction does; `side` is destination or source."""
    names = {"memory": "memory_address", "local": side, **{f"local_stride{n}": f"{side}_stride{n}" for n in (1, 2, 3)}}
    return {names.get(name, name): value for name, value in fields.items()}


@settings(deadline=None, max_examples=50)
@given(st.data(), machines, seeds, st.sampled_from(LoadSpace))
def test_load(data, machine: Machine, seed: int, space: LoadSpace) -> None:
    count = data.draw(st.integers(1, 6))
    width = data.draw(st.integers(1, machine.block_bytes))
    parameter_words = machine.parameter_entries * 4 * machine.parameter_words_per_section
    units = {
        LoadSpace.SCRATCHPAD: machine.scratchpad_granules,
        LoadSpace.PARAMETERS: parameter_words,
        LoadSpace.TABLES: machine.table_words,
    }[space]
    fields = data.draw(lines(count * machine.granules_per_word, units))
    check(random_state(machine, seed), make(
        Opcode.LOAD, space=space, words=count, window_bytes=width, fill=data.draw(int8s),
        line_bytes=data.draw(st.one_of(st.just(0), st.integers(1, 60))),
        window_stride=data.draw(st.integers(0, 2 * machine.block_bytes)),
        window_pad=data.draw(st.integers(0, 2 * machine.block_bytes)),
        lane_offset=data.draw(st.integers(0, machine.block_bytes - width)), **renamed(fields, "destination"),
    ))


@settings(deadline=None, max_examples=40)
@given(st.data(), machines, seeds)
def test_store(data, machine: Machine, seed: int) -> None:
    count = data.draw(st.integers(1, 5))
    width = data.draw(st.integers(1, machine.block_bytes))
    step = data.draw(st.integers(0, 3))
    fields = data.draw(lines((count - 1) * step, machine.scratchpad_granules))
    check(random_state(machine, seed), make(
        Opcode.STORE, words=count, word_stride=step, source_span=(count - 1) * step, window_bytes=width,
        lane_offset=data.draw(st.integers(0, machine.block_bytes - width)), **renamed(fields, "source"),
    ))


@pytest.mark.parametrize("name", NAMES)
def test_parameters_that_are_loaded_are_used(name: str) -> None:
    machine = MACHINES[name]
    state = random_state(machine, 9)
    entry_bytes = 16 * machine.columns
    state.memory[:, 2000 : 2000 + 2 * entry_bytes] = state.parameters.reshape(-1)[: 2 * entry_bytes]
    entry_words = 4 * machine.parameter_words_per_section
    load = make(
        Opcode.LOAD, space=LoadSpace.PARAMETERS, memory_address=2000, line_bytes=2 * entry_bytes,
        destination=6 * entry_words, words=2 * entry_words, window_bytes=machine.block_bytes,
        window_stride=machine.block_bytes,
    )
    vector = make(
        Opcode.VECTOR, source=VectorSource.ACCUMULATOR, rescale=1, blocks=2, a_block_stride=1, a_span=1, parameters=6,
        d_block_stride=2, d_span=2, low=-128, high=127,
    )
    check(state, load, vector)
    assert (lanes(state)[6:8] == lanes(state)[:2]).all()
