"""The Python interface: a graph built by hand, compiled for nano4, saved, loaded and run on every backend."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

import tpukit
from machine.errors import DataError, ModelError, ProgramError
from runtime.session import Session
from tests.runtime.helpers import tiny_model

INPUT = np.random.default_rng(7).uniform(-1, 1, (6, 3, 4, 4)).astype(np.float32)


def small_graph() -> tpukit.Graph:
    """Return a convolution with a clamp, added to itself after a second convolution, and a dense head."""
    random = np.random.default_rng(5)
    constants = {"w1": (4, 3, 3, 3), "w2": (4, 4, 1, 1), "w3": (5, 64)}
    tensors = [
        tpukit.Tensor("x", (1, 3, 4, 4), "float32"),
        *(tpukit.Tensor(name, (1, 4, 4, 4), "float32") for name in ("a", "b", "c")),
        tpukit.Tensor("flat", (1, 64), "float32"),
        tpukit.Tensor("y", (1, 5), "float32"),
        *(tpukit.Tensor.constant(name, random.normal(0, 0.3, shape).astype(np.float32))
          for name, shape in constants.items()),
    ]
    window = {"strides": (1, 1), "dilations": (1, 1), "groups": 1}
    conv, op = tpukit.Op.CONV2D, tpukit.Op
    nodes = [
        tpukit.Node("first", conv, ("x", "w1"), ("a",), {**window, "pads": (1, 1, 1, 1), "activation_min": 0.0}),
        tpukit.Node("second", conv, ("a", "w2"), ("b",), {**window, "pads": (0, 0, 0, 0)}),
        tpukit.Node("sum", op.ADD, ("a", "b"), ("c",)),
        tpukit.Node("flatten", op.RESHAPE, ("c",), ("flat",), {"shape": (1, 64)}),
        tpukit.Node("head", op.DENSE, ("flat", "w3"), ("y",)),
    ]
    return tpukit.Graph.build(nodes, tensors, ["x"], ["y"])


def compiled(graph: tpukit.Graph) -> tpukit.Program:
    return tpukit.compile_program(graph, tpukit.load_machine("nano4"), {"x": INPUT})


@pytest.fixture(scope="module")
def program() -> tpukit.Program:
    return compiled(small_graph())


def test_backends_give_the_same_bytes(program: tpukit.Program) -> None:
    session = tpukit.Session(program)
    results = {backend: session.run({"x": INPUT}, backend) for backend in ("sim", "reference", "cpu")
               for backend in [tpukit.Backend(backend)]}
    sim, reference, cpu = results.values()
    assert sim.outputs["y"].shape == (6, 5) and sim.outputs["y"].dtype == np.float32
    assert sim.integers.keys() == reference.integers.keys()
    for name, array in sim.integers.items():
        assert array.dtype == np.int8
        np.testing.assert_array_equal(array, reference.integers[name])
    np.testing.assert_array_equal(sim.outputs["y"], reference.outputs["y"])
    np.testing.assert_allclose(sim.outputs["y"], cpu.outputs["y"], atol=0.1)


def test_a_networkx_graph_goes_in_and_comes_out(program: tpukit.Program) -> None:
    graph = nx.MultiDiGraph(small_graph().networkx)
    assert compiled(tpukit.Graph.from_networkx(graph)).to_bytes() == program.to_bytes()
    quantized = tpukit.Session(program).graph.networkx
    assert isinstance(quantized, nx.MultiDiGraph) and nx.is_directed_acyclic_graph(quantized)
    assert {"first", "second", "sum", "head"} <= set(quantized)


def test_saved_and_loaded(program: tpukit.Program, tmp_path: Path) -> None:
    path = tmp_path / "p.tpu"
    program.save(path)
    loaded = tpukit.load_program(path)
    assert loaded.to_bytes() == program.to_bytes() == path.read_bytes()
    one, two = (tpukit.Session(p).run({"x": INPUT}) for p in (program, loaded))
    np.testing.assert_array_equal(one.outputs["y"], two.outputs["y"])
    assert (one.cycles, one.counters) == (two.cycles, two.counters)


def test_compiling_twice_gives_the_same_bytes(program: tpukit.Program) -> None:
    assert compiled(small_graph()).to_bytes() == program.to_bytes()


def test_time_and_function_apart(program: tpukit.Program) -> None:
    session = tpukit.Session(program)
    timed = session.run(with_function=False)
    assert (timed.samples, timed.outputs, timed.integers) == (0, {}, {})
    assert timed.cycles is not None and timed.bound_cycles == program.bound_cycles <= timed.cycles
    assert timed.utilization == program.macs / (16 * timed.cycles)
    assert {sum(states.values()) for states in timed.counters.values()} == {timed.cycles}
    values = session.run({"x": INPUT}, with_time=False)
    assert (values.cycles, values.utilization, values.counters) == (None, None, {}) and values.samples == 6
    assert json.loads(json.dumps(values.to_dict()))["outputs"] == {"y": {"shape": [6, 5], "dtype": "float32"}}
    with pytest.raises(DataError, match="neither was asked for"):
        session.run(with_time=False, with_function=False)


def test_samples_are_independent_however_many_run_together(
    program: tpukit.Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = tpukit.Session(program)
    together = session.run({"x": INPUT}, with_time=False).outputs["y"]
    monkeypatch.setattr("runtime.session.BATCH_BYTES", 1)
    monkeypatch.setattr("runtime.reference.BATCH", 4)
    for backend in (tpukit.Backend.SIM, tpukit.Backend.REFERENCE):
        np.testing.assert_array_equal(session.run({"x": INPUT}, backend, with_time=False).outputs["y"], together)


def test_inputs_that_do_not_fit_are_refused(program: tpukit.Program) -> None:
    session = tpukit.Session(program)
    with pytest.raises(DataError, match="the model's inputs are 'x', received none"):
        session.run()
    with pytest.raises(DataError, match="input 'x' must be float32, received float64"):
        session.run({"x": INPUT.astype(np.float64)})


def test_programs_that_contradict_themselves_are_refused(program: tpukit.Program) -> None:
    (segment,) = program.segments
    wrong = replace(program, segments=(replace(segment, inputs=(replace(program.inputs[0], tensor="nothing"),)),))
    with pytest.raises(ProgramError, match=r"tensor 'nothing', int8\[1, 3, 4, 4\], is not in the program's graph"):
        Session(wrong)
    with pytest.raises(ProgramError, match="is not in the program's graph"):
        Session(replace(program, graph=None))
    with pytest.raises(ProgramError, match="a segment of the accelerator takes or gives nothing"):
        Session(replace(program, segments=(replace(segment, outputs=()),)))
    with pytest.raises(ProgramError, match="does not compute 'y"):
        Session(replace(program, segments=())).run({"x": INPUT})
    with pytest.raises(ProgramError, match="holds no ONNX model, which is what the cpu backend runs"):
        Session(replace(program, model=b"")).run({"x": INPUT}, tpukit.Backend.CPU)


def test_a_graph_that_is_not_sound_is_refused() -> None:
    broken = small_graph().networkx.copy()
    broken.remove_node("first")
    with pytest.raises(ModelError):
        tpukit.Graph.from_networkx(broken)


def test_models_whose_weights_lie_in_other_files_are_kept_whole(tmp_path: Path) -> None:
    import onnx

    model = onnx.load_from_string(tiny_model())
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, location="m.data", size_threshold=0)
    x = np.random.default_rng(1).normal(size=(2, 2, 4, 4)).astype(np.float32)
    program = tpukit.compile_program(tmp_path / "m.onnx", tpukit.load_machine("nano4"), {"x": x})
    (tmp_path / "m.data").unlink()
    inside = tpukit.compile_program(tiny_model(), tpukit.load_machine("nano4"), {"x": x})
    results = [tpukit.Session(p).run({"x": x}, tpukit.Backend.CPU).outputs["y"] for p in (program, inside)]
    np.testing.assert_array_equal(results[0], results[1])


def test_an_edge8_program_of_a_real_network_equals_the_reference(digits_program: tpukit.Program) -> None:
    from examples.digits.data import load_test

    images, _ = load_test()
    session = tpukit.Session(digits_program)
    sim, reference = (session.run({"image": images[:64]}, backend, with_time=False)
                      for backend in (tpukit.Backend.SIM, tpukit.Backend.REFERENCE))
    np.testing.assert_array_equal(sim.outputs["probabilities"], reference.outputs["probabilities"])
