"""geo-control: dated maps of territorial control, their areas and changes, from one archive."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from geo.archive import Archive, open_archive
    from geo.area import area_km2
    from geo.briefs.briefing import draw_brief
    from geo.care.backup import back_up
    from geo.care.checking import check_archive
    from geo.care.repair import mend_copy
    from geo.claims.checking import check_claim
    from geo.claims.pair import weigh_claims
    from geo.claims.reading import find_claims, read_claim
    from geo.claims.record import Claim
    from geo.desk.fetch import fetch_new
    from geo.desk.routine import run_daily
    from geo.errors import (
        ArchiveError,
        FileError,
        GateError,
        GeoError,
        MapError,
        NoSnapshotError,
        SourceError,
        UnitError,
        UsageError,
    )
    from geo.gazetteer import open_gazetteer
    from geo.geocoding import geocode
    from geo.intake import Receipt, import_files
    from geo.pages.compare_page import draw_comparison
    from geo.pages.dates_page import draw_dates
    from geo.pages.embed import embed_snippet
    from geo.pages.film_page import draw_timeline
    from geo.pages.maps import draw_map, draw_maps, save_map
    from geo.pages.shown import show
    from geo.pictures.chart import draw_chart
    from geo.pictures.movie import draw_movie
    from geo.pictures.picture import draw_picture
    from geo.reading.acceptance import accept_review
    from geo.reading.reader import read_briefing
    from geo.reading.review import write_review
    from geo.schema import Options, Source
    from geo.site.build import build_site
    from geo.site.server import serve

# name -> the module it lives in; loaded when first asked for, so that importing geo stays light
_ROOMS = {
    name: room
    for room, names in {
        "archive": "Archive open_archive",
        "area": "area_km2",
        "briefs.briefing": "draw_brief",
        "care.backup": "back_up",
        "care.checking": "check_archive",
        "care.repair": "mend_copy",
        "claims.checking": "check_claim",
        "claims.pair": "weigh_claims",
        "claims.reading": "find_claims read_claim",
        "claims.record": "Claim",
        "desk.fetch": "fetch_new",
        "desk.routine": "run_daily",
        "errors": "ArchiveError FileError GateError GeoError MapError NoSnapshotError SourceError UnitError UsageError",
        "gazetteer": "open_gazetteer",
        "geocoding": "geocode",
        "intake": "Receipt import_files",
        "pages.compare_page": "draw_comparison",
        "pages.dates_page": "draw_dates",
        "pages.embed": "embed_snippet",
        "pages.film_page": "draw_timeline",
        "pages.maps": "draw_map draw_maps save_map",
        "pages.shown": "show",
        "pictures.chart": "draw_chart",
        "pictures.movie": "draw_movie",
        "pictures.picture": "draw_picture",
        "reading.acceptance": "accept_review",
        "reading.reader": "read_briefing",
        "reading.review": "write_review",
        "schema": "Options Source",
        "site.build": "build_site",
        "site.server": "serve",
    }.items()
    for name in names.split()
}

__all__ = [
    "Archive",
    "ArchiveError",
    "Claim",
    "FileError",
    "GateError",
    "GeoError",
    "MapError",
    "NoSnapshotError",
    "Options",
    "Receipt",
    "Source",
    "SourceError",
    "UnitError",
    "UsageError",
    "__version__",
    "accept_review",
    "area_km2",
    "back_up",
    "build_site",
    "check_archive",
    "check_claim",
    "draw_brief",
    "draw_chart",
    "draw_comparison",
    "draw_dates",
    "draw_map",
    "draw_maps",
    "draw_movie",
    "draw_picture",
    "draw_timeline",
    "embed_snippet",
    "fetch_new",
    "find_claims",
    "geocode",
    "import_files",
    "mend_copy",
    "open_archive",
    "open_gazetteer",
    "read_briefing",
    "read_claim",
    "run_daily",
    "save_map",
    "serve",
    "show",
    "weigh_claims",
    "write_review",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'geo' has no attribute {name!r}")
    return getattr(import_module(f"geo.{_ROOMS[name]}"), name)
