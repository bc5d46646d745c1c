"""The fuzz target of the import runs a bounded number of times, and finds nothing."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNS, MOST_SECONDS = 6000, 90
"""Executions, and what ends them on a slow machine."""
IN_A_NEW_PROCESS = ("sh", "-c", '"$@"; exit $?', "sh")
"""libFuzzer looks at the most memory that its process ever had; on Linux that of a child begins with what the parent
had when it started it, and other tests make this one large. A shell between them is small."""
NO_ATHERIS = importlib.util.find_spec("atheris") is None


@pytest.mark.slow
@pytest.mark.skipif(NO_ATHERIS, reason="atheris is not installed: pip install 'tpukit[fuzz]'")
def test_the_import_neither_crashes_nor_hangs(tmp_path: Path) -> None:
    command = [
        *IN_A_NEW_PROCESS, sys.executable, "-m", "tests.fuzz.onnx_import", str(tmp_path / "corpus"),
        f"-artifact_prefix={tmp_path}/", f"-runs={RUNS}", f"-max_total_time={MOST_SECONDS}", "-seed=1",
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    found = {path.name: path.read_bytes().hex() for path in tmp_path.glob("*-*") if path.is_file()}
    assert done.returncode == 0, f"{done.stderr[-3000:]}\n{found}"
    assert "DONE" in done.stderr
