"""How far an area may be off by its drawing: the ground within the drawing's accuracy of its border (Perkal's band).

Perkal (1956) takes a drawn line as a band of a width epsilon on either side, in which the true line lies. The part of
the band inside a ground may be no such ground, the part outside may be.
"""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely

from geo.errors import UsageError
from geo.measure.areas import clip
from geo.measure.ellipsoid import areas_km2, local_plane


class Band(NamedTuple):
    """The ground within an accuracy of a border: inside it and outside it (EPSG:4326), and their km²."""

    inside: shapely.Geometry
    outside: shapely.Geometry
    inside_km2: float
    outside_km2: float


def border_band(
    ground: shapely.Geometry,
    *,
    accuracy_km: float,
    countries: gpd.GeoDataFrame | None = None,
    within: shapely.Geometry | None = None,
) -> Band:
    """The band of a ground's own border."""
    if not accuracy_km > 0:
        raise UsageError(f"an accuracy of {accuracy_km:g} km: give a distance above 0")
    nowhere = shapely.Polygon()
    if ground.is_empty:
        return Band(nowhere, nowhere, 0.0, 0.0)
    plane = local_plane(shapely.total_bounds(np.array([ground], dtype=object)))
    laid = plane.laid(ground)
    line = shapely.boundary(laid)
    if countries is not None:
        line = shapely.difference(line, _edges(countries, ground, plane, accuracy_km))
    band = shapely.buffer(line, accuracy_km)
    pieces = [clip(plane.lifted(shape), within) for shape in
              (shapely.intersection(band, laid), shapely.difference(band, laid))]  # fmt: skip
    inside, outside = (float(v) for v in areas_km2(np.array(pieces, dtype=object)))
    return Band(pieces[0], pieces[1], inside, outside)


def _edges(
    countries: gpd.GeoDataFrame, ground: shapely.Geometry, plane: object, accuracy_km: float
) -> shapely.Geometry:
    """Border and coast near a ground, as wide as the accuracy to either side."""
    near = shapely.box(*shapely.buffer(shapely.box(*ground.bounds), 0.2 + accuracy_km / 50).bounds)
    shapes = np.asarray(countries.geometry.array, dtype=object)
    outlines = shapely.intersection(shapely.boundary(shapes[shapely.intersects(shapes, near)]), near)
    return shapely.buffer(plane.laid(shapely.union_all(outlines)), accuracy_km)  # type: ignore[attr-defined]
