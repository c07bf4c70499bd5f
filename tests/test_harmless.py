"""A hundred hostile strings through what is no page of its own kind: terminal, CSV, the archive, SVG, two sources, reviews.

Maps, timelines, two dates and briefings go through theirs in tests/test_every_page.py, the site in tests/test_site.py.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import unicodedata
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from browsing import browser  # noqa: F401
from click.testing import CliRunner
from hostile_texts import HOSTILE, MARKER, shown
from lxml import etree
from shapely.geometry import box
from test_every_page import Seen
from test_maps import DAY, hostile_archive, put, state

import geo
from geo.archive import Archive
from geo.cli import main
from geo.errors import MapError
from geo.extraction.briefing import read_briefing
from geo.formats.tables import defused
from geo.output.html.map_page import save_map
from geo.output.html.review_page import draw_review

ESCAPES = (
    "\x1b]0;title\x07", "\x1b]8;;http://evil.invalid\x1b\\link\x1b]8;;\x1b\\", "\x1b]52;c;cm0gLXJm\x07", "\x9b2J", "a\rb",
    "\x1b[2J\x1b[H", "\x1bc", "\x08\x08\x08ok", "\x07",
)  # fmt: skip
CELLS = ("+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "=1", "-", "+", "@", "==", '="a"&A1')
ALL = (*HOSTILE, *ESCAPES, *CELLS)
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def test_there_are_a_hundred() -> None:
    assert len(set(ALL)) >= 100


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive in which sides, classes, sources, units, incidents and claims are hostile."""
    opened = hostile_archive(tmp_path_factory.mktemp("harmless") / "a.gpkg")
    rows = [(t, "held", t, box(34 + i / 20, 51, 34.04 + i / 20, 51.2)) for i, t in enumerate(ALL)]
    put(opened, DAY, state(*rows))
    put(opened, DAY, state(*rows[::2]), source="other")
    put(opened, DAY + timedelta(days=1), state(*rows[1:]))
    with opened.store.writing() as connection:
        for i, text in enumerate(ALL):
            connection.execute(
                "INSERT INTO claims (claim_id, text, said_by, said_on, published_in, recorded_at)"
                " VALUES (?, ?, ?, '2025-01-11', ?, '2025-01-12T00:00:00.000Z')",
                (f"{i} {text}", text, text, text),
            )
    opened.close()
    return opened


VERBS = (
    ("sources",), ("snapshots",), ("area", "--source", "desk", "--date", "2025-01-10"), ("series", "--source", "desk"),
    ("change", "--source", "desk", "--from", "2025-01-10", "--to", "2025-01-11"), ("incidents",), ("who", "--at", "51.1,34.02"),
    ("corrections",), ("compare", "--source", "desk", "--source", "other", "--date", "2025-01-10"), ("claims",),
)  # fmt: skip


@pytest.mark.parametrize("verb", VERBS, ids=lambda v: v[0])
def test_a_terminal_gets_no_sign_that_it_would_obey(hostile: Archive, verb: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, [verb[0], str(hostile.path), *verb[1:]])
    assert done.exit_code == 0, done.output[-500:]
    assert not CONTROLS.search(done.output), CONTROLS.findall(done.output)[:5]
    for wrong in (f"--source={ESCAPES[0]}", f"--{ESCAPES[1]}"):
        refused = CliRunner().invoke(main, [verb[0], str(hostile.path), *verb[1:], wrong])
        assert not CONTROLS.search(refused.output)


@pytest.mark.parametrize("verb", [v for v in VERBS if v[0] not in ("claims",)], ids=lambda v: v[0])
def test_a_spreadsheet_computes_no_cell(hostile: Archive, verb: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, [verb[0], str(hostile.path), *verb[1:], "--format", "csv"])
    assert done.exit_code == 0, done.output[-500:]
    cells = [cell for row in csv.reader(io.StringIO(done.output, newline="")) for cell in row]
    assert cells
    for cell in cells:
        computed = cell[:1] in tuple("=+-@\t\r") and not re.fullmatch(
            r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", cell, re.IGNORECASE
        )
        assert not computed, cell
    if verb[0] in ("area", "series"):
        assert {defused(t) for t in ALL} <= set(cells)


