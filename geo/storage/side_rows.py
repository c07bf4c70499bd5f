"""The archive's own table of sides: what is fixed when a side is first seen, and what the owner has set."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

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
from geo.storage.layout import refuse_damaged

# the first two are those of shipped sides that may come later: others take them last
_PALETTE = (*PALETTE[2:], *PALETTE[:2])
_COLUMNS = ("side", "names", "adjectives", "aliases", "colour", "place")


def read_sides(connection: sqlite3.Connection) -> dict[str, Side]:
    """Every side of an archive; one of an older layout has the rows that it would get when it is written to."""
    rows = connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM sides ORDER BY id").fetchall()
    if not rows:
        return _beside({}, _first_seen(connection))
    refuse_damaged(rows, _COLUMNS, table="sides")
    found = {}
    for code, *texts, colour, place in rows:
        for what in side_faults(dict(zip(_COLUMNS, (code, *texts, colour, place), strict=True))):
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
    row = connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM sides WHERE side = ?", (code,)).fetchone()
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
        f"INSERT INTO sides ({', '.join(_COLUMNS)}, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (side) DO"
        " UPDATE SET names = excluded.names, adjectives = excluded.adjectives, aliases = excluded.aliases,"
        " colour = excluded.colour, place = excluded.place, recorded_at = excluded.recorded_at",
        (side.code, *texts, side.colour, side.order, now),
    )
