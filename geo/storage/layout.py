"""What an archive's tables hold, checked cell by cell; archives of an older layout, read and brought up to date."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pandas as pd

from geo.assets import ASSETS, read_toml
from geo.errors import ArchiveError
from geo.presentation.sides import (
    PALETTE,
    Side,
    bare_side,
    find_side,
    is_colour,
    knowing,
    new_side,
    refuse_unclear,
    shipped_code,
)
from geo.schema import INCIDENT_NUMBERS, INCIDENT_TEXT, INCIDENT_WHOLE
from geo.storage import gpkg

LAYOUT = 9
CUT_SINCE = 6  # from this version on no row of the layer of control runs over a gap

_KIND_OF = {
    **dict.fromkeys(INCIDENT_TEXT, "TEXT"), **dict.fromkeys(("date_start", "date_end", "report_date"), "DATE"),
    **dict.fromkeys(INCIDENT_NUMBERS, "DOUBLE"), **dict.fromkeys(INCIDENT_WHOLE, "INTEGER"),
}  # fmt: skip
_INCIDENT_COLUMNS = ", ".join(f'"{column}" {_KIND_OF[column]}' for column in (*INCIDENT_TEXT, *INCIDENT_NUMBERS))
# name -> (geometry type or None, words for people, columns); a column that a later layout adds may be empty
TABLES: dict[str, tuple[str | None, str, str]] = {
    name: (
        table.get("geometry"),
        table["title"],
        f"{_INCIDENT_COLUMNS}, {table['columns']}" if name.startswith("incidents") else table["columns"],
    )
    for name, table in read_toml("archive_tables.toml").items()
}
_INDEX_LINES = (ASSETS / "indexes.sql").read_text(encoding="utf-8").splitlines()
INDEXES = tuple(line for line in _INDEX_LINES if not line.startswith("--"))


@cache
def columns_of(sql: str) -> dict[str, str]:
    """Column name -> its declaration, from the columns of `TABLES`."""
    listed = [part.strip() for part in re.split(r",(?![^(]*\))", sql)]
    return {part.split()[0].strip('"'): part for part in listed}


def create_tables(connection: sqlite3.Connection, *, now: str, made_by: str) -> None:
    """Make every table of a new archive."""
    gpkg.create_container(connection)
    for name, (geometry, title, columns) in TABLES.items():
        gpkg.create_layer(connection, name, columns=columns, geometry=geometry, title=title, now=now)
    for statement in INDEXES:
        connection.execute(statement)
    gpkg.describe_columns(connection)
    connection.execute("INSERT INTO layout (version, made_by) VALUES (?, ?)", (LAYOUT, made_by))


_KINDS: Mapping[str, tuple[type, ...]] = {
    "INTEGER": (int,),
    "BOOLEAN": (int,),
    "DOUBLE": (float, int),
    "BLOB": (bytes,),
}
_TYPES = {int: "integer", float: "real", str: "text", bytes: "blob", type(None): "null"}  # as typeof of SQLite says


@cache
def declared(table: str) -> dict[str, tuple[str, bool]]:
    """Column -> its declared kind, and whether it may be empty, for a table of the layout."""
    geometry, _, sql = TABLES[table]
    columns = columns_of(sql)
    found = {name: (parts.split()[1].partition("(")[0], "NOT NULL" not in parts) for name, parts in columns.items()}
    key = {"fid": ("INTEGER", False), "geom": ("BLOB", False)} if geometry else {"id": ("INTEGER", False)}
    return {**key, **found}


@cache
def _fitting(table: str, column: str) -> frozenset[type]:
    """The types that a cell of a column may have; pandas writes a missing whole number as a float."""
    kind, may_lack = declared(table)[column]
    some = _KINDS.get(kind, (str,))
    return frozenset(
        (*some, *((type(None),) if may_lack else ()), *((float,) if may_lack and kind == "INTEGER" else ()))
    )


def refuse_damaged(rows: Sequence[Sequence[Any]], columns: Sequence[str], *, table: str) -> None:
    """Turn back rows in which a cell is of another kind than its column: no writer of ours leaves such a one."""
    for at, column in enumerate(columns):
        if column not in declared(table):
            continue
        if wrong := {type(row[at]) for row in rows} - _fitting(table, column):
            names = ", ".join(sorted("nothing" if one is type(None) else one.__name__ for one in wrong))
            raise ArchiveError(f"the table {table} is damaged: its column {column} holds {names}: geo check says more")


def misfit(row: Mapping[str, Any], table: str) -> str:
    """The columns of a row whose cells are of another kind than the column is for, in a sentence; "" for none."""
    wrong = [name for name in row.keys() & declared(table).keys() if type(row[name]) not in _fitting(table, name)]
    return f"{', '.join(sorted(wrong))}: another kind of value than the column is for" if wrong else ""


def misfits(connection: sqlite3.Connection, table: str) -> Iterator[tuple[Any, str]]:
    """The rows of a table, by their numbers, that have such cells."""
    there = [row[1] for row in connection.execute(f'PRAGMA main.table_info("{table}")')]
    tests = [
        f"typeof(\"{name}\") NOT IN ({', '.join(repr(_TYPES[one]) for one in _fitting(table, name))})"
        for name in there if name in declared(table)
    ]  # fmt: skip
    cursor = connection.execute(f'SELECT * FROM "{table}" WHERE {" OR ".join(tests)}')
    for values in cursor:
        row = dict(zip(there, values, strict=True))
        yield row.get("fid", row.get("id")), misfit(row, table)


def read_frame(
    connection: sqlite3.Connection, query: str, values: Sequence[Any] = (), *, table: str | None = None
) -> pd.DataFrame:
    cursor = connection.execute(query, tuple(values))
    rows, names = cursor.fetchall(), [what[0] for what in cursor.description]
    if table is not None:
        refuse_damaged(rows, names, table=table)
    return pd.DataFrame.from_records(rows, columns=names, coerce_float=True)


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


def without_key(connection: sqlite3.Connection) -> list[str]:
    """The tables whose rows would get no number: another program has copied them without their primary key."""
    keyed = "SELECT max(pk), count(*) FROM pragma_table_info(?, 'main')"
    found = {name: connection.execute(keyed, (name,)).fetchone() for name in TABLES}
    return [name for name, (key, columns) in found.items() if columns and not key]


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
            connection.execute(f'ALTER TABLE "{name}" ADD COLUMN {declared[column]}')
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    for statement in INDEXES:
        match = _INDEX_NAME.match(statement)
        if match and match[1] not in there:
            connection.execute(statement)
    gpkg.describe_columns(connection)
    connection.execute("INSERT INTO layout (version, made_by) VALUES (?, ?)", (LAYOUT, made_by))


# -- the table of sides: what is fixed when a side is first seen, and what the owner has set ---------------------------

# the first two are those of shipped sides that may come later: others take them last
_PALETTE = (*PALETTE[2:], *PALETTE[:2])
_SIDE_COLUMNS = ("side", "names", "adjectives", "aliases", "colour", "place")


def read_sides(connection: sqlite3.Connection) -> dict[str, Side]:
    """Every side of an archive; one of an older layout has the rows that it would get when it is written to."""
    rows = connection.execute(f"SELECT {', '.join(_SIDE_COLUMNS)} FROM sides ORDER BY id").fetchall()
    if not rows:
        return _beside({}, _first_seen(connection))
    refuse_damaged(rows, _SIDE_COLUMNS, table="sides")
    found = {}
    for code, *texts, colour, place in rows:
        for what in side_faults(dict(zip(_SIDE_COLUMNS, (code, *texts, colour, place), strict=True))):
            raise ArchiveError(f"the table sides is damaged: {code}: {what}: geo check says more")
        names, adjectives, aliases = map(json.loads, texts)
        bare = bare_side(code)
        found[code] = replace(
            bare, names={**bare.names, **names}, adjectives={**bare.adjectives, **adjectives},
            aliases=(*bare.aliases, *aliases), colour=colour, order=place,
        )  # fmt: skip
    return found


def own_side(connection: sqlite3.Connection, code: str) -> Side | None:
    """What the owner has set of a side, without what is shipped of it."""
    row = connection.execute(f"SELECT {', '.join(_SIDE_COLUMNS)} FROM sides WHERE side = ?", (code,)).fetchone()
    if row is None:
        return None
    names, adjectives, aliases = map(json.loads, row[1:4])
    return Side(code, names, row[4], row[5], adjectives, tuple(aliases))


def side_faults(row: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a row of the table."""
    for column, kind in (("names", dict), ("adjectives", dict), ("aliases", list)):
        try:
            told = json.loads(row[column])
        except (TypeError, ValueError, RecursionError):
            told = None
        parts = [*told, *told.values()] if isinstance(told, dict) else told
        if not isinstance(told, kind) or not all(isinstance(part, str) for part in parts):
            yield f"its {column} cannot be read"
    if not isinstance(row["colour"], str) or not is_colour(row["colour"]):
        yield f"its colour is {row['colour']!r}, which is none"
    if not isinstance(row["place"], int):
        yield f"its place is {row['place']!r}, which is no number"


