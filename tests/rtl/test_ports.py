"""The ports tables of the unit pages are the Verilog's."""

from __future__ import annotations

import re

import pytest

from machine.errors import ToolError
from rtl.ports import PAGES, ports_of, ports_table, source_of, updated

MODULE = """
module thing #(
    parameter int N = 4
) (
    input  logic           clk_i,   // clock
    output logic [  N-1:0] mask_o,  // which, and why
    input  logic [    7:0] byte_i,
    output logic           last_o
);
endmodule
"""


def test_ports_are_read_from_a_header() -> None:
    assert ports_of(MODULE) == [
        ("clk_i", "1", "clock"), ("mask_o", "N", "which, and why"), ("byte_i", "8", ""), ("last_o", "1", ""),
    ]


def test_a_module_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ToolError, match="no module 'nothing'"):
        ports_table("nothing")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_pages_hold_every_port_of_their_unit(page) -> None:
    text = page.read_text()
    modules = re.findall(r"<!-- ports: (\w+) -->", text)
    assert modules and updated(text) == text, "run python -m rtl.ports"
    for module in modules:
        source = source_of(module).read_text()
        header = re.sub(r"//.*", "", source[source.index("\nmodule ") :])
        declared = re.findall(r"\b(?:in|out)put\b[^,\n]*\b(\w+) *(?:,|$)", header[: header.index("\n);")], re.MULTILINE)
        assert [name for name, _, _ in ports_of(source)] == declared
