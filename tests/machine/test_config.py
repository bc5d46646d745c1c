"""Machines: the named ones are legal, and every rule refuses its offence by name."""

from __future__ import annotations

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
        ({"name": "a b"}, "name must be letters"),
        ({"colour": 1}, "unknown field 'colour'"),
    ],
)
def test_broken_rules_are_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(MachineError, match=message.replace("*", r"\*")):
        parse_machine({**load_machine("edge16").to_dict(), **change})


def test_missing_field_unknown_name_and_bad_files(tmp_path) -> None:
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
