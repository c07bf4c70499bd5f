"""Which of several places a mention means: an additive score, each part of which can be read, and when to abstain."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import log1p, log10
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from geo.geocoding.gazetteer import ArchivePrior, Place
from geo.geocoding.matching import INSIDE, Span
from geo.geocoding.place_index import BARE, LOOSE, OTHER, OWN, STEM
from geo.text.sentences import Reading
from geo.text.words import key_of, place_words, plain_key

# parts of the score; a place of ten times the people is worth 1
CUED = 6.0
COUNTRY, AREA, DISTRICT, REGION, LEAST_REGION = 8.5, 7.5, 4.2, -1.2, 5.0
# a region whose name none of its own towns has (Crimea, Wyoming)
UNSHARED_REGION = 6.5
# a town that only some call by a country's own name
COUNTRYS_NAME = -3.0
FORMER = -1.5
# in a text on countries in play: a city of so many people, or a region that shares its name with villages alone
FAMOUS, FAME = 500_000, 2.5
ALIKE_NAMES = 0.8  # two spellings of one name
HOW = {OTHER: -0.1, BARE: -0.2, STEM: -0.2, LOOSE: -1.0}
BESIDE, SENTENCE, PARAGRAPH, TEXT = 4.5, 2.5, 1.6, 1.1
IN_COUNTRY = 0.5  # of the worth of a region: a country says less
# what an archive says: at its front, lost as a place lies farther off, and all its incidents of a name at one place
FRONT, FRONT_KM, NEARER, INCIDENTS = 3.0, 20.0, 2.6, 2.0
IN_PLAY = 0.6
# places with fewer people than this do not stand outside of every container that the text names
LARGE = 50_000
TOWN = 5_000
_NEXT = re.compile(r",? *\(?")
_PART_OF = re.compile(r" in the (?:far )?(?:north|south|east|west|cent(?:er|re))\w* (?:part )?of (?:the )?")
_OF_NOUNS, _ADJECTIVES = ("ска", "ську", "ску", "ська"), ("ske", "skoye", "skoe", "skyi", "skiy")
_ARTICLES = frozenset(("a", "an", "the", "small", "large", "border", "frontline", "nearby"))


def rank_mentions(
    reading: Reading,
    spans: Sequence[Span],
    *,
    countries: Sequence[str] | None = None,
    prior: ArchivePrior | None = None,
) -> list[RankedMention]:
    """Score the candidates of every mention, with what the whole text says of the others."""
    table = [RankedMention(span) for span in spans]
    alone = _Alone(reading, spans, countries, prior)
    for row in table:
        row.ranked = _sorted([alone.score(row.span, place, how) for place, how in row.span.found])
    base = [{p.number: (score, why) for p, score, why in row.ranked} for row in table]
    context = CandidateContext(table)
    for _ in range(2):
        _contain(reading, table)
        support = context.support()
        for number, row in enumerate(table):
            row.ranked = _again(row, base[number], support)
    _one_sense(table)
    return table


def _sorted(scores: Ranked) -> Ranked:
    return sorted(scores, key=lambda r: (-r[1], r[0].number))


class _Alone:
    """What a candidate is worth by itself: people, name, cues, the front."""

    def __init__(
        self, reading: Reading, spans: Sequence[Span], countries: Sequence[str] | None, prior: ArchivePrior | None
    ) -> None:
        self.reading, self.countries, self.prior = reading, frozenset(countries or ()), prior
        self.rules = place_words()
        self.region_cued = {_name(s) for s in spans if s.kind == "region"}
        self.city_cued = {_name(s) for s in spans if s.kind == "place"}

    def score(self, span: Span, place: Place, how: int) -> tuple[Place, float, list[str]]:
        why: list[str] = []
        score = self._size(span, place, how, why) + HOW.get(how, 0.0) + self._former(span, place, how, why)
        if how == LOOSE:
            why.append("another spelling")
        score += self._cue(span, place, why)
        if how == STEM and span.text.endswith(_OF_NOUNS) and place.name.endswith(_ADJECTIVES):
            score += FORMER  # Покровска is a form of Покровск, not of Покровское
        if place.country in self.countries:
            score += IN_PLAY
        if self.prior is not None and place.kind == "place":
            score += self._known_to_archive(self.prior, span, place, why)
        return place, score, why

    def _known_to_archive(self, prior: ArchivePrior, span: Span, place: Place, why: list[str]) -> float:
        """How near the archive's front a place lies, and whether incidents of its name do so, too."""
        away, share = prior.front_km(place), prior.share(span.text, place)
        if away is not None:
            why.append(f"{away:.0f} km from the front")
        if share:
            why.append("incidents of the archive are there")
        near = 0.0 if away is None else max(FRONT - NEARER * log1p(away / FRONT_KM), 0.0)
        return near + INCIDENTS * (share or 0.0)

    def _former(self, span: Span, place: Place, how: int, why: list[str]) -> float:
        """A name that a place once bore gives way to places that bear it now (Pokrovsk was Engels's)."""
        if how != OTHER or not any(h == OWN and p.kind == "place" for p, h in span.found):
            named = [p for p, _ in span.found if p.kind == "place" and _likeness(p, span) > ALIKE_NAMES]
            if how != OTHER or not named:
                return 0.0
        if (likeness := _likeness(place, span)) > ALIKE_NAMES:  # Oleksandrivskyi, where others are Oleksandrivka
            return FORMER / 2 if likeness < 1.0 and any(h == OWN for _, h in span.found) else 0.0
        why.append("another name of it")
        # what several places are called now is hardly one that was called so (Donetsk was an Oleksandrivka)
        bearers = sum(h == OWN and p.kind == "place" and p.country in self.countries for p, h in span.found)
        return FORMER * min(max(bearers, 1), 3)

    def _size(self, span: Span, place: Place, how: int, why: list[str]) -> float:
        people = log10(max(place.population, 100))
        if place.kind == "country":
            why.append("a country")
            return COUNTRY
        if place.kind in ("continent", "area", "sea"):
            return AREA
        if place.kind == "district":
            return DISTRICT if how in (0, OTHER, STEM) and span.kind != "place" else 0.0
        if place.kind == "region":
            why.append("a region")
            # whether a town of the region itself, and no small one, has the name as well
            # or one elsewhere by its own name, where this is the region's without its kind (Gaza is no Mozambique's)
            towns = [p for p, h in span.found if p.kind == "place" and (p.area == place.area or h < how == BARE)]
            least = LEAST_REGION if any(p.population > 20_000 for p in towns) else UNSHARED_REGION
            villages = [p for p, _ in span.found if p.kind == "place" and p.area != place.area]
            sure = self.countries and villages and how != BARE and all(p.population < TOWN for p in villages)
            return max(people + REGION, least) + self._whole(span, why) + (FAME if sure else 0.0)
        if place.population:
            why.append(f"population {place.population:,}")
        if self.countries and place.population >= FAMOUS:
            people += FAME  # Donetsk, and not the town of the name by Rostov
        if how != OWN and any(p.kind == "country" for p, _ in span.found):
            people += COUNTRYS_NAME
        return people + (0.5 if place.capital else 0.0)

    def _whole(self, span: Span, why: list[str]) -> float:
        """A bare name is the region where the text has cued it as one, and nothing says city."""
        if span.kind or _name(span) not in self.region_cued:
            return 0.0
        near = self._sentence(span)
        before = self.reading.before(span.first, 2)
        if any(w in self.rules["whole_city"] for w in near) or _name(span) in self.city_cued:
            return 0.0
        if before[-1:] and before[-1] in ("in", "into", "across", "throughout", "within", "from", "of", "inside"):
            why.append("the text speaks of the region")
            return 2.6 if before[-1] != "in" or any(w in self.rules["whole_region"] for w in near) else 1.4
        return 0.0

    def _sentence(self, span: Span) -> set[str]:
        here = self.reading.sentence[span.first] if self.reading.sentence else 0
        pairs = enumerate(zip(self.reading.words, self.reading.sentence, strict=True))
        return {w.key for i, (w, s) in pairs if s == here and not span.first <= i < span.last}

    def _cue(self, span: Span, place: Place, why: list[str]) -> float:
        if not span.kind or place.kind == "country":
            return 0.0
        if place.kind == span.kind:
            why += span.reasons
            return CUED + self._of_size(span, place)
        if {place.kind, span.kind} == {"region", "district"}:
            return 1.0
        return -CUED

    def _of_size(self, span: Span, place: Place) -> float:
        """A village has few people, a city many."""
        word = span.size_word
        if place.kind != "place" or not word:
            return 0.0
        if word in self.rules["village_words"]:
            return -2.0 if place.population > 20_000 else 0.0
        return 0.5 if word in self.rules["city_words"] and place.population > 20_000 else 0.0


