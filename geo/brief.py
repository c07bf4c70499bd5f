"""What a briefing says, gathered from the archive once as plain data: no HTML, no office format.

Every writer of a briefing (`geo.brief_page`, `geo.brief_markdown`, `geo.brief_office`) shows this and nothing else, so
that the formats cannot differ in a figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.answers import FAR, When
from geo.archive import Archive
from geo.captions import credit_lines
from geo.dossier import Dossier, _event, _number, class_label, figure, gather, written
from geo.errors import NoSnapshotError
from geo.palette import CONTESTED, side_colours
from geo.schema import last_instant, parse_instant, text_or_none, to_instant, write_instant

CHARTED = ("held", "claimed", "advance", "contested")  # what the chart of the series shows
LEAST_KM2 = 0.05  # what rounds to less than 0.1 km² is no change that a table names
_ORDER = ("held", "claimed", "advance", "contested", "liberated")


@dataclass(frozen=True)
class Claim:
    """A published figure, and what was found of it: shown word for word."""

    text: str
    said_by: str = ""
    said_on: str = ""
    published_in: str = ""
    verdict: str = ""
    basis: str = ""


@dataclass(frozen=True)
class Headline:
    """One figure with all that it needs to stand alone."""

    label: str
    km2: str
    span: str
    moved: str
    rests: str


@dataclass(frozen=True)
class Table:
    """Texts in rows; the first column names the row, those from `numbers` on are figures."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: int


@dataclass(frozen=True)
class Section:
    """A heading, a table where there is one, and what is to be said of it."""

    name: str
    heading: str
    table: Table | None
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Strand:
    """A class over time: instants, km² from each on, and how its line is drawn."""

    label: str
    controller: str | None
    status: str
    colour: str
    times: Sequence[datetime]
    km2: Sequence[float]


@dataclass(frozen=True)
class Brief:
    """Everything in a briefing."""

    title: str
    dek: str
    date: str
    since: str | None
    moment: datetime
    source: str
    shown: str
    within: str | None
    as_known_on: When | None
    headlines: Sequence[Headline]
    moved: Sequence[Section]
    told: Sequence[Section]
    strands: Sequence[Strand]
    credits: Sequence[str]
    dossier: Dossier
    colours: Mapping[str, str] | None = None


def gather_brief(
    archive: Archive,
    date: When | None = None,
    *,
    source: str | None = None,
    since: When | None = None,
    as_known_on: When | None = None,
    within: str | None = None,
    title: str | None = None,
    lang: str = "en",
    colours: Mapping[str, str] | None = None,
    claims: Sequence[Claim] = (),
    places: gpd.GeoDataFrame | None = None,
) -> Brief:
    """Collect what a briefing says.

    Parameters
    ----------
    archive : Archive
        What to draw from.
    date : str, date, datetime or None
        None is the last snapshot.
    since : str, date, datetime or None
        The last briefing's date; None is the snapshot before, where there is one. Incidents are those since then.
    claims : sequence of Claim
        Published figures with what was found of them.
    places : geopandas.GeoDataFrame or None
        Settlements (`geo.settlements.read_places`), of which those that changed hands are listed.
    source, as_known_on, within, title, lang, colours : see `geo.draw_map`

    Returns
    -------
    Brief
        Areas in km² on WGS 84, as `Archive.area` and `Archive.change` give them.

    Raises
    ------
    MapError
        Nothing stands on that date that could be drawn.
    GeoError
        As `Archive.area` and `Archive.change`.
    """
    name = archive.source_name(source)
    when, before = _span(archive, name, date, as_known_on)
    start = before if since is None else since
    days = 1 if start is None else max((last_instant(when).date() - to_instant(start).date()).days, 1)
    dossier = gather(
        archive, when, source=name, since=start, as_known_on=as_known_on, within=within, incident_days=days,
        lang=lang, colours=colours,
    )  # fmt: skip
    zone = None if within is None else archive.unit(within).geometry.iloc[0]
    if zone is not None:
        dossier = replace(dossier, spots=[s for s in dossier.spots if zone.intersects(shapely.Point(s.lon, s.lat))])
    shown = _title_of(archive, name)
    said = f"{dossier.dek}{f' Changes since {written(start)}.' if start is not None else ''}"
    moved = [_by_class(dossier, shown)]
    moved += _by_unit(archive, name, when, start, within, as_known_on, shown)
    if places is not None and start is not None:
        moved += _hands(archive, name, when, start, as_known_on, places, zone, shown)
    told = _incidents(archive, when, days, as_known_on, zone)
    told += _claims(claims)
    return Brief(
        title=title or f"Briefing: {dossier.title[:1].lower()}{dossier.title[1:]}",
        dek=said,
        date=str(when),
        since=None if start is None else str(start),
        moment=last_instant(when).replace(microsecond=0),
        source=name,
        shown=shown,
        within=within,
        as_known_on=as_known_on,
        headlines=_headlines(dossier, shown),
        moved=moved,
        told=told,
        strands=_strands(archive, name, when, within, as_known_on, colours),
        credits=credit_lines(dossier, draw_basemap=True),
        dossier=dossier,
        colours=colours,
    )


