"""An extract of OpenStreetMap into an archive: roads, rivers, built-up ground, woods and places near the front."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from geo.archive import Archive
from geo.archive.shared_docs import described
from geo.errors import FileError, MapError, UnitError, UsageError
from geo.formats.gdal import Objects, read_extract
from geo.presentation.map_names import PLACE_NAME_COLUMNS
from geo.presentation.statuses import named
from geo.schema import KM_PER_DEGREE
from geo.storage.snapshots import next_instant

CREDIT = "© OpenStreetMap contributors, https://www.openstreetmap.org/copyright"
CORRIDOR_KM = 25.0
_GRID = 1e-5  # degrees to which positions are rounded: 1.1 m
_LEAST_KM2 = 0.02  # of an area that is kept
_COLUMNS = (
    "highway", "railway", "waterway", "landuse", "natural", "place", "fclass", "class", "kind", "kind_detail",
    "other_tags",
)  # fmt: skip
# a place's names by language: tags of OpenStreetMap, as columns or among the other tags
_NAMES = ("name", "name:en", "name:uk", "name:ru", "name:ar", "population")
# words of OpenStreetMap, Geofabrik, OpenMapTiles and Protomaps: kind and rank, 1 the greatest
_LINES = {
    "motorway": ("roads", 1), "trunk": ("roads", 1), "highway": ("roads", 1), "primary": ("roads", 2),
    "major_road": ("roads", 2), "secondary": ("roads", 3), "medium_road": ("roads", 3), "tertiary": ("roads", 4),
    "rail": ("railways", 2), "river": ("streams", 2), "canal": ("streams", 3),
}  # fmt: skip
_AREAS = {
    **dict.fromkeys(("water", "lake", "reservoir", "riverbank", "river"), ("ponds", 2)),
    **dict.fromkeys(("residential", "industrial", "commercial", "retail", "urban_area"), ("built", 2)),
    **dict.fromkeys(("wood", "forest"), ("woods", 3)),
}
# kind of place: rank, and people where the extract states none
_PLACES = {"city": (1, 100_000), "town": (2, 8_000), "village": (3, 600), "hamlet": (4, 100)}
_TAG = re.compile(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"')
_LETTERS = {"en": re.compile("[A-Za-z]"), "uk": re.compile("[А-ЩЬЮЯҐЄІЇ]"), "ru": re.compile("(?!)"),
            "ar": re.compile("[\u0600-\u06ff]")}  # fmt: skip
_RAIL = re.compile(r'"railway"=>"rail"')


@described
def import_basemap(
    archive: Archive, path: str | Path, *, corridor_km: float = CORRIDOR_KM, credit: str = CREDIT
) -> dict[str, int]:
    """Cut roads, rivers, built-up ground, woods and places from an extract, for the maps of an archive.

    Parameters
    ----------
    path : str or pathlib.Path
        A file of your own: ``.osm.pbf``, ``.gpkg``, ``.pmtiles`` or ``.geojson``, with the tags of OpenStreetMap as
        columns, or the classes of Geofabrik, OpenMapTiles or Protomaps.
    corridor_km : float
        How far around the front and the incidents the extract is kept, in km.
    credit : str
        Whom maps that show it name.

    Returns
    -------
    dict of str to int
        How many pieces of each kind there are: roads, railways, streams, ponds, built, woods, places. They take the
        place of those of an extract before.

    Raises
    ------
    ArchiveError
    FileError
        The file cannot be read, or has nothing near a front or an incident.
    UsageError
        The corridor is no distance, or the archive has neither a front nor an incident.

    Examples
    --------
    >>> import pathlib
    >>> road = '{"type": "LineString", "coordinates": [[35.2, 51.2], [35.3, 51.2]]}'
    >>> feature = '{"type": "Feature", "properties": {"highway": "primary"}, "geometry": %s}' % road
    >>> _ = pathlib.Path("roads.geojson").write_text('{"type": "FeatureCollection", "features": [%s]}' % feature)
    >>> geo.import_basemap(archive, "roads.geojson")
    {'roads': 1}
    """
    if not 0 < corridor_km <= 500:
        raise UsageError(f"corridor_km={corridor_km:g}: how far around front and incidents is kept is 1 to 500 km")
    with archive.holding():
        zone = corridor(archive, corridor_km)
    found = read_extract(Path(path), zone.bounds, (*_COLUMNS, *_NAMES))
    rows = [row for table, shapes in found for row in _kept(table, shapes, zone)]
    if not rows:
        raise FileError(
            f"{path}: no road, railway, river, built-up ground, wood or place of it lies within {corridor_km:g} km of"
            " the archive's front and incidents (--corridor-km N takes more)"
        )
    with archive.store.writing() as connection:
        archive.store.put_basemap(connection, rows, credit, next_instant(connection))
    counts: dict[str, int] = {}
    for kind, *_ in rows:
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def corridor(archive: Archive, km: float) -> shapely.Geometry:
    """The ground within so many km of the fronts of the last maps, and of the incidents."""
    lines: list[shapely.Geometry] = []
    for source in archive.store.control_sources():
        lines += _front(archive, str(source))
    incidents = archive.incidents()
    points = [p for p in incidents.geometry if p is not None and not p.is_empty]
    if not lines and not points:
        raise UsageError(f"{archive.path}: there is neither a front nor an incident that an extract could be cut to")
    whole = shapely.geometrycollections([*lines, *points])
    squeeze = math.cos(math.radians((whole.bounds[1] + whole.bounds[3]) / 2))
    scale = np.array([squeeze * KM_PER_DEGREE, KM_PER_DEGREE])
    flat = shapely.simplify(
        shapely.transform(np.array([*lines, *points], dtype=object), lambda xy: xy * scale), km / 20
    )
    return shapely.transform(shapely.union_all(shapely.buffer(flat, km, quad_segs=4)), lambda xy: xy / scale)


def _front(archive: Archive, source: str) -> list[shapely.Geometry]:
    """The front of a source's last map; where it cannot be drawn, the edge of what is held."""
    try:
        found = archive.front(source=source)
        if found.length_km:
            return list(shapely.get_parts(found.lines))
    except (MapError, UnitError):
        pass
    control = archive.control(source=source)
    held = control[control["status"].isin(named(is_held=True))]
    return list(shapely.boundary(np.asarray(held.geometry.array, dtype=object)))


