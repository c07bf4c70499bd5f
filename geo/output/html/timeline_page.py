"""The timeline: every date of a series in one page that needs no network, as a folium map."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from geo.archive import Archive
from geo.archive import figures as archive_figures
from geo.archive.results import FAR, When
from geo.errors import MapError, UsageError
from geo.measure.series.edge_history import Ledger
from geo.output.html import map_drawing, timeline_codec
from geo.output.html.map_page import ControlMap, PageMap, map_values
from geo.output.html.page import PageParts
from geo.output.html.timeline_layers import HEIGHT, WIDTH, Part, parts_of, series_values, shared_drawing
from geo.output.map_content import (
    MapContent,
    credit_of,
    days_within,
    extent_of,
    extract_credit,
    extract_of,
    gather,
    has_points_alone,
    has_settlements,
    on_points,
    point_days,
    settlement_credit,
)
from geo.output.map_options import MapOptions, SharedKeywords, map_options, shares_options
from geo.output.settlement_layers import changes_of, settlement_history, settlement_spans, settlements_of
from geo.presentation import basemap
from geo.presentation.chart_lines import bars_every, change_bars
from geo.presentation.labels import class_label, credit_line, figure, place_words, written
from geo.presentation.language import N_, gettext, ngettext, number
from geo.presentation.legend import StyledLayer
from geo.presentation.sides import side_colours
from geo.presentation.statuses import STATUSES, named, status_of
from geo.presentation.templates import templates_folder
from geo.presentation.titles import given_title, known_words, title_words
from geo.schema import Every, last_instant, parse_instant, period_of, period_start, to_instant

Floats = NDArray[np.float64]


@shares_options("source", "since", "incident_days", "with_front", "view")
def draw_timeline(
    archive: Archive,
    source: str | Sequence[str] | None = None,
    *,
    from_: When | None = None,
    to: When | None = None,
    status: str | Sequence[str] | None = None,
    **shown: Unpack[SharedKeywords],
) -> PageMap:
    """Draw every date of a series in one page, with a slider, a chart, and change since any earlier date.

    Parameters
    ----------
    source : str, sequence of str or None
        May be left out where the archive has one. Of several the first is drawn as ground, the others as outlines.
    status : str, sequence of str or None
        Keep to these classes.

    Returns
    -------
    folium.Map
        EPSG:4326 data on Leaflet's EPSG:3857 map; `geo.save_map` writes it. Boundaries are rounded to 1e-6 degrees;
        figures are km² of the source's own geometry. The same input gives the same page, byte for byte.

    Raises
    ------
    ArchiveError, GateError, MapError, SourceError, UnitError, UsageError

    Examples
    --------
    >>> page = geo.draw_timeline(archive, draw_basemap=False)
    >>> geo.save_map(page, "timeline.html").name
    'timeline.html'
    """
    options = map_options(draw_timeline, shown)
    with archive.holding():
        if not _is_of_points(archive, source) and (options.event_type or options.verification or options.dataset):
            raise UsageError(
                "type, verification and dataset narrow incidents: a timeline of control shows none (a dated map, a"
                " briefing and a site do)"
            )
        return timeline_of(archive, source, options, (from_, to), status)


def _is_of_points(archive: Archive, source: str | Sequence[str] | None) -> bool:
    return (not source or isinstance(source, str)) and has_points_alone(
        archive, source if isinstance(source, str) else None
    )


def timeline_of(
    archive: Archive, source: str | Sequence[str] | None, options: MapOptions, span: tuple[When | None, When | None],
    status: str | Sequence[str] | None = None,
) -> PageMap:  # fmt: skip
    """As `draw_timeline`, in an archive that is held still."""
    if _is_of_points(archive, source):
        named = source if isinstance(source, str) else None
        return _point_timeline(archive, replace(options, source=named), span)
    return _control_timeline(archive, source, options, span, status)


def _control_timeline(
    archive: Archive, source: str | Sequence[str] | None, options: MapOptions, span: tuple[When | None, When | None],
    status: str | Sequence[str] | None,
) -> PageMap:  # fmt: skip
    (from_, to), as_known_on = span, options.as_known_on
    listed = [source] if source is None or isinstance(source, str) else list(source)
    names = list(dict.fromkeys(archive.source_name(name) for name in listed))
    own = {name: _instants(archive, name, from_, to, as_known_on) for name in names}
    instants = sorted(set().union(*own.values()))
    if not instants:
        dates = f"{from_ or 'the beginning'} to {to or 'the end'}"
        raise MapError(f"no snapshot of {', '.join(names)} from {dates} is in force in {archive.path}")
    status = status if options.draws_liberated else _current(status)
    chosen = side_colours(archive.controllers(as_known_on=as_known_on), colours=options.colours)
    zone = None if options.within is None else archive.unit(options.within).iloc[0]
    place = "" if zone is None else place_words(zone)
    parts: list[Part] = []
    notes: list[str] = []
    for i, name in enumerate(names):
        found, told = parts_of(
            archive, name, instants, own[name], i, len(names), chosen, as_known_on, status, zone,
            patterns=options.patterns,
        )  # fmt: skip
        parts += found
        notes += told
    if not parts:
        raise MapError(f"{', '.join(names)}: nothing stands on those dates{place} that could be drawn")
    box, is_far = _box(parts)
    if is_far:
        notes.append(gettext("some ground lies far outside this map; the figures count it"))
    packed = timeline_codec.pack([p.track for p in parts], [int(i.timestamp()) for i in instants])
    credits = {name: credit_of(archive, name) for name in names}
    shown = gettext(" and ").join(credits[name]["title"] or name for name in names)
    title = given_title(options.title, title_words(place, shown, _span([i.date() for i in instants])))
    whom = [gettext("Control: {credit}", credit=credit_line(credits[name])) for name in names]
    content = _content(archive, parts, box, title, options, place, whom)
    content = _with_settlements(archive, content, options, chosen, instants)
    strands = [p.strand for p in parts]
    series = series_values(
        strands, instants, charted=_charted(parts), notes=[*notes, *content.notes],
        has_units=bool(content.outlines), settlements=content.spans,
    )  # fmt: skip
    series["bars"] = _bars(archive, names[0], own[names[0]], parts, options)
    base = _base(content) if options.draw_basemap else None
    values = map_values(content, ground=None) | {
        "subtitle": _subtitle(credits, own, as_known_on), "series": series,
        "patterns": shared_drawing(strands, instants), "still": _still(content, base),
        "credits": [_accuracy(packed, parts), *content.credits],
        **({} if base else {"ground_credits": [basemap.credits()["places"]]}),
    }  # fmt: skip
    data = _data(content, packed, parts, base, _own_dates(own, instants))
    made = PageMap(content.bounds)
    made.page.parts = PageParts("timeline.html", content.title, values, data, templates_folder(options.templates))
    return made


def _with_settlements(
    archive: Archive, content: MapContent, options: MapOptions, colours: Mapping[str, str], instants: Sequence[datetime]
) -> MapContent:
    """With the settlements of all dates, and those of the last for the still picture."""
    days = instants[0].date(), instants[-1].date()
    dots = settlement_spans(archive, options, colours, days, content.reach)
    last = settlements_of(archive, instants[-1], options, colours, content.reach)
    owed = [*content.credits, *settlement_credit(archive, dots)]
    return replace(content, spans=dots.layers, settlements=last.layers, credits=owed, notes=last.notes)


def _point_timeline(archive: Archive, options: MapOptions, span: tuple[When | None, When | None]) -> PageMap:
    """All incidents, or what changed of settlements, without maps of control: with a slider by day, week or month."""
    options = on_points(archive, options)
    is_settled = has_settlements(archive, options)
    named = gettext("Settlements") if is_settled else gettext("Incidents")
    days = days_within(point_days(archive, options), *span, named.casefold())
    given = replace(options, source=options.settlements) if is_settled else options
    content = gather(archive, days[-1], replace(given, since=str(days[0])))
    happened = [date.fromisoformat(str(row["date_start"] or row["date_end"])[:10]) for row in content.incidents]
    if is_settled:
        colours = side_colours(archive.controllers(as_known_on=options.as_known_on), colours=options.colours)
        spans = settlement_spans(archive, options, colours, (days[0], days[-1]), content.reach, alone=True)
        content = replace(content, spans=spans.layers)
        happened = [day for day in changes_of(settlement_history(archive, options)[0], days[0]) if day <= days[-1]]
    made = ControlMap(content)
    parts = made.page.parts
    steps = _steps_of(happened or days[-1:])
    values = {**parts.values, "steps": steps, "width": WIDTH, "height": HEIGHT, "settled": is_settled}
    folder = templates_folder(options.templates)
    made.page.parts = replace(parts, template="point_timeline.html", values=values, templates=folder)
    return made


def _steps_of(days: Sequence[date]) -> list[dict[str, Any]]:
    """The bars under the slider: from which day to which, how many of these days are in them, how each is drawn."""
    days = sorted(days)
    long = (days[-1] - days[0]).days
    every: Every | None = None if long <= 45 else "week" if long <= 400 else "month"
    instants = [to_instant(day) for day in days]
    numbers = [period_of(i, every) if every else i.toordinal() for i in instants]
    counts, first = Counter(numbers), numbers[0]
    wide, most = WIDTH / (numbers[-1] - first + 1), max(counts.values())
    found = []
    for n in range(first, numbers[-1] + 1):
        start, end = (period_start(k, every) if every else datetime.fromordinal(k) for k in (n, n + 1))
        last, tall = end.date() - timedelta(days=1), round(HEIGHT * counts[n] / most, 1)
        words = " – ".join(dict.fromkeys((written(start.date()), written(last))))
        found.append({
            "since": start.date(), "until": last, "count": counts[n], "words": words,
            "x": round((n - first + 0.08) * wide), "width": round(0.84 * wide), "y": HEIGHT - tall, "tall": tall,
        })  # fmt: skip
    return found


def _bars(
    archive: Archive, source: str, own: Sequence[datetime], parts: Sequence[Part], options: MapOptions
) -> dict[int, dict[str, str]]:
    """What each class of the first source gained and lost by month or week, under its curve: one path up, one down."""
    if len(own) < 2:
        return {}
    every = bars_every(own[0].date().isoformat(), own[-1].date().isoformat())
    frame = archive_figures.series(
        archive, source=source, from_=own[0], to=own[-1], as_known_on=options.as_known_on, within=options.within,
        status=named(is_held=True), every=every,
    )  # fmt: skip
    by_label = {one.label: one for one in change_bars(frame, {}, every) if len(one.bars) > 1}
    first, long = own[0], (own[-1] - own[0]).total_seconds()
    found = {}
    for k, part in enumerate(parts):
        one = by_label.get(class_label(*part.key)) if part.source == source else None
        if one is None:
            continue
        drawn = {"gained": "", "lost": "", "gap": ""}
        for bar in one.bars:
            start, end = ((max(min((t - first).total_seconds() / long, 1.0), 0.0)) for t in (bar.start, bar.end))
            x, wide = round(WIDTH * (start + 0.08 * (end - start))), round(0.84 * WIDTH * (end - start))
            for kind, km2 in (("gained", bar.gained), ("lost", bar.lost)):
                if km2:
                    drawn[kind] += (
                        f"M{x} 50h{wide}v{(-50 if kind == 'gained' else 50) * km2 / one.highest:.1f}h-{wide}z"
                    )
            if bar.gained is None:
                drawn["gap"] += f"M{x} 0h{wide}v100h-{wide}z"
        words = N_("Bars: gained (up) and lost (down) by month, {km2} km² at most.")
        if every == "week":
            words = N_("Bars: gained (up) and lost (down) by week, {km2} km² at most.")
        found[k] = {**drawn, "words": gettext(words, km2=figure(one.highest))}
    return found


def _base(content: MapContent) -> dict[str, Any]:
    base = basemap.with_extract(basemap.cut(content.reach), content.extract)
    if content.outlines:
        base["admin1"] = []  # the archive's own units are drawn instead
    return base


def _current(status: str | Sequence[str] | None) -> list[str]:
    wanted = STATUSES if status is None else [status] if isinstance(status, str) else status
    return [name for name in wanted if status_of(name).is_current]


def _still(content: MapContent, base: dict[str, Any] | None) -> str:
    coarse = base and basemap.coarser(base, content.bounds)
    around = map_drawing.basemap_svg(content.bounds, content.outlines, coarse)
    return map_drawing.draw_static_svg(content, around=around)


def _instants(
    archive: Archive, source: str, from_: When | None, to: When | None, as_known_on: When | None
) -> list[datetime]:
    depicts = archive.reader.snapshots(source, as_known_on=as_known_on or FAR)["depicts"]
    low = to_instant(from_) if from_ is not None else None
    high = last_instant(to) if to is not None else None
    found = sorted({parse_instant(d) for d in depicts})
    return [i for i in found if (low is None or i >= low) and (high is None or i <= high)]


def _charted(parts: Sequence[Part]) -> int:
    """The class whose curve is shown first: of the first source's held ground the one that moved most."""
    held = [k for k, p in enumerate(parts) if status_of(p.key[1]).is_held and p.source == parts[0].source]
    return max(held or range(len(parts)), key=lambda k: float(np.nansum(parts[k].track.gained + parts[k].track.lost)))


