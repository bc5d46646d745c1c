"""Reading whole files from outside: only regular ones, and no more bytes than the reader wants."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

SPECIAL = "Not a regular file; '-' is standard input"
"""What is said of a pipe or a device, which may never end."""


def read_file(path: Path, most_bytes: int) -> bytes:
    """Return a file's bytes.

    Raises:
        OSError: it cannot be read, is a pipe or a device, or holds more than `most_bytes`.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EINVAL, SPECIAL)
    with path.open("rb") as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise OSError(errno.EFBIG, f"It holds more than {most_bytes} bytes")
    return data
