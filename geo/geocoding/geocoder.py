"""Mentions of places in a text, each with its place, a precision and the reasons, or only the region: no guess."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import pairwise
from math import exp
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import shapely
from rapidfuzz.distance import OSA

from geo.archive.shared_docs import described
from geo.geocoding.gazetteer import SAME_KM, ArchivePrior, Gazetteer, Place, apart_km, archive_prior, open_gazetteer
from geo.geocoding.matching import Span, given_spans, spans_of
from geo.geocoding.place_index import CREDIT, LOOSE, OTHER, OWN
from geo.geocoding.ranking import ALIKE_NAMES, CLOSE_KM, LARGE, TOWN, RankedMention, rank_mentions
from geo.schema import CRS, DISTRICT_PREC
from geo.text.sentences import read
from geo.text.words import key_of, plain_key

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.archive.results import When

LOCATED = ("place", "region", "country")
# UCDP's where_prec: 1 the place, 2 near it, 3 its second-level unit, 4 its first-level unit, 6 its country
_PRECISION = {"place": 3, "district": DISTRICT_PREC, "region": 4, "country": 6, "area": 5, "sea": 7, "continent": 6}
_NEAR_KM = 5.0
_DISTRICT_KM = 25.0
# scores that lie nearer together than this say nothing
_EVEN = 0.15
_NAMESAKES = 1.5
# from an archive's front: a place that far off, with fewer people than this, is named with what it lies in
_FAR_KM, _VILLAGE_KM, _CITY = 60.0, 35.0, 15_000
_ABROAD_KM, _TOWN_AFAR, _AFAR_KM = 150.0, 100_000, 400.0
_KNOWN_ABROAD = 250_000  # a city of so many people is meant in whatever country the text is about
_UNLISTED = 3.5  # of one smaller place of the name than GeoNames has, for each that it has
# how likely a namesake elsewhere may be, and one far away; the log of the odds that a unit of score is, fitted to the
# names near six fronts of 2022
_DOUBT, _DOUBT_AFAR, _FAR_NAMESAKE_KM, _PER_SCORE = 0.3, 0.15, 200.0, 1.35


@dataclass(frozen=True)
class Mention:
    """One mention; coordinates in degrees (WGS 84) for places, regions and countries alone."""

    text: str
    start: int
    end: int
    role: str
    place: str | None = None
    adm_1: str | None = None
    adm_2: str | None = None
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    where_prec: int | None = None
    uncertainty_km: float | None = None
    score: float | None = None
    runner_up: str | None = None
    why: str = ""
    gazetteer: str | None = None
    place_id: str | None = None


MENTION_COLUMNS = tuple(f.name for f in fields(Mention))


@described
def geocode(
    text: str,
    *,
    date: When | None = None,
    archive: Archive | None = None,
    gazetteer: Gazetteer | None = None,
    countries: Sequence[str] | None = None,
    source: str | None = None,
) -> gpd.GeoDataFrame:
    """Find the places that a text mentions.

    Parameters
    ----------
    text : str
        English, Ukrainian or Russian, a sentence or a document.
    date : str, date, datetime or None
        With an archive: places near the front of that date count more.
    archive : Archive or None
        Gives the countries in play, the regions' names, the front, and the places of its incidents.
    gazetteer : Gazetteer or None
        From `geo.open_gazetteer`; None opens that of the archive or of the countries.
    countries : sequence of str or None
        ISO 3166-1 alpha-2 codes; for a gazetteer that is opened here.
    source : str or None
        By which source of the archive the front is taken; None is the only one, or the first.

    Returns
    -------
    geopandas.GeoDataFrame
        A row for each mention in order of the text: text, start, end (characters), role (place, region, country,
        metonym, demonym, person, organisation), place, adm_1, adm_2, country (ISO 3166-1 alpha-2), latitude, longitude
        (degrees), where_prec (UCDP, 1 to 7), uncertainty_km, score, runner_up, why, gazetteer, place_id, geometry
        (Point in EPSG:4326, or None: only the first three roles have one).

    Raises
    ------
    ArchiveError
    FileError
        The gazetteer cannot be built.
    GateError
    UsageError
        A country's code is not one.

    Examples
    --------
    >>> geo.geocode("Fighting near Sudzha", archive=archive)[["text", "role", "country"]].values.tolist()
    [['Sudzha', 'place', 'RU']]
    """
    opened = gazetteer if gazetteer is not None else open_gazetteer(countries=countries, archive=archive)
    prior = archive_prior(archive, date, source=source) if archive is not None else None
    return as_frame(mentions(text, gazetteer=opened, prior=prior))


def mentions(text: str, *, gazetteer: Gazetteer, prior: ArchivePrior | None = None) -> list[Mention]:
    """As `geocode`, as plain values: for many short texts."""
    reading = read(text)
    spans = spans_of(reading, gazetteer.lookup, countries=gazetteer.countries)
    table = rank_mentions(reading, spans, countries=gazetteer.countries, prior=prior)
    stray = _strays(table, in_play=gazetteer.countries is not None)
    found = [_mention(row, gazetteer, prior) for row in table]
    found = [_unplaced(m, _STRAY) if m.country and stray.get(m.start) == m.country else m for m in found]
    found = [_unplaced(m, "part of a longer name") if _is_part(text, m) else m for m in found]
    return _in_one_country(_alike_in_text(_with_neighbours(text, found)))


_STRAY = "only a small place has such a name, and the text speaks of nothing beside it"


def _strays(table: Sequence[RankedMention], *, in_play: bool) -> dict[int, str]:
    """Where names stand that only a small place has, and the text has nothing else beside it or in its country.

    In a text on countries that are in play only those far from every other place of it.
    """
    placed = [(row, row.best) for row in table if row.span.located and row.best is not None]
    names = {(place.country, row.span.text.casefold()) for row, place in placed}
    names |= {(country, "") for row in table for country in (*row.demonyms, row.span.code) if not in_play}
    counts = Counter(country for country, _ in names)
    main, most = max(counts.items(), key=lambda pair: pair[1], default=("", 0))
    return {
        row.span.start: place.country for row, place in placed
        if place.kind == "place" and not row.beside and " " not in row.span.text
        and not (in_play and _has_near(place, placed))
        and ((most > 1 + in_play and counts[place.country] == 1 and place.country != main
              and place.population < _TOWN_AFAR)
             or (not in_play and place.population < TOWN and not row.span.kind and _is_alone(row, place, placed)))
    }  # fmt: skip


def _has_near(place: Place, placed: Sequence[tuple[RankedMention, Place]]) -> bool:
    return any(p.kind != "country" and 0 < apart_km(place, p) < _AFAR_KM for _, p in placed)


def _is_alone(row: RankedMention, place: Place, placed: Sequence[tuple[RankedMention, Place]]) -> bool:
    """Whether the text names neither what a place lies in nor another place by it."""
    held = row.span.near or (row.span.led and len(row.ranked) == 1) or any(place.inside(c) for c, *_ in row.within)
    names = {other.span.text.casefold() for other, p in placed if p.kind != "country" and apart_km(place, p) < CLOSE_KM}
    return not held and names <= {row.span.text.casefold()}


# "a camp near", ", 20 km south of": where a place that no gazetteer has lies, by one that it has
_BY = re.compile(
    r",? (?:(?:an?|the|located|about|some|\d+) (?:[a-z]+ ){0,3})?(?:[a-z-]+ (?:of|from)|near|outside|by) (?:the )?"
    r"(?:(?:city|town|village) of )?"
)
_LINK = r"(?:al|el|ad|as|ar|an|at|az|ash|ul|ed|es|er)"
_GOES_ON = re.compile(rf" {_LINK}[- ‑][A-Z]")
_BEGAN = re.compile(rf"[A-Z][\w’']* {_LINK}[- ‑]$")


def _is_part(text: str, mention: Mention) -> bool:
    """Whether a name is only the beginning or the end of one that no gazetteer has: "Ras al-Ain"."""
    around = _GOES_ON.match(text, mention.end) or _BEGAN.search(text[max(0, mention.start - 30) : mention.start])
    return mention.role in LOCATED and mention.latitude is not None and around is not None


def _unplaced(mention: Mention | Span, why: str, role: str = "place") -> Mention:
    return Mention(mention.text, mention.start, mention.end, role, why=why)


def _with_neighbours(text: str, found: list[Mention]) -> list[Mention]:
    """Mentions of which none lies in another country than the place in which the text puts it: "A in B".

    One that no gazetteer has lies in the district beside it rather than in the region.
    """
    kept = list(found)
    for at, (one, other) in enumerate(pairwise(found)):
        inside = text[one.end : other.start] in (" in ", " in the ", ", in ") and one.role == "place"
        if inside and other.country and one.country and one.country != other.country and other.latitude is not None:
            kept[at] = _unplaced(one, f"the text puts it in {other.text}, and the place of the name lies elsewhere")
        beside = text[one.end : other.start] in (" ", " in ", ", ") and other.role == "region"
        if beside and one.role == "place" and one.score is None and other.where_prec == DISTRICT_PREC:
            kept[at] = replace(other, text=one.text, start=one.start, end=one.end, role="place", score=None)
        if (
            text[one.end : other.start] in ("'s ", "’s ")
            and one.role == "place"
            and other.role == "place"
            and other.score is None
        ):
            kept[at + 1] = replace(one, text=other.text, start=other.start, end=other.end, where_prec=2, score=None)
        named = other.role == "place" and other.latitude is not None and other.score is not None
        # the oil refinery in Orsk
        site = (inside or text[one.end : other.start] == " of ") and one.text.rpartition(" ")[2].islower()
        if one.role == "place" and one.score is None and named and (site or _BY.fullmatch(text, one.end, other.start)):
            why = f"no gazetteer here has it; the text puts it by {other.text}"
            kept[at] = replace(other, text=one.text, start=one.start, end=one.end, where_prec=2, score=None, why=why)
    return kept


def _in_one_country(found: list[Mention]) -> list[Mention]:
    """Mentions of which those without coordinates are in the country that all places of the text lie in."""
    named = {m.country for m in found if m.country}
    if len(named) != 1 or not any(m.country and m.role in LOCATED for m in found):
        return found
    country = named.pop()
    why = f"; the text names no other country than {country}"
    return [
        replace(m, country=country, why=m.why + why) if m.role == "place" and m.country is None else m for m in found
    ]


def _alike_in_text(found: list[Mention]) -> list[Mention]:
    """Names that no gazetteer has, where they stand alone, as where the text says what they lie in."""
    known = {m.text.casefold(): m for m in found if m.latitude is not None and m.score is None and m.role == "place"}
    same = [known.get(m.text.casefold()) if m.role == "place" and m.latitude is None else None for m in found]
    return [replace(s, start=m.start, end=m.end) if s is not None else m for m, s in zip(found, same, strict=True)]


def resolve(text: str, spans: Sequence[tuple[int, int]], *, gazetteer: Gazetteer) -> list[Mention]:
    """Find the places of mentions whose spans are known."""
    reading = read(text)
    order = sorted(range(len(spans)), key=lambda i: spans[i])
    given = given_spans(reading, gazetteer.lookup, [spans[i] for i in order])
    # the text's other mentions speak too
    others = [
        s
        for s in spans_of(reading, gazetteer.lookup, countries=gazetteer.countries)
        if s.located and not any(s.start < g.end and g.start < s.end for g in given)
    ]
    both = sorted([*given, *others], key=lambda s: s.start)
    known = {id(row.span): row for row in rank_mentions(reading, both, countries=gazetteer.countries)}
    table = [known[id(s)] for s in given]
    out: list[Mention] = [Mention("", 0, 0, "place")] * len(spans)
    for i, row in zip(order, table, strict=True):
        best = row.ranked[0] if row.ranked else None
        out[i] = _placed(row, *best) if best else _fallback(row, table, gazetteer)
    return out


def _fallback(row: RankedMention, table: Sequence[RankedMention], gazetteer: Gazetteer) -> Mention:
    """A given mention that no gazetteer here has: the container that the text names, else the nearest one's."""
    named = _named_containers(row)
    near = sorted((r for r in table if r.best is not None), key=lambda r: abs(r.span.first - row.span.first))
    holders = named or [r.best for r in near[:1] if r.best is not None]
    if not holders:
        return _unplaced(row.span, "no such name")
    beside = holders[0]
    region = gazetteer.lookup.regions(beside.area) if not named and beside.kind == "place" else ()
    return _contained_only(row, region[0] if region else beside, gazetteer)


