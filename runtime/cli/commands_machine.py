"""`tpukit machine list|show` and `tpukit inspect`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Annotated

import typer

from machine.config import Machine, load_machine, machine_names
from runtime.cli.commands_run import JsonOption, ProgramArgument
from runtime.cli.files import open_program
from runtime.cli.output import print_json, print_table, say

machine_app = typer.Typer(help="Show the machines that programs are compiled for.")


@machine_app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """List the named machines."""
    machines = [load_machine(name) for name in machine_names()]
    if as_json:
        print_json([machine.to_dict() for machine in machines])
        return
    rows = [
        [m.name, f"{m.rows}x{m.columns}", f"{m.scratchpad_bytes // 1024:,} KiB", f"{m.accumulator_bytes // 1024:,} KiB",
         f"{m.bus_bytes} B", f"{m.clock_hz / 1e6:g} MHz"]
        for m in machines
    ]
    print_table("", ["machine", "array", "scratchpad", "accumulators", "bus", "clock"], rows)


@machine_app.command("show")
def show_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Machine name or TOML file.")], as_json: JsonOption = False
) -> None:
    """Show every field of one machine, and what follows from them."""
    machine = load_machine(name)
    fields, derived = machine.to_dict(), derived_sizes(machine)
    if as_json:
        print_json({**fields, "derived": derived})
        return
    print_table("", ["field", "value"], [[field, str(value)] for field, value in fields.items()])
    print_table("what follows", ["size", "value"], [[name, str(value)] for name, value in derived.items()])


def derived_sizes(machine: Machine) -> dict[str, int]:
    """Return the sizes that the machine's fields determine, by name."""
    return {name: getattr(machine, name) for name, item in vars(Machine).items() if isinstance(item, property)}


def inspect_command(program: ProgramArgument, as_json: JsonOption = False) -> None:
    """Show what a program file holds: machine, tensors, layers and instructions by kind."""
    loaded = open_program(program)
    kinds = Counter(instruction.opcode.name.lower() for instruction in loaded.instructions)
    report = {
        "machine": loaded.machine.name,
        "source": loaded.source,
        "memory_bytes": loaded.memory_bytes,
        "image_bytes": int(loaded.image.size),
        "macs": loaded.macs,
        "bound_cycles": loaded.bound_cycles,
        "instructions": len(loaded.instructions),
        "instruction_kinds": dict(sorted(kinds.items())),
        "inputs": [asdict(entry) for entry in loaded.inputs],
        "outputs": [asdict(entry) for entry in loaded.outputs],
        "nodes": [asdict(entry) for entry in loaded.nodes],
    }
    if as_json:
        print_json(report)
        return
    say(
        f"{program}: {loaded.source or 'kernel'} for {loaded.machine.name}; {sum(kinds.values())} instructions "
        f"({', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))}); "
        f"{loaded.memory_bytes:,} bytes of memory, {loaded.image.size:,} of them in the file"
    )
    tensors = [(direction, entry) for direction, entries in (("input", loaded.inputs), ("output", loaded.outputs))
               for entry in entries]
    if tensors:
        print_table("tensors", ["tensor", "", "shape", "scale", "zero point", "address"], [
            [entry.tensor, direction, str(list(entry.shape)), f"{entry.scale:.6g}", str(entry.zero_point),
             f"{entry.address:#x}"] for direction, entry in tensors])
    if loaded.nodes:
        kind = "section" if loaded.graph is None else "layer"
        print_table(f"{kind}s", [kind, "operator", "placement", "MACs", "parameters", "bound (cycles)"], [
            [n.name, n.operator, n.placement, f"{n.macs:,}", f"{n.parameters:,}", f"{n.bound_cycles:,}"]
            for n in loaded.nodes])
