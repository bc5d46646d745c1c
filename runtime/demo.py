"""The main job on the embedded network: compile, simulate the whole test split, check, profile, and run on the RTL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from examples.digits.data import load_calibration, load_test, model_path
from machine.config import Machine
from machine.program import Program
from runtime.compile import compile_program
from runtime.cosim import CosimResult, cosimulate
from runtime.profile import NetworkProfile, profile_program
from runtime.session import Backend, RunResult, Session

INPUT, OUTPUT = "image", "probabilities"


@dataclass
class DemoReport:
    """What `tpukit demo` prints."""

    machine: Machine
    program: Program
    samples: int
    accuracy_float: float
    accuracy_int8: float
    equal_to_reference: bool
    run: RunResult
    profile: NetworkProfile
    cosim: CosimResult | None

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a JSON-able dictionary."""
        return {
            "machine": self.machine.name,
            "samples": self.samples,
            "accuracy_float": self.accuracy_float,
            "accuracy_int8": self.accuracy_int8,
            "equal_to_reference": self.equal_to_reference,
            "latency_seconds": (self.run.cycles or 0) / self.machine.clock_hz,
            "run": self.run.to_dict(),
            "profile": self.profile.to_dict(),
            "cosim": None if self.cosim is None else self.cosim.to_dict(),
        }


def compile_digits(machine: Machine) -> Program:
    """Compile the embedded digits network with its calibration images."""
    return compile_program(str(model_path()), machine, {INPUT: load_calibration()}, source="digits.onnx")


def run_demo(machine: Machine, with_rtl: bool = False) -> DemoReport:
    """Compile and run the embedded network on a machine; with the RTL, one sample is co-simulated.

    Raises:
        TpukitError: the machine is too small for the network, or a tool that the RTL needs is missing.
    """
    program = compile_digits(machine)
    session = Session(program)
    images, labels = load_test()
    inputs = {INPUT: images}
    run = session.run(inputs, Backend.SIM)
    reference = session.run(inputs, Backend.REFERENCE)
    cpu = session.run(inputs, Backend.CPU)
    return DemoReport(
        machine=machine,
        program=program,
        samples=len(images),
        accuracy_float=_accuracy(cpu, labels),
        accuracy_int8=_accuracy(run, labels),
        equal_to_reference=all(np.array_equal(run.integers[n], reference.integers[n]) for n in run.integers),
        run=run,
        profile=profile_program(program),
        cosim=cosimulate(session, inputs) if with_rtl else None,
    )


def _accuracy(result: RunResult, labels: np.typing.NDArray[np.int64]) -> float:
    return float((result.outputs[OUTPUT].argmax(axis=-1).reshape(-1) == labels).mean())
