"""`tpukit compare`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from compiler.importer.load import MOST_BYTES
from compiler.quantizer.calibration import CalibrationSource, RandomCalibration
from machine.config import load_machine
from machine.errors import DataError
from machine.files import read_stream
from machine.progress import during
from runtime.arrays import load_arrays
from runtime.cli.commands_compile import RANDOM, parse_shapes
from runtime.cli.commands_run import JsonOption
from runtime.cli.files import check_output, one_reader, write_output
from runtime.cli.output import print_json, print_table, progress, say
from runtime.compare import BACKENDS, LIMIT_SECONDS, Comparison, compare
from runtime.compare.kernels import CONV_FORM, GEMM_FORM, conv_model, gemm_model
from runtime.compare.page import comparison_page
from runtime.compare.table import COLUMNS, LEFT_COLUMNS, cells, notes
from runtime.networks import BUILT_IN
from runtime.report.page import plotting_library


def compare_command(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL.onnx", help=f"A float ONNX model ('-': standard input), or by name {', '.join(BUILT_IN)}."
        ),
    ] = None,
    input: Annotated[
        str | None,
        typer.Option("--input", "-i", metavar="X.npz", help="Samples by input name; 'random' makes some up."),
    ] = None,
    gemm: Annotated[
        str | None, typer.Option(metavar="MxKxN", help=f"In place of a model, a product of matrices: {GEMM_FORM}.")
    ] = None,
    conv: Annotated[
        str | None, typer.Option(metavar="IMAGE,KERNEL", help=f"In place of a model, a convolution: {CONV_FORM}.")
    ] = None,
    backends: Annotated[str, typer.Option(metavar="LIST", help="What to run on.")] = ",".join(BACKENDS),
    batch: Annotated[str, typer.Option(metavar="LIST", help="Samples of one run, such as 1,8,64.")] = "1",
    machine: Annotated[str, typer.Option(metavar="NAME", help="Machine name or TOML file.")] = "edge16",
    calibration: Annotated[
        str | None,
        typer.Option(metavar="DATA.npz", help="Samples for int8 ranges; by default a named network's own, or --input."),
    ] = None,
    shape: Annotated[
        list[str] | None, typer.Option(metavar="NAME=1,3,224,224", help="The shape of a dynamic input; repeatable.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of the CPU; by default one for each processor it may use.")
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0, help="How long one measurement goes on, unless its three runs take longer.")
    ] = LIMIT_SECONDS,
    seed: Annotated[int, typer.Option(min=0, help="Seed of random inputs, and of a kernel's weights.")] = 0,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write plots and table as one page that opens offline.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a network, or one kernel, on the accelerator, the CPU and the GPU: time, throughput, answers.

    Latency is the median of repeated runs after a warm-up; the accelerator's is its cycles over its clock. A backend
    that cannot run is left out with the reason.
    """
    if sum(each is not None for each in (model, gemm, conv)) != 1:
        raise DataError("give one of MODEL.onnx, --gemm and --conv")
    if model is not None and input is None:
        raise DataError("--input X.npz is needed (or --input random)")
    if model is None and (input is not None or calibration is not None or shape):
        raise DataError("a kernel makes up its own samples: --gemm and --conv exclude --input, --calibration, --shape")
    if html == Path("-"):
        raise DataError("--html needs a file; standard output is not one")
    one_reader(model, input, calibration)
    if html is not None:
        plotting_library()
        check_output(html)
    batches, names = _batches(batch), [name for name in backends.split(",") if name]
    target, sizes = load_machine(machine), parse_shapes(shape or [])
    chosen: CalibrationSource | None = None
    if gemm is not None:
        content: str | bytes = gemm_model(gemm, seed)
    elif conv is not None:
        content = conv_model(conv, seed)
    elif model in BUILT_IN:
        with during(f"making {model}"):
            content, chosen = BUILT_IN[model]()
    else:
        content = read_stream(sys.stdin.buffer, MOST_BYTES) if model == "-" else str(model)
    source = model or (f"gemm {gemm}" if gemm else f"conv {conv}")
    samples = RandomCalibration(seed) if input in (None, RANDOM) else load_arrays(str(input))
    if calibration is not None:
        chosen = RandomCalibration(seed) if calibration == RANDOM else load_arrays(calibration)
    with progress(f"comparing {source}", quiet=as_json):
        result = compare(
            content, target, samples, names, batches, calibration=chosen, shapes=sizes, threads=threads,
            limit_seconds=seconds, source=source,
        )
    if html is not None:
        write_output(str(html), comparison_page(result).encode())
    if as_json:
        print_json(result.to_dict())
    else:
        print_comparison(result)


def _batches(text: str) -> list[int]:
    parts = text.split(",")
    if any(not (part.isascii() and part.isdigit() and len(part) < 10 and int(part)) for part in parts):
        raise DataError(f"--batch {text!r} is not a list of numbers of at least 1, such as 1,8,64")
    return [int(part) for part in parts]


def print_comparison(result: Comparison) -> None:
    """Print a comparison for people: the table, and under it what the rows ran on."""
    rows = [cells(row) for row in result.rows]
    print_table(f"{result.source}: one run of a batch", COLUMNS, rows, LEFT_COLUMNS)
    for line in notes(result):
        say(line)
