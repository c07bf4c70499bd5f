"""Where: which of the places that a text names is the place of an event."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geo.schema import text_or_none
from geo.text.sentences import Passage
from geo.text.word_lists import pattern

LOCATED = ("place", "region", "country")
_FINENESS = {"place": 2.0, "region": 1.0, "country": 0.0}
Stretch = tuple[int, int]


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
    latitude: float
    longitude: float
    where_prec: int | None
    uncertainty_km: float | None
    gazetteer: str | None
    place_id: str | None
    why: str

    @property
    def key(self) -> tuple[Any, ...]:
        """What two mentions of one place share."""
        return (self.role, self.place_id or (round(self.latitude, 3), round(self.longitude, 3)))

    def holds(self, other: Place) -> bool:
        """Whether this region or country is the container of the other place."""
        if _FINENESS[self.role] >= _FINENESS[other.role]:
            return False
        if self.role == "country":
            return self.country is not None and self.country == other.country
        return self.adm_1 is not None and (self.adm_1, self.country) == (other.adm_1, other.country)


def located(rows: Iterable[Mapping[Any, Any]]) -> list[Place]:
    """The mentions that carry coordinates."""
    found = []
    for row in rows:
        if row["role"] not in LOCATED or _number(row["latitude"]) is None or _number(row["longitude"]) is None:
            continue
        precision = _number(row["where_prec"])
        name = text_or_none(row["place"]) or str(row["text"])
        adm_1 = text_or_none(row["adm_1"])
        found.append(
            Place(
                int(row["start"]), int(row["end"]), str(row["text"]), str(row["role"]), name,
                adm_1 or (name if row["role"] == "region" else None), text_or_none(row["adm_2"]),
                text_or_none(row["country"]), float(row["latitude"]), float(row["longitude"]),
                None if precision is None else int(precision), _number(row["uncertainty_km"]),
                text_or_none(row["gazetteer"]), text_or_none(row["place_id"]), text_or_none(row["why"]) or "",
            )
        )  # fmt: skip
    return sorted(found, key=lambda p: p.start)


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def within(places: Sequence[Place], start: int, end: int) -> list[Place]:
    """The mentions that lie in a span of the text."""
    return [p for p in places if start <= p.start and p.end <= end]


def choose(passage: Passage, places: Sequence[Place], *, at: int, scopes: Sequence[Stretch] = ()) -> list[Place]:
    """Where an event of a passage took place: one place, several where the text joins them, or none."""
    inside = [p for p in within(places, passage.start, passage.end) if not _is_part(passage, p)]
    scored = [(_score(passage, p, at, scopes), p) for p in inside]
    # a country is mostly who acts; it is where only if the text says "in" it
    scored = [(s, p) for s, p in scored if p.role != "country" or _is_in(passage, p)]
    if not scored:
        return []
    best = max(scored, key=lambda pair: (pair[0], -abs(pair[1].start - at)))[1]
    return _joined(passage, inside, best)


def _is_part(passage: Passage, place: Place) -> bool:
    """Whether the name goes on beyond what the gazetteer knew of it: "Wad" of "Wad al-Noura"."""
    after = passage.text[place.end - passage.start :]
    return bool(re.match(r"[-–][A-ZА-ЯІЇЄҐ]|\s+(?:al|el|ar|as|an|ed)-[A-Z]", after))


def _is_in(passage: Passage, place: Place) -> bool:
    before = passage.text[: place.start - passage.start][-40:]
    return bool(pattern(passage.lang, "where", "country").search(before))


def _score(passage: Passage, place: Place, at: int, scopes: Sequence[Stretch]) -> float:
    before = passage.text[: place.start - passage.start][-60:]
    score = _FINENESS[place.role] - abs(place.start - at) / 90
    if pattern(passage.lang, "where", "from").search(before):
        score -= 2.0
    elif pattern(passage.lang, "where", "locative").search(before):
        score += 2.0
    if any(a <= place.start < b for a, b in scopes):
        score -= 3.0
    return score


def _joined(passage: Passage, inside: Sequence[Place], best: Place) -> list[Place]:
    """The best place with those that the text puts beside it: "on Kharkiv, Sumy and Odesa"."""
    chain, middle = list(inside), inside.index(best)
    first = last = middle
    joined = pattern(passage.lang, "where", "joined")

    def beside(a: Place, b: Place) -> bool:
        gap = passage.text[a.end - passage.start : b.start - passage.start]
        return a.role == b.role == best.role and a.key != b.key and bool(joined.fullmatch(gap))

    while first > 0 and beside(chain[first - 1], chain[first]):
        first -= 1
    while last + 1 < len(chain) and beside(chain[last], chain[last + 1]):
        last += 1
    kept = chain[first : last + 1]
    # "Kotovsk, Tambov" names one place and what it lies in: a comma alone joins no two
    gap = passage.text[kept[0].end - passage.start : kept[-1].start - passage.start]
    return [best] if len(kept) == 2 and gap.strip() == "," else kept
