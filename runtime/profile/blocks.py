"""The blocks of a model: how its layers nest, by the names that exporters give them (docs/profile.md).

A name is a path: its parts lie between slashes, or between dots where it has no slash, and each part is divided once
more at an underscore that follows a digit, so `resnetv17_stage1_conv0_fwd` is as good as `stage1/conv0/fwd`. A part
that is only a number is written with the part before it (`layer1.0`). The last part is the layer's own.

Parts that do not divide anything are no blocks: what all layers share, and what holds a single layer or block (of two
such parts the outer one gives the name).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

MOST_PARTS = 12
"""Parts of a name that count, so that no name makes more levels than a reader can open."""
_AFTER_A_NUMBER = re.compile(r"(?<=[0-9])_+")


@dataclass(slots=True)
class _Level:
    """What is below one beginning of names: further parts, and the layers whose last part comes next."""

    layers: int = 0
    below: dict[str, _Level] = field(default_factory=dict)

    @property
    def divides(self) -> bool:
        """Whether it holds more than one thing."""
        return self.layers + len(self.below) > 1


def block_paths(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the blocks that enclose each layer, the outermost first; a layer's own name is not among them.

    The names may be any text, empty and equal ones included. The result does not depend on their order.
    """
    paths = [_parts(name)[:-1] for name in names]
    root = _Level()
    for path in paths:
        level = root
        for part in path:
            level = level.below.setdefault(part, _Level())
        level.layers += 1
    return [tuple(_blocks(root, path)) for path in paths]


def _blocks(root: _Level, path: Sequence[str]) -> Iterator[str]:
    """Yield the parts of a path that divide what is above them."""
    level, name = root, ""
    for part in path:
        name = part if level.divides else name
        level = level.below[part]
        if level.divides and name:
            yield name


def _parts(name: str) -> list[str]:
    """Return the parts of a name, at least one."""
    first = name.partition(";")[0]
    pieces = first.split("/" if "/" in first else ".", MOST_PARTS)
    parts: list[str] = []
    for piece in pieces:
        for part in _AFTER_A_NUMBER.split(piece, MOST_PARTS):
            if part:
                parts.append(f"{parts[-1]}.{part}" if parts and part.isdecimal() else part)
    return [*parts[:MOST_PARTS], ""] if len(parts) > MOST_PARTS else parts or [""]
