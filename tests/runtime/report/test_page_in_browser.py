"""The report in a browser: it opens offline and silently, and every view answers to mouse and keyboard."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.networks import compile_random, resnet50_model
from machine.assembly import assemble
from machine.config import load_machine
from machine.isa import Engine
from runtime.profile import NetworkProfile, profile_program
from runtime.profile.variants import Change
from runtime.profile.verdict import verdict
from runtime.profile.what_if import WhatIf
from tests.runtime.helpers import COPY
from tests.runtime.report.conftest import HOSTILE, Opener, flat


def what_ifs(profile: NetworkProfile) -> list[WhatIf]:
    """A change that helps and one that is not possible."""
    old = profile.total.total_cycles
    return [
        WhatIf("bandwidth", "twice the bandwidth", (Change("bus_bytes", 16, 32),), old, old // 2, True),
        WhatIf("columns", "twice the columns", (Change("columns", 16, 32),), old, None, True, "<b>it does not fit</b>"),
    ]


def test_it_opens_offline_without_a_complaint(digits: NetworkProfile, opener: Opener) -> None:
    with opener(digits, what_ifs(digits)) as report:
        assert report.page.evaluate("window.tpukitReady") is True
        assert report.complaints == []
        assert [url for url in report.requests if not url.startswith("file:")] == []
        assert len(report.requests) == 1
        assert report.text("#limits") == verdict(digits, what_ifs(digits))
        assert "bus_bytes 16 → 32" in report.text("#what-if")
        assert "<b>it does not fit</b>" in report.text("#what-if")


def test_its_totals_are_the_profiles(digits: NetworkProfile, opener: Opener) -> None:
    with opener(digits) as report:
        data = json.loads(report.text("#data"))
        total = digits.total
        assert data["total"]["total_cycles"] == total.total_cycles == sum(data["segments"])
        assert [cause["name"] for cause in data["causes"]] == list(total.cycles)
        assert data["total"]["cycles"] == list(total.cycles.values())
        assert data["total"]["traffic"] == list(total.traffic.values())
        everything = [*data["layers"], data["tail"]]
        assert sum(layer["total_cycles"] for layer in everything) == total.total_cycles
        cells = report.page.locator("#layers tbody tr[data-layer]:not(.block)").all_inner_texts()
        assert len(cells) == len(digits.layers)
        head = [text.split(" ▲")[0] for text in report.page.locator("#layers thead th").all_inner_texts()]
        shown = [int(row.split("\t")[head.index("cycles")].replace(",", "")) for row in cells]
        assert shown == [layer.costs.total_cycles for layer in digits.layers]
        assert f"{total.total_cycles:,}" in report.text("#cards")
        assert f"{total.total_cycles:,}" in report.page.locator("#layers tfoot tr").last.inner_text()


def test_the_timeline_says_what_each_engine_does_in_a_cycle(digits: NetworkProfile, opener: Opener) -> None:
    with opener(digits) as report:
        for share in (0.11, 0.37, 0.62, 0.93):
            report.page.mouse.move(*report.plot_place("timeline-view", share, 0.5))
            text = report.text("#timeline-readout")
            cycle = int(text.split("Cycle ")[1].split("matrix")[0].replace(",", ""))
            assert cycle == pytest.approx(share * digits.total.total_cycles, abs=3)
            for engine in Engine:
                history = digits.times[0].history[engine]
                run = int(np.searchsorted(history.start, cycle, side="right")) - 1
                length = int(history.cycles[run])
                assert f"{length:,} cycle" in text.split(f"{engine.name.lower()}: ")[1]


def test_the_timeline_zooms_and_moves_with_keys(digits: NetworkProfile, opener: Opener) -> None:
    with opener(digits) as report:
        total = digits.total.total_cycles
        assert report.window() == (0, total)
        report.page.locator("#timeline-view").focus()
        report.page.keyboard.press("+")
        low, high = report.window()
        assert (low, high) == (pytest.approx(total / 4), pytest.approx(total * 3 / 4))
        report.page.keyboard.press("ArrowRight")
        moved = report.window()
        assert moved[0] > low and moved[1] - moved[0] == pytest.approx(high - low)
        for _ in range(12):
            report.page.keyboard.press("+")
        low, high = report.window()
        assert high - low == 16
        assert report.page.locator("#timeline-view").get_attribute("data-exact") == "true"
        report.page.keyboard.press("End")
        assert report.window()[1] == total
        report.page.keyboard.press("0")
        assert report.window() == (0, total)
        assert report.complaints == []


def test_the_timeline_zooms_with_the_mouse(digits: NetworkProfile, opener: Opener) -> None:
    with opener(digits) as report:
        total = digits.total.total_cycles
        mouse = report.page.mouse
        start, end = (report.plot_place("timeline-view", share, 0.5) for share in (0.2, 0.4))
        mouse.move(*start)
        mouse.down()
        mouse.move(*end, steps=4)
        mouse.up()
        low, high = report.window()
        assert low == pytest.approx(0.2 * total, abs=0.01 * total)
        assert high == pytest.approx(0.4 * total, abs=0.01 * total)
        shown = report.page.evaluate("document.getElementById('occupancy-view').layout.xaxis.range")
        assert shown == [low, high]
        mouse.dblclick(*start)
        assert report.window() == (0, total)
        report.page.keyboard.down("Control")
        mouse.wheel(0, -100)
        report.page.keyboard.up("Control")
        low, high = report.window()
        assert high - low == pytest.approx(total / 1.3)
        assert report.complaints == []


def test_a_click_on_a_layer_anywhere_shows_its_row(digits: NetworkProfile, opener: Opener) -> None:
    with opener(digits) as report:
        page = report.page
        box = page.locator('#graph-view [data-layer="3"]').first
        box.click()
        assert report.selected_rows() == [3]
        assert digits.layers[3].name in report.text("#selected")
        assert f"{digits.layers[3].costs.total_cycles:,}" in report.text("#selected")
        worst = max(flat(digits), key=lambda layer: layer.costs.lost_cycles)
        page.keyboard.press("Escape")
        assert report.selected_rows() == [] and page.locator("#selected").is_hidden()
        page.mouse.click(*report.plot_place("losses-view", 0.02, 0.5 / len(flat(digits))))
        assert report.selected_rows() == [digits.layers.index(worst)]
        page.keyboard.press("Escape")
        middle = digits.times[0].cycles // 2
        page.mouse.click(*report.plot_place("timeline-view", (middle - 0.5) / digits.times[0].cycles, 0.15))
        history = digits.times[0].history[Engine.MATRIX]
        run = int(np.searchsorted(history.start, middle, side="right")) - 1
        instruction = digits.times[0].indices[Engine.MATRIX][history.place[run]]
        assert report.selected_rows() == [digits.program.segments[0].instruction_nodes[instruction]]
        page.keyboard.press("Escape")
        page.mouse.click(*report.middle("#roofline-view .point"))
        assert len(report.selected_rows()) == 1
        page.get_by_role("button", name="Show in timeline").click()
        low, high = report.window()
        (chosen,) = report.selected_rows()
        assert low < digits.layers[chosen].first_cycle <= digits.layers[chosen].last_cycle < high + 1
        assert report.complaints == []


def test_a_layer_above_the_roof_is_in_the_roofline(digits: NetworkProfile, opener: Opener) -> None:
    """A depthwise layer whose work the array does not wait for: a hundred times what the array does in its cycles."""
    layer, peak = digits.layers[1], digits.program.machine.rows * digits.program.machine.columns
    macs = 100 * peak * layer.costs.total_cycles
    above = dataclasses.replace(layer, costs=dataclasses.replace(layer.costs, macs=macs))
    with opener(dataclasses.replace(digits, layers=(digits.layers[0], above, *digits.layers[2:]))) as report:
        low, high = report.page.evaluate("document.getElementById('roofline-view').layout.yaxis.range")
        assert low < np.log10(100 * peak) < high
        assert report.complaints == []


def test_the_table_answers_to_keys_sorts_and_filters(digits: NetworkProfile, opener: Opener) -> None:
    with opener(digits) as report:
        page = report.page
        page.get_by_label("nest blocks").uncheck()
        page.locator("#layers tbody tr").first.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        assert report.selected_rows() == [2]
        page.locator("#layers thead button", has_text="cycles").first.click()
        order = [int(row.get_attribute("data-layer") or -1) for row in page.locator("#layers tbody tr").all()]
        cycles = [digits.layers[layer].costs.total_cycles for layer in order]
        assert cycles == sorted(cycles, reverse=True)
        assert page.locator('#layers th[aria-sort="descending"]').count() == 1
        page.locator("#filter").fill("POOL")
        names = page.locator("#layers tbody th").all_inner_texts()
        assert sorted(names) == sorted(layer.name for layer in digits.layers if "pool" in layer.name + layer.operator)
        page.locator('#graph-view [data-layer="1"]').first.click()
        assert report.selected_rows() == [1]
        assert page.locator("#filter").input_value() == ""


def test_blocks_open_and_close_in_graph_and_table(digits: NetworkProfile, opener: Opener) -> None:
    with opener(digits) as report:
        page = report.page
        page.get_by_role("button", name="Close all blocks").click()
        closed = page.locator("#graph-view .box").count()
        assert page.locator("#graph-view .box.block").count() == len(digits.root.blocks)
        block = page.locator("#graph-view .box.block").first
        block.focus()
        page.keyboard.press("Enter")
        assert page.locator("#graph-view .box").count() > closed
        assert "Close the block" in page.evaluate("document.activeElement.getAttribute('aria-label')")
        page.keyboard.press("Enter")
        assert page.locator("#graph-view .box").count() == closed
        page.get_by_role("button", name="Close all", exact=True).click()
        rows = page.locator("#layers tbody tr")
        few = rows.count()
        page.locator("#layers tbody tr.block").first.focus()
        page.keyboard.press("ArrowRight")
        assert rows.count() > few
        page.keyboard.press("ArrowLeft")
        assert rows.count() == few
        assert report.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_preferred_colours_and_the_button(digits: NetworkProfile, opener: Opener, scheme: str) -> None:
    def luminance() -> int:
        color = report.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, color.removeprefix("rgb(").removesuffix(")").split(",")))

    def plot_text() -> str:
        return str(report.page.evaluate("document.getElementById('roofline-view').layout.font.color"))

    with opener(digits, color_scheme=scheme) as report:
        is_dark = scheme == "dark"
        assert (luminance() < 200) == is_dark
        before = plot_text()
        report.page.locator("#theme").click()
        assert (luminance() < 200) != is_dark
        assert report.page.locator("#theme").get_attribute("aria-pressed") == str(not is_dark).lower()
        assert plot_text() != before
        assert report.complaints == []


def test_hostile_names_are_text(hostile: NetworkProfile, opener: Opener) -> None:
    with opener(hostile) as report:
        page = report.page
        assert page.evaluate("window.hacked") is None
        assert page.locator("script").count() == 3
        assert page.locator("main img, main a[href]").count() == 0
        names = page.locator("#layers tbody tr:not(.block) th").all_text_contents()
        assert names[0] == HOSTILE[0] and "\\u202e" in names[3] and len(names[4]) < 200
        for layer in range(len(hostile.layers)):
            page.locator(f'#layers tr[data-layer="{layer}"]:not(.block) td').first.click()
            assert report.selected_rows() == [layer]
        page.mouse.move(*report.middle("#roofline-view .point"))
        assert HOSTILE[7] in page.locator("#losses-view .ytick").all_text_contents()
        assert page.locator(".plot a").count() == 0
        page.locator("#timeline-view").focus()
        page.keyboard.press("+")
        report.window()
        assert page.evaluate("window.hacked") is None
        assert report.complaints == []


def test_the_whole_page_can_be_reached_by_tab(digits: NetworkProfile, opener: Opener) -> None:
    with opener(digits) as report:
        seen = []
        for _ in range(60):
            report.page.keyboard.press("Tab")
            seen.append(report.page.evaluate(
                "(document.activeElement.closest('section, header') || document.activeElement).id || "
                "document.activeElement.closest('header, a')?.className || 'header'"
            ))
        assert seen[0] == "skip"
        sections = ["summary", "graph", "timeline", "losses", "layers"]
        order = [name for place, name in enumerate(seen) if name in sections and name not in seen[:place]]
        assert order == sections


def test_a_kernel_without_sections_has_a_timeline_and_no_layers(opener: Opener) -> None:
    program = assemble(COPY.read_text(), load_machine("nano4"), "copy.s")
    segment = dataclasses.replace(program.segments[0], instruction_nodes=())
    profile = profile_program(dataclasses.replace(program, nodes=(), segments=(segment,)))
    with opener(profile) as report:
        assert report.text("#graph-view") == "A kernel without sections has no graph."
        assert report.window()[1] >= profile.total.total_cycles
        assert f"{profile.total.total_cycles:,}" in report.page.locator("#layers tfoot tr").last.inner_text()
        assert report.complaints == []


def test_a_program_of_the_host_alone_has_no_time(digits: NetworkProfile, opener: Opener) -> None:
    hosts = tuple(node for node in digits.program.nodes if node.placement == "host")
    profile = profile_program(dataclasses.replace(digits.program, segments=(), nodes=hosts, graph=None))
    with opener(profile) as report:
        assert report.text("#limits") == "Nothing runs on the accelerator."
        assert "executes nothing" in report.text("#timeline-view")
        report.page.locator("#graph-view .box.host").first.click()
        assert report.selected_rows() == [0]
        assert report.complaints == []


@pytest.mark.slow
def test_resnet50_is_small_and_answers(opener: Opener, tmp_path: Path) -> None:
    """16 million cycles: below 10 MB, and every view answers; how soon, `benchmarks/report_page.py` measures."""
    profile = profile_program(compile_random(load_machine("edge16"), resnet50_model(), "resnet50"))
    with opener(profile) as report:
        assert (tmp_path / "report.html").stat().st_size < 10_000_000
        report.page.get_by_role("button", name="Open all blocks").click()
        for layer in (50, 1):
            report.page.locator(f'#graph-view [data-layer="{layer}"]').first.click()
            assert report.selected_rows() == [layer]
        assert all(report.draw_ms(key) > 0 for key in "++++++----")
        assert report.complaints == []
        assert report.window()[1] <= profile.total.total_cycles
