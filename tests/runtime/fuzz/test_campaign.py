"""Seeded rows of random programs: equal on both models; a planted fault is found, made small, saved and replayed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accel_sim import events
from machine.config import load_machine
from machine.errors import ProgramError
from machine.program import Program, load_program
from runtime.fuzz.campaign import run_campaign
from runtime.fuzz.cases import BUILT, EDGE_EVERY, VARIANTS, Draws, load_case
from runtime.fuzz.checks import FuzzBackend
from runtime.fuzz.random_programs import MEMORY_BYTES
from tests.accel_sim.events.test_faults import FAULTS
from tests.runtime.helpers import COPY, Cli

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
    campaign = run_campaign(Draws(7, illegal), 40, FuzzBackend.EVENTS)
    assert (campaign.programs, campaign.failure) == (40, None) and campaign.cycles > 10_000


@pytest.mark.slow
def test_many_programs_reach_all_that_legal_programs_can_reach() -> None:
    draws = Draws(1, illegal=False)
    campaign = run_campaign(draws, 5000, FuzzBackend.EVENTS)
    assert campaign.failure is None
    unreachable = campaign.coverage.unreachable(draws.edge_machines, draws.edge_memory_bytes)
    missing = campaign.coverage.missing(unreachable)
    assert set(missing) == {"instructions", "fields", "endings", "stalls", "contention"}
    assert not any(missing.values()), missing
    assert len(unreachable) == 6, "tests/runtime/fuzz/test_edges.py says which"


@pytest.mark.slow
def test_many_damaged_programs_reach_every_ending_stall_and_all_contention() -> None:
    campaign = run_campaign(Draws(11, illegal=True), 1200, FuzzBackend.EVENTS)
    assert campaign.failure is None
    missing = campaign.coverage.missing({})
    for kind in ("instructions", "endings", "stalls", "contention"):
        assert not missing[kind], kind


def test_cases_are_those_of_their_number() -> None:
    damaged = Draws(3, illegal=True)
    assert damaged.case(5) == damaged.case(5) == Draws(3, illegal=True).case(5)
    fixed = [Draws(seed, illegal=False, machine=NANO) for seed in range(3)]
    assert len({draws.case(number).code for draws in fixed for number in range(3)}) == 9
    assert fixed[0].case(5).machine == NANO and fixed[0].case(5).refusal() is None
    assert any(None in Draws(1, illegal=True).case(number).decoded() for number in range(40))


@pytest.mark.parametrize("largest", [(8,), (32,), (256,)])
def test_drawn_programs_are_proved_legal(largest: tuple[int, ...]) -> None:
    draws = Draws(6, illegal=False, largest=largest, programs_per_machine=1)
    for number in range(100):
        assert draws.case(number, with_memory=False).refusal() is None


def test_variants_of_a_program() -> None:
    legal, damaged = (Draws(4, illegal) for illegal in (False, True))
    for first in (0, VARIANTS):
        numbers = range(first, first + EDGE_EVERY - 1)  # the last is a program at an edge
        cases = [legal.case(number) for number in numbers]
        assert len({case.code for case in cases}) == 1 and len({case.machine for case in cases}) == len(numbers)
        assert {case.refusal() for case in cases} == {None}
        assert len({case.code for case in map(damaged.case, numbers)}) > len(numbers) // 2
    edges = [legal.case(EDGE_EVERY * number + EDGE_EVERY - 1) for number in range(30)]
    assert {case.refusal() for case in edges} == {None} and len({case.code for case in edges}) > 20
    assert legal.case(0).code != legal.case(VARIANTS).code


def test_programs_of_a_machine_that_is_built() -> None:
    cases = [Draws(4, False, largest=BUILT, programs_per_machine=3).case(number) for number in range(7)]
    assert [case.machine == cases[0].machine for case in cases] == [True] * 3 + [False] * 4
    assert cases[3].machine == cases[5].machine != cases[6].machine
    assert len({case.code for case in cases}) == 7
    assert all(max(case.machine.rows, case.machine.columns) <= 8 for case in cases)


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


@pytest.mark.parametrize("number", [*range(12), 447, 8 * 302 + 7])
def test_a_saved_case_is_the_same_case(number: int, tmp_path: Path) -> None:
    case = Draws(1, illegal=number < 12).case(number)
    path = tmp_path / "case.tpu"
    case.program().save(path)
    again = load_case(path)
    assert (again.machine, again.code, again.source) == (case.machine, case.code, case.source)
    if None not in case.decoded():
        assert (again.memory_bytes, again.program_address) == (case.memory_bytes, case.program_address)
    if None not in case.decoded():
        assert np.array_equal(again.memory(), case.memory())
        assert load_program(path).machine == case.machine


def test_files_that_are_no_cases(tmp_path: Path, digits_program: Program) -> None:
    path = tmp_path / "other.tpu"
    digits_program.save(path)
    with pytest.raises(ProgramError, match="is no kernel, as fuzz saves it"):
        load_case(path)
    Program(NANO, (), np.zeros(63, np.uint8), MEMORY_BYTES).save(path)
    with pytest.raises(ProgramError, match="holds no instructions"):
        load_case(path)


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
    cli("fuzz", "--programs-per-machine", 3).refuses("--programs-per-machine is for the random machines of --backend")
    cli("fuzz", "--backend", "rtl", "--machine", "nano4", "--programs-per-machine", 3).refuses("without --machine")
    cli("fuzz", "--replay", tmp_path / "no.tpu").refuses("cannot read program")
    cli("fuzz", "--replay", COPY, "--seed", 1).refuses("--replay takes only --backend and --json")
    cli("fuzz", "--replay", COPY).refuses("not a tpukit program file")
    assert cli("fuzz", "--count", 0).code == 2
