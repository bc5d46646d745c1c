"""The stages of a compilation as text files, one for each: `tpukit compile --dump-stages DIR`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType

import numpy as np

from compiler.backend.finish import Scheduled
from compiler.backend.layers import Network
from compiler.backend.memory import ACTIVATION_BASE, Placement
from compiler.backend.program import CompiledProgram
from compiler.graph import Graph, Node
from compiler.graph_text import print_graph
from compiler.placement.place import Placed
from machine.assembly import format_instruction
from machine.errors import ProgramError
from machine.isa import INSTRUCTION_BYTES, Instruction, encode
from machine.text import text_of_lines

LINE = 118
"""Columns of a dump's line, where something fits there."""


class StageDump:
    """Writes each stage that it observes to `NN-stage.txt` in a folder, which is made when the first one comes."""

    def __init__(self, folder: Path) -> None:
        """Take the folder."""
        self._folder = folder
        self._count = 0
        self._texts = StageTexts()

    def __call__(self, name: str, result: object) -> None:
        """Write one stage.

        Raises:
            ProgramError: the folder cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / f"{self._count:02}-{name}.txt").write_text(self._texts.text(result))
        except OSError as error:
            raise ProgramError(f"cannot write stages to {str(self._folder)!r}: {error.strerror}") from None
        self._count += 1


class StageTexts:
    """Makes text of the stages of one compilation, all of them in order."""

    def __init__(self) -> None:
        """Know of no stage."""
        self._networks: dict[int, Network] = {}
        self._scheduled: dict[int, Scheduled] = {}

    def text(self, result: object) -> str:
        """Return a stage's text; some need what an earlier stage gave."""
        if not isinstance(result, tuple):
            return stage_text(result)
        texts = [self._segment_text(index, part) for index, part in enumerate(result)]
        if len(texts) == 1:
            return texts[0]
        return "".join(f"segment {index}\n{text}" for index, text in enumerate(texts)) or "no segment\n"

    def _segment_text(self, index: int, result: object) -> str:
        """Return the text of one segment's part of a stage."""
        if isinstance(result, Network):
            self._networks[index] = result
        network, scheduled = self._networks.get(index), self._scheduled.get(index)
        if isinstance(result, Scheduled):
            self._scheduled[index] = result
            return schedule_text(result, [layer.name for layer in network.layers] if network else [])
        if isinstance(result, Placement) and scheduled is not None:
            return placement_text(result, scheduled, network)
        return stage_text(result)


def stage_text(result: object) -> str:
    """Return a stage's result as text: a graph, a program, or a record's fields one a line."""
    if isinstance(result, Graph):
        return print_graph(result)
    if isinstance(result, Placed):
        return print_graph(result.graph) + ("" if result.cut is None else f"\nthe cut:\n{result.cut.text()}")
    if isinstance(result, CompiledProgram):
        return _program_text(result)
    return text_of_lines(_lines("", result, 0))


def _program_text(program: CompiledProgram) -> str:
    lines = ["memory map:"]
    for segment in program.segments:
        lines.append(f"  {segment.program_address:#010x} {len(segment.instructions):>10,} instructions")
        for kind, tensors in (("input", segment.inputs), ("output", segment.outputs)):
            lines += [
                f"  {t.address:#010x} {t.size_bytes:>10,} bytes  {kind} {t.tensor} {list(t.shape)}" for t in tensors
            ]
    lines += [f"  {program.memory.size:,} bytes of image, {program.memory_bytes:,} in all", "layers:"]
    lines += [
        f"  {layer.name}: {layer.kernel}, tile {layer.tile} x {layer.tiles}, {layer.macs:,} MACs, "
        f"bound {layer.bound_cycles:,}, expected {layer.expected_cycles:,} cycles" for layer in program.layers
    ]
    for number, segment in enumerate(program.segments):
        lines.append(f"segment {number}'s instructions:" if len(program.segments) > 1 else "instructions:")
        for index, instruction in enumerate(segment.instructions):
            node = segment.instruction_nodes[index]
            name = program.nodes[node].name if node >= 0 else ""
            lines.append(_instruction_line(index, instruction, name) + f"  [{_bytes_text(instruction)}]")
    return text_of_lines(lines)


