"""`tpukit kernel`: what it prints and writes, and what it refuses in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from machine.program import load_program
from rtl.run import RtlResult
from tests.runtime.helpers import COPY, ROOT, Cli
from tests.runtime.test_cli_cosim import equal_machine, software

__all__ = ["equal_machine"]

REDUCTION = ROOT / "examples" / "kernels" / "reduction.py"
NAMES = ["rows", "tree", "taps", "streamed"]
HEAD = "import numpy as np\nimport tpukit\n@tpukit.kernel\n"


def test_kernels_of_a_file_side_by_side(cli: Cli) -> None:
    done = cli("kernel", REDUCTION)
    assert (done.code, done.stderr) == (0, "")
    assert "rows: Row by row: each instruction takes the maximum so far and one row.\n  y, int8[4, 4]: as" in done.text
    table = {line.split()[1]: line.split() for line in done.text.splitlines() if line.startswith("│ ")}
    assert [name in done.text for name in NAMES] == [True] * 4
    report = cli("kernel", REDUCTION, "--json").json
    assert (report["file"], report["machine"]) == (str(REDUCTION), "nano4")
    cycles = [kernel["cycles"] for kernel in report["kernels"]]
    assert [kernel["name"] for kernel in report["kernels"]] == NAMES and cycles == sorted(cycles, reverse=True)
    assert table["(total)"][3::2] == [f"{count:,}" for count in cycles]
    for kernel in report["kernels"]:
        assert kernel["profile"]["total"]["cycles"] == kernel["cycles"]
        assert kernel["outputs"] == [
            {"name": "y", "dtype": "int8", "shape": [4, 4], "differing": 0, "first_difference": ""}]
        assert kernel["rtl"] is None and kernel["summary"]


def test_one_kernel_with_its_whole_profile(cli: Cli, tmp_path: Path) -> None:
    arrays, program = tmp_path / "y.npz", tmp_path / "y.tpu"
    options = ("--only", "streamed", "--machine", "edge8", "-o", arrays, "--program", program)
    text = cli("kernel", REDUCTION, *options).text
    for part in ("│ block 3 ", "│ wait_token ", "where the cycles went",
                 "bound by vector, 1,024 cycles", "as expected"):
        assert part in text
    with np.load(arrays) as file:
        assert set(file) == {"y", "memory"} and file["y"].shape == (4, 8)
    kernel = cli("kernel", REDUCTION, *options, "--json").json["kernels"][0]
    roofline = kernel["roofline"]
    assert roofline["cycles"] == {"array": 0, "vector": 1024, "read": 1024, "write": 4}
    assert (roofline["macs"], roofline["read_bytes"], roofline["write_bytes"]) == (0, 8192, 32)
    assert (roofline["bound"], roofline["ridge"]) == ("vector", 4.0)
    assert load_program(program).nodes[0].name == "block 0"
    again = cli("run", program, "--time-only", "--json").json
    assert (again["cycles"], again["counters"]) == (kernel["cycles"], kernel["profile"]["counters"])
    assert cli("kernel", REDUCTION, "--only", "streamed", "--json").stdout == \
        cli("kernel", REDUCTION, "--only", "streamed", "--json").stdout


@pytest.mark.usefixtures("equal_machine")
def test_the_same_on_the_rtl(cli: Cli) -> None:
    done = cli("kernel", COPY, "--rtl")
    assert done.code == 0
    assert "\nequal: 390 cycles on the simulator, 390 on the RTL; 3 instructions (0 differ)" in done.text
    assert cli("kernel", COPY, "--rtl", "--json").json["kernels"][0]["rtl"]["equal"] is True


def test_a_difference_of_the_rtl_is_a_failure(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*arguments: object, **options: object) -> RtlResult:
        result = software(*arguments, **options)  # type: ignore[arg-type]
        result.memory[0x800] ^= 1
        return result

    monkeypatch.setattr("runtime.cosim.run_on_rtl", wrong)
    done = cli("kernel", COPY, "--rtl")
    assert done.code == 1 and "DIFFERENT" in done.text and "byte 0x800: simulator" in done.text


def test_a_wrong_result_is_a_failure(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    file.write_text(HEAD + "def zeros(k):\n    y = k.output('y', (2, 3))\n"
                    "    k.output('z', (1,))\n    k.expect(y, np.array([[0, 0, 0], [0, 7, 7]], np.int8))\n")
    done = cli("kernel", file)
    assert done.code == 1 and done.stderr == ""
    assert "y, int8[2, 3]: WRONG, 2 of 6 values differ, the first at [1, 1]: 0, expected 7\n" in done.text
    assert "z, int8[1]: nothing is expected of it\n" in done.text


def test_what_a_file_prints_is_not_the_report(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("NAME = 'y'\n")
    file = tmp_path / "talks.py"
    file.write_text("from beside import NAME\nprint('loading')\n" + HEAD +
                    "def quiet(k):\n    print(k.output(NAME, (1,)))\n")
    done = cli("kernel", file, "--json")
    assert done.json["kernels"][0]["name"] == "quiet"
    assert done.stderr == "loading\n'y' (1 bytes of memory)\n"
    assert {path.name for path in tmp_path.iterdir()} <= {"beside.py", "talks.py", "__pycache__"}


@pytest.mark.parametrize(("text", "message"), [
    ("halt\nhalt\n", "instruction 0 (halt): halt before the last instruction"),
    ("load words=1 window_bytes=4\n", "x.s: the last instruction must be halt"),
    (".memory 4096\nload words=4 window_bytes=4\nstore words=4 word_stride=1 source_span=3 window_bytes=4 "
     "memory_address=256\nhalt\n",
     "instruction 1 (store): race: it conflicts with instruction 0 (load), and no token orders them"),
    (".memory 4096\nload words=4 window_bytes=4 wait=store\nstore wait=load window_bytes=4 memory_address=256\nhalt\n",
     "instruction 0 (load): waits for store, which has sent no token that is left"),
    ("matrix\nhalt\n", "instruction 0 (matrix): deadlock: 1 weight tiles lack"),
    ("load words=4 window_bytes=4 destination=4000\nhalt\n", "reaches scratchpad address 4003; the last is 2047"),
    (".section a\u202eb\nhalt\n", "x.s, line 1: section"),
])
def test_assembly_that_is_refused(cli: Cli, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.s").write_text(text)
    cli("kernel", tmp_path / "x.s").refuses(message)


@pytest.mark.parametrize(("text", "message"), [
    ("x = (\n", "x.py, line 1: '(' was never closed"),
    ("\n\nraise ValueError('two\\nlines')\n", "x.py, line 3: ValueError: two lines"),
    ("import sys\nsys.exit(0)\n", "x.py, line 2: SystemExit: 0"),
    ("import nothing_of_that_name\n", "x.py, line 1: ModuleNotFoundError: No module named 'nothing_of_that_name'"),
    ("x = 1\n", "x.py defines no kernel: no function of a KernelBuilder is marked with @tpukit.kernel"),
    ("from examples.kernels.reduction import tree\n", "x.py defines no kernel"),
    ("\0", "x.py"),
    (HEAD + "def f():\n    pass\n", "x.py, kernel f: TypeError: f() takes 0 positional arguments but 1 was given"),
    (HEAD + "def f(k):\n    g(k)\ndef g(k):\n    return 1 // 0\n", "x.py, line 7: ZeroDivisionError"),
    (HEAD + "def f(k):\n    np.zeros(1 << 60)\n", "x.py, line 5: "),
    (HEAD + "def f(k):\n    f.build(k.machine)\n", "x.py, line 5: RecursionError: maximum recursion depth exceeded"),
    (HEAD + "def f(k):\n    k.scratchpad(3000, 'big')\n",
     "x.py, line 5: no room for the 3000 granules of 'big' in scratchpad from 0 on; 2048 of 2048 are free"),
    (HEAD + "def f(k):\n    a = k.scratchpad(4)\n    k.matrix(a, k.accumulators(4), rows=[(4, 1)])\n",
     "x.py, line 6: instruction 0 (matrix): deadlock: 1 weight tiles lack"),
    (HEAD + "def f(k):\n    k.weights(k.weight_tiles(np.ones((4, 4), np.int8)))\n",
     "x.py, kernel f: 1 weight tiles are pushed and never used"),
])
def test_python_that_is_refused(cli: Cli, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.py").write_text(text)
    done = cli("kernel", tmp_path / "x.py")
    done.refuses(message)


def test_assembly_from_standard_input(cli: Cli) -> None:
    done = cli("kernel", "-", "--json", stdin=b"halt\n").json
    assert [kernel["name"] for kernel in done["kernels"]] == ["standard input"]
    cli("kernel", "-", stdin=b"nothing\n").refuses("standard input, line 1: unknown instruction")


def test_options_that_are_refused(cli: Cli, tmp_path: Path) -> None:
    cli("kernel", REDUCTION, "--only", "none").refuses("has no kernel 'none'; legal are rows, tree, taps, streamed")
    cli("kernel", REDUCTION, "-o", tmp_path / "y.npz").refuses("are of one kernel; --only names it: rows, tree, taps, ")
    cli("kernel", REDUCTION, "--machine", "edge4x8").refuses("this kernel is for square arrays, and edge4x8 has 4 rows")
    cli("kernel", REDUCTION, "--machine", "nano").refuses("no machine 'nano'; legal are")
    cli("kernel", REDUCTION, "--only", "rows", "--max-cycles", "1000").refuses(
        "kernel rows: the program has not ended after 1000 cycles; --max-cycles allows more")
    cli("kernel", COPY, "-o", "-").refuses("need a file; standard output is not one")
    cli("kernel", COPY, "--program", tmp_path / "no" / "x.tpu").refuses("no' does not exist")
    cli("kernel", tmp_path / "x.py").refuses("cannot read")
    cli("kernel", tmp_path).refuses("Is a directory")
    (tmp_path / "x.s").write_bytes(b"\xff\xfe\x00")
    cli("kernel", tmp_path / "x.s").refuses("is not assembly text: it is not UTF-8")
    assert [path.name for path in tmp_path.iterdir()] == ["x.s"]