def _likeness(place: Place, span: Span) -> float:
    """How alike a place's own name is to what the text writes, 0 to 1."""
    return float(OSA.normalized_similarity(plain_key(key_of(place.name)), plain_key(key_of(span.text))))


def _name(span: Span) -> str:
    return span.text.split()[0].casefold()[:5] if span.text else ""


def _contain(reading: Reading, table: Sequence[RankedMention]) -> None:
    """The containers that the text names for each mention: beside it, in its sentence, its paragraph, the text."""
    holders = [(row.span, row.best) for row in table if row.span.located and row.best is not None and _holds(row)]
    demonyms = frozenset(row.span.code for row in table if row.span.role == "demonym")
    places: dict[int, tuple[Place, list[int]]] = {}  # every container, and the words that name it
    scenes: dict[int, list[tuple[Span, Place]]] = {}  # by sentence
    for span, place in holders:
        if span.first < len(reading.words):
            places.setdefault(place.number, (place, []))[1].append(span.first)
            if _opens_with(reading, span):
                scenes.setdefault(reading.sentence[span.first], []).append((span, place))
    for at, row in enumerate(table):
        row.beside = _beside(reading, table, at)
        row.within, row.scene, row.demonyms = [], None, demonyms
        if not reading.words or row.span.first >= len(reading.words):
            continue
        told = [one for place, firsts in places.values() for one in _held_by(reading, row.span.first, place, firsts)]
        row.within = [entry for _, entry in sorted(told, key=itemgetter(0))]
        if _is_local(reading, row.span):
            before = [
                place for span, place in scenes.get(reading.sentence[row.span.first], ()) if span.last <= row.span.first
            ]
            row.scene = before[-1] if before else None


