"""Reading whole files from outside: only regular ones, and no more bytes than the reader wants."""

from __future__ import annotations

import errno
import stat
from pathlib import Path
from typing import BinaryIO

SPECIAL = "Not a regular file; '-' is standard input"
"""What is said of a pipe or a device, which may never end."""


CHUNK_BYTES = 1 << 20


def read_stream(stream: BinaryIO, most_bytes: int) -> bytes:
    """Return all that a stream holds, which may be a pipe.

    Raises:
        OSError: it cannot be read, or holds more than `most_bytes`.
    """
    data = bytearray()
    while chunk := stream.read(CHUNK_BYTES):
        data += chunk
        if len(data) > most_bytes:
            raise OSError(errno.EFBIG, f"It holds more than the {most_bytes} bytes that are supported")
    return bytes(data)


def read_file(path: Path, most_bytes: int) -> bytes:
    """Return a file's bytes.

    Raises:
        OSError: it cannot be read, is a pipe or a device, or holds more than `most_bytes`.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EINVAL, SPECIAL)
    if found.st_size > most_bytes:
        raise OSError(errno.EFBIG, f"It holds {found.st_size} bytes, more than the {most_bytes} that are supported")
    with path.open("rb") as file:
        return file.read(found.st_size)
