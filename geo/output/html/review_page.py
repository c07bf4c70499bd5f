"""The review page: a briefing's text with the words behind every draft, and the map, side by side; no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely

from geo.archive import Archive
from geo.archive.results import row_at, rows_of
from geo.claims.wording import claim_words
from geo.errors import MapError, NoSnapshotError, SourceError, UnitError
from geo.extraction.briefing import Draft, Reading
from geo.extraction.event_merging import Span
from geo.formats.geojson import read_json
from geo.incidents.markers import Marker, marker_of
from geo.output.html import map_drawing
from geo.output.html.map_page import PageMap, map_values
from geo.output.html.page import PageParts
from geo.output.map_content import MapContent, extent_of, gather
from geo.presentation import basemap
from geo.presentation.labels import written
from geo.presentation.language import N_, current, gettext, in_language, ngettext, plain_number, reworded
from geo.presentation.templates import templates_folder
from geo.schema import CRS
from geo.sources import shipped_units
from geo.units import find_unit

_WORLD: basemap.Box = (-30.0, -38.0, 150.0, 70.0)
_OUTLINE = 0.005  # degrees by which a region's outline may be off: it is no ground that is measured


@in_language
def draw_review(
    reading: Reading, *, archive: Archive | None = None, title: str | None = None, lang: str = "en",  # noqa: ARG001  (for in_language)
    templates: str | Path | None = None,
) -> PageMap:  # fmt: skip
    folder = templates_folder(templates)
    region = partial(_region, archive)
    markers = [_marker(draft, region) for draft in reading.incidents]
    content = _content(reading, markers, archive, title)
    ground = map_drawing.base_layer(content.ground)
    made = PageMap(content.bounds)
    made.page.parts = _parts(reading, markers, content, ground, folder)
    return made


def _marker(draft: Draft, region: Any) -> Marker | None:
    if draft.fields["latitude"] is None:
        return None
    row = {**draft.fields, "geometry": shapely.Point(draft.fields["longitude"], draft.fields["latitude"])}
    return marker_of(row, region)


def _region(archive: Archive | None, name: str) -> Mapping[Any, Any] | None:
    """A unit by its name: the archive's, else the package's own."""
    try:
        if archive is not None:
            return rows_of(archive.unit(name))[0]
        units = _units()
        return row_at(units, find_unit(units, name))
    except UnitError:
        return None


@cache
def _units() -> gpd.GeoDataFrame:
    features = [f for path in shipped_units() for f in read_json(path)["features"]]
    frame = gpd.GeoDataFrame.from_features(features, crs=CRS)
    for column in ("unit", "name", "name_local", "level", "boundary"):
        if column not in frame:
            frame[column] = None
    return frame


def _content(
    reading: Reading, markers: Sequence[Marker | None], archive: Archive | None, title: str | None
) -> MapContent:
    """What the map shows: the drafts, and under them the control of the day where the archive has it."""
    shown = [s for s in markers if s is not None]
    bounds = _bounds(shown)
    limits = basemap.padded(bounds)
    day = gettext("no date") if reading.dateline is None else written(reading.dateline)
    head = title or gettext("Drafts for review: {name}", name=reading.source.name)
    control = _control(reading, archive)
    drafts = ngettext("{n} draft", "{n} drafts", len(reading.incidents))
    claims = ngettext("{n} area claim", "{n} area claims", len(reading.claims))
    subtitle = gettext("{drafts} and {claims}; {day}.", drafts=drafts, claims=claims, day=day) + " "
    subtitle += gettext("Read from the text by rules, to be confirmed by a person: nothing of it is stored")
    subtitle += f". {control.subtitle}" if control else ""
    empty = MapContent(
        title=head, subtitle=subtitle, date=day, lang=current().code, classes=(), changes=(), figures=(), since=None,
        markers=shown, **extent_of(archive, bounds, limits),
        credits=(gettext("Places in the text: GeoNames, CC BY 4.0") + ", https://www.geonames.org/",),
    )  # fmt: skip
    if control is None:
        return empty
    return replace(empty, classes=control.classes, credits=(*control.credits[:1], *empty.credits))


def _control(reading: Reading, archive: Archive | None) -> MapContent | None:
    """The control of the day; None without an archive, a day, or one source to take it from."""
    if archive is None or reading.dateline is None:
        return None
    try:
        return gather(archive, reading.dateline, with_front=False, lang=current().code)
    except (NoSnapshotError, SourceError, MapError):
        return None


def _bounds(markers: Sequence[Marker]) -> basemap.Box:
    """Where the map opens: on the places; where there are only regions, on their middle."""
    if not markers:
        return _WORLD
    named = [s for s in markers if s.kind != "region"]
    xs, ys = [s.lon for s in named or markers], [s.lat for s in named or markers]
    room = 0.3 if named else 1.0
    box = (min(xs) - room, min(ys) - 0.7 * room, max(xs) + room, max(ys) + 0.7 * room)
    return basemap.outward(basemap.padded(box, 0.1))


def _parts(
    reading: Reading,
    markers: Sequence[Marker | None],
    content: MapContent,
    ground: map_drawing.BaseLayer,
    templates: Path | None,
) -> PageParts:
    bare = replace(content, markers=())
    data = {
        **map_drawing.map_data(content), "ground": ground.packed,
        "classes": [map_drawing.class_data(item) for item in content.drawn_classes], "changes": [],
        "shapes": map_drawing.packed(map_drawing.shapes_of(bare)), "front": None, "incidents": [],
        "review": {
            "drafts": [
                draft_data(draft, marker, _outlined(marker))
                for draft, marker in zip(reading.incidents, markers, strict=True)
            ],
            "claims": [[claim.text, claim_words(claim)] for claim in reading.claims],
            "text": pieces(reading),
        },
    }  # fmt: skip
    values = map_values(content, ground) | {
        "text_lang": reading.lang, "kinds": sorted({marker.kind for marker in content.markers}),
        # the numbers on this map are those of the drafts, so that their marks are explained by a list of its own
        "legend": bare.legend if content.classes else [],
        "still": map_drawing.draw_static_svg(content, around=ground.around),
    }  # fmt: skip
    if not ground.is_mapped:
        values["ground_credits"] = []
    return PageParts("review.html", content.title, values, data, templates)


def _outlined(marker: Marker | None) -> Any:
    """The outline of a region, simplified; None for a place or a circle."""
    if marker is None or marker.area is None:
        return None
    return map_drawing.rings([shapely.simplify(marker.area, _OUTLINE)])


# the fields that a card shows: words for it, the columns it is made of, whose words of the briefing stand behind it
_CARD = (
    (N_("What"), ("event_type", "sub_event_type"), "what"),
    (N_("Where"), ("where_coordinates", "adm_1", "country"), "where"),
    (N_("When"), ("date_start", "date_end"), "when"),
    (N_("Killed"), ("low", "best", "high"), "killed"),
    (N_("Injured"), ("injured_low", "injured_best", "injured_high"), "injured"),
    (N_("Captured"), ("captured",), "captured"),
    (N_("Abducted"), ("abducted",), "abducted"),
    (N_("Said by"), ("claimed_by",), "claimed_by"),
    (N_("Verification"), ("verification",), "verification"),
    (N_("Who acts"), ("actor1",), "actor1"),
    (N_("Upon whom"), ("actor2",), "actor2"),
    (N_("Notes"), ("notes",), ""),
)
# how the words of a field are marked
_MARKS = {
    "what": "what", "where": "where", "when": "when", "killed": "toll", "injured": "toll", "captured": "toll",
    "abducted": "toll", "claimed_by": "who", "verification": "check", "actor1": "who", "actor2": "who",
}  # fmt: skip
_PRECISION = {1: N_("day"), 2: N_("within a few days"), 3: N_("week"), 4: N_("month"), 5: N_("year")}
_WHERE = {
    1: N_("exact place"), 2: N_("near the place"), 3: N_("district"), 4: N_("region only"), 5: N_("line or sea"),
    6: N_("country only"),
}  # fmt: skip


def draft_data(draft: Draft, marker: Marker | None, rings: Any) -> dict[str, Any]:
    """A draft as the page's script takes it."""
    row = draft.fields
    at = (
        None
        if marker is None
        else {"lat": marker.lat, "lon": marker.lon, "radius": marker.radius_m, "kind": marker.kind}
    )
    place = row["where_coordinates"] or gettext("Place not known")
    return {
        "title": f"{place}: {_event(row) or gettext('kind not known')}",
        "type": _said(row["event_type"], "not known"),
        "verification": _said(row["verification"], "not stated"),
        "at": at,
        "rings": rings,
        "facts": [[gettext(words), _value(row, columns), _quote(draft, name)] for words, columns, name in _CARD],
        "table": [
            written(row["date_start"]) if row["date_start"] else "", row["where_coordinates"] or "", _event(row),
            count_words(row, ""), count_words(row, "injured_"), _number(row["captured"]), row["claimed_by"] or "",
            _said(row["verification"], "not stated"),
        ],
    }  # fmt: skip


