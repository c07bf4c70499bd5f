"""Sources side by side as a page: agreed ground, what each says alone, and the figures, with no merged layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from geo.archive import Archive
from geo.archive.comparisons import Comparison
from geo.archive.results import When
from geo.archive.shared_docs import described, from_one_state
from geo.errors import MapError
from geo.measure.coverage import NOT_COVERED
from geo.output.brief_tables import Section, Table
from geo.output.html.map_page import ControlMap
from geo.output.map_content import MapContent, credit_of, extent_of
from geo.presentation import basemap
from geo.presentation.labels import area, class_label, credit_line, figure, place_words, unit_name, written
from geo.presentation.language import N_, gettext, in_language, ngettext
from geo.presentation.legend import StyledLayer, in_order
from geo.presentation.statuses import STATUSES, class_order
from geo.presentation.symbols import UNCOVERED, Symbol, class_symbols, source_symbols
from geo.presentation.templates import templates_folder
from geo.presentation.titles import known_words
from geo.schema import text_or_none

LEAST_KM2 = 0.05  # what rounds to less than 0.1 km² has no row of its own
_MOST_ROWS = 60


@in_language
@described
@from_one_state
def draw_comparison(
    archive: Archive,
    date: When | None = None,
    *,
    sources: Sequence[str],
    within: str | None = None,
    as_known_on: When | None = None,
    title: str | None = None,
    lang: str = "en",
    draw_basemap: bool = True,
    templates: str | Path | None = None,
    **asked: Any,
) -> ControlMap:
    """Draw where sources agree on a date, and where each stands alone.

    Parameters
    ----------
    within : str or None
        The unit in which they are compared, by code or name; None is everywhere.
    **asked
        What else `Archive.compare` takes: controller, status, take, by, level, boundary, places, max_age_days.

    Returns
    -------
    geo.output.html.map_page.ControlMap
        A folium.Map: EPSG:4326 data on Leaflet's EPSG:3857 map; `geo.save_map` writes it. Areas in km² on WGS 84. The
        same input gives the same page, byte for byte.

    Raises
    ------
    ArchiveError, GateError, MapError, NoSnapshotError, SourceError, UnitError, UsageError

    Examples
    --------
    >>> page = geo.draw_comparison(pair, "2025-01-11", sources=["other", "seeds"], draw_basemap=False)
    >>> geo.save_map(page, "sources.html").name
    'sources.html'
    """
    folder = templates_folder(templates)
    with archive.holding():
        found = archive.compare(date, sources=sources, within=within, as_known_on=as_known_on, **asked)
        if found.pieces.empty:
            raise MapError(f"none of {', '.join(found.sources)} has such ground there: nothing can be drawn")
        content = _content(archive, found, within, as_known_on, title, lang, draw_basemap=draw_basemap)
    made = ControlMap(content, templates=folder)
    sections = {"sections": _sections(archive, found)}
    made.page.parts = replace(made.page.parts, template="compare.html", values={**made.page.parts.values, **sections})
    return made


def _content(
    archive: Archive, found: Comparison, within: str | None, known: When | None, title: str | None, lang: str, *,
    draw_basemap: bool,
) -> MapContent:  # fmt: skip
    box = shapely.total_bounds(np.asarray(found.pieces.geometry.array, dtype=object)).tolist()
    whole = (box[0], box[1], box[2], box[3])
    extent = extent_of(archive, basemap.outward(basemap.padded(whole, 0.06)), basemap.padded(whole))
    unit = None if within is None else archive.unit(within).iloc[0]
    place = "" if unit is None else place_words(unit)
    shown = {name: archive.reader.title(name) for name in found.sources}
    rests = gettext("; ").join(f"{shown[n]}: {', '.join(found.snapshots[n])}" for n in found.sources)
    as_known = "" if known is None else known_words(known)
    return MapContent(
        title=title
        or gettext(
            "{sources} side by side{place}, {date}",
            sources=gettext(" and ").join(shown.values()), place=place, date=written(found.date),
        ),
        subtitle=f"{written(found.date)}. {rests}. {gettext('The sources are not merged.')}{as_known}",
        date=found.date, lang=lang, changes=[],
        classes=[*_drawn(found, shown), *_uncovered(archive, found, shown, known)], figures=[], since=None, markers=[],
        place=place, draw_basemap=draw_basemap, **extent,
        credits=[gettext("Control: {credit}", credit=credit_line(credit_of(archive, name))) for name in found.sources],
    )  # fmt: skip


def _drawn(found: Comparison, shown: Mapping[str, str]) -> list[StyledLayer]:
    everyone = gettext("; ").join(found.sources)
    rows = found.pieces.to_dict("records")
    symbols = _symbols([(text_or_none(row["controller"]), row["status"], row["said_by"]) for row in rows], everyone)
    drawn = []
    for row in rows:
        said_by, names = row["said_by"], [shown[n] for n in row["said_by"].split("; ")]
        side, status = text_or_none(row["controller"]), row["status"]
        words = class_label(side, status)
        label = gettext("{class_}: by {sources} alone", class_=words, sources=gettext(" and ").join(names))
        label = gettext("{class_}: by all", class_=words) if said_by == everyone else label
        facts = [
            (gettext("Area"), area(row["area_km2"])), (gettext("Said by"), gettext(", ").join(names)),
            (gettext("Others"), _others(row, shown)),
            (gettext("Unit"), text_or_none(row["unit"]) or ""), (gettext("Date"), written(found.date)),
            (gettext("Snapshots"), row["snapshots"]),
        ]  # fmt: skip
        key = (side, status, "" if said_by == everyone else said_by)
        look, known = symbols[side, status, said_by], [f for f in facts if f[1]]
        drawn.append(StyledLayer(label, look, [row["geometry"]], known, key))
    return in_order(drawn)


def _uncovered(
    archive: Archive, found: Comparison, shown: Mapping[str, str], known: When | None
) -> Iterator[StyledLayer]:
    """The ground that a source leaves out of its maps, so that nobody takes it for ground that nobody holds."""
    for name in found.sources:
        out = archive.reader.uncovered(name, archive.control(found.date, source=name, as_known_on=known))
        if not out.is_empty:
            yield StyledLayer(
                f"{gettext(NOT_COVERED)}: {shown[name]}", UNCOVERED, [out], [(gettext("Source"), shown[name])]
            )


def _symbols(said: Sequence[tuple[str | None, str, str]], everyone: str) -> dict[tuple[str | None, str, str], Symbol]:
    """A symbol for each class as each said_by says it; what all say of several classes has the class's own."""
    classes = sorted({(side, status) for side, status, _ in said}, key=class_order)
    alone = sorted({s for s in said if s[2] != everyone}, key=lambda s: (s[2].count(";"), s[2], s[0] or "", s[1]))
    symbols = source_symbols(["", *map(repr, alone)])
    found = {key: symbols[repr(key)] for key in alone}
    own = class_symbols(classes) if len(classes) > 1 else dict.fromkeys(classes, symbols[""])
    return found | {(side, status, everyone): own[side, status] for side, status in classes}


