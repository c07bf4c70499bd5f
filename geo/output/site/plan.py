"""What a site consists of: its dates and units, their file names, and a digest of all that each of them rests on."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from hashlib import sha256
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import __version__
from geo.archive import contents
from geo.archive.results import FAR, When, rows_of
from geo.assets import ASSETS
from geo.errors import NoSnapshotError, UsageError
from geo.output.map_content import credit_of, days_within, has_settlements, incident_span, located_only
from geo.output.map_options import MapOptions
from geo.output.settlement_layers import settlement_history, settlement_source
from geo.presentation.labels import place_words, written
from geo.presentation.language import CATALOGUES, N_, current, gettext
from geo.presentation.templates import digest_of
from geo.presentation.titles import given_title, title_words
from geo.schema import parse_instant, text_or_none, write_instant

if TYPE_CHECKING:
    from geo.archive import Archive

# of a state's columns, those that say when it ended change with the next date, and the page does not show them
_STATE = ("controller", "status", "native", "part", "snapshot", "valid_from")
_SETTLED = ("place", "name", "controller", "status", "native", "valid_from")
_SLUG = re.compile(r"[^a-z0-9]+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|index)$")  # names that a system or a server takes for its own


# what each kind of download is to a browser
MEDIA = {
    "geojson": "application/geo+json", "csv": "text/csv", "gpkg": "application/geopackage+sqlite3",
    "parquet": "application/vnd.apache.parquet", "kml": "application/vnd.google-earth.kml+xml",
    "kmz": "application/vnd.google-earth.kmz", "zip": "application/zip",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SiteOptions(MapOptions):
    """What was asked for."""

    source: str = ""
    base_url: str = ""
    with_downloads: bool = True
    templates: Path | None = None

    def shown(self) -> dict[str, Any]:
        """All of it by name; the templates count by what they say."""
        return {name: value for name, value in asdict(self).items() if name != "templates"}

    def address(self, path: str, *, up: str = "") -> str:
        """A link to a file of the site: absolute where it is known where the site will be."""
        return self.base_url + path if self.base_url else up + path


@dataclass(frozen=True)
class Day:
    """A date of the site."""

    day: str
    since: str | None
    before: str | None
    after: str | None
    snapshots: Sequence[Mapping[str, Any]]
    files: Mapping[str, str]
    state: str
    card: str
    page: str


@dataclass(frozen=True)
class Plan:
    """All dates, in order, and the digests of what the whole rests on."""

    options: SiteOptions
    title: str
    shown: str
    place: str
    days: Sequence[Day]
    datasets: Sequence[str]
    series: str
    whole: str  # what the downloads of all dates rest on, days between the dates included
    recorded: Mapping[str, Any] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, str]:
        """The downloads of all dates, packed: path in the site -> what it is in words."""
        if not self.options.with_downloads:
            return {}
        kinds = {"control.geojson.zip": N_("Control, GeoJSON")} if self.options.source else {}
        kinds |= {"incidents.geojson.zip": N_("Incidents, GeoJSON")} if self.datasets else {}
        kinds |= {"map.kmz": N_("All layers, KML"), "map.gpkg.zip": N_("All layers, GeoPackage")}
        return {f"data/{name}": words for name, words in kinds.items()}

    @property
    def span(self) -> str:
        """The first and the last date in words."""
        first, last = (written(d.day) for d in (self.days[0], self.days[-1]))
        return first if first == last else gettext("{first} to {last}", first=first, last=last)


def plan_site(
    archive: Archive, options: SiteOptions, *, from_: When | None = None, to: When | None = None,
    without: Container[str] = (),
) -> Plan:  # fmt: skip
    """What a site of an archive would consist of."""
    table = archive.reader.snapshots(options.source, as_known_on=options.as_known_on or FAR)
    by_day: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows_of(table.sort_values(["depicts", "part", "recorded_at"], kind="stable")):
        # how pandas writes a missing cell depends on rows that are not shown
        plain = {name: None if isinstance(value, float) and value != value else value for name, value in row.items()}
        by_day.setdefault(parse_instant(str(row["depicts"])).date().isoformat(), []).append(plain)
    if not options.source:
        by_day = _point_rows(archive, options)
    there = [date.fromisoformat(day) for day in sorted(by_day)]
    chosen = [d.isoformat() for d in days_within(there, from_, to, options.source or gettext("Incidents").casefold())]
    chosen = [d for d in chosen if d not in without]
    whose = [options.source] if options.source else archive.store.datasets()
    is_settled = not options.source and has_settlements(archive, options)
    if is_settled:
        whose = [str(settlement_source(archive, options.settlements))]
    credits = [credit_of(archive, name) for name in whose]
    unit = None if options.within is None else archive.unit(options.within).iloc[0]
    place = "" if unit is None else place_words(unit)
    shown = gettext(", ").join(credit["title"] or credit["name"] for credit in credits)
    own = (
        title_words(place, shown)
        if options.source
        else gettext("Settlements{place} according to {source}", place=place, source=shown)
        if is_settled
        else gettext("Incidents{place} according to {source}", place=place, source=shown)
    )
    title = given_title(options.title, own)
    recorded = _recorded(options)
    units = _frame(archive.units(), ("unit", "name", "level", "parent", "boundary"))
    ground = digest(recorded["tool"], recorded["assets"], options.within, credits, units, options.as_known_on)
    sides = archive.controllers(as_known_on=options.as_known_on)
    look = digest(ground, title, options.shown(), sides, recorded["cards"])
    days, datasets = _days(archive, options, sorted(by_day), chosen, by_day, ground, look)
    series = digest(look, [d.state for d in days], options.base_url, [d.day for d in days])
    between = contents.incidents(archive, chosen[0], chosen[-1], **options.incidents)
    whole = digest(series, _frame(between), [by_day[day] for day in chosen])
    return Plan(options, title, shown, place, days, datasets, series, whole, recorded)


def _point_rows(archive: Archive, options: SiteOptions) -> dict[str, list[Mapping[str, Any]]]:
    """The days of a site without maps of control, with when the archive learnt of what happened on each."""
    if has_settlements(archive, options):
        rows, days = settlement_history(archive, options)
        learnt = write_instant(rows["recorded_at"].max())
        known = {
            at.date(): write_instant(mine["recorded_at"].max())
            for name in ("valid_from", "valid_to")
            for at, mine in rows.groupby(name)
        }
        return {day.isoformat(): [{"recorded_at": known.get(day, learnt), "published": None}] for day in days}
    found = contents.incidents(archive, within=options.within, **options.incidents)
    located = located_only(found)
    by_day: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows_of(pd.DataFrame(located[["date_start", "date_end", "recorded_at"]])):
        for text in dict.fromkeys(filter(None, map(text_or_none, (row["date_start"], row["date_end"])))):
            by_day.setdefault(text[:10], []).append({"recorded_at": str(row["recorded_at"]), "published": None})
    return by_day


def _recorded(options: SiteOptions) -> dict[str, Any]:
    """What the manifest says of a build: with another of these, pages are others."""
    return {
        "tool": f"geo-control {__version__}", "assets": _assets(options.templates),
        **options.shown(),
        "cards": find_spec("matplotlib") is not None,
    }  # fmt: skip


def _assets(templates: Path | None) -> str:
    """A digest of scripts, styles and templates, which stand in every page."""
    texts = [path.read_bytes() for path in sorted(ASSETS.glob("*.[cj]s*"))]
    texts += [path.read_bytes() for path in CATALOGUES.glob(f"{current().code}.po")]
    return sha256(b"\0".join([*texts, digest_of(templates).encode()])).hexdigest()[:16]


def _days(
    archive: Archive, options: SiteOptions, all_days: Sequence[str], chosen: Sequence[str],
    by_day: Mapping[str, Sequence[Mapping[str, Any]]], ground: str, look: str,
) -> tuple[list[Day], list[str]]:  # fmt: skip
    since = {later: earlier for earlier, later in pairwise(all_days)}
    near = {c: (a, b) for a, c, b in zip([None, *chosen], chosen, [*chosen[1:], None], strict=False)}
    first = incident_span(date.fromisoformat(chosen[0]), options)[0]
    quiet = contents.incidents(archive, first, chosen[-1], **options.incidents).empty
    states: dict[str, str] = {}

    dotted = settlement_source(archive, options.settlements)

    def settled(day: str) -> str:
        try:
            frame = archive.reader.settlements_on(dotted, day, options.as_known_on)[0] if dotted else None
        except NoSnapshotError:
            return ""
        return "" if frame is None else _frame(frame, _SETTLED)

    def state(day: str) -> str:
        if not options.source:
            return ""
        if day not in states:
            frame = archive.control(day, source=options.source, as_known_on=options.as_known_on)
            states[day] = _frame(frame, _STATE)
        return states[day]

    days, datasets = [], set()
    for day in chosen:
        told = None if quiet else contents.incidents(archive, day, day, **options.incidents)
        sets = sorted(set(told["dataset"])) if told is not None else []
        datasets.update(sets)
        files = file_names(day, options, has_incidents=bool(sets))
        data = digest(ground, state(day), None if told is None else _frame(told), [credit_of(archive, s) for s in sets])
        earlier = since.get(day) if options.source else None
        # both show as much ground as the changes since the date before it need
        card = digest(look, data, state(earlier) if earlier else None, earlier)
        span = incident_span(date.fromisoformat(day), options)
        shown = "" if quiet else _frame(contents.incidents(archive, *span, **options.incidents))
        page = digest(card, near[day], options.base_url, list(files), shown, settled(day))
        days.append(Day(day, earlier, *near[day], by_day[day], files, data, card, page))
    return days, sorted(datasets)


def file_names(day: str, options: SiteOptions, *, has_incidents: bool) -> dict[str, str]:
    """The downloads of a date: path in the site -> what it is in words."""
    if not options.with_downloads:
        return {}
    kinds = {"figures.csv": N_("Figures, CSV")} if options.source else {}
    kinds |= {"incidents.csv": N_("Incidents, CSV")} if has_incidents else {}
    return {f"data/{day}/{day}-{name}": words for name, words in kinds.items()}


def slugs(units: Iterable[str]) -> dict[str, str]:
    """A file name for every unit, of our own letters alone and each another one."""
    listed = sorted(set(units))
    short = {unit: _SLUG.sub("-", unit.lower())[:40].strip("-") for unit in listed}
    count = {name: list(short.values()).count(name) for name in short.values()}
    return {
        unit: name
        if re.fullmatch(r"[A-Za-z0-9-]{1,40}", unit) and count[name] == 1 and not _RESERVED.match(name)
        else f"{name or 'unit'}-{sha256(unit.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
        for unit, name in short.items()
    }


def checked_address(base_url: str | None) -> str:
    """An address that a site's links begin with; "" where none is given."""
    if not base_url:
        return ""
    if not re.fullmatch(r"https?://[A-Za-z0-9._~\-\[\]:]+(/[A-Za-z0-9._~%/\-]*)?", base_url):
        raise UsageError(
            f"--base-url {base_url!r}: the address of the site's folder is wanted, as https://example.org/map/"
        )
    return base_url.rstrip("/") + "/"


def _frame(frame: gpd.GeoDataFrame, columns: Sequence[str] | None = None) -> str:
    """A digest of a frame's rows and shapes, in their order."""
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    text = table[list(columns)] if columns else table
    shapes = shapely.to_wkb(np.asarray(frame.geometry.array, dtype=object), include_srid=False)
    wkb = sha256(b"".join(len(b).to_bytes(8, "big") + b if b is not None else b"-" for b in shapes)).hexdigest()
    return digest(wkb, *(list(map(text_or_none, text[c])) for c in text))


def digest(*parts: Any) -> str:
    """A digest of values as JSON writes them; what it does not know is written as text."""
    text = json.dumps(parts, ensure_ascii=True, default=str, sort_keys=True)
    return sha256(text.encode()).hexdigest()
