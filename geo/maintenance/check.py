"""Is this archive whole? Structure, hashes, intervals, geometries, sources and incidents, in words and as data."""

from __future__ import annotations

import json
import math
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.errors import ArchiveError, FileError
from geo.formats.geojson import read_bytes
from geo.measure.ellipsoid import areas_km2
from geo.measure.location_checks import Expected, against_country, doubts
from geo.presentation.language import signed
from geo.schema import CRS, write_instant
from geo.storage import attached, layout, transactions
from geo.storage.attached import sha256_of
from geo.storage.check_tables import (
    Check,
    Finding,
    Report,
    decoded,
    fault,
    is_on_earth,
    note,
    table_findings,
    tried,
)
from geo.storage.layout import side_faults
from geo.storage.snapshots import end_of_run, gaps_of
from geo.units import Countries, countries_of

_INCIDENT_FIELDS = ("geom", "latitude", "longitude", "date_start", "date_end", "low", "best", "high", "orig")
JUMP_KM2 = 2_500.0  # no class moved by as much from one map to the next without something to be said of it


def check_archive(path: str | Path) -> Report:
    """Look whether an archive is whole. Nothing is changed.

    Parameters
    ----------
    path : str or pathlib.Path
        The archive; it may be in use.

    Returns
    -------
    Report
        ``is_whole`` where there is no fault; each finding says where, what, and the way out.

    Raises
    ------
    FileError
        There is no such file.

    Examples
    --------
    >>> geo.check_archive("data/kursk.gpkg").is_whole
    True
    """
    path = Path(path)
    if not path.is_file():
        raise FileError(f"{path}: no such file")
    try:
        with transactions.reading(path) as connection:
            return _look(path, connection)
    except ArchiveError as error:
        text = str(error).removeprefix(f"{path}: ")
        return Report(str(path), None, {}, (fault("file", text, "take the last backup"),))


def _look(path: Path, connection: sqlite3.Connection) -> Report:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"gpkg_contents", "layout", "snapshots"} <= tables:
        what = "SQLite, but no archive of geo-control" if path.stat().st_size else "the file is empty"
        return Report(str(path), None, {}, (fault("file", what, ""),))
    version = layout.version_of(connection)
    if version is None:
        return Report(str(path), None, {}, (fault("layout", "the version of the layout is damaged"),))
    if version > layout.LAYOUT:
        newer = fault("layout", f"version {version}: this geo-control knows up to {layout.LAYOUT}", "upgrade it")
        return Report(str(path), version, {}, (newer,))
    findings = table_findings(connection)
    for what, check in _CHECKS.items():
        findings += tried(what, check, connection)
    findings += tried("attached", lambda c: _attached(path, c), connection)
    findings += kept_files(path)
    ordered = tuple(sorted(findings, key=lambda one: one.kind))
    return Report(str(path), version, _counts(connection, tables), ordered)


def _attached(path: Path, connection: sqlite3.Connection) -> Iterator[Finding]:
    """Whether the files of attached folders are those that were attached."""
    rows = connection.execute("SELECT folder, recorded_at, parts FROM attached WHERE retracted_at IS NULL").fetchall()
    for row in rows:
        folder = attached.read_row(path, *row)
        for part in folder.parts:
            file = folder.folder / part.name
            if not file.is_file() or sha256_of(file) != part.sha256:
                what = "is another than was attached" if file.exists() else "is not there"
                yield fault("attached", f"{file} {what}", "put it back, or take the folder off: geo attach --remove")


def _counts(connection: sqlite3.Connection, tables: set[str]) -> dict[str, int]:
    found = {}
    for name in layout.TABLES:
        try:
            if name in tables:
                found[name] = int(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])
        except sqlite3.Error:
            found[name] = 0
    return found


def _sources(connection: sqlite3.Connection) -> Iterator[Finding]:
    listed = {row[0]: row[1:] for row in connection.execute("SELECT name, title, licence, attribution FROM sources")}
    query = "SELECT DISTINCT source FROM snapshots UNION SELECT DISTINCT dataset FROM incidents"
    query += " UNION SELECT DISTINCT source FROM settlements"
    for (name,) in connection.execute(query):
        if name not in listed:
            yield fault(
                f"source {name}", "it has rows, and no entry that says whom to credit", "import one of its files"
            )
        elif not listed[name][1] or not listed[name][2]:
            lacking = " and ".join(
                w for w, v in (("licence", listed[name][1]), ("attribution", listed[name][2])) if not v
            )
            yield note(f"source {name}", f"no {lacking} stated", "name them in a TOML file: geo import --config")


def _sides(connection: sqlite3.Connection) -> Iterator[Finding]:
    cursor = connection.execute("SELECT * FROM sides")
    names = [column[0] for column in cursor.description]
    for values in cursor:
        row = dict(zip(names, values, strict=True))
        for what in side_faults(row):
            yield fault(f"side {row['side']}", what)


def _rules(connection: sqlite3.Connection) -> Iterator[Finding]:
    if connection.execute("SELECT count(*) FROM rules").fetchone()[0]:
        what = "rules against harm apply, and this check looks at what they withhold, too: keep its answer to yourself"
        yield note("rules", what)


