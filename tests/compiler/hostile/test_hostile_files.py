"""Models in files that are none, and external data that lies elsewhere or is not what the tensor says."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from compiler.front import import_model
from machine.errors import ModelError
from tests.compiler.hostile.corpus import RELU, model, node

WEIGHT_BYTES = np.ones((2, 3, 3, 3), np.float32).tobytes()
WHOLE = {"location": "w.bin"}


def external(entries: dict[str, str], **fields: object) -> TensorProto:
    """Return a weight of 216 bytes whose values lie in a file."""
    made = TensorProto(name="culprit", dims=[2, 3, 3, 3], data_type=TensorProto.FLOAT, **fields)
    made.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        made.external_data.add(key=key, value=value)
    return made


def written(folder: Path, weight: TensorProto) -> Path:
    """Write a model with the weight, and a file of the weight's bytes and 8 more beside it."""
    made = model([node("Conv", ["x", "culprit"])])
    made.graph.initializer.append(weight)
    path = folder / "models" / "model.onnx"
    path.parent.mkdir()
    path.write_bytes(made.SerializeToString())
    (path.parent / "w.bin").write_bytes(bytes(8) + WEIGHT_BYTES)
    return path


def test_a_part_of_a_file_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, external(WHOLE | {"offset": "8", "length": "216"}))
    graph = import_model(path)
    assert graph.tensors[graph.nodes()[0].inputs[1]].array.tobytes() == WEIGHT_BYTES


@pytest.mark.parametrize(("entries", "reason"), [
    ({}, "external data file '' does not exist"),
    ({"location": "."}, "does not exist"),
    ({"location": "../w.bin"}, "lies outside the model's folder"),
    ({"location": "/dev/zero"}, "lies outside the model's folder"),
    ({"location": "a\0b"}, "not a file's name and two numbers"),
    (WHOLE | {"offset": "many"}, "not a file's name and two numbers"),
    (WHOLE | {"offset": "-8"}, "its external data is 216 at -8"),
    (WHOLE | {"offset": "9"}, "its external data is 216 at 9 of the 224 bytes"),
    (WHOLE | {"offset": str(1 << 62)}, "its external data is 216 at"),
    (WHOLE | {"length": str(1 << 62)}, "needs 216 bytes; its external data is"),
    (WHOLE | {"length": "100"}, "needs 216 bytes; its external data is 100"),
    (WHOLE | {"length": "-1"}, "needs 216 bytes; its external data is -1"),
    (WHOLE | {"length": "9" * 5000}, "not a file's name and two numbers"),
])
def test_places_that_are_refused(tmp_path: Path, entries: dict[str, str], reason: str) -> None:
    with pytest.raises(ModelError, match=rf"^tensor 'culprit'.*{reason}"):
        import_model(written(tmp_path, external(entries)))


@pytest.mark.parametrize(("fields", "reason"), [
    ({"dims": [1 << 40], "data_type": TensorProto.FLOAT}, "needs 4398046511104 bytes"),
    ({"dims": [-2, 3], "data_type": TensorProto.FLOAT}, "needs -24 bytes"),
    ({"dims": [2], "data_type": 77}, "unknown type 77"),
    ({"dims": [2], "data_type": TensorProto.STRING}, "is text"),
    ({"dims": [3], "data_type": TensorProto.INT4}, "needs 2 bytes"),
])
def test_tensors_that_are_refused(tmp_path: Path, fields: dict[str, object], reason: str) -> None:
    weight = TensorProto(name="culprit", data_location=TensorProto.EXTERNAL, **fields)
    weight.external_data.add(key="location", value="w.bin")
    weight.external_data.add(key="length", value="224")
    with pytest.raises(ModelError, match=rf"^tensor 'culprit'.*{reason}"):
        import_model(written(tmp_path, weight))


def outside(folder: Path) -> None:
    (folder.parent / "secret.bin").write_bytes(WEIGHT_BYTES)
    (folder / "odd").symlink_to("../secret.bin")


@pytest.mark.parametrize(("make", "reason"), [
    (outside, "lies outside the model's folder"),
    (lambda folder: os.mkfifo(folder / "odd"), "does not exist"),
    (lambda folder: (folder / "odd").mkdir(), "does not exist"),
    (lambda folder: (folder / "odd").symlink_to("odd"), "is a link to itself"),
    (lambda folder: (folder / "odd").symlink_to("/dev/zero"), "lies outside the model's folder"),
], ids=["link outside", "pipe", "folder", "link to itself", "device"])
def test_files_that_are_refused(tmp_path: Path, make: Callable[[Path], None], reason: str) -> None:
    path = written(tmp_path, external({"location": "odd"}))
    make(path.parent)
    with pytest.raises(ModelError, match=rf"^tensor 'culprit'.*({reason})"):
        import_model(path)


def in_tensors(weight: TensorProto) -> onnx.AttributeProto:
    return onnx.AttributeProto(name="a", type=onnx.AttributeProto.TENSORS, tensors=[weight])


def in_subgraph(weight: TensorProto) -> onnx.AttributeProto:
    graph = onnx.GraphProto(name="g", initializer=[weight])
    return onnx.AttributeProto(name="a", type=onnx.AttributeProto.GRAPH, g=graph)


@pytest.mark.parametrize("place", [in_tensors, in_subgraph])
def test_external_data_is_found_wherever_it_is(
    tmp_path: Path, place: Callable[[TensorProto], onnx.AttributeProto]
) -> None:
    made = model([RELU])
    made.graph.node[0].attribute.append(place(external({"location": "../w.bin"})))
    path = tmp_path / "model.onnx"
    path.write_bytes(made.SerializeToString())
    with pytest.raises(ModelError, match="^tensor 'culprit': external data '../w.bin' lies outside"):
        import_model(path)
    with pytest.raises(ModelError, match="^tensor 'culprit' has external data; give the model as a path"):
        import_model(made.SerializeToString())


def test_keys_that_are_not_text_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, external({"location": "w-damaged-bin"}))
    path.write_bytes(path.read_bytes().replace(b"damaged", b"\xff\xfe\xfd\xfc\xfb\xfa\xf9"))
    with pytest.raises(ModelError, match="^tensor 'culprit'"):
        import_model(path)


@pytest.mark.parametrize(("make", "reason"), [
    (os.mkfifo, "Not a regular file; '-' is standard input"),
    (Path.mkdir, "Is a directory"),
    (Path.touch, "is not an ONNX model"),
    (lambda path: path.symlink_to("/dev/zero"), "Not a regular file"),
    (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    (lambda path: (path.touch(), os.truncate(path, 1 << 31)), "It holds 2147483648 bytes, more than the 2147483647"),
], ids=["pipe", "folder", "empty", "device", "link to itself", "too large"])
def test_paths_that_are_no_model(tmp_path: Path, make: Callable[[Path], object], reason: str) -> None:
    path = tmp_path / "m.onnx"
    make(path)
    with pytest.raises(ModelError, match=reason):
        import_model(path)
    with pytest.raises(ModelError, match="^cannot read model"):
        import_model("a\0b")
