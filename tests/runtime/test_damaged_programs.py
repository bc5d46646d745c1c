"""Program files with a right checksum and contents that make no sense: refused in one line, or run; never a traceback.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from machine.errors import TpukitError
from machine.program import FORMAT_VERSION, MAGIC, SECTION_ALIGNMENT, parse_program
from runtime.session import Backend, Session
from tests.runtime.helpers import Cli, Tiny, samples

PREFIX_BYTES, LENGTH = 52, slice(12, 20)
NONSENSE = (None, -1, 0, 3, 1 << 40, 10**30, float("inf"), float("nan"), "", "x", "int8", True, [], {}, [[]], [1, 2])
MEMORY_TRIED_BYTES = 1 << 24


def split(data: bytes) -> tuple[dict[str, Any], bytes]:
    end = PREFIX_BYTES + int.from_bytes(data[LENGTH], "little")
    return json.loads(data[PREFIX_BYTES:end]), data[end:]


def joined(header: dict[str, Any], body: bytes) -> bytes:
    text = json.dumps(header).encode()
    text += b" " * (-(PREFIX_BYTES + len(text)) % SECTION_ALIGNMENT)
    prefix = MAGIC + FORMAT_VERSION.to_bytes(4, "little") + len(text).to_bytes(8, "little")
    return prefix + hashlib.sha256(text + body).digest() + text + body


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every (container, key) within a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from places(item)


def test_taking_apart_and_joining_is_right(tiny: Tiny) -> None:
    data = tiny.program.to_bytes()
    assert parse_program(joined(*split(data))).to_bytes() == data


@pytest.mark.parametrize("seed", range(150))
def test_nonsense_in_the_header(cli: Cli, tiny: Tiny, seed: int) -> None:
    chance = random.Random(seed)
    header, body = split(tiny.program.to_bytes())
    header = deepcopy(header)
    container, key = chance.choice(list(places(header)))
    if isinstance(container, dict) and chance.random() < 0.2:
        del container[key]
    else:
        container[key] = chance.choice(NONSENSE)
    data = joined(header, body)
    for command in (["inspect", "-"], ["inspect", "-", "--json"], ["disasm", "-"]):
        done = cli(*command, stdin=data)
        if done.code:
            done.refuses("")
    try:
        program = parse_program(data)
        session = Session(program)
        if program.memory_bytes <= MEMORY_TRIED_BYTES:
            for backend in (Backend.SIM, Backend.REFERENCE):
                session.run({"x": samples(1)}, backend)
    except TpukitError as error:
        assert str(error)