def _content(
    archive: Archive, parts: Sequence[Part], box: basemap.Box, title: str, options: MapOptions, place: str,
    credits: Sequence[str],
) -> MapContent:  # fmt: skip
    """The last date as the still picture shows it, and the box in which all dates lie."""
    bounds, limits = basemap.padded(box, 0.06), basemap.padded(box)
    reach = basemap.wide(basemap.reach_of(limits), bounds)
    extract = extract_of(archive, bounds, options)
    classes = [StyledLayer(p.strand.label, p.strand.symbol, [] if p.last is None else [p.last], []) for p in parts]
    return MapContent(
        title=title, subtitle="", date="", lang=options.lang, classes=classes, changes=[], figures=[], since=None,
        markers=[], place=place, credits=[*credits, *extract_credit(extract)], extract=extract[0],
        draw_basemap=options.draw_basemap, **extent_of(archive, bounds, limits, reach),
    )  # fmt: skip


def _box(parts: Sequence[Part]) -> tuple[basemap.Box, bool]:
    """Where the ground of all dates lies, and whether some of it lies so far off that this is left out."""
    held = [p for p in parts if status_of(p.key[1]).is_held]
    held = held or [p for p in parts if status_of(p.key[1]).is_current] or list(parts)
    first, whole = (_bounds([p.track.ledger for p in some]) for some in (held, parts))
    far = any(whole[i + 2] - whole[i] > 3 * (first[i + 2] - first[i]) for i in (0, 1))
    west, south, east, north = first if far else whole
    return (west, south, east, north), far


