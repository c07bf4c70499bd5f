"""geo-control: dated maps of territorial control, their areas and changes, from one archive."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any
from warnings import warn

__version__ = "0.1.0"

if TYPE_CHECKING:
    from geo.archive import Archive, open_archive
    from geo.automation.daily import run_daily
    from geo.automation.fetch import fetch_new
    from geo.claims.checking import check_claim, compare_claims
    from geo.claims.model import Claim
    from geo.claims.reading import find_claims, read_claim
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
    from geo.extraction.briefing import accept_review, read_briefing, write_review
    from geo.geocoding.gazetteer import open_gazetteer
    from geo.geocoding.geocoder import geocode
    from geo.importing.basemap_extract import import_basemap
    from geo.importing.importer import Receipt, import_files
    from geo.maintenance.check import check_archive
    from geo.maintenance.repair import back_up, repair_archive
    from geo.measure.ellipsoid import area_km2
    from geo.output.documents.write import draw_brief
    from geo.output.export import export, release
    from geo.output.html.compare_page import draw_comparison
    from geo.output.html.embed import embed_snippet
    from geo.output.html.map_page import draw_map, draw_maps, save_map
    from geo.output.html.timeline_page import draw_timeline
    from geo.output.html.two_dates_page import draw_dates
    from geo.output.images.chart import draw_chart
    from geo.output.images.movie import draw_movie
    from geo.output.images.picture import draw_picture
    from geo.output.say import say
    from geo.output.site.build import build_site
    from geo.output.site.server import serve
    from geo.output.table_view import show
    from geo.schema import Options, Source

# name -> the module it lives in, loaded when first asked for
_MODULES = {
    name: module
    for module, names in {
        "archive": "Archive open_archive",
        "automation.daily": "run_daily",
        "automation.fetch": "fetch_new",
        "claims.checking": "check_claim compare_claims",
        "claims.model": "Claim",
        "claims.reading": "find_claims read_claim",
        "errors": "ArchiveError FileError GateError GeoError MapError NoSnapshotError SourceError UnitError UsageError",
        "extraction.briefing": "accept_review read_briefing write_review",
        "geocoding.gazetteer": "open_gazetteer",
        "geocoding.geocoder": "geocode",
        "importing.basemap_extract": "import_basemap",
        "importing.importer": "Receipt import_files",
        "maintenance.check": "check_archive",
        "maintenance.repair": "back_up repair_archive",
        "measure.ellipsoid": "area_km2",
        "output.documents.write": "draw_brief",
        "output.export": "export release",
        "output.html.compare_page": "draw_comparison",
        "output.html.embed": "embed_snippet",
        "output.html.map_page": "draw_map draw_maps save_map",
        "output.html.timeline_page": "draw_timeline",
        "output.html.two_dates_page": "draw_dates",
        "output.images.chart": "draw_chart",
        "output.images.movie": "draw_movie",
        "output.images.picture": "draw_picture",
        "output.say": "say",
        "output.site.build": "build_site",
        "output.site.server": "serve",
        "output.table_view": "show",
        "schema": "Options Source",
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
    "compare_claims",
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
    "export",
    "fetch_new",
    "find_claims",
    "geocode",
    "import_basemap",
    "import_files",
    "open_archive",
    "open_gazetteer",
    "read_briefing",
    "read_claim",
    "release",
    "repair_archive",
    "run_daily",
    "save_map",
    "say",
    "serve",
    "show",
    "write_review",
]  # fmt: skip


# names of before, which go with version 1.0
_OLD_NAMES = {"mend_copy": "repair_archive", "weigh_claims": "compare_claims"}


def __getattr__(name: str) -> Any:
    if name in _OLD_NAMES:
        new = _OLD_NAMES[name]
        warn(f"geo.{name} is now geo.{new}; the old name goes with version 1.0", DeprecationWarning, stacklevel=2)
        return __getattr__(new)
    if name not in _MODULES:
        raise AttributeError(f"module 'geo' has no attribute {name!r}")
    return getattr(import_module(f"geo.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