def _event(row: Any) -> str:
    fine = row["sub_event_type"]
    return _said(row["event_type"] if fine in (None, "Other") else fine)


def _said(word: str | None, without: str = "") -> str:
    """A word of a list of ours in the language that is spoken; another where there is none."""
    return gettext(word or without)


def _quote(draft: Draft, name: str) -> list[str]:
    return list(dict.fromkeys(span.text.strip() for span in draft.spans.get(name, ())))


def _value(row: Any, columns: Sequence[str]) -> str:
    if columns[0] == "low":
        return count_words(row, "")
    if columns[0] == "injured_low":
        return count_words(row, "injured_")
    if columns[0] == "date_start":
        listed = list(dict.fromkeys(written(row[c]) for c in columns if row[c]))
        days = gettext("{first} to {last}", first=listed[0], last=listed[1]) if len(listed) > 1 else "".join(listed)
        precision = gettext(_PRECISION.get(row["date_prec"], "not known"))
        return f"{days} ({precision})" if days else gettext("not known")
    if columns[0] in ("event_type", "verification", "notes"):
        told = ", ".join(dict.fromkeys(reworded(gettext(row[c])) for c in columns if row[c] is not None))
    else:
        told = ", ".join(dict.fromkeys(_number(row[c]) for c in columns if row[c] is not None))
    if columns[0] == "where_coordinates":
        precision = gettext(_WHERE.get(row["where_prec"], N_("precision not known")))
        return f"{told} ({precision})" if told else gettext("not known")
    return told or ("" if columns == ("notes",) else gettext("not known"))


