"""geo-control: dated maps of territorial control, their areas and changes, from one archive."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from geo.archive import Archive, open_archive
    from geo.area import area_km2
    from geo.briefing import draw_brief
    from geo.chart import draw_chart
    from geo.dates_page import draw_dates
    from geo.embed import embed_snippet
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
    from geo.film_page import draw_timeline
    from geo.intake import Receipt, import_files
    from geo.maps import draw_map, draw_maps, save_map
    from geo.movie import draw_movie
    from geo.picture import draw_picture
    from geo.schema import Options, Source
    from geo.shown import show

# name -> the module it lives in; loaded when first asked for, so that importing geo stays light
_ROOMS = {
    "Archive": "archive", "open_archive": "archive", "area_km2": "area", "Receipt": "intake", "import_files": "intake",
    "draw_map": "maps", "draw_maps": "maps", "save_map": "maps", "Options": "schema", "Source": "schema",
    "draw_timeline": "film_page", "draw_picture": "picture", "draw_chart": "chart", "draw_movie": "movie",
    "draw_brief": "briefing", "draw_dates": "dates_page", "embed_snippet": "embed", "show": "shown",
    "ArchiveError": "errors", "FileError": "errors", "GateError": "errors", "GeoError": "errors",
    "MapError": "errors", "NoSnapshotError": "errors", "SourceError": "errors", "UnitError": "errors",
    "UsageError": "errors",
}  # fmt: skip

__all__ = [
    "Archive", "ArchiveError", "FileError", "GateError", "GeoError", "MapError", "NoSnapshotError", "Options",
    "Receipt", "Source", "SourceError", "UnitError", "UsageError", "__version__", "area_km2", "draw_brief",
    "draw_chart", "draw_dates", "draw_map", "draw_maps", "draw_movie", "draw_picture", "draw_timeline", "embed_snippet",
    "import_files", "open_archive", "save_map",
    "show",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'geo' has no attribute {name!r}")
    return getattr(import_module(f"geo.{_ROOMS[name]}"), name)
