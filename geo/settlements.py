"""Settlements that changed hands: whose ground each stood on, on one date and on another."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.errors import GateError
from geo.files.layers import cell, read_layer
from geo.schema import CRS, text_or_none

COLUMNS = ("name", "lat", "lon", "before", "after")
_NAMES = ("name", "name:en", "name_en", "settlement", "place")


def read_places(path: Path, *, column: str | None = None) -> gpd.GeoDataFrame:
    """Settlements from a geodata file.

    Parameters
    ----------
    path : pathlib.Path
        GeoJSON, GeoPackage, Shapefile, FlatGeobuf, KML, KMZ, or one of them in a zip; points, or polygons, which stand
        by a point inside them.
    column : str or None
        Which column has the names; None is the first of name, name:en, name_en, settlement, place.

    Returns
    -------
    geopandas.GeoDataFrame
        name, geometry (Point, EPSG:4326); features without name or geometry are left out.

    Raises
    ------
    FileError
        The file cannot be read.
    GateError
        No column has the names, or no feature has both name and geometry.
    """
    layer = read_layer(path)
    known = {str(c).casefold(): c for c in layer.table.columns}
    wanted = [column.casefold()] if column else list(_NAMES)
    found = next((known[w] for w in wanted if w in known), None)
    if found is None:
        listed = ", ".join(map(str, layer.table.columns)) or "none"
        raise GateError(f"{path}: no column of names ({', '.join(wanted)}); there are: {listed}. --column names one")
    names = np.array([cell(v) for v in layer.table[found]], dtype=object)
    shapes = np.asarray(layer.geometry, dtype=object)
    there = np.array([bool(n) for n in names]) & ~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)
    if not there.any():
        raise GateError(f"{path}: no feature has a name and a place")
    points = shapely.point_on_surface(shapes[there])
    return gpd.GeoDataFrame({"name": names[there]}, geometry=points, crs=CRS)


def changed_hands(places: gpd.GeoDataFrame, before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> pd.DataFrame:
    """The places that stood on other ground after than before.

    Parameters
    ----------
    places : geopandas.GeoDataFrame
        name and points in EPSG:4326.
    before, after : geopandas.GeoDataFrame
        One source at two instants: controller, status, areal geometry in EPSG:4326.

    Returns
    -------
    pandas.DataFrame
        name, lat, lon, before, after: controller and status of the ground, such as ``A held``, several with ``; ``
        between them, missing where no polygon of the source stands over the place.

    Raises
    ------
    GateError
        Never.
    """
    points = np.asarray(places.geometry.array, dtype=object)
    old, new = (ground_at(points, frame) for frame in (before, after))
    rows = [
        (str(name), float(p.y), float(p.x), a, b)
        for name, p, a, b in zip(places["name"], points, old, new, strict=True)
        if a != b
    ]
    return pd.DataFrame(sorted(rows, key=lambda r: (r[0], r[1])), columns=list(COLUMNS), dtype=object)


def ground_at(points: np.ndarray[tuple[int], np.dtype[np.object_]], frame: gpd.GeoDataFrame) -> list[str | None]:
    """Whose ground points stand on: controller and status, such as ``A held``, None where no polygon is.

    Raises
    ------
    GateError
        Never.
    """
    tree = shapely.STRtree(points)
    polygon, point = tree.query(np.asarray(frame.geometry.array, dtype=object), predicate="intersects")
    words: list[set[str]] = [set() for _ in points]
    controllers, statuses = frame["controller"].tolist(), frame["status"].tolist()
    for i, k in zip(polygon.tolist(), point.tolist(), strict=True):
        words[k].add(f"{text_or_none(controllers[i]) or ''} {statuses[i]}".strip())
    return ["; ".join(sorted(w)) or None for w in words]