def _held_by(
    reading: Reading, at: int, place: Place, firsts: list[int]
) -> Iterator[tuple[int, tuple[Place, float, str]]]:
    """How near to a word a text names a container, before it and after it: the first word of each, worth and where."""
    sentence, paragraph = reading.sentence, reading.paragraph
    share = IN_COUNTRY if place.kind == "country" else 1.0
    low, high = (side(firsts, at) for side in (bisect_left, bisect_right))
    first = bisect_left(firsts, sentence[at], key=sentence.__getitem__)
    last = bisect_right(firsts, sentence[at], key=sentence.__getitem__)
    if first < low or high < last:
        yield firsts[first if first < low else high], (place, SENTENCE * share, "same sentence")
    near = bisect_left(firsts, paragraph[at], key=paragraph.__getitem__)
    end = bisect_right(firsts, paragraph[at], key=paragraph.__getitem__)
    # a place lies in what was named before it; what comes later says less
    for start, stop, worth, where in (
        (near, first, PARAGRAPH, "same paragraph"), (last, end, PARAGRAPH * 0.7, "same paragraph later"),
        (0, near, TEXT, "same text"), (end, len(firsts), TEXT * 0.7, "same text later"),
    ):  # fmt: skip
        if start < stop:
            yield firsts[start], (place, worth * share, where)


def _opens_with(reading: Reading, holder: Span) -> bool:
    """Whether a sentence opens with a container, as with "In Belgorod region"."""
    lead = reading.before(holder.first)
    return bool(lead) and lead[-1] in INSIDE and (holder.first == len(lead) or reading.starts(holder.first - len(lead)))


def _is_local(reading: Reading, span: Span) -> bool:
    """Whether something is said to be in a place: "in the village of A"."""
    return bool(span.near) or span.kind == "place" or bool(INSIDE.intersection(reading.before(span.first)[-1:]))


def _holds(row: RankedMention) -> bool:
    kind = None if row.best is None else row.best.kind
    if kind in ("region", "district"):
        return row.span.kind == kind or len(row.ranked) < 2 or row.ranked[0][1] - row.ranked[1][1] > 0.5
    return kind in ("country", "area")


def _beside(reading: Reading, table: Sequence[RankedMention], at: int) -> list[Place]:
    """Candidates of a neighbour that say outright what a mention lies in: "Sudzha, Kursk Oblast", "Sumy Oblast's …"."""
    span = table[at].span
    found: list[Place] = []
    if at + 1 < len(table):
        after = table[at + 1]
        gap = reading.text[span.end : after.span.start]
        owned = reading.text[after.span.end : after.span.end + 3] in ("'s ", "’s ")
        if owned and at + 2 < len(table) and table[at + 2].span.kind == "region":
            after = table[at + 2]  # in Maga, in Nigeria's Kebbi State
        holds = gap == " " and after.span.kind in ("region", "district")  # Іванівка Куп'янського району
        if after.span.located and (holds or _opens(gap)) and not _in_list(reading, table, at):
            found += [p for p, _, _ in after.ranked if p.kind != "place"][:3]
    if at > 0:
        before = table[at - 1]
        gap = reading.text[before.span.end : span.start]
        if before.span.located and before.span.kind == "region" and gap.strip() in ("'s", "’s"):
            found += [p for p, _, _ in before.ranked if p.kind != "place"][:3]
    return found


