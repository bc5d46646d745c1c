"""Entry point of the command line: the one place where errors become one line and an exit code.

Everything else is imported inside `main`, so that an interrupt while modules load is an interrupt like any other.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

FAILED, INTERNAL, BY_SIGNAL, INTERRUPTED = 1, 70, 128, 130
ENDING, IGNORED = (signal.SIGTERM, signal.SIGHUP), signal.SIG_IGN
"""Signals that end a command, and how one is handled that whoever started it wants ignored (nohup)."""
DEBUG = "TPUKIT_DEBUG"
"""Environment variable: if it is 1, an internal error shows its traceback."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0, or with one line of text 1 (an error), 2 (usage), 70 (a bug in tpukit), 130 (Ctrl-C).
    """
    try:
        with _terminable():
            return _run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED, kind="")
    except BrokenPipeError:
        return _reader_went_away()
    except Exception as error:
        return _bug(error)


def _run(arguments: Sequence[str]) -> int:
    from machine.errors import TpukitError
    from runtime.cli.application import UsageError, run_application

    try:
        code = run_application(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except UsageError as error:
        path = error.ctx.command_path if error.ctx else "tpukit"
        text = error.format_message().replace("Value error, ", "").rstrip(".")
        return _fail(f"{text} (see '{path} --help')", error.exit_code)
    except TpukitError as error:
        return _fail(str(error), FAILED)
    except BrokenPipeError:
        raise
    except OSError as error:  # for example, the disk is full
        return _fail(": ".join(str(part) for part in (error.filename, error.strerror or error) if part), FAILED)
    except MemoryError:
        return _fail("not enough memory", FAILED)
    if code == INTERRUPTED:  # how the parser reports Ctrl-C
        raise KeyboardInterrupt
    return code


def _fail(text: str, code: int, kind: str = "error: ") -> int:
    from machine.text import printable

    print(f"tpukit: {kind}{printable(' '.join(text.split()))}", file=sys.stderr)
    return code


def _bug(error: Exception) -> int:
    """Report what no command foresees."""
    if os.environ.get(DEBUG) == "1":
        traceback.print_exception(error)
    text = f"internal error: {type(error).__name__}: {error}".rstrip(": ")
    return _fail(f"{text} ({DEBUG}=1 shows the traceback)", INTERNAL)


def _reader_went_away() -> int:
    """Give the rest of standard output, which nobody reads (`tpukit ... | head`), a place to go."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM, and SIGHUP of a terminal that is closed, unwind the program: tools end, temporary files go."""

    def leave(number: int, frame: FrameType | None) -> None:
        sys.exit(BY_SIGNAL + number)

    try:
        before = {number: signal.signal(number, leave) for number in ENDING if signal.getsignal(number) is not IGNORED}
    except ValueError:  # not in the main thread: signals are the caller's
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
