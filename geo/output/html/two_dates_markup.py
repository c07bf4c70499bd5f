"""The words and controls of a page of two dates: the divider, figures, what changed where, legend. HTML, escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from geo.archive.results import When
from geo.output.brief_tables import Section, known_number, label, signed
from geo.output.html import map_markup
from geo.output.html.map_markup import legend_mark
from geo.output.html.table_markup import section_html
from geo.output.map_content import MapContent
from geo.presentation.html_text import escape
from geo.presentation.labels import class_key, figure, written
from geo.schema import is_day, to_instant

_VIEW = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
_TALL = 0.7  # height over width from which two pictures stand side by side on paper


@dataclass(frozen=True)
class Side:
    """One of the two dates."""

    when: When
    snapshots: Sequence[str]
    depicts: Sequence[datetime]
    age_days: float
    figures: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Settlement:
    """A place whose ground is another side's, or another class, than before; None where the source marks nothing."""

    name: str
    lat: float
    lon: float
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Pair:
    """All that is said of two dates, the earlier first."""

    title: str
    shown: str
    sides: Sequence[Side]
    place: str
    known: str
    breaks: Sequence[str]
    units: Sequence[Section]
    settlements: Sequence[Settlement]
    own_places: bool
    has_units: bool


def top(content: MapContent, pair: Pair) -> str:
    """Title and the line under it, and the patterns that both halves and the still pictures share."""
    patterns = map_markup.top(content).partition("<header>")[0]
    told = "".join(f" {written(side.when)}: {_rests(side)}." for side in pair.sides)
    subtitle = f"Source: {pair.shown}.{told}{pair.known}"
    return f'{patterns}<header><h1>{escape(pair.title)}</h1><p class="dek">{escape(subtitle)}</p></header>'


def divider(pair: Pair) -> str:
    """What lies over the map: the name of each half, and the divider between them, a native slider."""
    names = "".join(
        f'<p class="half" id="half-{i}"><strong>{escape(written(side.when))}</strong>'
        + (f" <small>snapshot {_age(side)} older</small>" if side.age_days else "")
        + "</p>"
        for i, side in enumerate(pair.sides)
    )
    views = (
        '<span class="views"><button type="button" data-view="bounds">What changed</button>'
        '<button type="button" data-view="whole">All of it</button></span>'
    )
    return (
        f'<div class="swipe" id="swipe">{names}<div class="divider" id="divider"></div>'
        '<input type="range" id="slider" aria-label="Divider: how much of the map shows the earlier date" min="0" '
        'max="100" step="0.1" value="50" autocomplete="off"></div>'
        '<div class="bar"><span>Drag the divider, or move it with the arrow keys.</span>'
        f'{views}<a id="link" href="#50">Link to this view</a></div>'
    )


def side(content: MapContent, pair: Pair) -> str:
    """Figures of both dates, what changed by unit, settlements, legend and layers."""
    units = "".join(section_html(s) for s in pair.units)
    return f"<aside>{_figures(pair)}{_legend(content, pair)}{units}{_settlements(pair)}</aside>"


def stills(pair: Pair, pictures: Sequence[str]) -> str:
    """Both dates as pictures, each with its name: for print, and for readers without scripts."""
    first = written(pair.sides[0].when)
    extra = ("", f", with the ground gained and lost since {first}")
    return "".join(
        f'<figure class="one{_is_tall(picture)}"><figcaption><strong>{escape(written(side.when))}</strong>'
        f"{escape(more)}. {escape(pair.shown)}, {escape(_rests(side))}.</figcaption>{picture}</figure>"
        for side, picture, more in zip(pair.sides, pictures, extra, strict=True)
    )


def _is_tall(picture: str) -> str:
    size = _VIEW.search(picture)
    return " tall" if size and float(size[2]) > _TALL * float(size[1]) else ""


# -- parts --------------------------------------------------------------------------------------------------------


def _rests(side: Side) -> str:
    """The snapshot that a date rests on, in words."""
    moments = sorted({written(d.date() if d == to_instant(d.date()) else d) for d in side.depicts})
    old = f", {_older(side)}" if side.age_days else ""
    return f"snapshot depicting {', '.join(moments)}{old}"


def _older(side: Side) -> str:
    return f"{_age(side)} before"


def _age(side: Side) -> str:
    """How old the snapshot is: whole hours below two days, then whole days."""
    hours = max(round(24 * side.age_days), 1)
    number, unit = (hours, "hour") if hours < 48 and hours % 24 else (round(hours / 24), "day")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _short(when: When) -> str:
    moment = to_instant(when)
    day = f"{moment.day} {moment:%b} {moment.year}"
    return day if is_day(when) else f"{day} {moment:%H:%M}"


