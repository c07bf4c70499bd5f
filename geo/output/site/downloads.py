"""The files of a date that readers take away: GeoJSON, KML, CSV, GeoPackage and GeoParquet, with their credits."""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import __version__
from geo.archive import Archive, contents
from geo.archive.results import FAR, When, refused_notes
from geo.assets import read_toml
from geo.formats.gdal import geopackage_bytes
from geo.formats.geojson import feature_collection
from geo.formats.tables import csv_lines, defused
from geo.formats.xml import Element, add, clean, xml_bytes
from geo.incidents.markers import marker_of
from geo.measure.areas import areal_only, clip
from geo.measure.ellipsoid import areas_km2
from geo.output.map_content import credit_of
from geo.output.site.plan import MEDIA, SiteOptions
from geo.presentation.labels import class_label, credit_line
from geo.presentation.sides import side_colours
from geo.presentation.statuses import class_order, status_of
from geo.presentation.symbols import class_colour
from geo.schema import CRS, INCIDENT_COLUMNS, last_instant, text_or_none, to_instant, write_instant
from geo.storage.qgis_styles import layer_metadata

_CONTROL = ("date", "source", "snapshot", "controller", "status", "native", "valid_from", "area_km2")
# what a file's row carried beside our own fields stays in the archive
INCIDENT_FIELDS = ("dataset", *(c for c in INCIDENT_COLUMNS if c != "orig"))

_NO_CONTROL = gpd.GeoDataFrame(
    {c: [] for c in (*_CONTROL, "part")}, geometry=gpd.GeoSeries([], crs=CRS), columns=[*_CONTROL, "part", "geometry"]
)


@dataclass(frozen=True)
class DownloadData:
    """What stands on a date, as downloads carry it: frames in EPSG:4326, the figures, and whom to credit."""

    day: str
    control: gpd.GeoDataFrame
    incidents: gpd.GeoDataFrame
    figures: pd.DataFrame
    credits: Sequence[str]
    colours: Mapping[str, str]


def read_day(archive: Archive, day: str, options: SiteOptions) -> DownloadData:
    """The figures and incidents of a date."""
    figures = pd.DataFrame()
    if options.source:
        figures = archive.area(
            day, source=options.source, within=options.within, as_known_on=options.as_known_on
        ).assign(source=options.source)
    incidents = _incidents(archive, day, day, options)
    told = credit_lines(archive, figures, incidents)
    return DownloadData(day, _NO_CONTROL, incidents, figures.drop(columns="source", errors="ignore"), told, {})


def read_span(archive: Archive, first: str, last: str, options: SiteOptions) -> DownloadData:
    """Every polygon of a site's dates, with when it stood, and every incident."""
    control, known = _NO_CONTROL, options.as_known_on
    if options.source:
        control = control_of_span(archive, first, last, source=options.source, within=options.within, as_known_on=known)
    incidents = _incidents(archive, first, last, options)
    colours = side_colours(archive.controllers(as_known_on=known), colours=options.colours)
    used: Sequence[str] = ()
    if options.source:
        table = archive.reader.snapshots(options.source, as_known_on=known or FAR)
        used = table.loc[table["depicts"].str[:10].between(first, last), "snapshot"].tolist()
    told = credit_lines(archive, control, incidents, snapshots=used)
    return DownloadData(f"{first}/{last}", control, incidents, pd.DataFrame(), told, colours)


def _incidents(archive: Archive, first: str, last: str, options: SiteOptions) -> gpd.GeoDataFrame:
    found = contents.incidents(archive, first, last, **options.incidents)
    if options.within is not None:
        found = found[found.intersects(archive.unit(options.within).geometry.iloc[0])].reset_index(drop=True)
    return found[[*INCIDENT_FIELDS, "geometry"]]