def _opens(gap: str) -> bool:
    """Whether what stands between two mentions puts the first into the second: "(", ", ", ", a village in "."""
    if "." in gap or ";" in gap or "\n\n" in gap:
        return False
    words, tables = [w.casefold() for w in gap.strip(" ,(").split()], place_words()
    if not words:
        return bool(_NEXT.fullmatch(gap)) and bool(gap.strip())
    if len(words) > 1 and words[-1] in tables["compass"]:
        words.pop()  # in eastern Congo
    if len(words) <= 2:
        return all(w in INSIDE or w == "the" for w in words)
    if len(words) <= 5 and words[0] in INSIDE and words[0] != "of":  # im Norden von, dans le territoire de
        return all(w in INSIDE or any(w in tables[t] for t in ("compass", "of_what")) for w in words)
    known = ("settlement_before", "compass")
    if _PART_OF.fullmatch(gap) or (words[0] in ("a", "an", "the") and gap.startswith(", ") and gap.endswith(" in ")):
        # "a remote community in", "in the north of the"
        return len(words) <= 7 and (gap[0] != "," or any(w in tables["settlement_before"] for w in words))
    return (
        len(words) <= 7
        and words[-1 if words[-1] != "the" else -2] in INSIDE
        and all(w in INSIDE or w in _ARTICLES or any(w in tables[t] for t in known) for w in words)
    )


def _in_list(reading: Reading, table: Sequence[RankedMention], at: int) -> bool:
    """Whether a comma after a mention goes on a list of equals rather than naming what it lies in."""
    following = table[at + 1]
    if following.span.kind in ("region", "district"):
        return "a list of regions" in table[at].span.reasons
    if any(p.kind == "country" for p, _, _ in following.ranked):
        return any(p.kind == "country" for p, _, _ in table[at].ranked)
    if at + 2 < len(table):
        gap = reading.text[following.span.end : table[at + 2].span.start].strip()
        return gap in (", and", "and", "та", "і", "и", ",") and table[at + 2].span.located and gap != ","
    return False


def _again(
    row: RankedMention, base: dict[int, tuple[float, list[str]]], support: Mapping[tuple[str, int], tuple[float, str]]
) -> Ranked:
    scores: Ranked = []
    for place, _, _ in row.ranked:
        score, parts = base[place.number]
        worth, reason = support.get((group_of(row), place.number), (0.0, ""))
        why = [*parts]
        score = score + _contained(row, place, why) + worth
        scores.append((place, score, [*why, reason] if reason else why))
    return _sorted(scores)


def _contained(row: RankedMention, place: Place, why: list[str]) -> float:
    for container in row.beside:
        if container.number != place.number and place.inside(container):
            why.append(f"in {container.name}, named beside it")
            return BESIDE
    # that Kursk lies in Kursk Oblast does not speak for the city
    held = [
        (w, c, where)
        for c, w, where in row.within
        if c.number != place.number and place.inside(c) and key_of(c.name)[:5] != key_of(place.name)[:5]
    ]
    if not held:
        return 0.0
    worth, container, where = max(held, key=lambda h: h[0])
    if container.kind != "country" or len({c.number for c, _, _ in row.within}) > 1:
        why.append(f"in {container.name}, {where}")
    return worth


def _one_sense(table: Sequence[RankedMention]) -> None:
    """One name means one place throughout a text, unless a container beside it says otherwise."""
    groups: dict[tuple[str, str], list[RankedMention]] = {}
    for row in table:
        if row.span.located and row.ranked:
            groups.setdefault((row.span.text.casefold(), row.span.kind), []).append(row)
    for rows in groups.values():
        if len(rows) < 2:
            continue
        surest = max(rows, key=lambda r: r.ranked[0][1])
        best = surest.ranked[0][0]
        for row in rows:
            mine = next((r for r in row.ranked if r[0].number == best.number), None)
            if mine is None or row.beside or row is surest or row.ranked[0][0].kind != best.kind:
                continue
            if row.ranked[0][0].number != best.number:
                row.ranked.remove(mine)
                row.ranked.insert(0, (best, max(row.ranked[0][1], mine[1]), [*mine[2], "as elsewhere in the text"]))


# what other names of the text are worth to a place
CLOSE, MANY_CLOSE, SAME_REGION, SAME_COUNTRY = 2.2, 0.8, 1.5, 1.5
CLOSE_KM, DOUBT = 60.0, 1.2  # how fast a candidate that lies behind the first of its name loses its attribution
_MOST = 12  # candidates of a name that are heard

