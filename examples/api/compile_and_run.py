"""The Python interface of tpukit: compile a network, save and load the program, run it; build a graph by hand.

Run it from the project's root: `python -m examples.api.compile_and_run`. It prints `compile_and_run.out`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import networkx as nx
import numpy as np

import tpukit
from examples.digits.data import load_calibration, load_test, model_path


def compile_save_and_load(folder: Path) -> tpukit.Program:
    """Compile the digits network for edge8, write the program file, and read it again."""
    machine = tpukit.load_machine("edge8")
    program = tpukit.compile_program(model_path(), machine, {"image": load_calibration()})
    path = folder / "digits.tpu"
    program.save(path)
    loaded = tpukit.load_program(path)
    print(f"{loaded.source} for {loaded.machine.name}: {loaded.macs:,} multiply-accumulates")
    for node in loaded.nodes:
        print(f"  {node.name}: {node.operator} on the {node.placement}")
    return loaded


def run_and_compare(program: tpukit.Program) -> None:
    """Run the test images on the simulator; the reference backend must give the same bytes."""
    images, labels = load_test()
    session = tpukit.Session(program)
    result = session.run({"image": images})
    reference = session.run({"image": images}, tpukit.Backend.REFERENCE)
    probabilities = result.outputs["probabilities"]
    accuracy = (probabilities.argmax(axis=1) == labels).mean()
    equal = np.array_equal(probabilities, reference.outputs["probabilities"])
    accounted = all(sum(states.values()) == result.cycles for states in result.counters.values())
    print(f"{result.samples} images, accuracy above 97%: {accuracy > 0.97}")
    print(f"equal to the reference backend: {equal}")
    print(f"every cycle of every engine accounted for: {accounted}")


def build_a_graph() -> tpukit.Graph:
    """Build a dense layer followed by a softmax, as a networkx graph: nodes are operations, edges are tensors."""
    weight = np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4)
    tensors = [
        tpukit.Tensor("x", (1, 4), "float32"),
        tpukit.Tensor.constant("weight", weight),
        tpukit.Tensor("scores", (1, 2), "float32"),
        tpukit.Tensor("p", (1, 2), "float32"),
    ]
    graph = nx.MultiDiGraph(tensors={tensor.name: tensor for tensor in tensors}, inputs=("x",), outputs=("p",))
    graph.add_node("dense", node=tpukit.Node("dense", tpukit.Op.DENSE, ("x", "weight"), ("scores",)))
    softmax = {"axis": 1, "log": 0}
    graph.add_node("softmax", node=tpukit.Node("softmax", tpukit.Op.SOFTMAX, ("scores",), ("p",), softmax))
    graph.add_edge("dense", "softmax", key="scores:0", tensor="scores", input=0)
    return tpukit.Graph.from_networkx(graph)


def compile_a_graph() -> None:
    """Compile a graph that was built in Python, run it, and take the quantized networkx graph out again."""
    samples = np.random.default_rng(0).uniform(-1, 1, (32, 4)).astype(np.float32)
    program = tpukit.compile_program(build_a_graph(), tpukit.load_machine("nano4"), {"x": samples})
    session = tpukit.Session(program)
    int8 = session.run({"x": samples}).outputs["p"]
    float32 = session.run({"x": samples}, tpukit.Backend.CPU).outputs["p"]
    print(f"a graph built by hand: within 0.02 of float32: {np.abs(int8 - float32).max() < 0.02}")
    print(f"quantized: {' -> '.join(nx.topological_sort(session.graph.networkx))}")


def main() -> None:
    """Do all of it."""
    with tempfile.TemporaryDirectory() as folder:
        run_and_compare(compile_save_and_load(Path(folder)))
    compile_a_graph()


if __name__ == "__main__":
    main()