def _figures(pair: Pair) -> str:
    before = {class_key(row): row for row in pair.sides[0].figures}
    now = pair.sides[1].figures
    rows = "".join(_figure_row(before.get(class_key(row)), row) for row in now)
    heads = "".join(
        f'<th scope="col">{escape(words)}</th>'
        for words in ("Class", *(_short(side.when) for side in pair.sides), "gained", "lost", "net")
    )
    first, last = (written(side.when) for side in pair.sides)
    caption = f"km²{pair.place} on both dates; gained, lost and net from {first} to {last}. Source: {pair.shown}"
    table = f"<table><caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    if not rows:
        table = f'<p class="workings">No ground of this source lies there on either date: {escape(pair.shown)}.</p>'
    notes = "".join(f'<p class="workings">{escape(text)}</p>' for text in _workings(pair))
    return f'<section><h2>Key figures</h2><div class="scroll">{table}</div>{notes}</section>'


def _figure_row(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> str:
    cells = [figure(0.0 if before is None else before["area_km2"]), figure(now["area_km2"])]
    cells += [signed(now[k], plus=k == "net_km2") if known_number(now.get(k)) else "–"
              for k in ("gained_km2", "lost_km2", "net_km2")]  # fmt: skip
    return f'<tr><th scope="row">{escape(label(now))}</th>' + "".join(f"<td>{escape(c)}</td>" for c in cells) + "</tr>"


def _workings(pair: Pair) -> Iterator[str]:
    """What the figures rest on: the range that contested ground leaves, breaks of the series, and the snapshots."""
    for side in pair.sides:
        for row in side.figures:
            if figure(row["upper_km2"]) != figure(row["lower_km2"]):
                yield (
                    f"{label(row)} on {written(side.when)}: {figure(row['lower_km2'])} km² by the source's own class,"
                    f" {figure(row['upper_km2'])} km² with the contested ground of the same country."
                )
    yield from (f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in pair.breaks)
    names = [", ".join(side.snapshots) for side in pair.sides]
    if names[0] == names[1]:
        yield f"Both dates rest on the same snapshot, {names[0]}: nothing between them can be told."
    else:
        yield f"Gained and lost are gross. Snapshots: {names[0]}; {names[1]}."


def _legend(content: MapContent, pair: Pair) -> str:
    marks = ""
    for entry in content.legend:
        row = f"{legend_mark(entry)}<span>{escape(entry.label)}</span>"
        if entry.mark == "change":
            switch = f'<input type="checkbox" data-layer="moved-{entry.layer}" autocomplete="off">'
            row = f"<label>{switch}{row}</label>"
        marks += f"<li>{row}</li>"
    layers = [("units", "Unit borders")] if pair.has_units else []
    boxes = "".join(
        f'<li><label><input type="checkbox" checked data-layer="{name}" autocomplete="off">'
        f"<span>{words}</span></label></li>"
        for name, words in (*layers, ("places", "Place names"))
    )
    return (
        f'<section><h2>Legend and layers</h2><ul class="legend switches">{marks}</ul>'
        f'<ul class="toggles controls">{boxes}</ul></section>'
    )


def _settlements(pair: Pair) -> str:
    first, last = (written(side.when) for side in pair.sides)
    whose = "of the file given" if pair.own_places else "of the basemap"
    head = '<section id="places"><h2>Settlements that changed hands</h2>'
    rests = f"{pair.shown}, snapshots {'; '.join(', '.join(side.snapshots) for side in pair.sides)}"
    if not pair.settlements:
        said = f"None of the places {whose} changed hands from {first} to {last}, by {rests}."
        return f'{head}<p class="workings">{escape(said)}</p></section>'
    rows = "".join(
        f'<tr><th scope="row"><button type="button" data-place="{i}">{escape(s.name)}</button></th>'
        + "".join(f'<td class="word">{escape(ground or "not marked")}</td>' for ground in (s.before, s.after))
        + "</tr>"
        for i, s in enumerate(pair.settlements)
    )
    heads = "".join(f'<th scope="col" class="word">{escape(_short(side.when))}</th>' for side in pair.sides)
    caption = f"Places {whose}, each by one point. Not marked: no polygon of the source stands there. {rests}."
    return (
        f'{head}<div class="scroll long" tabindex="0" role="region" aria-label="Settlements that changed hands"><table>'
        f'<caption>{escape(caption)}</caption><thead><tr><th scope="col">Place</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )
