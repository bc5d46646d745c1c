"""The machine's configuration: a frozen, validated record read from TOML, with units in the field names.

A size is written once, here; the simulator, the compiler and the Verilog parameters are all derived from it.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from machine.errors import MachineError

BURST_BYTES = 256
"""Longest burst on the memory bus; a burst never crosses a multiple of it (so it never crosses 4 KiB either)."""
ACCUMULATOR_BYTES = 4
ADDRESS_BITS = 18
"""Width of a scratchpad address (in granules) in an instruction."""
SEGMENT_WORDS = 16
"""Longest write segment of the load engine, in scratchpad words."""
LOAD_IN_FLIGHT = 4
"""Load instructions between issue and retirement."""
STORE_BUFFERS = 4
"""Burst buffers of the store engine."""
VECTOR_LATENCY_CYCLES = 20
"""Cycles from the read of a result's last tap to its write into the scratchpad."""
MATRIX_LATENCY_CYCLES = 2
"""Cycles from the read of a row to its accumulator write, beyond rows + columns."""
STORE_PACK_CYCLES = 2
"""Cycles from a store burst's last read to its completion."""
TABLE_COUNT = 2
"""Tables of the vector engine."""
TABLE_BYTES = 256
"""Bytes of a table: one for each int8 value."""
TOKEN_LIMIT = 255
"""Largest value of a token counter."""
DEADLOCK_CYCLES = 64
"""Consecutive quiet cycles after which the machine halts with a deadlock."""
MAY_BE_ZERO = frozenset({
    "dram_banks", "dram_activate_cycles", "dram_precharge_cycles", "dram_refresh_interval_cycles", "dram_refresh_cycles"
})
"""Fields of a machine that may be 0; all other numbers are positive."""
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Machine:
    """One machine. Construct it through `load_machine` or `parse_machine`; the constructor validates too.

    Attributes:
        name: what the machine is called (part of every program file): letters, digits, '-' and '_'.
        rows: rows of the systolic array (reduction), a power of two from 4 to 256.
        columns: columns of the systolic array (output channels, vector lanes), a power of two from 4 to 256.
        scratchpad_bytes: capacity of the scratchpad.
        scratchpad_banks: number of banks, each with one read and one write port; consecutive addresses fill a bank.
        accumulator_bytes: capacity of the int32 accumulators, split in two halves.
        weight_fifo_tiles: capacity of the weight FIFO in tiles of rows x columns weights.
        parameter_entries: entries of the vector engine's parameter memory (one block of `columns` channels each).
        load_buffer_bytes: read buffer of the load engine.
        bus_bytes: width of the memory bus.
        bus_rate_numerator: the read bus delivers numerator / denominator beats a cycle.
        bus_rate_denominator: see `bus_rate_numerator`.
        read_latency_cycles: from an accepted read address to its first beat when the channel is free.
        write_latency_cycles: from a last write beat to its response.
        memory_outstanding: requests outstanding on each channel.
        queue_depth: instructions that each engine's queue holds.
        fetch_buffer_instructions: instructions that the fetch buffer holds.
        dram_banks: banks of the open-row DRAM behind the bus, a power of two up to 64; 0 for a memory of fixed latency.
        dram_row_bytes: bytes of a row of one bank, a power of two of at least 256 (default: a DDR3 x16 page).
        dram_activate_cycles: to open a row (default: DDR3-1600's tRCD of 13.75 ns, JESD79-3F, at 1 GHz).
        dram_precharge_cycles: to close a row (default: tRP, likewise).
        dram_refresh_interval_cycles: from one refresh to the next, 0 for none (default: tREFI of 7.8 us).
        dram_refresh_cycles: that a refresh takes (default: tRFC of 260 ns, 4 Gbit).
        clock_hz: clock, used only to print latency in seconds.
    """

    name: str
    rows: int
    columns: int
    scratchpad_bytes: int
    scratchpad_banks: int
    accumulator_bytes: int
    weight_fifo_tiles: int
    parameter_entries: int
    load_buffer_bytes: int
    bus_bytes: int
    bus_rate_numerator: int = 1
    bus_rate_denominator: int = 1
    read_latency_cycles: int = 100
    write_latency_cycles: int = 100
    memory_outstanding: int = 16
    queue_depth: int = 8
    fetch_buffer_instructions: int = 16
    dram_banks: int = 0
    dram_row_bytes: int = 2048
    dram_activate_cycles: int = 14
    dram_precharge_cycles: int = 14
    dram_refresh_interval_cycles: int = 7800
    dram_refresh_cycles: int = 260
    clock_hz: int = 1_000_000_000

    def __post_init__(self) -> None:
        """Validate every rule of the configuration.

        Raises:
            MachineError: names the field, its value and the rule that it breaks.
        """
        _validate(self)

    @cached_property
    def block_bytes(self) -> int:
        """Bytes of a scratchpad word: the channel block of the activation layout, max(rows, columns)."""
        return max(self.rows, self.columns)

    @cached_property
    def granule_bytes(self) -> int:
        """Bytes of a scratchpad granule, the unit of scratchpad addresses: min(rows, columns)."""
        return min(self.rows, self.columns)

    @property
    def granules_per_word(self) -> int:
        """Granules in a scratchpad word."""
        return self.block_bytes // self.granule_bytes

    @property
    def scratchpad_words(self) -> int:
        """Words in the scratchpad."""
        return self.scratchpad_bytes // self.block_bytes

    @property
    def scratchpad_granules(self) -> int:
        """Granules in the scratchpad: the number of legal addresses."""
        return self.scratchpad_bytes // self.granule_bytes

    @property
    def bank_words(self) -> int:
        """Words in one scratchpad bank."""
        return self.scratchpad_words // self.scratchpad_banks

    @property
    def bank_granules(self) -> int:
        """Granules in one scratchpad bank."""
        return self.scratchpad_granules // self.scratchpad_banks

    @property
    def accumulator_rows(self) -> int:
        """Rows of `columns` int32 accumulators, both halves together."""
        return self.accumulator_bytes // (self.columns * ACCUMULATOR_BYTES)

    @property
    def accumulator_half_rows(self) -> int:
        """Rows of one accumulator half."""
        return self.accumulator_rows // 2

    @property
    def tile_bytes(self) -> int:
        """Bytes of one weight tile in memory."""
        return self.rows * self.columns

    @property
    def tile_beats(self) -> int:
        """Bus beats of one weight tile."""
        return self.tile_bytes // self.bus_bytes

    @property
    def weight_fifo_beats(self) -> int:
        """Capacity of the weight FIFO in bus beats."""
        return self.weight_fifo_tiles * self.tile_beats

    @property
    def load_buffer_beats(self) -> int:
        """Capacity of the load engine's read buffer in bus beats."""
        return self.load_buffer_bytes // self.bus_bytes

    @property
    def matrix_latency_cycles(self) -> int:
        """Cycles from the read of an activation row to the write of its accumulator row."""
        return self.rows + self.columns + MATRIX_LATENCY_CYCLES

    @property
    def parameter_words_per_section(self) -> int:
        """Scratchpad-word-sized writes that fill one section (4 bytes a lane) of a parameter entry."""
        return 4 * self.columns // self.block_bytes

    @property
    def table_words(self) -> int:
        """Words of the table memory, all tables together."""
        return TABLE_COUNT * TABLE_BYTES // self.block_bytes

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a JSON-able dictionary."""
        return dataclasses.asdict(self)


def _is_power_of_two(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0


def _validate(machine: Machine) -> None:
    for field in dataclasses.fields(machine):
        value = getattr(machine, field.name)
        if field.name == "name":
            if not isinstance(value, str) or not _NAME.fullmatch(value):
                raise MachineError(f"name must be 1 to 64 letters, digits, '-' and '_', received {value!r:.80}")
        elif isinstance(value, bool) or not isinstance(value, int) or value < (field.name not in MAY_BE_ZERO):
            kind = "non-negative" if field.name in MAY_BE_ZERO else "positive"
            raise MachineError(f"{field.name} must be a {kind} integer, received {value!r:.80}")
        elif value >= 1 << 32:
            raise MachineError(f"{field.name} must be below 2**32, received a number of {value.bit_length()} bits")

    def rule(holds: bool, field: str, text: str) -> None:
        if not holds:
            raise MachineError(f"{field} = {getattr(machine, field)}: {text}")

    for name, low, high in (
        ("rows", 4, 256),
        ("columns", 4, 256),
        ("scratchpad_banks", 4, 16),
        ("bus_bytes", 4, 64),
        ("weight_fifo_tiles", 2, 1024),
        ("parameter_entries", 2, 1024),
        ("load_buffer_bytes", 256, 1 << 20),
        ("fetch_buffer_instructions", 4, 64),
        ("queue_depth", 2, 64),
    ):
        value = getattr(machine, name)
        rule(_is_power_of_two(value) and low <= value <= high, name, f"must be a power of two from {low} to {high}")
    rule(
        machine.block_bytes <= 4 * machine.granule_bytes,
        "rows",
        f"rows and columns ({machine.columns}) may differ by a factor of at most 4",
    )
    rule(
        machine.scratchpad_bytes % (machine.block_bytes * machine.scratchpad_banks) == 0,
        "scratchpad_bytes",
        f"must be a multiple of banks x word ({machine.scratchpad_banks} x {machine.block_bytes})",
    )
    rule(
        _is_power_of_two(machine.bank_words) or machine.rows > 32,
        "scratchpad_bytes",
        f"a bank must hold a power of two of words, it holds {machine.bank_words}",
    )
    rule(
        machine.scratchpad_granules <= 1 << ADDRESS_BITS,
        "scratchpad_bytes",
        f"at most 2**{ADDRESS_BITS} granules of {machine.granule_bytes} bytes",
    )
    rule(
        _is_power_of_two(machine.accumulator_rows) and 16 <= machine.accumulator_rows <= 1 << 16,
        "accumulator_bytes",
        "must hold a power of two (16 to 65536) of rows of columns x 4 bytes",
    )
    rule(
        machine.tile_bytes >= machine.bus_bytes,
        "bus_bytes",
        f"must not exceed a weight tile of {machine.tile_bytes} bytes",
    )
    rule(
        machine.bus_rate_numerator <= machine.bus_rate_denominator,
        "bus_rate_numerator",
        f"at most one beat a cycle, denominator is {machine.bus_rate_denominator}",
    )
    rule(machine.bus_rate_denominator <= 1 << 16, "bus_rate_denominator", "must be at most 65536")
    rule(machine.read_latency_cycles <= 4096, "read_latency_cycles", "must be at most 4096")
    rule(machine.write_latency_cycles <= 4096, "write_latency_cycles", "must be at most 4096")
    rule(machine.memory_outstanding <= 64, "memory_outstanding", "must be at most 64")
    _validate_dram(machine, rule)
    in_flight = machine.read_latency_cycles * machine.bus_bytes
    in_flight = in_flight * machine.bus_rate_numerator // machine.bus_rate_denominator
    rule(
        machine.weight_fifo_tiles * machine.tile_bytes >= in_flight + 2 * machine.tile_bytes,
        "weight_fifo_tiles",
        f"must hold latency x bytes a cycle plus two tiles, {in_flight + 2 * machine.tile_bytes} bytes",
    )
    rule(
        machine.weight_fifo_tiles * machine.tile_bytes >= 2 * BURST_BYTES,
        "weight_fifo_tiles",
        f"must hold two bursts, {2 * BURST_BYTES} bytes",
    )
    rule(
        machine.load_buffer_bytes >= in_flight + 2 * BURST_BYTES,
        "load_buffer_bytes",
        f"must hold latency x bytes a cycle plus two bursts, {in_flight + 2 * BURST_BYTES} bytes",
    )


def _validate_dram(machine: Machine, rule: Callable[[bool, str, str], None]) -> None:
    banks, row = machine.dram_banks, machine.dram_row_bytes
    rule(banks == 0 or (_is_power_of_two(banks) and banks <= 64), "dram_banks", "must be 0 or a power of two up to 64")
    rule(
        _is_power_of_two(row) and BURST_BYTES <= row <= 1 << 16,
        "dram_row_bytes",
        f"must be a power of two from {BURST_BYTES} to 65536",
    )
    for name in ("dram_activate_cycles", "dram_precharge_cycles"):
        rule(getattr(machine, name) <= 4096, name, "must be at most 4096")
    interval = machine.dram_refresh_interval_cycles
    rule(interval <= 1 << 24, "dram_refresh_interval_cycles", "must be at most 2**24")
    rule(
        interval == 0 or machine.dram_refresh_cycles < interval,
        "dram_refresh_cycles",
        f"must be less than the interval of {interval} cycles",
    )


def parse_machine(fields: dict[str, Any]) -> Machine:
    """Build a machine from a mapping of field names to values (a TOML document or a program file's record).

    Raises:
        MachineError: an unknown or missing field, or a broken rule.
    """
    known = {field.name: field for field in dataclasses.fields(Machine)}
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise MachineError(f"unknown field {unknown[0]!r}; legal fields are {', '.join(known)}")
    required = [name for name, field in known.items() if field.default is dataclasses.MISSING]
    missing = [name for name in required if name not in fields]
    if missing:
        raise MachineError(f"field {missing[0]!r} is missing; required are {', '.join(required)}")
    return Machine(**fields)


def machine_names() -> list[str]:
    """Return the names of the machines that come with tpukit."""
    folder = resources.files("machine") / "configurations"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_machine(name_or_path: str) -> Machine:
    """Load a machine by name (`machine_names`) or from a TOML file.

    Raises:
        MachineError: no such machine or file, not TOML, or a broken rule.
    """
    if name_or_path in machine_names():
        text = (resources.files("machine") / "configurations" / f"{name_or_path}.toml").read_text()
    elif name_or_path.endswith(".toml"):
        try:
            text = Path(name_or_path).read_text(encoding="utf-8-sig")
        except OSError as error:
            raise MachineError(f"cannot read machine file {name_or_path!r}: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise MachineError(f"machine file {name_or_path!r} is not UTF-8: {error.reason}") from None
    else:
        names = ", ".join(machine_names())
        raise MachineError(f"no machine {name_or_path!r}; legal are {names}, or the path of a .toml file")
    try:
        fields = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, thousands of brackets
        raise MachineError(f"machine file {name_or_path!r} is not TOML: {error}") from None
    return parse_machine(fields)
