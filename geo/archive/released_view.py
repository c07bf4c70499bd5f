"""An archive's tables as its rules against harm leave them: the one place from which every answer is read."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.archive.safety_rules import Rule, embargo_hours, first_withheld, released_with_withheld
from geo.schema import CRS, parse_instant, text_or_none
from geo.storage.attached import MOST_AT_ONCE, IncidentQuery, refuse_so_many
from geo.storage.gpkg import encode
from geo.storage.store import ALL, Store, known_then, tally_of

Masks = Mapping[str, NDArray[np.bool_]]
_NONE_STATED = "not stated"  # how incidents without a verification are asked for


class ReleasedStore(Store):
    """The tables as they may be shown; with `raw` as they are, for the owner's own eyes.

    The names of sources and datasets, and the rules themselves, are no secret; all else that a rule withholds is.
    """

    def __init__(self, path: Path, *, raw: bool = False) -> None:
        super().__init__(path)
        self.is_raw = raw

    def applied_rules(self) -> list[Rule]:
        """The archive's rules, in the order in which they were set; none where the reader is the owner."""
        if self.is_raw:
            return []
        return [Rule(*row[:5]) for row in self.recall(("rules",), self.rules)]

    # -- control ------------------------------------------------------------------------------------------------

    def limit(self, source: str) -> str | None:
        """The instant from which on a source's snapshots are under embargo; one that was taken back counts as well."""
        hours = embargo_hours(self.applied_rules(), source)
        if not hours:
            return None
        return self.recall(("limit", source, hours), lambda: first_withheld(self.depicted(source), hours))

    def _limits(self) -> dict[str, str]:
        if not any(rule.kind == "embargo" for rule in self.applied_rules()):
            return {}
        limits = {source: self.limit(source) for source in self.control_sources()}
        return {source: limit for source, limit in limits.items() if limit is not None}

    def snapshots(self, *, as_known_on: datetime | None = None) -> pd.DataFrame:
        table = super().snapshots()
        if limits := self._limits():
            pairs = zip(table["source"], table["depicts"], strict=True)
            table = table[[depicts < limits.get(source, "~") for source, depicts in pairs]].reset_index(drop=True)
        return table if as_known_on is None else table[known_then(table, as_known_on)].reset_index(drop=True)

    def in_force(self, source: str, known: datetime) -> list[tuple[str, str, str]]:
        limit = self.limit(source) or "~"
        return [row for row in super().in_force(source, known) if row[0] < limit]

    def controllers(self, *, as_known_on: datetime | None = None, limits: Mapping[str, str] | None = None) -> list[str]:
        sides = set(super().controllers(as_known_on=as_known_on, limits=self._limits() if limits is None else limits))
        for source in self.settlement_sources():
            before = self._settlement_limit(source)
            sides |= self.settlement_sides(source, before=before, as_known_on=as_known_on)
        return sorted(sides)

    def control_now(self, source: str, instant: datetime) -> gpd.GeoDataFrame:
        return self._released(super().control_now(source, self._not_after(source, instant)))

    def control_rows(
        self, source: str, first: datetime | None = None, last: datetime | None = None
    ) -> gpd.GeoDataFrame:
        return self._released(super().control_rows(source, first, last))

    def control_at(
        self, source: str | None, lon: float, lat: float, *, as_known_on: datetime | None = None
    ) -> gpd.GeoDataFrame:
        return self._released(super().control_at(source, lon, lat, as_known_on=as_known_on))

    def control_then(self, source: str, instant: datetime, *, as_known_on: datetime) -> gpd.GeoDataFrame:
        then = super().control_then(source, self._not_after(source, instant), as_known_on=as_known_on)
        return self._released(then)

    def layers(self) -> pd.DataFrame:
        table = super().layers()
        if not self.applied_rules():
            return table
        shown = self.tally(())
        of = {row["dataset"]: row for row in shown.to_dict("records")}
        rows = []
        for row in table.to_dict("records"):
            if row["layer"] == "control":
                row["rows"] = len(self.control_rows(row["name"]))
            elif row["layer"] == "settlements":
                days, count = self.settlement_days(row["name"]), self.settlements(row["name"])["place"].nunique()
                row |= {"rows": count, "first": min(days, default=None), "last": max(days, default=None)}
            elif row["layer"] == "incidents":
                told = of.get(row["name"], {"incidents": 0, "first": None, "last": None})
                row |= {"rows": told["incidents"], "first": told["first"], "last": told["last"]}
            rows.append(row)
        return pd.DataFrame(rows, columns=table.columns)

    def settlement_days(self, source: str, *, as_known_on: datetime | None = None) -> list[str]:
        limit = self._settlement_limit(source)
        return [day for day in super().settlement_days(source, as_known_on=as_known_on) if day < limit]

    def settlements(self, source: str, *, as_known_on: datetime | None = None) -> gpd.GeoDataFrame:
        frame = super().settlements(source, as_known_on=as_known_on)
        if not embargo_hours(self.applied_rules(), source):
            return frame
        limit = self._settlement_limit(source)
        end = pd.Timestamp.max.tz_localize("UTC") if limit == "~" else pd.Timestamp(limit)
        frame = frame.assign(valid_to=frame["valid_to"].where(frame["valid_to"] < end))
        # what ended under embargo was recorded anew with its end: that instant would tell of it, or that none did
        frame["recorded_at"] = frame["recorded_at"].where(frame["valid_to"].notna())
        return gpd.GeoDataFrame(frame[frame["valid_from"] < end].reset_index(drop=True), crs=CRS)

    def _settlement_limit(self, source: str) -> str:
        """The first day under embargo of what a source says of settlements."""
        hours = embargo_hours(self.applied_rules(), source)
        return (first_withheld(super().settlement_days(source), hours) if hours else None) or "~"

    def _not_after(self, source: str, instant: datetime) -> datetime:
        """Beyond the limit of an embargo stands what stood before it."""
        limit = self.limit(source)
        return instant if limit is None else min(instant, parse_instant(limit) - pd.Timedelta(milliseconds=1))

    def _released(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Polygons without those that came under embargo, and without the ends of others that came then."""
        limits = self._limits()
        if not limits or frame.empty:
            return frame
        end = pd.to_datetime(frame["source"].map(limits), utc=True, format="ISO8601")
        kept = (frame["valid_from"] < end) | end.isna()
        ends = frame["valid_to"].where((frame["valid_to"] < end) | end.isna())
        frame = frame.assign(valid_to=ends)[kept].reset_index(drop=True)
        return gpd.GeoDataFrame(frame, crs=CRS)

    # -- incidents ----------------------------------------------------------------------------------------------

    def incidents(self, asked: IncidentQuery = ALL, *, orig: bool = True) -> gpd.GeoDataFrame:
        rules = self.applied_rules()
        if not rules:
            return super().incidents(asked, orig=orig)
        parts = []
        for part in self._shown(rules, asked):
            parts.append(part)
            if (found := sum(len(frame) for frame, _ in parts)) > MOST_AT_ONCE:
                refuse_so_many(found)
        frame = gpd.GeoDataFrame(pd.concat([f for f, _ in parts], ignore_index=True), crs=CRS)
        withheld = {n: np.concatenate([w.get(n, np.zeros(len(f), dtype=bool)) for f, w in parts])
                    for n in dict.fromkeys(name for _, w in parts for name in w)}  # fmt: skip
        if len(parts) > 1:
            order = np.argsort(frame["date_start"].fillna("").to_numpy(dtype=str), kind="stable")
            frame = gpd.GeoDataFrame(frame.iloc[order].reset_index(drop=True), crs=CRS)
            withheld = {name: mask[order] for name, mask in withheld.items()}
        if "date_start" in withheld:  # rows whose day is withheld come last, in the order of their ids
            hidden, ids = withheld["date_start"], frame["event_id"]
            listed = sorted(
                range(len(frame)), key=lambda i: (bool(hidden[i]), str(text_or_none(ids[i]) or "") if hidden[i] else "")
            )
            frame = gpd.GeoDataFrame(frame.iloc[listed].reset_index(drop=True), crs=CRS)
        frame.attrs["notes"] = _notes(withheld, asked)
        return frame if orig else gpd.GeoDataFrame(frame.drop(columns="orig"), crs=CRS)

    def _shown(self, rules: Sequence[Rule], asked: IncidentQuery) -> Iterator[tuple[gpd.GeoDataFrame, Masks]]:
        """Incidents as the rules leave them, part by part, with what is withheld of which rows."""
        # a filter sees what is shown: what is withheld and where a point truly lies could be searched out by asking
        fields = dict(asked.among)
        sets = {name: fields.pop(name) for name in ("dataset",) if name in fields}
        for found in super().batches(replace(asked, box=None, among=sets)):
            frame, withheld = released_with_withheld(found, rules)
            kept = _in_span(frame, withheld, asked) & _among(frame, withheld, fields)
            if asked.box is not None:
                kept &= shapely.intersects(shapely.box(*asked.box), np.asarray(frame.geometry.array, dtype=object))
            left = gpd.GeoDataFrame(frame[kept].reset_index(drop=True), crs=CRS)
            yield left, {name: mask[kept] for name, mask in withheld.items()}

    def tally(self, keys: Sequence[str], asked: IncidentQuery = ALL) -> pd.DataFrame:
        rules = self.applied_rules()
        if not rules:
            return super().tally(keys, asked)
        names: set[str] = set()

        def told() -> Iterator[pd.DataFrame]:
            for frame, withheld in self._shown(rules, asked):
                names.update(withheld)
                blobs = encode(np.asarray(frame.geometry.array, dtype=object))
                yield frame.assign(geom=pd.Series(blobs, index=frame.index, dtype=object))

        table = tally_of(told(), keys)
        table.attrs["notes"] = _notes(names, asked)
        return table


def _in_span(frame: pd.DataFrame, withheld: Masks, asked: IncidentQuery) -> NDArray[np.bool_]:
    """Rows whose days are withheld are in no span; where the last day alone is, the first one decides."""
    kept = np.ones(len(frame), dtype=bool)
    if not asked.has_span:
        return kept
    if "date_end" in withheld:
        starts = [text_or_none(day) or "" for day in frame["date_start"]]
        inside = np.array([(asked.first or "") <= day[:10] <= (asked.last or "~") for day in starts], dtype=bool)
        kept &= ~withheld["date_end"] | inside
    return kept & ~withheld.get("date_start", ~kept)


def _among(frame: pd.DataFrame, withheld: Masks, asked: Mapping[str, Sequence[str]]) -> NDArray[np.bool_]:
    """A field that is withheld matches nothing, "not stated" included."""
    kept = np.ones(len(frame), dtype=bool)
    for name, wanted in asked.items():
        words = {word.casefold() for word in wanted}
        columns = ("event_type", "sub_event_type") if name == "event_type" else (name,)
        either = np.zeros(len(frame), dtype=bool)
        for column in columns:
            empty = _NONE_STATED if column == "verification" else None
            values = [text_or_none(value) or empty for value in frame[column]]
            given = np.array([value is not None and value.casefold() in words for value in values], dtype=bool)
            either |= given & ~withheld.get(column, ~np.ones(len(frame), dtype=bool))
        kept &= either
    return kept


def _notes(withheld: Container[str], asked: IncidentQuery) -> tuple[str, ...]:
    names = [*(("event_type", "sub_event_type") if "event_type" in asked.among else ()), *asked.among]
    names += ["date_start", "date_end"] if asked.has_span else []
    gone = [name for name in dict.fromkeys(names) if name in withheld]
    return tuple(f"{name} is withheld by a rule (geo rules): a filter by it matches nothing" for name in gone)
