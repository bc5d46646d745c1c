"""Compile cache: the same bytes, another key for whatever changes, damaged entries replaced, off by default."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compiler.front import front
from compiler.placement.place import PlacementOptions, Policy
from compiler.placement.prices import HostModel
from compiler.quantizer.calibration import RandomCalibration
from compiler.quantizer.options import Method, QuantizationOptions
from machine.config import load_machine
from machine.errors import ModelError, ProgramError
from runtime import compile_cache
from runtime.compile_cache import compile_cached, compile_key
from tests.runtime.helpers import Cli, Tiny, samples, tiny_model

NANO = load_machine("nano4")


def test_a_hit_gives_the_same_bytes(tmp_path: Path) -> None:
    first, hit = compile_cached(tmp_path / "a" / "b", tiny_model(), NANO, {"x": samples(4)})
    again, hit_again = compile_cached(tmp_path / "a" / "b", tiny_model(), NANO, {"x": samples(4)})
    assert (hit, hit_again) == (False, True) and first.to_bytes() == again.to_bytes()
    (entry,) = (tmp_path / "a" / "b").iterdir()
    assert entry.read_bytes() == first.to_bytes() and len(entry.stem) == 64


def test_no_stage_is_run_on_a_hit(tmp_path: Path) -> None:
    seen: list[str] = []
    for _ in range(2):
        compile_cached(
            tmp_path, tiny_model(), NANO, {"x": samples(4)}, observe=lambda name, result: seen.append(name))
    assert seen.count("emit") == 1


def test_whatever_changes_gives_another_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.onnx").write_bytes(tiny_model())
    graph = front(tiny_model(), None, until="fold_and_fuse")
    plain: tuple[Any, ...] = (tiny_model(), NANO, {"x": samples(4)}, {"options": QuantizationOptions()})
    variants: list[tuple[Any, ...]] = [
        plain,
        (tiny_model(operator="Sigmoid"), *plain[1:]),
        (str(tmp_path / "m.onnx"), *plain[1:]),
        (graph, *plain[1:]),
        (plain[0], replace(NANO, queue_depth=NANO.queue_depth * 2), *plain[2:]),
        (*plain[:2], {"x": samples(4) + np.float32(1e-3)}, plain[3]),
        (*plain[:2], {"x": samples(3)}, plain[3]),
        (*plain[:2], RandomCalibration(0), plain[3]),
        (*plain[:2], RandomCalibration(1), plain[3]),
        (*plain[:3], {"options": QuantizationOptions(Method.MSE)}),
        (*plain[:3], {"options": QuantizationOptions(equalize=True)}),
        (*plain[:3], {"options": QuantizationOptions(), "shapes": {"x": (1, 2, 4, 4)}}),
        (*plain[:3], {"options": QuantizationOptions(), "source": "other"}),
        (*plain[:3], {"options": QuantizationOptions(), "placement": PlacementOptions()}),
        (*plain[:3], {"options": QuantizationOptions(), "placement": PlacementOptions(Policy.ACCELERATOR_ONLY)}),
        (*plain[:3], {"options": QuantizationOptions(), "placement": PlacementOptions(keep_float=("a",))}),
        (*plain[:3], {"options": QuantizationOptions(), "placement": PlacementOptions(host=HostModel(1.0))}),
    ]
    keys = [compile_key(*variant) for variant in variants]
    assert len(set(keys)) == len(variants)
    assert keys == [compile_key(*variant) for variant in variants]
    assert compile_key(*plain[:3], {**plain[3], "observe": print}) == keys[0]
    monkeypatch.setattr(compile_cache, "_compiler_stamp", lambda: ("another compiler",))
    assert compile_key(*plain) not in keys


@pytest.mark.parametrize("damage", [b"", b"x" * 100, None])
def test_a_damaged_entry_is_compiled_again(tmp_path: Path, damage: bytes | None) -> None:
    program, _ = compile_cached(tmp_path, tiny_model(), NANO, {"x": samples(4)})
    (entry,) = tmp_path.iterdir()
    content = entry.read_bytes()
    entry.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if damage is None else damage)
    again, hit = compile_cached(tmp_path, tiny_model(), NANO, {"x": samples(4)})
    assert not hit and again.to_bytes() == program.to_bytes() == entry.read_bytes()
    assert list(tmp_path.iterdir()) == [entry]


def test_what_does_not_compile_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="random operators are not supported"):
        compile_cached(tmp_path / "cache", tiny_model(operator="RandomNormalLike"), NANO, {"x": samples(4)})
    assert list((tmp_path / "cache").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(ProgramError, match="cannot make the cache"):
        compile_cached(tmp_path / "file" / "cache", tiny_model(), NANO, {"x": samples(4)})
    with pytest.raises(TypeError, match="object cannot be part of a compilation's key"):
        compile_key(tiny_model(), NANO, {"x": samples(4)}, {"odd": object()})


def test_the_command_line(cli: Cli, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, output = tmp_path / "cache", tmp_path / "out.tpu"
    arguments = ("compile", tiny.model, "--machine", "nano4", "--calibration", tiny.calibration, "-o", output, "--json")
    assert cli(*arguments).json["cached"] is False and not cache.exists()
    assert cli(*arguments, "--cache", cache, "--dump-stages", tmp_path / "stages").json["cached"] is False
    assert not cache.exists()
    assert cli(*arguments, "--cache", cache).json["cached"] is False
    monkeypatch.setenv("TPUKIT_COMPILE_CACHE", str(cache))
    assert cli(*arguments).json["cached"] is True
    assert output.read_bytes() == tiny.file.read_bytes()
