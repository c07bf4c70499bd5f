"""What a briefing says, gathered from the archive once as plain data: no HTML, no office format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date as to_date
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Unpack

import geopandas as gpd
import shapely

from geo.archive import figures as archive_figures
from geo.archive.results import FAR, When
from geo.claims.checking import check_claims
from geo.claims.model import Claim, claim_of, claims_about
from geo.claims.wording import verdict_line
from geo.errors import NoSnapshotError
from geo.output import brief_tables
from geo.output.images.text_blocks import credit_lines
from geo.output.map_content import MapContent, gather, has_points_alone
from geo.output.map_options import MapKeywords, MapOptions
from geo.presentation.chart_lines import ChangeBars, ChartLine, bars_every, change_bars, class_lines, lines_in_words
from geo.presentation.labels import figure, km2_cell, row_label
from geo.presentation.language import N_, gettext, ngettext
from geo.presentation.sides import side_colours
from geo.presentation.statuses import STATUSES, named, of_row
from geo.presentation.titles import known_words
from geo.schema import last_instant, parse_instant, to_instant, write_instant

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.claims.verdict import Finding


@dataclass(frozen=True)
class Headline:
    """One figure with all that it needs to stand alone."""

    label: str
    km2: str
    span: str
    moved: str
    rests: str


@dataclass(frozen=True)
class Brief:
    title: str
    subtitle: str
    date: str
    since: str | None
    moment: datetime
    source: str
    shown: str
    within: str | None
    as_known_on: When | None
    headlines: Sequence[Headline]
    moved: Sequence[brief_tables.Section]
    told: Sequence[brief_tables.Section]
    lines: Sequence[ChartLine]
    bars: Sequence[ChangeBars]
    credits: Sequence[str]
    content: MapContent
    colours: Mapping[str, str] | None = None

    @property
    def no_headline(self) -> str:
        """What a briefing says where no class has a headline."""
        if self.content.settlements and self.content.told:
            return gettext("; ").join(f"{name} {count}" for name, count in self.content.told.rows)
        if self.content.told:
            return ngettext("{n} incident", "{n} incidents", sum(m.count for m in self.content.markers))
        slivers = any(of_row(row).is_current for row in self.content.slivers)
        said = N_("Only slivers along a border lie there.") if slivers else N_("No ground of this source lies there.")
        return gettext(said)

    @property
    def chart_words(self) -> str:
        """The chart for those who do not see it: where each class began, ended, and stood lowest and highest."""
        return lines_in_words(
            self.lines, gettext("Area by {source} in km², a step for every snapshot.", source=self.shown)
        )


def gather_brief(
    archive: Archive, date: When | None = None, options: MapOptions | None = None, *,
    claims: Sequence[Claim] | None = None, places: gpd.GeoDataFrame | None = None, exactly: bool = False,
    **given: Unpack[MapKeywords],
) -> Brief:  # fmt: skip
    chosen = options or MapOptions(**given)
    if has_points_alone(archive, chosen.source):
        return _point_brief(archive, date, chosen)
    since, as_known_on, within, colours = chosen.since, chosen.as_known_on, chosen.within, chosen.colours
    name = archive.source_name(chosen.source)
    when, before = _span(archive, name, date, as_known_on)
    start = before if since is None else since
    days = _days_since(start, when) if chosen.incident_days is None else chosen.incident_days
    plain = "plain" if chosen.title == "plain" else None
    content = gather(archive, when, replace(chosen, source=name, since=start, incident_days=days, title=plain))
    if exactly and as_known_on is not None:
        content = replace(content, subtitle=content.subtitle.removesuffix(known_words(as_known_on)))
    zone = None if within is None else archive.unit(within).geometry.iloc[0]
    if zone is not None:
        rows = [row for row in content.incidents if zone.intersects(row["geometry"])]
        content = replace(
            content,
            markers=[s for s in content.markers if zone.intersects(shapely.Point(s.lon, s.lat))],
            incidents=rows,
        )
    shown = archive.reader.title(name)
    said = content.subtitle
    if start is not None:
        said += " " + gettext("Changes since {date}.", date=content.base)
    moved = [brief_tables.by_class(content, shown)]
    moved += [
        replace(section, notes=[n for n in section.notes if n not in moved[0].notes])
        for section in brief_tables.by_unit(archive, name, when, start, within, as_known_on, shown)
    ]
    if places is not None and start is not None:
        moved += brief_tables.changed_places(archive, name, when, start, as_known_on, places, zone, shown)
    rests = {row[k] for row in content.figures for k in ("snapshot", "from_snapshot") if row.get(k)}
    corrected = archive.correction_notes(*sorted(rests), as_known_on=as_known_on)
    if corrected:
        moved.append(
            brief_tables.Section("corrections", gettext("Corrections"), None, [f"{words}." for words in corrected])
        )
    last = to_instant(when).date()
    told = brief_tables.incidents_by_place(archive, content.incidents, last - timedelta(days=days - 1), last)
    findings = _findings(archive, claims, when, start, as_known_on)
    told += brief_tables.claimed(findings, [verdict_line(finding) for finding in findings])
    return Brief(
        title=_title(content.title) if plain else chosen.title or content.title, subtitle=said,
        date=str(when), since=None if start is None else str(start), moment=last_instant(when).replace(microsecond=0),
        source=name, shown=shown, within=within, as_known_on=as_known_on, headlines=_headlines(content, shown),
        moved=moved, told=told, lines=_lines(archive, name, when, within, as_known_on, colours),
        bars=bars_until(archive, name, when, within, as_known_on, colours),
        credits=credit_lines(content, draw_basemap=True), content=content, colours=colours,
    )  # fmt: skip


def _days_since(start: When | None, when: When) -> int:
    """The days after the last briefing's date."""
    return 1 if start is None else max((last_instant(when).date() - to_instant(start).date()).days, 1)