def _bounds(ledgers: Sequence[Ledger]) -> basemap.Box:
    positions = np.concatenate([ledger.edges.tails for ledger in ledgers])
    low, high = ((float(f(positions.real)), float(f(positions.imag))) for f in (np.min, np.max))
    return (*low, *high)


def _data(
    content: MapContent, packed: timeline_codec.PackedTimeline, parts: Sequence[Part], base: dict[str, Any] | None,
    own: Mapping[str, list[int]],
) -> dict[str, Any]:  # fmt: skip
    near = basemap.padded(content.bounds, 0.25)
    units = basemap.encode_lines(content.outlines, content.reach, near=near)
    beneath = {"basemap": base, "units": units, "places": map_drawing.places_data(content.places),
               "dots": map_drawing.dots_of(content.spans)}  # fmt: skip
    return {
        **map_drawing.map_data(content), "basemap": None, "ground": map_drawing.packed(beneath),
        "line_scale": basemap.scale_of(content.reach), "incidents": [],
        "dots": [map_drawing.dot_look(item) for item in content.spans],
        "film": {
            "bytes": base64.b64encode(packed.data).decode(), "still": content.bounds,
            "tracks": [_track_data(p) for p in parts], "sources": own,
        },
    }  # fmt: skip


def _track_data(part: Part) -> dict[str, Any]:
    strand = part.strand
    return {
        "label": strand.label, "source": strand.source, "pattern": strand.symbol.pattern, "edge": strand.symbol.edge,
        "weight": strand.symbol.weight, "dash": strand.symbol.dash,
        "changes": [look.pattern for _, look in strand.changes],
        "kinds": [[kind, len(list(run))] for kind, run in groupby(strand.kinds)],
    }  # fmt: skip


