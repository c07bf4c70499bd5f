"""The words around a map: title, figures with their workings, legend, incidents, credits; HTML from escaped text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import shapely

from geo.incidents.markers import shared_words
from geo.output.html.page import LEAFLET_CREDIT
from geo.output.map_content import MapContent
from geo.presentation.html_text import escape
from geo.presentation.labels import class_label, figure, sentence, sliver_words
from geo.presentation.legend import LegendEntry, StyledLayer
from geo.presentation.symbols import Symbol
from geo.schema import text_or_none
from geo.version import __version__


def top(content: MapContent) -> str:
    """Title and the line under it, and the patterns that the page's pictures share."""
    patterns = "".join(item.symbol.svg for item in _distinct(content))
    return (
        f'<svg class="defs" aria-hidden="true" focusable="false"><defs>{patterns}</defs></svg>'
        f'<header><h1>{escape(content.title)}</h1><p class="dek">{escape(content.subtitle)}</p></header>'
    )


def side(content: MapContent) -> str:
    """Figures, legend, layers and incidents."""
    return f"<aside>{_figures(content)}{legend(content)}{toggles(content)}{incidents(content)}</aside>"


def bottom(content: MapContent, credits: Mapping[str, Mapping[str, str]] | None, *, tiles: str = "") -> str:
    """Credits and licences, and what the map's figures and lines rest on."""
    lines = list(content.credits)
    for name in ("basemap", "places"):
        if credits and name in credits:
            lines.append(f"{credits[name]['text'].rstrip('.')}. {credits[name]['url']}")
    if content.boundary:
        lines.append(
            f"Units: {content.boundary}. Borders are drawn as the named set has them; disputed lines are dashed"
        )
    if tiles:
        lines.append(f"Tiles: {tiles}")
    lines += [
        "Areas on the WGS 84 ellipsoid, edges straight in longitude and latitude (RFC 7946)."
        " The scale bar holds at the middle of the map",
        f"{LEAFLET_CREDIT}. Made with geo-control {__version__}",
    ]
    return "<footer>" + "".join(f"<p>{escape(line.rstrip('., '))}.</p>" for line in lines) + "</footer>"


def _distinct(content: MapContent) -> list[StyledLayer]:
    found = {item.symbol.pattern: item for item in (*content.classes, *content.changes)}
    return list(found.values())


def _figures(content: MapContent) -> str:
    since = content.since is not None
    changes = '<th scope="col">gained</th><th scope="col">lost</th><th scope="col">net</th>' if since else ""
    rows = "".join(_figure_row(row, since=since) for row in content.headlines)
    caption = f"km²{escape(content.place)} on {escape(content.date)}" + (
        f"; gained, lost and net since {escape(content.base)}" if since else ""
    )
    return (
        f'<section><h2>Key figures</h2><table><caption>{caption}</caption><thead><tr><th scope="col">Class</th>'
        f'<th scope="col">km²</th>{changes}</tr></thead><tbody>{rows}</tbody></table>{_workings(content)}</section>'
    )


def _figure_row(row: Mapping[str, Any], *, since: bool) -> str:
    label = _label(row)
    cells = f"<td>{figure(row['area_km2'])}</td>"
    if since:
        names = ("gained_km2", "lost_km2", "net_km2")
        cells += "".join(f"<td>{_signed(row.get(n), n)}</td>" for n in names)
    return f'<tr><th scope="row">{escape(label)}</th>{cells}</tr>'


def _label(row: Mapping[str, Any]) -> str:
    return class_label(text_or_none(row["controller"]), row["status"], row.get("part") or "")


def _signed(value: Any, name: str) -> str:
    if value is None or value != value:
        return "–"
    sign = "+" if name == "net_km2" and value > 0 else ""
    return escape(sign + figure(float(value)).replace("-", "−"))


def _workings(content: MapContent) -> str:
    """What each figure rests on, in words: the range that contested ground leaves, and the snapshots."""
    ranges = [
        f"{_label(r)}: {figure(r['lower_km2'])} km² by the source's own"
        f" class, {figure(r['upper_km2'])} km² with the contested ground of the same country"
        for r in content.headlines
        if r["upper_km2"] > r["lower_km2"]
    ]
    snapshots = sorted({name for r in content.figures for name in (r["snapshot"], r.get("from_snapshot")) if name})
    lines = [*ranges, "Snapshots: " + ", ".join(snapshots)] if snapshots else ["No ground of this source lies there"]
    lines += [*filter(None, [sliver_words(content.slivers, content.place)]), *content.notes]
    return "".join(f'<p class="workings">{escape(sentence(line))}</p>' for line in lines)


def swatch(symbol: Symbol) -> str:
    """A class's colour and pattern in a box, for a legend; the page has the pattern."""
    dash = f' stroke-dasharray="{symbol.dash}"' if symbol.dash else ""
    return (
        '<svg viewBox="0 0 38 23" aria-hidden="true"><rect x="1" y="1" width="36" height="21" '
        f'fill="url(#{symbol.pattern})" stroke="{symbol.edge}" stroke-width="1.5"{dash}/></svg>'
    )


