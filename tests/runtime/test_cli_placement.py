"""`tpukit compile --placement` and `--keep-float`: what is on the host, what is refused, and the cut in the dump."""

from __future__ import annotations

from pathlib import Path

from compiler.front import front
from compiler.graph import Op
from machine.program import load_program
from tests.runtime.helpers import Cli, Tiny, tiny_model


def affine() -> str:
    """Return the name of the model's first convolution or product in the fused graph."""
    graph = front(tiny_model(), None, until="fold_and_fuse")
    return next(node.name for node in graph.nodes() if node.op in (Op.CONV2D, Op.DENSE))


def test_a_node_is_kept_in_float_and_the_dump_shows_the_cut(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    name, programs = affine(), []
    for run in ("one", "two"):
        done = cli("compile", tiny.model, "--machine", "nano4", "--calibration", tiny.calibration, "-o",
                   tmp_path / run, "--keep-float", name, "--dump-stages", tmp_path / "stages")
        assert done.code == 0
        assert f"{name} (conv2d) is on the host: it is to be kept in float" in " ".join(done.text.split())
        programs.append((tmp_path / run).read_bytes())
    assert programs[0] == programs[1]
    placed = {node.name: (node.placement, node.reason) for node in load_program(tmp_path / "one").nodes}
    assert placed[name] == ("host", "it is to be kept in float")
    text = (tmp_path / "stages" / "04-place.txt").read_text()
    assert "it is to be kept in float" in text
    assert f"node '{name}': host" in text.partition("the cut:\n")[2].splitlines()


def test_names_and_policies_are_refused_in_one_line(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    name = affine()
    arguments = ("compile", tiny.model, "--machine", "nano4", "--calibration", tiny.calibration, "-o", tmp_path / "x")
    cli(*arguments, "--keep-float", f"{name}x").refuses(f"no node is called '{name}x'; close are '{name}'")
    cli(*arguments, "--placement", "accelerator-only", "--keep-float", name).refuses(
        "it is to be kept in float; the placement 'accelerator-only' allows nothing on the host"
    )