def _number(value: Any) -> str:
    return "" if value is None else plain_number(value) if isinstance(value, float) else str(value)


def count_words(row: Any, lead: str) -> str:
    """A count in words: ``4``, ``at least 3``, ``3 to 5``; "not known" is never 0."""
    low, best, high = (row[f"{lead}{name}"] for name in ("low", "best", "high"))
    if low is None and best is None and high is None:
        return gettext("not known")
    if low is not None and low == high:
        return plain_number(low)
    if low is None:
        said = N_("about {best}") if high is None else N_("up to {high}")
    else:
        said = N_("at least {low}") if high is None else N_("{low} to {high}")
    return gettext(
        said, **{k: plain_number(v) for k, v in (("low", low), ("best", best), ("high", high)) if v is not None}
    )


def pieces(reading: Reading) -> list[list[list[Any]]]:
    """The text as paragraphs of pieces: ``[words, [[draft, mark], …]]``; a claim is draft ``-1 - its number``."""
    marked = list(_marked(reading))
    starts: dict[int, list[tuple[int, str]]] = {}
    ends: dict[int, list[tuple[int, str]]] = {}
    for span, key in marked:
        starts.setdefault(span.start, []).append(key)
        ends.setdefault(span.end, []).append(key)
    text = reading.source.text
    breaks = {i for i, sign in enumerate(text) if sign == "\n"}
    edges = sorted({0, len(text), *starts, *ends, *breaks, *(b + 1 for b in breaks)})
    active: list[tuple[int, str]] = []
    found: list[list[list[Any]]] = [[]]
    for start, end in pairwise(edges):
        for key in ends.get(start, ()):
            active.remove(key)
        active += starts.get(start, ())
        if start in breaks:
            found.append([])
        else:
            found[-1].append([text[start:end], [list(key) for key in dict.fromkeys(active)]])
    return [paragraph for paragraph in found if paragraph]


def _marked(reading: Reading) -> Iterator[tuple[Span, tuple[int, str]]]:
    for number, draft in enumerate(reading.incidents):
        for name, spans in draft.spans.items():
            yield from ((span, (number, _MARKS[name])) for span in spans if span.end > span.start)
        yield from ((span, (number, "told")) for span in draft.sentences if span.end > span.start)
    for number, claim in enumerate(reading.claims):
        if claim.start is not None and claim.end is not None and claim.end > claim.start:
            yield Span(claim.start, claim.end, claim.text), (-1 - number, "claim")
