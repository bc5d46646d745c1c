"""What must hold of an instruction by itself: fields, ranges inside every memory, true spans (docs/timing.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from compiler.backend.accesses import Access, Space
from machine.config import BURST_BYTES, SEGMENT_WORDS, Machine
from machine.isa import FORMATS, Instruction, LoadSpace, Opcode, VectorReduce, VectorSource

Range = tuple[int, int]


def check_instruction(machine: Machine, instruction: Instruction) -> str | None:
    """Return why an instruction's fields are not legal, or None."""
    reason = _check_fields(instruction)
    check = _CHECKS.get(instruction.opcode)
    return reason if reason is not None or check is None else check(machine, instruction)


def check_accesses(machine: Machine, found: Sequence[Access], memory_bytes: int, program: Range) -> str | None:
    """Return why an instruction may not read or write what it does, or None.

    `program` is the byte range of the program itself.
    """
    reasons = (_check_access(machine, access, memory_bytes, program) for access in found)
    return next((reason for reason in reasons if reason is not None), None)


def _limits(opcode: Opcode) -> tuple[tuple[str, int, int, tuple[int, ...] | None], ...]:
    """Return name, smallest, largest and enumerated values of each field."""
    return tuple(
        (entry.name, *((opcode, opcode) if entry.name == "opcode" else (entry.minimum, entry.maximum)), entry.legal)
        for entry in FORMATS[opcode].fields
    )


_LIMITS = {opcode: _limits(opcode) for opcode in Opcode}


def _check_fields(instruction: Instruction) -> str | None:
    """Every field is there, holds a value that its bits can hold and its enumeration allows; no token to itself."""
    values, limits, name = instruction.values, _LIMITS[instruction.opcode], instruction.opcode.name.lower()
    for entry, low, high, legal in limits:
        value = values.get(entry)
        if value is None:
            return f"{name} lacks the field {entry}"
        if not isinstance(value, int) or not low <= value <= high:
            return f"{name}.{entry} = {value}: legal are {low} to {high}"
        if legal is not None and value not in legal:
            return f"{name}.{entry} = {value}: legal are {', '.join(str(int(item)) for item in legal)}"
    if len(values) != len(limits):
        return f"{name} has fields that its format does not have"
    engine = instruction.engine
    if engine is not None and (values["wait"] | values["send"]) >> engine & 1:
        return f"{name} waits for or sends to itself"
    return None


