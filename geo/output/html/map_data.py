"""What a page's script draws, as data: shapes in whole steps of a degree, boxes, and how a class looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geo.presentation import basemap

if TYPE_CHECKING:
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
