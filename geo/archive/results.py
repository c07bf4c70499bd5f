"""How an answer is put together: which snapshot is in effect, how old it is, and rows into frames."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from geo.errors import UsageError
from geo.presentation.language import N_, gettext, ngettext, number
from geo.presentation.statuses import check_statuses, named
from geo.schema import BREAK, Every, last_instant, parse_instant, period_of, text_or_none, to_instant, write_instant
from geo.storage import snapshots

When = str | date | datetime
By = Literal["unit", "native"]
# later than every recording: "as known now", said as a moment
FAR = datetime(9999, 1, 1, tzinfo=UTC)
# a snapshot this many days older than the date asked for is told apart, whatever a column says
OLD_DAYS = 30
NOT_COMPARABLE = N_("not comparable")
_MOST_TOLD = 3


def is_not_comparable(note: str) -> bool:
    """Whether a note says that two maps cannot be compared."""
    return note.casefold().startswith(gettext(NOT_COMPARABLE).casefold())


def moment(as_known_on: When | None) -> datetime | None:
    """The instant meant by `as_known_on`, None for now."""
    return None if as_known_on is None else last_instant(as_known_on)


def chosen_instants(
    instants: Sequence[datetime], from_: When | None, to: When | None, every: Every | None
) -> list[datetime]:
    """The instants of a series in a span; of each month or week the last, after that from which change counts."""
    low = to_instant(from_) if from_ is not None else None
    high = last_instant(to) if to is not None else None
    chosen = [i for i in instants if (low is None or i >= low) and (high is None or i <= high)]
    if every is None:
        return chosen
    if every not in get_args(Every):
        raise UsageError(f"every={every!r} is unknown: 'month', 'week' or None")
    base = [i for i in instants if from_ is not None and i <= last_instant(from_)][-1:] or chosen[:1]
    later = {period_of(i, every): i for i in chosen if not base or i > base[0]}
    return [*base, *later.values()]


def age_days(instant: datetime, depicts: datetime, *, whole_days: bool) -> float:
    """How old a snapshot is on a date: whole days for a day, a fraction for an instant."""
    if whole_days:
        return float((instant.date() - depicts.date()).days)
    return round((instant - depicts) / timedelta(days=1), 4)


def effective_snapshot(used: pd.DataFrame, part: str) -> tuple[str, float]:
    """The snapshot in effect for a part of a source, and its age in days."""
    at = used["part"].tolist().index(part)
    return str(used["snapshot"].tolist()[at]), float(used["age_days"].tolist()[at])


def map_day(areas: pd.DataFrame) -> date:
    """The day of the map that answers for the date of a table of areas."""
    return parse_instant(max(areas.attrs["depicts"].values())).date()


def age_notes(effective: Mapping[str, tuple[str, float]], when: When | None) -> tuple[str, ...]:
    """What is to be said of snapshots that are much older than the date that they answer for, in days."""
    old = sorted({s for s in effective.values() if s[1] > OLD_DAYS})
    return tuple(
        ngettext(
            "snapshot {snapshot} is {n} day older than {date}", "snapshot {snapshot} is {n} days older than {date}",
            round(age), snapshot=snapshot, date=when,
        )
        for snapshot, age in old
    )  # fmt: skip


def snapshot_of(effective: dict[str, tuple[str, float]], row: dict[str, Any]) -> tuple[str, float]:
    """The snapshot that a figure rests on and its age in days; of a class that a side of a change has not, the last."""
    return effective.get(row["part"]) or max(effective.values(), key=lambda s: -s[1])


def table_of(rows: list[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows as a frame: figures as floats, texts as Python's own (None where missing) in every version of pandas."""
    figures = ("_km2", "_percent", "_days")
    kinds = {c: np.float64 if c.endswith(figures) else np.object_ for c in columns}
    values_of = {c: np.array([row.get(c) for row in rows], dtype=kind) for c, kind in kinds.items()}
    return pd.DataFrame({c: pd.Series(values, dtype=values.dtype) for c, values in values_of.items()})


def columns_of(rows: Sequence[dict[str, Any]], columns: Sequence[str], by: By | None) -> list[str]:
    """The columns of an answer."""
    after = columns.index("unit") + 1 if "unit" in columns else 0
    native = {"native": ["native"], "unit": ["unit_name"]}.get(by or "", [])
    later = [name for name in ("part", "beyond_km2") if any(row.get(name) for row in rows)]
    return [*columns[:after], *native, *columns[after:], *later]


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame as rows of Python's own values."""
    names = [str(c) for c in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*(frame[c].tolist() for c in frame), strict=True)]


def row_at(frame: pd.DataFrame, index: int) -> dict[str, Any]:
    """One row of a frame, by its position."""
    return rows_of(frame.iloc[[index]])[0]


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


