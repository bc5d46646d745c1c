"""Reading `.npz` files: what is read, and how everything else is refused."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from machine.arrays import parse_arrays, read_arrays
from machine.errors import DataError


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def test_arrays_are_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(3), **{"a/b": np.float32(2)})
    for given in (path, str(path)):
        arrays = read_arrays(given)
        assert arrays["x"].tolist() == [0, 1, 2] and arrays["a/b"].shape == ()
    assert parse_arrays(npz(), "nothing") == {}


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^cannot read '.*none.npz': No such file or directory$"):
        read_arrays(tmp_path / "none.npz")
    with pytest.raises(DataError, match=r"^cannot read '.*': Is a directory$"):
        read_arrays(tmp_path)


def test_pipes_are_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.npz"
    os.mkfifo(pipe)
    with pytest.raises(DataError, match=r"^cannot read '.*': Not a regular file; '-' is standard input$"):
        read_arrays(pipe)


def test_arrays_in_fortran_order_and_of_other_byte_order_are_read() -> None:
    array = np.asfortranarray(np.arange(6, dtype=">f4").reshape(2, 3))
    assert parse_arrays(npz(x=array), "it")["x"].tolist() == array.tolist()


def member(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def single() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    return buffer.getvalue()


def header(kind: str, shape: str) -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def twice() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x.npy", header("<f4", "(1,)") + bytes(4))
        archive.writestr("x", header("<f4", "(1,)") + bytes(4))
    return buffer.getvalue()


BAD = {
    "empty": (b"", "it is not an .npz file"),
    "text": (b"text", "it is not an .npz file"),
    "pickle": (b"\x80\x04N.", "it is not an .npz file"),
    "single": (single(), r"it is a single array \(.npy\), not an .npz file of named arrays"),
    "objects": (npz(x=np.array([{}])), "it: its member 'x.npy' holds Python objects; only numbers are read"),
    "half": (npz(x=np.arange(999))[:300], "it is not a readable .npz file: "),
    "tail": (npz(x=np.arange(3))[:-4], "it is not a readable .npz file: "),
    "other member": (member("x.txt", b"hello"), "its member 'x.txt' is not an array"),
    "header": (member("x.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f4'"), "it is not a readable .npz file: "),
    "huge": (member("x.npy", b"\x93NUMPY\x01\x00\x46\x00" + b"{'descr': '<f4', 'fortran_order': False, 'shape': (1"
             + b"0" * 12 + b",), }   \n"), r"bytes, which is no float32 array of shape \[1000000000000\]"),
    "negative": (member("x.npy", header("<f4", "(-1, -2)") + bytes(8)), r"no float32 array of shape \[-1, -2\]"),
    "more than it says": (member("x.npy", header("<f4", "(1,)") + bytes(8)), "holds 8 bytes, which is no float32"),
    "structured": (member("x.npy", b"\x93NUMPY\x03\x00" + bytes(4)), "is not of array format 1.0 or 2.0"),
    "nested": (member("x.npy", header("<f4", "(" * 4000)), "it is not a readable .npz file: "),
    "twice": (twice(), "it holds two arrays named 'x'"),
    "bomb": (npz(x=np.zeros(1 << 27, np.uint8), y=np.zeros(1 << 27, np.uint8), z=np.zeros(1, np.uint8)),
             "would expand from .* bytes; up to 100 times as many are read"),
}


@pytest.mark.parametrize(("data", "message"), BAD.values(), ids=BAD)
def test_bytes_that_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        parse_arrays(data, "it")
    assert "\n" not in str(caught.value)


def test_any_damage_is_refused_or_harmless() -> None:
    whole = npz(x=np.arange(50), y=np.zeros((3, 4), np.float32))
    random = np.random.default_rng(0)
    for position in random.integers(0, len(whole), 300):
        data = bytearray(whole)
        data[position] ^= int(random.integers(1, 256))
        try:
            arrays = parse_arrays(bytes(data), "it")
        except DataError as error:
            assert "\n" not in str(error)
        else:
            assert all(isinstance(array, np.ndarray) for array in arrays.values())
