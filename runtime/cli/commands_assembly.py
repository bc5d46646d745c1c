"""`tpukit asm` and `tpukit disasm`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from compiler.verify_program import verify_program
from machine.assembly import assemble, disassemble, format_instruction
from machine.config import load_machine
from machine.errors import AssemblyError, DataError
from runtime.cli.commands_run import JsonOption, ProgramArgument
from runtime.cli.files import check_output, open_program, write_output
from runtime.cli.output import print_json, say


def asm_command(
    source: Annotated[str, typer.Argument(metavar="FILE.s", help="Assembly text; '-' is standard input.")],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="OUT.tpu", help="The program file; '-' is standard output.")
    ],
    machine: Annotated[str, typer.Option(metavar="NAME", help="Machine name or TOML file.")] = "nano4",
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Write the program though it may be illegal (to see a machine halt).")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Assemble a hand-written kernel; it is proved legal before it is written."""
    if output == "-" and as_json:
        raise DataError("--json and --output - would both write to standard output")
    check_output(output)
    program = assemble(_read_text(source), load_machine(machine), "standard input" if source == "-" else source)
    if not unverified:
        verify_program(program.machine, program.instructions, memory_bytes=program.memory_bytes)
    write_output(output, program.to_bytes())
    if as_json:
        print_json({"output": output, "machine": program.machine.name, "instructions": len(program.instructions)})
    elif output != "-":
        say(f"{output}: {len(program.instructions)} instructions for {program.machine.name}")


def _read_text(path: str) -> str:
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise AssemblyError(f"cannot read {path!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise AssemblyError(f"{path!r} is not assembly text: it is not UTF-8") from None


def disasm_command(
    program: ProgramArgument,
    data: Annotated[bool, typer.Option("--data", help="A model's constants too (a kernel's data always).")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print a program as assembly text that assembles again."""
    if data and as_json:
        raise DataError("--data goes with text; --json gives the instructions only")
    loaded = open_program(program)
    if not as_json:
        print(disassemble(loaded, data or None), end="")
        return
    print_json([
        {"text": format_instruction(instruction), "opcode": instruction.opcode.name.lower(),
         "fields": dict(instruction.values)}
        for instruction in loaded.instructions
    ])