def _point_brief(archive: Archive, date: When | None, options: MapOptions) -> Brief:
    """A briefing of incidents or settlements, without a map of control."""
    content = gather(archive, date, options)
    days = [str(row[c])[:10] for row in content.incidents for c in ("date_start", "date_end") if row[c]]
    told = []
    if days:
        span = map(to_date.fromisoformat, (min(days), max(days)))
        told = brief_tables.incidents_by_place(archive, content.incidents, *span)
    caption, what, unit, rows = content.told or ("", "", "", ())
    by_type = brief_tables.Table(caption, [what, unit], [list(r) for r in rows], 1)
    return Brief(
        title=content.title, subtitle=content.subtitle, date=content.date, since=None,
        moment=last_instant(content.date).replace(microsecond=0), source="", shown="", within=options.within,
        as_known_on=options.as_known_on, headlines=[], lines=[], bars=[], content=content, colours=options.colours,
        moved=[brief_tables.Section("types", by_type.caption, by_type, [f"{n}." for n in content.notes])],
        told=told, credits=credit_lines(content, draw_basemap=True),
    )  # fmt: skip


def map_words(brief: Brief) -> str:
    """The map for those who do not see it: its figures and their source."""
    said = gettext("; ").join(f"{h.label} {gettext('{km2} km²', km2=h.km2)}" for h in brief.headlines)
    return gettext("Map: {title}.", title=brief.content.title) + f" {said}. {brief.content.subtitle}"


def _title(title: str) -> str:
    # "according" is no name; of other languages none begins a title with a word that is small after a colon
    return gettext("Briefing: {title}", title=f"{title[:1].lower()}{title[1:]}")


def _findings(
    archive: Archive, claims: Sequence[Claim] | None, when: When, since: When | None, known: When | None
) -> list[Finding]:
    day = last_instant(when).date().isoformat()
    if claims is None:
        recorded = [claim_of({str(k): v for k, v in row.items()}) for row in archive.store.claims().to_dict("records")]
        claims = claims_about(recorded, day, since=None if since is None else to_instant(since).date().isoformat())
    return check_claims(archive, claims, date=day, as_known_on=known)


def _span(archive: Archive, source: str, date: When | None, known: When | None) -> tuple[When, str | None]:
    """The date meant, and the snapshot before the one that answers for it."""
    table = archive.reader.snapshots(source, as_known_on=known or FAR)
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


def _headlines(content: MapContent, shown: str) -> list[Headline]:
    rows = sorted(content.headlines, key=lambda r: (STATUSES.index(r["status"]), -r["area_km2"]))
    found = []
    for row in rows:
        if not of_row(row).is_current:
            continue
        moved = ""
        if content.since is not None and brief_tables.known_number(row.get("net_km2")):
            moved = gettext(
                "{net} km² net since {date}: {gained} gained, {lost} lost",
                net=km2_cell(row["net_km2"], plus=True), date=content.base,
                gained=figure(row["gained_km2"]), lost=figure(row["lost_km2"]),
            )  # fmt: skip
        span = ""
        if row["upper_km2"] > row["lower_km2"]:
            low, high = figure(row["lower_km2"]), figure(row["upper_km2"])
            span = gettext("{low} to {high} km² with contested ground", low=low, high=high)
        rests = gettext("; ").join((content.day, shown))
        found.append(Headline(row_label(row) + content.place, figure(row["area_km2"]), span, moved, rests))
    return found


def _lines(
    archive: Archive, source: str, when: When, within: str | None, known: When | None,
    colours: Mapping[str, str] | None,
) -> list[ChartLine]:  # fmt: skip
    frame = archive_figures.series(
        archive, source=source, status=named(is_current=True), within=within, to=when, as_known_on=known
    )
    sides = side_colours(archive.controllers(as_known_on=known), colours=colours)
    return class_lines(frame, sides)


def bars_until(
    archive: Archive, source: str, when: When, within: str | None, known: When | None,
    colours: Mapping[str, str] | None,
) -> list[ChangeBars]:  # fmt: skip
    """What the sides gained and lost up to a date: by month, of a short series by week; none of a single step."""
    days = sorted(archive.reader.snapshots(source, as_known_on=known or FAR)["depicts"])
    every = bars_every(days[0][:10], str(last_instant(when).date()))
    frame = archive_figures.series(
        archive, source=source, status=named(is_held=True), within=within, to=when, every=every, as_known_on=known
    )
    found = change_bars(frame, side_colours(archive.controllers(as_known_on=known), colours=colours), every)
    return [one for one in found if len(one.bars) > 1]
