"""A profile for TensorBoard (docs/traces.md)."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from machine.errors import ProgramError, ToolError
from machine.progress import during
from runtime.cli.files import whole_file
from runtime.profile import NetworkProfile

FILE_NAME = "events.out.tfevents.0000000000.tpukit"
"""TensorBoard takes files whose names hold `tfevents`. Always the same: a newer profile takes an older one's place."""

AnyArray = npt.NDArray[Any]


def check_tensorboard(directory: Path) -> None:
    """Check that a directory can be written for TensorBoard before the work for it begins.

    Raises:
        ToolError: TensorBoard is not installed.
        ProgramError: the directory, or the one that it would be made in, is none or cannot be written.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise ToolError("the Python package 'tensorboard' is missing: pip install 'tpukit[report]'")
    nearest = directory
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise ProgramError(f"cannot write {str(directory)!r}: {str(nearest)!r} is not a folder")
    if not os.access(nearest, os.W_OK):
        raise ProgramError(f"cannot write {str(directory)!r}: permission denied")


def write_tensorboard(
    profile: NetworkProfile, directory: Path, inputs: Mapping[str, AnyArray] | None = None
) -> Path:
    """Write an event file into a directory, which is made if it is not there; return the file.

    Args:
        profile: the profile.
        directory: the directory of one run, as TensorBoard means it.
        inputs: samples of the model's inputs: the histograms are then of the error of every activation, without them of
            the weights.

    Raises:
        ToolError: TensorBoard is not installed.
        ProgramError: the file cannot be written there.
        DataError: inputs that the model does not take.
        ModelError: the float model in the program cannot be read.
    """
    check_tensorboard(directory)
    from runtime.traces.tensorboard_events import write_events

    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProgramError(f"cannot write {str(directory)!r}: {error.strerror}") from None
    path = directory / FILE_NAME
    with during("writing for TensorBoard"), whole_file(path) as partial, partial.open("wb") as file:
        write_events(profile, inputs, file)
    return path
