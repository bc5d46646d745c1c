"""Reading `.npz` files: what is read, and how everything else is refused."""

from __future__ import annotations

import io
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


def member(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def single() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    return buffer.getvalue()


BAD = {
    "empty": (b"", "it is not an .npz file"),
    "text": (b"text", "it is not an .npz file"),
    "pickle": (b"\x80\x04N.", "it is not an .npz file"),
    "single": (single(), r"it is a single array \(.npy\), not an .npz file of named arrays"),
    "objects": (npz(x=np.array([{}])), "it is not a readable .npz file: Object arrays cannot be loaded"),
    "half": (npz(x=np.arange(999))[:300], "it is not a readable .npz file: "),
    "tail": (npz(x=np.arange(3))[:-4], "it is not a readable .npz file: "),
    "other member": (member("x.txt", b"hello"), "its member 'x.txt' is not an array"),
    "header": (member("x.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f4'"), "it is not a readable .npz file: "),
    "huge": (member("x.npy", b"\x93NUMPY\x01\x00\x46\x00" + b"{'descr': '<f4', 'fortran_order': False, 'shape': (1"
             + b"0" * 12 + b",), }   \n"), "it is not a readable .npz file: "),
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
