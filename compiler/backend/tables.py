"""The table memory over time: what each of the vector engine's tables holds, in program order."""

from __future__ import annotations

from dataclasses import dataclass, field

from machine.config import TABLE_COUNT


@dataclass
class TableSlots:
    """A layer's table goes where the one lies that was used longest ago; a table that is still there is not loaded."""

    _held: list[bytes] = field(default_factory=lambda: [b""] * TABLE_COUNT)
    _oldest_first: list[int] = field(default_factory=lambda: list(range(TABLE_COUNT)))

    def take(self, table: bytes) -> tuple[int, bool]:
        """Return the slot from which a layer looks up a table, and whether it must be loaded first."""
        known = table in self._held
        slot = self._held.index(table) if known else self._oldest_first[0]
        self._held[slot] = table
        self._oldest_first.remove(slot)
        self._oldest_first.append(slot)
        return slot, not known
