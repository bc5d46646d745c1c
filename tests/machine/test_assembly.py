"""Assembly text: what is printed parses back, and a wrong line is named."""

from __future__ import annotations

import pytest
from hypothesis import given

from machine.assembly import assemble, disassemble, format_instruction, parse_instruction
from machine.config import load_machine
from machine.errors import AssemblyError
from machine.isa import Instruction, Opcode
from tests.machine.test_isa import instructions

KERNEL = """
# a load and a store
.memory 4096
.data 0x400 01 02 ff
.random 0x500 8 7
load memory_address=0x400 line_bytes=3 words=1 window_bytes=3 send=store
store memory_address=0x600 words=1 window_bytes=3 wait=load
halt
"""


@given(instructions())
def test_text_round_trips(instruction: Instruction) -> None:
    assert parse_instruction(format_instruction(instruction)) == instruction


def test_a_kernel_assembles_and_disassembles() -> None:
    program = assemble(KERNEL, load_machine("nano4"))
    assert [i.opcode for i in program.instructions] == [Opcode.LOAD, Opcode.STORE, Opcode.HALT]
    assert program.instructions[0]["send"] == 1 << 4 and program.instructions[1]["wait"] == 1
    assert program.image[0x400:0x403].tolist() == [1, 2, 255] and program.memory_bytes == 4096
    assert assemble(disassemble(program), load_machine("nano4")).instructions == program.instructions


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jump 3\nhalt", "line 1: unknown instruction 'jump'; legal are halt, load"),
        ("load wrods=3\nhalt", "line 1: load has no field 'wrods'"),
        ("load words\nhalt", "line 1: 'words' is not field=value"),
        ("load words=1 words=2\nhalt", "line 1: field 'words' is given twice"),
        ("load words=x\nhalt", "line 1: 'x' is not an integer"),
        ("load opcode=1\nhalt", "line 1: load has no field 'opcode'|cannot be called"),
        ("load send=gpu\nhalt", "line 1: unknown engine 'gpu'"),
        ("matrix row_count0=0\nhalt", "legal are 1 to 4096"),
        (".data 0 01\nhalt", "data at 0 overlaps"),
        (".data 0x400 zz\nhalt", "two hexadecimal digits"),
        (".bss 3\nhalt", "is no directive"),
        (".memory 99999999999\nhalt", "outside 0 to"),
        ("load", "the last instruction must be halt"),
        ("", "the last instruction must be halt"),
    ],
)
def test_wrong_lines_are_named(text: str, message: str) -> None:
    with pytest.raises(AssemblyError, match=message):
        assemble(text, load_machine("nano4"))
