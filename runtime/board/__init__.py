"""The hardware behind its bus (docs/board.md): a driver that knows the registers, and buses that reach them."""

from runtime.board.bus import Bus
from runtime.board.driver import BoardRun, Driver
from runtime.board.mmap_bus import MmapBus

__all__ = ["BoardRun", "Bus", "Driver", "MmapBus"]
