"""Opens a network by name or path: a built-in one, a model, or a program that is compiled already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from compiler.quantizer.calibration import CalibrationSource, RandomCalibration
from examples.digits.data import load_calibration, model_path
from examples.networks import NETWORKS
from machine.config import Machine, load_machine
from machine.errors import DataError, ProgramError
from machine.program import Program, load_program
from machine.progress import during
from runtime.compile import compile_program
from runtime.demo import INPUT

DEFAULT_MACHINE = "edge16"
MODEL_SUFFIX = ".onnx"


def _digits() -> tuple[bytes, CalibrationSource]:
    return model_path().read_bytes(), {INPUT: load_calibration()}


def _made(name: str) -> Callable[[], tuple[bytes, CalibrationSource]]:
    return lambda: (NETWORKS[name]().SerializeToString(), RandomCalibration())


BUILT_IN: dict[str, Callable[[], tuple[bytes, CalibrationSource]]] = {
    "digits": _digits, **{name: _made(name) for name in NETWORKS}
}
"""The networks that come with tpukit: what makes each one's model and calibration data."""


def open_network(
    source: str,
    machine: Machine | None = None,
    calibration: CalibrationSource | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    batch: int | None = None,
) -> Program:
    """Return the program of a built-in network's name (`BUILT_IN`), of a model's path or of a program's path.

    Models are compiled for `machine`, by default edge16, with `calibration` data; by default with a built-in network's
    own, or with random samples: then shape and time are meaningful, accuracy is not. `shapes` and `batch` are as for
    `compile_program`. A program is what it was compiled as: a machine that is given must be its own. A file with the
    name of a built-in network is reached by a path with a slash.

    Raises:
        DataError: there is no such network, or calibration data, shapes or a batch are given for a program.
        ProgramError: the program cannot be read, or is for another machine.
        ModelError: the model cannot be read, or holds an operator that is not supported (named).
        CompileError: the machine cannot execute the network.
    """
    model: bytes | Path
    samples: CalibrationSource
    if source in BUILT_IN:
        with during(f"making {source}"):
            model, samples = BUILT_IN[source]()
    elif source.endswith(MODEL_SUFFIX):
        model, samples = Path(source), RandomCalibration()
    elif Path(source).exists() or Path(source).suffix or "/" in source:
        if any(option is not None for option in (calibration, shapes, batch)):
            raise DataError(f"{source!r} is compiled already: calibration data, shapes and batch are for models")
        return held_to(load_program(source), machine, source)
    else:
        raise DataError(
            f"no network {source!r}; legal are {', '.join(BUILT_IN)}, the path of a model (*{MODEL_SUFFIX}) and the "
            "path of a program"
        )
    target = load_machine(DEFAULT_MACHINE) if machine is None else machine
    return compile_program(
        model, target, samples if calibration is None else calibration, shapes, Path(source).name, batch=batch
    )


def held_to(program: Program, machine: Machine | None, name: str) -> Program:
    """Return a program if it is for a machine, where one is given.

    Raises:
        ProgramError: it was compiled for another one.
    """
    if machine is not None and machine != program.machine:
        raise ProgramError(f"{name!r} was compiled for {program.machine.name}, asked to run on {machine.name}"
                           f"{_difference(program.machine, machine)}")
    return program


def _difference(held: Machine, wanted: Machine) -> str:
    """Say how two machines of one name differ."""
    if held.name != wanted.name:
        return ""
    pairs = zip(held.to_dict().items(), wanted.to_dict().values(), strict=True)
    fields = [f"{name} is {value} there and {other} here" for (name, value), other in pairs if value != other]
    return f": {', '.join(fields)}"
