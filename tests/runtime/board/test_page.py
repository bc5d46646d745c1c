"""The Python of docs/board.md, as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import tpukit
from examples.digits.data import load_test
from machine.config import load_machine
from runtime.demo import INPUT, OUTPUT, compile_digits
from runtime.session import Session
from tests.runtime.board.machine_on_file import MachineOnFile

PAGE = (Path(__file__).parents[3] / "docs/board.md").read_text()
DRIVE, FILES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    program = compile_digits(load_machine("nano4"))
    images = load_test()[0][:3]
    program.save(tmp_path / "digits.tpu")
    np.savez(tmp_path / "images.npz", **{INPUT: images})
    opened: list[object] = []

    def board(*files: str, memory_bytes: int, memory_base: int, interrupts: bool) -> MachineOnFile:
        opened.append((*files, interrupts))
        return MachineOnFile(program.machine, tmp_path / "board", memory_bytes, memory_base)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tpukit, "MmapBus", board)
    exec(DRIVE, {})
    expected = Session(program).run({INPUT: images})
    answers = expected.outputs[OUTPUT].argmax(axis=-1)
    assert opened == [("/dev/uio0", "/dev/udmabuf0", True)]
    assert capsys.readouterr().out == f"{answers} {expected.cycles} {expected.counters['matrix']}\n"


def test_files_and_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    exec(FILES, {})
    *paths, parameters = capsys.readouterr().out.splitlines()
    assert paths[-1].endswith("rtl/board/tpu_axi.v") and all(Path(path).exists() for path in paths)
    assert parameters.startswith("{'ROWS': 4, 'COLUMNS': 4,")
