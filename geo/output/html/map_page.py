"""Dated maps: a folium.Map whose page needs no network and runs nothing from outside. The only door to folium."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import folium
from branca.element import CssLink, Element, Figure, JavascriptLink
from jinja2 import Template
from markupsafe import Markup

from geo.archive.shared_docs import described
from geo.errors import MapError
from geo.output.html import map_drawing
from geo.output.html.page import Added, PageParts, page_of, pins
from geo.output.map_content import MapContent, days_within, gather, has_points_alone, point_days, snapshot_days
from geo.output.map_options import MapKeywords, MapOptions, map_options, shares_options
from geo.presentation import basemap
from geo.presentation.templates import render, templates_folder
from geo.storage.atomic_write import write_page
from geo.workers import attempted, report_left_out, share_out

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.archive.results import When
    from geo.incidents.markers import Marker

# what folium's own popups and icons need, brought in only where somebody has added one
_ICONS = (
    "bootstrap", "awesome_markers", "bootstrap_css", "glyphicons_css", "awesome_markers_font_css",
    "awesome_markers_css", "awesome_rotate_css",
)  # fmt: skip
_PINS = re.compile(r"L\.(marker\(|geoJson\(|Icon\.Default)")
_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_NEEDS = {"$(": ("jquery",), "L.AwesomeMarkers": _ICONS}


class _Page(Figure):
    """The document around the map: put together, not compiled."""

    parts: PageParts
    tiles = ""

    def render(self, **kwargs: Any) -> str:
        for child in list(self._children.values()):
            child.render(**kwargs)
        script = self.script.render(**kwargs)
        self._bring_what_is_needed(script)
        if _PINS.search(script):
            script = pins() + script
        numbered = _numbering(self)
        name = next(c.get_name() for c in self._children.values() if isinstance(c, PageMap))
        parts = replace(self.parts, data={**self.parts.data, "map": numbered(name)})
        added = (Markup(numbered(t)) for t in (_header(self), self.html.render(**kwargs), script))  # noqa: S704
        page, outside = page_of(parts, added=Added(*added), tiles=self.tiles)
        if outside or self.tiles:
            listed = ", ".join([*outside, *([self.tiles] if self.tiles else [])])
            warnings.warn(
                f"this page now loads from other hosts what was added to it: {listed}", UserWarning, stacklevel=2
            )
        return page

    def _bring_what_is_needed(self, script: str) -> None:
        wanted = {name for sign, names in _NEEDS.items() if sign in script for name in names}
        links = ((folium.Map.default_js, JavascriptLink), (folium.Map.default_css, CssLink))
        for listed, link in links:
            for name, url in listed:
                if name in wanted or name.replace("-", "_") in wanted:
                    self.header.add_child(link(url), name=name)


class PageMap(folium.Map):
    """A map on a page of our own; whoever makes one gives its root (`page`) its parts."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012  (folium's own way of saying it)
    default_css: list[tuple[str, str]] = []  # noqa: RUF012
    _template = Template(
        "{% macro html(this, kwargs) %}"
        '<div class="folium-map" id="{{ this.get_name() }}"></div>'
        "{% endmacro %}"
        "{% macro script(this, kwargs) %}"
        'var {{ this.get_name() }} = L.map("{{ this.get_name() }}", '
        "{center: {{ this.location|tojson }}, zoom: 6, zoomSnap: 0.25, maxBoundsViscosity: 0.8});"
        "{% endmacro %}"
    )

    def __init__(self, bounds: basemap.Box, *, tiles: Any = None) -> None:
        west, south, east, north = bounds
        super().__init__(location=[(south + north) / 2, (west + east) / 2], tiles=None)
        self.page = _Page()
        self.page.add_child(self)
        self._children.pop("global_switches", None)
        if tiles is not None:
            layer = tiles if isinstance(tiles, folium.TileLayer) else _tile_layer(tiles)
            layer.add_to(self)
            self.page.tiles = _tile_host(layer)

    def _repr_html_(self, **kwargs: Any) -> str:
        """For notebooks: the page in a frame that sees nothing of the notebook."""
        return str(render("frame.html", page=self.page.render(**kwargs), title=self.page.parts.title))


class ControlMap(PageMap):
    """A dated map of control. Add folium layers to it as to any other map; `geo.save_map` writes it."""

    def __init__(self, content: MapContent, *, tiles: Any = None, templates: Path | None = None) -> None:
        super().__init__(content.bounds, tiles=tiles)
        self.content = content
        ground = map_drawing.base_layer(content.ground)
        self.page.parts = _parts(content, ground, self.page.tiles, templates)


