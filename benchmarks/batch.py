"""Cycles of an image when a program takes several at once, and where they go: by operator, batch by batch.

`python -m benchmarks.batch [--machine edge16] [--batches 1 4 8] [NAME ...]`; cycles come from the simulator's time.
Names are those of `benchmarks/networks.py`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

from benchmarks.networks import NETWORKS, compile_random
from machine.config import load_machine
from runtime.session import Backend, Session


def main(arguments: Sequence[str] | None = None) -> None:
    """Compile and time each network named at each batch."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(NETWORKS))
    parser.add_argument("--machine", default="edge16")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 4, 8])
    options = parser.parse_args(arguments)
    machine = load_machine(options.machine)
    for name in options.names:
        for batch in options.batches:
            program = compile_random(machine, NETWORKS[name](), name, batch=batch)
            result = Session(program).run(backend=Backend.SIM, with_function=False)
            assert result.cycles is not None and result.utilization is not None
            read, written, expected = (Counter[str]() for _ in range(3))
            for node in program.nodes:
                read[name] += node.read_cycles
                written[name] += node.write_cycles
                if node.placement == "accelerator":
                    expected[name] += node.expected_cycles
            print(
                f"{name} for {machine.name}, batch {batch}: {result.cycles / batch:,.0f} cycles an image, array busy "
                f"{result.utilization:.1%}; an image reads for {read[name] / batch:,.0f} and writes for "
                f"{written[name] / batch:,.0f} cycles, {expected[name] / batch:,.0f} expected of its layers alone; "
                f"{len(program.instructions):,} instructions", flush=True,
            )


if __name__ == "__main__":
    main()
