"""A report that a browser shows, and all that it complained about or asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

READY = "html[data-ready]"
WAIT_MS = 60_000


class Opened:
    """A page of a browser with what the tests ask of it."""

    def __init__(self, page: Any) -> None:
        """Take an empty page and listen to it."""
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self.requests.append(request.url))

    def go(self, path: Path) -> None:
        """Open a file and wait until every view is drawn."""
        self.page.goto(path.as_uri())
        self.page.wait_for_selector(READY, state="attached")

    def text(self, selector: str) -> str:
        """Return the text of an element."""
        return str(self.page.locator(selector).first.text_content())

    def window(self) -> tuple[float, float]:
        """Return the cycles that the timeline shows, after the next frames."""
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        low, high = self.page.locator("#timeline-view").get_attribute("data-window").split()
        return float(low), float(high)

    def selected_rows(self) -> list[int]:
        """Return the layers whose rows are marked as selected and lie in sight of the table's frame."""
        return list(self.page.evaluate("""() => {
            const frame = document.getElementById("layers-view").getBoundingClientRect();
            return [...document.querySelectorAll('tr[aria-selected="true"]')].filter((row) => {
                const area = row.getBoundingClientRect();
                return area.top >= frame.top && area.bottom <= frame.bottom;
            }).map((row) => Number(row.dataset.layer));
        }"""))

    def plot_place(self, plot: str, x: float, y: float) -> tuple[float, float]:
        """Return where on the page a point lies, given as shares of a plot's width and height from the top left."""
        area = self.page.evaluate("""(id) => {
            const plot = document.getElementById(id);
            plot.scrollIntoView({ block: "center" });
            const area = plot.getBoundingClientRect();
            const size = plot._fullLayout._size;
            return [area.left + size.l, area.top + size.t, size.w, size.h];
        }""", plot)
        return area[0] + x * area[2], area[1] + y * area[3]

    def middle(self, selector: str) -> tuple[float, float]:
        """Scroll an element into sight and return where its middle is; something may lie over it."""
        element = self.page.locator(selector).first
        element.scroll_into_view_if_needed()
        area = element.bounding_box()
        return area["x"] + area["width"] / 2, area["y"] + area["height"] / 2

    def draw_ms(self, key: str) -> float:
        """Press a key on the timeline and return how long it takes until the next frame is drawn."""
        return float(self.page.evaluate("""(key) => new Promise((done) => {
            const start = performance.now();
            const event = new KeyboardEvent("keydown", { key, bubbles: true });
            document.getElementById("timeline-view").dispatchEvent(event);
            requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
        })""", key))
