"""The HTML report: a network's profile as one self-contained page that opens offline (docs/report.md)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from runtime.cli.files import check_output, write_output
from runtime.profile import NetworkProfile
from runtime.profile.what_if import WhatIf
from runtime.report.data import report_data
from runtime.report.page import plotting_library, report_page

__all__ = ["check_report", "report_data", "report_page", "write_report"]


def check_report(path: str | Path) -> None:
    """Check that a report can be made and written there, before the work for it begins.

    Raises:
        ToolError: plotly is not installed.
        ProgramError: the file cannot be written.
    """
    plotting_library()
    check_output(path)


def write_report(
    profile: NetworkProfile, target: str | Path | BinaryIO, what_if: Sequence[WhatIf] = ()
) -> None:
    """Write a profile's report: to a file, whole or not at all ("-" is standard output), or to a stream.

    With the results of `runtime.profile.what_if`, it says too what would help.

    Raises:
        ToolError: plotly is not installed.
        ProgramError: the file cannot be written.
    """
    text = report_page(report_data(profile, what_if)).encode()
    if isinstance(target, (str, Path)):
        write_output(str(target), text)
    else:
        target.write(text)