_Row = tuple[str, int, shapely.Geometry, dict[str, Any] | None]


def _kept(table: pd.DataFrame, shapes: Objects, zone: shapely.Geometry) -> Iterator[_Row]:
    """The rows of a layer that maps show, cut to the corridor."""
    shapely.prepare(zone)
    dimensions = shapely.get_dimensions(shapes)
    yield from _kept_places(table[dimensions == 0], shapes[dimensions == 0], zone)
    tags = table.drop(columns=[name for name in _NAMES if name in table])
    values = [[str(v) for v in row] for row in tags.to_numpy(dtype=object).tolist()]
    for row, shape, dimension in zip(values, shapes, dimensions.tolist(), strict=True):
        kind = _kind(row, dimension)
        if kind is None or not shapely.intersects(zone, shape):
            continue
        tolerance = 5e-5 if dimension == 1 else 1e-4
        cut = shapely.simplify(shapely.intersection(shapely.make_valid(shape), zone), tolerance)
        for part in shapely.get_parts(shapely.set_precision(cut, _GRID)):
            if shapely.get_dimensions(part) == dimension and (
                dimension == 1 or part.area * KM_PER_DEGREE**2 > _LEAST_KM2
            ):
                yield *kind, part, None


def _kept_places(table: pd.DataFrame, shapes: Objects, zone: shapely.Geometry) -> Iterator[_Row]:
    """Towns and villages with their names."""
    for tags, shape in zip(table.to_dict("records"), shapes, strict=True):
        found = next((_PLACES[v] for v in map(str, tags.values()) if v in _PLACES), None)
        if found is None or not shapely.intersects(zone, shape):
            continue
        others = str(tags.get("other_tags") or "")
        known = dict(_TAG.findall(others)) | {k: v for k, v in tags.items() if v is not None and v == v}
        names = {lang: named for lang in PLACE_NAME_COLUMNS if (named := _name_in(known, lang))}
        people = re.sub(r"\D", "", str(known.get("population") or "").removesuffix(".0"))
        if names:
            point = shapely.set_precision(shapely.point_on_surface(shape), _GRID)
            yield "places", found[0], point, {**names, "people": int(people[:9] or 0) or found[1]}


def _name_in(tags: Mapping[str, Any], lang: str) -> str:
    """A place's name in a language: its own tag, or the name itself where its letters are the language's."""
    own = str(tags.get("name") or "")
    said = str(tags.get(f"name:{lang}") or "") or (own if _LETTERS[lang].match(own) else "")
    return " ".join(said.split())[:80]


def _kind(row: Sequence[str], dimension: int) -> tuple[str, int] | None:
    words = _LINES if dimension == 1 else _AREAS if dimension == 2 else {}
    for value in row:
        if found := words.get(value.removesuffix("_link")):
            return found
    return ("railways", 2) if dimension == 1 and any(_RAIL.search(value) for value in row) else None