def as_frame(found: Sequence[Mention]) -> gpd.GeoDataFrame:
    """Mentions as a GeoDataFrame (EPSG:4326), the columns of `geocode`."""
    table = pd.DataFrame([asdict(m) for m in found], columns=list(MENTION_COLUMNS), dtype=object)
    points = [shapely.Point(m.longitude, m.latitude) if m.longitude is not None else None for m in found]
    types = {"start": "int64", "end": "int64", "latitude": "float64", "longitude": "float64", "where_prec": "Int64",
             "uncertainty_km": "float64", "score": "float64"}  # fmt: skip
    return gpd.GeoDataFrame(table.astype(types), geometry=gpd.GeoSeries(points, crs=CRS), crs=CRS)


def _mention(row: RankedMention, gazetteer: Gazetteer, prior: ArchivePrior | None) -> Mention:
    span = row.span
    if span.role in ("person", "organisation"):
        return _unplaced(span, "; ".join(span.reasons), span.role)
    if span.role == "demonym":
        country = gazetteer.lookup.country(span.code)
        name = country.name if country else None
        return Mention(span.text, span.start, span.end, "demonym", name, country=span.code, why=span.reasons[0])
    if span.role == "metonym":
        return _metonym(row)
    if span.unknown or not row.ranked:  # one very like it inside the container named, or the container
        named = row.beside[:1] if span.bare else _named_containers(row, far=False)
        if named:
            return _contained_only(row, named[-1 if span.unknown else 0], gazetteer)
        if (by_incidents := _of_incidents(row, prior)) is not None:
            return by_incidents
        return _unplaced(span, "; ".join([*span.reasons, "no gazetteer here has it, and the text names no region"]))
    if prior is not None and not (row.beside or row.within):
        _leave_out_far(row, prior)
    place, score, why = row.ranked[0]
    if (abroad := _abroad(row, place)) is not None:
        if (row.beside or span.kind or span.near) and any(w == "same sentence" for _, _, w in row.within):
            return _contained_only(row, abroad, gazetteer)
        return _unplaced(span, "only another spelling, of a place in a country that the text does not name")
    if elsewhere := _out_of_play(row, place, gazetteer.countries):
        return _unplaced(span, elsewhere)
    outside = _outside(row, place)
    if outside is not None and gazetteer.countries is None and not (row.beside or span.kind or span.near or span.led):
        return _unplaced(span, f"only places outside {outside.name} have such a name")
    if outside is not None:
        return _contained_only(row, outside, gazetteer)
    if prior is not None and (doubt := _doubt(row, place, prior)):
        return _of_incidents(row, prior) or _unplaced(span, doubt)
    if prior is not None and _elsewhere_in_archive(row, place, prior) and (own := _of_incidents(row, prior)):
        return own
    return _placed(row, place, score, why)


