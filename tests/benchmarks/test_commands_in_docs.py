"""docs/kernels.md shows what commands print, and its Python is what it says it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.commands_in_docs import PAGES, ROOT, printed, updated
from machine.config import load_machine
from machine.errors import ToolError
from runtime.kernel import load_kernels, run_kernel


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_pages_show_what_commands_print(name: str) -> None:
    page = (ROOT / name).read_text()
    assert page.count("<!-- output: tpukit ") == page.count("<!-- end of output -->") >= 4
    assert updated(page) == page, "run python -m benchmarks.commands_in_docs"


def test_an_output_is_written_anew() -> None:
    end = "<!-- end of output -->\nz\n"
    command = "tpukit machine show nano4 --json"
    page = updated(f"a\n<!-- output: {command} -->\nold\n{end}")
    assert page.startswith(f"a\n<!-- output: {command} -->\n```\n$ {command}\n{{")
    assert page.endswith("}\n```\n" + end) and "old" not in page and updated(page) == page
    with pytest.raises(ToolError, match="tpukit disasm nothing.tpu ended with exit code 1"):
        printed("disasm nothing.tpu")


def test_the_first_kernel_runs(tmp_path: Path) -> None:
    page = (ROOT / "docs/kernels.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "first.py").write_text(code)
    (source,) = load_kernels(str(tmp_path / "first.py"))
    for name in ("nano4", "edge8"):
        run = run_kernel(source.build(load_machine(name)), max_cycles=10_000)
        assert run.is_right and [check.differing for check in run.checks] == [0]
