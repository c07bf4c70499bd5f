"""A table of figures as a notebook or a terminal shows it: with its dates, its source and its units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from geo.errors import UsageError
from geo.output.console import printable
from geo.presentation.labels import figure
from geo.presentation.templates import render
from geo.schema import dated

_ROWS = 60  # as many rows as pandas shows before it leaves out those in the middle
_UNITS = {"_km2": "km²", "_km": "km", "_percent": "%", "_days": "days"}
# what a table rests on: said once above it where it is the same in every row
_RESTS = ("source", "snapshot", "from_snapshot", "to_snapshot", "snapshot_age_days", "base", "boundary")
_WORDS = {
    "source": "Source", "snapshot": "Snapshot", "from_snapshot": "From snapshot", "to_snapshot": "To snapshot",
    "snapshot_age_days": "Age in days", "base": "Percent of the area on", "boundary": "Boundaries",
}  # fmt: skip
_DATES = ("snapshot", "from_snapshot", "date", "valid_from", "depicts", "date_start")


@dataclass(frozen=True, repr=False)
class TableView:
    """A table with its caption; made by `show`."""

    caption: Sequence[str]
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int]

    def __repr__(self) -> str:
        lines = [list(self.heads), *(list(row) for row in self.rows)]
        lines = [[printable(cell).replace("\n", " ") for cell in line] for line in lines]
        wide = [max(len(line[i]) for line in lines) for i in range(len(self.heads))]
        sides = [str.rjust if i in self.numbers else str.ljust for i in range(len(self.heads))]
        told = ["  ".join(put(c, w) for put, c, w in zip(sides, line, wide, strict=True)) for line in lines]
        return "\n".join([*(printable(text) for text in self.caption), *(line.rstrip() for line in told)])

    def _repr_html_(self) -> str:
        return str(render("table_view.html", table=self))


def show(table: pd.DataFrame, *, rests: str | None = None) -> TableView:
    """A table of figures with its dates, its source and its units, for a notebook or a terminal.

    Parameters
    ----------
    table : pandas.DataFrame
        As `Archive.area`, `change`, `series`, `control` and the others give it, or what is left of one.
    rests : str or None
        Source and dates in words, for a table whose columns no longer say them.

    Returns
    -------
    TableView
        Figures rounded as on pages; the table itself is not touched. Geometry is left out, and so are the rows in the
        middle of a long table, which is said.

    Raises
    ------
    UsageError
        This is no table, or neither its columns nor `rests` say its source and dates.

    Examples
    --------
    >>> print(geo.show(archive.area("2025-01-11", status="held")))
    Source: seeds. Snapshot: seeds@2025-01-11.
    Areas in km² on the WGS 84 ellipsoid.
    controller  status  area, km²  lower, km²  upper, km²
    UA          held        423.3       423.3       618.4
    """
    if not isinstance(table, pd.DataFrame):
        raise UsageError(f"a table is shown (a pandas.DataFrame), this is {type(table).__name__}")
    frame = dated(pd.DataFrame(table.drop(columns=[n for n in table if table[n].dtype == "geometry"])))
    columns = [str(name) for name in frame.columns]
    frame.columns = pd.Index(columns)
    if rests is None and not ("source" in columns and any(n in columns for n in _DATES)):
        raise UsageError(
            "this table does not say its source and dates: keep its columns source and snapshot (or date), or say"
            ' them: geo.show(table, rests="DeepStateMap, 2024-08-06 to 2025-01-11")'
        )
    # ground outside all units has no boundary set: that it is missing there is no second one
    same = [n for n in _RESTS if n in columns and frame[n].nunique(dropna=n == "boundary") == 1]
    empty = [n for n in columns if len(frame) and frame[n].map(_is_nothing).all()]
    caption = ["" if rests is None else rests, " ".join(_told(frame, same))]
    caption.append("Areas in km² on the WGS 84 ellipsoid." if any(n.endswith("_km2") for n in columns) else "")
    caption += [f"{n[:1].upper()}{n[1:].rstrip('.')}." for n in map(str, table.attrs.get("notes", ()))]
    names = [n for n in columns if n not in same and n not in empty]
    caption.append("" if len(frame) else "There are no rows.")
    left_out = len(frame) - _ROWS
    if left_out > 0:
        caption.append(f"{left_out:,} of {len(frame):,} rows, in the middle, are left out.")
        frame = pd.concat([frame.head(_ROWS // 2), frame.tail(_ROWS // 2)])
    numbers = frozenset(i for i, n in enumerate(names) if pd.api.types.is_numeric_dtype(frame[n]))
    rows = [
        [_cell(n, v) for n, v in zip(names, row, strict=True)]
        for row in frame[names].itertuples(index=False, name=None)
    ]
    return TableView([text for text in caption if text], [_head(n) for n in names], rows, numbers)


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value) or (pd.api.types.is_scalar(value) and pd.isna(value))


def _told(frame: pd.DataFrame, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        value = frame[name].dropna().iloc[0] if frame[name].notna().any() else None
        if not _is_nothing(value) and not (name == "snapshot_age_days" and value == 0):
            yield f"{_WORDS[name]}: {_cell(name, value)}."


def _head(name: str) -> str:
    for suffix, unit in _UNITS.items():
        if name.endswith(suffix):
            return f"{name.removesuffix(suffix)}, {unit}"
    return name


def _cell(name: str, value: Any) -> str:
    if _is_nothing(value):
        return "–"
    if isinstance(value, float):
        if name.endswith(("_km2", "_km")):
            return figure(value)
        return f"{value:.1f}" if name.endswith("_percent") else f"{value:g}"
    return str(value)