def _elsewhere_in_archive(row: RankedMention, place: Place, prior: ArchivePrior) -> bool:
    """Whether all that the archive knows of a name lies away from the gazetteer's place, and the text has no region."""
    held = row.beside or row.span.kind in ("region", "district") or any(place.inside(c) for c, _, _ in row.within)
    return place.kind == "place" and not held and prior.share(row.span.text, place) == 0.0


def _of_incidents(row: RankedMention, prior: ArchivePrior | None) -> Mention | None:
    """A place that the archive's incidents alone have."""
    # a name that the gazetteer knows elsewhere may be one of a third place, too
    point = None if prior is None else prior.named(row.span.text, least=2 if row.ranked else 1)
    if point is None:
        return None
    return Mention(row.span.text, row.span.start, row.span.end, "place", row.span.text, latitude=point[0],
                   longitude=point[1], where_prec=2, uncertainty_km=SAME_KM,
                   why="incidents of the archive are there", gazetteer="archive")  # fmt: skip


def _doubt(row: RankedMention, place: Place, prior: ArchivePrior) -> str:
    """Why a name that stands alone is no place for certain, by what the archive is about; empty where it is one."""
    if place.kind != "place" or row.beside or row.within or row.span.kind in ("region", "district"):
        return ""
    if _is_far(row, place, prior):
        return f"only a place {prior.front_km(place):.0f} km from the front has such a name"
    best, rivals = row.ranked[0][1], [(p, score, apart_km(place, p)) for p, score, _ in row.ranked if p.kind == "place"]
    worth = sum(exp(_PER_SCORE * (score - best)) for _, score, _ in rivals)
    listed = sum(p.gazetteer == CREDIT for p, *_ in rivals) if place.gazetteer == CREDIT else 0
    if (unlisted := listed * exp(_PER_SCORE * (_UNLISTED - best))) > _DOUBT * (worth + unlisted):
        return f"a smaller {row.span.text} than any gazetteer here has may be meant"
    for least_km, most in ((_DISTRICT_KM, _DOUBT), (_FAR_NAMESAKE_KM, _DOUBT_AFAR)):
        elsewhere = [(p, score) for p, score, km in rivals if km > least_km]
        if sum(exp(_PER_SCORE * (score - best)) for _, score in elsewhere) > most * worth:
            return f"{_by_front(place, prior)} or {_by_front(elsewhere[0][0], prior)}: either may be meant"
    return ""


