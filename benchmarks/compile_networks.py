"""Compile whole networks and show what it took and how fast they are: seconds, memory, cycles by layer.

`python -m benchmarks.compile_networks [--machine edge16] [--layers] [NAME ...]`; every layer's cycles come from the
per-cycle stepper. Names are those of `benchmarks/networks.py`.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import time

from benchmarks.networks import NETWORKS, compile_random
from machine.config import load_machine
from machine.program import Program
from runtime.profile import profile_layers


def report(program: Program, show_layers: bool) -> None:
    """Print a program's cycles, by layer if asked."""
    started = time.perf_counter()
    layers, timing = profile_layers(program)
    seconds = time.perf_counter() - started
    convolutions = [layer for layer in layers if "conv2d" in layer.operator]
    ideal = sum(layer.macs for layer in convolutions) // (program.machine.rows * program.machine.columns)
    cycles = sum(layer.cycles for layer in convolutions)
    print(
        f"  {timing.cycles:,} cycles (stepped twice in {seconds:.1f} s); convolutions {cycles:,}, "
        f"array busy {ideal / cycles if cycles else 0:.1%}; bound {sum(layer.bound_cycles for layer in layers):,}"
    )
    if show_layers:
        for layer in layers:
            print(
                f"  {layer.name:32} {layer.cycles:>10,} bound {layer.bound_cycles:>10,} lost "
                f"{layer.cycles - layer.bound_cycles:>9,} {layer.engine} {layer.loss} {layer.loss_cycles:,}"
            )


def main() -> None:
    """Compile and show each network named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(NETWORKS))
    parser.add_argument("--machine", default="edge16")
    parser.add_argument("--layers", action="store_true", help="a line for each layer")
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
        report(program, options.layers)


if __name__ == "__main__":
    main()
