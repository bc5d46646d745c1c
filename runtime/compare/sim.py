"""The accelerator: cycles over its clock, with the time of the simulation and of the host apart."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy.typing as npt

from machine.program import Segment
from runtime.compare.measure import measure, wall
from runtime.compare.result import Row, Spread
from runtime.compare.subject import Subject
from runtime.compile import compile_quantized
from runtime.session import Session

AnyArray = npt.NDArray[Any]
NUMBERS = ("int8",)


class Sim:
    """The simulated accelerator."""

    def __init__(self, subject: Subject, source: str, limit_seconds: float) -> None:
        """Take what is compared and the limit of a measurement of the host."""
        self._subject, self._source, self._limit = subject, source, limit_seconds

    def row(self, number: str, batch: int) -> Row:
        """Compile for a batch and run one.

        Raises:
            CompileError: the machine cannot execute the network.
            SimulationError: the program ends with an error status.
        """
        subject, machine = self._subject, self._subject.machine
        program = compile_quantized(subject.quantized_graph, machine, subject.model, self._source, batch)
        session, inputs = Session(program), subject.batch(batch)
        timed = session.run(with_function=False)
        assert timed.cycles is not None
        recorded: list[dict[str, AnyArray]] = []
        seconds = timed.simulation_seconds

        def simulate(segment: Segment, integers: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
            nonlocal seconds
            begin = time.perf_counter()
            recorded.append(session.execute_function(segment, integers))
            seconds += time.perf_counter() - begin
            return recorded[-1]

        values = session.run_segments(inputs, simulate)
        (host,) = measure(wall(lambda: session.run_segments(inputs, _Replay(recorded))), self._limit)
        array = machine.rows * machine.columns
        return Row(
            "sim", f"{machine.name}, {machine.rows}x{machine.columns} at {machine.clock_hz / 1e6:g} MHz", number,
            "program of tpukit", batch, Spread.exact(timed.cycles / machine.clock_hz), host, program.macs,
            float(array * machine.clock_hz), subject.answers({n: values[n] for n in session.graph.outputs}, batch),
            min(batch, subject.samples), timed.cycles, seconds,
        )


class _Replay:
    """Gives what each segment gave before, so that the rest of a run is the host's time."""

    def __init__(self, recorded: list[dict[str, AnyArray]]) -> None:
        self._results: Iterator[dict[str, AnyArray]] = iter(recorded)

    def __call__(self, segment: Segment, integers: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        return next(self._results)
