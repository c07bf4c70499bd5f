"""A user's own gazetteer file: GeoNames dumps, official registers as CSV, places of OpenStreetMap."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import shapely

from geo.errors import FileError
from geo.formats.geojson import read_bytes
from geo.formats.layers import cell, read_layer
from geo.geocoding.geonames import Record, town_radius_km
from geo.text.normalize import is_readable

# what columns are called, in order of preference
_COLUMNS = {
    "id": ("katotth", "pcode", "adm4_pcode", "geonameid", "osm_id", "code", "id", "@id"),
    "names": (
        "name_en", "name:en", "adm4_en", "name", "name_uk", "name:uk", "adm4_ua", "adm4_uk", "name_ru", "name:ru",
        "adm4_ru", "asciiname", "alt_name", "old_name", "int_name", "alternatenames", "old_name:en", "official_name",
        "name_local", "name_ar", "name_fr", "name_es",
    ),
    "latitude": ("lat", "latitude", "y", "lat_dd"),
    "longitude": ("lon", "lng", "long", "longitude", "x", "lon_dd"),
    "region": ("oblast_en", "adm1_en", "adm_1", "admin1", "oblast_ru", "oblast_uk", "adm1_name", "region", "state"),
    "district": ("raion_en", "adm2_en", "adm_2", "admin2", "raion_ru", "raion_uk", "adm2_name", "district", "county"),
    "country": ("country", "countrycode", "country_code", "iso", "adm0_iso2"),
    "population": ("population", "pop"),
    "category": ("category", "place", "feature_code", "type"),
}  # fmt: skip
_DUMP = 19  # columns of a GeoNames country file
_REGIONS = frozenset(("O", "K"))  # KATOTTH: oblast; city with a special status


def read_register(path: Path) -> list[Record]:
    """The places of a gazetteer file."""
    if not path.is_file():
        raise FileError(f"{path}: no such gazetteer file")
    reader = _from_text if path.suffix.lower() in (".csv", ".txt", ".tsv") else _from_layer
    records = list(reader(path))
    if not records:
        raise FileError(f"{path}: no row has both a name and a place on the earth")
    return records


def _from_text(path: Path) -> Iterator[Record]:
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{path}: cannot be read as UTF-8 text: {error}; save it as UTF-8") from None
    head = text[: text.find("\n")]
    csv.field_size_limit(10_000_000)
    if head.count("\t") == _DUMP - 1 and head.split("\t")[0].isdigit():
        yield from _from_dump(path, text)
        return
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        yield from _rows(path, reader)
    except csv.Error as error:
        raise FileError(f"{path}: line {reader.line_num}: {error}: is a quotation mark left open?") from None


def _from_dump(path: Path, text: str) -> Iterator[Record]:
    """GeoNames' own layout: populated places alone; its regions are the index's already."""
    for line in text.splitlines():
        part = line.split("\t")
        if len(part) != _DUMP or part[6] != "P":
            continue
        at, people = _position(part[4], part[5]), _people(part[14])
        if at is None or not part[1].strip():
            continue
        names = [n for n in (part[2], *part[3].split(",")) if len(n) > 2 and is_readable(n)]
        yield Record(
            path.name, part[0], part[1], "place", part[8], *at, f"{part[8]}.{part[10]}", population=people,
            radius_km=town_radius_km(people), others=names,
        )  # fmt: skip


def _from_layer(path: Path) -> Iterator[Record]:
    layer = read_layer(path)
    columns = [str(c) for c in layer.table.columns]
    rows = []
    for values, shape in zip(layer.table.itertuples(index=False), layer.geometry, strict=True):
        if shape is None or shape.is_empty:
            continue
        point = shapely.point_on_surface(shape)
        row = {c: cell(v) or "" for c, v in zip(columns, values, strict=True)}
        rows.append({**row, "lat": str(point.y), "lon": str(point.x)})
    yield from _rows(path, rows)


def _rows(path: Path, rows: Iterable[dict[str, str]]) -> Iterator[Record]:
    found: dict[str, list[str]] | None = None
    for number, row in enumerate(rows, start=1):
        if found is None:
            found = _columns(path, [str(c) for c in row])
        record = _record(path, number, row, found)
        if record is not None:
            yield record


def _columns(path: Path, there: Sequence[str]) -> dict[str, list[str]]:
    known = {c.strip().casefold(): c for c in there}
    found = {what: [known[n] for n in names if n in known] for what, names in _COLUMNS.items()}
    # names in a language that the list does not know
    found["names"] += [c for c in there if c.casefold().startswith(("name_", "name:")) and c not in found["names"]]
    missing = [what for what in ("names", "latitude", "longitude") if not found[what]]
    if missing:
        wanted = "; ".join(f"{what}: {', '.join(_COLUMNS[what])}" for what in missing)
        raise FileError(f"{path}: no column of {', '.join(missing)} (known: {wanted}); there are: {', '.join(there)}")
    return found


def _first(row: dict[str, str], columns: Sequence[str]) -> str:
    return next((v for v in ((row.get(c) or "").strip() for c in columns) if v), "")


def _position(latitude: str, longitude: str) -> tuple[float, float] | None:
    """Latitude and longitude in degrees; None where they are none of the earth."""
    try:
        lat, lon = float(latitude), float(longitude)
    except ValueError:
        return None
    return (lat, lon) if -90 <= lat <= 90 and -180 <= lon <= 180 else None


def _people(text: str) -> int:
    """A number of people, 0 where there is none that can be: no place has ten thousand million."""
    whole = text.replace(",", "").replace(" ", "").partition(".")[0]
    return int(whole) if whole.isascii() and whole.isdigit() and len(whole) < 11 else 0


def _record(path: Path, number: int, row: dict[str, str], found: dict[str, list[str]]) -> Record | None:
    at = _position(_first(row, found["latitude"]), _first(row, found["longitude"]))
    names = [n.strip() for c in found["names"] for n in (row.get(c) or "").split(";") if n.strip()]
    if not names or at is None or at == (0, 0):
        return None
    if _first(row, found["category"]) in _REGIONS:
        return None
    count = _people(_first(row, found["population"]))
    country = _first(row, found["country"])
    official = bool(found["id"])
    return Record(
        path.name, _first(row, found["id"]) or f"row {number}", names[0], "place",
        country.upper() if len(country) == 2 else "", *at, adm_1=_first(row, found["region"]),
        adm_2=_first(row, found["district"]), population=count,
        radius_km=town_radius_km(count) if official else 4.0, exact=official, others=names[1:],
    )  # fmt: skip
