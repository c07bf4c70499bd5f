"""Gaps: where a source's maps lie farther apart than its usual step, no interval runs on, for nobody looked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import geopandas as gpd
import pandas as pd

from geo.assets import read_toml
from geo.schema import parse_instant, text_or_none, write_instant

USUAL_STEP_DAYS = 45.0
_SOURCES = read_toml("readers.toml")
# (source, part) -> the last map before each gap, and the first after it
Gaps = Mapping[tuple[str, str], Sequence[tuple[str, str]]]


def usual_step_days(source: str) -> float:
    """How far apart the maps of a source may lie before its table of data calls it a gap, in days."""
    return float(_SOURCES.get(source, {}).get("usual_step_days", USUAL_STEP_DAYS))


def gaps_of(maps: Iterable[tuple[str, str, str]]) -> Gaps:
    """The gaps in the series of each source's part, from (source, part, depicts) of its maps."""
    series: dict[tuple[str, str], set[str]] = {}
    for source, part, depicts in maps:
        series.setdefault((source, part or ""), set()).add(depicts)
    found = {}
    for key, depicted in series.items():
        instants, step = sorted(depicted), timedelta(days=usual_step_days(key[0]))
        found[key] = [(a, b) for a, b in pairwise(instants) if parse_instant(b) - parse_instant(a) > step]
    return {key: listed for key, listed in found.items() if listed}


def gaps_in(snapshots: pd.DataFrame) -> Gaps:
    """The gaps in a table of snapshots."""
    return gaps_of(zip(snapshots["source"], snapshots["part"], snapshots["depicts"], strict=True))


def end_of_run(last_map: str) -> datetime:
    """Where an interval ends before a gap: with the day of the last map."""
    return datetime.fromisoformat(last_map[:10] + "T00:00:00+00:00") + timedelta(days=1)


def cut_interval(first: str, last: str | None, gaps: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str | None]]:
    """An interval as the pieces of it that run over none of a part's gaps."""
    for before, after in gaps:
        if first < after and (last is None or last > before):
            yield first, write_instant(end_of_run(before))
            first = after
    if last is None or first < last:
        yield first, last


def joined_over_gaps(frame: gpd.GeoDataFrame, gaps: Gaps) -> gpd.GeoDataFrame:
    """Rows of the layer of control as if nothing had been cut: each until a map shows it no longer."""
    dropped: list[int] = []

    def key(i: int) -> tuple[Any, ...]:
        return (
            *(text_or_none(frame.at[i, name]) for name in ("controller", "status", "native")),
            frame.geometry[i].wkb,
        )

    for (source, part), listed in gaps.items():
        for last, following in reversed(listed):
            begun, mine = parse_instant(following), (frame["source"] == source) & (frame["part"] == part)
            cut = frame.index[mine & (frame["valid_to"] == end_of_run(last))].tolist()
            rest = frame.index[mine & (frame["valid_from"] == begun)].tolist() if cut else []
            heirs = {key(i): i for i in rest}
            for i in cut:
                heir = heirs.get(key(i))
                frame.loc[i, "valid_to"] = begun if heir is None else frame.at[heir, "valid_to"]
                dropped += [] if heir is None else [heir]
    return gpd.GeoDataFrame(frame.drop(index=dropped).reset_index(drop=True), crs=frame.crs) if dropped else frame


def cut_at_gaps(rows: Iterable[Mapping[str, Any]], gaps: Gaps) -> Iterator[dict[str, Any]]:
    """Rows whose intervals (ISO 8601) stop at the last map before a gap, and go on with the `next_map` after it."""
    for row in rows:
        start, end = row["valid_from"], row["valid_to"]
        for last, following in gaps.get((row["source"], text_or_none(row.get("part")) or ""), ()):
            if start < following and (end is None or end > last):
                stop = write_instant(end_of_run(last))
                yield {**row, "valid_from": start, "valid_to": stop, "last_map": last, "next_map": following}
                start = following
        if end is None or start < end:
            yield {**row, "valid_from": start, "valid_to": end, "last_map": None, "next_map": None}


def cut_frame(frame: gpd.GeoDataFrame, gaps: Gaps, at: datetime | None = None) -> gpd.GeoDataFrame:
    """A layer of control whose intervals run over no gap; with `at` each row once, with the run of maps up to then."""
    if not gaps or frame.empty:
        return frame
    columns = ["source", "part", "valid_from", "valid_to"]
    listed = zip(*(frame[c].tolist() for c in columns), strict=True)
    rows = [
        {"row": i, "source": s, "part": p, "valid_from": write_instant(a), "valid_to": _written(b)}
        for i, (s, p, a, b) in enumerate(listed)
    ]
    cut = [r for r in cut_at_gaps(rows, gaps) if at is None or r["valid_from"] <= write_instant(at)]
    if at is not None:
        cut = list({r["row"]: r for r in cut}.values())
    found = frame.iloc[[r["row"] for r in cut]].reset_index(drop=True)
    for name in columns[2:]:
        found[name] = pd.to_datetime([r[name] for r in cut], utc=True, format="ISO8601")
    found.attrs = dict(frame.attrs)
    return found


def _written(moment: Any) -> str | None:
    return None if pd.isna(moment) else write_instant(moment)