def signed(km2: float, *, plus: bool = True) -> str:
    """A change in km² with its sign.

    Raises
    ------
    MapError
        Never.
    """
    text = figure(km2)
    if text in ("0.0", "-0.0"):
        return "0.0"
    return ("+" if plus and km2 > 0 else "") + text.replace("-", "−")


def chart_words(brief: Brief) -> str:
    """The chart for those who do not see it: where each class began, ended, and stood lowest and highest.

    Parameters
    ----------
    brief : Brief
        What the briefing says; areas in km².

    Raises
    ------
    MapError
        Never.
    """
    said = [f"Area by {brief.shown} in km², a step for every snapshot."]
    for strand in brief.strands:
        first, last = (written(t.date()) for t in (strand.times[0], strand.times[-1]))
        said.append(
            f"{strand.label}: {figure(strand.km2[0])} on {first}, {figure(strand.km2[-1])} on {last}; lowest"
            f" {figure(min(strand.km2))}, highest {figure(max(strand.km2))}."
        )
    return " ".join(said)


def map_words(brief: Brief) -> str:
    """The map for those who do not see it: its figures and their source.

    Parameters
    ----------
    brief : Brief
        What the briefing says; areas in km².

    Raises
    ------
    MapError
        Never.
    """
    said = "; ".join(f"{h.label} {h.km2} km²" for h in brief.headlines)
    return f"Map: {brief.dossier.title}. {said}. {brief.dossier.dek}"


# -- inside -------------------------------------------------------------------------------------------------------


def _span(archive: Archive, source: str, date: When | None, known: When | None) -> tuple[When, str | None]:
    """The date meant, and the snapshot before the one that answers for it."""
    table = archive.snapshots(source, as_known_on=known or FAR)
    instants = sorted({parse_instant(d) for d in table["depicts"]})
    limit = FAR if date is None else last_instant(date)
    past = [i for i in instants if i <= limit]
    if not past:
        first = f"; the first depicts {write_instant(instants[0])}" if instants else ""
        raise NoSnapshotError(f"no snapshot of {source} depicts {date or 'any date'} or a day before it{first}")
    when = past[-1].date().isoformat() if date is None else date
    if len(past) == 1:
        return when, None
    before = past[-2]
    alone = before.date() != past[-1].date()
    return when, before.date().isoformat() if alone else write_instant(before)


def _title_of(archive: Archive, source: str) -> str:
    table = archive.sources()
    rows = table[table["name"] == source]["title"].tolist()
    return (text_or_none(rows[0]) if rows else None) or source


def _label(row: Mapping[str, Any]) -> str:
    return class_label(text_or_none(row["controller"]), row["status"], row.get("part") or "")


def _known(value: Any) -> bool:
    return value is not None and value == value


def _percent(row: Mapping[str, Any]) -> str:
    value = row.get("net_percent")
    return f"{value:+.1f} %".replace("-", "−") if _known(value) else "–"


def _headlines(dossier: Dossier, shown: str) -> list[Headline]:
    rows = sorted(dossier.figures, key=lambda r: (_ORDER.index(r["status"]), -r["area_km2"]))
    found = []
    for row in rows:
        if row["status"] == "liberated":
            continue
        moved = ""
        if dossier.since is not None and _known(row.get("net_km2")):
            moved = (
                f"{signed(row['net_km2'])} km² net since {written(dossier.since)}:"
                f" {figure(row['gained_km2'])} gained, {figure(row['lost_km2'])} lost"
            )
        span = ""
        if row["upper_km2"] > row["lower_km2"]:
            span = f"{figure(row['lower_km2'])} to {figure(row['upper_km2'])} km² with contested ground"
        rests = f"{written(dossier.date)}; {shown}, snapshot {row['snapshot']}"
        found.append(Headline(_label(row) + dossier.place, figure(row["area_km2"]), span, moved, rests))
    return found