def _sections(archive: Archive, found: Comparison) -> list[Section]:
    """The figures, how the sources' classes differ, and the places of which they differ."""
    rows = found.table[(found.table["kind"] != "piece") | (found.table["area_km2"] >= LEAST_KM2)]
    kept = rows.head(_MOST_ROWS)
    shown = {name: archive.reader.title(name) for name in found.sources}
    listed = [_row(row, shown) for row in kept.to_dict("records")]
    notes = [f"{note}." for note in found.notes]
    if len(rows) > len(kept):
        left = len(rows) - len(kept)
        notes.append(ngettext("{n} more row: geo compare lists it.", "{n} more rows: geo compare lists them.", left))
    caption = gettext("km² on {date}; agreed and alone sum to what each source says", date=written(found.date))
    sections = [
        Section("sides", gettext("Side by side"), Table(caption, (gettext("Ground"), gettext("km²")), listed, 1), notes)
    ]
    if found.places is not None:
        names = list(shown.values())
        table = Table(
            gettext("Places of which the sources do not say the same, {date}", date=written(found.date)),
            (gettext("Place"), *names),
            [[str(p["name"]), *(str(p[n]) for n in found.sources)] for p in found.places.to_dict("records")],
            len(names) + 1,
        )
        none = [] if len(table.rows) else [gettext("The sources say the same of every place given.")]
        sections.append(Section("places", gettext("Places"), table if len(table.rows) else None, none))
    return sections


def _others(row: Mapping[Any, Any], shown: Mapping[str, str]) -> str:
    """What the other sources say of a piece: their titles and their classes in words."""
    said = (one.partition(": ") for one in (text_or_none(row["others_say"]) or "").split("; ") if one)
    return gettext("; ").join(f"{shown.get(name, name)}: {_class_label(words)}" for name, _, words in said)


def _class_label(words: str) -> str:
    """A class as maps call it, of what `class_words` gives in English."""
    head, _, part = words.partition(" (")
    *side, status = head.split()
    known = status in STATUSES
    return class_label(" ".join(side) or None, status, part.removesuffix(")")) if known else gettext(words)


def _row(row: Mapping[Any, Any], shown: Mapping[str, str]) -> list[str]:
    unit = f"{unit_name(row['unit'], row['unit'])}, " if text_or_none(row["unit"]) else ""
    words = f"{unit}{class_label(text_or_none(row['controller']), row['status'])}"
    kinds = {
        "area": N_("{class_}: by {source}"),
        "agreed": N_("{class_}: agreed"),
        "disputed": N_("{class_}: in dispute"),
        "piece": N_("{class_}: by {source} alone ({others})"),
    }
    kind = kinds[row["kind"]]
    by = gettext(" and ").join(shown.get(name, name) for name in (text_or_none(row["said_by"]) or "").split("; "))
    said = gettext(kind, class_=words, source=by, others=_others(row, shown))
    return [said, figure(row["area_km2"])]