def control_on(
    archive: Archive, date: When | None, *, source: str, within: str | None = None, as_known_on: When | None = None,
    frame: gpd.GeoDataFrame | None = None,
) -> gpd.GeoDataFrame:  # fmt: skip
    """Control as downloads carry it: of a date, or of a frame that has been read, cut at a unit's border."""
    control = archive.control(date, source=source, as_known_on=as_known_on) if frame is None else frame
    if within is not None:
        zone = archive.unit(within).geometry.iloc[0]
        control = control.set_geometry([areal_only(clip(s, zone)) for s in control.geometry], crs=CRS)
        control = control[~control.geometry.is_empty].reset_index(drop=True)
    shapes = np.asarray(control.geometry.array, dtype=object)
    stamps = [write_instant(to_instant(v)) for v in control["valid_from"]]
    shown = str(date) if date is not None else _last_day(archive, control)
    control = control.assign(valid_from=stamps, date=shown, area_km2=areas_km2(shapes) if len(shapes) else 0.0)
    parts = ["part"] if (control["part"].fillna("") != "").any() else []
    ends = ["valid_to"] if frame is not None else []
    return control[[*_CONTROL, *ends, *parts, "geometry"]]


def control_of_span(
    archive: Archive, from_: When | None, to: When | None, *, source: str, within: str | None, as_known_on: When | None
) -> gpd.GeoDataFrame:  # fmt: skip
    """Every polygon that stood in a span, with when it stood."""
    frame = archive.polygons(source, as_known_on=as_known_on, over_gaps=True)
    kept = pd.Series(True, index=frame.index)
    if from_ is not None:
        kept &= frame["valid_to"].isna() | (frame["valid_to"] > to_instant(from_))
    if to is not None:
        kept &= frame["valid_from"] <= last_instant(to)
    frame = frame[kept].assign(snapshot=None).reset_index(drop=True)
    written = control_on(archive, None, source=source, within=within, as_known_on=as_known_on, frame=frame)
    ends = [None if pd.isna(end) else write_instant(to_instant(end)) for end in written["valid_to"]]
    return written.assign(valid_to=ends).drop(columns=["date", "snapshot"])


def _last_day(archive: Archive, control: gpd.GeoDataFrame) -> str:
    """The instant of the last of the snapshots that a frame is of."""
    table = archive.reader.snapshots()
    depicted = table.loc[table["snapshot"].isin(set(control["snapshot"])), "depicts"]
    return max(depicted, default="").removesuffix("T00:00:00.000Z")


def credit_lines(
    archive: Archive, control: pd.DataFrame, incidents: pd.DataFrame | None = None, *, snapshots: Sequence[str] = ()
) -> list[str]:
    """Whom to credit for rows, and what was refused of the maps that they are of."""
    held = control if incidents is None else incidents
    sets = {"Control": control.get("source", ()) if "status" in control else (), "Incidents": held.get("dataset", ())}
    lines = [
        f"{what}: {credit_line(credit_of(archive, name)) or name}"
        for what, names in sets.items()
        for name in sorted(set(names))
    ]
    named = {name for name in (*control.get("snapshot", ()), *snapshots) if name}
    return lines + [f"Control: {note}" for note in refused_notes(archive.reader.snapshots(), sorted(named))]


def download_bytes(path: str, loaded: DownloadData) -> bytes:
    """A file of a site by its name: of a date, or one of all dates in a zip."""
    name = path.rpartition("/")[2]
    packed = {"zip": name.removesuffix(".zip"), "kmz": "map.kml"}.get(name.rpartition(".")[2], "")
    what, _, kind = (packed or name).rpartition("-")[2].partition(".")
    raw = written_as(kind, what, loaded)
    return zipped(packed, raw) if packed else raw


def zipped(name: str, raw: bytes) -> bytes:
    """A zip of one file, the same for the same bytes."""
    stream, info = io.BytesIO(), zipfile.ZipInfo(name)
    info.external_attr, info.create_system = 0o644 << 16, 3
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(info, raw, zipfile.ZIP_DEFLATED, 9)
    return stream.getvalue()


# the endings of files that a map or its incidents can be written to
ENDINGS = ("geojson", "gpkg", "parquet", "csv", "kml")


