"""The list of planted errors fits the tree, covers every unit, and what the command does with one of them is so."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutants.__main__ import main, table
from tests.mutants.listed import GROUPS, MUTANTS, chosen
from tests.mutants.mutant import ROOT, Mutant, StaleMutantError
from tests.mutants.trial import Outcome, TrialError, Trials, copied_tree, copy_machine_code

UNITS = {
    "accumulators", "control", "host", "load", "matrix", "memory", "scratchpad", "store", "vector", "weights",
}  # fmt: skip
"""The units of the machine in Verilog."""
FAST = "assembly_mask"
"""An error whose tests take a few seconds."""
FAST_TESTS = ("tests/machine/test_assembly.py::test_text_round_trips",)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_error_can_be_planted_and_its_tests_exist(mutant: Mutant) -> None:
    mutant.check()


def test_names_are_told_apart_and_every_unit_has_an_error() -> None:
    assert max(Counter(mutant.name for mutant in MUTANTS).values()) == 1
    assert {Path(mutant.file).parent.name for mutant in GROUPS["rtl"]} >= UNITS
    least = {"rtl": 12, "simulator": 12, "compiler": 10, "machine": 6}
    assert all(len(GROUPS[group]) >= count for group, count in least.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"old": "no such text"}, "occurs 0 times"),
        ({"old": "import"}, "times in machine/assembly.py; legal is once"),
        ({"new": MUTANTS[0].old, "old": MUTANTS[0].old, "file": MUTANTS[0].file}, "replaced by itself"),
        ({"file": "machine/nothing.py"}, "there is no machine/nothing.py"),
        ({"tests": ()}, "no tests are named"),
        ({"tests": ("tests/machine/test_nothing.py",)}, "there is no tests/machine/test_nothing.py"),
        ({"tests": ("tests/machine/test_assembly.py::test_nothing[a]",)}, "has no test_nothing"),
    ],
)
def test_a_stale_entry_is_refused(change: dict[str, object], message: str) -> None:
    stale = replace(chosen([FAST])[0], **change)
    with pytest.raises(StaleMutantError, match=message):
        stale.check()


def test_names_groups_and_files_choose() -> None:
    assert chosen([]) == list(MUTANTS)
    assert chosen(["rtl"]) == list(GROUPS["rtl"])
    assert {mutant.file for mutant in chosen(["machine/isa.py", FAST])} == {"machine/isa.py", "machine/assembly.py"}
    with pytest.raises(ValueError, match="'nothing' is no planted error"):
        chosen(["nothing"])


def test_an_error_is_noticed_and_nothing_is_left(tmp_path: Path) -> None:
    mutant = replace(chosen([FAST])[0], tests=FAST_TESTS)
    before = (ROOT / mutant.file).read_bytes()
    outcome = Trials(tmp_path).run(mutant)
    assert outcome.caught_by.startswith(FAST_TESTS[0]) and outcome.how == "test"
    assert (ROOT / mutant.file).read_bytes() == before
    assert [path for path in tmp_path.iterdir() if path.name.startswith("tree_")] == []


def test_failing_passing_and_not_running_are_told_apart(tmp_path: Path) -> None:
    with copied_tree(tmp_path) as copy:
        (copy / "tests/machine/test_passing.py").write_text("def test_passing():\n    pass\n")
        failing = 'import pytest\n\n\n@pytest.mark.parametrize("x", ["a b"])\ndef test_failing(x):\n    assert not x\n'
        (copy / "tests/machine/test_failing.py").write_text(failing)
        found = Trials(tmp_path).run_tests(copy, ("tests/machine/test_failing.py",))
        assert found == ("tests/machine/test_failing.py::test_failing[a b]", "test")
        assert Trials(tmp_path).run_tests(copy, ("tests/machine/test_passing.py",)) == ("", "")
        with pytest.raises(TrialError, match="did not run"):
            Trials(tmp_path).run_tests(copy, ("tests/machine/test_passing.py::test_other",))


def test_stopping_ends_what_runs(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    with copied_tree(tmp_path) as copy, ThreadPoolExecutor(1) as pool:
        test = "import time\n\n\ndef test_endless():\n    time.sleep(999)\n"
        (copy / "tests/machine/test_endless.py").write_text(test)
        run = pool.submit(trials.run_tests, copy, ("tests/machine/test_endless.py",))
        while not trials.running:
            time.sleep(0.05)
        trials.stop()
        with pytest.raises(TrialError):
            run.result(timeout=60)
    assert trials.running == set()


def test_machine_code_is_kept_for_the_next_copy(tmp_path: Path) -> None:
    code = tmp_path / "tree/accel_sim/events/__pycache__/kernel.run-1.py311.1.nbc"
    code.parent.mkdir(parents=True)
    code.write_bytes(b"code")
    code.with_suffix(".pyc").write_bytes(b"")
    copy_machine_code(tmp_path / "tree", tmp_path / "code")
    copy_machine_code(tmp_path / "code", tmp_path / "other")
    copied = tmp_path / "other" / code.relative_to(tmp_path / "tree")
    assert copied.read_bytes() == b"code" and list(copied.parent.iterdir()) == [copied]


def test_the_command_lists_and_prints_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["mutants", "--list", FAST])
    assert main() == 0
    assert capsys.readouterr().out.startswith(f"{FAST}: machine/assembly.py: ")
    lines = table({FAST: Outcome(FAST, "tests/machine/test_assembly.py::test_x", "test", 2.4)})
    row = next(line for line in lines if line.startswith(f"| {FAST} "))
    assert row.endswith("| `machine/test_assembly.py::test_x` | 2 |")
    assert sum("not tried" in line for line in lines) == len(MUTANTS) - 1
