"""Cells as the layout says they are: what a damaged table holds is told by name before anybody computes with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd

from geo.errors import ArchiveError
from geo.storage import tables

_KINDS: Mapping[str, tuple[type, ...]] = {"INTEGER": (int,), "DOUBLE": (float, int), "BLOB": (bytes,)}


@cache
def declared(table: str) -> dict[str, tuple[str, bool]]:
    """Column -> its declared kind, and whether it may be empty, for a table of the layout."""
    geometry, _, sql = tables.TABLES[table]
    columns = tables.columns_of(sql)
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
