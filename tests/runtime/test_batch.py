"""Programs that take several samples at once, from the model file to the outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from machine.config import load_machine
from machine.errors import DataError, ModelError
from machine.program import Program, parse_program
from runtime.compile import compile_program
from runtime.session import Backend, Session
from tests.runtime.helpers import Cli, Tiny, samples, tiny_model

MACHINE = load_machine("nano4")


def compiled(shape: tuple[int | str, ...] = (1, 2, 4, 4), batch: int | None = None) -> Program:
    return compile_program(tiny_model(shape), MACHINE, {"x": samples(8)}, batch=batch)


def test_every_sample_gets_the_bytes_of_a_batch_of_one() -> None:
    inputs = {"x": samples(7, seed=3)}
    one, three = Session(compiled(batch=1)), Session(compiled(batch=3))
    expected = one.run(inputs)
    for backend in (Backend.SIM, Backend.REFERENCE):
        found = three.run(inputs, backend)
        assert found.samples == 7
        for name, values in expected.integers.items():
            assert np.array_equal(found.integers[name], values)
        for name, values in expected.outputs.items():
            assert np.array_equal(found.outputs[name], values)


def test_cycles_are_those_of_a_batch() -> None:
    inputs = {"x": samples(4)}
    one, three = (Session(compiled(batch=batch)).run(inputs) for batch in (1, 3))
    assert (one.batch, three.batch) == (1, 3)
    assert one.cycles is not None and three.cycles is not None
    assert one.cycles < three.cycles < 3 * one.cycles
    assert three.to_dict()["cycles_per_sample"] == three.cycles / 3


@pytest.mark.parametrize(("shape", "given", "batch"), [
    ((4, 2, 4, 4), None, 4), (("n", 2, 4, 4), None, 1), (("n", 2, 4, 4), 3, 3), ((4, 2, 4, 4), 2, 2),
    ((1, 2, 4, 4), 5, 5),
])
def test_batch_of_the_model_and_of_the_option(shape: tuple[int | str, ...], given: int | None, batch: int) -> None:
    program = compiled(shape, given)
    assert program.batch == batch
    session = Session(parse_program(program.to_bytes()))
    inputs = {"x": samples(5)}
    run, float_run = session.run(inputs), session.run(inputs, Backend.CPU)
    expected = Session(compiled()).run(inputs).integers
    assert all(np.array_equal(run.integers[name], values) for name, values in expected.items())
    assert run.outputs["p"].shape == float_run.outputs["p"].shape == (5, 4, 4, 4)


def test_shape_gives_the_batch_too() -> None:
    program = compile_program(
        tiny_model(("n", 2, "h", 4)), MACHINE, {"x": samples(8)}, shapes={"x": (6, 2, 4, 4)}
    )
    assert program.batch == 6


def test_a_fixed_batch_in_a_reshape() -> None:
    random = np.random.default_rng(1)
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Reshape", ["a", "shape"], ["b"]),
        helper.make_node("MatMul", ["b", "w"], ["y"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([4, 32]), "shape"),
        numpy_helper.from_array(random.normal(size=(32, 3)).astype(np.float32), "w"),
    ]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in (("x", (4, 2, 4, 4)), ("y", (4, 3))))
    graph = helper.make_graph(nodes, "flat", [x], [y], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = Session(compile_program(model.SerializeToString(), MACHINE, {"x": samples(8)}))
    inputs = {"x": samples(6)}
    run = session.run(inputs)
    assert run.batch == 4
    assert np.abs(run.outputs["y"] - session.run(inputs, Backend.CPU).outputs["y"]).max() < 0.5


def test_inputs_must_agree_on_the_batch() -> None:
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (n, 3)) for name, n in (("a", 2), ("b", 3))]
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, ("n", 3))
    graph = helper.make_graph([helper.make_node("Add", ["a", "b"], ["y"])], "sum", infos, [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    assert isinstance(model, onnx.ModelProto)
    arrays = {name: np.ones((2, 3), np.float32) for name in "ab"}
    with pytest.raises(ModelError, match=r"node 'Add_0' \(Add\): .*nor can the host execute it"):
        compile_program(model.SerializeToString(), MACHINE, arrays)


def test_a_batch_that_is_not_positive_is_refused() -> None:
    with pytest.raises(DataError, match="the batch is 0; legal are 1 to 4096 samples"):
        compiled(batch=0)


def test_command_line(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    program = tmp_path / "three.tpu"
    made = cli("compile", tiny.model, "--calibration", tiny.calibration, "--machine", "nano4", "--batch", 3,
               "-o", program, "--json").json
    report = cli("run", program, "-i", tiny.input, "--json").json
    assert made["batch"] == report["batch"] == 3 and report["samples"] == 5
    assert report["cycles_per_sample"] == report["cycles"] / 3
    assert "cycles a batch of 3" in cli("run", program, "-i", tiny.input).text
    assert cli("check", program, "-i", tiny.input, "--json").json["samples"] == 5
