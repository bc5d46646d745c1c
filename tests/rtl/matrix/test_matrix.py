"""The matrix engine's modules under cocotb."""

from __future__ import annotations

import pytest

from tests.rtl.runner import RTL, have_icarus, run

FOLDER = RTL / "matrix"
ARRAY = [FOLDER / "pe.sv", FOLDER / "matrix_delay.sv", FOLDER / "systolic_array.sv"]
ENGINE = [*ARRAY, RTL / "memory" / "bank_mask.sv", FOLDER / "matrix_passes.sv", FOLDER / "matrix_engine.sv"]
SMALL = [(4, 4), (4, 8), (8, 4)]
LARGE = [pytest.param(*shape, marks=pytest.mark.slow) for shape in ((8, 8), (4, 16), (16, 4))]


@pytest.mark.parametrize(("rows", "columns"), SMALL)
def test_array(rows: int, columns: int) -> None:
    run("systolic_array", "tests.rtl.matrix.bench_array", ARRAY, {"ROWS": rows, "COLUMNS": columns})


@pytest.mark.parametrize(("rows", "columns"), [*SMALL, *LARGE])
def test_engine(rows: int, columns: int) -> None:
    sizes = {"ROWS": rows, "COLUMNS": columns, "BANKS": 4, "BANK_WORDS": 64, "ACC_ROWS": 128}
    run("matrix_engine", "tests.rtl.matrix.bench_engine", ENGINE, sizes)


@pytest.mark.skipif(not have_icarus(), reason="Icarus is not installed")
def test_engine_on_icarus() -> None:
    sizes = {"ROWS": 4, "COLUMNS": 8, "BANKS": 4, "BANK_WORDS": 64, "ACC_ROWS": 128}
    environment = {"TPUKIT_PROGRAMS": "4"}
    run("matrix_engine", "tests.rtl.matrix.bench_engine", ENGINE, sizes, simulator="icarus", environment=environment)
