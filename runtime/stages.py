"""The stages of a compilation as text files, one for each: `tpukit compile --dump-stages DIR`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from compiler.backend.program import CompiledProgram
from compiler.graph import Graph
from compiler.graph_text import print_graph
from machine.assembly import format_instruction
from machine.errors import ProgramError


class StageDump:
    """Writes each stage that it observes to `NN-stage.txt` in a folder, which is made when the first one comes."""

    def __init__(self, folder: Path) -> None:
        """Take the folder."""
        self._folder = folder
        self._count = 0

    def __call__(self, name: str, result: object) -> None:
        """Write one stage.

        Raises:
            ProgramError: the folder cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / f"{self._count:02}-{name}.txt").write_text(stage_text(result))
        except OSError as error:
            raise ProgramError(f"cannot write stages to {str(self._folder)!r}: {error.strerror}") from None
        self._count += 1


def stage_text(result: object) -> str:
    """Return a stage's result as text: a graph, a program, or a record's fields one a line."""
    if isinstance(result, Graph):
        return print_graph(result)
    if isinstance(result, CompiledProgram):
        return _program_text(result)
    return "".join(_lines(result, 0))


def _program_text(program: CompiledProgram) -> str:
    lines = ["memory map:"]
    for kind, tensors in (("input", program.inputs), ("output", program.outputs)):
        lines += [f"  {t.address:#010x} {t.bytes:>10,} bytes  {kind} {t.name} {list(t.shape)}" for t in tensors]
    lines += [f"  {program.memory.size:,} bytes of image, {program.memory_bytes:,} in all", "layers:"]
    lines += [
        f"  {layer.name}: {layer.kernel}, tile {layer.tile} x {layer.items}, {layer.macs:,} MACs, "
        f"bound {layer.bound_cycles:,}, expected {layer.estimated_cycles:,} cycles" for layer in program.layers
    ]
    lines.append("instructions:")
    lines += [
        f"  {index:5} {format_instruction(instruction)}  # {node}"
        for index, (instruction, node) in enumerate(zip(program.instructions, program.node_names, strict=True))
    ]
    return "\n".join(lines) + "\n"


def _lines(value: object, depth: int) -> list[str]:
    pad = "  " * depth
    fields = getattr(value, "__dataclass_fields__", None)
    if fields is not None:
        lines = [f"{pad}{type(value).__name__}\n"]
        for name in fields:
            item = getattr(value, name)
            if _is_small(item):
                lines.append(f"{pad}  {name} = {item!r}\n")
            else:
                lines += [f"{pad}  {name}:\n", *_lines(item, depth + 2)]
        return lines
    if isinstance(value, np.ndarray):
        return [f"{pad}{value.dtype}{list(value.shape)}\n"]
    if isinstance(value, Graph):
        return [f"{pad}{line}\n" for line in print_graph(value).splitlines()]
    if isinstance(value, dict):
        return [line for key, item in value.items() for line in (f"{pad}{key}:\n", *_lines(item, depth + 1))]
    if isinstance(value, (list, tuple)) and not _is_small(value):
        return [line for item in value for line in _lines(item, depth)]
    return [f"{pad}{value!r}\n"]


def _is_small(value: object) -> bool:
    if isinstance(value, tuple):
        return all(isinstance(item, (int, float, str)) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))