def schedule_text(scheduled: Scheduled, layers: Sequence[str]) -> str:
    """Return the scheduled instructions, one a line, each with its layer's name."""
    lines = [
        f"constants: {scheduled.constants.size:,} bytes; activations: {scheduled.memory.size:,} bytes",
        f"instructions (addresses are relative: constants from 0, activations from {ACTIVATION_BASE}; no tokens yet):",
    ]
    for index, (instruction, layer) in enumerate(zip(scheduled.instructions, scheduled.layer_of, strict=True)):
        name = layers[layer] if layer < len(layers) else f"layer {layer}"
        lines.append(_instruction_line(index, instruction, name))
    return text_of_lines(lines)


def placement_text(placement: Placement, scheduled: Scheduled, network: Network | None = None) -> str:
    """Return the memory map: instructions, constants and each activation with its address and extents."""
    count = len(scheduled.instructions) + 1
    parts = [
        (placement.program_address, f"{count:,} instructions, {count * INSTRUCTION_BYTES:,} bytes"),
        (placement.constants_at, f"constants, {scheduled.constants.size:,} bytes"),
        (placement.activations_at, f"activations, {scheduled.memory.size:,} bytes; one may take the room of another "
                                   "that is not needed any more"),
    ]
    places = sorted((address, name, layout) for (name, layout), address in scheduled.memory.places.items())
    for address, name, layout in places:
        extents = ""
        if network is not None and name in network.values:
            geometry = network.values[name].geometry
            extents = f", {geometry.channels} x {geometry.height} x {geometry.width}"
        parts.append((placement.move(address), f"  {name} ({layout}{extents})"))
    parts.append((placement.memory_bytes, "end"))
    return text_of_lines(["memory map:", *(f"  {address:#010x}  {part}" for address, part in parts)])


def _instruction_line(index: int, instruction: Instruction, node: str) -> str:
    return f"  {index:5} {format_instruction(instruction)}" + (f"  # {node}" if node else "")


def _bytes_text(instruction: Instruction) -> str:
    """Return an instruction's bytes in memory order without the zeros at their end."""
    return encode(instruction).rstrip(b"\0").hex() or "00"


def _lines(label: str, value: object, depth: int) -> list[str]:
    """Print a value as an indented tree, whatever fits on one line in one line."""
    pad = "  " * depth
    text = _inline(value)
    if isinstance(value, Node) or (text is not None and len(pad) + len(label) + len(text) <= LINE):
        return [f"{pad}{label}{text}"]
    heading, items = _parts(value)
    children = [line for name, item in items for line in _lines(name, item, depth + 1)]
    return [f"{pad}{label}{heading}".rstrip(), *children]


def _parts(value: object) -> tuple[str, list[tuple[str, object]]]:
    """Return what a value is called and what it is made of, each part with its label."""
    if is_dataclass(value):
        return type(value).__name__, [(f"{field.name} = ", getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, Mapping):
        return "", [(f"{key} = ", item) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return "", [("", item) for item in value]
    return _inline(value) or type(value).__name__, []


def _inline(value: object) -> str | None:
    """Return a value on one line; None for what has no such form."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, (str, bool, int, float, NoneType)):
        return str(value)
    if isinstance(value, Node):
        call = f"{', '.join(value.outputs)} = {value.op}({', '.join(value.inputs)})"
        return " ".join([call, *(f"{key}={item}" for key, item in sorted(value.attributes.items())), f"@ {value.name}"])
    if not isinstance(value, (Mapping, list, tuple)) and not is_dataclass(value):
        return None
    heading, items = _parts(value)
    texts = [(label, _inline(item)) for label, item in items]
    if any(text is None for _, text in texts):
        return None
    inner = ", ".join(f"{label.replace(' = ', '=')}{text}" for label, text in texts)
    return f"[{inner}]" if isinstance(value, (list, tuple)) else f"{heading}({inner})"
