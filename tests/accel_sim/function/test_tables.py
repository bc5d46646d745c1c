"""Look-ups and subtraction: by hand, and every byte against the literal interpreter."""

from __future__ import annotations

import numpy as np
import pytest

from accel_sim.function import State
from machine.config import Machine
from machine.isa import Instruction, LoadSpace, Opcode, VectorReduce, VectorSource, make
from machine.numerics import Rescale
from tests.accel_sim.function.states import MACHINES, NAMES, check, lanes, random_state, results, write_record


def vector(machine: Machine, count: int, **fields: int) -> Instruction:
    """Return an instruction from bank 1 (A) and bank 2 (B) into 0: `count` results."""
    step = machine.columns // machine.granule_bytes
    values = {"x_count": count, "low": -128, "high": 127}
    for bank, name in ((1, "a"), (2, "b"), (0, "d")):
        values |= {name: bank * machine.bank_granules, f"{name}_x_stride": step, f"{name}_span": (count - 1) * step}
    return make(Opcode.VECTOR, **(values | fields))


def operand(state: State, bank: int) -> np.ndarray:
    """Return a bank as int8[samples, bytes], a view."""
    bank_bytes = state.machine.bank_words * state.machine.block_bytes
    flat = state.scratchpad.view(np.int8).reshape(state.scratchpad.shape[0], -1)
    return flat[:, bank * bank_bytes : (bank + 1) * bank_bytes]


def load_tables(machine: Machine, address: int, word: int, words: int) -> Instruction:
    """Return a load of whole words of the table memory."""
    block = machine.block_bytes
    return make(
        Opcode.LOAD, space=LoadSpace.TABLES, memory_address=address, line_bytes=words * block, destination=word,
        words=words, window_bytes=block, window_stride=block,
    )


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_every_value_in_either_table(name: str, number: int) -> None:
    machine = MACHINES[name]
    state = random_state(machine, 5)
    entries = state.tables.reshape(-1)[256 * (number - 1) : 256 * number].view(np.int8)
    values = np.arange(-128, 128)
    operand(state, 1)[:, :256] = values
    instruction = vector(machine, 256 // machine.columns, table=number)
    check(state, instruction)
    # Entries 0 to 127 are those of 0 to 127, entries 128 to 255 those of -128 to -1.
    expected = [entries[value if value >= 0 else 256 + value] for value in values]
    assert (results(state, instruction).reshape(-1, 256) == expected).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_look_up_follows_requantization_and_clamp(name: str) -> None:
    machine = MACHINES[name]
    state = random_state(machine, 6)
    entries = state.tables.reshape(-1).view(np.int8)
    entries[7], entries[56] = -11, 99
    state.accumulators[:, 0], state.accumulators[:, 1] = 12, 1000
    lanes(state)[0, :3] = np.array([2, 1 << 30, 0])[:, None]  # (12 + 2) / 2 = 7 and (1000 + 2) / 2, clamped to 56
    instruction = vector(
        machine, 2, table=1, source=VectorSource.ACCUMULATOR, rescale=1, a=0, a_x_stride=1, a_span=1, high=56,
    )
    check(state, instruction)
    assert (results(state, instruction)[:, 0] == -11).all() and (results(state, instruction)[:, 1] == 99).all()


@pytest.mark.parametrize("reduce", list(VectorReduce))
@pytest.mark.parametrize("name", NAMES)
def test_look_up_behind_any_reduction(name: str, reduce: VectorReduce) -> None:
    machine = MACHINES[name]
    for number in (1, 2):
        check(random_state(machine, number), vector(
            machine, 3, table=number, reduce=reduce, rescale=1, ky_count=2, kx_count=2, a_ky_stride=8, a_kx_stride=4,
            b_ky_stride=8, b_kx_stride=4, a_zero_point=3, b_zero_point=-2, zero_point=5, low=-90, high=80,
        ))


@pytest.mark.parametrize("name", NAMES)
def test_tables_that_are_loaded_are_used_and_part_of_one_is_replaced(name: str) -> None:
    machine = MACHINES[name]
    block, half = machine.block_bytes, machine.table_words // 2
    state = random_state(machine, 7)
    before = state.tables.copy()
    operand(state, 1)[:, :256] = np.arange(-128, 128)
    # The second table whole; then the first 3 words of it and the last of the first table, in two lines.
    whole = load_tables(machine, 4000, half, half)
    part = Instruction(Opcode.LOAD, {
        **load_tables(machine, 6001, half - 1, 1).values, "count1": 2, "memory_stride1": 500, "destination_stride1": 3,
    })
    look_up = vector(machine, 256 // machine.columns, table=2)
    check(state, whole, part, look_up)
    expected = np.concatenate([before[:half].reshape(-1), state.memory[0, 4000:4256]])
    expected[(half - 1) * block : half * block] = state.memory[0, 6001 : 6001 + block]
    expected[(half + 2) * block : (half + 3) * block] = state.memory[0, 6501 : 6501 + block]
    assert (state.tables.reshape(-1) == expected).all()
    signed = expected[256:].view(np.int8)
    assert (results(state, look_up).reshape(-1, 256) == np.r_[signed[128:], signed[:128]]).all()


def test_a_fill_fills_words_of_a_table() -> None:
    machine = MACHINES["nano4"]
    state = random_state(machine, 8)
    fill = make(Opcode.LOAD, space=LoadSpace.TABLES, words=5, destination=62, window_bytes=4, fill=-3)
    before = state.tables.copy()
    check(state, fill)
    assert (state.tables[62:67].view(np.int8) == -3).all()
    assert (state.tables[:62] == before[:62]).all() and (state.tables[67:] == before[67:]).all()


UNIT = Rescale(1 << 30, 1, 0)
"""Times 1: half, shifted left by one first."""


@pytest.mark.parametrize(("a", "b", "added", "subtracted"), [
    (5, -7, -8, 0),  # (5 - 1) + (-7 + 3) - 8 and (5 - 1) - (-7 + 3) - 8
    (20, 4, 18, 4),  # 19 + 7 - 8 and 19 - 7 - 8
    (-128, 127, -7, -120),  # -129 + 130 - 8 and -129 - 130 - 8, clamped
    (127, -128, -7, 120),
    (1, -3, -8, -8),
])
def test_subtraction_by_hand(a: int, b: int, added: int, subtracted: int) -> None:
    machine = MACHINES["nano4"]
    for subtract, expected in ((0, added), (1, subtracted)):
        state = random_state(machine, 9)
        operand(state, 1)[:], operand(state, 2)[:] = a, b
        write_record(state, np.random.default_rng(0), 31, [UNIT, UNIT, UNIT], -8, -120, 120)
        instruction = vector(
            machine, 4, use_residual=1, subtract=subtract, record=31, zero_point=1, b_zero_point=-3,
        )
        check(state, instruction)
        assert (results(state, instruction) == expected).all()
