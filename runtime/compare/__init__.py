"""One network, or one kernel, on the accelerator, the CPU and the GPU (docs/compare.md)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt

from compiler.graph import Graph
from compiler.quantizer.calibration import CalibrationSource, RandomCalibration
from machine.config import Machine
from machine.errors import DataError, TpukitError
from machine.progress import during, steps
from runtime.compare import cpu, gpu, sim
from runtime.compare.result import Answer, Comparison, LeftOut, Row, Spread
from runtime.compare.subject import Subject

__all__ = ["BACKENDS", "LIMIT_SECONDS", "Answer", "Comparison", "LeftOut", "Row", "Spread", "compare"]

NUMBERS: Mapping[str, tuple[str, ...]] = {"sim": sim.NUMBERS, "cpu": cpu.NUMBERS, "gpu": gpu.NUMBERS}
"""The types of numbers that each backend is measured in."""
BACKENDS = tuple(NUMBERS)
LIMIT_SECONDS = 2.0
"""How long one measurement goes on, unless its few runs take longer."""


class Backend(Protocol):
    """What gives rows."""

    def row(self, number: str, batch: int) -> Row:
        """Measure a network in a type of numbers at a batch."""
        ...


def compare(
    model: str | Path | bytes | Graph,
    machine: Machine,
    inputs: Mapping[str, npt.NDArray[Any]] | RandomCalibration,
    backends: Sequence[str] = BACKENDS,
    batches: Sequence[int] = (1,),
    *,
    calibration: CalibrationSource | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    threads: int | None = None,
    limit_seconds: float = LIMIT_SECONDS,
    source: str = "",
) -> Comparison:
    """Run an ONNX model (path or bytes) or a float graph on several backends, at several batches.

    A batch takes the samples of `inputs` in order, from the first again where there are too few. Int8 ranges are chosen
    with `calibration`, by default the inputs themselves. `threads` are the CPU's, by default all that the process may
    use. A row that cannot be made (no device, out of memory, a machine too small) is left out with its reason.

    Raises:
        ModelError: the model cannot be read, or holds an operator that is not supported (named).
        DataError: inputs or calibration data that do not fit, an unknown backend, or a batch that is not legal.
        TpukitError: no row could be made; the error is that of the first.
    """
    unknown = [name for name in backends if name not in NUMBERS]
    if unknown or not backends:
        raise DataError(f"no backend is called '{unknown[0] if unknown else ''}'; legal are {', '.join(BACKENDS)}")
    threads = cpu.usable_cpus() if threads is None else threads
    if threads < 1:
        raise DataError(f"{threads} threads; legal is 1 and more")
    if not (math.isfinite(limit_seconds) and limit_seconds >= 0):
        raise DataError(f"the limit of a measurement is {limit_seconds} s; legal is 0 and more")
    subject = Subject(model, machine, inputs, calibration, shapes)
    for size in batches:
        subject.batch(size)
    name = source or (Path(model).name if isinstance(model, (str, Path)) else "graph")
    opened: Mapping[str, Callable[[], Backend]] = {
        "sim": lambda: sim.Sim(subject, name, limit_seconds),
        "cpu": lambda: cpu.Cpu(subject, threads, limit_seconds),
        "gpu": lambda: gpu.Gpu(subject, limit_seconds),
    }
    made = _Made()
    names = tuple(dict.fromkeys(backends))
    for backend in steps("comparing", names, len(names)):
        made.add(backend, opened[backend], tuple(dict.fromkeys(batches)))
    if not made.rows:
        raise made.errors[0]
    return Comparison(name, machine.name, tuple(made.rows), tuple(made.left_out))


class _Made:
    """The rows that could be made, and why others could not."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.left_out: list[LeftOut] = []
        self.errors: list[TpukitError] = []

    def add(self, name: str, open_backend: Callable[[], Backend], batches: Sequence[int]) -> None:
        """Add the rows of a backend."""
        try:
            backend = open_backend()
        except TpukitError as error:
            self._leave_out(LeftOut(name, None, None, str(error)), error)
            return
        for number in NUMBERS[name]:
            for batch in batches:
                try:
                    with during(f"{name}, {number}, batch {batch}"):
                        self.rows.append(backend.row(number, batch))
                except TpukitError as error:
                    self._leave_out(LeftOut(name, number, batch, str(error)), error)

    def _leave_out(self, what: LeftOut, error: TpukitError) -> None:
        error.__traceback__ = error.__context__ = None  # they keep alive what a device's memory was full of
        self.left_out.append(what)
        self.errors.append(error)