def breaks_between(snapshots: pd.DataFrame, first: Collection[str], last: Collection[str]) -> tuple[str, ...]:
    """Why totals across a span are not comparable: a break in the series, or ground refused at one end of it alone."""
    before, after = (refused_km2(snapshots, names) for names in (first, last))
    words = f"{gettext(NOT_COMPARABLE)}: " + gettext(
        "{before} of the earlier map were refused, {after} of the later",
        before=_km2_words(before),
        after=_km2_words(after),
    )
    parts = [set(snapshots.loc[snapshots["snapshot"].isin(names), "part"]) for names in (first, last)]
    earlier = [gettext("of the part {part} there is no map at the earlier date", part=p) for p in parts[1] - parts[0]]
    later = [gettext("of the part {part} there is no map at the later date", part=p) for p in parts[0] - parts[1]]
    alone = [f"{gettext(NOT_COMPARABLE)}: {lacks}" for lacks in (*sorted(earlier), *sorted(later))]
    return (*([words] if _is_apart(before, after) else ()), *alone, *_stated_breaks(snapshots, first, last))


def _stated_breaks(snapshots: pd.DataFrame, first: Collection[str], last: Collection[str]) -> list[str]:
    """What the readers noted of breaks in a series that one end of a span has and the other has not."""
    notes = []
    for names in (first, last):
        receipts = _receipts(snapshots, names).map(json.loads)
        notes.append({n for receipt in receipts for n in receipt.get("notes", ()) if n.startswith(BREAK)})
    return [_break_words(note) for note in sorted(notes[0] ^ notes[1])]


def _break_words(note: str) -> str:
    day, _, words = note.removeprefix(BREAK).partition(": ")
    return gettext("the series breaks on {day}", day=day) + (f": {gettext(words)}" if words else "")


def is_backwards(first: When, last: When) -> bool:
    """Whether a change from one date to the other is told backwards in time."""
    return to_instant(first) > last_instant(last)


def refuse_backwards(first: When | None, last: When | None, *, apart: bool = False) -> None:
    """Raise where the earlier date does not come first; with `apart` where both end at one instant, too."""
    if first is None or last is None:
        return
    if is_backwards(first, last) or (apart and last_instant(first) >= last_instant(last)):
        raise UsageError(f"{first} does not lie before {last}: the earlier date comes first")


def span_notes(snapshots: pd.DataFrame, first: Collection[str], last: Collection[str]) -> tuple[str, ...]:
    """What is to be said of a change between snapshots: why it is not comparable, and the ground that was refused."""
    return (*breaks_between(snapshots, first, last), *refused_notes(snapshots, [*first, *last]))


def series_notes(snapshots: pd.DataFrame, unlike: Sequence[tuple[datetime, str]]) -> tuple[str, ...]:
    """What is to be said of a series, in order: its breaks, refused ground, and steps that are that ground alone."""
    if snapshots.empty:
        return ()
    ends = [set(snapshots.loc[snapshots["depicts"] == snapshots["depicts"].iloc[i], "snapshot"]) for i in (0, -1)]
    steps = list(dict.fromkeys(f"{instant:%Y-%m-%d}" for instant, _ in unlike))
    listed = ", ".join(steps[:5]) + (gettext(" and {n} more", n=len(steps) - 5) if len(steps) > 5 else "")
    words = gettext("with the map before, of which more or less was refused: {dates}", dates=listed)
    apart = [f"{gettext(NOT_COMPARABLE)} {words}"] if steps else []
    return (*apart, *_stated_breaks(snapshots, *ends), *refused_notes(snapshots, snapshots["snapshot"].tolist()))


def unlike_parts(
    snapshots: pd.DataFrame, first: Mapping[str, tuple[str, float]], last: Mapping[str, tuple[str, float]]
) -> list[str]:
    """The parts of a source that have a map at one end of a span alone, or of which more or less was refused there."""
    return [
        part for part in sorted({*first, *last})
        if part not in first or part not in last
        or _is_apart(*(refused_km2(snapshots, [side[part][0]]) for side in (first, last)))
    ]  # fmt: skip


@dataclass(frozen=True)
class PartSteps:
    """How the parts of a source stand at the instants of a series.

    `kinds` of a part: 0 where it has no map that is young enough, and one number where the same ground was refused.
    """

    kinds: Mapping[str, Sequence[int]]
    left_out: Collection[tuple[datetime, str]]
    without_base: Collection[tuple[datetime, str]]
    unlike: Sequence[tuple[datetime, str]]
    notes: Sequence[str]


