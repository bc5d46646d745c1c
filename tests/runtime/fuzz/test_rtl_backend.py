"""The RTL as the other side; in the quick tests software stands for it, with planted differences."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from accel_sim.function import execute
from accel_sim.time import decode_program, start_of, time_decoded
from machine.config import Machine, load_machine
from machine.errors import ToolError
from machine.isa import Engine, Instruction, Opcode, decode, encode, make
from machine.registers import Status
from rtl.run import RtlResult, RtlRun, RtlStopped
from runtime.fuzz.campaign import run_campaign
from runtime.fuzz.cases import BUILT, Case, Draws, load_case
from runtime.fuzz.checks import FuzzBackend, check_cases
from runtime.fuzz.random_programs import MEMORY_BYTES
from tests.runtime.helpers import Cli

NANO = load_machine("nano4")
Results = list[RtlResult | ToolError]
RUN_PROGRAMS = "runtime.fuzz.checks.run_programs"


def software(machine: Machine, runs: Sequence[RtlRun]) -> Results:
    """Answer as the RTL would if it were equal."""
    return [_software(machine, run) for run in runs]


def _software(machine: Machine, run: RtlRun) -> RtlResult | ToolError:
    code = run.memory[: 64 * run.program_length].tobytes()
    program = decode_program(machine, code)
    time = time_decoded(machine, program, start_of(run.program_length, 0, run.memory_limit, run.max_cycles))
    if time.status is Status.RUNNING:
        return RtlStopped(run.max_cycles, time.issue, time.retire)
    after = run.memory[None].copy()
    if time.status is Status.DONE:
        execute(machine, [decode(code[first : first + 64]) for first in range(0, len(code), 64)], after)
    return RtlResult(time.status, time.cycles, time.issue, time.retire, time.counters.copy(),
                     time.read_beats, time.write_beats, after[0], 0.5, 0.5)


def changed(change: Callable[[RtlResult], None]) -> Callable[[Machine, Sequence[RtlRun]], Results]:
    """Return software whose results are changed."""

    def run(machine: Machine, runs: Sequence[RtlRun]) -> Results:
        results = software(machine, runs)
        for result in results:
            if isinstance(result, RtlResult):
                change(result)
        return results

    return run


def case_of(*instructions: Instruction, source: str = "by hand") -> Case:
    return Case(NANO, b"".join(map(encode, instructions)), bytes(MEMORY_BYTES), source)


def found(case: Case) -> list[str]:
    (verdict,) = check_cases([case], FuzzBackend.RTL, ask=True)
    return verdict.differences


@pytest.mark.parametrize("illegal", [False, True])
def test_equal_machines(illegal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RUN_PROGRAMS, software)
    campaign = run_campaign(Draws(1, illegal, largest=BUILT, programs_per_machine=7), 20, FuzzBackend.RTL)
    assert (campaign.failure, campaign.programs, campaign.asked) == (None, 20, 20)
    assert campaign.proved < 20 if illegal else campaign.proved == 20


def test_a_stuck_counter_is_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    def stuck(result: RtlResult) -> None:
        result.counters[Engine.LOAD, 1] = 0

    monkeypatch.setattr(RUN_PROGRAMS, changed(stuck))
    failure = run_campaign(Draws(1, False, NANO, programs_per_machine=5), 5, FuzzBackend.RTL).failure
    assert failure is not None and len(failure.small.words) == 1
    assert failure.differences[0].startswith("counter load.busy: simulator ")


def test_bytes_that_are_defined_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong_byte(result: RtlResult) -> None:
        result.memory[MEMORY_BYTES // 2] ^= 1

    monkeypatch.setattr(RUN_PROGRAMS, changed(wrong_byte))
    halt = make(Opcode.HALT)
    assert "byte 0x8000" in found(case_of(halt))[0]
    load = make(Opcode.LOAD, window_bytes=1)
    store = make(Opcode.STORE, window_bytes=1, memory_address=MEMORY_BYTES // 2)
    assert not found(case_of(load, store, halt)), "a race: what it stores is not defined"
    below = make(Opcode.STORE, window_bytes=1, memory_address=MEMORY_BYTES // 2 - 1)
    assert found(case_of(load, below, halt)) == ["byte 0x8000, which no store reaches: RTL 0x01"]


def test_a_run_that_fails_is_a_failure_of_its_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash of the simulation at one instruction: the program is named, and made small to that one."""

    def crash(machine: Machine, runs: Sequence[RtlRun]) -> Results:
        results = software(machine, runs)
        for place, run in enumerate(runs):
            if any(run.memory[64 * index] & 15 == Opcode.VECTOR for index in range(run.program_length)):
                results[place] = ToolError("simulating the RTL failed: exit code -11")
        return results

    monkeypatch.setattr(RUN_PROGRAMS, crash)
    failure = run_campaign(Draws(1, False, NANO, programs_per_machine=5), 5, FuzzBackend.RTL).failure
    assert failure is not None and failure.differences == ["RTL: simulating the RTL failed: exit code -11"]
    (instruction,) = failure.small.decoded()
    assert instruction is not None and instruction.opcode is Opcode.VECTOR


