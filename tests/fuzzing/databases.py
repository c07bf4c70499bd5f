"""Ways of spoiling an SQLite file: its bytes, or by SQL what a person or another program could do to its tables."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any

from geo.storage import gpkg
from tests.fuzzing.corpus import Seed
from tests.fuzzing.mutation import spoil_bytes

VALUES: tuple[Any, ...] = (
    None, 0, -1, 1, 2**62, 1e308, float("inf"), "", " ", "x", "x" * 5000, "0", "NaN", "2025-01-11", "2025-01-11T00:00:00.000Z",
    "9999-12-31T23:59:59.999Z", "0000-00-00", "2025-02-30T00:00:00.000Z", "2025-01-11T00:00:00+99:00", "[]", "{}", "null",
    "[1]", "[[]]", '[["a", 1, 2]]', '[["a", "b", null]]', '{"a": 1}', "[" * 3000, "\0", "'; DROP TABLE control; --", "held",
    "contested", "XX", "grid:0km", "grid:5km", "settlement", "embargo", "withhold", "name", b"", b"\0", b"GP\0\x03", b"\xff" * 40,
    "x\ud7ff\u202e", "=1+1", "<script>",
)  # fmt: skip


def spoil_database(seed: Seed, others: Sequence[Seed], rng: random.Random) -> Seed:
    """The same file with one to three changes of its tables, or with changed bytes."""
    if rng.random() < 0.35:
        return Seed(seed.name, _bytes(seed.content, rng))
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.deserialize(seed.content)
        gpkg.add_functions(connection)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            with suppress(sqlite3.Error, OverflowError, UnicodeEncodeError):
                _change(connection, rng)
        return Seed(seed.name, connection.serialize())


def _bytes(content: bytes, rng: random.Random) -> bytes:
    """Bytes anywhere, or a page swapped with another or blank."""
    if rng.random() < 0.6:
        return spoil_bytes(content, rng)
    size = int.from_bytes(content[16:18], "big") or 4096
    pages = max(1, len(content) // size)
    at, other = rng.randrange(pages) * size, rng.randrange(pages) * size
    new = rng.choice((bytes(size), rng.randbytes(size), content[other : other + size]))
    return content[:at] + new[:size] + content[at + size :]


def _change(connection: sqlite3.Connection, rng: random.Random) -> None:
    tables = [r[0] for r in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    # what is not ours (the container, the spatial index) is changed now and then
    own = [t for t in tables if not t.startswith(("gpkg_", "rtree_", "sqlite_"))]
    table = rng.choice(own if own and rng.random() < 0.8 else tables)
    columns = [r[1] for r in connection.execute(f'PRAGMA table_info("{table}")')] or ["x"]
    column, kind = rng.choice(columns), rng.randrange(20)
    if kind < 12:
        _cells(connection, table, column, rng)
    elif kind == 12:
        connection.execute(f'DROP TABLE "{table}"')
    elif kind == 13:
        connection.execute(f'ALTER TABLE "{table}" RENAME TO "{rng.choice(("x", table.upper() + "_", "ab"))}"')
    elif kind == 14:
        connection.execute(f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "{rng.choice(("x", "select", "é"))}"')
    elif kind == 15:
        connection.execute(f'CREATE TABLE "retyped" AS SELECT * FROM "{table}"')  # no keys, no kinds, no checks
        connection.execute(f'DROP TABLE "{table}"')
        connection.execute(f'ALTER TABLE "retyped" RENAME TO "{table}"')
        _cells(connection, table, column, rng)
    elif kind == 16:
        connection.execute(f'DELETE FROM "{table}"{_some(rng)}')
    elif kind == 17:
        copied = ", ".join(f'"{c}"' for c in columns if c not in ("fid", "id"))
        connection.execute(f'INSERT OR IGNORE INTO "{table}" ({copied}) SELECT {copied} FROM "{table}"')
    elif kind == 18:
        connection.execute(f"PRAGMA {rng.choice(('user_version', 'application_id'))} = {rng.choice((0, 7, 2**31 - 1))}")
    else:
        _schema(connection, table, column, rng)


def _cells(connection: sqlite3.Connection, table: str, column: str, rng: random.Random) -> None:
    """One cell, or a whole column, gets another value: any at all, or its own spoiled."""
    rows = connection.execute(f'SELECT rowid, "{column}" FROM "{table}"').fetchall()
    if not rows:
        return
    number, value = rng.choice(rows)
    new = rng.choice(VALUES)
    if isinstance(value, bytes) and rng.random() < 0.7:
        new = spoil_bytes(value, rng)
    elif isinstance(value, str) and rng.random() < 0.4:
        new = spoil_bytes(value.encode(), rng).decode("utf-8", "replace")
    elif rng.random() < 0.2:
        new = rng.choice(rows)[1]
    everywhere = rng.random() < 0.2
    way = "UPDATE OR REPLACE" if rng.random() < 0.5 else "UPDATE"
    if isinstance(new, str) and rng.random() < 0.05:
        new = sqlite3.Binary(new.encode("utf-16"))  # a text that is none
        connection.execute(
            f'{way} "{table}" SET "{column}" = CAST(? AS TEXT){"" if everywhere else " WHERE rowid = ?"}',
            (new,) if everywhere else (new, number),
        )
        return
    connection.execute(
        f'{way} "{table}" SET "{column}" = ?{"" if everywhere else " WHERE rowid = ?"}',
        (new,) if everywhere else (new, number),
    )


def _some(rng: random.Random) -> str:
    return rng.choice(("", " WHERE rowid % 2", " WHERE rowid = 1"))


def _schema(connection: sqlite3.Connection, table: str, column: str, rng: random.Random) -> None:
    """Other people's views, triggers and indexes; ours taken away."""
    objects = connection.execute(
        "SELECT type, name FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql NOT NULL"
    )
    statement = rng.choice((
        f'CREATE TRIGGER t AFTER INSERT ON "{table}" BEGIN DELETE FROM "{table}"; END',
        f"CREATE TRIGGER t BEFORE INSERT ON \"{table}\" BEGIN SELECT RAISE(ABORT, 'no'); END",
        f'CREATE TRIGGER t AFTER UPDATE ON "{table}" BEGIN UPDATE "{table}" SET "{column}" = 7; END',
        f'CREATE TRIGGER t AFTER INSERT ON "{table}" BEGIN SELECT load_extension(1); END',
        f'CREATE VIEW v AS SELECT * FROM "{table}", "{table}"', f'CREATE UNIQUE INDEX u ON "{table}" ("{column}")',
        f'ALTER TABLE "{table}" DROP COLUMN "{column}"', f'ALTER TABLE "{table}" ADD COLUMN "x\'y" TEXT DEFAULT 1',
        f'CREATE TABLE "other" AS SELECT * FROM "{table}"',
        *(f'DROP {kind} "{name}"' for kind, name in objects),
    ))  # fmt: skip
    connection.execute(statement)
