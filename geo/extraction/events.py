"""What happened: the words of a text that tell an event, by the table of rules, and what stands in doubt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import zip_longest
from typing import Any

from geo.formats.dates import find_date
from geo.schema import DISTRICT_PREC, NEAR_PREC, SEA_PREC, number_or_none, text_or_none
from geo.text.dates import EXACT, FEW_DAYS, MONTH, DateMention, find_dates
from geo.text.languages import Rule, actors, any_of, pattern, rules, word_list, words
from geo.text.sentences import TextSpan

Stretch = tuple[int, int]
_BEFORE = 70  # how far back a "could" or a "no" may stand


@dataclass(frozen=True)
class Trigger:
    """Words that tell an event, with the rule that reads them."""

    rule: Rule
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Actor:
    """Who is named as acting or acted upon, as ACLED would write it."""

    name: str
    start: int
    end: int
    text: str


def find_triggers(passage: TextSpan, *, void: tuple[Stretch, ...] = ()) -> list[Trigger]:
    """The events that a passage tells, in order; where two rules want the same words, the higher rank has them."""
    found: list[Trigger] = []
    for rule in rules(passage.lang):
        for match in rule.pattern.finditer(passage.text):
            start, end = passage.start + match.start(), passage.start + match.end()
            if any(start < t.end and t.start < end for t in found) or any(a <= start < b for a, b in void):
                continue
            before = passage.text[max(0, match.start() - _BEFORE) : match.start()]
            ahead = pattern(passage.lang, "doubt", "maybe_after").match(passage.text[match.end() :][:_BEFORE])
            if not ahead and not any(pattern(passage.lang, "doubt", name).search(before) for name in ("maybe", "not")):
                found.append(Trigger(rule, start, end, match[0]))
    return sorted(found, key=lambda t: t.start)


def find_actors(passage: TextSpan) -> list[Actor]:
    """Forces that a passage names, in order."""
    found: list[Actor] = []
    for name, shape in actors(passage.lang):
        for match in shape.finditer(passage.text):
            start, end = passage.start + match.start(), passage.start + match.end()
            if not any(start < a.end and a.start < end for a in found):
                found.append(Actor(name, start, end, match[0]))
    return sorted(found, key=lambda a: a.start)


LOCATED = ("place", "region", "country")
_UNKNOWN = 0.5  # of a name that no gazetteer has, against one that it has
_FINENESS = {"place": 2.0, "region": 1.0, "country": 0.0}


@dataclass(frozen=True)
class Place:
    """A mention that has a point: ``text[start:end]``, and what the geocoder made of it. Degrees, EPSG:4326."""

    start: int
    end: int
    text: str
    role: str
    place: str
    adm_1: str | None
    adm_2: str | None
    country: str | None
    latitude: float | None  # None: a name that no gazetteer has, in no region that the text names
    longitude: float | None
    where_prec: int | None
    uncertainty_km: float | None
    gazetteer: str | None
    place_id: str | None
    why: str

    @property
    def key(self) -> tuple[Any, ...]:
        """What two mentions of one place share."""
        if self.latitude is None or self.longitude is None:
            return (self.role, self.text.casefold())
        return (self.role, self.place_id or (round(self.latitude, 3), round(self.longitude, 3)))

    def holds(self, other: Place) -> bool:
        """Whether this region or country is the container of the other place."""
        if _FINENESS[self.role] >= _FINENESS[other.role]:
            return False
        if self.role == "country":
            return self.country is not None and self.country == other.country
        return self.adm_1 is not None and (self.adm_1, self.country) == (other.adm_1, other.country)


def located(rows: Iterable[Mapping[Any, Any]]) -> list[Place]:
    """The mentions of ground; of those without coordinates the names that no gazetteer has."""
    found = []
    for row in rows:
        at = number_or_none(row["latitude"]), number_or_none(row["longitude"])
        if row["role"] not in LOCATED or (None in at and text_or_none(row["place"]) is not None):
            continue
        precision = number_or_none(row["where_prec"])
        name = text_or_none(row["place"]) or str(row["text"])
        adm_1 = text_or_none(row["adm_1"])
        found.append(
            Place(
                int(row["start"]), int(row["end"]), str(row["text"]), str(row["role"]), name,
                adm_1 or (name if row["role"] == "region" else None), text_or_none(row["adm_2"]),
                text_or_none(row["country"]), *at,
                None if precision is None else int(precision), number_or_none(row["uncertainty_km"]),
                text_or_none(row["gazetteer"]), text_or_none(row["place_id"]), text_or_none(row["why"]) or "",
            )
        )  # fmt: skip
    return sorted(found, key=lambda p: p.start)


def within(places: Sequence[Place], start: int, end: int) -> list[Place]:
    """The mentions that lie in a span of the text."""
    return [p for p in places if start <= p.start and p.end <= end]


def choose(passage: TextSpan, places: Sequence[Place], *, at: int, scopes: Sequence[Stretch] = ()) -> list[Place]:
    """Where an event of a passage took place: one place, several where the text joins them, or none."""
    # a name that goes on beyond what the gazetteer knew of it: "Wad" of "Wad al-Noura"
    part = re.compile(r"[-–][A-ZА-ЯІЇЄҐ]|\s+(?:al|el|ar|as|an|ed)-[A-Z]")
    inside = within(places, passage.start, passage.end)
    inside = [p for p in inside if not part.match(passage.text, p.end - passage.start)]
    scored = [(_score(passage, p, at, scopes) - (p.latitude is None) * _UNKNOWN, p) for p in inside]
    # a country is mostly who acts; it is where only if the text says "in" it
    inward, start = pattern(passage.lang, "where", "country"), passage.start
    scored = [
        (s, p) for s, p in scored
        if not (p.role == "country" or p.where_prec == SEA_PREC) or inward.search(passage.text[: p.start - start][-40:])
    ]  # fmt: skip
    wider = [(s, p) for s, p in scored if p.role != "place" and p.latitude is not None]
    scored = [(s, p) for s, p in scored if p.role != "country" or all(q.role == "country" for _, q in scored)] or scored
    if not scored:
        return []
    best = max(scored, key=lambda pair: (pair[0], -abs(pair[1].start - at)))[1]
    inner = [(s, p) for s, p in scored if best.role == "region" and s > 0 and best.holds(p)]
    best = max(inner, key=lambda pair: pair[0], default=(0.0, best))[1]  # "in Borno, troops killed nine near Bama"
    held = next((p for _, p in wider if p.start > best.start or p.role == "country"), None)
    if held is None and " " not in passage.text.strip()[: max(0, inside[0].start - start - 1)].strip():
        held = next((p for p in inside[:1] if p.latitude is not None), None)  # "In Zaporizhzhia, … the A district"
    if best.latitude is None and held is not None:  # a name that no gazetteer has lies in what is named beside it
        return [
            replace(
                best, latitude=held.latitude, longitude=held.longitude, where_prec=held.where_prec, adm_1=held.adm_1,
                country=held.country, uncertainty_km=held.uncertainty_km, why=held.why,
            )
        ]  # fmt: skip
    return _joined(passage, inside, best)


# "3/6 Kupiansk: a bomb brought down the bridge", "Engels, Saratov region: two explosions"
_TOPIC = re.compile(r"[\W\d]*")
_OF_TOPIC = re.compile(r"(?:,[^.:;,]{2,40})?:|\s*\([^)]{2,40}\)\s*[:–—]")


def _score(passage: TextSpan, place: Place, at: int, scopes: Sequence[Stretch]) -> float:
    before = passage.text[: place.start - passage.start][-60:]
    score = _FINENESS[place.role] + (0.5 if place.where_prec == DISTRICT_PREC else 0.0) - abs(place.start - at) / 90
    if place.where_prec == NEAR_PREC:
        score -= 0.6  # "A, north of B" is told of A
    if pattern(passage.lang, "where", "from").search(before):
        score -= 2.0
    elif pattern(passage.lang, "where", "locative").search(before):
        score += 2.0
    if any(a <= place.start < b for a, b in scopes):
        score -= 3.0
    head = place.role == "place" and _TOPIC.fullmatch(passage.text[: place.start - passage.start])
    if head and _OF_TOPIC.match(passage.text, place.end - passage.start):
        score += 1.3  # no more than a village named in the sentence
    return score


def _joined(passage: TextSpan, inside: Sequence[Place], best: Place) -> list[Place]:
    """The best place with those that the text puts beside it: "on Kharkiv, Sumy and Odesa"."""
    chain, middle = list(inside), inside.index(best)
    first = last = middle
    joined = pattern(passage.lang, "where", "joined")

    def beside(a: Place, b: Place) -> bool:
        gap = passage.text[a.end - passage.start : b.start - passage.start]
        within = best.role == "region" and a.where_prec != b.where_prec  # a district in its region
        return a.role == b.role == best.role and a.key != b.key and not within and bool(joined.fullmatch(gap))

    while first > 0 and beside(chain[first - 1], chain[first]):
        first -= 1
    while last + 1 < len(chain) and beside(chain[last], chain[last + 1]):
        last += 1
    kept = chain[first : last + 1]
    if pattern(passage.lang, "where", "between").search(passage.text[: kept[0].start - passage.start]):
        return [best]  # between Kati and Kolokani
    # "Kotovsk, Tambov" names one place and what it lies in: a comma alone joins no two
    gap = passage.text[kept[0].end - passage.start : kept[-1].start - passage.start]
    return [best] if len(kept) == 2 and gap.strip() == "," else kept


_DATELINE_LINES = 6
_SHORT = 60  # a line of a dateline alone
OLD_DAYS = 30  # an event so long before the dateline is background, not news


@dataclass(frozen=True)
class Day:
    """A date as a text gives it: ``first`` to ``last``, how exact (UCDP's ``date_prec``), and where it stands."""

    first: date
    last: date
    date_prec: int
    start: int
    end: int
    text: str
    is_report: bool = False  # the day on which somebody said it, not the day of the event


@dataclass(frozen=True)
class Dateline:
    """The day of a briefing, and the span of its text that gives it (None where it was told)."""

    day: date
    start: int | None = None
    end: int | None = None


def dateline(passages: Sequence[TextSpan]) -> Dateline | None:
    """The date under which a briefing was written: the first whole date among its first lines."""
    for passage in passages[:_DATELINE_LINES]:
        opened = opening(passage)
        dated = find_date(passage.text[: opened.end - opened.start]) if opened else None
        found = dated or (find_date(passage.text[:400]) if opened is None or len(passage.text) < _SHORT else None)
        if found is not None:
            at = passage.start + passage.text.find(found[1])
            return Dateline(found[0].date(), at, at + len(found[1]))
    return None


# a wire's first words: "PORT SUDAN, April 14 (Reuters) – "
_OPENING = re.compile(r"[A-ZА-ЯІЇЄҐ][\w .,'’()/-]{0,70}?(?:\d{4}|\d{1,2}|\([^)\n]{2,30}\))\s*[–—-]+\s")
_AGENCY = re.compile(r"\d[^()]*\([A-Za-zА-Яа-яІЇЄҐіїєґ./]{2,20}\)\s*[–—-]+\s$")


def opening(passage: TextSpan) -> TextSpan | None:
    """The place, date and agency before a dash with which a wire's text begins: where it was written, and no scene."""
    match = _OPENING.match(passage.text)
    if match is None:
        return None
    if not (match[0].split(",")[0].split("(")[0].strip().isupper() or _AGENCY.search(match[0])):
        return None
    return TextSpan(passage.start, passage.start + match.end(), match[0], passage.lang)


def heading_day(passage: TextSpan, today: date) -> date | None:
    """The day of a line that is nothing but a date, as live briefings set one over each day's entries."""
    bare = passage.text.strip(" .:—–-#*")
    if len(bare) > 40:
        return None
    found = find_days(TextSpan(0, len(bare), bare, passage.lang), today)
    if len(found) != 1 or found[0].date_prec != EXACT:
        return None
    rest = re.sub(r"[\d\s,.:–—-]|UTC|GMT|EET|року|года|р\.|г\.", "", bare.replace(found[0].text, ""))
    return found[0].first if len(rest) <= 12 and " " not in rest.strip() else None


def find_days(passage: TextSpan, today: date) -> list[Day]:
    """Every date that a passage names, in order."""
    days = [_day(passage, mention, today) for mention in find_dates(passage.text, today=today)]
    found = [day for day in days if day is not None]
    night = any_of(word_list(passage.lang, "dates").get("saying", {}).get("night", ""))
    return [
        day for day, after in zip_longest(found, found[1:])
        if after is None or (after.first - day.last).days != 1 or after.start - day.end > 14
        or not re.search(night, passage.text[: day.start - passage.start][-12:], re.IGNORECASE)
    ]  # fmt: skip


def unread_dates(passage: TextSpan, today: date | None) -> list[DateMention]:
    """Dates that a passage writes and that no calendar has, or that cannot be read; positions are those of the text."""
    found = find_dates(passage.text, today=today)
    return [mention for mention in found if mention.kind == "unread"]


def _day(passage: TextSpan, mention: DateMention, today: date) -> Day | None:
    first, last = mention.first, mention.last
    # not a month named by the way, nor a day that is still to come
    if (
        first is None
        or last is None
        or mention.bare
        or (mention.kind == "day" and first > today and mention.text.isalpha())
    ):
        return None
    if mention.kind == "past" and mention.date_prec == EXACT:
        first = last = today - timedelta(days=1)  # "over the past day": the day that the briefing is about
    elif mention.kind == "range" and (last - first).days == 1 and _is_night(passage, mention):
        first = last
    elif mention.kind in ("week", "month") and first <= today:
        last = min(last, today)
    precision = EXACT if first == last else mention.date_prec
    start, end, table = mention.start, mention.end, words(passage.lang)["days"]
    # by a verb of saying: "said on January 11"
    before, after = passage.text[max(0, start - 40) : start], passage.text[end : end + 30]
    said = bool(re.search(table["said_before"], before, re.I) or re.search(table["said_after"], after, re.I))
    return Day(first, last, precision, passage.start + start, passage.start + end, mention.text, said)


def _is_night(passage: TextSpan, mention: DateMention) -> bool:
    """Whether two days are the night between them: "overnight on January 10-11"."""
    night = any_of(word_list(passage.lang, "dates").get("saying", {}).get("night", ""))
    return bool(re.search(night, passage.text[: mention.start][-30:], re.IGNORECASE))


def is_old(day: Day | None, today: date) -> bool:
    """Whether an event lies so far back that the briefing only recalls it."""
    return day is not None and (day.date_prec >= MONTH or (today - day.last).days > OLD_DAYS or day.first > today)


def date_fields(days: Sequence[Day], event: Day | None, today: date | None) -> tuple[dict[str, object], list[Day]]:
    """``date_start``, ``date_end`` and ``date_prec`` (UCDP) of an event, and the mentions that give them."""
    if event is not None:
        same = [d for d in days if (d.first, d.last) == (event.first, event.last)]
        found = {"date_start": event.first.isoformat(), "date_end": event.last.isoformat()}
        return {**found, "date_prec": event.date_prec}, same
    reported = next((d for d in days if d.is_report and d.date_prec == EXACT), None)
    last = reported.last if reported is not None else today
    if last is None:
        return {"date_start": None, "date_end": None, "date_prec": None}, []
    day = last.isoformat()
    return {"date_start": day, "date_end": day, "date_prec": FEW_DAYS}, [reported] if reported is not None else []
