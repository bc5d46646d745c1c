"""Networks by name or path: built-in ones, models and programs; what is none of them is refused with what is legal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compiler.quantizer.calibration import RandomCalibration
from examples.digits.data import model_path
from examples.networks.mobilenet_v2 import mobilenet_v2_model
from examples.networks.resnet50 import resnet50_model
from machine.config import load_machine
from machine.errors import DataError, MachineError, ModelError, ProgramError
from runtime.compile import compile_program
from runtime.demo import compile_digits
from runtime.networks import BUILT_IN, open_network
from tests.runtime.helpers import tiny_model


def test_the_digits_are_those_of_the_demo() -> None:
    expected = compile_digits(load_machine("edge16"))
    opened = open_network("digits")
    assert replace(opened, source="").to_bytes() == replace(expected, source="").to_bytes()
    assert opened.source == "digits"


def test_a_machine_calibration_shapes_and_a_batch_are_used(tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(tiny_model(("batch", 2, "height", 4)))
    machine, data = load_machine("nano4"), {"x": np.linspace(-1, 1, 96, dtype=np.float32).reshape(2, 2, 6, 4)}
    shapes = {"x": (1, 2, 6, 4)}
    opened = open_network(str(path), machine, data, shapes, batch=3)
    assert opened.to_bytes() == compile_program(path, machine, data, shapes, batch=3).to_bytes()
    assert (opened.batch, opened.machine, opened.source) == (3, machine, "tiny.onnx")


def test_a_model_without_calibration_data_gets_random_samples() -> None:
    opened = open_network(str(model_path()))
    expected = compile_program(model_path(), load_machine("edge16"), RandomCalibration())
    assert opened.to_bytes() == expected.to_bytes()


def test_a_program_is_what_it_was_compiled_as(tmp_path: Path) -> None:
    path = str(tmp_path / "a program")
    program = compile_digits(load_machine("edge8"))
    program.save(path)
    assert open_network(path).to_bytes() == open_network(path, program.machine).to_bytes() == program.to_bytes()
    with pytest.raises(ProgramError, match="was compiled for edge8, asked to run on edge16$"):
        open_network(path, load_machine("edge16"))
    with pytest.raises(ProgramError, match="asked to run on edge8: queue_depth is 8 there and 16 here$"):
        open_network(path, replace(program.machine, queue_depth=16))
    for options in ({"batch": 2}, {"shapes": {}}, {"calibration": RandomCalibration()}):
        with pytest.raises(DataError, match="is compiled already: calibration data, shapes and batch are for models"):
            open_network(path, **options)


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("digits")
    (tmp_path / "text.onnx").write_text("digits")
    with pytest.raises(DataError, match=r"^no network 'resnet'; legal are digits, mobilenet_v2, resnet50, the path of"):
        open_network("resnet")
    for path in ("none.tpu", "/none"):
        with pytest.raises(ProgramError, match=f"cannot read program '{path}'"):
            open_network(path)
    with pytest.raises(ProgramError, match="truncated|not a tpukit program"):
        open_network(str(tmp_path / "text"))
    with pytest.raises(ModelError):
        open_network(str(tmp_path / "text.onnx"))
    with pytest.raises(ModelError):
        open_network(str(tmp_path / "none.onnx"))
    with pytest.raises(MachineError):
        open_network("digits", load_machine("edge61"))


def test_names_are_those_of_pytorchs_exporter() -> None:
    names = [node.name for node in resnet50_model(size=32).graph.node]
    assert len(set(names)) == len(names)
    assert names[:4] == ["/conv1/Conv", "/relu/Relu", "/maxpool/MaxPool", "/layer1/layer1.0/conv1/Conv"]
    assert "/layer1/layer1.0/relu_2/Relu" in names and "/layer4/layer4.2/conv3/Conv" in names
    assert "/layer2/layer2.0/downsample/downsample.0/Conv" in names
    assert names[-4:-1] == ["/avgpool/GlobalAveragePool", "/Flatten", "/fc/Gemm"]
    names = [node.name for node in mobilenet_v2_model(size=32).graph.node]
    assert len(set(names)) == len(names)
    assert names[:3] == ["/features/features.0/features.0.0/Conv", "/features/features.0/features.0.2/Clip",
                         "/features/features.1/conv/conv.0/conv.0.0/Conv"]
    assert "/features/features.3/Add" in names and "/features/features.17/conv/conv.2/Conv" in names
    assert names[-4:-1] == ["/GlobalAveragePool", "/Flatten", "/classifier/classifier.1/Gemm"]


def test_the_built_in_networks() -> None:
    assert list(BUILT_IN) == ["digits", "mobilenet_v2", "resnet50"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "macs"), [("mobilenet_v2", 300_774_272), ("resnet50", 4_089_184_256)])
def test_a_built_in_network_compiles(name: str, macs: int) -> None:
    """MACs: those that the papers' networks have at 224x224 (0.30 and 4.09 billion)."""
    assert open_network(name).macs == macs
