"""The program file: one versioned, checksummed container that holds all that a run needs (docs/program-file.md).

Layout (little endian): magic, format version, length of the header, SHA-256 of all that follows the checksum; the
header, a JSON object; then the sections that the header lists, each at a multiple of 64 bytes. It is data: loading
executes nothing, and every size is checked against the file before memory is taken.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from machine.config import Machine, parse_machine
from machine.errors import MachineError, ProgramError
from machine.isa import INSTRUCTION_BYTES, Instruction, decode
from machine.sections import section_records
from machine.segments import NodeRecord, Segment, TensorDescriptor, bound_of

__all__ = [
    "FORMAT_VERSION", "MAGIC", "MEMORY_LIMIT_MAXIMUM", "SECTION_ALIGNMENT", "NodeRecord", "Program", "Segment",
    "TensorDescriptor", "bound_of", "load_program", "parse_program", "write_atomically",
]

MAGIC = b"TPUKIT\r\n"
FORMAT_VERSION = 3
SECTION_ALIGNMENT = 64
MEMORY_LIMIT_MAXIMUM = 1 << 32
_PREFIX = struct.Struct("<8sIQ32s")
_ARRAY_DTYPES = ("int8", "uint8", "int16", "int32", "int64", "float32", "float64", "bool")

AnyArray = npt.NDArray[Any]


@dataclass(frozen=True)
class Program:
    """Everything that a run needs.

    A run executes the segments in order. The host executes whatever it can before the first, between them and after
    the last, and moves tensors: nothing but its inputs passes into a segment, so memory is the image before each.

    Attributes:
        machine: the configuration that the program was compiled for.
        segments: the runs of the machine, in order; none where the host does everything.
        image: uint8, the initial contents of memory from address 0.
        memory_bytes: bytes of memory that the program may address, a multiple of 64.
        nodes: the model's operators in order of execution, host operators included.
        graph: the quantized graph as `compiler.graph.Graph.to_dict` gives it (header, arrays); None for kernels.
        model: the source model (ONNX bytes); empty for kernels.
        source: where the program came from, for people.
    """

    machine: Machine
    segments: tuple[Segment, ...]
    image: npt.NDArray[np.uint8]
    memory_bytes: int
    nodes: tuple[NodeRecord, ...] = ()
    graph: tuple[dict[str, Any], Mapping[str, AnyArray]] | None = None
    model: bytes = b""
    source: str = ""

    @classmethod
    def kernel(
        cls, machine: Machine, instructions: Sequence[Instruction], image: npt.NDArray[np.uint8], memory_bytes: int,
        source: str = "", sections: Sequence[str] = (),
    ) -> Program:
        """Return a program without a model: instructions from address 0 and the memory that they find.

        `sections` names the section of each instruction, "" for none; sections are the program's nodes. Without any,
        the whole kernel is one.

        Raises:
            ProgramError: a section's name is not legal.
        """
        nodes, indices = section_records(machine, instructions, sections)
        segment = Segment(tuple(instructions), instruction_nodes=indices)
        return cls(machine, (segment,), image, memory_bytes, nodes, source=source)

    @cached_property
    def instructions(self) -> tuple[Instruction, ...]:
        """The instructions of all segments, in order."""
        return tuple(instruction for segment in self.segments for instruction in segment.instructions)

    @cached_property
    def instruction_nodes(self) -> tuple[int, ...]:
        """For each of all instructions its index in `nodes`, or -1."""
        return tuple(
            node for segment in self.segments
            for node in segment.instruction_nodes or (-1,) * len(segment.instructions)
        )

    @property
    def inputs(self) -> tuple[TensorDescriptor, ...]:
        """The inputs of all segments."""
        return tuple(entry for segment in self.segments for entry in segment.inputs)

    @property
    def outputs(self) -> tuple[TensorDescriptor, ...]:
        """The outputs of all segments."""
        return tuple(entry for segment in self.segments for entry in segment.outputs)

    def code(self, segment: Segment) -> bytes:
        """Return a segment's encoded instructions, as they lie in the image."""
        end = segment.program_address + INSTRUCTION_BYTES * len(segment.instructions)
        return self.image[segment.program_address : end].tobytes()

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the model that the accelerator executes."""
        return sum(node.macs for node in self.nodes if node.placement == "accelerator")

    @property
    def batch(self) -> int:
        """Samples that one run takes; 1 for a kernel."""
        return next((entry.shape[0] for entry in (*self.inputs, *self.outputs)), 1)

    @property
    def bound_cycles(self) -> int:
        """max(MACs / array, vector work / lanes, bytes / bandwidth) of the whole program."""
        return bound_of(self.nodes)

    def to_bytes(self) -> bytes:
        """Serialise; the same program gives the same bytes."""
        sections: list[tuple[str, bytes, str, tuple[int, ...]]] = [
            ("image", self.image.tobytes(), "uint8", self.image.shape),
            ("instruction_nodes", np.asarray(self.instruction_nodes, "<i4").tobytes(), "int32",
             (len(self.instruction_nodes),)),
            ("model", self.model, "uint8", (len(self.model),)),
        ]
        graph_header = None
        if self.graph is not None:
            graph_header, arrays = self.graph
            for name in sorted(arrays):
                array = np.ascontiguousarray(arrays[name])
                sections.append((f"graph/{name}", array.tobytes(), array.dtype.name, array.shape))
        table, body = [], bytearray()
        for name, data, dtype, shape in sections:
            body += bytes(-len(body) % SECTION_ALIGNMENT)
            table.append({"name": name, "offset": len(body), "bytes": len(data), "dtype": dtype, "shape": list(shape)})
            body += data
        header = {
            "machine": self.machine.to_dict(),
            "segments": [
                {
                    "program_address": segment.program_address,
                    "program_length": len(segment.instructions),
                    "inputs": [asdict(entry) for entry in segment.inputs],
                    "outputs": [asdict(entry) for entry in segment.outputs],
                }
                for segment in self.segments
            ],
            "memory_bytes": self.memory_bytes,
            "nodes": [asdict(entry) for entry in self.nodes],
            "graph": graph_header,
            "source": self.source,
            "sections": table,
        }
        text = json.dumps(header, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
        text += b" " * (-(_PREFIX.size + len(text)) % SECTION_ALIGNMENT)
        payload = text + bytes(body)
        return _PREFIX.pack(MAGIC, FORMAT_VERSION, len(text), hashlib.sha256(payload).digest()) + payload

    def save(self, path: str | Path) -> None:
        """Write the file; it is written beside its place and renamed, so that a failure leaves nothing.

        Raises:
            ProgramError: the file cannot be written.
        """
        write_atomically(Path(path), self.to_bytes())


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file through a temporary one in the same folder.

    Raises:
        ProgramError: the folder does not exist or cannot be written.
    """
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise ProgramError(f"cannot write {str(path)!r}: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise ProgramError(f"cannot write {str(path)!r}: {error.strerror}") from None
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_program(path: str | Path) -> Program:
    """Read a program file.

    Raises:
        ProgramError: it cannot be read, or see `parse_program`.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ProgramError(f"cannot read program {str(path)!r}: {error.strerror}") from None
    return parse_program(data, str(path))


def parse_program(data: bytes, name: str = "program") -> Program:
    """Parse a program file's bytes.

    Raises:
        ProgramError: not a program file, another version, truncated, corrupt, or contents that contradict each other.
    """
    if len(data) < _PREFIX.size:
        what = "truncated" if data[:8] == MAGIC[: len(data[:8])] and data else "not a tpukit program file"
        raise ProgramError(f"{name!r} is {what}: {len(data)} bytes, at least {_PREFIX.size} are needed")
    magic, version, header_bytes, checksum = _PREFIX.unpack_from(data)
    if magic != MAGIC:
        raise ProgramError(f"{name!r} is not a tpukit program file (it begins with {magic!r}, not {MAGIC!r})")
    if version != FORMAT_VERSION:
        raise ProgramError(f"{name!r} has format version {version}; this tpukit reads {FORMAT_VERSION}")
    payload = memoryview(data)[_PREFIX.size :]
    if header_bytes > len(payload) or hashlib.sha256(payload).digest() != checksum:
        raise ProgramError(f"{name!r} is truncated or corrupt: its contents do not match its checksum")
    try:
        header = json.loads(bytes(payload[:header_bytes]))
        return _build(header, payload[header_bytes:])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise ProgramError(f"{name!r} has a malformed header: {type(error).__name__} {error}") from None
    except MachineError as error:
        raise ProgramError(f"{name!r} holds an illegal machine: {error}") from None


def _build(header: Mapping[str, Any], body: memoryview) -> Program:
    arrays = _sections(header["sections"], body)
    image = arrays["image"].astype(np.uint8, copy=False)
    memory_bytes = int(header["memory_bytes"])
    if image.ndim != 1 or not image.size <= memory_bytes <= MEMORY_LIMIT_MAXIMUM or memory_bytes % SECTION_ALIGNMENT:
        raise ProgramError(f"memory_bytes = {memory_bytes}: must be a multiple of 64 that holds the image, "
                           f"at most {MEMORY_LIMIT_MAXIMUM}")
    nodes = tuple(_node(entry) for entry in header["nodes"])
    map_to_nodes = tuple(int(index) for index in arrays["instruction_nodes"])
    segments = tuple(_segments(header["segments"], image, memory_bytes, map_to_nodes))
    length = sum(len(segment.instructions) for segment in segments)
    if any(not -1 <= index < len(nodes) for index in map_to_nodes) or len(map_to_nodes) != length:
        raise ProgramError(f"the map from {length} instructions to {len(nodes)} nodes is not one")
    graph = None
    if header["graph"] is not None:
        graph = (dict(header["graph"]),
                 {name[6:]: array for name, array in arrays.items() if name.startswith("graph/")})
    return Program(
        machine=parse_machine(header["machine"]),
        segments=segments,
        image=image,
        memory_bytes=memory_bytes,
        nodes=nodes,
        graph=graph,
        model=arrays["model"].tobytes(),
        source=str(header["source"]),
    )


def _segments(
    entries: Sequence[Mapping[str, Any]], image: AnyArray, memory_bytes: int, map_to_nodes: Sequence[int]
) -> Iterator[Segment]:
    """Yield the segments, whose instructions share the map to nodes, in order."""
    first = 0
    for entry in entries:
        address, length = int(entry["program_address"]), int(entry["program_length"])
        end = address + length * INSTRUCTION_BYTES
        if address < 0 or length < 1 or end > image.size:
            raise ProgramError(
                f"the program's {length} instructions at {address} do not lie in an image of {image.size}"
            )
        code = image[address:end].tobytes()
        instructions = tuple(
            decode(code[start : start + INSTRUCTION_BYTES]) for start in range(0, len(code), INSTRUCTION_BYTES)
        )
        yield Segment(
            instructions, address, tuple(map_to_nodes[first : first + length]),
            _descriptors(entry["inputs"], memory_bytes), _descriptors(entry["outputs"], memory_bytes),
        )
        first += length


def _node(entry: Mapping[str, Any]) -> NodeRecord:
    record = NodeRecord(**{**entry, "tile": tuple(entry["tile"])})
    values = vars(record)
    texts = {field.name: values[field.name] for field in fields(record) if field.type == "str"}
    counts = {field.name: values[field.name] for field in fields(record) if field.type == "int"}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError(f"{', '.join(texts)} of a node must be text, received {list(texts.values())}")
    whole = (*counts.values(), *record.tile)
    if not all(isinstance(count, int) and 0 <= count < 1 << 63 for count in whole):
        raise TypeError(f"tile, {', '.join(counts)} of a node must be counts, received {whole}")
    return record


def _sections(table: Sequence[Mapping[str, Any]], body: memoryview) -> dict[str, AnyArray]:
    arrays: dict[str, AnyArray] = {}
    for entry in table:
        name, offset, size = str(entry["name"]), int(entry["offset"]), int(entry["bytes"])
        shape = tuple(int(extent) for extent in entry["shape"])
        if entry["dtype"] not in _ARRAY_DTYPES:
            raise ProgramError(f"section {name!r} has type {entry['dtype']!r}; legal are {', '.join(_ARRAY_DTYPES)}")
        dtype = np.dtype(entry["dtype"]).newbyteorder("<")
        items = 1
        for extent in shape:
            items *= extent
        if min((offset, size, *shape)) < 0 or offset + size > len(body) or items * dtype.itemsize != size:
            raise ProgramError(f"section {name!r} ({size} bytes at {offset}, shape {list(shape)}) does not fit")
        arrays[name] = np.frombuffer(body, dtype, count=items, offset=offset).reshape(shape)
    return arrays


def _descriptors(entries: Sequence[Mapping[str, Any]], memory_bytes: int) -> tuple[TensorDescriptor, ...]:
    result = []
    for entry in entries:
        descriptor = TensorDescriptor(
            str(entry["tensor"]), tuple(int(extent) for extent in entry["shape"]), float(entry["scale"]),
            int(entry["zero_point"]), int(entry["address"]),
        )
        if descriptor.address < 0 or min(descriptor.shape, default=1) < 1 or \
                descriptor.address + descriptor.size_bytes > memory_bytes:
            raise ProgramError(f"tensor {descriptor.tensor!r} at {descriptor.address} does not lie in memory")
        result.append(descriptor)
    return tuple(result)
