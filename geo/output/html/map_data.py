"""What a page's script draws, as data: shapes, boxes and looks, and what lies under them, packed once."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geo.output.html.static_svg import WIDTH, BasemapSvg, basemap_svg
from geo.output.html.timeline_codec import deflate
from geo.presentation import basemap

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.output.map_content import MapContent
    from geo.presentation.legend import StyledLayer


SCALE = 1_000_000  # steps per degree of control on the page: a vertex moves by 0.08 m at most
_REGION_DEGREES = 0.002  # how far the outline of an incident's region may be off: it is no ground that is measured


def corners(box: basemap.Box) -> list[list[float]]:
    """A box in degrees as Leaflet has it: south-west and north-east, latitude first."""
    return [[round(box[1], 5), round(box[0], 5)], [round(box[3], 5), round(box[2], 5)]]


def class_data(item: StyledLayer) -> dict[str, Any]:
    """How a class looks, and what a click on it says."""
    return {
        "label": item.label, "pattern": item.symbol.pattern, "edge": item.symbol.edge, "weight": item.symbol.weight,
        "dash": item.symbol.dash, "facts": [list(f) for f in item.facts],
    }  # fmt: skip


def rings(shapes: Sequence[shapely.Geometry]) -> list[list[list[int]]]:
    """Every polygon as its rings."""
    polygons = shapely.get_parts(np.array(shapes, dtype=object))
    return [[basemap.encode_line(_whole(r)) for r in shapely.get_rings(p)] for p in polygons]


def shapes_of(content: MapContent) -> dict[str, Any]:
    """Everything that is drawn but the ground under it, in steps of 1 / `SCALE` degree."""
    regions = {s.area_name: s.area for s in content.markers if s.area is not None}
    outlined = {name: shapely.simplify(area, _REGION_DEGREES) for name, area in regions.items()}
    front = [] if content.front is None else shapely.get_parts(content.front.lines)
    return {
        "classes": [rings(item.shapes) for item in content.drawn_classes],
        "changes": [rings(item.shapes) for item in content.changes],
        "front": [basemap.encode_line(_whole(line)) for line in front],
        "regions": {name: rings([area]) for name, area in outlined.items()},
    }


def _whole(line: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    whole: np.ndarray[Any, np.dtype[np.int64]] = np.rint(shapely.get_coordinates(line) * SCALE).astype(np.int64)
    return whole


@dataclass(frozen=True)
class BaseLayer:
    """The parts of a page that are the same for every date of the same reach."""

    packed: str
    around: BasemapSvg
    is_mapped: bool


def base_layer_of(archive: Archive, content: MapContent, *, draw_basemap: bool = True) -> BaseLayer:
    """The ground under a page; made once for as long as the archive is held (`Archive.holding`)."""
    key = ("ground", content.reach, content.bounds, content.boundary, content.lang, draw_basemap)
    return archive.store.recall(key, lambda: make_base_layer(content, draw_basemap=draw_basemap))


def make_base_layer(content: MapContent, *, draw_basemap: bool = True) -> BaseLayer:
    """As `ground_of`, made anew."""
    base = basemap.cut(content.reach) if draw_basemap else None
    if base and content.outlines:
        base["admin1"] = []  # the archive's own units are drawn instead
    near = basemap.padded(content.bounds, 0.5)
    places = basemap.places(content.reach, content.lang, near=near)
    units = basemap.encode_lines(content.outlines, content.reach, near=near)
    scale = basemap.scale_of(content.reach)
    beneath = {"basemap": base, "units": units, "line_scale": scale, "places": places}
    text = json.dumps(beneath, ensure_ascii=False, separators=(",", ":"))
    around = basemap_svg(content, base and coarser(base, content.bounds), places)
    return BaseLayer(packed(text.encode()), around, base is not None)


def packed(data: bytes, *, level: int = 9) -> str:
    """Bytes deflated, as a page unpacks them."""
    return base64.b64encode(deflate(data, level=level)).decode()


def coarser(base: Mapping[str, Any], box: basemap.Box) -> dict[str, Any]:
    """The basemap as a still picture needs it: what lies in its box, to a pixel."""
    scale = base["scale"]
    pixel = 0.7 * scale * max((box[2] - box[0]) / WIDTH, (box[3] - box[1]) / WIDTH / 1.2)
    edges = [v * scale for v in basemap.padded(box, 0.02)]
    found: dict[str, Any] = {"scale": scale}
    for name in (*basemap.AREAS, *basemap.LINES):
        rings: Sequence[Any] = [r for p in base[name] for r in p] if name in basemap.AREAS else base[name]
        whole = [np.cumsum(np.array(r).reshape(-1, 2), axis=0) for r in rings]
        close = [r for r in whole if (r.max(axis=0) >= edges[:2]).all() and (r.min(axis=0) <= edges[2:]).all()]
        kept = [np.rint(shapely.get_coordinates(shapely.simplify(shapely.linestrings(r), pixel))) for r in close]
        coded = [basemap.encode_line(r.astype(np.int64)) for r in kept]
        found[name] = [coded] if name in basemap.AREAS else coded
    return found
