"""Archives of an older layout: read as they are, brought up to date when they are opened for writing."""

from __future__ import annotations

import re
import sqlite3

from geo.storage import gpkg
from geo.storage import tables as layout

_INDEX_NAME = re.compile(r"CREATE INDEX (\w+)")


def version_of(connection: sqlite3.Connection) -> int | None:
    """The layout's version; None where the archive does not say."""
    found = connection.execute("SELECT max(version) FROM layout").fetchone()[0]
    return found if isinstance(found, int) else None  # damage can put anything there


def lacking(connection: sqlite3.Connection) -> tuple[list[str], dict[str, list[str]]]:
    """What an archive has not: tables, and columns of the tables that it has."""
    tables, columns = [], {}
    for name, (_, _, sql) in layout.TABLES.items():
        there = {row[1] for row in connection.execute(f'PRAGMA main.table_info("{name}")')}
        if not there:
            tables.append(name)
        elif missing := [column for column in layout.columns_of(sql) if column not in there]:
            columns[name] = missing
    return tables, columns


def look_through(connection: sqlite3.Connection) -> None:
    """Let a reader see an older archive as if it had today's layout; what it lacks is empty."""
    tables, columns = lacking(connection)
    for name in tables:
        geometry, _, sql = layout.TABLES[name]
        key = '"fid" INTEGER, "geom" BLOB' if geometry else '"id" INTEGER'
        connection.execute(f'CREATE TEMP TABLE "{name}" ({key}, {sql})')
    for name, missing in columns.items():
        empty = ", ".join(f'NULL AS "{column}"' for column in missing)
        connection.execute(f'CREATE TEMP VIEW "{name}" AS SELECT *, {empty} FROM main."{name}"')


def bring_up(connection: sqlite3.Connection, *, now: str, made_by: str) -> None:
    """Give an older archive what it lacks, in the caller's transaction: all of it or nothing."""
    tables, columns = lacking(connection)
    for name in tables:
        geometry, title, sql = layout.TABLES[name]
        gpkg.create_layer(connection, name, columns=sql, geometry=geometry, title=title, now=now)
    for name, missing in columns.items():
        declared = layout.columns_of(layout.TABLES[name][2])
        for column in missing:
            # SQLite adds no column that must have a value to rows that have none
            connection.execute(f'ALTER TABLE "{name}" ADD COLUMN {declared[column].replace(" NOT NULL", "")}')
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    for statement in layout.INDEXES:
        match = _INDEX_NAME.match(statement)
        if match and match[1] not in there:
            connection.execute(statement)
    connection.execute("INSERT INTO layout (version, made_by) VALUES (?, ?)", (layout.LAYOUT, made_by))
