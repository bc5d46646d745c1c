"""`tpukit check`: bits against the reference, noise and agreement against the float model."""

from __future__ import annotations

import math
import random
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compiler.quantizer.options import QuantizationOptions
from machine.config import load_machine
from machine.errors import ProgramError, TpukitError
from machine.program import Program, parse_program
from runtime.check import OutputCheck, check_program
from runtime.compile import compile_program
from runtime.session import Backend, Session
from tests.runtime.helpers import Cli, Tiny, samples, tiny_model
from tests.runtime.test_damaged_programs import MEMORY_TRIED_BYTES, NONSENSE, joined, places, split


def damaged(program: Program) -> Program:
    """Return the program with bits of its weights flipped: sound, and wrong."""
    image = program.image.copy()
    image[-256:-192] ^= 0x40
    return replace(program, image=image)


def test_a_sound_program_is_equal_and_near_float(tiny: Tiny) -> None:
    result = check_program(Session(tiny.program), {"x": samples(5, seed=3)})
    assert result.equal and result.samples == 5
    assert [bits.values for bits in result.bits] == [5 * 4 * 4 * 4]
    assert [(row.layer, row.tensor) for row in result.layers][1:] == [("conv", "y")]
    assert all(row.ratio.decibels > 30 for row in result.layers)
    assert [output.output for output in result.outputs] == ["y", "p"]
    assert result.outputs[0].top1_agreement is None, "an image has no classes"
    assert (result.outputs[1].top1_agreement or 0) > 0.9, "a softmax has"


def test_the_ratio_is_that_of_the_runs(tiny: Tiny) -> None:
    session, inputs = Session(tiny.program), {"x": samples(5, seed=3)}
    exact, got = (session.run(inputs, backend).outputs["y"] for backend in (Backend.CPU, Backend.REFERENCE))
    expected = 10 * math.log10(np.square(exact).sum() / np.square(exact - got).sum())
    result = check_program(session, inputs)
    assert result.outputs[0].ratio.decibels == pytest.approx(expected, abs=0.01)
    assert result.layers[-1].ratio.decibels == pytest.approx(expected, abs=0.01)


def test_samples_may_come_in_any_number(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    session, inputs = Session(tiny.program), {"x": samples(5, seed=3)}
    whole = check_program(session, inputs).to_dict()
    monkeypatch.setattr("compiler.quantizer.calibration.BYTES_AT_ONCE", 1)
    pieces = check_program(session, inputs).to_dict()
    assert pieces["bits"] == whole["bits"] and pieces["samples"] == 5
    assert pieces["outputs"][0]["sqnr_db"] == pytest.approx(whole["outputs"][0]["sqnr_db"], abs=0.01)


def test_a_wrong_bit_is_found_and_the_exit_code_is_1(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    wrong = damaged(tiny.program)
    result = check_program(Session(wrong), {"x": samples(5, seed=3)})
    assert not result.equal and result.bits[0].different > 0
    simulated = Session(wrong).run({"x": samples(5, seed=3)}, Backend.SIM).integers
    expected = Session(wrong).run({"x": samples(5, seed=3)}, Backend.REFERENCE).integers
    name = result.bits[0].tensor
    first = [int(index) for index in np.argwhere(simulated[name] != expected[name])[0]]
    assert result.bits[0].first_difference == first
    wrong.save(tmp_path / "wrong.tpu")
    done = cli("check", tmp_path / "wrong.tpu", "--input", tiny.input)
    assert done.code == 1 and done.stderr == ""
    assert "DIFFERENT from the reference" in done.text and f"values differ, first at {first}" in done.text


def test_the_command_prints_layers_and_outputs(cli: Cli, tiny: Tiny) -> None:
    done = cli("check", tiny.file, "--input", tiny.input)
    assert (done.code, done.stderr) == (0, "")
    assert "SQNR (dB)" in done.text and "conv2d" in done.text and "top-1 agrees with float in" in done.text
    assert "equal to the reference: 320 int8 values of 1 output(s), 5 sample(s)" in done.text


def test_json(cli: Cli, tiny: Tiny) -> None:
    report = cli("check", tiny.file, "--input", "-", "--json", stdin=tiny.input.read_bytes()).json
    assert list(report) == ["equal", "samples", "bits", "layers", "outputs"]
    assert report["equal"] is True and report["bits"][0]["different"] == 0
    assert set(report["layers"][0]) == {"tensor", "layer", "operator", "sqnr_db"}
    assert set(report["outputs"][0]) == {"output", "sqnr_db", "top1_agreement"}


def test_what_is_refused(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    cli("check", "-", "--input", "-").refuses("only one input can be '-'")
    cli("check", tiny.file, "--input", tmp_path / "no.npz").refuses("cannot read '")
    cli("check", tiny.file, "--input", tiny.input, "--machine", "edge8").refuses("was compiled for nano4")
    np.savez(tmp_path / "x.npz", z=samples(1))
    cli("check", tiny.file, "--input", tmp_path / "x.npz").refuses("the model's inputs are 'x', received 'z'")
    cli("check", tiny.file).refuses("Missing option '--input'", code=2)


def test_a_program_without_a_float_model_is_compared_in_bits_only(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    program = replace(tiny.program, model=b"")
    program.save(tmp_path / "bare.tpu")
    done = cli("check", tmp_path / "bare.tpu", "--input", tiny.input)
    assert done.code == 0 and "no float model to compare with" in done.text and "equal to the" in done.text


def test_another_model_than_the_graph_is_refused(tiny: Tiny) -> None:
    inputs = {"x": samples(2)}
    other = replace(tiny.program, model=tiny_model().replace(b"\x01x\x12", b"\x01z\x12"))
    with pytest.raises(TpukitError):
        check_program(Session(replace(other, model=b"nonsense")), inputs)
    with pytest.raises(ProgramError, match="kernel: it holds no model"):
        check_program(Session(replace(tiny.program, graph=None, segments=())), inputs)


def test_equalised_programs_are_compared_with_the_equalised_graph(digits_program: Program) -> None:
    from examples.digits.data import load_calibration, load_test, model_path

    data, images = {"image": load_calibration()}, load_test()[0][:60]
    options = QuantizationOptions(equalize=True, bias_correction=True)
    program = compile_program(str(model_path()), load_machine("edge8"), data, options=options)
    plain, equalised = (check_program(Session(each), {"image": images}) for each in (digits_program, program))
    assert plain.equal and equalised.equal
    assert len(equalised.layers) == len(plain.layers)
    assert all(row.ratio.decibels > 15 for row in (*plain.layers, *equalised.layers))


def test_classes_agree_where_the_largest_is_in_the_same_place() -> None:
    check = OutputCheck("p", axis=1)
    check.add(np.array([[1.0, 2.0], [4.0, 3.0]]), np.array([[1.0, 1.5], [2.0, 3.0]]))
    check.add(np.array([[1.0, 2.0]]), np.array([[0.0, 9.0]]))
    assert check.top1_agreement == pytest.approx(2 / 3)


@pytest.mark.parametrize("seed", range(60))
def test_nonsense_in_the_header(tiny: Tiny, seed: int) -> None:
    chance = random.Random(seed)
    header, body = split(tiny.program.to_bytes())
    header = deepcopy(header)
    container, key = chance.choice(list(places(header)))
    container[key] = chance.choice(NONSENSE)
    try:
        program = parse_program(joined(header, body))
        if program.memory_bytes <= MEMORY_TRIED_BYTES:
            check_program(Session(program), {"x": samples(2)})
    except TpukitError as error:
        assert "\n" not in str(error)
