"""What breaks a constraint of the operators' page goes to the host, with a reason that says so, or is refused by name.

Cases are named after the constraints, as `tpukit operators` prints them; a constraint without a case fails.
"""

from __future__ import annotations

import re

import onnx
import pytest
from onnx.helper import make_node

from compiler.graph import Graph
from compiler.importer.operators import supported
from compiler.placement.place import forced
from machine.config import load_machine
from machine.errors import ModelError
from tests.compiler.front.constraint_cases import CASES, IMAGE, Case

INPUTS = {
    "z": IMAGE, "flat": (1, 6), "three": (3,), "four": (4,), "one": (), "w": (3, 4, 3, 3), "b": (3, 4), "index": (1,),
}
"""Shapes of the float32 inputs beside `x`."""
FLAT = [(operator, rule, case) for operator, rules in CASES.items() for rule, cases in rules.items() for case in cases]


def model_of(make_model, operator: str, case: Case) -> onnx.ModelProto:
    """Return a model of the case's node, called 'n'."""
    before = [make_node("Cast", ["index"], ["i"], to=onnx.TensorProto.INT64)] if "i" in case.inputs else []
    outputs = ["made", case.second] if case.second else ["y"]
    node = make_node(operator, list(case.inputs), outputs, name="n", **case.attributes)
    after = []
    if case.second:
        after = [make_node("Cast", [case.second], ["second"], to=onnx.TensorProto.FLOAT),
                 make_node("Add", ["made", "second"], ["y"])]
    read = [name for name in INPUTS if name in case.inputs or (name == "index" and before)]
    model = make_model([*before, node, *after], shape=case.shape, constants=case.constants, opset=case.opset,
                       more_inputs={name: INPUTS[name] for name in read})
    if not model.graph.output[0].type.tensor_type.HasField("shape"):
        model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["a", "b"]))
    return model


@pytest.mark.parametrize(("operator", "case"), [(o, c) for o, _, c in FLAT], ids=[f"{o}: {r}" for o, r, _ in FLAT])
def test_broken(make_model, fused, operator, case):
    model = model_of(make_model, operator, case)
    try:
        graph: Graph = fused(model)
    except ModelError as error:
        assert case.refused, error
        assert re.fullmatch(rf"node 'n' \({operator}\): .*{case.reason}.*", str(error))
        return
    assert not case.refused
    reasons = forced(graph, load_machine("edge16"))
    found = [reason for name, reason in reasons.items() if re.fullmatch(r"n(_\d+)?", name)]
    assert any(re.search(case.reason, reason) for reason in found), (reasons, [n.name for n in graph.nodes()])


def test_every_constraint_has_a_case():
    found = {entry.name: set(entry.constraints) for entry in supported() if entry.constraints}
    assert found == {operator: set(rules) for operator, rules in CASES.items()}