@shares_options()
def draw_map(
    archive: Archive,
    date: When | None = None,
    *,
    tiles: Any = None,
    **shown: Unpack[MapKeywords],
) -> folium.Map:
    """Draw who held what on a date.

    Parameters
    ----------
    tiles : xyzservices.TileProvider, str, folium.TileLayer or None
        Map tiles from a server instead of the shipped basemap; the page then needs the network, and says so.

    Returns
    -------
    folium.Map
        EPSG:4326 data on Leaflet's EPSG:3857 map. The same input gives the same page, byte for byte.

    Raises
    ------
    ArchiveError, GateError, MapError, NoSnapshotError, SourceError, UnitError, UsageError

    Examples
    --------
    >>> page = geo.draw_map(archive, "2025-01-11", since="2024-11-23", draw_basemap=False)
    >>> geo.save_map(page, "map.html").name
    'map.html'
    """
    options = map_options(draw_map, shown)
    content = gather(archive, date, options)
    if tiles is not None:
        content = replace(content, draw_basemap=False)
    return ControlMap(content, tiles=tiles, templates=templates_folder(options.templates))


@described
def draw_maps(
    archive: Archive,
    folder: str | Path,
    *,
    from_: When | None = None,
    to: When | None = None,
    source: str | None = None,
    since: When | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Callable[..., None] | None = None,
    **options: Any,
) -> Iterator[Path]:
    """Write a dated map for every day that has a snapshot: ``folder/DATE.html``.

    Parameters
    ----------
    folder : str or pathlib.Path
        It is made where there is none.
    since : str, date, datetime or None
        None shows each day what changed since the day before it that has a snapshot.
    **options
        As `draw_map`.

    Yields
    ------
    pathlib.Path
        Every page, once it is written.

    Raises
    ------
    ArchiveError, GateError, SourceError
    MapError
        No day of the span has a snapshot, a page cannot be written, or days could not be drawn: they are named once
        all others are.

    Examples
    --------
    >>> [path.name for path in geo.draw_maps(archive, "maps", from_="2025-01-01", draw_basemap=False)]
    ['2025-01-11.html']
    """
    with archive.holding():
        alone = has_points_alone(archive, source)
        name = source or "" if alone else archive.source_name(source)
        if alone:
            narrow = {k: v for k, v in options.items() if k in _NARROWS}
            days = point_days(archive, MapOptions(source=source, **narrow))
        else:
            days = snapshot_days(archive, name, options.get("as_known_on"))
        chosen = days_within(days, from_, to, name)
        earlier = {} if alone else dict(pairwise(reversed(days)))
        before = {day: since if since is not None else earlier.get(day) for day in chosen}
        if since is None:
            options.setdefault("view", "ground")  # not another view every day
        if options.get("liberated") is None and any(before.values()):
            options["liberated"] = False  # the first day as those that show a change
        work = [(day, None if before[day] is None else str(before[day])) for day in chosen]
        drawn = partial(attempted, done=partial(_draw_day, source=name, options=options))
        own = [Path(options["templates"]).absolute()] if options.get("templates") else []
        options["templates"] = own[0] if own else None
        pages = share_out(drawn, work, workers=workers, scheduler=scheduler, archive=archive, files=own)
        failed: dict[date, Exception] = {}
        for done, (page, day) in enumerate(zip(pages, chosen, strict=True), start=1):
            if isinstance(page, Exception):
                failed[day] = page
            else:
                yield write_page(page, Path(folder) / f"{day}.html")
            if progress is not None:
                progress(done, len(chosen), str(day))
        report_left_out(failed, of=len(chosen))


_NARROWS = ("as_known_on", "within", "event_type", "verification", "dataset", "settlements")  # which are meant


def _draw_day(archive: Archive, day: date, since: str | None, *, source: str, options: Mapping[str, Any]) -> str:
    page = draw_map(archive, day.isoformat(), source=source, since=since, **options)
    return str(page.get_root().render())


# endings under which a page would open as a broken picture or document
_PICTURES = (".png", ".svg", ".pdf", ".jpg", ".jpeg", ".gif", ".mp4", ".docx", ".pptx")


def save_map(page: folium.Map, path: str | Path) -> Path:
    """Write a map's page in one step.

    Parameters
    ----------
    page : folium.Map
        As `draw_map` gives it, with whatever was added to it.
    path : str or pathlib.Path
        An HTML file; its folder is made where there is none.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    MapError
        The file cannot be written, or its name is a picture's.

    Examples
    --------
    >>> geo.save_map(geo.draw_map(archive, "2025-01-11", draw_basemap=False), "maps/kursk.html").name
    'kursk.html'
    """
    if Path(path).suffix.lower() in _PICTURES:
        other = Path(path).with_suffix(".html").name
        raise MapError(f"{path}: a page is an HTML file, such as {other}; geo picture draws .png, .svg and .pdf")
    return write_page(page.get_root().render(), Path(path))


