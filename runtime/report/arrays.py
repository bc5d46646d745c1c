"""Integer arrays as one compressed text, which the page's script turns into typed arrays again."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

_LEVEL = 9


class ArrayPacker:
    """Collects named arrays of counts below 2**32 and packs them.

    Ascending arrays are given as differences (`differences=True`): small numbers, which compress well.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._entries: dict[str, dict[str, Any]] = {}
        self._parts: list[bytes] = []
        self._offset = 0

    def add(self, name: str, values: npt.NDArray[Any], differences: bool = False) -> None:
        """Add int[n]; stored in the narrowest of 1, 2 and 4 bytes, in planes of equal significance.

        Raises:
            ValueError: a number is negative or not below 2**32.
        """
        numbers = np.diff(values.astype(np.int64), prepend=0) if differences else values.astype(np.int64)
        low, high = int(numbers.min(initial=0)), int(numbers.max(initial=0))
        if low < 0 or high >= 1 << 32:
            raise ValueError(f"array {name!r} has values from {low} to {high}; legal are 0 to 2**32 - 1")
        width = 1 if high < 1 << 8 else 2 if high < 1 << 16 else 4
        planes = numbers.astype(f"<u{width}").view(np.uint8).reshape(-1, width).T
        self._entries[name] = {
            "offset": self._offset, "count": len(numbers), "bytes": width, "differences": differences,
        }
        self._parts.append(planes.tobytes())
        self._offset += width * len(numbers)

    def to_dict(self) -> dict[str, Any]:
        """Return the table of arrays and the text that holds them all."""
        packed = zlib.compress(b"".join(self._parts), _LEVEL)
        return {"table": self._entries, "zlib": base64.b64encode(packed).decode()}
