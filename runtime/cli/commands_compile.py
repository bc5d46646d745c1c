"""`tpukit compile`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from compiler.importer.load import MOST_BYTES
from compiler.pipeline import Observer
from compiler.placement.place import PlacementOptions, Policy
from compiler.quantizer.calibration import CalibrationSource, RandomCalibration
from compiler.quantizer.options import DEFAULT_PERCENT, Method, QuantizationOptions
from compiler.quantizer.sensitivity import LayerSensitivity
from machine.config import Machine, load_machine
from machine.errors import DataError
from machine.files import read_stream
from machine.program import Program
from runtime.arrays import load_arrays
from runtime.cli.commands_run import JsonOption
from runtime.cli.files import check_output, one_reader, write_output
from runtime.cli.layers_report import layers_report, print_layers_report
from runtime.cli.output import decibels, print_json, print_table, progress
from runtime.compile import compile_program, layer_sensitivity
from runtime.compile_cache import compile_cached
from runtime.stage_observers import STAGE_NAMES, StageClock, StageReached, StopAfter, observe_with
from runtime.stages import StageDump

CACHE_VARIABLE = "TPUKIT_COMPILE_CACHE"
RANDOM = "random"
"""What stands in place of a calibration file's name; a file of that name is `./random`."""
RANDOM_NOTE = "calibrated with random samples: shape and time are meaningful, accuracy is not"


def compile_command(
    model: Annotated[str, typer.Argument(metavar="MODEL.onnx", help="A float ONNX model; '-' is standard input.")],
    calibration: Annotated[
        str,
        typer.Option(
            metavar="DATA.npz",
            help="Samples of every input by name, to choose int8 ranges with; 'random' makes some up, for shape and "
            "time only.",
        ),
    ],
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="OUT.tpu", help="The program file; '-' is standard output.")
    ] = None,
    machine: Annotated[str, typer.Option(metavar="NAME", help="Machine name or TOML file.")] = "edge16",
    shape: Annotated[
        list[str] | None, typer.Option(metavar="NAME=1,3,224,224", help="The shape of a dynamic input; repeatable.")
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Samples that a run takes at once; by default the model's own batch."),
    ] = None,
    dump_stages: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write every stage of the compilation as text.")
    ] = None,
    stop_after: Annotated[
        str | None,
        typer.Option(
            metavar="STAGE",
            help="Stop there; print that stage as text, or write it to --output, instead of a program. "
            f"Stages: {', '.join(STAGE_NAMES)}.",
        ),
    ] = None,
    time_stages: Annotated[
        bool, typer.Option("--time-stages", help="Say on standard error what each stage took.")
    ] = False,
    calibration_method: Annotated[
        Method, typer.Option(help="How ranges follow from the samples; see docs/quantization.md.")
    ] = Method.MIN_MAX,
    percentile: Annotated[
        float, typer.Option(metavar="PERCENT", help="The values that a range holds, with the method percentile.")
    ] = DEFAULT_PERCENT,
    equalize: Annotated[
        bool, typer.Option("--equalize", help="Balance the channels of consecutive layers first.")
    ] = False,
    bias_correction: Annotated[
        bool, typer.Option("--bias-correction", help="Take the mean error of rounded weights off the biases.")
    ] = False,
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="Report what quantizing each layer alone does to the outputs.")
    ] = False,
    placement: Annotated[
        Policy, typer.Option(help="What may be on the host: what costs least, or nothing; see docs/partition.md.")
    ] = Policy.AUTO,
    keep_float: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A node that the host executes in float; repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of random calibration.")] = 0,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", envvar=CACHE_VARIABLE, show_envvar=True,
            help="Keep programs there by what they were compiled from; off by default. See docs/compile-cache.md.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compile a float ONNX model to an accelerator binary."""
    if output == "-" and as_json:
        raise DataError("--json and --output - would both write to standard output")
    if stop_after is not None and (as_json or sensitivity):
        raise DataError("--stop-after gives a stage's text and no program: it excludes --json and --sensitivity")
    if output is None and stop_after is None:
        raise DataError("--output OUT.tpu is needed (or --stop-after STAGE)")
    output = output or "-"
    one_reader(model, calibration)
    check_output(output)
    clock = StageClock()
    observers: list[Observer] = [clock]
    observers += [] if dump_stages is None else [StageDump(dump_stages)]
    observers += [] if stop_after is None else [StopAfter(stop_after)]
    sizes, target = parse_shapes(shape or []), load_machine(machine)
    samples = RandomCalibration(seed) if calibration == RANDOM else load_arrays(calibration)
    options = QuantizationOptions(calibration_method, percentile, equalize, bias_correction)
    sides = PlacementOptions(placement, tuple(keep_float or ()))
    source = read_stream(sys.stdin.buffer, MOST_BYTES) if model == "-" else model
    with progress(f"compiling {model}", quiet=as_json):
        try:
            observe = observe_with([*observers, clock.resume])
            settings = {
                "shapes": sizes, "options": options, "batch": batch, "observe": observe, "placement": sides,
            }
            watched = time_stages or len(observers) > 1
            program, cached = _compile(None if watched else cache, source, target, samples, settings)
        except StageReached as reached:
            write_output(output, reached.text.encode())
            return
        finally:
            if time_stages:
                print_seconds(clock)
        effects = layer_sensitivity(source, target, samples, sizes, options, sides) if sensitivity else ()
    write_output(output, program.to_bytes())
    if isinstance(samples, RandomCalibration):
        print(f"tpukit: note: {RANDOM_NOTE} (seed {seed})", file=sys.stderr)
    if as_json:
        print_json({
            "output": output, "machine": program.machine.name, "batch": program.batch,
            "instructions": len(program.instructions), "cached": cached, "macs": program.macs,
            "memory_bytes": program.memory_bytes, **layers_report(program),
            "quantization": {
                "calibration": calibration, "method": options.method.value, "percentile": options.percent,
                "equalize": options.equalize, "bias_correction": options.bias_correction,
                "note": RANDOM_NOTE if isinstance(samples, RandomCalibration) else None,
                "seed": seed if isinstance(samples, RandomCalibration) else None,
            },
            "sensitivity": [effect.to_dict() for effect in effects] if sensitivity else None,
        })
    elif output != "-":
        print_sensitivity(effects)
        print_layers_report(program, output)


