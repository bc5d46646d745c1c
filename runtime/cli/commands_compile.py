"""`tpukit compile`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from machine.config import load_machine
from machine.errors import DataError
from machine.program import Program
from runtime.arrays import load_arrays
from runtime.cli.commands_run import JsonOption
from runtime.cli.files import check_output, one_reader, write_output
from runtime.cli.output import print_json, print_table, progress, say
from runtime.compile import compile_program
from runtime.stages import StageDump


def compile_command(
    model: Annotated[str, typer.Argument(metavar="MODEL.onnx", help="A float ONNX model; '-' is standard input.")],
    calibration: Annotated[
        str, typer.Option(metavar="DATA.npz", help="Samples of every input by name, to choose int8 ranges with.")
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="OUT.tpu", help="The program file; '-' is standard output.")
    ],
    machine: Annotated[str, typer.Option(metavar="NAME", help="Machine name or TOML file.")] = "edge16",
    shape: Annotated[
        list[str] | None, typer.Option(metavar="NAME=1,3,224,224", help="The shape of a dynamic input; repeatable.")
    ] = None,
    dump_stages: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write every stage of the compilation as text.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compile a float ONNX model to an accelerator binary."""
    if output == "-" and as_json:
        raise DataError("--json and --output - would both write to standard output")
    one_reader(model, calibration)
    check_output(output)
    sizes, target, samples = parse_shapes(shape or []), load_machine(machine), load_arrays(calibration)
    source = sys.stdin.buffer.read() if model == "-" else model
    observe = None if dump_stages is None else StageDump(dump_stages)
    with progress(f"compiling {model}"):
        program = compile_program(source, target, samples, sizes, observe=observe)
    write_output(output, program.to_bytes())
    if as_json:
        print_json({
            "output": output, "machine": program.machine.name, "instructions": len(program.instructions),
            "macs": program.macs, "bound_cycles": program.bound_cycles, "memory_bytes": program.memory_bytes,
            "nodes": [dict(vars(node)) for node in program.nodes],
        })
    elif output != "-":
        print_compiled(program, output)


def print_compiled(program: Program, output: str) -> None:
    """Print each layer's placement, work and bound."""
    print_table("", ["layer", "operator", "placement", "MACs", "parameters", "bound (cycles)"], [
        [node.name, node.operator, node.placement, f"{node.macs:,}", f"{node.parameters:,}", f"{node.bound_cycles:,}"]
        for node in program.nodes
    ])
    say(
        f"{output}: {len(program.instructions):,} instructions for {program.machine.name}, {program.macs:,} MACs, "
        f"bound {program.bound_cycles:,} cycles, {program.memory_bytes:,} bytes of memory"
    )


def parse_shapes(texts: list[str]) -> dict[str, tuple[int, ...]]:
    """Parse `NAME=1,3,224,224` options.

    Raises:
        DataError: not of that form.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts:
        name, separator, sizes = text.rpartition("=")
        try:
            shape = tuple(int(size) for size in sizes.split(","))
        except ValueError:
            shape = ()
        if not separator or not name or not shape or min(shape) < 1:
            raise DataError(f"--shape {text!r} is not of the form name=1,3,224,224")
        shapes[name] = shape
    return shapes
