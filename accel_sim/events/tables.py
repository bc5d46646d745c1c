"""The arrays whose size depends on the program, reached through addresses that one record holds.

Numba hands arrays to a function word by word, about 150 words for all of these, and counts references to them at each
call; that took four fifths of the kernel's time. An address is one word. `fill_tables` takes the addresses; whoever
calls it keeps the arrays alive. Nothing here checks an index.
"""

from __future__ import annotations

from typing import Any, cast

from numba import types

from accel_sim.timing.accounts import CAUSE_COUNT
from accel_sim.timing.decode import Program, fields_dtype
from accel_sim.timing.jit import compiled, generated
from accel_sim.timing.setup import record
from accel_sim.timing.trace import Trace
from machine.isa import ENGINE_COUNT, Opcode

TABLES = record(
    most=(),  # instructions of an engine in `wait`, `send`, `issue` and `retire`
    engine=(),
    wait=(),
    send=(),
    loads=(),
    weights=(),
    matrices=(),
    vectors=(),
    stores=(),
    issue=(),
    retire=(),
    bursts=(),
    burst_count=(),
    groups=(),  # in `account`
    group=(),
    account=(),
    counts=(ENGINE_COUNT,),  # instructions of each engine
)
"""Addresses of a program's and a trace's arrays (accel_sim/timing), under the same names, and their sizes."""

LOAD_BURST = record(
    before=(),  # beats of load that were granted before the burst
    beats=(),
    due=(),
    credit=(),
)
"""A granted burst of load, kept until a segment needs a later one."""

LOADS, WEIGHTS, MATRICES, VECTORS, STORES = (
    fields_dtype(opcode)
    for opcode in (Opcode.LOAD, Opcode.WEIGHTS, Opcode.MATRIX, Opcode.VECTOR, Opcode.STORE)
)


WORDS = cast(Any, types).CPointer(types.int64)


def fill_tables(tables: Any, program: Program, trace: Trace, bursts: Any) -> None:
    """Write the addresses of the arrays into a record `TABLES`; `bursts` is `LOAD_BURST[n]`."""
    for name in ("engine", "wait", "send", "loads", "weights", "matrices", "vectors", "stores"):
        tables[name] = address_of(getattr(program, name))
    tables.most = program.wait.shape[1]
    tables.issue = address_of(trace.issue)
    tables.retire = address_of(trace.retire)
    tables.bursts = address_of(bursts)
    tables.burst_count = len(bursts)
    tables.groups = trace.account.cycles.shape[1]
    tables.group = address_of(trace.account.group)
    tables.account = address_of(trace.account.cycles)
    tables.counts = trace.account.counts


def address_of(array: Any) -> int:
    """Return where an array begins whose items lie one after the other."""
    assert array.flags.c_contiguous
    return int(array.ctypes.data)


@generated
def record_at(_: Any, address: Any, number: Any, dtype: Any) -> Any:
    """Return a record of an array, given the array's address, the record's place in it and its dtype."""
    kind = dtype.dtype

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first, place, _ = arguments
        offset = builder.mul(place, context.get_constant(types.int64, kind.size))
        return builder.inttoptr(builder.add(first, offset), context.get_value_type(kind))

    return kind(types.int64, types.int64, dtype), generate


@generated
def word(_: Any, address: Any, number: Any) -> Any:
    """Return an item of an array of int64, given the array's address and the item's place in it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], context.get_value_type(WORDS))
        return builder.load(builder.gep(pointer, [arguments[1]]))

    return types.int64(types.int64, types.int64), generate


@generated
def set_word(_: Any, address: Any, number: Any, value: Any) -> Any:
    """Write an item of an array of int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], context.get_value_type(WORDS))
        builder.store(arguments[2], builder.gep(pointer, [arguments[1]]))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@compiled
def load_of(tables: Any, number: int) -> Any:
    """Return a load instruction."""
    return record_at(tables.loads, number, LOADS)


@compiled
def weights_of(tables: Any, number: int) -> Any:
    """Return a weights instruction."""
    return record_at(tables.weights, number, WEIGHTS)


@compiled
def matrix_of(tables: Any, number: int) -> Any:
    """Return a matrix instruction."""
    return record_at(tables.matrices, number, MATRICES)


@compiled
def vector_of(tables: Any, number: int) -> Any:
    """Return a vector instruction."""
    return record_at(tables.vectors, number, VECTORS)


@compiled
def store_of(tables: Any, number: int) -> Any:
    """Return a store instruction."""
    return record_at(tables.stores, number, STORES)


@compiled
def burst_of(tables: Any, number: int) -> Any:
    """Return a burst of load."""
    return record_at(tables.bursts, number % tables.burst_count, LOAD_BURST)


@compiled
def wait_of(tables: Any, engine: int, number: int) -> int:
    """Return the mask of the tokens that an engine's instruction waits for."""
    return int(word(tables.wait, engine * tables.most + number))


@compiled
def send_of(tables: Any, engine: int, number: int) -> int:
    """Return the mask of the tokens that an engine's instruction sends."""
    return int(word(tables.send, engine * tables.most + number))


@compiled
def note_issue(tables: Any, engine: int, number: int, t: int) -> None:
    """Write the issue cycle of an engine's instruction into the trace."""
    set_word(tables.issue, engine * tables.most + number, t)


@compiled
def note_retire(tables: Any, engine: int, number: int, t: int) -> None:
    """Write the retire cycle of an engine's instruction into the trace."""
    set_word(tables.retire, engine * tables.most + number, t)


@compiled
def engine_of(tables: Any, number: int) -> int:
    """Return the engine of an instruction of the program, HALT or ILLEGAL."""
    return int(word(tables.engine, number))


@compiled
def charge_account(tables: Any, engine: int, place: int, cause: int, cycles: int) -> None:
    """Charge cycles of an engine to a cause and to the group of its instruction `place`."""
    group = int(word(tables.group, engine * (tables.most + 1) + place))
    item = (engine * tables.groups + group) * CAUSE_COUNT + cause
    set_word(tables.account, item, word(tables.account, item) + cycles)