def written_as(kind: str, what: str, loaded: DownloadData) -> bytes:
    """A file of a kind with one of the frames; KML and a GeoPackage have both."""
    frame = loaded.incidents if what == "incidents" else loaded.control
    if kind == "geojson":
        return _geojson(frame, loaded)
    if kind == "csv":
        if what == "figures":
            return _csv(loaded.figures.assign(date=loaded.day), loaded)
        table = pd.DataFrame(frame.drop(columns="geometry"))
        if what == "settlements":
            table = table.assign(latitude=frame.geometry.y, longitude=frame.geometry.x)
        elif what != "incidents":
            table = table.assign(wkt=shapely.to_wkt(np.asarray(frame.geometry.array), rounding_precision=-1))
        return _csv(table, loaded)
    if kind == "kml":
        return _kml(loaded)
    if kind == "gpkg":
        ground = {what if what in ("changes", "settlements") else "control": loaded.control}
        points = {"incidents": loaded.incidents} if len(loaded.incidents) else {}
        layers = points if points and loaded.control.empty else ground | points
        about = {name: layer_metadata(name.capitalize(), loaded.credits) for name in layers}
        return geopackage_bytes(layers, description="; ".join(loaded.credits), about=about)
    stream = io.BytesIO()
    frame = frame.copy(deep=False)
    frame.attrs = {}  # pandas would write them into the file
    frame.to_parquet(stream, index=False, write_covering_bbox=True, schema_version="1.1.0")
    return stream.getvalue()


_KINDS = {"float": "number", "int": "integer", "bool": "boolean"}


def field_table(frame: pd.DataFrame, layer: str) -> list[dict[str, str]]:
    """A frame's columns as a Frictionless table schema, with what each means."""
    meanings, fields = read_toml("column_meanings.toml")[layer], []
    for name, kind in frame.dtypes.items():
        written = next((word for prefix, word in _KINDS.items() if str(kind).startswith(prefix)), "string")
        fields.append({"name": str(name), "type": "any" if name == "geometry" else written}
                      | ({"description": meanings[name]} if name in meanings else {}))  # fmt: skip
    return fields