def _first_seen(connection: sqlite3.Connection) -> list[str]:
    query = " UNION ALL ".join(
        f"SELECT controller, min(recorded_at) AS first FROM {layer} WHERE controller IS NOT NULL GROUP BY controller"
        for layer in ("control", "control_superseded")
    )
    rows = connection.execute(f"SELECT controller FROM ({query}) GROUP BY controller ORDER BY min(first), controller")
    return [str(code) for (code,) in rows]


def _beside(there: Mapping[str, Side], fresh: Iterable[str]) -> dict[str, Side]:
    found = dict(there)
    # those of one file together: a colour of its own goes before one that is only free
    for code in sorted(dict.fromkeys(fresh), key=lambda code: not bare_side(code).colour):
        if code not in found:
            found[code] = new_side(code, found, palette=_PALETTE)
    return found


def fix_sides(connection: sqlite3.Connection, fresh: Iterable[str], *, now: str) -> dict[str, Side]:
    """Give sides that are seen for the first time their colour and place, which they keep."""
    there = read_sides(connection)
    written = {code for (code,) in connection.execute("SELECT side FROM sides")}
    whole = _beside(there, sorted(set(fresh)))
    for code, side in whole.items():
        if code not in written:
            put_side(connection, replace(side, names={}, adjectives={}, aliases=()), now=now)
    return whole


