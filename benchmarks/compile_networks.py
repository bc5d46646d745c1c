"""Compile whole networks and show what it took and how fast they are: seconds, memory, cycles by layer.

`python -m benchmarks.compile_networks [--machine edge16] [--layers] [--values] [NAME ...]`; every layer's cycles come
from the simulator's time. With `--values` one image runs too, and is compared with the reference. Names are those of
`benchmarks/networks.py`.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.networks import NETWORKS, FloatArray, compile_random, random_inputs
from machine.config import load_machine
from machine.program import Program
from runtime.arrays import dump_arrays
from runtime.profile import profile_program
from runtime.session import Backend, Session
from runtime.timing import prepare_simulator

IMAGE_SEED = 3


def report(program: Program, show_layers: bool) -> None:
    """Print a program's cycles, by layer if asked."""
    profile = profile_program(program)
    convolutions = [layer for layer in profile.layers if "conv2d" in layer.operator]
    ideal = sum(layer.costs.macs for layer in convolutions) // (program.machine.rows * program.machine.columns)
    cycles = sum(layer.costs.total_cycles for layer in convolutions)
    print(
        f"  {profile.total.total_cycles:,} cycles; convolutions {cycles:,}, "
        f"array busy {ideal / cycles if cycles else 0:.1%}; bound {profile.bound_cycles:,}"
    )
    if show_layers:
        for layer in profile.layers:
            taken, (loss, lost) = layer.costs.total_cycles, layer.costs.largest_loss
            print(
                f"  {layer.name:32} {taken:>10,} bound {layer.bound_cycles:>10,} lost "
                f"{taken - layer.bound_cycles:>9,} {loss} {lost:,}"
            )


def run_image(program: Program, inputs: Mapping[str, FloatArray]) -> None:
    """Run one image, here and as a command, say how long function and time took, and compare its bytes.

    Raises:
        AssertionError: a byte is not the reference's.
    """
    session = Session(program)
    prepare_simulator()
    started, used = time.perf_counter(), time.process_time()
    run = session.run(inputs)
    seconds, busy = time.perf_counter() - started, time.process_time() - used
    expected = session.run(inputs, Backend.REFERENCE)
    for name, array in expected.integers.items():
        np.testing.assert_array_equal(run.integers[name], array, err_msg=name)
    print(f"  one image, function and time: {seconds:.1f} s ({busy:.1f} s of CPU); every byte is the reference's")
    print(f"  the same as a command: {run_command(program, inputs)}")


def run_command(program: Program, inputs: Mapping[str, FloatArray]) -> str:
    """Run `tpukit run` in a process of its own, from the program file to the outputs' file; return what it took."""
    with tempfile.TemporaryDirectory() as folder:
        file, data, result = (Path(folder) / name for name in ("network.tpu", "inputs.npz", "outputs.npz"))
        program.save(file)
        data.write_bytes(dump_arrays(inputs))
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "tpukit", "run", file, "--input", data, "--output", result], check=True,
            stdout=subprocess.DEVNULL,
        )
        seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"{seconds:.1f} s ({busy:.1f} s of CPU)"


def main(arguments: Sequence[str] | None = None) -> None:
    """Compile and show each network named."""
    summary = __doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compile_networks", description=summary)
    parser.add_argument("names", nargs="*", default=list(NETWORKS))
    parser.add_argument("--machine", default="edge16")
    parser.add_argument("--layers", action="store_true", help="a line for each layer")
    parser.add_argument("--values", action="store_true", help="run an image and compare it with the reference")
    options = parser.parse_args(arguments)
    machine = load_machine(options.machine)
    for name in options.names:
        model = NETWORKS[name]()
        started, used = time.perf_counter(), time.process_time()
        program = compile_random(machine, model, name)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{name} for {machine.name}: compiled in {time.perf_counter() - started:.1f} s "
            f"({time.process_time() - used:.1f} s of CPU), {peak:,.0f} MiB at most, "
            f"{len(program.instructions):,} instructions, {program.memory_bytes:,} bytes of memory, "
            f"image {hashlib.sha256(program.image.tobytes()).hexdigest()[:12]}"
        )
        if options.values:
            run_image(program, random_inputs(model, 1, IMAGE_SEED))
        report(program, options.layers)


if __name__ == "__main__":
    main()
