"""Vector: one instruction on whole arrays (docs/units/vector.md)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accel_sim.function.state import IndexArray, State, nested_offsets, scratchpad_addresses
from machine import numerics
from machine.isa import Instruction, VectorReduce, VectorSource
from machine.numerics import AddRescale, Int8Array, Int32Array, Rescale

_LOOPS = ("block", "y", "x", "ky", "kx")
_SHIFT_MASK = 31
_MULTIPLIER_MASK = 0x7FFFFFFF


def execute_vector(state: State, instruction: Instruction) -> None:
    """Execute one vector instruction: every read comes before every write."""
    counts = [instruction["blocks"], *(instruction[f"{name}_count"] for name in _LOOPS[1:])]
    reduced = _reduce_taps(state, instruction, counts)
    values = _finish(state, instruction, reduced)
    if instruction["use_residual"]:
        offsets = _offsets(instruction, "b", counts)[..., -1, -1]
        residual = state.read_granules(scratchpad_addresses(instruction["b"], offsets), state.machine.columns)
        values = _add_residual(state, instruction, values, residual)
    elif instruction["table"]:
        values = numerics.look_up(values, state.table(instruction["table"] - 1))
    strides = [instruction[f"d_{name}_stride"] for name in _LOOPS[:3]]
    results = nested_offsets(*zip(counts[:3], strides, strict=True))
    state.write_granules(scratchpad_addresses(instruction["d"], results), values)


def _offsets(instruction: Instruction, operand: str, counts: list[int]) -> IndexArray:
    strides = [instruction[f"{operand}_{name}_stride"] for name in _LOOPS]
    return nested_offsets(*zip(counts, strides, strict=True))


def _reduce_taps(state: State, instruction: Instruction, counts: list[int]) -> Int32Array:
    """Combine the taps of every result: int32[samples, blocks, y, x, columns]. One step for each row of taps."""
    reduce = VectorReduce(instruction["reduce"])
    a_offsets, b_offsets = _offsets(instruction, "a", counts), _offsets(instruction, "b", counts)
    total: npt.NDArray[np.int64] | None = None
    for ky in range(counts[3]):
        a = _operand_a(state, instruction, a_offsets[..., ky, :])
        if reduce is VectorReduce.MAC:
            addresses = scratchpad_addresses(instruction["b"], b_offsets[..., ky, :])
            b = state.read_granules(addresses, state.machine.columns)
            a = a * (b.astype(np.int64) - instruction["b_zero_point"])
        if reduce is VectorReduce.MAX:
            part = a.max(axis=-2)
            total = part if total is None else np.maximum(total, part)
        else:
            part = a.sum(axis=-2)
            total = part if total is None else total + part
    assert total is not None
    return numerics.wrap32(total)


def _operand_a(state: State, instruction: Instruction, offsets: IndexArray) -> npt.NDArray[np.int64]:
    """Read operand A: int64[samples, *offsets.shape, columns], zero point subtracted where the reduction asks."""
    if instruction["source"] == VectorSource.ACCUMULATOR:
        return state.accumulators.take((instruction["a"] + offsets) & 0xFFFF, axis=1).astype(np.int64)
    a = state.read_granules(scratchpad_addresses(instruction["a"], offsets), state.machine.columns).astype(np.int64)
    return a if instruction["reduce"] == VectorReduce.MAX else a - instruction["a_zero_point"]


def _finish(state: State, instruction: Instruction, values: Int32Array) -> Int8Array:
    low, high = instruction["low"], instruction["high"]
    if not instruction["rescale"]:
        return numerics.clamp_int8(values, low, high)
    sections = _entries(state, instruction["parameters"], instruction["blocks"])
    bias, multiplier, shifts = (sections[:, index, None, None, :] for index in range(3))
    multiplier = multiplier & _MULTIPLIER_MASK
    left, right = shifts & _SHIFT_MASK, (shifts >> 8) & _SHIFT_MASK
    return numerics.finish(values, bias, multiplier, left, right, instruction["zero_point"], low, high)


def _entries(state: State, first: int, count: int) -> Int32Array:
    """Return parameter entries as int32[count, 3 sections, columns]."""
    machine = state.machine
    if first + count > machine.parameter_entries:
        raise IndexError(f"parameter entry {first + count - 1} of {machine.parameter_entries}")
    lanes = state.parameters.reshape(-1).view("<i4").reshape(machine.parameter_entries, 4, machine.columns)
    return lanes[first : first + count, :3]


def _add_residual(
    state: State, instruction: Instruction, values: Int8Array, residual: Int8Array
) -> Int8Array:
    multipliers, left_low, right_high = _entries(state, instruction["record"], 1)[0]
    scalars = zip(multipliers & _MULTIPLIER_MASK, left_low & _SHIFT_MASK, right_high & _SHIFT_MASK, strict=True)
    rescales = [Rescale(int(m), int(left), int(right)) for m, left, right in scalars][:3]
    zero_point, low, high = (int(np.int8(section[3] & 0xFF)) for section in (multipliers, left_low, right_high))
    return numerics.add(
        values, instruction["zero_point"], residual, instruction["b_zero_point"], AddRescale(*rescales),
        zero_point, low, high, subtract=bool(instruction["subtract"]),
    )