def _incidents(connection: sqlite3.Connection) -> Iterator[Finding]:
    query = (
        "SELECT dataset, event_id, count(*) FROM incidents WHERE event_id IS NOT NULL"
        " GROUP BY dataset, event_id HAVING count(*) > 1"
    )
    for dataset, event, count in connection.execute(query):
        yield fault(f"incident {event} of {dataset}", f"it is there {count} times: it would be counted {count} times")
    cursor = connection.execute(f"SELECT fid, {', '.join(_INCIDENT_FIELDS)} FROM incidents")
    for fid, *values in cursor:
        row = dict(zip(_INCIDENT_FIELDS, values, strict=True))
        if layout.misfit(row, "incidents"):
            continue
        for what in incident_faults(row):
            yield fault(f"incidents row {fid}", what)
        numbers = [row[name] for name in ("low", "best", "high") if row[name] is not None]
        if numbers != sorted(numbers):
            yield note(f"incidents row {fid}", f"low, best and high are not in order: {numbers}")


def incident_faults(row: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with an incident's row."""
    point = decoded(row["geom"])
    at = (row["latitude"], row["longitude"])
    if (
        point is not None
        and not point.is_empty
        and None not in at
        and not all(math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-9) for a, b in zip((point.y, point.x), at, strict=True))
    ):
        yield f"its point is at {point.y}, {point.x}, its fields say {at[0]}, {at[1]}"
    if row["date_start"] is not None and row["date_end"] is not None and row["date_end"] < row["date_start"]:
        yield f"it ends on {row['date_end']}, before it begins on {row['date_start']}"
    if any(row[name] is not None and row[name] < 0 for name in ("low", "best", "high")):
        yield "a number of deaths is below 0"
    if row["orig"] is not None and not _is_json(row["orig"]):
        yield "the row as it stood in its file is damaged"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _units(connection: sqlite3.Connection) -> Iterator[Finding]:
    rows = connection.execute("SELECT fid, name, area_km2, geom FROM units").fetchall()
    good = [(fid, name, area, shape) for fid, name, area, blob in rows if is_on_earth(shape := decoded(blob))]
    measured = areas_km2(np.array([row[3] for row in good], dtype=object))
    for (fid, name, area, _), km2 in zip(good, measured, strict=True):
        if not np.isclose(area, km2, rtol=1e-6, atol=1e-6):
            yield fault(f"units row {fid} ({name})", f"its area is noted as {area} km² and measures {km2:.6f} km²")


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
        maps = connection.execute(
            "SELECT source, part, depicts FROM snapshots WHERE source = ? AND part = ? AND retracted_at IS NULL",
            (source, part),
        )
        # what ends before a gap moves with the next map
        ends = {write_instant(end_of_run(a)): b for gaps in gaps_of(maps).values() for a, b in gaps}
        rows = [(*row[:3], ends.get(row[3], row[3]), row[4]) for row in rows]
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
    rows = [row for row in rows if isinstance(row[0], str) and all(isinstance(v, str | None) for v in row[1:3])]
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
                yield note(
                    where, f"{kind} moves by {signed(change)} km² at {at}", "do the sources of that day say why?"
                )


def _points(connection: sqlite3.Connection, countries: Countries) -> Iterator[Finding]:
    query = "SELECT fid, longitude, latitude, country, adm_1, adm_2, where_coordinates FROM incidents"
    rows = [row for row in connection.execute(query) if all(isinstance(v, float | int) for v in row[1:3])]
    rows = [row for row in rows if abs(row[1]) <= 180 and abs(row[2]) <= 90]
    if rows:
        xy = np.array([row[1:3] for row in rows], dtype=float)
        words = [[str(cell or "") for cell in row[3:]] for row in rows]
        for doubt in against_country(xy, countries.locate(xy[:, 0], xy[:, 1]), words, countries):
            yield note(f"incidents row {rows[doubt.items[0]][0]}", doubt.why, "mend it in its file, and import that")


_CHECKS: dict[str, Check] = {
    "sources": _sources, "sides": _sides, "rules": _rules, "incidents": _incidents,
    "units": _units, "ground": ground_findings,
}  # fmt: skip


def kept_files(path: Path) -> list[Finding]:
    """The files that were fetched for an archive, held against the hashes under which they came."""
    found = []
    for record in sorted(path.with_suffix(".files").glob("*/.fetched.json")):
        try:
            entries = json.loads(record.read_text(encoding="utf-8")).values()
            for entry in entries:
                if "sha256" in entry:
                    found += _kept_file(record.parent / entry["path"], entry["sha256"])
        except (OSError, ValueError, AttributeError, TypeError, KeyError) as error:
            found.append(fault(str(record), f"the record of what was fetched is damaged ({error})", "delete it"))
    return found


def _kept_file(file: Path, digest: str) -> list[Finding]:
    again = "delete it; the next geo fetch brings it again"
    try:
        if sha256(read_bytes(file)).hexdigest() != digest:
            return [fault(str(file), "the file is not what was fetched: the hash differs", again)]
    except FileError:
        return [note(str(file), "a fetched file is not there any more", "the next geo fetch brings it again")]
    return []
