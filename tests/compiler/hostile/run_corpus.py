"""Give every model of the corpus to the command line, in a process with a limit of memory; print what came of each.

Run by the test beside it, as `python -m tests.compiler.hostile.run_corpus FOLDER`; a line of JSON for each model.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import signal
import sys
import traceback
from pathlib import Path

from runtime.cli.main import main
from tests.compiler.hostile.corpus import RELU, Case, cases, model

MORE_BYTES = 2 << 30
"""Memory that a model may take beyond what the process has when it begins."""
MOST_SECONDS = 60
"""After which a model hangs; the slowest takes few."""


def limit_memory() -> None:
    """Let the process have so much more address space, and no more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MORE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def attempt(case: Case, folder: Path) -> dict[str, object]:
    """Compile a model up to the last stage before quantization; return exit code, lines of both streams, leftovers."""
    path, output = folder / "model.onnx", folder / "stage.txt"
    path.write_bytes(case.build())
    arguments = ["compile", str(path), "--calibration", "random", "--stop-after", "fold_and_fuse", "-o", str(output)]
    out, err = io.StringIO(), io.StringIO()
    signal.alarm(MOST_SECONDS)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code: int | str = main([*arguments, *case.arguments])
    except BaseException:  # what `main` lets through is what is looked for
        code = traceback.format_exc()
    finally:
        signal.alarm(0)
    path.unlink()
    left = sorted(entry.name for entry in folder.iterdir())
    text = output.read_text() if output.exists() else ""
    output.unlink(missing_ok=True)
    return {"name": case.name, "code": code, "out": out.getvalue(), "err": err.getvalue(), "left": left, "stage": text}


def hang(number: int, frame: object) -> None:
    """End what takes too long."""
    raise TimeoutError("hangs")


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, hang)
    good = Case("good", model([RELU]).SerializeToString, None)
    assert attempt(good, Path(sys.argv[1]))["code"] == 0  # and loads what is loaded late
    limit_memory()
    for entry in cases():
        print(json.dumps(attempt(entry, Path(sys.argv[1]))), flush=True)