def data_package(
    title: str, files: Mapping[str, tuple[int, str]], credits: Sequence[Mapping[str, str]], home: str = "", *,
    fields: Mapping[str, list[dict[str, str]]] | None = None,
) -> bytes:  # fmt: skip
    """Data files as a Frictionless data package: path -> bytes and SHA-256; whom they are owed to; a file's columns."""
    resources = [
        {"name": path.rpartition("/")[2].replace(".", "-").lower(), "path": path, "format": kind, "bytes": size,
         "mediatype": MEDIA[kind], "hash": f"sha256:{digest}", **({"encoding": "utf-8"} if kind == "csv" else {}),
         "type": "table" if kind == "csv" else "file",
         **({"schema": {"fields": fields[path]}}
            if fields and path in fields else {})}
        for path, (size, digest) in sorted(files.items())
        if (kind := path.rpartition(".")[2]) in MEDIA
    ]  # fmt: skip
    sources = [{"title": c.get("title") or c["name"], **({"path": c["url"]} if c.get("url") else {})} for c in credits]
    # Frictionless asks for a name or an address of a licence: many sources state theirs in words alone
    licences = [{"name": "other", "title": text} for text in licence_texts(credits)]
    slug = re.sub(r"[^a-z0-9]+", "-", credits[0]["name"].lower()).strip("-") if credits else "control"
    package = {"profile": "data-package", "name": slug or "control", "title": title, "sources": sources,
               "resources": resources}  # fmt: skip
    package |= {"homepage": home} if home else {}
    package |= {"licenses": licences} if licences else {}
    return (json.dumps(package, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")


def licence_texts(credits: Sequence[Mapping[str, str]]) -> list[str]:
    """The terms of some sources, each once."""
    return list(dict.fromkeys(c["licence"] for c in credits if c.get("licence")))


def _geojson(frame: gpd.GeoDataFrame, loaded: DownloadData) -> bytes:
    head = {"date": loaded.day, "credits": list(loaded.credits), "made_with": f"geo-control {__version__}"}
    return feature_collection(_rows(frame), np.asarray(frame.geometry.array, dtype=object), head)


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    columns = [c for c in frame.columns if c != "geometry"]
    plain = pd.DataFrame(frame[columns]).astype(object)
    plain = plain.where(plain.notna(), None)
    return [{str(k): _plain(v) for k, v in row.items()} for row in plain.to_dict("records")]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return value.item() if isinstance(value, np.generic) else str(value)


def _csv(table: pd.DataFrame, loaded: DownloadData) -> bytes:
    credits = defused("; ".join(loaded.credits))
    rows = [
        [*("" if v is None else v if not isinstance(v, str) else defused(v) for v in row.values()), credits]
        for row in _rows(table)
    ]
    return "".join(csv_lines([[*table.columns, "credits"], *rows])).encode("utf-8", "replace")


def _kml(loaded: DownloadData) -> bytes:
    root = Element("kml", xmlns="http://www.opengis.net/kml/2.2")
    document = add(root, "Document")
    add(document, "name", f"Control on {loaded.day}")
    add(document, "description", _lines([*loaded.credits, f"Made with geo-control {__version__}"]))
    classes = dict.fromkeys(
        (text_or_none(c), str(s)) for c, s in zip(loaded.control["controller"], loaded.control["status"], strict=True)
    )
    names = {key: f"class-{i}" for i, key in enumerate(sorted(classes, key=class_order))}
    for key, name in names.items():
        _style(document, name, class_colour(*key, loaded.colours), f"{round(255 * status_of(key[1]).kml_opacity):02x}")
    _balloon(add(document, "Style", id="incident"))
    folder = add(document, "Folder")
    add(folder, "name", "Control")
    for row, shape in zip(_rows(loaded.control), loaded.control.geometry, strict=True):
        _ground(folder, row, shape, names[row["controller"], row["status"]])
    if len(loaded.incidents):
        folder = add(document, "Folder")
        add(folder, "name", "Incidents")
        for row, point in zip(_rows(loaded.incidents), loaded.incidents.geometry, strict=True):
            _incident(folder, {**row, "geometry": point})
    return xml_bytes(root)


def _style(document: Element, name: str, colour: str, opacity: str) -> None:
    red, green, blue = colour[1:3], colour[3:5], colour[5:7]
    style = add(document, "Style", id=name)
    add(add(style, "LineStyle"), "color", f"ff{blue}{green}{red}")
    add(add(style, "PolyStyle"), "color", f"{opacity}{blue}{green}{red}")
    _balloon(style)


def _balloon(style: Element) -> None:
    # viewers read a description as HTML: ours is escaped, and they are to show nothing else
    add(add(style, "BalloonStyle"), "text", "$[description]")


def _lines(lines: Sequence[str]) -> str:
    return "<br>".join(html.escape(clean(line)) for line in lines)


def _ground(folder: Element, row: Mapping[str, Any], shape: shapely.Geometry, style: str) -> None:
    mark = add(folder, "Placemark")
    add(mark, "name", class_label(row["controller"], row["status"], row.get("part") or ""))
    add(mark, "description", _lines([f"{k}: {v}" for k, v in row.items() if v is not None]))
    if "valid_to" in row:
        span = add(mark, "TimeSpan")
        for name, moment in (("begin", row["valid_from"]), ("end", row["valid_to"])):
            if moment is not None:
                add(span, name, moment)
    add(mark, "styleUrl", f"#{style}")
    _data(mark, row)
    if shape.geom_type == "Point":
        add(add(mark, "Point"), "coordinates", f"{shape.x!r},{shape.y!r}")
        return
    whole = add(mark, "MultiGeometry")
    for polygon in shapely.get_parts(shape):
        part = add(whole, "Polygon")
        rings = [polygon.exterior, *polygon.interiors]
        for i, ring in enumerate(rings):
            side = add(part, "innerBoundaryIs" if i else "outerBoundaryIs")
            places = " ".join(f"{x!r},{y!r}" for x, y in shapely.get_coordinates(ring).tolist())
            add(add(side, "LinearRing"), "coordinates", places)


def _data(mark: Element, row: Mapping[str, Any]) -> None:
    data = add(mark, "ExtendedData")
    for key, value in row.items():
        if value is not None and key != "geometry":
            add(add(data, "Data", name=key), "value", value)


def _incident(folder: Element, row: Mapping[str, Any]) -> None:
    point = row["geometry"]
    if point is None or point.is_empty:
        return
    marker = marker_of(row, lambda _: None)
    mark = add(folder, "Placemark")
    add(mark, "name", marker.title)
    add(mark, "description", _lines([f"{name}: {value}" for name, value in marker.facts]))
    add(mark, "styleUrl", "#incident")
    _data(mark, row)
    add(add(mark, "Point"), "coordinates", f"{point.x!r},{point.y!r}")