def _check_access(machine: Machine, access: Access, memory_bytes: int, program: Range) -> str | None:
    section = 4 * machine.parameter_words_per_section
    limit = {
        Space.SCRATCHPAD: machine.scratchpad_granules,
        Space.ACCUMULATOR: machine.accumulator_rows,
        Space.PARAMETER: machine.parameter_entries * section,
        Space.MEMORY: memory_bytes,
        Space.TABLE: machine.table_words,
    }[access.space]
    if access.high > limit:
        return f"reaches {access.space.name.lower()} address {access.high - 1}; the last is {limit - 1}"
    if access.space is Space.MEMORY and access.write and access.low < program[1] and access.high > program[0]:
        inside = (access.starts < program[1]) & (access.stops > program[0])
        if inside.any():
            return f"writes into the program at {program[0]} to {program[1] - 1}"
    if access.space is Space.MEMORY and not access.write:
        whole = -(-access.high // machine.bus_bytes) * machine.bus_bytes
        if whole > memory_bytes:
            return f"its last beat reaches {whole} bytes of memory; the limit is {memory_bytes}"
    return None


def _check_window(machine: Machine, instruction: Instruction) -> str | None:
    window, lane = instruction["window_bytes"], instruction["lane_offset"]
    if window == 0:
        return "window_bytes = 0: legal are 1 and more"
    if lane + window > machine.block_bytes:
        return f"lane_offset {lane} + window_bytes {window} is beyond a word of {machine.block_bytes} bytes"
    return None


def _check_load(machine: Machine, load: Instruction) -> str | None:
    reason = _check_window(machine, load)
    if reason is not None:
        return reason
    window, stride = load["window_bytes"], load["window_stride"]
    space = LoadSpace(load["space"])
    if space is not LoadSpace.SCRATCHPAD and (window != machine.block_bytes or load["lane_offset"]):
        return f"{space.name.lower()} are loaded in whole words of {machine.block_bytes} bytes"
    if load["line_bytes"] == 0:
        return None
    if load["line_bytes"] + 2 * machine.bus_bytes <= machine.load_buffer_bytes:
        return None
    last_word = (load["words"] - 1) // SEGMENT_WORDS * SEGMENT_WORDS
    segment = (SEGMENT_WORDS - 1) * stride + window
    end = load["line_bytes"] - max(0, last_word * stride - load["window_pad"])
    need = max(segment, end) + machine.bus_bytes + BURST_BYTES
    if need > machine.load_buffer_bytes:
        return f"a segment needs {need} bytes of the line; the load buffer holds {machine.load_buffer_bytes}"
    return None


def _span(instruction: Instruction, loops: list[tuple[str, str]]) -> int:
    return sum((instruction[count] - 1) * instruction[stride] for count, stride in loops)


def _check_span(machine: Machine, instruction: Instruction, base: str, loops: list[tuple[str, str]]) -> str | None:
    span = _span(instruction, loops)
    if instruction[f"{base}_span"] != span:
        return f"{base}_span = {instruction[f'{base}_span']}, its loops reach {span}"
    last = machine.scratchpad_granules - 1
    if instruction[base] + span > last:
        return f"{base} + {base}_span = {instruction[base] + span}; the last address is {last}"
    return None


def _check_half(machine: Machine, first: int, rows: int) -> str | None:
    half = machine.accumulator_half_rows
    last = first + rows - 1
    if first // half != last // half or last >= machine.accumulator_rows:
        return f"accumulator rows {first} to {last} leave a half of {half}"
    return None


def _check_matrix(machine: Machine, matrix: Instruction) -> str | None:
    reason = _check_span(machine, matrix, "a", [(f"row_count{i}", f"row_stride{i}") for i in (0, 1, 2)])
    if reason is not None:
        return reason
    rows = matrix["row_count0"] * matrix["row_count1"] * matrix["row_count2"]
    if matrix["blocks"] > 1 and 0 < matrix["accumulator_stride"] < rows:
        return f"accumulator_stride {matrix['accumulator_stride']} is less than the {rows} rows of a block"
    for block in range(matrix["blocks"]):
        reason = _check_half(machine, matrix["accumulator"] + block * matrix["accumulator_stride"], rows)
        if reason is not None:
            return reason
    return None


_RESULTS = [("blocks", "block"), ("y_count", "y"), ("x_count", "x")]
_TAPS = [("ky_count", "ky"), ("kx_count", "kx")]


def _check_vector(machine: Machine, vector: Instruction) -> str | None:
    if vector["reduce"] == VectorReduce.MAC and (vector["use_residual"] or vector["source"]):
        return "a multiply-accumulate takes A from the scratchpad and has no residual operand"
    if vector["table"] and vector["use_residual"]:
        return f"table = {vector['table']} with use_residual = 1: a look-up takes the place of the residual addition"
    if vector["subtract"] and not vector["use_residual"]:
        return "subtract = 1 with use_residual = 0: there is no residual operand to subtract"
    from_accumulators = vector["source"] == VectorSource.ACCUMULATOR
    loops = {
        name: [(count, f"{name}_{axis}_stride") for count, axis in (_RESULTS if name == "d" else _RESULTS + _TAPS)]
        for name in "abd"
    }
    uses_b = bool(vector["reduce"] == VectorReduce.MAC or vector["use_residual"])
    for name in "abd":
        if (name == "a" and from_accumulators) or (name == "b" and not uses_b):
            continue
        reason = _check_span(machine, vector, name, loops[name])
        if reason is not None:
            return reason
    if from_accumulators:
        span = _span(vector, loops["a"])
        if vector["a_span"] != span:
            return f"a_span = {vector['a_span']}, its loops reach {span}"
        return _check_half(machine, vector["a"], span + 1)
    if uses_b and _banks(machine, vector, "a") & _banks(machine, vector, "b"):
        return "A and B share a scratchpad bank"
    return None


def _banks(machine: Machine, vector: Instruction, name: str) -> set[int]:
    first, last = vector[name], vector[name] + vector[f"{name}_span"]
    return set(range(first // machine.bank_granules, last // machine.bank_granules + 1))


def _check_store(machine: Machine, store: Instruction) -> str | None:
    reason = _check_window(machine, store)
    if reason is not None:
        return reason
    return _check_span(machine, store, "source", [("words", "word_stride")])


_CHECKS: dict[Opcode, Callable[[Machine, Instruction], str | None]] = {
    Opcode.LOAD: _check_load,
    Opcode.MATRIX: _check_matrix,
    Opcode.VECTOR: _check_vector,
    Opcode.STORE: _check_store,
}
