"""What every reader is: a record of whom to credit, and a function from a file to what it holds."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from geo.errors import GateError
from geo.formats.dates import FIRST, several_dates
from geo.formats.layers import cell
from geo.formats.limits import refuse_too_many_instants
from geo.presentation.statuses import STATUSES
from geo.schema import Kind, Options, Rows, Snapshot, Source
from geo.sources import KNOWN


@dataclass(frozen=True)
class Reader:
    """A source's own way of writing files."""

    source: Source
    kind: Kind
    read: Callable[[Path, Options], Sequence[Snapshot] | Rows]
    first: date = FIRST  # no map or event of the source is of an earlier day
    theatre: tuple[str, ...] = ()  # ISO codes of the countries that its maps show, where they show only some


def shipped_reader(name: str, read: Callable[[Path, Options], Sequence[Snapshot] | Rows]) -> Reader:
    """The reader of a source that the package knows."""
    known = KNOWN[name]
    credit = Source(name, **{key: known[key] for key in ("title", "url", "licence", "attribution") if key in known})
    return Reader(credit, known["kind"], read, known.get("first", FIRST), tuple(known.get("theatre", ())))


def day_number(text: str) -> str | None:
    """The day that a number may mean which a spreadsheet wrote for a date; None where it can be none."""
    if not re.fullmatch(r"\d{5}(?:\.\d+)?", text.strip()) or not 20_000 <= float(text) < 80_000:
        return None
    return (date(1899, 12, 30) + timedelta(days=int(float(text)))).isoformat()


def by_dates(
    snapshot: Snapshot, begins: Sequence[datetime | None], ends: Sequence[datetime | None] = (), *,
    accept: Collection[str] = (),
) -> list[Snapshot]:  # fmt: skip
    """One snapshot for every instant at which a row of the file begins or ends; refused rows go with their date."""
    stop = [None if end is None or end == begins[i] else end for i, end in enumerate(ends)] or [None] * len(begins)
    for row, (begin, end) in enumerate(zip(begins, stop, strict=True), 1):
        if begin is not None and end is not None and end < begin:
            raise GateError(f"row {row} ends on {end:%Y-%m-%d}, before it begins on {begin:%Y-%m-%d}: swap them")
    rows = snapshot.frame["row"].to_numpy()
    start = np.array([begins[row - 1] for row in rows], dtype=object)
    last = np.array([stop[row - 1] for row in rows], dtype=object)
    has_ends = any(end is not None for end in last)
    days = sorted({*start.tolist(), *last[last != None].tolist()})  # noqa: E711  (element by element)
    days = days or sorted({moment for moment in (*begins, *stop) if moment is not None})[:1]
    spans = zip(start.tolist(), last.tolist(), strict=True) if has_ends else ()
    standing = sum((len(days) if b is None else bisect_left(days, b)) - bisect_left(days, a) for a, b in spans)
    refuse_too_many_instants("the file", len(days), standing - len(rows), accept)  # before a snapshot of each is made
    belongs = {r.row: begins[r.row - 1] if begins[r.row - 1] in days else days[0] for r in snapshot.refusals}
    found = []
    for day in days:
        stands = (
            (start <= day) & np.array([e is None or e > day for e in last], dtype=bool) if has_ends else start == day
        )
        is_first = day == days[0]
        refusals = tuple(r for r in snapshot.refusals if belongs[r.row] == day)
        found.append(
            replace(
                snapshot, rows=snapshot.frame[stands].reset_index(drop=True), depicts=day,
                rows_in=int(stands.sum()) + len(refusals) + (sum(snapshot.left_out.values()) if is_first else 0),
                left_out=snapshot.left_out if is_first else {}, refusals=refusals,
                repairs=snapshot.repairs if is_first else (), notes=snapshot.notes if is_first else (),
                may_be_empty=has_ends and not is_first,
            )
        )  # fmt: skip
    if len(days) > 1:
        what = "rows begin and end: each stands until its end, not on it" if has_ends else "rows of several dates"
        found[0] = replace(found[0], notes=(*found[0].notes, f"{what}: {len(days)} snapshots"))
    return found


def refuse_several_dates(path: Path, table: pd.DataFrame, options: Options, where: str) -> list[str]:
    """Refuse to take rows of several dates for one map; with --date it is said alone."""
    columns = {str(name): [cell(value) for value in table[name]] for name in table.columns}
    several = several_dates(columns)
    if not several:
        return []
    told = ", ".join(f"{name!r} holds {count} dates" for name, (count, _) in several.items())
    if options.date is not None:
        return [f"column {told}: all rows are taken for {options.date}, as --date says"]
    column = next((name for name, (_, readable) in several.items() if readable), None)
    each = f"--column date={column} makes a snapshot of each date, " if column else "part the file by them, or "
    raise GateError(f"{path}: column {told}, and {where}: {each}--date YYYY-MM-DD takes all rows for one")


def parse_meaning(text: str, *, word: str) -> tuple[str | None, str]:
    """Read the right-hand side of a mapping: ``held``, ``RU:held``, ``contested``."""
    controller, _, status = text.strip().rpartition(":")
    if status.strip().lower() not in STATUSES:
        raise GateError(
            f"--status-map {word}={text}: status {status.strip()!r} is unknown; write {word}=held or {word}=RU:held,"
            f" with one of {', '.join(STATUSES)}"
        )
    return controller.strip() or None, status.strip().lower()


def meanings(statuses: Mapping[str, str]) -> dict[str, tuple[str | None, str]]:
    """A user's whole mapping, keyed by the word in lower case."""
    return {word.strip().casefold(): parse_meaning(text, word=word) for word, text in statuses.items()}
