"""The tables of a briefing as plain text: what changed by class, unit and place, incidents, claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import shapely

from geo.archive.results import is_not_comparable
from geo.claims.wording import day_said
from geo.incidents.markers import event_of
from geo.measure.settlements import unmarked_words
from geo.output.map_content import base_words
from geo.presentation.labels import figure, km2_cell, row_label, sentence, unit_name, written
from geo.presentation.language import N_, gettext, isolated, ngettext, number, plain_number, signed
from geo.schema import number_or_none, text_or_none

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.archive.results import When
    from geo.claims.verdict import Finding
    from geo.output.map_content import MapContent

LEAST_KM2 = 0.05  # what rounds to less than 0.1 km² is no change that a table names


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


def known_number(value: Any) -> bool:
    """Whether a cell holds a number."""
    return value is not None and value == value


def _percent(row: Mapping[str, Any]) -> str:
    value = row.get("net_percent")
    if value is None or value != value:
        return "–"
    return gettext("{n} %", n=signed(value, 1))


def by_class(content: MapContent, shown: str) -> Section:
    """Areas by class in km², and what changed since the last briefing."""
    since = content.since
    columns = [gettext("Class"), gettext("km²"), gettext("lowest"), gettext("highest")]
    columns += [gettext("gained"), gettext("lost"), gettext("net"), gettext("net %")] if since is not None else []
    rows = []
    for row in content.figures:
        figures = [number_or_none(row[k]) for k in ("area_km2", "lower_km2", "upper_km2")]
        cells = [row_label(row), *("–" if v is None else figure(v) for v in figures)]
        if since is not None:
            changes = [(number_or_none(row.get(k)), k == "net_km2") for k in ("gained_km2", "lost_km2", "net_km2")]
            cells += [km2_cell(v, plus=plus) for v, plus in changes]
            cells.append(_percent(row))
        rows.append(cells)
    snapshots = sorted({s for r in content.figures for s in (r["snapshot"], r.get("from_snapshot")) if s})
    caption = gettext("km²{place} on {date}", place=content.place, date=written(content.date))
    caption += gettext("; gained, lost and net since {date}", date=content.base) if since is not None else ""
    notes = [gettext("Highest adds the contested ground that touches what a side holds; gained and lost are gross.")]
    if since is not None:
        notes.append(gettext("Percentages are of the area on {date}.", date=content.base))
    notes += [sentence(n) for n in (content.left_out, *content.notes) if n]
    heading = gettext("What changed, by class") if since is not None else gettext("By class")
    notes.append(gettext("Snapshots: %(snapshots)s.") % {"snapshots": ", ".join(map(isolated, snapshots))})
    table = Table(f"{caption}. " + gettext("Source: {source}.", source=shown), columns, rows, 1)
    return Section("classes", heading, table if rows else None, notes)


def by_unit(
    archive: Archive, source: str, when: When, since: When | None, within: str | None, known: When | None, shown: str
) -> list[Section]:
    """Areas in km² by class in every unit, and where anything changed since the last briefing only those."""
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
        breaks = [sentence(note) for note in moved.attrs["notes"]]
        chosen = [r for r in moved.to_dict("records") if max(r["gained_km2"], r["lost_km2"]) >= LEAST_KM2]
        chosen.sort(key=lambda r: -(r["gained_km2"] + r["lost_km2"]))
    units = archive.units()
    names = dict(zip(units["unit"], units["name"], strict=True))
    rows = []
    for row in chosen:
        unit = text_or_none(row["unit"]) or ""
        named = names.get(unit)
        cells = [unit_name(unit, named) if named else unit or gettext("Everywhere"), row_label(row)]
        cells.append(figure(now.get(_unit_key(row), {"area_km2": 0.0})["area_km2"]))
        if since is not None:
            cells += [figure(row["gained_km2"]), figure(row["lost_km2"]), km2_cell(row["net_km2"], plus=True)]
        rows.append(cells)
    boundary = sorted({b for b in map(text_or_none, area["boundary"]) if b})
    base = "" if since is None else base_words(archive, source, since, as_known_on=known)
    caption = gettext("km² on {date}", date=written(when))
    caption += gettext("; gained, lost and net since {date}", date=base) if since is not None else ""
    caption += ". " + gettext("Source: {source}.", source=shown)
    caption += " " + gettext("Units: {boundary}.", boundary="; ".join(map(gettext, boundary))) if boundary else ""
    columns = [gettext("Unit"), gettext("Class"), gettext("km²")]
    columns += [gettext("gained"), gettext("lost"), gettext("net")] if since is not None else []
    notes = list(breaks)
    least = plain_number(LEAST_KM2)
    if since is not None and not moved["gained_km2"].isna().all():
        notes.append(
            gettext("Classes of units in which less than {km2} km² was gained or lost are left out.", km2=least)
            if rows
            else gettext(
                "In no unit was {km2} km² or more gained or lost since {date} by {source}.",
                km2=least,
                date=base,
                source=shown,
            )
        )
    heading = gettext("What changed, by unit") if since is not None else gettext("By unit")
    return [Section("units", heading, Table(caption, columns, rows, 2) if rows else None, notes)]


def _unit_key(row: Mapping[Any, Any]) -> tuple[Any, ...]:
    return text_or_none(row["unit"]), text_or_none(row["controller"]), row["status"], row.get("part") or ""


def changed_places(
    archive: Archive, source: str, when: When, since: When, known: When | None, places: gpd.GeoDataFrame,
    zone: shapely.Geometry | None, shown: str,
) -> list[Section]:  # fmt: skip
    if zone is not None:
        places = places[[bool(zone.intersects(p)) for p in places.geometry]]
    found = archive.changed_hands(places, since, when, source=source, as_known_on=known)
    rows = [
        [
            str(r["name"]),
            *(
                text_or_none(r[side]) or unmarked_words(r["government"]) or gettext("nobody's")
                for side in ("before", "after")
            ),
        ]
        for r in found.to_dict("records")
    ]
    base = base_words(archive, source, since, as_known_on=known)
    span, heading = gettext("{first} to {last}", first=base, last=written(when)), gettext("Places that changed hands")
    notes = [sentence(n) for n in found.attrs["notes"]]
    if not rows:
        words = "None of the {n} places of the file changed hands, {span}, by {source}."
        said = ngettext("The {n} place of the file did not change hands, {span}, by {source}.", words, len(places),
                        span=span, source=shown)  # fmt: skip
        said = "" if any(map(is_not_comparable, notes)) else said
        return [Section("places", heading, None, [t for t in (said, *notes) if t])]
    first = found.iloc[0]
    rested = ", ".join(first[["from_snapshot", "to_snapshot"]])
    notes = [*notes, gettext("Snapshots: %(snapshots)s.") % {"snapshots": rested}]
    table = Table(
        f"{span}. " + gettext("Source: {source}.", source=shown),
        [gettext("Place"), gettext("Before"), gettext("After")],
        rows,
        3,
    )
    return [Section("places", heading, table, notes)]


def incidents_by_place(
    archive: Archive, incidents: Sequence[Mapping[str, Any]], first: date, last: date
) -> list[Section]:
    """Incidents of a span of days, added up by place, each source by itself."""
    groups: dict[tuple[str, str], list[Mapping[Any, Any]]] = {}
    for row in incidents:
        place = text_or_none(row["where_coordinates"]) or text_or_none(row["adm_1"]) or gettext("Place not named")
        groups.setdefault((place, str(row["dataset"])), []).append(row)
    if not groups:
        return []
    titles = {d: archive.reader.title(d) for _, d in groups}
    rows = [
        [
            place, number(len(found)), _counted(event_of(r) or gettext("not stated") for r in found),
            _total(found, ("low", "best", "high")), _total(found, ("injured_low", "injured_best", "injured_high")),
            _counted(gettext(text_or_none(r["verification"]) or "not stated") for r in found), titles[dataset],
        ]
        for (place, dataset), found in sorted(groups.items(), key=lambda g: (-len(g[1]), g[0]))
    ]  # fmt: skip
    span = written(last)
    if first < last:
        span = gettext("{first} to {last}", first=written(first), last=span)
    columns = [gettext("Place"), gettext("incidents"), gettext("what"), gettext("killed"), gettext("injured"),
               gettext("verification"), gettext("source")]  # fmt: skip
    notes = [gettext("Each source is counted by itself: two sources may report the same incident.")]
    table = Table(gettext("Event dates {span}.", span=span), columns, rows, 7)
    return [Section("incidents", gettext("Incidents by place"), table, notes)]


def _counted(words: Any) -> str:
    counts = pd.Series(list(words), dtype=object).value_counts(sort=False)
    listed = sorted(counts.items(), key=lambda pair: (-int(pair[1]), str(pair[0])))
    return gettext(", ").join(f"{word} ({count})" if count > 1 else str(word) for word, count in listed)


def _total(rows: Sequence[Mapping[Any, Any]], columns: tuple[str, str, str]) -> str:
    """What the reports of a place add up to, from their lowest to their highest, and how many give a number."""
    low = high = 0.0
    known = 0
    is_least = is_most = False  # some report gives a bound on one side alone
    for row in rows:
        least, best, most = (number_or_none(row[c]) for c in columns)
        values = [v for v in (least, best, most) if v is not None]
        if values:
            known += 1
            low, high = low + (0.0 if least is None and most is not None else min(values)), high + max(values)
            is_least |= most is None and least is not None
            is_most |= least is None and most is not None
    if not known:
        return gettext("not known")
    span = f"{low:g}" if low == high else gettext("{low} to {high}", low=f"{low:g}", high=f"{high:g}")
    if is_least:
        span = gettext("at least {n}", n=f"{low:g}")
    elif is_most and not low:
        span = gettext("at most {n}", n=f"{high:g}")
    return span if known == len(rows) else gettext("{span} (by {some} of {all})", span=span, some=known, all=len(rows))


def claimed(findings: Sequence[Finding], lines: Sequence[tuple[str, str]]) -> list[Section]:
    """Published figures with what each source says of them, and the line for each (`geo.claims.wording`)."""
    if not findings:
        return []
    rows = []
    for finding, line in zip(findings, lines, strict=True):
        claim = finding.claim
        who = gettext(", ").join(t for t in (claim.said_by, claim.said_on and day_said(claim.said_on)) if t)
        rows.append([claim.text, who, claim.published_in, *line])
    columns = [gettext(n) for n in (N_("Claim"), N_("Said by"), N_("Published in"), N_("Verdict"), N_("Rests on"))]
    kept = [i for i in range(len(columns)) if any(row[i] for row in rows)]
    table = Table(gettext("Published figures, word for word, and what each source says of them."),
                  [columns[i] for i in kept], [[row[i] for i in kept] for row in rows], len(kept))  # fmt: skip
    return [Section("claims", gettext("Claims and verdicts"), table)]
