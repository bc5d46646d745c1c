"""Kernels from files: assembly text, or Python files with functions marked by `tpukit.kernel`, which are executed."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from compiler.kernel import Kernel, KernelDefinition
from compiler.verify_program import verify_program
from machine.assembly import assemble
from machine.config import Machine
from machine.errors import KernelError, TpukitError
from machine.files import read_file, read_stream
from machine.text import one_line

MODULE = "tpukit_kernel_file"
"""What the module of a Python file is called while it is executed, whatever the file is called."""
STANDARD_INPUT = "standard input"
"""What the kernel is called that is read from there."""
MOST_BYTES = 1 << 24
"""The longest text of a kernel."""


@dataclass(frozen=True)
class KernelSource:
    """A kernel of a file: its name, what it says of itself ("" for nothing), and how it is built for a machine."""

    name: str
    summary: str
    build: Callable[[Machine], Kernel]


def load_kernels(path: str) -> list[KernelSource]:
    """Return the kernels of a file, in order: of a name that ends in `.py` a Python file's, else the assembly text's.

    "-" is assembly text from standard input.

    Raises:
        KernelError: the file cannot be read, raises an error, or defines no kernel.
    """
    if not path.endswith(".py"):
        name = STANDARD_INPUT if path == "-" else Path(path).stem
        return [KernelSource(name, "", lambda machine: _assembled(path, name, machine))]
    with _one_line_errors(path):
        module = _execute(path, _read(path))
    found = {value.name: value for value in vars(module).values()
             if isinstance(value, KernelDefinition) and value.function.__module__ == MODULE}
    if not found:
        raise KernelError(f"{path} defines no kernel: no function of a KernelBuilder is marked with @tpukit.kernel")
    return [KernelSource(each.name, each.summary, _builder(path, each)) for each in found.values()]


def _read(path: str) -> bytes:
    try:
        return read_stream(sys.stdin.buffer, MOST_BYTES) if path == "-" else read_file(Path(path), MOST_BYTES)
    except OSError as error:
        raise KernelError(f"cannot read {path!r}: {error.strerror}") from None


def _assembled(path: str, name: str, machine: Machine) -> Kernel:
    """Assemble a text, and prove the program legal."""
    try:
        text = _read(path).decode()
    except UnicodeDecodeError:
        raise KernelError(f"{path!r} is not assembly text: it is not UTF-8") from None
    program = assemble(text, machine, name if path == "-" else path)
    verify_program(machine, program.instructions, memory_bytes=program.memory_bytes)
    return Kernel(name, program)


def _execute(path: str, text: bytes) -> ModuleType:
    """Execute a Python file as a module; it finds modules beside itself, and what it prints goes to standard error."""
    module = ModuleType(MODULE)
    module.__file__ = path
    sys.modules[MODULE] = module
    folder = str(Path(path).absolute().parent)
    sys.path.insert(0, folder)
    try:
        with redirect_stdout(sys.stderr):
            exec(compile(text, path, "exec"), vars(module))
    finally:
        sys.path.remove(folder)
        del sys.modules[MODULE]
    return module


def _builder(path: str, definition: KernelDefinition) -> Callable[[Machine], Kernel]:
    def build(machine: Machine) -> Kernel:
        with _one_line_errors(path, definition.name), redirect_stdout(sys.stderr):
            return definition.build(machine)

    return build


@contextmanager
def _one_line_errors(path: str, name: str = "") -> Iterator[None]:
    """Turn whatever a Python file raises into one line: the file, the last line of it that was reached, the error."""
    try:
        yield
    except SyntaxError as error:
        raise KernelError(f"{error.filename or path}, line {error.lineno or 0}: {error.msg}") from None
    except (Exception, SystemExit) as error:
        text = str(error) if isinstance(error, TpukitError) else f"{type(error).__name__}: {one_line(error)}"
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
        where = f", line {lines[-1]}" if lines else f", kernel {name}" if name else ""
        inside = text.startswith(f"{path}, ") or (not lines and not name)
        raise KernelError(text if inside else f"{path}{where}: {text}") from error
