"""What would help: equal to a fresh compilation for the changed machine, and the right thing for known networks."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from benchmarks.networks import compile_convolution, compile_random, product_model
from compiler.quantizer.calibration import RandomCalibration
from machine.assembly import assemble
from machine.config import Machine, load_machine, machine_names
from machine.errors import TpukitError
from machine.program import Program
from runtime.compile import compile_program
from runtime.demo import compile_digits
from runtime.profile import CAUSES, NetworkProfile, profile_program
from runtime.profile.variants import VARIANTS, WIDER, machine_variants
from runtime.profile.verdict import _GROUPS, _LIMITS, verdict
from runtime.profile.what_if import KERNEL_VARIANTS, WhatIf, what_if
from runtime.timing import program_times
from tests.e2e.host_models import normalized
from tests.runtime.helpers import COPY


def cycles_of(program: Program) -> int:
    return sum(timing.cycles for timing in program_times(program))


def what_ifs_of(program: Program) -> dict[str, WhatIf]:
    return {result.name: result for result in what_if(profile_program(program))}


def toml_machine(machine: Machine, result: WhatIf, folder: Path) -> Machine:
    """Write the changed machine as a user would, and load it."""
    fields = machine.to_dict() | {change.field: change.new for change in result.changes}
    path = folder / "changed.toml"
    path.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in fields.items()))
    assert tomllib.loads(path.read_text()) == fields
    return load_machine(str(path))


@pytest.mark.parametrize("name", ["edge4x8", "edge16"])
def test_every_result_is_that_of_a_fresh_compilation_for_the_machine_in_a_file(name: str, tmp_path: Path) -> None:
    machine = load_machine(name)
    results = what_ifs_of(compile_digits(machine))
    assert set(results) == set(VARIANTS) - {"dram"}, "a machine without DRAM has none to change"
    for result in results.values():
        assert all(change.old == getattr(machine, change.field) != change.new for change in result.changes)
        if result.cycles is None:
            with pytest.raises(TpukitError) as refusal:
                compile_digits(toml_machine(machine, result, tmp_path))
            assert str(refusal.value) == result.error
        else:
            assert result.cycles == cycles_of(compile_digits(toml_machine(machine, result, tmp_path))), result


def test_a_program_for_several_samples_is_compiled_for_as_many() -> None:
    machine, model = load_machine("edge8"), product_model(64, 40)
    results = what_ifs_of(compile_random(machine, model, "product", batch=3))
    wider = replace(machine, columns=16, accumulator_bytes=2 * machine.accumulator_bytes)
    assert results["columns"].cycles == cycles_of(compile_random(wider, model, "product", batch=3))


def test_a_program_that_the_host_cuts_in_two_counts_both_segments() -> None:
    model = normalized().SerializeToString()
    program = compile_program(model, load_machine("edge8"), RandomCalibration())
    assert len(program.segments) == 2
    faster = replace(program.machine, bus_bytes=16, load_buffer_bytes=4096, weight_fifo_tiles=32)
    expected = cycles_of(compile_program(model, faster, RandomCalibration()))
    assert what_ifs_of(program)["bandwidth"].cycles == expected


def test_the_best_comes_first_and_what_is_not_possible_last() -> None:
    profile = profile_program(compile_digits(replace(load_machine("edge8x4"), rows=16)))
    *possible, rows = what_if(profile)
    savings = [result.saved_cycles for result in possible]
    assert savings == sorted(savings, reverse=True) and savings[0] > 0
    assert all(result.cycles == profile.total.total_cycles - result.saved_cycles for result in possible)
    assert (rows.name, rows.cycles, rows.saving, rows.speedup) == ("rows", None, 0, 1)
    assert rows.error == "rows = 32: rows and columns (4) may differ by a factor of at most 4"


def test_the_largest_array_cannot_grow() -> None:
    errors = {variant.name: variant.error for variant in machine_variants(load_machine("tpu_v1"))}
    assert errors["columns"] == "columns = 512: must be a power of two from 4 to 256"
    assert errors["rows"] == "rows = 512: must be a power of two from 4 to 256"
    assert {name for name, error in errors.items() if error} == {"columns", "rows"}


@pytest.mark.parametrize("name", machine_names())
def test_the_bandwidth_grows_as_far_as_it_may(name: str) -> None:
    machine = load_machine(name)
    (faster,) = (variant.machine for variant in machine_variants(machine) if variant.name == "bandwidth")
    assert faster is not None
    factor = bytes_a_cycle(faster) / bytes_a_cycle(machine)
    assert factor == (2 if name != "tpu_v1" else Fraction(112, 85))


def bytes_a_cycle(machine: Machine) -> Fraction:
    return Fraction(machine.bus_bytes * machine.bus_rate_numerator, machine.bus_rate_denominator)


def test_a_slower_bus_is_doubled_in_rate_before_width() -> None:
    machine = replace(load_machine("edge16"), bus_rate_numerator=3, bus_rate_denominator=7)
    (variant,) = (variant for variant in machine_variants(machine) if variant.name == "bandwidth")
    assert [str(change) for change in variant.changes] == ["bus_rate_numerator: 3 -> 6"]
    assert variant.change == "twice the bandwidth"


def test_the_changed_fields_of_edge8() -> None:
    """A wider bus needs larger buffers there; a wider array keeps the depth of its accumulators."""
    machine = load_machine("edge8")
    fields = {variant.name: [str(change) for change in variant.changes] for variant in machine_variants(machine)}
    assert fields == {
        "bandwidth": ["bus_bytes: 8 -> 16", "load_buffer_bytes: 2048 -> 4096", "weight_fifo_tiles: 16 -> 32"],
        "latency": ["read_latency_cycles: 100 -> 50", "write_latency_cycles: 100 -> 50"],
        "scratchpad": ["scratchpad_bytes: 65536 -> 131072"],
        "accumulators": ["accumulator_bytes: 16384 -> 32768"],
        "columns": ["columns: 8 -> 16", "accumulator_bytes: 16384 -> 32768"],
        "rows": ["rows: 8 -> 16"],
        "weight_fifo": ["weight_fifo_tiles: 16 -> 32"],
        "queues": ["queue_depth: 8 -> 16"],
        "fetch_buffer": ["fetch_buffer_instructions: 16 -> 32"],
    }


def test_memory_that_cannot_be_faster_is_left_out() -> None:
    machine = replace(load_machine("edge16"), read_latency_cycles=1, write_latency_cycles=1)
    assert "latency" not in {variant.name for variant in machine_variants(machine)}


def test_a_dram_is_left_out_where_there_is_one() -> None:
    with_dram = replace(load_machine("edge16"), dram_banks=8)
    (without,) = (variant for variant in machine_variants(with_dram) if variant.name == "dram")
    assert [str(change) for change in without.changes] == ["dram_banks: 8 -> 0"]
    assert without.machine == load_machine("edge16") and not without.compiled_for
    assert "dram" not in {variant.name for variant in machine_variants(load_machine("edge16"))}


def test_a_kernel_is_timed_as_it_is() -> None:
    program = assemble(COPY.read_text(), replace(load_machine("nano4"), dram_banks=2), "copy")
    results = what_ifs_of(program)
    assert set(results) == set(KERNEL_VARIANTS) and not any(result.compiled for result in results.values())
    for result in results.values():
        changed = replace(program.machine, **{change.field: change.new for change in result.changes})
        assert result.cycles == cycles_of(assemble(COPY.read_text(), changed, "copy"))
    assert results["latency"].saved_cycles > 0 and results["dram"].saved_cycles > 0


def test_a_kernel_that_the_changed_machine_cannot_execute_says_so() -> None:
    text = ".memory 16384\nload memory_address=0x400 line_bytes=4064 words=17 window_bytes=16 window_stride=253\nhalt\n"
    results = what_ifs_of(assemble(text, load_machine("edge16"), "load"))
    assert results["bandwidth"].error.startswith("instruction 0 (load): a segment needs 4099 bytes of the line")
    assert results["latency"].saved_cycles > 0 and not results["latency"].error


def test_a_program_of_the_host_alone_has_nothing_to_change() -> None:
    program = Program(load_machine("nano4"), (), np.zeros(0, np.uint8), 0)
    profile = profile_program(program)
    assert what_if(profile) == ()
    assert verdict(profile, ()) == "Nothing runs on the accelerator."


def test_a_large_fully_connected_layer_on_a_narrow_bus_is_limited_by_bandwidth() -> None:
    machine = replace(load_machine("edge16"), bus_bytes=8)
    profile = profile_program(compile_random(machine, product_model(512, 512), "product"))
    results = what_if(profile)
    assert results[0].name == "bandwidth" and 0.4 < results[0].saving < 0.5
    assert all(result.saving < 0.05 for result in results[1:])
    line = verdict(profile, results)
    assert line.startswith("Limited by the memory's bandwidth: ") and "% wait for weights," in line


def test_a_convolution_is_limited_by_the_array() -> None:
    profile = profile_program(compile_convolution(load_machine("edge16"), 256, 14, 256, 3))
    results = what_if(profile)
    assert {results[0].name, results[1].name} == {"columns", "rows"}
    assert all(0.4 < result.saving < 0.5 for result in results[:2])
    assert all(result.saving < 0.05 for result in results[2:])
    line = verdict(profile, results)
    assert re.match(r"Limited by the array's size: of the array's cycles 8\d\.\d% compute, ", line)


def test_a_balanced_machine_is_limited_by_array_and_bandwidth_together() -> None:
    """Tiles of 256 bytes over 16 bytes a cycle arrive as fast as 16 rows shift in: neither helps alone."""
    profile = profile_program(compile_random(load_machine("edge16"), product_model(512, 512), "product"))
    results = what_if(profile)
    assert results[0].name == WIDER and results[0].saving > 0.3
    assert all(result.saving < 0.05 for result in results[1:])
    line = verdict(profile, results)
    assert line.startswith("Limited by the array's size and the memory's bandwidth together: of the array's cycles 8")
    assert "% wait for a weight tile to shift in," in line


def test_the_verdict_says_shares_and_savings() -> None:
    profile = profile_of(useful=600, wait_weights=200, wait_token_weights=100, drain=95, idle_end=5)
    assert verdict(profile, [made("bandwidth", 850), made("latency", 990), made("queues", 1000)]) == (
        "Limited by the memory's bandwidth: of the array's cycles 60.0% compute, 30.0% wait for weights, "
        "9.5% start and drain, 0.5% are other; twice the bandwidth would save 15.0% (150 cycles), twice the latency "
        "1.0% (10 cycles); less than 0.1%: queues."
    )
    assert verdict(profile_of(useful=995, drain=5), [made("queues", 1000), made("rows", None)]) == (
        "No single limit: of the array's cycles 99.5% compute, 0.5% are other; no change that was tried saves 0.1%."
    )
    worse = [made("bandwidth", 850), made("queues", 1000), made("rows", 1394)]
    assert verdict(profile_of(useful=1000), worse).endswith(
        "twice the bandwidth would save 15.0% (150 cycles); less than 0.1%: queues; twice the rows would cost 39.4%."
    )
    assert verdict(profile_of(useful=1000), worse[2:]).endswith(
        "no change that was tried saves 0.1%; twice the rows would cost 39.4%."
    )
    copied = verdict(profile_of(store=350, idle_end=650), [])
    assert "65.0% have nothing left to do, 35.0% wait for results to be stored" in copied


@pytest.mark.parametrize(
    ("columns", "rows", "limit"),
    [
        (700, 850, "Limited by the array's size:"),
        (850, 700, "Limited by the array's size:"),
        (700, 851, "Limited by the array's columns, which are also the vector engine's lanes:"),
        (851, 700, "Limited by the array's rows:"),
        (950, 1000, "Limited by the array's columns"),
        (951, 951, "No single limit:"),
        (None, 700, "Limited by the array's rows:"),
    ],
)
def test_rows_and_columns_that_save_alike_are_the_array(columns: int | None, rows: int | None, limit: str) -> None:
    assert verdict(profile_of(useful=1000), [made("columns", columns), made("rows", rows)]).startswith(limit)


def profile_of(**cycles: int) -> NetworkProfile:
    profile = profile_program(Program(load_machine("nano4"), (), np.zeros(0, np.uint8), 0))
    return replace(profile, total=replace(profile.total, cycles=dict.fromkeys(CAUSES, 0) | cycles))


def made(name: str, cycles: int | None) -> WhatIf:
    return WhatIf(name, f"twice the {name}", (), 1000, cycles, True, "" if cycles is not None else "not legal")


def test_every_cause_is_in_one_group_and_every_change_has_a_limit() -> None:
    causes = [cause for group in _GROUPS.values() for cause in group]
    assert sorted(causes) == sorted(CAUSES)
    assert set(_LIMITS) == {*VARIANTS, WIDER}
