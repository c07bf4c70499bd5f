"""Charts: a series, its change by month, a claim held against one, and sources side by side, in panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from geo import __version__
from geo.archive import Archive
from geo.archive import figures as archive_figures
from geo.archive.comparisons import compare_span
from geo.archive.results import When
from geo.archive.shared_docs import described, from_one_state
from geo.claims.class_series import ClassSeries
from geo.claims.verdict import Finding
from geo.claims.wording import figure_words
from geo.errors import MapError, UsageError
from geo.output.images.chart_axes import PANELS, ChartText, Panel, save_panels
from geo.output.images.fonts import plain
from geo.output.images.themes import Shape, Theme, ThemeName, chosen, kind_of, legible
from geo.output.map_content import credit_of
from geo.presentation.chart_lines import BAR_TITLES, BAR_WORDS, ChartLine, change_bars, class_lines, scale_groups
from geo.presentation.labels import class_label, credit_line, figure, place_words, unit_name, written
from geo.presentation.language import gettext, in_language, ngettext
from geo.presentation.sides import side_colours
from geo.presentation.statuses import NOBODY, named, status_of
from geo.presentation.symbols import AGREED, SOURCE_COLOURS
from geo.presentation.titles import given_title, title_words
from geo.schema import Every, last_instant, parse_instant, text_or_none

ChartBy = Literal["unit", "month", "week"]


def _made() -> str:
    """How a chart was made."""
    ellipsoid = gettext("Areas on the WGS 84 ellipsoid, edges straight in longitude and latitude (RFC 7946).")
    return f"{ellipsoid} {gettext('Made with geo-control {version}.', version=__version__)}"


@in_language
@described
@from_one_state
def draw_chart(
    archive: Archive,
    path: str | Path,
    *,
    source: str | None = None,
    change: bool = False,
    by: ChartBy | Sequence[ChartBy] | None = None,
    controller: str | None = None,
    status: str | Sequence[str] | None = None,
    within: str | None = None,
    level: int | None = None,
    boundary: str | None = None,
    from_: When | None = None,
    to: When | None = None,
    as_known_on: When | None = None,
    title: str | None = None,
    lang: str = "en",  # noqa: ARG001  (for in_language)
    colours: Mapping[str, str] | None = None,
    shape: Shape = "slide",
    theme: ThemeName = "light",
) -> Path:
    """Draw the series of areas, or what changed by month, as PNG, SVG or PDF.

    Parameters
    ----------
    path : str or pathlib.Path
        A file that ends in ``.png``, ``.svg`` or ``.pdf``.
    within : str or None
        Keep to this unit, by code or name.
    change : bool
        Bars of what was gained and lost in each month, as `Archive.change` has it from the last map of one to the last
        of the next; a month without a map has no bar of its own, maps that are not comparable have a marked gap.
    by : {"unit", "month", "week"}, sequence of these or None
        ``"unit"``: a panel for each unit, the one that changed most first, each with a scale of its own. ``"week"``,
        with `change`: a bar for each week, from Monday. None is one panel, and bars by month.

    Returns
    -------
    pathlib.Path
        The file. Areas are in km² on WGS 84, as `Archive.series` has them; the same input gives the same bytes.

    Raises
    ------
    ArchiveError, GateError, MapError, NoSnapshotError, SourceError, UnitError, UsageError

    Examples
    --------
    >>> geo.draw_chart(archive, "chart.svg", status="held").name
    'chart.svg'
    """
    colouring = chosen(shape, theme)[1]
    target = Path(path)
    kind_of(target)
    by_unit, every = _kinds(by, change=change)
    name = archive.source_name(source)
    if change and status is None:
        status = named(is_held=True)
    frame = archive_figures.series(
        archive, source=name, controller=controller, status=status, within=within, by="unit" if by_unit else None,
        level=level, boundary=boundary, from_=from_, to=to, every=every, as_known_on=as_known_on,
    )  # fmt: skip
    if frame.empty or not (frame["area_km2"] > 0).any():
        raise MapError(f"nothing to draw: {name} has no such ground in that span (geo series shows what there is)")
    sides = side_colours(archive.controllers(as_known_on=as_known_on), colours=colours)
    panels, left = _panels(archive, frame, sides, colouring, PANELS[shape], every)
    if not panels:
        raise MapError(f"nothing to draw: no ground of {name} changed in that span that two maps can be compared for")
    text = _chart_text(archive, name, frame, panels, left, every, within=within, boundary=boundary, title=title)
    return save_panels(panels, text, target, shape=shape, theme=theme)


def _kinds(by: ChartBy | Sequence[ChartBy] | None, *, change: bool) -> tuple[bool, Every | None]:
    """Whether there is a panel for each unit, and by what the bars of change are."""
    listed = [by] if isinstance(by, str) else list(by or ())
    unknown = [one for one in listed if one not in get_args(ChartBy)]
    if unknown:
        raise UsageError(f"by={unknown[0]!r} is unknown: 'unit', or with change=True (--change) 'month' or 'week'")
    times = [one for one in listed if one != "unit"]
    if len(times) > 1 or (times and not change):
        raise UsageError(f"by={times!r}: bars of change (change=True, --change) are by month or by week")
    return "unit" in listed, (times[0] if times else "month") if change else None


def _panels(
    archive: Archive, frame: pd.DataFrame, sides: Mapping[str, str], theme: Theme, grid: tuple[int, int],
    every: Every | None,
) -> tuple[list[Panel], list[Panel]]:  # fmt: skip
    """The panels of each unit, that which changed most first, and those for which there is no room."""
    units = archive.units()
    names = dict(zip(units["unit"], units["name"], strict=True))
    found = []
    units_of = np.array([text_or_none(u) or "" for u in frame["unit"]], dtype=object)
    for unit in dict.fromkeys(units_of):
        rows = frame[units_of == unit]
        name = plain(unit_name(unit, names.get(unit, unit)))
        drawn = _lines(rows, sides, theme) if every is None else _bars(rows, sides, theme, every)
        found += [replace(panel, name=": ".join(filter(None, [name, panel.name]))) for panel in drawn]
    if every is not None and len({panel.bars.label for panel in found if panel.bars}) == 1:  # the title says it
        found = [
            replace(panel, name=panel.name.removesuffix(panel.bars.label).removesuffix(": "))
            for panel in found
            if panel.bars
        ]
    found.sort(key=lambda panel: -panel.changed())
    most = grid[0] * grid[1]
    return found[:most], found[most:]


def _lines(rows: pd.DataFrame, sides: Mapping[str, str], theme: Theme) -> list[Panel]:
    """A panel of lines, or one for each line where the change of one would not be seen beside another."""
    found = class_lines(rows, sides)
    lines = [replace(line, label=plain(line.label), colour=legible(line.colour, theme)) for line in found]
    alone = not any(map(text_or_none, rows["unit"]))
    groups = scale_groups(lines) if lines and alone else [lines] if lines else []
    return [Panel(group[0].label if len(groups) > 1 else "", group) for group in groups]


def _bars(rows: pd.DataFrame, sides: Mapping[str, str], theme: Theme, every: Every) -> list[Panel]:
    """A panel of bars for each class that changed."""
    found = change_bars(rows, sides, every)
    return [Panel(plain(one.label), bars=replace(one, colour=legible(one.colour, theme))) for one in found]


def _chart_text(
    archive: Archive, name: str, frame: pd.DataFrame, panels: Sequence[Panel], left: Sequence[Panel],
    every: Every | None, *, within: str | None, boundary: str | None, title: str | None,
) -> ChartText:  # fmt: skip
    whom = credit_of(archive, name)
    shown = whom["title"] or name
    dates = sorted(set(frame["date"]))
    first, last = (written(d[:10]) for d in (dates[0], dates[-1]))
    place = ""
    if within is not None:
        unit = archive.unit(within, boundary=boundary).iloc[0]
        place = place_words(unit)
    many = ngettext("{n} snapshot", "{n} snapshots", len(dates)) if len(dates) > 1 else gettext("one snapshot")
    notes = [text.strip() for text in frame.attrs.get("notes", ())]
    if left:
        listed = ", ".join(gettext("{name} (at most {km2} km²)", name=p.name, km2=figure(p.highest())) for p in left)
        notes.append(gettext("Not drawn: {units}", units=listed))
    credit = credit_line(whom) or shown
    units = archive.units()
    sets = units[units["unit"].isin({u for u in map(text_or_none, frame["unit"]) if u})]["boundary"]
    if len(sets):
        credit += ". " + gettext("Units: {boundary}", boundary=gettext(boundary or sets.iloc[-1]))
    span = gettext("{first} to {last}", first=first, last=last)
    said = gettext(
        "Area in km². Source: {source}; {snapshots}, ticks below. A figure stands until the next snapshot.",
        source=shown,
        snapshots=many,
    )
    own = title_words(place, shown, span)
    if every is not None:
        said = f"{gettext(BAR_WORDS[every])} {gettext('Source: {source}', source=shown)}."
        own = gettext(BAR_TITLES[every], place=place, span=span)
        labels = {panel.bars.label for panel in panels if panel.bars}
        own = f"{labels.pop()}. {own}" if len(labels) == 1 else own
    return ChartText(
        title=given_title(title, own),
        subtitle=said,
        notes=notes,
        credit=gettext("Control: {credit}.", credit=credit) + " " + _made(),
    )


_MONTHS_SHOWN = 400  # days before the claim's: a series of years would hide what it is about


def draw_claim(archive: Archive, finding: Finding, path: str | Path) -> Path:
    """Draw the series that a claim was held against as PNG, SVG or PDF, a panel for each source."""
    claim = finding.claim
    if finding.span is None or finding.date is None or not finding.series:
        raise MapError("the claim was not held against a series of areas: there is nothing to draw")
    if claim.quantity not in ("held", "share retaken"):
        raise MapError(f"{claim.quantity} is not drawn over time: ground held and shares retaken are")
    sources = list(dict.fromkeys(s.source for s in finding.series))
    panels = [_panel(archive, finding, name) for name in sources]
    credits = gettext("; ").join(credit_line(credit_of(archive, s)) for s in sources)
    of = gettext(", of the most up to that day") if claim.quantity == "share retaken" else ""
    boundary = finding.place.boundary if finding.place else ""
    units = " " + gettext("Units: {boundary}.", boundary=boundary) if boundary else ""
    side = claim.against if claim.quantity == "share retaken" else claim.controller
    text = ChartText(
        title=f"“{claim.text.strip()}”",
        subtitle=gettext(
            "Ground of {side} in km² by each source up to {date}. Shaded: what agrees with {figure}{of}.",
            side=side or gettext("the side"),
            date=written(finding.date[:10]),
            figure=figure_words(claim),
            of=of,
        ),
        notes=[gettext("Upright line: the day of the claim"), *(n[:1].upper() + n[1:] for n in finding.notes)],
        credit=gettext("Control: {credit}.", credit=credits) + f"{units} {_made()}",
    )
    return save_panels(panels, text, Path(path), shape="slide", theme="light")


def _panel(archive: Archive, finding: Finding, source: str) -> Panel:
    mine = [s for s in finding.series if s.source == source]
    day = last_instant(str(finding.date))
    lines = [_line(archive, finding, series) for series in mine]
    name = archive.reader.title(source)
    return Panel(name, [line for line in lines if line.times], _band(finding, mine[0]), day.replace(tzinfo=None))


def _line(archive: Archive, finding: Finding, series: ClassSeries) -> ChartLine:
    day = last_instant(str(finding.date))
    claim = finding.claim
    side = (claim.against if claim.quantity == "share retaken" else claim.controller) or ""
    shown = [i for i, t in enumerate(series.times) if t <= day and (day - t).days <= _MONTHS_SHOWN]
    colour = side_colours(archive.controllers()).get(side, NOBODY)
    part = f" ({series.part})" if series.part else ""
    return ChartLine(
        label=" + ".join(map(gettext, series.statuses)) + part, colour=colour,
        dash=status_of(series.statuses[-1]).chart_dash,
        times=[series.times[i].replace(tzinfo=None) for i in shown], km2=[series.values[i] for i in shown],
    )  # fmt: skip


def _band(finding: Finding, series: ClassSeries) -> tuple[float, float] | None:
    """The km² that agree with a claim, by one series."""
    span, day = finding.span, last_instant(str(finding.date))
    assert span is not None
    if finding.claim.quantity == "share retaken":
        most = max((v for t, v in zip(series.times, series.values, strict=True) if t <= day), default=0.0)
        return most * (1 - min(span.high, 100.0) / 100), most * (1 - span.low / 100)
    if finding.claim.value_unit == "percent":
        whole = series.place.area_km2 or 0.0
        return whole * span.low / 100, whole * span.high / 100
    return span.low, span.high


_DISPUTED = "#c51b7d"


@in_language
def draw_comparison_chart(
    archive: Archive, path: str | Path, *, from_: When, to: When, sources: Sequence[str], title: str | None = None,
    lang: str = "en", shape: Shape = "slide", theme: ThemeName = "light", **asked: Any,  # noqa: ARG001  (for in_language)
) -> Path:  # fmt: skip
    """Draw sources side by side on every day of a span as PNG, SVG or PDF."""
    span, _ = compare_span(archive, from_, to, sources=sources, **asked)
    panels = [p for p in _compare_panels(archive, span) if p.lines]
    if not panels:
        raise MapError(f"none of {', '.join(sources)} has such ground in that span: nothing can be drawn")
    days = sorted(set(span["date"]))
    shown = [archive.reader.title(s) for s in sources]
    credits = gettext("; ").join(credit_line(credit_of(archive, s)) for s in sources)
    text = ChartText(
        title=title
        or gettext(
            "{sources}, {first} to {last}",
            sources=gettext(" and ").join(shown),
            first=written(days[0]),
            last=written(days[-1]),
        ),
        subtitle=gettext("Area in km² by each source, agreed on and in dispute. The sources are not merged."),
        notes=[n.strip() for n in span.attrs["notes"]],
        credit=gettext("Control: {credit}.", credit=credits) + f" {_made()}",
    )
    return save_panels(panels, text, Path(path), shape=shape, theme=theme)


def _compare_panels(archive: Archive, span: pd.DataFrame) -> list[Panel]:
    keys = [(text_or_none(c), str(s)) for c, s in zip(span["controller"], span["status"], strict=True)]
    several = len(set(keys)) > 1
    found = []
    for key in dict.fromkeys(keys):
        rows = span[[k == key for k in keys]]
        found.append(Panel(class_label(*key) if several else "", _compare_lines(archive, rows)))
    return found


def _compare_lines(archive: Archive, rows: pd.DataFrame) -> list[ChartLine]:
    lines, source_colours = [], iter(SOURCE_COLOURS)
    for (kind, by), group in rows.groupby(["kind", "said_by"], sort=False, dropna=False):
        km2 = [float(v) for v in group["area_km2"]]
        times = [parse_instant(d).replace(tzinfo=None) for d in group["date"]]
        if kind == "area":
            line = ChartLine(archive.reader.title(str(by)), next(source_colours), (), times, km2)
        elif kind == "agreed":
            line = ChartLine(gettext("Agreed"), AGREED, (4, 2), times, km2)
        else:
            line = ChartLine(gettext("In dispute"), _DISPUTED, (1, 1.2), times, km2)
        lines.append(line)
    return lines if any(max(line.km2) > 0 for line in lines) else []
