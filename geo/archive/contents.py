"""What an archive holds: sources, snapshots, polygons, units, incidents, claims, and the map of a date."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import geopandas as gpd
import pandas as pd
import shapely

from geo.archive.queries import ArchiveBase, Query
from geo.archive.results import FAR, When, moment
from geo.archive.safety_rules import rule_of
from geo.archive.shared_docs import consistent_read, documented
from geo.errors import SourceError, UsageError
from geo.presentation.sides import Side
from geo.schema import CRS, last_instant, parse_instant
from geo.storage import snapshots as history
from geo.storage.snapshots import cut_frame, gaps_in
from geo.units import Countries, find_unit


@consistent_read
def sources(self: ArchiveBase) -> pd.DataFrame:
    """Sources and whom to credit.

    Returns
    -------
    pandas.DataFrame
        name, title, url, licence, attribution; a rule against harm that a source's data have passed stands with its
        attribution.

    Examples
    --------
    >>> archive.sources()["name"].tolist()
    ['incidents', 'seeds', 'units']
    """
    return self.reader.sources()


@documented
def controllers(self: ArchiveBase, *, as_known_on: When | None = None) -> list[str]:
    """Every side that the archive has control by, from any source at any time, in order of their names.

    Returns
    -------
    list of str

    Examples
    --------
    >>> archive.controllers()
    ['UA']
    """
    known = moment(as_known_on)
    return self.store.recall(("controllers", known), lambda: self.store.controllers(as_known_on=known))


@consistent_read
def snapshots(self: ArchiveBase, source: str | None = None, *, as_known_on: When | None = None) -> pd.DataFrame:
    """Every recording of a snapshot, or those in force at a moment.

    Parameters
    ----------
    source : str or None
        One source's alone; a name that is not in the archive has none.
    as_known_on : str, date, datetime or None
        None lists every recording, superseded ones too.

    Returns
    -------
    pandas.DataFrame
        snapshot, source, part, depicts, published, retrieved, recorded_at, superseded_at, retracted_at, and what the
        file was and gave; instants as datetimes in UTC.

    Raises
    ------
    GateError

    Examples
    --------
    >>> archive.snapshots("seeds")["snapshot"].tolist()[-2:]
    ['seeds@2024-12-16', 'seeds@2025-01-11']
    """
    return self.reader.snapshots(source, as_known_on=as_known_on)


@documented
def polygons(
    self: ArchiveBase, source: str, *, as_known_on: When | None = None, over_gaps: bool = False
) -> gpd.GeoDataFrame:
    """Every polygon of a source, once for as long as it stands: what a series is made from.

    Parameters
    ----------
    source : str
        Its name.
    over_gaps : bool
        False ends every interval with the day of the last map before a gap in the source's maps (longer than its
        usual step, 45 days where its table of data says nothing else), and begins another with the map after it; True
        lets a polygon stand until a map shows it no longer.

    Returns
    -------
    geopandas.GeoDataFrame
        As `control`, without a snapshot's name: `valid_from` and `valid_to` bound it (half-open, NaT is open). The
        archive's rules are kept; ``attrs["notes"]`` names them.

    Examples
    --------
    >>> archive.polygons("seeds")["status"].value_counts().to_dict()
    {'held': 11, 'contested': 11}
    """
    table = snapshots(self, source, as_known_on=FAR if as_known_on is None else as_known_on)
    instants = sorted({parse_instant(d) for d in table["depicts"]})
    known = moment(as_known_on)
    frame = self.store.recall(
        ("polygons", source, known),
        lambda: self.store.rows_between(source, instants, known),
    ).copy()
    if not over_gaps:
        frame = cut_frame(frame, gaps_in(table))
    frame.attrs["notes"] = self.reader.notes(source)
    return frame


@consistent_read
def control(
    self: ArchiveBase,
    date: When | None = None,
    *,
    source: str | None = None,
    as_known_on: When | None = None,
    max_age_days: float | None = None,
) -> gpd.GeoDataFrame:
    """Who held what on a date, by one source.

    Returns
    -------
    geopandas.GeoDataFrame
        source, part, controller, status, native, valid_from, valid_to, recorded_at, superseded_at, snapshot, geometry
        (MultiPolygon, EPSG:4326).

    Raises
    ------
    UsageError
        `max_age_days` is below 0.

    Examples
    --------
    >>> archive.control("2025-01-11", source="seeds")["status"].tolist()
    ['contested', 'held']
    """
    query = Query(self.source_name(source), as_known_on=as_known_on, max_age_days=max_age_days)
    frame = self.reader.state(query, date, self.reader.used(query, date))
    table = self.reader.snapshots(query.source, as_known_on=FAR if as_known_on is None else as_known_on)
    return cut_frame(frame.copy(), gaps_in(table), last_instant(date) if date is not None else FAR)


@documented
def units(self: ArchiveBase, level: int | None = None) -> gpd.GeoDataFrame:
    """Administrative units.

    Parameters
    ----------
    level : int or None
        0 countries, 1 their first division, …; None all.

    Returns
    -------
    geopandas.GeoDataFrame
        unit (its code), name, name_local, level, parent, boundary (the set it is of), area_km2, geometry (EPSG:4326),
        recorded_at (a datetime in UTC).

    Raises
    ------
    UnitError
        The archive has no units of that level.

    Examples
    --------
    >>> archive.units(level=0)["name"].tolist()[:2]
    ['Andorra', 'United Arab Emirates']
    """
    frame = self.reader.units()
    if level is None:
        return frame.copy()
    self.reader.refuse_level(level)
    return frame[frame["level"] == level].reset_index(drop=True)


@documented
def unit(self: ArchiveBase, wanted: str, *, boundary: str | None = None) -> gpd.GeoDataFrame:
    """One administrative unit by code or name.

    Parameters
    ----------
    wanted : str
        A code (``RU-KRS``) or a name, in any language that the archive has it in.

    Returns
    -------
    geopandas.GeoDataFrame
        One row, as `units`.

    Raises
    ------
    UnitError
        It is unknown or ambiguous; the message gives the candidates.

    Examples
    --------
    >>> archive.unit("Kursk")["unit"].tolist()
    ['RU-KRS']
    """
    frame = self.reader.units()
    return gpd.GeoDataFrame(frame.iloc[[find_unit(frame, wanted, boundary=boundary)]], crs=CRS)


@documented
def countries(self: ArchiveBase) -> Countries:
    """The look-up from points to countries, by the archive's units.

    Returns
    -------
    geo.units.Countries

    Examples
    --------
    >>> archive.countries().locate([35.27], [51.19]).tolist()
    ['RU']
    """
    return self.reader.countries()


@consistent_read
def incidents(
    self: ArchiveBase, from_: When | None = None, to: When | None = None, *,
    within: str | shapely.Geometry | None = None, event_type: str | Sequence[str] | None = None,
    verification: str | Sequence[str] | None = None, dataset: str | Sequence[str] | None = None,
    as_known_on: When | None = None,
) -> gpd.GeoDataFrame:  # fmt: skip
    """Incidents of a span of days, both included.

    Parameters
    ----------
    from_, to : str, date, datetime or None
        Event dates; None is open.
    event_type, verification, dataset : str, sequence of str or None
        Keep to these, compared without case. A type is that of the event or of the sub-event; an incident without a
        verification has ``not stated``; a dataset is the source under which a file was taken in.

    Returns
    -------
    geopandas.GeoDataFrame
        The fields of docs/formats.md, points in EPSG:4326; dates and instants are datetimes in UTC, but for
        source_date, which may name several.

    Examples
    --------
    >>> archive.incidents("2025-01-11", "2025-01-11", within="UA")["event_type"].unique().tolist()
    ['Strategic developments', 'Explosions/Remote violence']
    """
    wanted = {"event_type": event_type, "verification": verification, "dataset": dataset}
    return self.reader.incidents(from_, to, as_known_on=as_known_on, within=within, wanted=wanted)


@documented
def claims(self: ArchiveBase) -> pd.DataFrame:
    """Published figures on record.

    Returns
    -------
    pandas.DataFrame
        A row for each, with the columns of a file of claims (docs/claims.md) and when it was recorded; dates are
        datetimes in UTC.

    Examples
    --------
    >>> archive.claims()[["claim_id", "value", "value_unit"]].values.tolist()[0]
    ['briefing-500', 500.0, 'km2']
    """
    return self.store.claims()


@consistent_read
def sides(self: ArchiveBase) -> pd.DataFrame:
    """Sides: what each is called, and how it is drawn.

    Returns
    -------
    pandas.DataFrame
        side (the code that rows name it by), name, adjective, names and adjectives by language, aliases (all three as
        text, parted by semicolons), colour, order; the sides that control is on record by, and those named by
        `name_side`.

    Examples
    --------
    >>> archive.sides()[["side", "name", "colour"]].values.tolist()
    [['UA', 'Ukraine', '#2166ac']]
    """
    shown, own = set(self.store.controllers()), self.store.named_sides()
    found = [side for code, side in self.store.sides().items() if code in shown | own]
    rows = [
        (s.code, s.label, s.adjective, _by_language(s.names), _by_language(s.adjectives), "; ".join(s.aliases),
         s.colour, s.order)
        for s in sorted(found, key=lambda s: (s.order or 0, s.code))
    ]  # fmt: skip
    columns = ["side", "name", "adjective", "names", "adjectives", "aliases", "colour", "order"]
    return pd.DataFrame(rows, columns=columns)


def _by_language(words: Mapping[str, str]) -> str:
    return "; ".join(f"{lang}={word}" for lang, word in words.items())


@documented
def name_side(
    self: ArchiveBase, side: str, *, names: Mapping[str, str] | None = None,
    adjectives: Mapping[str, str] | None = None, aliases: Sequence[str] = (), colour: str | None = None,
    order: int | None = None,
) -> str:  # fmt: skip
    """Set what a side is called and how it is drawn; what is not given stays as it is.

    Parameters
    ----------
    side : str
        Its code, or a name that it has; a side of which nothing is on record yet may be named as well.
    names, adjectives : mapping or None
        Language (en, uk, ru, de, fr, es, pl, ar) to word; an empty word takes the owner's back.
    aliases : sequence of str
        What options and claims may call it besides; they are added to those that it has.
    colour : str or None
        As ``#rrggbb``; None leaves it.
    order : int or None
        Its place in legends and tables, the smallest first; None leaves it.

    Returns
    -------
    str
        Its code.

    Raises
    ------
    ArchiveError
        The archive cannot be written.
    UsageError
        A language or a colour is unknown, a word is empty, or another side is called so.

    Examples
    --------
    >>> archive.name_side("UA", aliases=["Kyiv's forces"], colour="#0b6e4f")
    'UA'
    >>> archive.area("2025-01-11", controller="Kyiv's forces", status="held")["area_km2"].round(1).tolist()
    [423.3]
    """
    return self.store.name_side(
        Side(side, names or {}, colour or "", order, adjectives or {}, tuple(word.strip() for word in aliases))
    )


@documented
def set_accuracy(self: ArchiveBase, source: str, accuracy_km: float | None) -> None:
    """Keep how far a source's drawn lines may be off.

    Parameters
    ----------
    source : str
        Its name.
    accuracy_km : float or None
        In km, above 0 and below 1000; None is not known.

    Raises
    ------
    SourceError
        The source is not in the archive.
    UsageError
        The accuracy is not above 0.

    Examples
    --------
    >>> archive.set_accuracy("seeds", 2.0)
    >>> archive.set_accuracy("seeds", None)
    """
    if accuracy_km is not None and not 0 < accuracy_km < 1000:
        raise UsageError(f"an accuracy of {accuracy_km:g} km: give a distance above 0")
    with self.store.writing() as connection:
        values = (accuracy_km, self.source_name(source))
        connection.execute("UPDATE sources SET accuracy_km = ? WHERE name = ?", values)


@documented
def set_coverage(self: ArchiveBase, source: str, units: Sequence[str]) -> None:
    """Keep which units a source's maps cover: all other ground is left out of them, and no one's in its figures.

    Parameters
    ----------
    source : str
        Its name.
    units : sequence of str
        Codes or names of units; none is everywhere.

    Raises
    ------
    SourceError
        The source is not in the archive.
    UnitError
        A unit is unknown or ambiguous.

    Examples
    --------
    >>> archive.set_coverage("seeds", ["RU-KRS"])
    >>> archive.set_coverage("seeds", [])
    """
    name, known = self.source_name(source), self.reader.units()
    found = [str(known["unit"].iloc[find_unit(known, unit)]) for unit in units]
    with self.store.writing() as connection:
        self.store.put_covers(connection, name, found)


@documented
def rules(self: ArchiveBase) -> pd.DataFrame:
    """The rules against harm that every answer has passed.

    Returns
    -------
    pandas.DataFrame
        kind, value, source, event_type, places (how many settlements a rule of coarsening has), set_at.

    Examples
    --------
    >>> archive.set_rule("withhold", "notes")
    >>> archive.rules()[["kind", "value", "source"]].values.tolist()
    [['withhold', 'notes', None]]
    """
    columns = ["kind", "value", "source", "event_type", "places", "set_at"]
    table = pd.DataFrame(self.store.rules(), columns=columns, dtype=object)
    counts = [None if p is None else len(json.loads(p)) for p in table["places"]]
    return table.assign(places=pd.Series(counts, dtype=object))


@documented
def set_rule(
    self: ArchiveBase, kind: str, value: str, *, source: str | None = None, event_type: str | None = None,
    places: gpd.GeoDataFrame | None = None,
) -> None:  # fmt: skip
    """Set a rule against harm, in place of the one of its kind for the same source and event type.

    Parameters
    ----------
    kind : {"embargo", "coarsen", "withhold", "release"}
        Nothing newer than so many hours; incidents placed no more exactly; fields of incidents left out; fields of
        text that a coarsened incident keeps.
    value : str
        Hours; ``settlement``, ``grid:5km`` or ``grid:0.1deg``; fields by commas.
    source, event_type : str or None
        Whose rows (a source of control, a dataset of incidents), and which events; None is all.
    places : geopandas.GeoDataFrame or None
        Settlements, as `geo.measure.settlements.read_places` reads them; None is the shipped basemap's towns.

    Raises
    ------
    ArchiveError
        The archive cannot be written.
    UsageError
        The kind or the value is none of these.

    Examples
    --------
    >>> archive.set_rule("coarsen", "grid:5km", event_type="Explosions/Remote violence")
    >>> archive.rules()[["kind", "value"]].values.tolist()
    [['coarsen', 'grid:5km']]
    """
    rule = rule_of(kind, value, source=source, event_type=event_type, places=places)
    with self.store.writing() as connection:
        values = (rule.kind, rule.value, rule.source, rule.event_type, rule.places)
        self.store.put_rule(connection, values, history.next_instant(connection))


@documented
def lift_rules(
    self: ArchiveBase, kind: str | None = None, *, source: str | None = None, event_type: str | None = None
) -> int:
    """Lift the rules for a source and event type.

    Parameters
    ----------
    kind : {"embargo", "coarsen", "withhold", "release"} or None
        Of this kind alone; None is every kind.
    source, event_type : str or None
        The source and the event type that they were set for; None is those set for all.

    Returns
    -------
    int
        How many were lifted.

    Raises
    ------
    ArchiveError
        The archive cannot be written.

    Examples
    --------
    >>> archive.set_rule("embargo", "72")
    >>> archive.lift_rules("embargo")
    1
    """
    with self.store.writing() as connection:
        return self.store.drop_rules(connection, kind=kind, source=source, event_type=event_type)


@consistent_read
def settlements(
    self: ArchiveBase, date: When | None = None, *, source: str | None = None, as_known_on: When | None = None
) -> gpd.GeoDataFrame:
    """Whose each settlement is on a date, by a source that says so place by place.

    Parameters
    ----------
    source : str or None
        Whose word; may be left out where the archive has one such source.

    Returns
    -------
    geopandas.GeoDataFrame
        source, place (its number or word), name, controller, status, native, valid_from, valid_to (datetimes in UTC,
        half-open, NaT while it stands), recorded_at (NaT where an embargo hides the end),
        and points in EPSG:4326.

    Raises
    ------
    ArchiveError, GateError, SourceError
    NoSnapshotError
        The source says nothing of the date or a day before it.

    Examples
    --------
    >>> pair.settlements("2025-01-11")[["name", "controller", "status"]].values.tolist()
    [['Sudzha', 'UA', 'held']]
    """
    there = self.reader.settlement_sources()
    if source is None and len(there) == 1:
        source = there[0]
    if source not in there:
        listed = ", ".join(there) or "none"
        raise SourceError(f"settlements by source {source or '(name one)'}: {self.path} has those of {listed}")
    frame, day = self.reader.settlements_on(source, date, as_known_on)
    frame.attrs["notes"] = (f"{source}: {day[:10]}", *self.reader.notes(source))
    return frame
