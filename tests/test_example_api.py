"""The example of the Python interface prints what its .out file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.api import compile_and_run


def test_compile_and_run(capsys: pytest.CaptureFixture[str]) -> None:
    compile_and_run.main()
    assert capsys.readouterr().out == Path(compile_and_run.__file__).with_suffix(".out").read_text()