Ranked = list[tuple[Place, float, list[str]]]


@dataclass
class RankedMention:
    """A mention with its candidates, best first: place, score and the parts of the score in words."""

    span: Span
    ranked: Ranked = field(default_factory=list)
    beside: list[Place] = field(default_factory=list)
    within: list[tuple[Place, float, str]] = field(default_factory=list)
    scene: Place | None = None  # what the sentence opens with: "In Belgorod region"
    demonyms: frozenset[str] = frozenset()  # countries of which the text names the people

    @property
    def best(self) -> Place | None:
        """The candidate with the highest score."""
        return self.ranked[0][0] if self.ranked else None


def group_of(row: RankedMention) -> str:
    """What mentions of one name share."""
    return f"{row.span.text.casefold()} {row.span.kind}"


class CandidateContext:
    """The candidates of a text's names, their distances and their units, as arrays."""

    def __init__(self, table: Sequence[RankedMention]) -> None:
        self._rows = [row for row in table if row.span.located and row.ranked]
        first: dict[str, RankedMention] = {}
        for row in self._rows:
            first.setdefault(group_of(row), row)
        self._names = list(first)
        places = [(n, p) for n, row in enumerate(first.values()) for p, _, _ in row.ranked[:_MOST]]
        self._places = [p for _, p in places]
        self._name = np.array([n for n, _ in places], dtype=np.intp)
        self._close = _closeness(self._places)
        self._area = _alike([p.area for p in self._places])
        self._country = _alike([p.country for p in self._places])

    def support(self) -> dict[tuple[str, int], tuple[float, str]]:
        """Name and place -> what the other names are worth to it, and the nearest of them in words."""
        count = len(self._names)
        if count < 2:
            return {}
        attribution = self._credence()
        starts = np.searchsorted(self._name, np.arange(count))
        parts = []
        for matrix in (self._close, self._area, self._country):
            heard = np.maximum.reduceat(matrix * attribution, starts, axis=1)
            heard[np.arange(len(self._name)), self._name] = 0.0
            parts.append(heard)
        close, area, country = parts
        worth = (
            CLOSE * close.max(axis=1)
            + MANY_CLOSE * close.sum(axis=1) / (count - 1)
            + SAME_REGION * area.sum(axis=1) / (count - 1)
            + SAME_COUNTRY * country.sum(axis=1) / (count - 1)
        )
        reasons = self._reasons(close, starts)
        keys = ((self._names[n], p.number) for n, p in zip(self._name, self._places, strict=True))
        return dict(zip(keys, zip(worth.tolist(), reasons, strict=True), strict=True))

    def _credence(self) -> NDArray[np.float64]:
        """How far each candidate is to be believed: 1 the first of its name, less the farther it lies behind."""
        scores: dict[tuple[str, int], float] = {}
        for row in self._rows:
            for place, score, _ in row.ranked:
                key = group_of(row), place.number
                scores[key] = max(score, scores.get(key, -99.0))
        keys = ((self._names[n], p.number) for n, p in zip(self._name, self._places, strict=True))
        mine = np.array([scores[key] for key in keys])
        best = np.full(len(self._names), -99.0)
        np.maximum.at(best, self._name, mine)
        return np.asarray(np.exp((mine - best[self._name]) / DOUBT), dtype=np.float64)

    def _reasons(self, close: NDArray[np.float64], starts: NDArray[np.intp]) -> list[str]:
        nearest = close.argmax(axis=1)
        names = [self._places[i].name for i in starts]
        return [
            f"near {names[n]}" if value > 0.3 else ""
            for n, value in zip(nearest.tolist(), close.max(axis=1).tolist(), strict=True)
        ]


def _closeness(places: Sequence[Place]) -> NDArray[np.float64]:
    """1 at the same point, less with distance; 0 for what is larger than a district."""
    lat = np.radians([p.latitude for p in places])
    lon = np.radians([p.longitude for p in places])
    small = np.array([p.kind in ("place", "district") for p in places], dtype=bool)
    half = np.sin((lat[:, None] - lat) / 2) ** 2
    half += np.cos(lat)[:, None] * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    away = 12742.0 * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return np.asarray(np.exp(-away / CLOSE_KM) * (small[:, None] & small), dtype=np.float64)


def _alike(words: Sequence[str]) -> NDArray[np.float64]:
    numbers = {word: n for n, word in enumerate(dict.fromkeys(words))}
    codes = np.array([numbers[w] if w else -1 for w in words])
    return np.asarray((codes[:, None] == codes) & (codes >= 0), dtype=np.float64)