def _compile(
    cache: Path | None, source: str | bytes, target: Machine, samples: CalibrationSource, settings: dict[str, Any]
) -> tuple[Program, bool]:
    """Return the program and whether it came from the cache, which is not asked where there is none."""
    if cache is None:
        return compile_program(source, target, samples, **settings), False
    return compile_cached(cache, source, target, samples, **settings)


def print_seconds(clock: StageClock) -> None:
    """Say on standard error what each stage took, and all of them."""
    for name, seconds in clock.seconds.items():
        print(f"tpukit: {name:16} {seconds:9.3f} s", file=sys.stderr)
    print(f"tpukit: {'all stages':16} {sum(clock.seconds.values()):9.3f} s", file=sys.stderr)


def print_sensitivity(layers: Sequence[LayerSensitivity]) -> None:
    """Print what quantizing each layer alone does to the outputs; nothing where it was not asked for."""
    if layers:
        print_table("one layer quantized at a time", ["layer", "operator", "SQNR at the output (dB)"], [
            [layer.layer, layer.operator, decibels(layer.sqnr_db)] for layer in layers
        ])


def parse_shapes(texts: list[str]) -> dict[str, tuple[int, ...]]:
    """Parse `NAME=1,3,224,224` options.

    Raises:
        DataError: not of that form.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts:
        name, separator, sizes = text.rpartition("=")
        try:
            shape = tuple(int(size) for size in sizes.split(","))
        except ValueError:
            shape = ()
        if not separator or not name or not shape or min(shape) < 1:
            raise DataError(f"--shape {text!r} is not of the form name=1,3,224,224")
        shapes[name] = shape
    return shapes
