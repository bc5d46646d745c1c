"""Mutations of ONNX models as messages, which keep what bytes seldom do: something that protobuf still reads."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Error, Message
from google.protobuf.message_factory import GetMessageClass

INTEGERS = (0, 1, -1, 2, 3, 7, 8, 64, 255, 1 << 16, (1 << 31) - 1, 1 << 31, 1 << 32, 1 << 40, (1 << 63) - 1, -(1 << 63))
NUMBERS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, 1e38, float("inf"), float("-inf"), float("nan"))
TEXTS = ("", "x", "y", "w", "\n", "\x1b[31m", "[red]", "a" * 300, "\u202e", "SAME_UPPER", "SAME_LOWER", "linear",
         "cubic", "reflect", "wrap", "CRD", "ai.onnx")
MEANT = (onnx.NodeProto, onnx.AttributeProto, onnx.TensorProto)
"""Messages that say what is computed, which are changed most often."""
SCHEMAS: dict[str, list[onnx.defs.OpSchema]] = {}
for _schema in onnx.defs.get_all_schemas_with_history():
    if _schema.domain == "":
        SCHEMAS.setdefault(_schema.name, []).append(_schema)
OPERATORS = sorted(SCHEMAS)
INTEGER_TYPES = (
    FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64, FieldDescriptor.CPPTYPE_ENUM,
)
REAL_TYPES = (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE)
Change = Callable[[bytes, int], bytes]


def mutated(model: onnx.ModelProto, chance: random.Random, change_bytes: Change) -> None:
    """Change a few places of a model; `change_bytes` changes bytes, of at most as many as it is told."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        messages = _messages(model)
        meant = [message for message in messages if isinstance(message, MEANT)]
        message = chance.choice(meant if meant and chance.random() < 0.7 else messages)
        try:
            if chance.random() < 0.5 and _changed_within_the_rules(message, chance):
                continue
            fields = [field for field, _ in message.ListFields()]
            if chance.random() < 0.15 or not fields:
                fields = list(message.DESCRIPTOR.fields)
            field = chance.choice(fields)
            if field.is_repeated:
                _change_repeated(getattr(message, field.name), field, message, messages, chance, change_bytes)
            else:
                _change_single(message, field, messages, chance, change_bytes)
        except (TypeError, ValueError, OverflowError, Error):  # what the field cannot hold, or too deep to be copied
            continue


def _changed_within_the_rules(message: Message, chance: random.Random) -> bool:
    """Change what the ONNX checker lets through: an operator, an attribute of its schema, a number of a tensor."""
    if isinstance(message, onnx.NodeProto):
        schemas = SCHEMAS.get(message.op_type, ())
        names = [(name, entry) for schema in schemas for name, entry in schema.attributes.items()]
        if not names or chance.random() < 0.2:
            message.op_type = chance.choice(OPERATORS)
            return True
        name, entry = chance.choice(names)
        kept = [attribute for attribute in message.attribute if attribute.name != name]
        made = onnx.AttributeProto(name=name, type=int(entry.type))
        _fill(made, chance)
        del message.attribute[:]
        message.attribute.extend([*kept, made])
        return True
    if isinstance(message, onnx.TensorProto) and message.data_type == onnx.TensorProto.INT64 and message.raw_data:
        values = np.frombuffer(message.raw_data[: len(message.raw_data) // 8 * 8], "<i8").copy()
        if values.size:
            values[chance.randrange(values.size)] = chance.choice(INTEGERS)
            message.raw_data = values.tobytes()
        return True
    if isinstance(message, onnx.AttributeProto):
        _fill(message, chance)
        return True
    return False


def _fill(attribute: onnx.AttributeProto, chance: random.Random) -> None:
    """Give an attribute another value of its type."""
    kinds = onnx.AttributeProto
    if attribute.type == kinds.INT:
        attribute.i = chance.choice(INTEGERS)
    elif attribute.type == kinds.FLOAT:
        attribute.f = chance.choice(NUMBERS)
    elif attribute.type == kinds.STRING:
        attribute.s = chance.choice(TEXTS).encode()
    elif attribute.type == kinds.INTS:
        values = list(attribute.ints) or [1] * chance.choice((1, 2, 4, 8))
        values[chance.randrange(len(values))] = chance.choice(INTEGERS)
        del attribute.ints[:]
        attribute.ints.extend(values)
    elif attribute.type == kinds.FLOATS:
        del attribute.floats[:]
        attribute.floats.extend(chance.choice(NUMBERS) for _ in range(chance.choice((1, 2, 4))))


def _messages(root: Message) -> list[Message]:
    found, waiting = [], [root]
    while waiting:
        message = waiting.pop()
        found.append(message)
        for field, value in message.ListFields():
            if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
                waiting += list(value) if field.is_repeated else [value]
    return found


def _change_repeated(
    values: Any, field: FieldDescriptor, owner: Message, messages: list[Message], chance: random.Random,
    change_bytes: Change,
) -> None:
    step = chance.randrange(5)
    at = chance.randrange(len(values)) if len(values) else 0
    is_message = field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE
    if step == 0 and len(values):
        del values[at]
    elif step == 1 and len(values) > 1:
        other = chance.randrange(len(values))
        moved = [copy.deepcopy(value) for value in values]
        moved[at], moved[other] = moved[other], moved[at]
        owner.ClearField(field.name)
        getattr(owner, field.name).extend(moved)
    elif is_message:
        values.append(_copied(field, messages, chance))
    elif step == 2 or not len(values):
        old = values[at] if len(values) else None
        values.extend([_value(field, old, chance, change_bytes)] * chance.choice((1, 9)))
    else:
        values[at] = _value(field, values[at], chance, change_bytes)


def _change_single(
    message: Message, field: FieldDescriptor, messages: list[Message], chance: random.Random, change_bytes: Change
) -> None:
    if chance.random() < 0.2:
        message.ClearField(field.name)
    elif field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
        getattr(message, field.name).CopyFrom(_copied(field, messages, chance))
    else:
        setattr(message, field.name, _value(field, getattr(message, field.name), chance, change_bytes))


def _copied(field: FieldDescriptor, messages: list[Message], chance: random.Random) -> Message:
    """Return a copy of another message of the field's type, which may be one that the field lies in; else an empty one.
    """
    made = GetMessageClass(field.message_type)()
    alike = [message for message in messages if message.DESCRIPTOR is field.message_type]
    if alike:
        made.CopyFrom(chance.choice(alike))
    return made


def _value(field: FieldDescriptor, old: Any, chance: random.Random, change_bytes: Change) -> Any:
    if field.cpp_type in INTEGER_TYPES:
        near = (old or 0) + chance.choice((-1, 1))
        return chance.choice((near, near, chance.randrange(30), chance.choice(INTEGERS)))
    if field.cpp_type in REAL_TYPES:
        return chance.choice(NUMBERS)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return change_bytes(bytes(old or b""), len(old or b"") + 16)
    return chance.choice(TEXTS)
