"""`tpukit profile --trace` and `--tensorboard`: the files, what is said of a long trace, and what is refused."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from onnx import TensorProto, helper, save
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from tests.runtime.helpers import COPY, Cli, Tiny
from tests.runtime.traces.trace_events import read_trace


def test_trace(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    trace = tmp_path / "trace.json.gz"
    report = cli("profile", tiny.file, "--json", "--trace", trace)
    assert report.stderr == ""
    other, _ = read_trace(trace)
    assert other["counters"] == report.json["counters"] and other["cycles"] == report.json["total"]["cycles"]
    assert other["total"]["causes"] == report.json["total"]["causes"]


def test_a_short_trace_says_what_was_left_out(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    trace = tmp_path / "trace.json"
    done = cli("profile", tiny.file, "--csv", "-", "--trace", trace, "--trace-events", 100)
    assert done.code == 0 and done.stderr.startswith("trace: states of the same kind are one slice within windows")
    assert tuple(done.stderr.splitlines()) == tuple(f"trace: {note}" for note in read_trace(trace)[0]["notes"])


def test_tensorboard(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    for options, kind in (((), "weights"), (("--input", tiny.input), "activations")):
        report = cli("profile", tiny.file, "--json", "--tensorboard", tmp_path, *options).json
        events = EventAccumulator(str(tmp_path)).Reload()
        (cycles,) = events.Tensors("total/cycles")
        assert tensor_util.make_ndarray(cycles.tensor_proto) == report["total"]["cycles"]
        kinds = {tag.split("/")[1] for tag in events.Tags()["tensors"] if tag.startswith("quantization_error/")}
        assert kinds == {kind}


def test_what_is_refused(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    cli("profile", tiny.file, "--trace", tmp_path / "no" / "t.json").refuses("no' does not exist")
    cli("profile", tiny.file, "--trace", tmp_path).refuses("it is a folder")
    cli("profile", tiny.file, "--trace", "-").refuses("--trace needs a file")
    cli("profile", tiny.file, "--tensorboard", tiny.file).refuses("is not a folder")
    cli("profile", tiny.file, "--tensorboard", "-").refuses("--tensorboard needs a folder")
    cli("profile", tiny.file, "--input", tiny.input).refuses("--input is for --tensorboard")


def test_a_kernel_has_no_activations(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    kernel, directory = tmp_path / "copy.tpu", tmp_path / "board"
    assert cli("asm", COPY, "-o", kernel).code == 0
    cli("profile", kernel, "--tensorboard", directory, "--input", tiny.input).refuses("--input is for networks")
    assert not directory.exists()


def test_a_program_of_the_host_alone(cli: Cli, tmp_path: Path) -> None:
    node = helper.make_node("Softmax", ["x"], ["y"], name="probabilities")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 10]) for name in "xy"]
    model, trace = tmp_path / "host.onnx", tmp_path / "trace.json"
    opset = helper.make_opsetid("", 17)
    save(helper.make_model(helper.make_graph([node], "g", values[:1], values[1:]), opset_imports=[opset]), model)
    assert cli("profile", model, "--trace", trace, "--tensorboard", tmp_path, "--csv", "-").code == 0
    other, events = read_trace(trace)
    assert other["cycles"] == 0 and {event["ph"] for event in events} == {"M"}


def test_a_pipe_stays_one_and_gets_the_trace(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    pipe, trace = tmp_path / "trace.json.gz", tmp_path / "file.json.gz"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()), daemon=True)
    reader.start()
    for target in (pipe, trace):
        assert cli("profile", tiny.file, "--no-what-if", "--csv", "-", "--trace", target).code == 0
    assert pipe.is_fifo()
    reader.join(60)
    assert received == [trace.read_bytes()]
