"""`tpukit asm` and `tpukit disasm`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from compiler.verify_program import verify_program
from machine.assembly import assemble, disassemble, format_instruction
from machine.config import load_machine
from machine.errors import AssemblyError
from machine.program import load_program
from runtime.cli.commands_run import JsonOption, ProgramArgument
from runtime.cli.output import console, print_json


def asm_command(
    source: Annotated[str, typer.Argument(metavar="FILE.s", help="Assembly text; '-' is standard input.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="OUT.tpu", help="The program file.")],
    machine: Annotated[str, typer.Option(help="Machine name or TOML file.")] = "nano4",
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Write the program though it may be illegal (to see a machine halt).")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Assemble a hand-written kernel; it is proved legal before it is written."""
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise AssemblyError(f"cannot read {source!r}: {error}") from None
    program = assemble(text, load_machine(machine), source)
    if not unverified:
        verify_program(program.machine, program.instructions, memory_bytes=program.memory_bytes)
    program.save(output)
    if as_json:
        print_json({"output": output, "machine": program.machine.name, "instructions": len(program.instructions)})
    else:
        console.print(f"{output}: {len(program.instructions)} instructions for {program.machine.name}")


def disasm_command(program: ProgramArgument, as_json: JsonOption = False) -> None:
    """Print a program's instructions as assembly text."""
    loaded = load_program(program)
    if not as_json:
        print(disassemble(loaded), end="")
        return
    print_json([
        {"text": format_instruction(instruction), "opcode": instruction.opcode.name.lower(),
         "fields": dict(instruction.values)}
        for instruction in loaded.instructions
    ])