def _own_dates(own: Mapping[str, Sequence[datetime]], instants: Sequence[datetime]) -> dict[str, list[int]]:
    """Of several sources, the dates on which each has a snapshot, as steps between their numbers."""
    place = {instant: i for i, instant in enumerate(instants)}
    several = own if len(own) > 1 else {}
    return {name: np.diff([place[i] for i in listed], prepend=0).tolist() for name, listed in several.items()}


def _span(instants: Sequence[date]) -> str:
    first, last = written(instants[0]), written(instants[-1])
    return first if first == last else gettext("{first} to {last}", first=first, last=last)


def _subtitle(
    credits: Mapping[str, Mapping[str, str]], own: Mapping[str, Sequence[datetime]], as_known_on: When | None
) -> str:
    several = len(own) > 1
    told = [
        gettext("Source: {source}", source=credits[name]["title"] or name)
        + gettext("; ")
        + ngettext("{n} date with a snapshot", "{n} dates with a snapshot", len(listed))
        + (gettext(", ") + f"{_span([i.date() for i in listed])}." if several else ".")
        for name, listed in own.items()
        if listed
    ]
    known = known_words(as_known_on) if as_known_on is not None else ""
    return " ".join([*told, gettext("A snapshot stands until the next; nothing is interpolated.")]) + known


def _accuracy(packed: timeline_codec.PackedTimeline, parts: Sequence[Part]) -> str:
    """What rounding does, as measured on this very page."""
    off = max(
        float(np.nanmax(np.abs(np.nan_to_num(part.track.area) - drawn), initial=0.0))
        for part, drawn in zip(parts, packed.km2, strict=True)
    )
    return gettext(
        "Boundaries are drawn whole, with positions rounded to {step}°: none moves by more than {metres} m. Areas, net"
        " changes, and gains and losses from one snapshot to the next are measured on the source's own geometry; gains"
        " and losses over a longer span are measured in the browser on the drawn boundaries, whose areas differ from"
        " those figures by {km2} km² at most.",
        step=number(0.000001, 6),
        metres=number(max(packed.moved_m, 0.001), 3),
        km2=number(max(off, 0.0001), 4),
    )
