"""The blocks of a model, from the names that its exporter gave to its nodes."""

from __future__ import annotations

from collections.abc import Sequence


def block_paths(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the names of the blocks around each node, the outermost first; names nest by "/"."""
    return [tuple(part for part in name.split("/")[:-1] if part) for name in names]
