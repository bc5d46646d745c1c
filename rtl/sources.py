"""The Verilog files in the order in which tools read them, and the values of their parameters for a machine."""

from __future__ import annotations

from pathlib import Path

from machine.config import Machine

ROOT = Path(__file__).resolve().parent
PACKAGE = ROOT / "generated" / "tpukit_isa.sv"
UNITS = (
    "memory",
    "scratchpad",
    "accumulators",
    "load",
    "weights",
    "matrix",
    "vector",
    "store",
    "control",
    "host",
    "tpu",
)
"""The folders of the design, the top last."""
BOARD = ROOT / "board"
TESTBENCH = ROOT / "testbench"
CPP_MAIN = TESTBENCH / "main.cpp"


def design_sources() -> list[Path]:
    """Return the files of the design: the generated package first, the top last. The test bench is not among them."""
    return [PACKAGE, *(path for unit in UNITS for path in sorted((ROOT / unit).glob("*.sv")))]


def board_sources() -> list[Path]:
    """Return the files of the design in its wrapper for boards, whose top is `tpu_axi` (docs/board.md)."""
    return [*design_sources(), BOARD / "axil_buffer.sv", BOARD / "tpu_axi.v"]


def bench_sources() -> list[Path]:
    """Return the files of the design and of the test bench whose top is `testbench`."""
    own = ("dram_banks.sv", "axi_memory.sv", "engine_wave.sv", "engine_waves.sv", "testbench.sv")
    return [*design_sources(), *(TESTBENCH / name for name in own)]


def design_parameters(machine: Machine) -> dict[str, int]:
    """Return the parameters of `tpu` for a machine."""
    return {
        "ROWS": machine.rows,
        "COLUMNS": machine.columns,
        "BANKS": machine.scratchpad_banks,
        "BANK_WORDS": machine.bank_words,
        "ACC_ROWS": machine.accumulator_rows,
        "FIFO_TILES": machine.weight_fifo_tiles,
        "PARAM_ENTRIES": machine.parameter_entries,
        "LOAD_BEATS": machine.load_buffer_beats,
        "BUS_BYTES": machine.bus_bytes,
        "OUTSTANDING": machine.memory_outstanding,
        "QUEUE_DEPTH": machine.queue_depth,
        "FETCH_DEPTH": machine.fetch_buffer_instructions,
    }


def bench_parameters(machine: Machine, memory_bytes: int) -> dict[str, int]:
    """Return the parameters of `testbench` for a machine with a memory of `memory_bytes` (a power of two)."""
    return {
        **design_parameters(machine),
        "DEPTH": memory_bytes // machine.bus_bytes,
        "READ_LATENCY": machine.read_latency_cycles,
        "WRITE_LATENCY": machine.write_latency_cycles,
        "RATE_NUMERATOR": machine.bus_rate_numerator,
        "RATE_DENOMINATOR": machine.bus_rate_denominator,
        **(_dram_parameters(machine) if machine.dram_banks else {}),
    }


def _dram_parameters(machine: Machine) -> dict[str, int]:
    return {
        "DRAM_BANKS": machine.dram_banks,
        "DRAM_ROW_BYTES": machine.dram_row_bytes,
        "DRAM_ACTIVATE": machine.dram_activate_cycles,
        "DRAM_PRECHARGE": machine.dram_precharge_cycles,
        "DRAM_REFRESH_INTERVAL": machine.dram_refresh_interval_cycles,
        "DRAM_REFRESH": machine.dram_refresh_cycles,
    }