def part_steps(snapshots: pd.DataFrame, instants: Sequence[datetime], max_age_days: float) -> PartSteps:
    """How each part stands at the instants of a series, by its snapshots in force."""
    kinds: dict[str, list[int]] = {}
    notes = []
    for part, mine in snapshots.groupby("part", sort=True):
        states = {parse_instant(row["depicts"]): row for row in rows_of(mine)}
        depicts, refused = sorted(states), list[tuple[float, int]]()
        kind_of = {day: _kind(_refused_of([states[day]["receipt"]]), refused) for day in depicts}
        found = kinds[str(part)] = []
        for instant in instants:
            last = depicts[max(bisect_right(depicts, instant) - 1, 0)]
            stands = last <= instant and age_days(instant, last, whole_days=True) <= max_age_days
            if found and found[-1] and not stands:
                notes.append(
                    gettext(
                        "{snapshot} is more than {days} days old on {date} and left out from then on"
                        " (--max-age-days N allows more)",
                        snapshot=states[last]["snapshot"],
                        days=f"{max_age_days:g}",
                        date=f"{instant:%Y-%m-%d}",
                    )
                )
            found.append(kind_of[last] if stands else 0)
    steps = [
        (instant, part, before, now)
        for part, found in kinds.items()
        for instant, before, now in zip(instants, [0, *found], found, strict=False)
    ]
    return PartSteps(
        kinds,
        {(instant, part) for instant, part, _, now in steps if not now},
        {(instant, part) for instant, part, before, now in steps if before != now},
        sorted((instant, part) for instant, part, before, now in steps if before and now and before != now),
        notes,
    )


def _kind(refused: tuple[float, int], known: list[tuple[float, int]]) -> int:
    """The number, from 1, of what was refused among what is known, which it joins where it is new."""
    at = next((i for i, one in enumerate(known) if not _is_apart(one, refused)), len(known))
    known[at:] = known[at:] or [refused]
    return at + 1


def refused_notes(snapshots: pd.DataFrame, names: Collection[str]) -> tuple[str, ...]:
    """What is to be said of snapshots in which ground was refused: the polygons and their km², by cause."""
    names = list(dict.fromkeys(names))
    rows = {row["snapshot"]: row for row in rows_of(snapshots[snapshots["snapshot"].isin(names)])}
    told = [words for name in names if name in rows and (words := _refused_words(rows[name]))]
    if len(told) <= _MOST_TOLD:
        return tuple(told)
    words = "in {some} of {n} snapshot ground was refused; the first of them: {first}"
    many = "in {some} of {n} snapshots ground was refused; the first of them: {first}"
    return (ngettext(words, many, len(names), some=len(told), first=told[0]),)


def _refused_words(row: Mapping[str, Any]) -> str:
    """What was refused of a file's polygons, by cause; "" where no ground was."""
    refusals = [r for r in json.loads(row["receipt"]).get("refusals", ()) if r.get("km2") != 0]
    if not refusals:
        return ""
    causes: dict[str, list[float | None]] = {}
    for refusal in refusals:
        causes.setdefault(refusal["why"], []).append(refusal.get("km2"))
    count, of = len({r["row"] for r in refusals}), row["rows_in"] - row["rows_left_out"]
    listed = [gettext(why) if len(causes) == 1 else f"{_total(km2)} {gettext(why)}" for why, km2 in causes.items()]
    left = len(causes) - _MOST_TOLD
    more = "; " + ngettext("{n} more cause", "{n} more causes", left) if left > 0 else ""
    return f"{row['snapshot']}: " + ngettext(
        "{n} of {all} of {file}, {km2}, was refused: {causes}", "{n} of {all} of {file}, {km2}, were refused: {causes}",
        count, all=ngettext("{n} polygon", "{n} polygons", of), file=row["file_name"],
        km2=_total([r.get("km2") for r in refusals]), causes="; ".join(listed[:_MOST_TOLD]) + more,
    )  # fmt: skip


def _is_apart(before: tuple[float, int], after: tuple[float, int]) -> bool:
    """Whether what was refused at two dates differs by more than 1 km²."""
    return abs(after[0] - before[0]) > 1 or after[1] != before[1]


def _km2_words(refused: tuple[float, int]) -> str:
    km2, unmeasured = refused
    said = gettext("{km2} km²", km2=number(km2))
    if unmeasured:
        said += ngettext(" and {n} polygon of unknown area", " and {n} polygons of unknown area", unmeasured)
    return said


def _total(km2: Sequence[float | None]) -> str:
    known = [v for v in km2 if v is not None]
    if len(known) < len(km2):
        return gettext("area not known")
    return gettext("{km2} km²", km2=number(sum(known), 0 if sum(known) >= 10 else 2))


def refused_km2(snapshots: pd.DataFrame, names: Collection[str]) -> tuple[float, int]:
    """km² refused that the maps could have had, and how many polygons that cannot be measured."""
    return _refused_of(_receipts(snapshots, names))


def _receipts(snapshots: pd.DataFrame, names: Collection[str]) -> pd.Series:
    return snapshots.loc[snapshots["snapshot"].isin(names), "receipt"]


def _refused_of(receipts: Iterable[str]) -> tuple[float, int]:
    refusals = [
        refusal
        for receipt in receipts
        for refusal in json.loads(receipt).get("refusals", ())
        if not refusal.get("lies_elsewhere")
    ]
    measured = [refusal["km2"] for refusal in refusals if refusal.get("km2") is not None]
    return sum(measured), len(refusals) - len(measured)


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
