"""A real model's bytes, cut at every boundary of a field or with bits turned over: refused in one line, or imported."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from compiler.front import front
from examples.digits.data import model_path
from machine.errors import ModelError
from tests.compiler.hostile.corpus import RELU, WEIGHT, model, node

FLIPS = 2000


def small() -> bytes:
    """Return a model with a weight, an attribute of each common kind, and a second node."""
    first = node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], group=1, auto_pad="NOTSET")
    second = onnx.helper.make_node("LeakyRelu", ["c"], ["y"], alpha=0.5)
    return bytes(model([first, second], WEIGHT).SerializeToString())


def boundaries(data: bytes, kind: type[Message], start: int = 0) -> Iterator[int]:
    """Yield where each field of a message begins and ends, those of messages within it included."""
    position = start
    fields = kind.DESCRIPTOR.fields_by_number
    while position < len(data):
        yield position
        tag, position = varint(data, position)
        field = fields.get(tag >> 3)
        if tag & 7 == 0:
            _, position = varint(data, position)
        elif tag & 7 in (1, 5):
            position += 8 if tag & 7 == 1 else 4
        else:
            length, position = varint(data, position)
            yield position
            if field is not None and field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
                inner = field.message_type._concrete_class
                yield from boundaries(data[: position + length], inner, position)
            position += length
    yield position


def varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        value, shift, position = value | (byte & 127) << shift, shift + 7, position + 1
        if byte < 128:
            return value, position


def attempt(data: bytes) -> bool:
    """Whether the bytes are a model; what is not is refused in one printable line."""
    try:
        front(data, None, until="fold_and_fuse")
    except ModelError as error:
        assert str(error).isprintable() and str(error)
        return False
    return True


def test_boundaries_are_those_of_the_fields() -> None:
    data = onnx.NodeProto(input=["x"], op_type="Relu").SerializeToString()
    assert list(boundaries(data, onnx.NodeProto)) == [0, 2, 3, 5, 9]
    whole = small()
    assert len(set(boundaries(whole, onnx.ModelProto))) > 90


def test_models_cut_anywhere() -> None:
    for data in (small(), model_path().read_bytes()):
        assert attempt(data)
        places = sorted({*boundaries(data, onnx.ModelProto)})
        assert places[-1] == len(data)
        for place in places[:-1]:
            attempt(data[:place])
        assert not any(attempt(data[:place]) for place in places[: len(places) // 2])


def test_models_with_bits_turned_over() -> None:
    data, random = small(), np.random.default_rng(3)
    imported = 0
    for _ in range(FLIPS):
        damaged = bytearray(data)
        for position in random.integers(0, len(data), random.integers(1, 4)):
            damaged[position] ^= 1 << int(random.integers(8))
        imported += attempt(bytes(damaged))
    assert 0 < imported < FLIPS


def test_bytes_that_are_put_in_or_left_out() -> None:
    data, random = small(), np.random.default_rng(4)
    for _ in range(FLIPS // 8):
        at, count = int(random.integers(len(data))), int(random.integers(1, 9))
        attempt(data[:at] + random.bytes(count) + data[at:])
        attempt(data[:at] + data[at + count :])
    assert attempt(bytes(model([RELU]).SerializeToString()))
