"""The one exception family of tpukit: every error a user can cause derives from `TpukitError`.

The command line prints such an error in one line and exits with a non-zero code. A message says what was wrong,
what was received, and what would be legal.
"""

from machine.text import printable


class TpukitError(Exception):
    """Base of every error that tpukit raises on purpose; its message is one printable line (`machine.text`)."""

    def __init__(self, message: str) -> None:
        """Take a message, whatever names from outside are in it."""
        super().__init__(printable(message))


class MachineError(TpukitError):
    """A machine description breaks a rule (the message names it)."""


class ModelError(TpukitError):
    """A model cannot be read, or holds something that tpukit does not compile (node, operator and reason named)."""


class DataError(TpukitError):
    """Calibration or input arrays have wrong names, shapes, types or values."""


class ProgramError(TpukitError):
    """A program file is truncated, corrupt, of another version, for another machine, or not legal."""


class AssemblyError(TpukitError):
    """A line of assembly text is not an instruction of the machine."""


class KernelError(TpukitError):
    """A Python file defines no kernel, or its kernel asks for what the machine does not have (line named)."""


class CompileError(TpukitError):
    """A legal model that the compiler cannot place on the given machine (reason named)."""


class SimulationError(TpukitError):
    """A program halted the machine with an error status (illegal instruction, address, deadlock)."""


class ToolError(TpukitError):
    """A tool that is needed (C++ compiler, Verilator, Yosys) is missing or failed."""
