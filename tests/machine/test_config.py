"""Machines: the named ones are legal, and every rule refuses its offence by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from machine.config import load_machine, machine_names, parse_machine
from machine.errors import MachineError


def test_edge16_is_the_machine_that_design_pins() -> None:
    machine = load_machine("edge16")
    assert (machine.rows, machine.columns, machine.scratchpad_bytes, machine.accumulator_bytes) == (
        16,
        16,
        1 << 18,
        1 << 16,
    )
    assert (machine.bus_bytes, machine.read_latency_cycles, machine.write_latency_cycles) == (16, 100, 100)
    assert machine.memory_outstanding == 16
    assert machine.accumulator_half_rows == 512


@pytest.mark.parametrize("name", ["nano4", "edge8", "edge16", "edge32", "tpu_v1", "edge4x8", "edge8x4"])
def test_named_machines_load_and_round_trip(name: str) -> None:
    machine = load_machine(name)
    assert machine.name == name and name in machine_names()
    assert parse_machine(machine.to_dict()) == machine


def test_non_square_words_and_granules() -> None:
    machine = load_machine("edge4x8")
    assert (machine.block_bytes, machine.granule_bytes, machine.granules_per_word) == (8, 4, 2)
    assert machine.bank_granules * machine.scratchpad_banks == machine.scratchpad_granules == 8192


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": 12}, "rows = 12: must be a power of two from 4 to 256"),
        ({"rows": 128}, "may differ by a factor of at most 4"),
        ({"rows": -4}, "rows must be a positive integer, received -4"),
        ({"rows": True}, "rows must be a positive integer, received True"),
        ({"rows": 16.0}, "rows must be a positive integer, received 16.0"),
        ({"scratchpad_banks": 2}, "must be a power of two from 4 to 16"),
        ({"scratchpad_bytes": 262145}, "must be a multiple of banks x word"),
        ({"scratchpad_bytes": 3 * 65536}, "a bank must hold a power of two of words"),
        ({"scratchpad_bytes": 1 << 23}, "at most 2**18 granules"),
        ({"accumulator_bytes": 65536 + 64}, "must hold a power of two"),
        ({"weight_fifo_tiles": 8}, "must hold latency x bytes a cycle plus two tiles, 2112 bytes"),
        ({"load_buffer_bytes": 2048}, "must hold latency x bytes a cycle plus two bursts, 2112 bytes"),
        ({"bus_rate_numerator": 2}, "at most one beat a cycle"),
        ({"name": "a b"}, "name must be 1 to 64 letters"),
        ({"name": "n" * 65}, "name must be 1 to 64 letters"),
        ({"name": "n\u00e4no"}, "name must be 1 to 64 letters"),
        ({"rows": "4" * 1000}, "rows must be a positive integer, received '4{79}$"),
        ({"clock_hz": 10**400}, "clock_hz must be below 2**32, received a number of 1329 bits"),
        ({"read_latency_cycles": 4097}, "read_latency_cycles = 4097: must be at most 4096"),
        ({"bus_rate_denominator": 65537}, "must be at most 65536"),
        ({"dram_banks": 3}, "dram_banks = 3: must be 0 or a power of two up to 64"),
        ({"dram_banks": 128}, "must be 0 or a power of two up to 64"),
        ({"dram_banks": -1}, "dram_banks must be a non-negative integer, received -1"),
        ({"dram_row_bytes": 128}, "must be a power of two from 256 to 65536"),
        ({"dram_row_bytes": 0}, "dram_row_bytes must be a positive integer, received 0"),
        ({"dram_activate_cycles": 4097}, "must be at most 4096"),
        ({"dram_precharge_cycles": 4097}, "must be at most 4096"),
        ({"dram_refresh_cycles": 7800}, "must be less than the interval of 7800 cycles"),
        ({"dram_refresh_interval_cycles": (1 << 24) + 1}, "must be at most 2**24"),
        ({"colour": 1}, "unknown field 'colour'"),
    ],
)
def test_broken_rules_are_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(MachineError, match=message.replace("*", r"\*")):
        parse_machine({**load_machine("edge16").to_dict(), **change})


def test_missing_field_unknown_name_and_bad_files(tmp_path: Path) -> None:
    fields = load_machine("edge16").to_dict()
    del fields["rows"]
    with pytest.raises(MachineError, match="field 'rows' is missing"):
        parse_machine(fields)
    with pytest.raises(MachineError, match="no machine 'edge17'; legal are edge16"):
        load_machine("edge17")
    with pytest.raises(MachineError, match="cannot read machine file"):
        load_machine(str(tmp_path / "absent.toml"))
    (tmp_path / "broken.toml").write_text("rows = ")
    with pytest.raises(MachineError, match="is not TOML"):
        load_machine(str(tmp_path / "broken.toml"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"rows = 1\xff", "is not UTF-8: invalid start byte"),
        (b"x = " + 100_000 * b"[", "is not TOML"),
        (b"rows = " + 5_000 * b"9", "is not TOML"),
        (b"rows = 4\nrows = 4", "is not TOML"),
        (b"", "field 'name' is missing"),
    ],
)
def test_hostile_files_are_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "hostile.toml"
    path.write_bytes(content)
    with pytest.raises(MachineError, match=message) as refused:
        load_machine(str(path))
    assert len(str(refused.value).splitlines()) == 1


def test_a_folder_is_no_machine_file(tmp_path: Path) -> None:
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    with pytest.raises(MachineError, match="cannot read machine file .*: Is a directory"):
        load_machine(str(folder))


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    fields = [f"{name} = {value!r}" for name, value in load_machine("nano4").to_dict().items()]
    path = tmp_path / "marked.toml"
    path.write_text("\n".join(fields), encoding="utf-8-sig")
    assert load_machine(str(path)) == load_machine("nano4")
