"""What days an archive has of each source: its days, the gaps between them, and where its numbers break."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from geo.archive import figures
from geo.archive.results import FAR, By, table_of
from geo.archive.shared_docs import consistent_read
from geo.measure.coverage import break_words, breaks_in_areas, breaks_in_counts
from geo.storage.snapshots import gaps_of

if TYPE_CHECKING:
    from geo.archive import Archive

COLUMNS = ("source", "kind", "part", "unit", "first", "last", "days", "gaps", "breaks")


@consistent_read
def coverage(self: Archive, *, by: By | None = None) -> pd.DataFrame:
    """The days that the archive has of each source, the gaps between them, and the breaks in its numbers.

    Parameters
    ----------
    by : {"unit"} or None
        A row for every administrative unit as well.

    Returns
    -------
    pandas.DataFrame
        source, kind (``control`` or ``incidents``), part, unit (None for all), first, last (days), days (with a map or
        an incident), gaps (the last day before and the first after each), breaks (the day, and how many times as much
        stands after it as before: medians of 28 days of counts, three-fold, or of 7 maps of held ground, 1.5-fold).

    Raises
    ------
    ArchiveError

    Examples
    --------
    >>> archive.coverage()[["source", "days", "breaks"]].values.tolist()[0]
    ['seeds', 11, '']
    """
    rows = [*_control_rows(self, by), *_incident_rows(self, by)]
    return table_of(rows, COLUMNS)


def _control_rows(self: Archive, by: By | None) -> Iterator[dict[str, Any]]:
    snapshots = self.reader.snapshots(as_known_on=FAR)
    for source, mine in snapshots.groupby("source", sort=True):
        for each in dict.fromkeys((None, by)):
            table = figures.series(self, source=str(source), status="held", by=each)
            for (part, unit), days in _days_of(mine, table, each):
                held = table[(table.get("part", "") == part) & (table["unit"].fillna("") == unit)]
                steps = [
                    f"{side}: {words}"
                    for side, one in held.groupby("controller")
                    for words in break_words(breaks_in_areas(one["date"].tolist(), one["area_km2"].tolist()))
                ]
                yield _row(str(source), "control", part, unit, days, steps)


def _days_of(
    snapshots: pd.DataFrame, table: pd.DataFrame, by: By | None
) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """The days of the maps of each part, whole or for each unit in which ground was held."""
    for part, mine in snapshots.groupby("part", sort=True):
        days = sorted({str(d)[:10] for d in mine["depicts"]})
        units = [""] if by is None else sorted(set(table["unit"].dropna()))
        for unit in units:
            yield (str(part), str(unit)), days


def _incident_rows(self: Archive, by: By | None) -> Iterator[dict[str, Any]]:
    frame = self.reader.incidents()
    frame = frame[frame["date_start"].notna()]
    if by is not None and len(frame):
        units = self.reader.units()
        units = units[units["level"] == 1][["unit", "geometry"]]
        placed = gpd.sjoin(frame[["dataset", "date_start", "geometry"]], units, predicate="within")
        frame = pd.concat([frame.assign(unit=""), placed], ignore_index=True)
    frame = frame.assign(unit=frame.get("unit", ""))
    for (dataset, unit), mine in frame.groupby(["dataset", "unit"], sort=True):
        days = [str(d)[:10] for d in mine["date_start"]]
        breaks = break_words(breaks_in_counts(Counter(days)))
        yield _row(str(dataset), "incidents", "", str(unit), sorted(set(days)), breaks)


def _row(source: str, kind: str, part: str, unit: str, days: Sequence[str], breaks: Sequence[str]) -> dict[str, Any]:
    gaps = gaps_of((source, part, f"{day}T00:00:00.000Z") for day in days).get((source, part), ())
    return {
        "source": source, "kind": kind, "part": part or None, "unit": unit or None, "first": days[0], "last": days[-1],
        "days": len(days), "gaps": "; ".join(f"{a[:10]} to {b[:10]}" for a, b in gaps), "breaks": "; ".join(breaks),
    }  # fmt: skip
