"""Compile whole networks and show what it took and how fast they are: seconds, memory, cycles by layer.

`python -m benchmarks.compile_networks [--machine edge16] [--layers] [--values] [NAME ...]`; every layer's cycles come
from the simulator's time. With `--values` one image runs too, and is compared with the reference. Names are those of
`benchmarks/networks.py`.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import time

import numpy as np

from benchmarks.networks import NETWORKS, compile_random
from machine.config import load_machine
from machine.program import Program
from runtime.profile import profile_layers
from runtime.session import Backend, Session, prepare_simulator


def report(program: Program, show_layers: bool) -> None:
    """Print a program's cycles, by layer if asked."""
    started = time.perf_counter()
    layers, timing = profile_layers(program)
    seconds = time.perf_counter() - started
    convolutions = [layer for layer in layers if "conv2d" in layer.operator]
    ideal = sum(layer.macs for layer in convolutions) // (program.machine.rows * program.machine.columns)
    cycles = sum(layer.cycles for layer in convolutions)
    print(
        f"  {timing.cycles:,} cycles (simulated twice in {seconds:.1f} s); convolutions {cycles:,}, "
        f"array busy {ideal / cycles if cycles else 0:.1%}; bound {sum(layer.bound_cycles for layer in layers):,}"
    )
    if show_layers:
        for layer in layers:
            print(
                f"  {layer.name:32} {layer.cycles:>10,} bound {layer.bound_cycles:>10,} lost "
                f"{layer.cycles - layer.bound_cycles:>9,} {layer.engine} {layer.loss} {layer.loss_cycles:,}"
            )


def run_image(program: Program) -> None:
    """Run one random image, say how long function and time took, and compare its bytes with the reference's.

    Raises:
        AssertionError: a byte is not equal.
    """
    session = Session(program)
    shapes = {name: session.graph.tensors[name].shape for name in session.graph.inputs}
    random = np.random.default_rng(3)
    inputs = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    prepare_simulator()
    started, used = time.perf_counter(), time.process_time()
    run = session.run(inputs)
    seconds, busy = time.perf_counter() - started, time.process_time() - used
    expected = session.run(inputs, Backend.REFERENCE)
    for name, array in expected.integers.items():
        np.testing.assert_array_equal(run.integers[name], array, err_msg=name)
    print(f"  one image, function and time: {seconds:.1f} s ({busy:.1f} s of CPU); every byte is the reference's")


def main() -> None:
    """Compile and show each network named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(NETWORKS))
    parser.add_argument("--machine", default="edge16")
    parser.add_argument("--layers", action="store_true", help="a line for each layer")
    parser.add_argument("--values", action="store_true", help="run an image and compare it with the reference")
    options = parser.parse_args()
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
            run_image(program)
        report(program, options.layers)


if __name__ == "__main__":
    main()
