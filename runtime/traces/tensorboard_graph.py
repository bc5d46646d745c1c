"""The quantized graph as TensorBoard shows one, and the cycles of its nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tensorboard.compat.proto import (
    attr_value_pb2,
    config_pb2,
    event_pb2,
    graph_pb2,
    node_def_pb2,
    step_stats_pb2,
    tensor_shape_pb2,
    versions_pb2,
)

from compiler.graph import Graph, is_on_host
from machine.text import printable
from runtime.profile import LayerProfile, NetworkProfile

DEVICES = {"accelerator": "/device:ACCELERATOR:0", "host": "/device:CPU:0"}
_UNFIT = re.compile(r"[^A-Za-z0-9_.\-/]+")


def graph_definition(profile: NetworkProfile, graph: Graph) -> bytes:
    """Return a serialized GraphDef: nodes in the blocks of their names, with device, output shapes and figures."""
    names = node_names([*graph.inputs, *(node.name for node in graph.nodes())])
    layers = {layer.name: layer for layer in profile.layers}
    nodes = [
        node_def_pb2.NodeDef(name=names[name], op="Placeholder", attr=_shapes(graph, [name])) for name in graph.inputs
    ]
    for node in graph.nodes():
        sources = (graph.producer(tensor) for tensor in node.inputs)
        inputs = [
            names[tensor] if source is None else _output(names[source.name], source.outputs.index(tensor))
            for tensor, source in zip(node.inputs, sources, strict=True)
            if source is not None or tensor in graph.inputs
        ]
        attributes = _shapes(graph, node.outputs)
        if node.name in layers:
            attributes |= _figures(profile, layers[node.name])
        device = DEVICES["host" if is_on_host(node) else "accelerator"]
        nodes.append(
            node_def_pb2.NodeDef(
                name=names[node.name], op=printable(node.op.value), input=inputs, device=device, attr=attributes
            )
        )
    made = graph_pb2.GraphDef(node=nodes, versions=versions_pb2.VersionDef(producer=22))
    serialized: bytes = made.SerializeToString(deterministic=True)
    return serialized


def node_times(profile: NetworkProfile, graph: Graph) -> Any:
    """Return a TaggedRunMetadata of the nodes' cycles, as compute time: a microsecond is a cycle."""
    names = node_names([*graph.inputs, *(node.name for node in graph.nodes())])
    stats = [
        step_stats_pb2.NodeExecStats(
            node_name=names[layer.name], all_start_micros=layer.first_cycle,
            op_end_rel_micros=layer.costs.total_cycles, all_end_rel_micros=layer.costs.total_cycles,
        )
        for layer in profile.layers
        if layer.costs.total_cycles and layer.name in names
    ]
    device = step_stats_pb2.DeviceStepStats(device=DEVICES["accelerator"], node_stats=stats)
    made = config_pb2.RunMetadata(step_stats=step_stats_pb2.StepStats(dev_stats=[device]))
    return event_pb2.TaggedRunMetadata(tag="cycles", run_metadata=made.SerializeToString(deterministic=True))


def node_names(names: Iterable[str]) -> dict[str, str]:
    """Give each name one that TensorBoard takes, nested by "/", no two alike."""
    found: dict[str, str] = {}
    used: set[str] = set()
    for name in names:
        parts = (_UNFIT.sub("_", part).lstrip("_-/") for part in printable(name).split("/"))
        base = "/".join(part for part in parts if part) or "node"
        fit, number = base, 1
        while fit in used:
            number += 1
            fit = f"{base}_{number}"
        used.add(fit)
        found[name] = fit
    return found


def _output(node: str, position: int) -> str:
    return node if position == 0 else f"{node}:{position}"


def _shapes(graph: Graph, tensors: Iterable[str]) -> dict[str, Any]:
    shapes = [
        tensor_shape_pb2.TensorShapeProto(
            dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=extent) for extent in graph.tensors[tensor].shape]
        )
        for tensor in tensors
    ]
    listed = attr_value_pb2.AttrValue.ListValue(shape=shapes)
    return {"_output_shapes": attr_value_pb2.AttrValue(list=listed)}


def _figures(profile: NetworkProfile, layer: LayerProfile) -> dict[str, Any]:
    costs = layer.costs
    numbers = {"cycles": costs.total_cycles, "macs": costs.macs, "parameters": costs.parameters}
    found = {name: attr_value_pb2.AttrValue(i=value) for name, value in numbers.items()}
    found["utilization"] = attr_value_pb2.AttrValue(f=profile.utilization(costs))
    texts = {"operator": layer.operator, "kernel": layer.kernel, "reason": layer.reason}
    for name, text in texts.items():
        if text:
            found[name] = attr_value_pb2.AttrValue(s=printable(text).encode())
    return found