def _parts(content: MapContent, ground: map_drawing.BaseLayer, tiles: str, templates: Path | None) -> PageParts:
    data = {
        **map_drawing.map_data(content), "ground": ground.packed,
        "classes": [map_drawing.class_data(item) for item in content.drawn_classes],
        "changes": [map_drawing.class_data(item) for item in content.changes],
        "shapes": map_drawing.packed(map_drawing.shapes_of(content)),
        "front": None if content.front is None else {"label": content.front_label, "facts": content.front_facts},
        "dots": [map_drawing.dot_look(item) for item in content.spans or content.settlements],
        "incidents": [] if content.crowd else [_incident(s) for s in content.markers],
        "crowd": _crowd(content.crowd) if content.crowd else None,
    }  # fmt: skip
    snapshots = sorted({name for r in content.figures for name in (r["snapshot"], r.get("from_snapshot")) if name})
    values = map_values(content, ground, tiles=tiles) | {
        "snapshots": snapshots,
        "notes": [*filter(None, [content.left_out]), *content.notes],
        "incidents": content.incident_list, "still": map_drawing.draw_static_svg(content, around=ground.around),
    }  # fmt: skip
    return PageParts("map.html", content.title, values, data, templates)


def _incident(marker: Marker) -> dict[str, Any]:
    return {
        "lat": marker.lat, "lon": marker.lon, "radius": marker.radius_m, "kind": marker.kind,
        "region": marker.area_name, "title": marker.title, "facts": list(marker.facts),
        "days": " ".join(marker.days),
    }  # fmt: skip


def _crowd(markers: Sequence[Marker]) -> str:
    """Very many incidents, packed: each text once, and for each incident its place and the numbers of its texts."""
    texts: dict[str, int] = {}

    def numbered(text: str) -> int:
        return texts.setdefault(text, len(texts))

    rows = [
        [round(m.lat, 5), round(m.lon, 5), m.radius_m, numbered(m.kind), numbered(m.area_name), numbered(m.title),
         numbered(" ".join(m.days)), *(numbered(text) for fact in m.facts for text in fact)]
        for m in markers
    ]  # fmt: skip
    return map_drawing.packed({"texts": list(texts), "rows": rows})


def map_values(content: MapContent, ground: map_drawing.BaseLayer | None, *, tiles: str = "") -> dict[str, Any]:
    """What every page with a map shows around it; without `ground` its credits are those of the basemap."""
    credits = basemap.credits()
    looks = {item.symbol.pattern: item.symbol.svg for item in (*content.classes, *content.changes)}
    return {
        "map": content, "legend": content.legend, "subtitle": content.subtitle,
        "patterns": Markup("".join(looks.values())),  # noqa: S704  (our palette)
        "credits": list(content.credits), "boundary": content.boundary, "tiles": tiles, "has_map": True,
        "ground_credits": [credits["basemap"]] * (not ground or ground.is_mapped) + [credits["places"]],
    }  # fmt: skip


def _header(page: Figure) -> str:
    """What was added to the head, without the line that states the encoding: ours stands there already."""
    return "".join(child.render() for name, child in page.header._children.items() if name != "meta_http")


def _numbering(root: Element) -> Callable[[str], str]:
    """Number the elements in order of appearance: folium's own ids are random, and no page would equal another."""
    numbers: dict[str, str] = {}
    stack = [root]
    while stack:
        element = stack.pop(0)
        if element._id not in numbers:
            numbers[element._id] = f"{len(numbers):032x}"
            stack = [*element._children.values(), *stack]
    return lambda text: _ID.sub(lambda match: numbers.get(match[0], match[0]), text)


def _tile_layer(tiles: Any) -> folium.TileLayer:
    try:
        return folium.TileLayer(tiles)
    except ValueError as error:
        raise MapError(f"tiles {tiles!r}: {error}; give an xyzservices provider or a folium.TileLayer") from None


def _tile_host(layer: folium.TileLayer) -> str:
    """The host of a tile address as a policy names it: {s} stands for any subdomain."""
    address = str(layer.tiles)
    scheme, _, rest = address.partition("://")
    host = rest.split("/")[0].replace("{s}", "*")
    if scheme not in ("http", "https") or not re.fullmatch(r"(\*\.)?[\w.-]+(:\d+)?", host):
        raise MapError(f"tiles {address!r}: no address of a tile server (https://…/{{z}}/{{x}}/{{y}}.png)")
    return f"{scheme}://{host}"
