"""Networks and kernels on the accelerator, the CPU and the GPU: the tables of docs/compare.md.

`python -m benchmarks.compare_backends [--machine edge16] [--batches 1 8] [--backends sim cpu gpu] [--threads 1]
[--json FILE] [--markdown] [NAME ...]`; a name is one of `SUBJECTS`. Weights and samples are random and seeded, so that
times mean something and answers do not, beyond that they agree. Where there is no CUDA device the GPU is left out.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from compiler.quantizer.calibration import RandomCalibration
from examples.digits.data import model_path
from examples.networks.mobilenet_v2 import mobilenet_v2_model
from examples.networks.resnet50 import resnet50_model
from machine.config import load_machine
from runtime.cli.commands_compare import print_comparison
from runtime.cli.output import decibels, finite
from runtime.compare import BACKENDS, LIMIT_SECONDS, Comparison, Row, compare
from runtime.compare.kernels import conv_model, gemm_model
from runtime.compare.table import devices, duration, spread

GEMM, CONV = "512x512x512", "1x64x56x56,64x3x3"
SUBJECTS: dict[str, Callable[[], bytes]] = {
    f"gemm {GEMM}": lambda: gemm_model(GEMM),
    f"conv {CONV}": lambda: conv_model(CONV),
    "digits": lambda: model_path().read_bytes(),
    "mobilenet_v2": lambda: bytes(mobilenet_v2_model().SerializeToString()),
    "resnet50": lambda: bytes(resnet50_model().SerializeToString()),
}
"""What is compared, by name."""
COLUMNS = (
    "", "backend", "numbers", "batch", "latency", "p10 to p90", "samples/s", "GMAC/s", "of peak", "SNR (dB)",
)


def cells(source: str, row: Row) -> tuple[str, ...]:
    """Return what the table of the documentation says of one row, in the order of `COLUMNS`."""
    rate, macs, share = row.samples_per_second or 0.0, row.macs_per_second or 0.0, row.share_of_peak
    return (
        source, row.backend, row.number, str(row.batch), duration(row.latency.median_seconds),
        "exact" if row.cycles is not None else spread(row.latency), f"{rate:,.1f}", f"{macs / 1e9:,.1f}",
        "-" if share is None else f"{share:.1%}", decibels(row.snr_db),
    )


def markdown(results: Sequence[Comparison]) -> str:
    """Return the table as it stands in `docs/compare.md`, and under it what the rows ran on."""
    lines = [COLUMNS, ("---", "---", "---", *["---:"] * (len(COLUMNS) - 3))]
    lines += [cells(result.source, row) for result in results for row in result.rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    told = dict.fromkeys(line for result in results for line in devices(result.rows))
    told |= dict.fromkeys(str(each) for result in results for each in result.left_out)
    return "\n".join([table, "", *(f"- {line}" for line in told)])


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare what is named, and print a table for each, or one table of all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare_backends", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(SUBJECTS), metavar="NAME", help=", ".join(SUBJECTS))
    parser.add_argument("--machine", default="edge16", help="machine name or TOML file")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8])
    parser.add_argument("--backends", nargs="+", default=list(BACKENDS))
    parser.add_argument("--threads", type=int, help="of the CPU; by default one for each processor")
    parser.add_argument("--seconds", type=float, default=LIMIT_SECONDS, help="how long one measurement goes on")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    parser.add_argument("--markdown", action="store_true", help="print the table as the documentation has it")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in SUBJECTS]
    if unknown:
        parser.error(f"nothing is called {unknown[0]!r}; there are {', '.join(SUBJECTS)}")
    machine, results = load_machine(options.machine), []
    for name in options.names:
        result = compare(
            SUBJECTS[name](), machine, RandomCalibration(0), options.backends, options.batches, threads=options.threads,
            limit_seconds=options.seconds, source=name,
        )
        results.append(result)
        if options.json is not None:
            options.json.write_text(json.dumps(finite([each.to_dict() for each in results]), indent=2) + "\n")
        if not options.markdown:
            print_comparison(result)
    if options.markdown:
        print(markdown(results))


if __name__ == "__main__":
    main()
