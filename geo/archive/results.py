"""How an answer is put together: which snapshot is in effect, how old it is, and rows into frames."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd

from geo.presentation.statuses import check_statuses, named
from geo.schema import BREAK, last_instant, text_or_none, write_instant
from geo.storage import snapshots

When = str | date | datetime
By = Literal["unit", "native"]
# later than every recording: "as known now", said as a moment
FAR = datetime(9999, 1, 1, tzinfo=UTC)
# a snapshot this many days older than the date asked for is told apart, whatever a column says
OLD_DAYS = 30


def moment(as_known_on: When | None) -> datetime | None:
    """The instant meant by `as_known_on`, None for now."""
    return None if as_known_on is None else last_instant(as_known_on)


def age_days(instant: datetime, depicts: datetime, *, whole_days: bool) -> float:
    """How old a snapshot is on a date: whole days for a day, a fraction for an instant."""
    if whole_days:
        return float((instant.date() - depicts.date()).days)
    return round((instant - depicts) / timedelta(days=1), 4)


def effective_snapshot(used: pd.DataFrame, part: str) -> tuple[str, float]:
    """The snapshot in effect for a part of a source, and its age in days."""
    at = used["part"].tolist().index(part)
    return str(used["snapshot"].tolist()[at]), float(used["age_days"].tolist()[at])


def age_notes(effective: Mapping[str, tuple[str, float]], when: When | None) -> tuple[str, ...]:
    """What is to be said of snapshots that are much older than the date that they answer for, in days."""
    old = sorted({s for s in effective.values() if s[1] > OLD_DAYS})
    return tuple(f"snapshot {snapshot} is {age:,.0f} days older than {when}" for snapshot, age in old)


def snapshot_of(effective: dict[str, tuple[str, float]], row: dict[str, Any]) -> tuple[str, float]:
    """The snapshot that a figure rests on and its age in days; of a class that a side of a change has not, the last."""
    return effective.get(row["part"]) or max(effective.values(), key=lambda s: -s[1])


def table_of(rows: list[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows as a frame: figures as floats, texts as Python's own (None where missing) in every version of pandas."""
    figures = ("_km2", "_percent", "_days")
    kinds = {c: np.float64 if c.endswith(figures) else np.object_ for c in columns}
    values_of = {c: np.array([row.get(c) for row in rows], dtype=kind) for c, kind in kinds.items()}
    return pd.DataFrame({c: pd.Series(values, dtype=values.dtype) for c, values in values_of.items()})


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame as rows of Python's own values."""
    names = [str(c) for c in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*(frame[c].tolist() for c in frame), strict=True)]


def columns_of(rows: Sequence[dict[str, Any]], columns: Sequence[str], by: By | None) -> list[str]:
    """The columns of an answer."""
    after = columns.index("unit") + 1 if "unit" in columns else 0
    native = ["native"] if by == "native" else []
    later = [name for name in ("part", "beyond_km2") if any(row.get(name) for row in rows)]
    return [*columns[:after], *native, *columns[after:], *later]


def joined_intervals(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of one class whose intervals touch, as one: who holds a place does not change with the polygon's shape."""
    names = ("source", "part", "controller", "status", "native")
    spans: dict[tuple[str, ...], list[snapshots.Interval]] = {}
    for row in rows:
        key = tuple(text_or_none(row[n]) or "" for n in names)
        end = None if pd.isna(row["valid_to"]) else write_instant(row["valid_to"])
        spans[key] = snapshots.add_interval(spans.get(key, []), (write_instant(row["valid_from"]), end))
    found = [
        dict(zip(names, (part or None for part in key), strict=True)) | {"valid_from": a, "valid_to": b}
        for key, listed in spans.items()
        for a, b in listed
    ]
    return sorted(found, key=lambda r: (r["source"] or "", r["part"] or "", r["valid_from"] or ""))


def breaks_between(snapshots: pd.DataFrame, first: set[str], last: set[str]) -> tuple[str, ...]:
    """What the readers noted of breaks in a series that one end of a span has and the other has not."""
    notes = []
    for names in (first, last):
        receipts = snapshots.loc[snapshots["snapshot"].isin(names), "receipt"].map(json.loads)
        notes.append({n for receipt in receipts for n in receipt.get("notes", ()) if n.startswith(BREAK)})
    return tuple(sorted(notes[0] ^ notes[1]))


def keep(frame: pd.DataFrame, controller: str | None, status: str | Sequence[str] | None) -> pd.DataFrame:
    """The rows of a side and of statuses."""
    if controller is not None:
        frame = frame[frame["controller"] == controller]
    if status is not None:
        frame = frame[frame["status"].isin(statuses_meant(status))]
    return frame.reset_index(drop=True)


def statuses_meant(status: str | Sequence[str] | None) -> list[str]:
    """The statuses named; ``held`` where none is."""
    if status is None:
        return list(named(is_held=True))
    listed = [status] if isinstance(status, str) else list(status)
    check_statuses(listed)
    return listed
