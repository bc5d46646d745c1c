"""Every hostile model is refused in one line that names the culprit, or imported: in bounded memory and time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from machine.text import LONGEST
from tests.compiler.hostile.corpus import Case, cases

ROOT = Path(__file__).parents[3]
CASES = list(cases())
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    command = [sys.executable, "-m", "tests.compiler.hostile.run_corpus", str(tmp_path_factory.mktemp("corpus"))]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | ONE_THREAD, capture_output=True, text=True, check=False)
    found = {entry["name"]: entry for entry in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 0, f"after {list(found)[-1:]}: {done.returncode} {done.stderr[-2000:]}"
    return found


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_model(outcomes: dict[str, dict[str, Any]], case: Case) -> None:
    outcome = outcomes[case.name]
    assert outcome["out"] == ""
    if outcome["code"] == 0:
        assert case.culprit is None, "imported"
        assert outcome["stage"] and all(line.isprintable() for line in outcome["stage"].splitlines())
        return
    assert outcome["code"] == 1, (outcome["code"], outcome["err"])
    assert outcome["left"] == []
    line = outcome["err"].removesuffix("\n")
    assert line.startswith("tpukit: error: ") and line.isprintable() and len(line) < 2 * LONGEST, line
    assert re.search(case.culprit or "", line), line


def test_names_of_the_cases_are_different() -> None:
    assert len({case.name for case in CASES}) == len(CASES) > 150
