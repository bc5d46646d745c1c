"""Seeded rows of random programs: equal on both models; a planted fault is found, made small, saved and replayed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accel_sim import events
from machine.config import load_machine
from machine.errors import ProgramError, ToolError
from machine.isa import Opcode, encode, make
from machine.program import Program, load_program
from rtl.run import RtlResult
from runtime.fuzz.campaign import FuzzBackend, check_case, run_campaign
from runtime.fuzz.cases import Case, draw_case, load_case
from runtime.fuzz.random_programs import MEMORY_BYTES
from tests.accel_sim.events.test_faults import FAULTS
from tests.runtime.helpers import COPY, Cli
from tests.runtime.test_cli_cosim import software

NANO = load_machine("nano4")


def plant(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the events kernel a size that is wrong by one."""
    right = events.initial_state

    def wrong(*arguments: Any) -> Any:
        state = right(*arguments)
        FAULTS[fault](state[0])
        return state

    monkeypatch.setattr(events, "initial_state", wrong)


@pytest.mark.parametrize("illegal", [False, True])
def test_models_of_time_are_equal(illegal: bool) -> None:
    campaign = run_campaign(7, 40, None, illegal, FuzzBackend.EVENTS)
    assert (campaign.programs, campaign.failure) == (40, None) and campaign.cycles > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("illegal", [False, True])
def test_many_programs_reach_every_stall_and_all_contention(illegal: bool) -> None:
    campaign = run_campaign(11, 900, None, illegal, FuzzBackend.EVENTS)
    missing = campaign.coverage.missing()
    assert campaign.failure is None
    for kind in ("instructions", "endings", "stalls", "contention"):
        assert not missing[kind], kind


def test_cases_are_those_of_their_number() -> None:
    assert draw_case(3, 5, None, True) == draw_case(3, 5, None, True)
    assert len({draw_case(seed, number, NANO, False).code for seed in range(3) for number in range(3)}) == 9
    assert draw_case(3, 5, NANO, False).machine == NANO and draw_case(3, 5, NANO, False).is_legal()
    assert any(None in draw_case(1, number, None, True).decoded() for number in range(40))


@pytest.mark.parametrize("fault", ["a read takes a cycle longer", "a queue holds one more", "a half has one row less"])
@pytest.mark.parametrize("illegal", [False, True])
def test_a_fault_is_found_made_small_and_replayed(
    fault: str, illegal: bool, monkeypatch: pytest.MonkeyPatch, cli: Cli, tmp_path: Path
) -> None:
    options = ["--seed", 2, "--count", 400, "-o", tmp_path, *(["--illegal"] if illegal else [])]
    with monkeypatch.context() as patch:
        plant(fault, patch)
        report = cli("fuzz", *options, "--json")
        assert (report.code, report.stderr) == (1, "")
        (path,) = tmp_path.iterdir()
        failure = json.loads(report.stdout)["failure"]
        assert failure["file"] == str(path) and failure["differences"]
        assert failure["instructions_shrunk"] == len(load_case(path).words) <= min(8, failure["instructions"])
        text = cli("fuzz", *options).text
        assert f"tpukit fuzz --replay {path} shows it" in text.splitlines()[-1]
        assert failure["differences"][0] in text.splitlines()[-1]
        again = cli("fuzz", "--replay", path)
        assert again.code == 1 and "DIFFERENT" in again.text and failure["differences"][0] in again.text
    healed = cli("fuzz", "--replay", path)
    assert healed.code == 0 and "equal" in healed.text
    assert cli("fuzz", "--replay", path, "--json").json["differences"] == []


@pytest.mark.parametrize("number", range(12))
def test_a_saved_case_is_the_same_case(number: int, tmp_path: Path) -> None:
    case = draw_case(1, number, None, True)
    path = tmp_path / "case.tpu"
    case.program().save(path)
    again = load_case(path)
    assert (again.machine, again.code, again.source) == (case.machine, case.code, case.source)
    if None not in case.decoded():
        assert np.array_equal(again.memory(), case.memory())
        assert load_program(path).machine == case.machine


