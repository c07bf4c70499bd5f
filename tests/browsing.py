"""What browser tests share: Chromium, a page with all that it did, the colour on its screen, a small server."""

from __future__ import annotations

import functools
import http.server
import io
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import pytest

# the headless shell is Chromium's pages without its windows, and opens a page in a third of the time
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright for Python is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium-headless-shell)")
    with playwright.sync_playwright() as p:
        opened = p.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


class Seen:
    """A page and what it did."""

    def __init__(self, browser: Any, address: str, **context: Any) -> None:
        self.context = browser.new_context(**({"viewport": {"width": 1200, "height": 850}} | context))
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.on("dialog", self._dismissed)
        self.page.goto(address)

    def _dismissed(self, dialog: Any) -> None:
        self.errors.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def ready(self) -> Any:
        self.page.wait_for_selector("html[data-ready=yes]", timeout=15_000)
        return self.page

    def close(self) -> None:
        self.context.close()


def until(page: Any, expression: str, arg: Any = None) -> None:
    """Wait for what a page comes to; Playwright's own waiting evaluates text, which our pages forbid."""
    end = time.monotonic() + 30
    while not page.evaluate(expression, arg):
        assert time.monotonic() < end, f"never true: {expression}"
        page.wait_for_timeout(20)


def map_name(page: Any) -> str:
    """The map's own name on its page or in its frame."""
    return str(page.evaluate("JSON.parse(document.getElementById('geo-data').textContent).map"))


def mean_colours(page: Any, *spots: tuple[float, float], half: float = 10) -> list[tuple[int, int, int]]:
    """The mean colours on the screen around pixels, patterns smoothed away."""
    from PIL import Image

    west, north = (min(spot[axis] for spot in spots) - half for axis in (0, 1))
    east, south = (max(spot[axis] for spot in spots) + half for axis in (0, 1))
    clip = {"x": west, "y": north, "width": east - west, "height": south - north}
    picture = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")
    found = []
    for x, y in spots:
        crop = picture.crop((int(x - west - half), int(y - north - half), int(x - west + half), int(y - north + half)))
        pixel = crop.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
        assert isinstance(pixel, tuple)
        found.append((pixel[0], pixel[1], pixel[2]))
    return found


def mean_colour(page: Any, x: float, y: float, *, half: float = 10) -> tuple[int, int, int]:
    """The mean colour on the screen around a pixel."""
    return mean_colours(page, (x, y), half=half)[0]


def colours_at(page: Any, *places: tuple[float, float]) -> list[tuple[int, int, int]]:
    """The mean colours on the screen around places (latitude, longitude), of one picture of it."""
    name = map_name(page)
    spots = page.evaluate(
        f"places => {{ const b = document.getElementById('{name}').getBoundingClientRect(); return places.map(at => {{"
        f" const p = window['{name}'].latLngToContainerPoint(at); return [b.left + p.x, b.top + p.y]; }}); }}",
        [list(place) for place in places],
    )
    return mean_colours(page, *((x, y) for x, y in spots))


def colour_at(page: Any, lat: float, lon: float) -> tuple[int, int, int]:
    """The mean colour on the screen around a place."""
    return colours_at(page, (lat, lon))[0]


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which a folder is served."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    handler.log_message = lambda *_: None  # type: ignore[attr-defined]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def axe() -> str:
    """The script of axe-core, which finds what keeps people out."""
    try:
        found = next(f for f in files("axe-playwright-python") or () if f.name == "axe.min.js")
    except (PackageNotFoundError, StopIteration):
        pytest.skip("axe-core is not installed (axe-playwright-python)")
    return Path(str(found.locate())).read_text(encoding="utf-8")
