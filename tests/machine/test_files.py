"""Whole files and streams are read, and no more of them than is wanted."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from machine.files import CHUNK_BYTES, read_file, read_stream


def test_files_up_to_a_size_are_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_file(path, 5) == b"12345"
    with pytest.raises(OSError, match="It holds 5 bytes, more than the 4 that are supported"):
        read_file(path, 4)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="Not a regular file"):
        read_file(tmp_path / "pipe", 4)


def test_streams_are_read_until_they_are_too_long() -> None:
    data = bytes(CHUNK_BYTES + 7)
    assert read_stream(io.BytesIO(data), len(data)) == data
    with Path("/dev/zero").open("rb") as endless, pytest.raises(OSError, match="more than the 9999999 bytes"):
        read_stream(endless, 9_999_999)
