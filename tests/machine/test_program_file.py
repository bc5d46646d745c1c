"""The program file: lossless, deterministic, and anything damaged is refused in one clear line."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.config import Machine, load_machine
from machine.errors import ProgramError, TpukitError
from machine.isa import Opcode, encode, make
from machine.program import NodeRecord, Program, Segment, TensorDescriptor, load_program, parse_program


def sample_program() -> Program:
    instructions = (make(Opcode.WEIGHTS, memory_address=192, tiles=1), make(Opcode.MATRIX, send=8), make(Opcode.HALT))
    image = np.arange(320, dtype=np.uint16).astype(np.uint8)
    image[:192] = np.frombuffer(b"".join(encode(i) for i in instructions), np.uint8)
    return Program(
        machine=load_machine("nano4"),
        segments=(
            Segment(
                instructions, 0, (0, 0, -1), (TensorDescriptor("x", (1, 2, 3), 0.5, -3, 512),),
                (TensorDescriptor("y", (1, 4), 0.25, 7, 640),),
            ),
        ),
        image=image,
        memory_bytes=1024,
        nodes=(NodeRecord("conv", "conv2d", "accelerator", 12, 3, 4),),
        graph=({"version": 1}, {"w": np.arange(6, dtype=np.int8).reshape(2, 3)}),
        model=b"onnx",
        source="test",
    )


def test_round_trip_is_lossless_and_deterministic(tmp_path: Path) -> None:
    program = sample_program()
    program.save(tmp_path / "a.tpu")
    loaded = load_program(tmp_path / "a.tpu")
    assert loaded.to_bytes() == program.to_bytes() == sample_program().to_bytes()
    assert loaded.machine == program.machine and loaded.instructions == program.instructions
    assert loaded.inputs == program.inputs and loaded.nodes == program.nodes and loaded.model == b"onnx"
    assert np.array_equal(loaded.image, program.image)
    assert loaded.graph is not None and np.array_equal(loaded.graph[1]["w"], [[0, 1, 2], [3, 4, 5]])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tpu"]


def test_fields_that_came_later_have_their_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program file of before the DRAM law holds a machine without its fields: one without DRAM."""
    program = sample_program()
    to_dict = Machine.to_dict
    monkeypatch.setattr(
        Machine, "to_dict", lambda self: {k: v for k, v in to_dict(self).items() if not k.startswith("dram_")}
    )
    old = program.to_bytes()
    monkeypatch.undo()
    assert len(old) < len(program.to_bytes())
    assert parse_program(old).machine == program.machine and program.machine.dram_banks == 0


@given(st.data())
def test_every_damage_is_refused(data: st.DataObject) -> None:
    good = sample_program().to_bytes()
    if data.draw(st.booleans()):
        bad = good[: data.draw(st.integers(0, len(good) - 1))]
    else:
        position = data.draw(st.integers(0, len(good) - 1))
        bad = good[:position] + bytes([good[position] ^ data.draw(st.integers(1, 255))]) + good[position + 1 :]
    with pytest.raises(ProgramError):
        parse_program(bad)


def resealed(change: dict[str, object]) -> bytes:
    """Change header fields and seal the file again, as somebody hostile would."""
    good = sample_program().to_bytes()
    _, version, size, _ = struct.unpack_from("<8sIQ32s", good)
    header = {**json.loads(good[52 : 52 + size]), **change}
    text = json.dumps(header).encode()
    payload = text + good[52 + size :]
    return struct.pack("<8sIQ32s", good[:8], version, len(text), hashlib.sha256(payload).digest()) + payload


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"memory_bytes": 1 << 40}, "memory_bytes = 1099511627776"),
        ({"memory_bytes": 100}, "memory_bytes = 100"),
        ({"segments": [{"program_address": 0, "program_length": 6, "inputs": [], "outputs": []}]}, "do not lie in an"),
        ({"segments": [{"program_address": -64, "program_length": 3, "inputs": [], "outputs": []}]}, "do not lie in"),
        ({"segments": [{"program_address": 0, "program_length": 2, "inputs": [], "outputs": []}]}, "the map from 2"),
        ({"segments": []}, "the map from 0 instructions"),
        ({"segments": 3}, "malformed header"),
        ({"machine": {}}, "illegal machine: field 'name' is missing"),
        (
            {"sections": [{"name": "image", "offset": 0, "bytes": 1 << 50, "dtype": "uint8", "shape": [1 << 50]}]},
            "does not fit",
        ),
        (
            {"sections": [{"name": "image", "offset": 0, "bytes": 8, "dtype": "object", "shape": [1]}]},
            "has type 'object'",
        ),
        (
            {
                "segments": [{
                    "program_address": 0, "program_length": 3, "outputs": [],
                    "inputs": [{"tensor": "x", "shape": [4096], "scale": 1, "zero_point": 0, "address": 0}],
                }],
            },
            "does not lie in memory",
        ),
        ({"nodes": [{"x": 1}]}, "malformed header"),
        ({"sections": 7}, "malformed header"),
        ({"graph": 3}, "malformed header"),
    ],
)
def test_hostile_headers_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(TpukitError, match=message):
        parse_program(resealed(change))


def test_other_files_and_versions_are_refused(tmp_path: Path) -> None:
    good = sample_program().to_bytes()
    with pytest.raises(ProgramError, match="not a tpukit program file"):
        parse_program(b"\x08\x07" * 100)
    with pytest.raises(ProgramError, match="has format version 1; this tpukit reads 3"):
        parse_program(good[:8] + struct.pack("<I", 1) + good[12:])
    with pytest.raises(ProgramError, match="truncated"):
        parse_program(good[:20])
    with pytest.raises(ProgramError, match="cannot read program"):
        load_program(tmp_path / "absent.tpu")
    with pytest.raises(ProgramError, match="cannot write"):
        sample_program().save(tmp_path / "no" / "folder.tpu")