def _by_front(place: Place, prior: ArchivePrior) -> str:
    away = prior.front_km(place)
    where = ", ".join(dict.fromkeys(p for p in (place.name, place.adm_2, place.adm_1) if p))
    return where if away is None else f"{where} ({away:.0f} km from the front)"


def _is_far(row: RankedMention, place: Place, prior: ArchivePrior) -> bool:
    """Whether a place lies so far from an archive's front that its name is hardly meant bare."""
    away, how = prior.front_km(place), dict(row.span.found).get(place, OWN)
    far = away is not None and away > (_FAR_KM if place.population >= TOWN else _VILLAGE_KM)
    least = _TOWN_AFAR if how == OTHER or (away or 0.0) > _ABROAD_KM else _CITY
    return far and (how == LOOSE or place.population < least) and not prior.share(row.span.text, place)


def _leave_out_far(row: RankedMention, prior: ArchivePrior) -> None:
    """Take places far from the front out of a mention that has others near it."""
    near = [r for r in row.ranked if r[0].kind != "place" or not _is_far(row, r[0], prior)]
    row.ranked = near if any(r[0].kind == "place" for r in near) else row.ranked


def _metonym(row: RankedMention) -> Mention:
    span = row.span
    place, score, _ = next((r for r in row.ranked if r[0].capital), row.ranked[0])
    return Mention(
        span.text, span.start, span.end, "metonym", place.name, country=place.country, score=round(score, 2),
        why="; ".join(span.reasons), gazetteer=place.gazetteer, place_id=place.place_id,
    )  # fmt: skip


