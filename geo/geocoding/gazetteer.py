"""The gazetteer: names to places, from an index that is built once for the countries in play."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.assets import ASSETS
from geo.errors import NoSnapshotError, SourceError, UsageError
from geo.formats.geojson import read_json
from geo.geocoding.index import Lookup, Place, Progress, build_index, index_path
from geo.measure.ellipsoid import local_plane
from geo.schema import CRS
from geo.text.words import is_cyrillic, key_of, plain_key

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.archive.results import When

PLACE_COLUMNS = (
    "name", "kind", "country", "adm_1", "adm_2", "latitude", "longitude", "population", "front_km", "gazetteer",
    "place_id",
)  # fmt: skip
# names that differ more than this (of 100) are not taken for one another
ALIKE = 88


class Gazetteer:
    """Places by name. Open it with `open_gazetteer`, once, and hand it on."""

    def __init__(self, lookup: Lookup, countries: tuple[str, ...] | None) -> None:
        self.lookup = lookup
        self.countries = countries

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.lookup.close()

    def candidates(self, name: str) -> list[Place]:
        """Every place of a name, in any spelling or case, the most populous first."""
        found = self.lookup.called(key_of(name), cyrillic=is_cyrillic(name))
        return [p for p, _ in sorted(found, key=lambda f: (f[1], -f[0].population, f[0].number))]

    def alike(self, name: str, area: str, *, least: float = ALIKE) -> list[tuple[Place, float]]:
        """Places of a region whose names are like one, with the likeness (0 to 100), the likest first."""
        from rapidfuzz import fuzz, process

        keys, numbers = self.lookup.names_inside(area)
        hits = process.extract(plain_key(key_of(name)), keys, scorer=fuzz.ratio, limit=5, score_cutoff=least)
        best: dict[int, float] = {}
        for _, score, at in hits:
            best.setdefault(numbers[at], float(score))
        return [(self.lookup.place(number), score) for number, score in best.items()]


def open_gazetteer(
    *,
    countries: Sequence[str] | None = None,
    files: Sequence[str | Path] = (),
    archive: Archive | None = None,
    progress: Progress | None = None,
) -> Gazetteer:
    """Open the gazetteer of the countries in play; its index is built the first time, in the user's cache.

    Parameters
    ----------
    countries : sequence of str or None
        ISO 3166-1 alpha-2 codes. None takes those that the archive has units of below the country, or all of them
        without an archive. Larger cities, regions and countries of the whole world are always known.
    files : sequence of path
        Gazetteer files of the user's own (`geo.geocoding.place_records`).
    archive : Archive or None
        Its units name the regions.
    progress : callable or None
        Gets (done, of how many, what) while an index is built.

    Returns
    -------
    Gazetteer

    Raises
    ------
    ArchiveError
        The archive is not there, is none, is damaged, or is of a newer version.
    FileError
        A gazetteer file cannot be read, or the cache cannot be written.
    UsageError
        A country's code is not one.

    Examples
    --------
    >>> gazetteer = geo.open_gazetteer(archive=archive)
    >>> geo.geocode("Sudzha", gazetteer=gazetteer)["country"].tolist()
    ['RU']
    """
    units = archive.units(1) if archive is not None else None
    if countries is None and units is not None and len(units):
        countries = sorted({str(c) for c in units["parent"].dropna()})
    if countries is not None:
        countries = tuple(sorted({c.strip().upper() for c in countries}))
        wrong = [c for c in countries if not (len(c) == 2 and c.isalpha())]
        if wrong:
            raise UsageError(f"{wrong[0]!r} is no country code; give ISO 3166-1 alpha-2, such as UA")
    paths = [Path(f) for f in files]
    path = index_path(countries, paths, units)
    if not path.exists():
        if units is None:
            shipped = read_json(ASSETS / "units" / "admin1_ua_ru.geojson")
            units = gpd.GeoDataFrame.from_features(shipped["features"], crs=CRS)
        build_index(path, countries=countries, registers=paths, units=units, progress=progress)
    return Gazetteer(Lookup(path), countries if countries is None else tuple(countries))


def front_distance(archive: Archive, date: When | None, *, source: str | None = None) -> FrontDistance | None:
    """How far places lie from the ground that an archive's source draws on a date."""
    listed = [source] if source else list(dict.fromkeys(archive.snapshots()["source"]))
    for name in listed:
        try:
            frame = archive.control(date, source=name)
        except (NoSnapshotError, SourceError):
            continue
        if len(frame):
            return FrontDistance(np.asarray(frame.geometry.array, dtype=object))
    return None


class FrontDistance:
    """The distance of places to the outlines of drawn ground, in km; what was asked once is remembered."""

    def __init__(self, shapes: np.ndarray[tuple[int], np.dtype[np.object_]]) -> None:
        self._plane = local_plane(shapely.total_bounds(shapes))
        outlines = shapely.boundary(self._plane.laid(shapes))
        self._tree = shapely.STRtree(shapely.get_parts(outlines))
        self._known: dict[int, float] = {}

    def __call__(self, place: Place) -> float:
        """The distance of a place, in km."""
        if place.number not in self._known:
            point = self._plane.laid(shapely.Point(place.longitude, place.latitude))
            at = self._tree.nearest(point)
            self._known[place.number] = float(shapely.distance(point, self._tree.geometries[at]))
        return self._known[place.number]


def list_places(
    gazetteer: Gazetteer, name: str, *, country: str | None = None, front_km: FrontDistance | None = None
) -> pd.DataFrame:
    found = [p for p in gazetteer.candidates(name) if country is None or p.country == country.upper()]
    rows = [
        (p.name, p.kind, p.country, p.adm_1 or None, p.adm_2 or None, p.latitude, p.longitude, p.population or None,
         round(front_km(p), 1) if front_km is not None and p.kind == "place" else None, p.gazetteer, p.place_id)
        for p in found
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=list(PLACE_COLUMNS), dtype=object)
    return table.astype({"latitude": "float64", "longitude": "float64", "population": "Int64", "front_km": "float64"})