def set_side(connection: sqlite3.Connection, given: Side, *, now: str) -> str:
    """Enter what the owner says of a side beside what stands of it; its code."""
    there = fix_sides(connection, [], now=now)
    with knowing(there):
        code = find_side(given.code, list(there))
    code = code if code in there else shipped_code(code)
    refuse_unclear(replace(given, code=code), there)
    own = own_side(connection, code) or replace(
        new_side(code, there, palette=_PALETTE), names={}, adjectives={}, aliases=()
    )  # as on first sight
    put_side(
        connection,
        Side(
            code, _with_words(own.names, given.names), given.colour or own.colour,
            own.order if given.order is None else given.order, _with_words(own.adjectives, given.adjectives),
            tuple(dict.fromkeys((*own.aliases, *given.aliases))),
        ),
        now=now,
    )  # fmt: skip
    return code


def _with_words(own: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    return {lang: word.strip() for lang, word in {**own, **given}.items() if word.strip()}


def put_side(connection: sqlite3.Connection, side: Side, *, now: str) -> None:
    """Enter a side, or bring its entry up to date."""
    texts = [json.dumps(part, ensure_ascii=False) for part in (side.names, side.adjectives, list(side.aliases))]
    connection.execute(
        f"INSERT INTO sides ({', '.join(_SIDE_COLUMNS)}, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (side) DO UPDATE SET names = excluded.names, adjectives = excluded.adjectives,"
        " aliases = excluded.aliases, colour = excluded.colour, place = excluded.place,"
        " recorded_at = excluded.recorded_at",
        (side.code, *texts, side.colour, side.order, now),
    )
