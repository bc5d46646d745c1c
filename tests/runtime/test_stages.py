"""`--dump-stages`: one file for each stage, in order, readable, and the same for the same model."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from compiler.pipeline import STAGES
from machine.assembly import parse_instruction
from machine.config import load_machine
from machine.errors import ProgramError
from machine.isa import encode
from runtime.compile import compile_program
from runtime.stages import LINE, StageDump, stage_text
from tests.runtime.helpers import samples, tiny_model


def dump(folder: Path) -> dict[str, str]:
    compile_program(tiny_model(), load_machine("nano4"), {"x": samples(4)}, observe=StageDump(folder))
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_every_stage_in_order_and_the_same_twice(tmp_path: Path) -> None:
    first, second = dump(tmp_path / "a" / "b"), dump(tmp_path / "c")
    assert list(first) == [f"{index:02}-{stage.name}.txt" for index, stage in enumerate(STAGES)]
    assert first == second
    assert all(text.endswith("\n") and " at 0x" not in text for text in first.values())


def test_stages_say_what_they_are_for(tmp_path: Path) -> None:
    texts = {name[3:-4]: text for name, text in dump(tmp_path).items()}
    assert "relu(" in texts["import"] and "relu(" not in texts["fold_and_fuse"]
    assert "int8" in texts["quantize"] and "int8" not in texts["fold_and_fuse"]
    assert "softmax(" in texts["partition"] and "softmax" not in texts["lower"]
    assert "kernel = matrix" in texts["lower"] and "weight = int8[4, " in texts["lower"]
    assert "tiling = Tiling(" in texts["tile"]
    assert "memory map:" in texts["emit"]
    emitted, scheduled = (
        texts[name].partition(heading)[2].splitlines()[1:]
        for name, heading in (("emit", "instructions:"), ("schedule", "instructions ("))
    )
    assert emitted[-1].split() == [str(len(scheduled)), "halt", "[00]"]
    assert [line.split()[:2] for line in emitted[:-1]] == [line.split()[:2] for line in scheduled]
    assert all("  # conv" in line for line in (*emitted[:-1], *scheduled))
    assert "opcode" not in texts["schedule"]


def test_instructions_have_their_bytes_beside_them(tmp_path: Path) -> None:
    lines = dump(tmp_path)["11-emit.txt"].partition("instructions:\n")[2].splitlines()
    for line in lines:
        text, _, code = line.rstrip("]").rpartition("  [")
        instruction = parse_instruction(text.split(maxsplit=1)[1].partition("#")[0])
        assert encode(instruction) == bytes.fromhex(code).ljust(64, b"\0")


def test_the_memory_map(tmp_path: Path) -> None:
    texts = dump(tmp_path)
    lines = texts["10-allocate.txt"].splitlines()
    count = len(texts["11-emit.txt"].partition("instructions:\n")[2].splitlines())
    assert lines[:3] == [
        "memory map:", f"  0x00000000  {count} instructions, {64 * count} bytes", "  0x00001000  constants, 512 bytes"]
    assert lines[3].startswith("  0x00002000  activations, 512 bytes") and lines[-1] == "  0x00002200  end"
    assert [line.split()[0] for line in lines[4:-1]] == ["0x00002000", "0x00002100"]
    assert {line.split(maxsplit=1)[1] for line in lines[4:-1]} == {
        "x_quantized (dense, 2 x 4 x 4)", "y_quantized (dense, 4 x 4 x 4)"}


@dataclass
class Part:
    name: str
    data: object


def test_records_become_a_tree() -> None:
    value = Part("outer", [Part("a", np.zeros((2, 3), np.int8)), OrderedDict(k=(1, 2.5), long="x" * LINE), None])
    assert stage_text(value).splitlines() == [
        "Part",
        "  name = outer",
        "  data =",
        "    Part(name=a, data=int8[2, 3])",
        "",
        "      k = [1, 2.5]",
        f"      long = {'x' * LINE}",
        "    None",
    ]
    assert stage_text(object()) == "object\n"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProgramError, match="cannot write stages to '.*': Not a directory"):
        StageDump(tmp_path / "file" / "folder")("import", None)
