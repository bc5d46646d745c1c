"""Fuzz target: a model's bytes become a fused float graph or one line of refusal, nothing else.

Run it with `python -m tests.fuzz.onnx_import FOLDER [libFuzzer options]`; it needs `atheris`. FOLDER keeps the corpus,
and is filled with seeds where it is empty: the `onnx` package's own node tests, with inputs and with constants. A file
in its place is tried alone.
"""

from __future__ import annotations

import random
import sys
import warnings
from pathlib import Path

import atheris
import onnx

with atheris.instrument_imports(include=["compiler.importer", "compiler.passes", "compiler.graph"]):
    from compiler.front import front

from machine.errors import TpukitError
from tests.fuzz.mutate_models import mutated

LIMITS = ("-timeout=25", "-rss_limit_mb=3072", "-malloc_limit_mb=2048", "-max_len=65536")
"""libFuzzer's: seconds that an input may take, MiB that the process and one allocation may have, bytes of an input."""
LONGEST_LINE = 2000
BYTES_ONLY = 0.25
"""Share of mutations that know nothing of messages."""


def import_bytes(data: bytes) -> None:
    """Import a model up to the last stage before quantization; only a refusal of one printable line may come of it."""
    try:
        front(data, None, until="fold_and_fuse")
    except TpukitError as error:
        line = str(error)
        assert line and line.isprintable() and len(line) <= LONGEST_LINE, ascii(line)


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Return other bytes, at most so many: of a changed model where they hold one, else changed bytes."""
    chance = random.Random(seed)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(bytes(data))
    except Exception:  # no model
        return bytes(atheris.Mutate(data, most))
    if chance.random() < BYTES_ONLY:
        return bytes(atheris.Mutate(data, most))
    mutated(model, chance, lambda old, longest: bytes(atheris.Mutate(old, longest)) if old else b"\0" * 4)
    made = model.SerializeToString()
    return made if len(made) <= most else bytes(data)


def write_seeds(folder: Path) -> None:
    """Fill a folder with models: every small node test of the `onnx` package, in both forms."""
    from onnx.backend.test.case.node import collect_testcases

    from tests.e2e.onnx_nodes import forms

    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in collect_testcases():
            for form in forms(case):
                data = form.model.SerializeToString()
                if len(data) < 8192:
                    (folder / f"{form.name}.onnx".replace("/", "_")).write_bytes(data)


def main() -> None:
    """Run libFuzzer with the command line's folder and options."""
    folder = Path(sys.argv[1])
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        write_seeds(folder)
    warnings.simplefilter("ignore")
    atheris.Setup([sys.argv[0], *LIMITS, *sys.argv[1:]], import_bytes, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