def test_files_that_are_no_cases(tmp_path: Path, digits_program: Program) -> None:
    path = tmp_path / "other.tpu"
    digits_program.save(path)
    with pytest.raises(ProgramError, match="is no kernel with a memory of 65536 bytes"):
        load_case(path)
    Program(NANO, (), np.zeros(63, np.uint8), MEMORY_BYTES).save(path)
    with pytest.raises(ProgramError, match="holds no instructions"):
        load_case(path)


def test_rtl_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Software stands for the RTL: equal, then with a counter that is stuck, bytes that are wrong, and no end."""
    monkeypatch.setattr("runtime.fuzz.campaign.run_on_rtl", software)
    assert run_campaign(1, 5, NANO, False, FuzzBackend.RTL).failure is None

    def stuck(*arguments: Any, **options: Any) -> RtlResult:
        result = software(*arguments, **options)
        result.counters[0, 1] = 0
        return result

    monkeypatch.setattr("runtime.fuzz.campaign.run_on_rtl", stuck)
    failure = run_campaign(1, 5, NANO, False, FuzzBackend.RTL).failure
    assert failure is not None and len(failure.small.words) == 1
    assert failure.differences[0].startswith("counter load.busy: simulator ")

    def wrong_byte(*arguments: Any, **options: Any) -> RtlResult:
        result = software(*arguments, **options)
        result.memory[MEMORY_BYTES // 2] ^= 1
        return result

    monkeypatch.setattr("runtime.fuzz.campaign.run_on_rtl", wrong_byte)
    case = Case(NANO, encode(make(Opcode.HALT)), bytes(MEMORY_BYTES), "by hand")
    assert "byte 0x8000" in check_case(case, FuzzBackend.RTL).differences[0]
    load = make(Opcode.LOAD, window_bytes=1)
    store = make(Opcode.STORE, window_bytes=1, memory_address=MEMORY_BYTES // 2)
    race = case.with_code(encode(load) + encode(store) + case.code)  # what it stores is not defined
    assert not check_case(race, FuzzBackend.RTL).differences

    def endless(*_: Any, **__: Any) -> RtlResult:
        raise ToolError("it was stopped")

    monkeypatch.setattr("runtime.fuzz.campaign.run_on_rtl", endless)
    with pytest.raises(ToolError, match="by hand: it was stopped"):
        check_case(case, FuzzBackend.RTL)


@pytest.mark.slow
@pytest.mark.parametrize(("illegal", "count"), [(False, 10), (True, 20)])
def test_simulator_and_rtl_are_equal(illegal: bool, count: int) -> None:
    assert run_campaign(4, count, NANO, illegal, FuzzBackend.RTL).failure is None


def test_text_and_json(cli: Cli, tmp_path: Path) -> None:
    done = cli("fuzz", "--count", 6, "--machine", "edge4x8", "-o", tmp_path)
    assert (done.code, done.stderr) == (0, "")
    assert done.text.splitlines()[-1].startswith("equal: 6 programs, ")
    assert "never reached, fields of load:" in done.text
    report = cli("fuzz", "--count", 6, "--machine", "edge4x8", "-o", tmp_path, "--json")
    assert report.stdout == cli("fuzz", "--count", 6, "--machine", "edge4x8", "-o", tmp_path, "--json").stdout
    assert (report.json["machine"], report.json["programs"], report.json["failure"]) == ("edge4x8", 6, None)
    assert set(report.json["coverage"]["counts"]) == set(report.json["coverage"]["never_reached"])
    assert not list(tmp_path.iterdir())


def test_bad_input(cli: Cli, tmp_path: Path) -> None:
    cli("fuzz", "--machine", "no").refuses("no")
    cli("fuzz", "-o", tmp_path / "no").refuses("no' does not exist")
    cli("fuzz", "--backend", "rtl").refuses("--backend rtl needs --machine")
    cli("fuzz", "--replay", tmp_path / "no.tpu").refuses("cannot read program")
    cli("fuzz", "--replay", COPY, "--seed", 1).refuses("--replay takes no --seed")
    cli("fuzz", "--replay", COPY).refuses("not a tpukit program file")
    assert cli("fuzz", "--count", 0).code == 2