def _by_class(dossier: Dossier, shown: str) -> Section:
    since = dossier.since
    columns = ["Class", "km²", "lowest", "highest"]
    columns += ["gained", "lost", "net", "net %"] if since is not None else []
    rows = []
    for row in dossier.figures:
        cells = [_label(row), *(figure(row[k]) for k in ("area_km2", "lower_km2", "upper_km2"))]
        if since is not None:
            changes = [(row.get(k), k == "net_km2") for k in ("gained_km2", "lost_km2", "net_km2")]
            cells += [signed(float(v), plus=plus) if _known(v) else "–" for v, plus in changes]
            cells.append(_percent(row))
        rows.append(cells)
    snapshots = sorted({s for r in dossier.figures for s in (r["snapshot"], r.get("from_snapshot")) if s})
    caption = f"km²{dossier.place} on {written(dossier.date)}"
    caption += f"; gained, lost and net since {written(since)}" if since is not None else ""
    notes = ["Highest adds the contested ground of the same country to what a side holds; gained and lost are gross."]
    if since is not None:
        notes.append(f"Percentages are of the area on {written(since)}.")
    heading = "What changed, by class" if since is not None else "By class"
    table = Table(f"{caption}. Source: {shown}; snapshots {', '.join(snapshots)}.", columns, rows, 1)
    return Section("classes", heading, table if rows else None, notes)


def _by_unit(
    archive: Archive, source: str, when: When, since: When | None, within: str | None, known: When | None, shown: str
) -> list[Section]:
    if archive.units().empty:
        return []
    area = archive.area(when, source=source, within=within, by="unit", as_known_on=known)
    now = {_unit_key(r): r for r in area.to_dict("records")}
    breaks: Sequence[str] = ()
    if since is None:
        chosen: list[Mapping[Any, Any]] = [r for r in now.values() if r["area_km2"] >= LEAST_KM2]
        chosen.sort(key=lambda r: -r["area_km2"])
    else:
        moved = archive.change(since, when, source=source, within=within, by="unit", as_known_on=known)
        breaks = [f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in moved.attrs["notes"]]
        chosen = [r for r in moved.to_dict("records") if max(r["gained_km2"], r["lost_km2"]) >= LEAST_KM2]
        chosen.sort(key=lambda r: -(r["gained_km2"] + r["lost_km2"]))
    units = archive.units()
    names = dict(zip(units["unit"], units["name"], strict=True))
    rows = []
    for row in chosen:
        unit = text_or_none(row["unit"]) or ""
        named = names.get(unit)
        cells = [f"{named} ({unit})" if named else unit or "Everywhere", _label(row)]
        cells.append(figure(now.get(_unit_key(row), {"area_km2": 0.0})["area_km2"]))
        if since is not None:
            cells += [figure(row["gained_km2"]), figure(row["lost_km2"]), signed(row["net_km2"])]
        rows.append(cells)
    boundary = sorted({b for b in map(text_or_none, area["boundary"]) if b})
    caption = f"km² on {written(when)}"
    caption += f"; gained, lost and net since {written(since)}" if since is not None else ""
    caption += f". Source: {shown}" + (f". Units: {'; '.join(boundary)}" if boundary else "") + "."
    columns = ["Unit", "Class", "km²", *(("gained", "lost", "net") if since is not None else ())]
    notes = list(breaks)
    if since is not None:
        notes.append(
            f"Classes of units in which less than {LEAST_KM2:g} km² was gained or lost are left out."
            if rows
            else f"In no unit was {LEAST_KM2:g} km² or more gained or lost since {written(since)} by {shown}."
        )
    heading = "What changed, by unit" if since is not None else "By unit"
    return [Section("units", heading, Table(caption, columns, rows, 2) if rows else None, notes)]


def _unit_key(row: Mapping[Any, Any]) -> tuple[Any, ...]:
    return text_or_none(row["unit"]), text_or_none(row["controller"]), row["status"], row.get("part") or ""


def _hands(
    archive: Archive, source: str, when: When, since: When, known: When | None, places: gpd.GeoDataFrame,
    zone: shapely.Geometry | None, shown: str,
) -> list[Section]:  # fmt: skip
    if zone is not None:
        places = places[[bool(zone.intersects(p)) for p in places.geometry]]
    found = archive.changed_hands(places, since, when, source=source, as_known_on=known)
    rows = [
        [str(r["name"]), text_or_none(r["before"]) or "nobody's", text_or_none(r["after"]) or "nobody's"]
        for r in found.to_dict("records")
    ]
    span = f"{written(since)} to {written(when)}"
    if not rows:
        said = f"None of the {len(places):,} places of the file changed hands, {span}, by {shown}."
        return [Section("places", "Places that changed hands", None, [said])]
    first = found.iloc[0]
    caption = f"{span}. Source: {shown}; snapshots {first['from_snapshot']} and {first['to_snapshot']}."
    return [Section("places", "Places that changed hands", Table(caption, ["Place", "Before", "After"], rows, 3))]


