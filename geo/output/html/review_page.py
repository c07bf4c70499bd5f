"""The review page: a briefing's text with the words behind every draft, and the map, side by side; no network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import shapely

from geo.errors import MapError, NoSnapshotError, SourceError, UnitError
from geo.formats.geojson import read_json
from geo.incidents.markers import Marker, marker_of
from geo.output.html import review_data
from geo.output.html.base_layer import BaseLayer, make_base_layer, packed
from geo.output.html.map_data import SCALE, class_data, corners, rings, shapes_of
from geo.output.html.map_page import PageMap, map_values
from geo.output.html.page import PageParts
from geo.output.html.static_svg import draw_static_svg
from geo.output.map_content import MapContent, gather, outlines
from geo.presentation import basemap
from geo.presentation.labels import written
from geo.presentation.templates import templates_folder
from geo.schema import CRS
from geo.sources import shipped_units
from geo.units import find_unit

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.extraction.briefing import Draft, Reading

_WORLD: basemap.Box = (-30.0, -38.0, 150.0, 70.0)
_OUTLINE = 0.005  # degrees by which a region's outline may be off: it is no ground that is measured


def draw_review(
    reading: Reading, *, archive: Archive | None = None, title: str | None = None, draw_basemap: bool = True,
    templates: str | Path | None = None,
) -> PageMap:  # fmt: skip
    """Draw a briefing's drafts for review."""
    folder = templates_folder(templates)
    region = partial(_region, archive)
    markers = [_marker(draft, region) for draft in reading.incidents]
    content = _content(reading, markers, archive, title)
    ground = make_base_layer(content, draw_basemap=draw_basemap)
    made = PageMap(content.bounds)
    made.page.parts = _parts(reading, markers, content, ground, folder)
    return made


def _marker(draft: Draft, region: Any) -> Marker | None:
    if not draft.is_located:
        return None
    row = {**draft.fields, "geometry": shapely.Point(draft.fields["longitude"], draft.fields["latitude"])}
    return marker_of(row, region)


def _region(archive: Archive | None, name: str) -> shapely.Geometry | None:
    """The ground of a unit by its name: the archive's, else the package's own."""
    try:
        if archive is not None:
            return archive.unit(name).geometry.iloc[0]
        units = _units()
        return units.geometry.iloc[find_unit(units, name)]
    except UnitError:
        return None


@cache
def _units() -> gpd.GeoDataFrame:
    features = [f for path in shipped_units() for f in read_json(path)["features"]]
    frame = gpd.GeoDataFrame.from_features(features, crs=CRS)
    for column in ("unit", "name", "name_local", "level", "boundary"):
        if column not in frame:
            frame[column] = None
    return frame


def _content(
    reading: Reading, markers: Sequence[Marker | None], archive: Archive | None, title: str | None
) -> MapContent:
    """What the map shows: the drafts, and under them the control of the day where the archive has it."""
    shown = [s for s in markers if s is not None]
    bounds = _bounds(shown)
    limits = basemap.padded(bounds)
    reach = basemap.outward(basemap.reach_of(limits))
    day = "no date" if reading.dateline is None else written(reading.dateline)
    head = title or f"Drafts for review: {reading.source.name}"
    control = _control(reading, archive)
    lines, boundary = ([], "") if archive is None else outlines(archive, reach)
    subtitle = f"{_told(len(reading.incidents), 'draft')} and {_told(len(reading.claims), 'area claim')}; {day}. " + (
        "Read from the text by rules, to be confirmed by a person: nothing of it is stored"
        + (f". {control.subtitle}" if control else "")
    )
    empty = MapContent(
        title=head, subtitle=subtitle, date=day, lang="en", classes=(), changes=(), figures=(), since=None,
        markers=shown, outlines=lines, boundary=boundary, bounds=bounds, limits=limits, reach=reach,
        credits=("Places: GeoNames, CC BY 4.0, https://www.geonames.org/",),
    )  # fmt: skip
    if control is None:
        return empty
    return replace(empty, classes=control.classes, credits=(*control.credits[:1], *empty.credits))


def _told(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _control(reading: Reading, archive: Archive | None) -> MapContent | None:
    """The control of the day; None without an archive, a day, or one source to take it from."""
    if archive is None or reading.dateline is None:
        return None
    try:
        return gather(archive, reading.dateline, with_front=False)
    except (NoSnapshotError, SourceError, MapError):
        return None


def _bounds(markers: Sequence[Marker]) -> basemap.Box:
    """Where the map opens: every place, and of regions their middle."""
    if not markers:
        return _WORLD
    xs, ys = [s.lon for s in markers], [s.lat for s in markers]
    box = (min(xs) - 1.0, min(ys) - 0.7, max(xs) + 1.0, max(ys) + 0.7)
    return basemap.outward(basemap.padded(box, 0.1))


def _parts(
    reading: Reading, markers: Sequence[Marker | None], content: MapContent, ground: BaseLayer, templates: Path | None
) -> PageParts:
    bare = replace(content, markers=())
    data = {
        "lang": content.lang, "scale": SCALE,
        "bounds": corners(content.bounds), "limits": corners(content.limits), "reach": corners(content.reach),
        "ground": ground.packed, "classes": [class_data(item) for item in content.drawn_classes], "changes": [],
        "shapes": packed(json.dumps(shapes_of(bare)).encode()), "front": None, "incidents": [],
        "review": {
            "drafts": [
                review_data.draft_data(draft, marker, _outlined(marker))
                for draft, marker in zip(reading.incidents, markers, strict=True)
            ],
            "claims": [[claim.text, review_data.claim_words(claim)] for claim in reading.claims],
            "text": review_data.pieces(reading),
        },
    }  # fmt: skip
    values = map_values(content, ground) | {
        "text_lang": reading.lang, "kinds": sorted({marker.kind for marker in content.markers}),
        # the numbers on this map are those of the drafts, so that their marks are explained by a list of its own
        "legend": bare.legend if content.classes else [],
        "still": draw_static_svg(content, around=ground.around),
    }  # fmt: skip
    if not ground.is_mapped:
        values["ground_credits"] = []
    return PageParts("review.html", content.title, values, data, templates)


def _outlined(marker: Marker | None) -> Any:
    """The outline of a region, simplified; None for a place or a circle."""
    if marker is None or marker.area is None:
        return None
    return rings([shapely.simplify(marker.area, _OUTLINE)])