def _placed(
    row: RankedMention, place: Place, score: float, why: Sequence[str], *, uncertainty_km: float = 0.0
) -> Mention:
    span = row.span
    role = {"country": "country", "place": "place"}.get(place.kind, "region")
    near = bool(span.near) and place.kind == "place"
    if span.kind == "district" and place.kind == "place":
        # no list has the district: its town stands for it
        role, near, uncertainty_km = "region", False, _DISTRICT_KM
    second = next((r for r in row.ranked if r[0].number != place.number), None)
    precise = 2 if near or not place.exact else 1
    reasons = [*why, *([f"“{span.near}” before it"] if near else [])]
    namesakes = second is not None and (place.name, place.area) == (second[0].name, second[0].area)
    # of namesakes in one unit only their size speaks
    margin = _NAMESAKES if namesakes else _EVEN
    if second is not None and place.kind == second[0].kind == "place" and score - second[1] < margin:
        # two places as likely as each other: only what holds both is known
        uncertainty_km = apart_km(place, second[0])
        precise = 4 if place.area == second[0].area else 6
        told = f"another {place.name} lies" if namesakes else f"{second[0].name} is as likely,"
        reasons.append(f"{told} {uncertainty_km:.0f} km away")
    return Mention(
        span.text, span.start, span.end, role, place.name, place.adm_1 or None, place.adm_2 or None, place.country,
        place.latitude, place.longitude, precise if role == "place" else _PRECISION.get(place.kind, 3),
        round(max(place.radius_km, uncertainty_km) + (_NEAR_KM if near else 0.0), 1), round(score, 2),
        _label(second[0], second[1]) if second else None,
        "; ".join(dict.fromkeys(reasons)) or "its only meaning", place.gazetteer, place.place_id,
    )  # fmt: skip