def test_json_gives_every_string_as_it_is(hostile: Archive) -> None:
    done = CliRunner().invoke(
        main, ["area", str(hostile.path), "--source", "desk", "--date", "2025-01-10", "--format", "json"]
    )
    assert {row["controller"] for row in json.loads(done.stdout)["rows"]} == set(ALL)
    assert not CONTROLS.search(done.output)


def test_the_archive_keeps_every_string_and_no_table_is_lost(hostile: Archive) -> None:
    connection = sqlite3.connect(hostile.path)
    assert {row[0] for row in connection.execute("SELECT DISTINCT controller FROM control")} == set(ALL)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("SELECT count(*) FROM claims").fetchone() == (len(ALL),)


def test_svg_pictures_hold_text_and_nothing_that_runs(hostile: Archive, tmp_path: Path) -> None:
    MARKER.unlink(missing_ok=True)
    for path in (
        geo.draw_picture(
            hostile, "2025-01-10", path=tmp_path / "p.svg", source="desk", title=" ".join(ALL), with_front=False
        ),
        *(
            geo.draw_chart(hostile, tmp_path / f"{i}.svg", source="desk", title=text, controller=text)
            for i, text in enumerate(ALL[:20])
        ),
    ):
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        root = etree.fromstring(Path(path).read_bytes(), parser)
        names = {e.tag.rpartition("}")[2].lower() for e in root.iter()}
        assert not names & {
            "script",
            "foreignobject",
            "iframe",
            "animate",
            "set",
            "image" if path == "c.svg" else "script",
        }
        ids = [e.get("id") for e in root.iter() if e.get("id")]
        assert len(ids) == len(set(ids))
        assert all(re.fullmatch(r"[\w.-]+", name) for name in ids)
        links = [v for e in root.iter() for k, v in e.attrib.items() if k.rpartition("}")[2] == "href"]
        assert all(v.startswith(("#", "data:image/")) for v in links)
        assert not [k for e in root.iter() for k in e.attrib if k.lower().startswith("on")]
    assert not MARKER.exists()


def pages_of(hostile: Archive, folder: Path) -> dict[str, Path]:
    """Two sources on one map, and the review of a briefing that is made of nothing else."""
    both = geo.draw_comparison(hostile, "2025-01-10", sources=["desk", "other"], title=" ".join(ALL))
    lines = [
        f"Drones hit a house in Kyiv on January 11, killing {i + 2} people, {text} said." for i, text in enumerate(ALL)
    ]
    (folder / "briefing.txt").write_text("\n\n".join(lines), encoding="utf-8")
    reading = read_briefing(folder / "briefing.txt", date="2025-01-11")
    return {
        "compare": save_map(both, folder / "c.html"),
        "review": save_map(draw_review(reading), folder / "r.html"),
    }


def test_two_sources_and_reviews_run_nothing(browser: Any, hostile: Archive, tmp_path: Path) -> None:  # noqa: F811
    MARKER.unlink(missing_ok=True)
    made = pages_of(hostile, tmp_path)
    assert not MARKER.exists()
    for kind, path in made.items():
        seen = Seen(browser, path.as_uri(), offline=True)
        seen.page.wait_for_timeout(400)
        for name in ("button", "summary", "input"):
            for i in range(min(seen.page.locator(name).count(), 12)):
                seen.page.locator(name).nth(i).dispatch_event("click")
        text = seen.page.evaluate("document.body.textContent")
        # a briefing is read without signs that nobody sees (geo.extraction.briefing_files)
        kept = [t for t in ALL if kind == "compare" or (t.isprintable() and unicodedata.is_normalized("NFC", t))]
        missing = [t for t in kept if " ".join(shown(t).split()) not in " ".join(text.split())]
        assert len(kept) > 80
        assert not missing, (kind, missing[:5])
        assert seen.page.evaluate("typeof window.pwned") == "undefined"
        assert seen.requests == [path.as_uri()]
        assert seen.errors == []
        seen.close()


def test_a_chart_that_has_no_room_for_its_lines_says_so(hostile: Archive, tmp_path: Path) -> None:
    with pytest.raises(MapError, match="do not fit"):
        geo.draw_chart(hostile, tmp_path / "c.svg", source="desk", title=" ".join(ALL))
