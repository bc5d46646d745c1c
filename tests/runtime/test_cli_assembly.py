"""`tpukit asm`, `disasm`, `inspect` and `machine`."""

from __future__ import annotations

from pathlib import Path

import pytest

from machine.assembly import assemble
from machine.config import load_machine, machine_names, parse_machine
from machine.program import load_program, parse_program
from tests.runtime.helpers import CONFIGURATIONS, COPY, Cli, Tiny


def test_asm_and_disasm_are_inverse(cli: Cli, tmp_path: Path) -> None:
    output = tmp_path / "copy.tpu"
    done = cli("asm", COPY, "-o", output)
    assert (done.code, done.stderr, done.text) == (0, "", f"{output}: 3 instructions for nano4\n")
    text = cli("disasm", output).text
    again, loaded = assemble(text, load_machine("nano4")), load_program(output)
    assert (again.instructions, again.memory_bytes) == (loaded.instructions, loaded.memory_bytes)
    assert again.image.tobytes() == loaded.image.tobytes()
    listed = cli("disasm", output, "--json").json
    assert [entry["opcode"] for entry in listed] == ["load", "store", "halt"]
    assert listed[0]["fields"]["words"] == 16
    assert cli("asm", COPY, "-o", tmp_path / "again.tpu", "--json").json == {
        "output": str(tmp_path / "again.tpu"), "machine": "nano4", "instructions": 3}


def test_asm_from_standard_input_to_standard_output(cli: Cli) -> None:
    done = cli("asm", "-", "-o", "-", "--machine", "edge8", stdin=b"halt\n")
    assert (done.code, done.stderr) == (0, "") and parse_program(done.stdout).machine.name == "edge8"
    assert cli("disasm", "-", stdin=done.stdout).text == "# machine: edge8\n.memory 64\nhalt  # 0\n"
    cli("asm", "-", "-o", "-", "--json", stdin=b"halt\n").refuses("would both write to standard output")


def test_disasm_of_a_model(cli: Cli, tiny: Tiny) -> None:
    short, whole = (cli("disasm", tiny.file, *options).text for options in ([], ["--data"]))
    assert whole.startswith(short) and ".data" not in short
    for text in (short, whole):
        program = assemble(text, load_machine("nano4"))
        assert program.instructions == tiny.program.instructions
        assert program.memory_bytes == tiny.program.memory_bytes
    assert program.image.tobytes() == tiny.program.image.tobytes()
    cli("disasm", tiny.file, "--data", "--json").refuses("--data goes with text")


@pytest.mark.parametrize(("text", "message"), [
    ("jump\nhalt\n", "x.s, line 1: unknown instruction 'jump'; legal are "),
    ("halt\nload words=1\n", "x.s: the last instruction must be halt"),
    ("# nothing\n\nload wrods=1\nhalt\n", "x.s, line 3: "),
    ("load words=a\nhalt\n", "x.s, line 1: 'a' is not an integer"),
    ("load wait=vektor\nhalt\n", "x.s, line 1: unknown engine 'vektor' in a token mask"),
    ("load wait=store window_bytes=4\nhalt\n", "instruction 0 (load): waits for store, which has sent no token"),
    ("", "x.s: the last instruction must be halt"),
])
def test_assembly_that_is_refused(cli: Cli, tmp_path: Path, text: str, message: str) -> None:
    source = tmp_path / "x.s"
    source.write_text(text)
    cli("asm", source, "-o", tmp_path / "x.tpu").refuses(message)
    assert list(tmp_path.iterdir()) == [source]


def test_assembly_files_that_cannot_be_read_or_written(cli: Cli, tmp_path: Path) -> None:
    cli("asm", tmp_path / "x.s", "-o", tmp_path / "x.tpu").refuses("x.s': No such file or directory")
    (tmp_path / "x.s").write_bytes(b"\xff\xfe\x00")
    cli("asm", tmp_path / "x.s", "-o", tmp_path / "x.tpu").refuses("is not assembly text: it is not UTF-8")
    cli("asm", COPY, "-o", tmp_path / "no" / "x.tpu").refuses("no' does not exist")
    cli("asm", COPY, "-o", tmp_path / "x.tpu", "--machine", "nano").refuses("no machine 'nano'; legal are")


def test_inspect(cli: Cli, tiny: Tiny) -> None:
    report = cli("inspect", tiny.file, "--json").json
    assert report["machine"] == "nano4" and report["source"] == "tiny.onnx"
    assert report["instructions"] == len(tiny.program.instructions) == sum(report["instruction_kinds"].values())
    assert report["instruction_kinds"]["halt"] == 1
    assert report["macs"] == tiny.program.macs and report["bound_cycles"] == tiny.program.bound_cycles
    assert [entry["shape"] for entry in report["inputs"]] == [[1, 2, 4, 4]]
    text = cli("inspect", tiny.file).text
    assert "tiny.onnx for nano4" in text and "softmax" in text
    assert cli("inspect", "-", stdin=tiny.file.read_bytes()).code == 0


def test_inspect_of_a_kernel(cli: Cli, tmp_path: Path) -> None:
    cli("asm", COPY, "-o", tmp_path / "copy.tpu")
    done = cli("inspect", tmp_path / "copy.tpu")
    assert "3 instructions (1 halt, 1 load, 1 store)" in done.text and "sections" in done.text


def test_machine_list_and_show(cli: Cli, tmp_path: Path) -> None:
    assert [machine["name"] for machine in cli("machine", "list", "--json").json] == machine_names()
    assert all(name in cli("machine", "list").text for name in machine_names())
    shown = cli("machine", "show", "nano4", "--json").json
    derived = shown.pop("derived")
    machine = load_machine("nano4")
    assert parse_machine(shown) == machine
    assert (derived["tile_bytes"], derived["matrix_latency_cycles"]) == (16, machine.matrix_latency_cycles)
    assert "scratchpad_bytes" in cli("machine", "show", "nano4").text
    (tmp_path / "m.toml").write_text((CONFIGURATIONS / "edge8.toml").read_text())
    assert cli("machine", "show", tmp_path / "m.toml", "--json").json["name"] == "edge8"
    cli("machine", "show", "nano").refuses("no machine 'nano'; legal are edge16, ")
    (tmp_path / "m.toml").write_text("rows = 3")
    cli("machine", "show", tmp_path / "m.toml").refuses("field 'name' is missing")
