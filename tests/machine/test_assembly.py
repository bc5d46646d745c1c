"""Assembly text: what is printed parses back, and a wrong line is named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from machine.assembly import assemble, disassemble, format_instruction, parse_instruction
from machine.config import load_machine
from machine.errors import AssemblyError
from machine.isa import Instruction, Opcode
from machine.program import NodeRecord
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


@pytest.mark.parametrize("text", [
    KERNEL,
    "halt",
    ".memory 0x100000000\nhalt",
    ".data 0x100 00\nhalt",
    ".data 0x40 01\n.data 0x7f 02\n.data 0x81 03 00 00\nhalt",
    ".data 0x47 00 01 00\n.data 0x55 ff\nhalt",
    ".random 64 100 1\n.data 0x1000 07\nhalt",
    "load space=2 words=64 window_bytes=4 destination=64 send=vector\nvector table=2 low=-128 wait=load\n"
    "vector use_residual=1 subtract=1 b=256\nhalt",
    ".section in\nload words=1 window_bytes=4 send=store\n.section\nmatrix\n"
    ".section out / 2\nstore window_bytes=4 wait=load\n"
    ".section in\nload words=2 window_bytes=4\nhalt",
])
def test_what_is_disassembled_assembles_to_the_same(text: str) -> None:
    program = assemble(text, load_machine("nano4"))
    again = assemble(disassemble(program), load_machine("nano4"))
    assert again.instructions == program.instructions and again.memory_bytes == program.memory_bytes
    assert again.image.tobytes() == program.image.tobytes()
    assert (again.nodes, again.instruction_nodes) == (program.nodes, program.instruction_nodes)


def test_models_show_data_when_asked_and_moved_code_shows_none() -> None:
    model = replace(assemble(KERNEL, load_machine("nano4")), graph=({}, {}))
    assert ".data" not in disassemble(model) and "\n.data 0x400 01 02 ff\n" in disassemble(model, data=True)
    moved = replace(model, graph=None, segments=(replace(model.segments[0], program_address=256),))
    assert "# segment 0: its instructions lie at 0x100\n" in disassemble(moved) and ".data" not in disassemble(moved)


def test_names_of_layers_stay_in_their_line() -> None:
    kernel, nodes = assemble("halt", load_machine("nano4")), (NodeRecord("a\nload\x85b", "x", "accelerator"),)
    program = replace(kernel, segments=(replace(kernel.segments[0], instruction_nodes=(0,)),), nodes=nodes)
    assert disassemble(program).endswith("halt  # 0: a\\nload\\x85b\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jump 3\nhalt", "line 1: unknown instruction 'jump'; legal are halt, load"),
        ("load wrods=3\nhalt", "line 1: load has no field 'wrods'; legal are wait, send, .*_stride3$"),
        ("halt words=1", "line 1: halt has no field 'words'; legal are none"),
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


def test_sections_of_a_kernel() -> None:
    text = KERNEL.replace("load mem", ".section in\nload mem").replace("store mem", ".section  out #1\nstore mem")
    program = assemble(text, load_machine("nano4"))
    assert [(node.name, node.operator, node.placement) for node in program.nodes] == [
        ("in", "section", "accelerator"), ("out", "section", "accelerator")]
    assert (program.nodes[0].read_bytes, program.nodes[1].write_bytes) == (3, 3)
    assert program.instruction_nodes == (0, 1, -1)
    whole = assemble(KERNEL, load_machine("nano4"))
    assert [node.name for node in whole.nodes] == ["kernel"] and whole.instruction_nodes == (0, 0, -1)
    assert ".section" not in disassemble(whole)
    with pytest.raises(AssemblyError, match="line 1: section 'a.u202eb': a name is printable text"):
        assemble(".section a\u202eb\nhalt", load_machine("nano4"))
