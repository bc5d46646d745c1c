"""Every ONNX model below a folder: compiled, or refused for which reason; bits, and agreement with float.

`python -m benchmarks.shared_models [FOLDER] [--machine edge16] [--json FILE]`; the folder is `../shared/models` unless
named. What compiles is run: its cycles, its int8 outputs against the reference bit by bit, and against the float model
the noise of every output and the agreement of the largest scores. Data is real where some lies there (MNIST,
photographs, `inputs.npz` beside a model), and random elsewhere, where agreement means little.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy.typing as npt

from benchmarks.architectures import operators_by_placement
from benchmarks.shared_data import MODELS, Samples, face_photographs, mnist_images, ultraface_input, yunet_input
from compiler.importer import import_onnx
from compiler.quantizer.calibration import CalibrationSource, RandomCalibration
from machine.arrays import read_arrays
from machine.config import Machine, load_machine
from machine.errors import TpukitError
from runtime.check import check_program
from runtime.cli.output import print_table, say
from runtime.compile import compile_program
from runtime.session import Session

CALIBRATION_IMAGES, IMAGES = 200, 100
INPUTS_FILE = "inputs.npz"

AnyArray = npt.NDArray[Any]


@dataclass(frozen=True)
class Row:
    """What happened to one model; `reason` is empty where it compiled, everything else where it did not."""

    model: str
    data: str
    reason: str = ""
    operators: dict[str, dict[str, int]] = field(default_factory=dict)
    cycles: int | None = None
    samples: int = 0
    values_compared: int = 0
    values_different: int = 0
    outputs: list[dict[str, Any]] = field(default_factory=list)


def _mnist() -> Samples:
    return mnist_images("train")[:CALIBRATION_IMAGES], mnist_images("t10k")[:IMAGES]


REAL_DATA: Mapping[str, Callable[[], Samples]] = {
    "onnx_mnist": _mnist,
    "onnx_ultraface": lambda: face_photographs(ultraface_input),
    "onnx_yunet": lambda: face_photographs(yunet_input),
}
"""Data by the folder of the models that it is for."""


def examine(path: Path, name: str, machine: Machine) -> Row:
    """Compile one model, and run it if it compiles."""
    beside = path.parent / INPUTS_FILE
    calibration: CalibrationSource = RandomCalibration()
    inputs: Mapping[str, AnyArray] | None = None
    data = "random"
    try:
        if path.parent.name in REAL_DATA:
            data = "real"
            (only,) = import_onnx(path).inputs
            calibration, inputs = ({only: array} for array in REAL_DATA[path.parent.name]())
        elif beside.exists():
            data = INPUTS_FILE
            calibration = inputs = read_arrays(beside)
        session = Session(compile_program(path, machine, calibration))
        return _run(session, name, data, inputs or RandomCalibration(seed=1).draw(session.graph))
    except TpukitError as error:
        return Row(name, data, reason=str(error))


def _run(session: Session, name: str, data: str, inputs: Mapping[str, AnyArray]) -> Row:
    timing, check = session.run(with_function=False), check_program(session, inputs)
    return Row(
        name, data, "", operators_by_placement(session.program), timing.cycles, check.samples,
        sum(bits.values for bits in check.bits), sum(bits.different for bits in check.bits),
        [output.to_dict() for output in check.outputs],
    )


def print_rows(rows: Sequence[Row]) -> None:
    """Print the table, the agreement of every output, and the reasons."""
    columns = ["model", "data", "outcome", "on the accelerator", "on the host", "cycles", "values", "different"]
    print_table("", columns, [
        [
            row.model, row.data, "refused" if row.reason else "compiled",
            *(str(sum(row.operators.get(side, {}).values())) for side in ("accelerator", "host")),
            "-" if row.cycles is None else f"{row.cycles:,}", f"{row.values_compared:,}", f"{row.values_different:,}",
        ]
        for row in rows
    ])
    for row in rows:
        if row.reason:
            say(f"{row.model}: refused: {row.reason}")
        for output in row.outputs:
            top1 = "" if output["top1_agreement"] is None else f", top-1 agrees in {output['top1_agreement']:.2%}"
            say(f"{row.model}: {output['output']}: SQNR {output['sqnr_db']:.1f} dB{top1} ({row.samples} samples)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine every model, print what happened, and return 1 where a bit differs from the reference."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shared_models", description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=MODELS, help="where models lie, at any depth")
    parser.add_argument("--machine", default="edge16", help="machine name or TOML file")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    options = parser.parse_args(arguments)
    machine = load_machine(options.machine)
    paths = sorted(options.folder.rglob("*.onnx"))
    if not paths:
        parser.error(f"no ONNX models below {options.folder}")
    rows = [examine(path, str(path.relative_to(options.folder)), machine) for path in paths]
    print_rows(rows)
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return int(any(row.values_different for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