_SHAPES = {
    "front": '<path d="M2 15c8-9 13 5 20-2s8-4 14-6" fill="none" stroke="var(--halo)" stroke-width="6"/>'
    '<path d="M2 15c8-9 13 5 20-2s8-4 14-6" fill="none" stroke="var(--ink)" stroke-width="3"/>',
    "place": '<circle cx="19" cy="11.5" r="6" fill="var(--incident)" stroke="var(--incident-edge)"/>',
    "several": '<circle cx="19" cy="11.5" r="10" fill="var(--incident)" stroke="var(--incident-edge)"/>'
    '<text x="19" y="15.5" text-anchor="middle" font-size="11" font-weight="700" fill="var(--incident-edge)">3</text>',
    "region": '<path d="M4 4l12-2 18 4-3 14-20 1z" fill="none" stroke="var(--incident)" stroke-dasharray="4 3"/>',
    "circle": '<circle cx="19" cy="11.5" r="9.5" fill="none" stroke="var(--incident)" stroke-dasharray="4 3"/>',
}


def legend_mark(entry: LegendEntry) -> str:
    """The mark of a legend's entry, as SVG."""
    if entry.symbol is not None:
        return swatch(entry.symbol)
    return f'<svg viewBox="0 0 38 23" aria-hidden="true">{_SHAPES[entry.mark]}</svg>'


def legend(content: MapContent) -> str:
    """What every line, colour and pattern of the map means."""
    marks = "".join(
        # only the live map gathers several incidents under one number
        ('<li class="controls">' if entry.mark == "several" else "<li>")
        + legend_mark(entry)
        + f"<span>{escape(entry.label)}</span></li>"
        for entry in content.legend
    )
    return f'<section><h2>Legend</h2><ul class="legend">{marks}</ul></section>'


def toggles(content: MapContent) -> str:
    """The switches of the map's layers."""
    names = [("control", "Control"), *([("changes", "Changes")] if content.changes else [])]
    names += [("front", "Front line")] if content.front is not None else []
    names += [("incidents", "Incidents")] if content.markers else []
    names += [("units", "Unit borders")] if content.outlines else []
    names.append(("places", "Place names"))
    boxes = "".join(
        f'<li><label><input type="checkbox" checked data-layer="{name}">{escape(words)}</label></li>'
        for name, words in names
    )
    return f'<section class="controls"><h2>Layers</h2><ul class="toggles">{boxes}</ul></section>'


def _views(content: MapContent) -> str:
    """Where incidents lie beyond what the map opens with: how many, and the way there and back."""
    view = shapely.box(*content.bounds)
    far = sum(s.count for s in content.markers if not view.intersects(s.area or shapely.Point(s.lon, s.lat)))
    if not far:
        return ""
    return (
        f'<p class="workings">{far} of {sum(s.count for s in content.markers)} lie outside the first view.</p>'
        '<p class="views"><button type="button" data-view="limits">Show all</button>'
        '<button type="button" data-view="bounds">First view</button></p>'
    )


def _filters(content: MapContent) -> str:
    """What narrows the incidents down: their days, what happened, how sure it is; each only where there is a choice."""
    if shared_words(content.markers):  # a mark that several share has no one day or event
        return ""
    facts = [dict(marker.facts) for marker in content.markers]
    days = sorted({day for f in facts for day in f.get("Date", "").split(" to ") if day})
    parts = []
    if len(days) > 1:
        field = '<label>{} <input type="date" data-filter="{}" value="{}" min="{}" max="{}"></label>'
        ends = (("From", "since", days[0]), ("to", "until", days[-1]))
        parts += [field.format(*end, days[0], days[-1]) for end in ends]
    for name in ("Event", "Verification"):
        values = sorted({f.get(name, "not stated") for f in facts})
        if len(values) > 1:
            choices = "".join(f'<option value="{escape(v)}">{escape(v)}</option>' for v in values)
            parts.append(
                f'<label>{name} <select data-filter="{name}"><option value="">all</option>{choices}</select></label>'
            )
    if not parts:
        return ""
    return (
        '<fieldset class="filters controls"><legend>Show only</legend>'
        f'{"".join(parts)}<output class="workings" role="status" data-shown></output></fieldset>'
    )


def incidents(content: MapContent) -> str:
    """The list of incidents, each a way to its place on the map."""
    if not content.markers:
        return ""
    items = []
    for i, marker in enumerate(content.markers):
        facts = dict(marker.facts)
        line = "; ".join(
            f"{k.lower()}: {facts[k]}"
            for k in ("Date", "Killed", "Injured", "Captured", "Verification", "Source")
            if facts.get(k, "not known") != "not known"
        )
        items.append(
            f'<li><button type="button" id="incident-{i}">{escape(marker.title)}</button>'
            f"<small>{escape(line)}</small></li>"
        )
    words = shared_words(content.markers)
    told = f'<p class="workings">{escape(words)}.</p>' if words else ""
    narrowed = told + _views(content) + _filters(content)
    return f'<section><h2>Incidents</h2>{narrowed}<ul class="incidents">{"".join(items)}</ul></section>'
