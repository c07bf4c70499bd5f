"""What an archive's tables hold, checked cell by cell; archives of an older layout, read and brought up to date."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd

from geo.errors import ArchiveError
from geo.schema import INCIDENT_NUMBERS, INCIDENT_TEXT, INCIDENT_WHOLE
from geo.storage import gpkg

LAYOUT = 3

_DATES = {"date_start", "date_end", "report_date"}


def _incident_type(name: str) -> str:
    if name in _DATES:
        return "DATE"
    return "INTEGER" if name in INCIDENT_WHOLE else "DOUBLE" if name in INCIDENT_NUMBERS else "TEXT"


_CONTROL = """source TEXT NOT NULL, part TEXT NOT NULL, controller TEXT, status TEXT NOT NULL, native TEXT,
    valid_from DATETIME NOT NULL, valid_to DATETIME, recorded_at DATETIME NOT NULL, superseded_at DATETIME,
    shape INTEGER NOT NULL"""
_INCIDENTS = (
    ", ".join(f'"{name}" {_incident_type(name)}' for name in (*INCIDENT_TEXT, *INCIDENT_NUMBERS))
    + ", orig TEXT, dataset TEXT NOT NULL, recorded_at DATETIME NOT NULL, superseded_at DATETIME"
)

# name -> (geometry type or None, words for people, columns)
TABLES: dict[str, tuple[str | None, str, str]] = {
    "control": ("MULTIPOLYGON", "Control: who holds what, as known now", _CONTROL),
    "incidents": ("POINT", "Incidents, as known now", _INCIDENTS),
    "units": (
        "MULTIPOLYGON",
        "Administrative units",
        "unit TEXT, name TEXT NOT NULL, name_local TEXT, level INTEGER NOT NULL, parent TEXT, boundary TEXT NOT NULL,"
        " recorded_at DATETIME NOT NULL, area_km2 DOUBLE NOT NULL",
    ),
    "control_superseded": ("MULTIPOLYGON", "Control rows that a later recording took back", _CONTROL),
    "incidents_superseded": ("POINT", "Incidents that a later recording replaced", _INCIDENTS),
    "snapshots": (
        None,
        "Snapshots: one row a source, depicted instant and recording",
        "snapshot TEXT NOT NULL UNIQUE, source TEXT NOT NULL, part TEXT NOT NULL, depicts DATETIME NOT NULL,"
        " published DATETIME, retrieved DATETIME, recorded_at DATETIME NOT NULL, superseded_at DATETIME,"
        " retracted_at DATETIME, retracted_why TEXT, file_name TEXT NOT NULL, file_bytes INTEGER NOT NULL,"
        " sha256 TEXT NOT NULL, rows_in INTEGER NOT NULL, rows_stored INTEGER NOT NULL,"
        " rows_repaired INTEGER NOT NULL, rows_refused INTEGER NOT NULL, rows_left_out INTEGER NOT NULL,"
        " receipt TEXT NOT NULL, members BLOB NOT NULL",
    ),
    "sources": (
        None,
        "Sources and whom to credit",
        "name TEXT NOT NULL UNIQUE, title TEXT NOT NULL, url TEXT, licence TEXT, attribution TEXT, accuracy_km DOUBLE",
    ),
    "claims": (
        None,
        "Published figures to check",
        "claim_id TEXT NOT NULL UNIQUE, text TEXT NOT NULL, said_by TEXT, said_on DATE, published_in TEXT,"
        " quantity TEXT, controller TEXT, unit TEXT, comparator TEXT, value DOUBLE, value_unit TEXT, date_from DATE,"
        " date_to DATE, base TEXT, notes TEXT, recorded_at DATETIME NOT NULL",
    ),
    "imports": (
        None,
        "Files of incidents, units and claims, with their receipts",
        "kind TEXT NOT NULL, dataset TEXT NOT NULL, file_name TEXT NOT NULL, file_bytes INTEGER NOT NULL,"
        " sha256 TEXT NOT NULL, recorded_at DATETIME NOT NULL, rows_in INTEGER NOT NULL,"
        " rows_stored INTEGER NOT NULL, rows_refused INTEGER NOT NULL, receipt TEXT NOT NULL",
    ),
    "rules": (
        None,
        "Rules against harm: embargo and coarsening, applied to every answer",
        "kind TEXT NOT NULL, value TEXT NOT NULL, source TEXT, event_type TEXT, places TEXT, set_at DATETIME NOT NULL",
    ),
    "shapes": (
        None,
        "Digests of the distinct control polygons; snapshots name their members by them",
        "digest BLOB NOT NULL UNIQUE",
    ),
    "layout": (None, "Version of this archive's layout", "version INTEGER NOT NULL, made_by TEXT NOT NULL"),
    "layer_styles": (
        None,
        "Styles for QGIS",
        "f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256),"
        " styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30),"
        " ui TEXT(30), update_time DATETIME",
    ),
}

INDEXES = (
    "CREATE INDEX control_by_time ON control (source, valid_from, valid_to)",
    "CREATE INDEX control_by_shape ON control (shape)",
    # what stands behind a polygon in its row is read through it, all of it: who is on record is told by an index alone
    "CREATE INDEX control_by_side ON control (controller, source)",
    "CREATE INDEX control_superseded_by_side ON control_superseded (controller, shape)",
    "CREATE INDEX control_superseded_by_shape ON control_superseded (shape)",
    "CREATE INDEX snapshots_by_time ON snapshots (source, part, depicts)",
    "CREATE INDEX snapshots_by_hash ON snapshots (sha256)",
    "CREATE INDEX incidents_by_date ON incidents (date_start, event_type)",
    # the few that last longer than a day; all others are found by the day on which they begin
    "CREATE INDEX incidents_lasting ON incidents (date_end, date_start) WHERE date_end > date_start",
    "CREATE INDEX incidents_by_set ON incidents (dataset, date_start, date_end)",
    "CREATE INDEX incidents_by_id ON incidents (dataset, event_id)",
    "CREATE INDEX units_by_code ON units (unit)",
)


def columns_of(sql: str) -> dict[str, str]:
    """Column name -> its declaration, from the columns of `TABLES`."""
    parts = re.split(r",(?![^(]*\))", sql)
    listed = [part.strip() for part in parts]
    return {part.split()[0].strip('"'): part for part in listed}


def create_tables(connection: sqlite3.Connection, *, now: str, made_by: str) -> None:
    """Make every table of a new archive."""
    gpkg.create_container(connection)
    for name, (geometry, title, columns) in TABLES.items():
        gpkg.create_layer(connection, name, columns=columns, geometry=geometry, title=title, now=now)
    for statement in INDEXES:
        connection.execute(statement)
    connection.execute("INSERT INTO layout (version, made_by) VALUES (?, ?)", (LAYOUT, made_by))


_KINDS: Mapping[str, tuple[type, ...]] = {"INTEGER": (int,), "DOUBLE": (float, int), "BLOB": (bytes,)}


@cache
def declared(table: str) -> dict[str, tuple[str, bool]]:
    """Column -> its declared kind, and whether it may be empty, for a table of the layout."""
    geometry, _, sql = TABLES[table]
    columns = columns_of(sql)
    found = {name: (parts.split()[1].partition("(")[0], "NOT NULL" not in parts) for name, parts in columns.items()}
    key = {"fid": ("INTEGER", False), "geom": ("BLOB", False)} if geometry else {"id": ("INTEGER", False)}
    return {**key, **found}


def refuse_damaged(rows: Sequence[Sequence[Any]], columns: Sequence[str], *, table: str) -> None:
    """Turn back rows in which a cell is of another kind than its column: no writer of ours leaves such a one."""
    for at, column in enumerate(columns):
        _refuse({type(row[at]) for row in rows}, column, table)


def _refuse(found: set[type], column: str, table: str) -> None:
    if column not in declared(table):
        return
    kind, may_lack = declared(table)[column]
    wanted = {*_KINDS.get(kind, (str,)), *((type(None), float) if may_lack and kind == "INTEGER" else ())}
    wrong = found - wanted - ({type(None)} if may_lack else set())
    if wrong:
        names = ", ".join(sorted("nothing" if one is type(None) else one.__name__ for one in wrong))
        raise ArchiveError(f"the table {table} is damaged: its column {column} holds {names}: geo check says more")


def read_frame(
    connection: sqlite3.Connection, query: str, values: Sequence[Any] = (), *, table: str | None = None
) -> pd.DataFrame:
    """What a query gives, as a frame."""
    try:
        frame = pd.read_sql_query(query, connection, params=tuple(values))
    except pd.errors.DatabaseError as error:  # as pandas wraps it, nobody knows it for SQLite's
        if isinstance(error.__cause__, sqlite3.Error):
            raise error.__cause__ from None
        raise
    for column in frame if table is not None else ():
        cells = frame[column].astype(object).where(frame[column].notna(), None)
        _refuse(set(map(type, cells)), str(column), str(table))
    return frame


_INDEX_NAME = re.compile(r"CREATE INDEX (\w+)")


def version_of(connection: sqlite3.Connection) -> int | None:
    """The layout's version; None where the archive does not say."""
    found = connection.execute("SELECT max(version) FROM layout").fetchone()[0]
    return found if isinstance(found, int) else None  # damage can put anything there


def lacking(connection: sqlite3.Connection) -> tuple[list[str], dict[str, list[str]]]:
    """What an archive has not: tables, and columns of the tables that it has."""
    tables, columns = [], {}
    for name, (_, _, sql) in TABLES.items():
        there = {row[1] for row in connection.execute(f'PRAGMA main.table_info("{name}")')}
        if not there:
            tables.append(name)
        elif missing := [column for column in columns_of(sql) if column not in there]:
            columns[name] = missing
    return tables, columns


def look_through(connection: sqlite3.Connection) -> None:
    """Let a reader see an older archive as if it had today's layout; what it lacks is empty."""
    tables, columns = lacking(connection)
    for name in tables:
        geometry, _, sql = TABLES[name]
        key = '"fid" INTEGER, "geom" BLOB' if geometry else '"id" INTEGER'
        connection.execute(f'CREATE TEMP TABLE "{name}" ({key}, {sql})')
    for name, missing in columns.items():
        empty = ", ".join(f'NULL AS "{column}"' for column in missing)
        connection.execute(f'CREATE TEMP VIEW "{name}" AS SELECT *, {empty} FROM main."{name}"')


def bring_up(connection: sqlite3.Connection, *, now: str, made_by: str) -> None:
    """Give an older archive what it lacks, in the caller's transaction: all of it or nothing."""
    tables, columns = lacking(connection)
    for name in tables:
        geometry, title, sql = TABLES[name]
        gpkg.create_layer(connection, name, columns=sql, geometry=geometry, title=title, now=now)
    for name, missing in columns.items():
        declared = columns_of(TABLES[name][2])
        for column in missing:
            # SQLite adds no column that must have a value to rows that have none
            connection.execute(f'ALTER TABLE "{name}" ADD COLUMN {declared[column].replace(" NOT NULL", "")}')
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    for statement in INDEXES:
        match = _INDEX_NAME.match(statement)
        if match and match[1] not in there:
            connection.execute(statement)
    connection.execute("INSERT INTO layout (version, made_by) VALUES (?, ?)", (LAYOUT, made_by))