def _label(place: Place, score: float) -> str:
    where = ", ".join(dict.fromkeys(p for p in (place.name, place.adm_1, place.country) if p))
    return f"{where} ({place.kind}, {score:.2f})"


def _named_containers(row: RankedMention, *, far: bool = True) -> list[Place]:
    """What the text says that a mention lies in: beside it, else in its sentence, else its paragraph, else the text."""
    if row.beside:
        return row.beside[:1]
    regions = [(c, where) for c, _, where in row.within if c.kind in ("region", "district")]
    told = [row.scene] if row.scene is not None and row.scene.kind == "country" else []
    for where in ("same sentence", "same paragraph", *(("same text",) if far else ())):
        here = [c for c, w in regions if w == where and (not told or c.country in {t.country for t in told})]
        if where == "same text" and len({c.area for c, _ in regions}) > 1:
            return told[:1]  # a text on several regions does not say in which of them
        if here:
            return here
    return told[:1]


def _abroad(row: RankedMention, place: Place) -> Place | None:
    """The container that the sentence names, where a place of another spelling lies in another country."""
    how = next((h for p, h in row.span.found if p.number == place.number), OWN)
    here = [c for c, *_ in row.within]
    if place.kind != "place" or place.capital or how not in (OTHER, LOOSE) or not here:
        return None
    if any(c.country == place.country for c, *_ in row.within):
        return None
    own = plain_key(key_of(place.name))
    if how == OTHER and OSA.normalized_similarity(own, plain_key(key_of(row.span.text))) >= ALIKE_NAMES:
        return None
    return next((c for c in here if c.kind != "country"), here[0])


def _out_of_play(row: RankedMention, place: Place, countries: Sequence[str] | None) -> str:
    """Why a place is not what a name means, by the countries in play and the region of its sentence; else empty."""
    held = any(place.inside(c) for c in (*row.beside, *(c for c, *_ in row.within)))
    if place.kind != "place" or place.capital or held:
        return ""
    abroad = countries is not None and place.country not in {*countries, *row.demonyms}
    if abroad and place.population < _KNOWN_ABROAD:
        return f"only a place in {place.country} has such a name, and the text names no such country"
    if row.scene is not None and not row.beside:
        return f"the sentence speaks of {row.scene.name}, and the place of the name lies elsewhere"
    return ""


def _outside(row: RankedMention, place: Place) -> Place | None:
    """The container to answer with, where a place lies outside of every one that the text names for it."""
    if place.kind != "place":
        return None
    named = _named_containers(row)
    if not named or any(place.inside(c) for c in named):
        return None
    if any(place.inside(c) for c, _, _ in row.within if c.kind in ("region", "district")):
        return None
    if not row.beside:
        # a town is named without its region more often than a village is
        same = any(where == "same sentence" for c, _, where in row.within if c in named)
        if place.population >= (LARGE if same else TOWN):
            return None
    return named[-1 if row.span.unknown else 0]  # the one that stands nearest in the text


def _contained_only(row: RankedMention, container: Place, gazetteer: Gazetteer) -> Mention:
    span = row.span
    for place, likeness in gazetteer.alike(span.text, container.area):
        if place.inside(container):
            why = [*span.reasons, f"in {container.name}, like “{place.name}” ({likeness:.0f} of 100)"]
            return _placed(row, place, likeness / 20, why, uncertainty_km=5.0)
    far = f"; {_label(row.ranked[0][0], row.ranked[0][1])} lies outside" if row.ranked else ""
    why = [*span.reasons, f"no such place is known in {container.name}, which the text names{far}"]
    answer = _placed(RankedMention(span, row.ranked), container, 0.0, why)
    return replace(answer, role="place", score=None)
