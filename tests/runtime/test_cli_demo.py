"""`tpukit demo`, on the small machine."""

from __future__ import annotations

import json

import pytest

from tests.runtime.helpers import Cli


def test_demo(cli: Cli) -> None:
    report = cli("demo", "--machine", "edge8", "--json").json
    assert report["machine"] == "edge8" and report["samples"] == 500 and report["cosim"] is None
    assert report["equal_to_reference"] is True
    assert report["accuracy_float"] >= 0.98 and report["accuracy_int8"] >= report["accuracy_float"] - 0.01
    run = report["run"]
    assert report["profile"]["total"]["cycles"] == run["cycles"] >= run["bound_cycles"]
    assert report["latency_seconds"] == run["cycles"] / 100e6
    for engine, counters in run["counters"].items():
        assert sum(counters.values()) == run["cycles"]
        for state, count in counters.items():
            assert report["profile"]["counters"][engine][state] == count


def test_demo_in_text(cli: Cli) -> None:
    done = cli("demo", "--machine", "edge8")
    assert (done.code, done.stderr) == (0, "")
    assert "digits network on edge8: 500 test images, accuracy" in done.text
    assert "simulator against reference backend: equal, every byte" in done.text
    assert "block3/conv" in done.text and "cycles an image" in done.text


def test_demo_refuses(cli: Cli) -> None:
    cli("demo", "--machine", "edge9").refuses("no machine 'edge9'; legal are edge16, ")


@pytest.mark.slow
def test_demo_on_the_rtl(cli: Cli) -> None:
    done = cli("demo", "--machine", "edge8", "--rtl", "--json")
    assert done.code == 0, (done.text, done.stderr)
    assert json.loads(done.stdout)["cosim"]["equal"] is True