def test_neither_may_end_before_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A load that takes long is given up on both; what happened until then is compared."""
    slow = dataclasses.replace(NANO, bus_rate_denominator=1000)
    case = dataclasses.replace(case_of(make(Opcode.LOAD, window_bytes=1, line_bytes=200), make(Opcode.HALT)),
                               machine=slow)
    (verdict,) = check_cases([case], FuzzBackend.EVENTS, ask=True)
    assert verdict.time.status is Status.RUNNING and not verdict.differences
    monkeypatch.setattr(RUN_PROGRAMS, software)
    assert not found(case)

    def later(machine: Machine, runs: Sequence[RtlRun]) -> Results:
        (result,) = software(machine, runs)
        assert isinstance(result, RtlStopped)
        result.issue[Engine.LOAD] = result.issue[Engine.LOAD] + 1
        return [result]

    monkeypatch.setattr(RUN_PROGRAMS, later)
    assert found(case)[0].startswith("issue of load: simulator [")

    def endless(machine: Machine, runs: Sequence[RtlRun]) -> Results:
        nothing = {engine: np.zeros(0, np.int64) for engine in Engine}
        return [RtlStopped(run.max_cycles, nothing, nothing) for run in runs]

    monkeypatch.setattr(RUN_PROGRAMS, endless)
    assert "did not end within" in found(case_of(make(Opcode.HALT)))[0]


def test_a_legal_program_that_ends_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where verifier and machine disagree, whoever of them is wrong; and where a drawn program is not proved legal."""
    endings = case_of(make(Opcode.LOAD, window_bytes=1, wait=2), make(Opcode.HALT))
    for backend in FuzzBackend:
        monkeypatch.setattr(RUN_PROGRAMS, software)
        (verdict,) = check_cases([endings], backend, ask=True)
        assert verdict.refusal is not None and not verdict.differences
        with monkeypatch.context() as patch:
            patch.setattr("runtime.fuzz.cases.verify_program", lambda *_: None)
            (verdict,) = check_cases([endings], backend, ask=True)
            assert verdict.differences[-1].startswith("proved legal, and ends in cycle ")
            assert verdict.differences[-1].endswith("with deadlock")
    monkeypatch.setattr("runtime.fuzz.cases.encode", lambda _: encode(endings.decoded()[0] or make(Opcode.HALT)))
    failure = run_campaign(Draws(1, False, NANO), 5, FuzzBackend.EVENTS).failure
    assert failure is not None and failure.differences[0].startswith("drawn to be legal, and refused: ")


def test_random_machines_by_the_command(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RUN_PROGRAMS, software)
    options = ["fuzz", "--backend", "rtl", "--count", 7, "--programs-per-machine", 3, "--seed", 9, "-o", tmp_path]
    lines = cli(*options).text.splitlines()
    assert lines[-1].startswith("equal: 7 programs on 3 machines, ") and lines[-1].endswith("simulator and RTL")
    assert "the verifier proves 7 of 7 programs legal" in lines
    assert cli(*options, "--json").json["machines"] == 3

    def stuck(result: RtlResult) -> None:
        result.counters[Engine.STORE, 0] += 1

    monkeypatch.setattr(RUN_PROGRAMS, changed(stuck))
    failed = cli(*options, "--json")
    failure = json.loads(failed.stdout)["failure"]
    number = json.loads(failed.stdout)["programs"] - 1
    assert failed.code == 1 and failure["file"] == str(tmp_path / f"fuzz-9-{number}.tpu")
    machine = load_case(failure["file"]).machine
    assert machine.to_dict() == failure["machine"]
    assert machine == Draws(9, False, largest=BUILT, programs_per_machine=3).case(number).machine
    lines = cli(*options).text.splitlines()
    assert f"rows = {machine.rows}, " in lines[-2]
    assert "tpukit fuzz --backend rtl --replay" in lines[-1]
    assert cli("fuzz", "--backend", "rtl", "--replay", failure["file"]).code == 1
    monkeypatch.setattr(RUN_PROGRAMS, software)
    assert cli("fuzz", "--backend", "rtl", "--replay", failure["file"]).code == 0
