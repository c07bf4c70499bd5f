"""What a desk's day makes of the archive: each output by the call that makes it by hand, and what it says of itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo.archive.results import FAR
from geo.automation.config import Plan, resolve_since
from geo.output.console import records, write_table
from geo.output.documents.write import draw_brief
from geo.output.html.map_page import draw_map, save_map
from geo.output.html.timeline_page import draw_timeline
from geo.output.site.build import build_site
from geo.schema import last_instant, write_instant
from geo.storage.atomic_write import write_page

if TYPE_CHECKING:
    from geo.archive import Archive

_ROWS = 3  # figures of one output that the summary has room for


@dataclass(frozen=True)
class Made:
    """The files of one output, and what the summary says of it, each figure with its date and source."""

    files: tuple[Path, ...]
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Day:
    """What every output is made of: the plan, the archive, the date, and where things of that date go."""

    plan: Plan
    archive: Archive
    date: str

    @property
    def folder(self) -> Path:
        """Where the files of this date go."""
        return self.plan.output / self.date

    def since(self, table: Mapping[str, Any]) -> str | None:
        """The base date that a table asks for."""
        return resolve_since(table.get("since"), self.date)

    def base(self, table: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...]]:
        """The base date that a table asks for, where a map answers for it, and what to say where none does."""
        since = self.since(table)
        if since is None:
            return None, ()
        name = self.archive.source_name(table.get("source"))
        frame = self.archive.snapshots(name, as_known_on=FAR)
        first = min(frame["depicts"], default=None)
        if first is None or first <= write_instant(last_instant(since)):
            return since, ()
        return None, (f"{self.date}: nothing to compare with: the first snapshot of {name} depicts {first[:10]},"
                      f" after {since}",)  # fmt: skip

    def before(self, source: str | None) -> str | None:
        """The day of the snapshot before the one that the date rests on; None where there is none."""
        frame = self.archive.snapshots(self.archive.source_name(source))
        frame = frame[frame["superseded_at"].isna() & frame["retracted_at"].isna()]
        past = sorted(set(frame["depicts"][frame["depicts"] <= write_instant(last_instant(self.date))].str[:10]))
        return past[-2] if len(past) > 1 else None


def _picked(table: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: table[key] for key in keys if key in table}


def make_figures(day: Day, table: Mapping[str, Any], name: str) -> Made:
    """Areas on the date and what changed since, in km², as CSV and JSON."""
    asked = _picked(table, "source", "controller", "status", "within", "by")
    age = day.plan.max_age_days
    areas = day.archive.area(day.date, max_age_days=age, **asked)
    since, missing = day.base(table)
    if since is None and not missing:
        since = day.before(table.get("source"))
    changes = None if since is None else day.archive.change(since, day.date, max_age_days=None, **asked)
    files = [write_table(areas, day.folder / f"{name}-area.csv")]
    told: dict[str, Any] = {"date": day.date, "since": since, "area": records(areas)}
    lines = _area_lines(day.date, areas)
    if changes is not None:
        files.append(write_table(changes, day.folder / f"{name}-change.csv"))
        told["change"] = records(changes)
        lines += _change_lines(day, str(since), changes)
    told["notes"] = list(missing) if changes is None else list(changes.attrs.get("notes", ()))
    text = json.dumps(told, ensure_ascii=False, indent=1, default=str)
    files.append(write_page(text + "\n", day.folder / f"{name}.json"))
    return Made(tuple(files), (*lines, *map(str, told["notes"])))


def _subject(row: Any) -> str:
    side = f"{row['controller']} " if isinstance(row["controller"], str) else ""
    where = f" in {row['unit']}" if isinstance(row.get("unit"), str) and row["unit"] else ""
    return f"{side}{row['status']}{where}"


def _area_lines(date: str, areas: pd.DataFrame) -> list[str]:
    largest = areas.sort_values("area_km2", ascending=False).head(_ROWS)
    lines = [
        f"{_subject(row)}: {row['area_km2']:,.1f} km² on {date} (source {row['source']}, snapshot {row['snapshot']})"
        for _, row in largest.iterrows()
    ]
    if areas.empty:
        return [f"no ground of these classes on {date}"]
    return lines if len(areas) <= _ROWS else [*lines, f"and {len(areas) - _ROWS} more rows on {date} in the files"]


def _change_lines(day: Day, since: str, changes: pd.DataFrame) -> list[str]:
    table = day.archive.snapshots()
    depicts = {name: at[:10] for name, at in zip(table["snapshot"], table["depicts"], strict=True)}
    moved = changes.sort_values("net_km2", key=lambda net: net.abs(), ascending=False).head(_ROWS)
    return [
        f"{_subject(row)}, {_span(depicts[row['from_snapshot']], depicts[row['to_snapshot']], since, day.date)}: gained"
        f" {row['gained_km2']:,.1f}, lost {row['lost_km2']:,.1f}, net {row['net_km2']:+,.1f} km² (source"
        f" {row['source']})"
        for _, row in moved.iterrows()
    ]


def _span(first: str, last: str, since: str, date: str) -> str:
    """The days that two maps depict, and those asked for where they are others."""
    asked = "" if (first, last) == (since[:10], date) else f" (the last maps by {since[:10]} and {date})"
    return f"{first} to {last}{asked}"


def make_map(day: Day, table: Mapping[str, Any], name: str) -> Made:
    """A dated map as one HTML file."""
    asked = _picked(table, "source", "within", "title", "lang", "incident_days")
    since, missing = day.base(table)
    page = draw_map(day.archive, day.date, since=since, with_front=table.get("front", True), **asked)
    return Made((save_map(page, day.folder / f"{name}.html"),), missing)


def make_picture(day: Day, table: Mapping[str, Any], name: str) -> Made:
    """A dated map as PNG, SVG or PDF."""
    from geo.output.images.picture import draw_picture

    asked = _picked(table, "source", "within", "title", "lang", "shape", "theme")
    path = day.folder / f"{name}.{table.get('format', 'png')}"
    since, missing = day.base(table)
    draw_picture(day.archive, day.date, path=path, since=since, **asked)
    return Made((path,), missing)


def make_brief(day: Day, table: Mapping[str, Any], name: str) -> Made:
    """A briefing in each of the formats that the plan names."""
    asked = _picked(table, "source", "within", "title", "lang")
    formats = table.get("formats", ["html"])
    listed = formats if isinstance(formats, list) else [formats]
    since, missing = day.base(table)
    files: list[Path] = []
    for ending in listed:
        files += draw_brief(day.archive, day.date, day.folder / f"{name}.{ending}", since=since, **asked)
    return Made(tuple(dict.fromkeys(files)), missing)


def make_timeline(day: Day, table: Mapping[str, Any], name: str) -> Made:
    """Every date up to the day's in one HTML file."""
    asked = _picked(table, "within", "status", "title", "lang")
    page = draw_timeline(day.archive, table.get("source"), from_=_plain(table.get("from")), to=day.date, **asked)
    return Made((save_map(page, day.plan.output / f"{name}.html"),))


def make_site(day: Day, table: Mapping[str, Any], name: str) -> Made:
    """A static site of every date up to the day's, brought up to date."""
    asked = _picked(table, "source", "within", "title", "lang", "base_url")
    folder = day.plan.output / name
    build_site(
        day.archive, folder, from_=_plain(table.get("from")), to=day.date,
        with_downloads=table.get("downloads", True), **asked,
    )  # fmt: skip
    files = (p for p in folder.rglob("*") if p.is_file() and not p.relative_to(folder).parts[0].startswith("."))
    return Made(tuple(sorted(files)))


def _plain(when: Any) -> str | None:
    return None if when is None else str(when)


# kind -> what makes it
MAKERS: dict[str, Callable[[Day, Mapping[str, Any], str], Made]] = {
    "figures": make_figures, "map": make_map, "picture": make_picture, "brief": make_brief, "timeline": make_timeline,
    "site": make_site,
}  # fmt: skip