def _incidents(
    archive: Archive, when: When, days: int, known: When | None, zone: shapely.Geometry | None
) -> list[Section]:
    last = to_instant(when)
    first = last - pd.Timedelta(days=days - 1)
    frame = archive.incidents(first, last, as_known_on=known)
    if zone is not None:
        points = np.asarray(frame.geometry.array, dtype=object)
        frame = frame[[p is not None and bool(zone.intersects(p)) for p in points]]
    groups: dict[tuple[str, str], list[Mapping[Any, Any]]] = {}
    for row in frame.to_dict("records"):
        place = text_or_none(row["where_coordinates"]) or text_or_none(row["adm_1"]) or "Place not named"
        groups.setdefault((place, str(row["dataset"])), []).append(row)
    if not groups:
        return []
    titles = {d: _title_of(archive, d) for _, d in groups}
    rows = [
        [
            place, f"{len(found):,}", _counted(_event(r) or "not stated" for r in found),
            _total(found, ("low", "best", "high")), _total(found, ("injured_low", "injured_best", "injured_high")),
            _counted(text_or_none(r["verification"]) or "not stated" for r in found), titles[dataset],
        ]
        for (place, dataset), found in sorted(groups.items(), key=lambda g: (-len(g[1]), g[0]))
    ]  # fmt: skip
    span = written(last.date()) if days == 1 else f"{written(first.date())} to {written(last.date())}"
    columns = ["Place", "incidents", "what", "killed", "injured", "verification", "source"]
    notes = ["Each source is counted by itself: two sources may report the same incident."]
    return [Section("incidents", "Incidents by place", Table(f"Event dates {span}.", columns, rows, 7), notes)]


def _counted(words: Any) -> str:
    counts = pd.Series(list(words), dtype=object).value_counts(sort=False)
    listed = sorted(counts.items(), key=lambda pair: (-int(pair[1]), str(pair[0])))
    return ", ".join(f"{word} ({count})" if count > 1 else str(word) for word, count in listed)


def _total(rows: Sequence[Mapping[Any, Any]], columns: tuple[str, str, str]) -> str:
    """What the reports of a place add up to, from their lowest to their highest, and how many give a number."""
    low = high = 0.0
    known = 0
    for row in rows:
        values = [v for v in (_number(row[c]) for c in columns) if v is not None]
        if values:
            known += 1
            low, high = low + min(values), high + max(values)
    if not known:
        return "not known"
    span = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return span if known == len(rows) else f"{span} (by {known} of {len(rows)})"


def _claims(claims: Sequence[Claim]) -> list[Section]:
    if not claims:
        return []
    rows = [
        [c.text, ", ".join(t for t in (c.said_by, c.said_on) if t), c.published_in, c.verdict or "none", c.basis]
        for c in claims
    ]
    columns = ["Claim", "Said by", "Published in", "Verdict", "Rests on"]
    kept = [i for i in range(len(columns)) if any(row[i] for row in rows)]
    table = Table("Published figures, word for word, and what was found of them.",
                  [columns[i] for i in kept], [[row[i] for i in kept] for row in rows], len(kept))  # fmt: skip
    return [Section("claims", "Claims and verdicts", table)]


def _strands(
    archive: Archive, source: str, when: When, within: str | None, known: When | None,
    colours: Mapping[str, str] | None,
) -> list[Strand]:  # fmt: skip
    frame = archive.series(source=source, status=CHARTED, within=within, to=when, as_known_on=known)
    sides = side_colours(archive.controllers(), colours=colours)
    groups: dict[tuple[str | None, str, str], tuple[list[datetime], list[float]]] = {}
    for row in frame.to_dict("records"):
        key = (text_or_none(row["controller"]), str(row["status"]), text_or_none(row.get("part")) or "")
        times, km2 = groups.setdefault(key, ([], []))
        times.append(parse_instant(row["date"]))
        km2.append(_number(row["area_km2"]) or 0.0)
    order = sorted(groups, key=lambda k: (_ORDER.index(k[1]), k[0] or "~", k[2]))
    return [
        Strand(class_label(*k), k[0], k[1], sides.get(k[0] or "", CONTESTED), *groups[k])
        for k in order
        if max(groups[k][1]) > 0
    ]
