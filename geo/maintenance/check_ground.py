"""What is stored, looked at again: can ground and points be where they are, and does a class jump from day to day?"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.maintenance.check_schema import Finding, decoded, is_on_earth, note
from geo.measure.ellipsoid import areas_km2
from geo.measure.location_checks import Expected, against_country, doubts
from geo.schema import CRS
from geo.units import Countries, countries_of

JUMP_KM2 = 2_500.0  # no class moved by as much from one map to the next without something to be said of it


def ground_findings(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Every source's polygons by place and by continuity, and every dataset's points by place."""
    countries = _countries(connection)
    series = connection.execute("SELECT DISTINCT source, part FROM control ORDER BY source, part").fetchall()
    for source, part in series:
        where = f"control of {source}{' ' + part if part else ''}"
        query = (
            "SELECT fid, coalesce(controller, 'nobody') || ' ' || status, valid_from, valid_to, geom FROM control"
            " WHERE source = ? AND part = ?"
        )
        rows = [(*row[:4], decoded(row[4])) for row in connection.execute(query, (source, part))]
        rows = [row for row in rows if is_on_earth(row[4])]
        shapes = np.array([row[4] for row in rows], dtype=object)
        yield from _jumps(where, [row[1:4] for row in rows], areas_km2(shapes))
        parts, owner = shapely.get_parts(shapes, return_index=True)
        points = shapely.get_coordinates(shapely.point_on_surface(parts))
        for doubt in doubts(parts, countries.locate(points[:, 0], points[:, 1]), countries, Expected()):
            fids = sorted({int(rows[owner[i]][0]) for i in doubt.items})
            kind = "cannot be there" if doubt.impossible else "is odd there"
            yield note(
                where, f"rows {fids[:5]}: {doubt.why}: such ground {kind}", "geo retract takes its snapshot back"
            )
    yield from _points(connection, countries)


def _countries(connection: sqlite3.Connection) -> Countries:
    columns = ("unit", "name", "parent", "level", "area_km2")
    rows = connection.execute(f"SELECT {', '.join(columns)}, geom FROM units").fetchall()
    good = [(*row[:-1], shape) for row in rows if is_on_earth(shape := decoded(row[-1]))]
    frame = pd.DataFrame([row[:-1] for row in good], columns=list(columns))
    return countries_of(gpd.GeoDataFrame(frame, geometry=[row[-1] for row in good], crs=CRS))


def _jumps(where: str, rows: list[tuple[str, str, str | None]], km2: NDArray[np.float64]) -> Iterator[Finding]:
    """Classes that move by more than `JUMP_KM2` between neighbouring instants; the first map is no jump."""
    moved: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for (kind, first, last), area in zip(rows, km2.tolist(), strict=True):
        moved[first][kind] += area
        if last is not None:
            moved[last][kind] -= area
    for at in sorted(moved)[1:]:
        for kind, change in sorted(moved[at].items()):
            if abs(change) > JUMP_KM2:
                yield note(where, f"{kind} moves by {change:+,.0f} km² at {at}", "do the sources of that day say why?")


def _points(connection: sqlite3.Connection, countries: Countries) -> Iterator[Finding]:
    query = "SELECT fid, longitude, latitude, country, adm_1, adm_2, where_coordinates FROM incidents"
    rows = [row for row in connection.execute(query) if all(isinstance(v, float | int) for v in row[1:3])]
    rows = [row for row in rows if abs(row[1]) <= 180 and abs(row[2]) <= 90]
    if rows:
        xy = np.array([row[1:3] for row in rows], dtype=float)
        words = [[str(cell or "") for cell in row[3:]] for row in rows]
        for doubt in against_country(xy, countries.locate(xy[:, 0], xy[:, 1]), words, countries):
            yield note(f"incidents row {rows[doubt.items[0]][0]}", doubt.why, "mend it in its file, and import that")
