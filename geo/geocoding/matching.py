"""Where in a text places are mentioned: the longest names, in one pass over its words."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from geo.geocoding.gazetteer import Found, Lookup
from geo.geocoding.place_index import LOOSE, OTHER, OWN, STEM
from geo.text.languages import forms, word_list
from geo.text.sentences import Reading
from geo.text.words import LANGUAGES_WITH_CASES, describes, is_cyrillic, place_words, words_of

INSIDE = frozenset(("in", "of", "at", "inside", "within", "в", "у", "во", "au", "en", "dans", "im"))
_IN_A_PLACE = frozenset(("in", "outside", "around"))
_ENTERED = frozenset((
    "entered", "left", "fled", "reached", "overran", "retook", "recaptured", "stormed", "captured", "seized",
    "liberated",
))  # fmt: skip
_STRUCK = frozenset(("bombed", "bombing", "pounded", "pounding", "shelled", "shelling"))
_INTO = _IN_A_PLACE | _ENTERED | {"at", "took"}
_WEAK = frozenset(("of", "on", "over", "to", "from", "left", "toward", "towards", "across", "around", "hit", "at"))
_SMALL = 10_000  # one of fewer people is hardly meant by the first word of a longer name
_KNOWN = 200_000  # a town of so many people is meant where it stands alone
_INITIAL_BEFORE = re.compile(r"[A-Z][\w’'-]{1,20} [A-Z]\.\s?$")
_NUMBER = re.compile(r"\.? \d")
_INITIAL_AFTER = re.compile(r" [A-Z]\. [A-Z][a-z]")
_ARTICLES = frozenset(("al", "el", "ad", "an", "ar", "as", "ash", "at", "az", "ed", "es", "ez"))
AND = frozenset(("и", "та", "і", "й", "або", "или"))
_AHEAD = 7  # words looked at for the end of a list of regions


@dataclass
class Span:
    """A mention: words [first, last), the places that it may mean, and the cues around it."""

    first: int
    last: int
    start: int
    end: int
    text: str
    found: tuple[Found, ...] = ()
    role: str = "place"
    kind: str = ""  # region, district or place, where words beside it say so
    reasons: list[str] = field(default_factory=list)
    near: str = ""
    size_word: str = ""  # the word for a settlement that names its size
    code: str = ""  # the country of a demonym
    unknown: bool = False
    bare: bool = False  # unknown, and only "in" says that it is a place
    led: bool = False  # after "in", "to" and the like
    names: tuple[int, int] = (0, 0)

    @property
    def located(self) -> bool:
        """Whether it is a mention of ground, not of people or offices."""
        return self.role in ("place", "region", "country", "metonym")


class ContextWords:
    """The words around mentions of one text, by the rule tables."""

    def __init__(self, reading: Reading, lookup: Lookup, countries: Sequence[str] | None = None) -> None:
        self.reading, self.lookup, self.rules = reading, lookup, place_words()
        self.countries = frozenset(countries or ())
        self.words = reading.words
        self.lower = {w.key for w in self.words if not w.capital}

    def _span(self, first: int, last: int, found: tuple[Found, ...]) -> Span:
        if last - first == 1 and len(self.words[first].text) < 4 and self.words[first].text.isupper():
            # EU is no town called Eu
            found = tuple(f for f in found if f[0].kind != "place")
        start, end = self.words[first].start, self.words[last - 1].end
        return Span(first, last, start, end, self.reading.text[start:end], found, names=(first, last))

    def cue(self, span: Span) -> None:
        """Words that say whether it is a town, a region or a district; the kind word becomes part of the mention."""
        before, after = self.reading.before(span.first), self.reading.after(span.last)
        for kind, table in (("region", "region_after"), ("district", "district_after")):
            word = self.rules[table].begins(after)
            if word and self._glued(span.last, word):
                span.kind, span.reasons = kind, [*span.reasons, f"“{word}” follows"]
                last = span.last + len(word.split())
                whole = " ".join(w.key for w in self.words[span.first : last])
                longer, known = self.lookup.called(whole, cyrillic=is_cyrillic(whole), loose=False), span.found
                span.found += tuple(f for f in longer if f[0].number not in {p.number for p, _ in known})
                self._widened(span, last)
                return
        leading = (("place", "settlement_before"), ("region", "region_before"), ("district", "district_before"))
        for kind, table in leading:
            word = self.rules[table].ends(before)
            if word and (len(word) > 1 or "." in self.reading.gap(span.first)) and not self._titled(span.first, word):
                span.kind, span.reasons = kind, [*span.reasons, f"after “{word}”"]
                span.size_word = word
                break
        else:
            self._apposition(span)
        follows = self.rules["settlement_after"].begins(after)
        if follows and not span.kind and self.words[span.last].text.islower():
            span.kind, span.reasons = "place", [*span.reasons, f"“{follows}” follows"]
        span.near = self._near(span.first)

    def _apposition(self, span: Span) -> None:
        """Shevchenko, a village in …"""
        at = span.last
        if at + 1 >= len(self.words) or self.reading.gap(at) != ", " or self.words[at].key not in ("a", "an", "the"):
            return
        word = next((w.key for w in self.words[at + 1 : at + 4] if w.key in self.rules["settlement_before"]), "")
        if word:
            span.kind, span.size_word, span.reasons = "place", word, [*span.reasons, f"“{word}” follows"]

    def _before(self, at: int, most: int = 4) -> tuple[str, ...]:
        """The words before a name, without its own article: in al-Mawasi."""
        owned = at > 0 and self.reading.gap(at) in ("-", " ") and self.words[at - 1].text in _ARTICLES
        return self.reading.before(at - owned, most)

    def _near(self, at: int) -> str:
        before = self._before(at)
        place = self.rules["settlement_before"].ends(before)
        kept = before[: len(before) - len(place.split())] if place else before
        kept = kept[:-1] if kept and kept[-1] in ("the", "a") else kept
        return self.rules["near"].ends(kept)

    def _glued(self, at: int, word: str) -> bool:
        """Whether a kind word belongs to the name before it (Texas State University is no state)."""
        end = at + len(word.split())
        if word in ("state", "district", "community", "department", "direction", "borough", "county", "province"):
            following = self.words[end] if end < len(self.words) else None
            if following is not None and following.capital and self.words[at].capital:
                named = following.key not in ("road", "rd", "detention")  # Laurel County Detention Center
                return not (
                    named and self.reading.gap(end) == " " and self.rules["organisation_after"].begins((following.key,))
                )
        return True

    def kind_within(self, span: Span) -> None:
        """A given mention may bring its own kind word (Kursk Oblast)."""
        last = span.text.split()[-1] if span.text.split() else ""
        for kind, table in (("region", "region_after"), ("district", "district_after")):
            if last[:1].isupper() and len(span.text.split()) > 1 and words_of(last)[:1]:
                key = words_of(last)[0].key
                if key in self.rules[table] and key not in ("city", "state"):
                    span.kind = span.kind or kind

    def short(self, first: int, last: int) -> tuple[Found, ...]:
        """The region of a short form that ends in a full stop (Ind., W.Va.)."""
        if self.reading.text[self.words[last - 1].end : self.words[last - 1].end + 1] != ".":
            return ()
        return self.lookup.named("." + " ".join(w.key for w in self.words[first:last]))

    def whole(self, first: int, last: int) -> tuple[Found, ...]:
        """The places of a run of words as it stands, without an article, or without its kind word."""
        words = self.words[first:last]
        cyrillic = any(w.cyrillic for w in words)
        if words and words[0].key == "the":
            words = words[1:]
        if short := self.short(first, last):
            return short
        runs = [words]
        for table in ("region_after", "district_after", "settlement_after"):
            if len(words) > 1 and words[-1].key in self.rules[table]:
                runs.append(words[:-1])
        if len(words) > 1 and words[0].key in self.rules["compass"]:
            runs.append(words[1:])
        for run in runs:
            found = self.lookup.called(" ".join(w.key for w in run), cyrillic=cyrillic)
            if found:
                return found
        return ()

    def _adjective(self, at: int) -> Span | None:
        """Курской и Белгородской областей; Харківщина."""
        word = self.words[at]
        if not word.cyrillic or len(word.key) < 6:
            return None
        following = self.words[at + 1].key if at + 1 < len(self.words) else ""
        if following in self.rules["district_after"] and self.reading.gap(at + 1) == " ":
            return self._district(at)
        noun = bool(re.search("[щч]ин(?:а|и|і|у|ою|е|ы|ои)$", word.key))
        last = at + 1
        if not noun:
            after = self._list_end(at + 1)
            if after is None:
                return None
            last = after if after == at + 2 else at + 1
        regions = self.lookup.adjective(word.key)
        regions = tuple(p for p in regions if not self.countries or p.country in self.countries)
        if not regions:
            return None
        span = self._span(at, last, tuple((p, OWN) for p in regions))
        span.kind, span.reasons = "region", ["a region's name"]
        return span

    def _district(self, at: int) -> Span | None:
        """Грайворонском районе: the district named after a town."""
        districts = self.lookup.districts(self.words[at].key)  # or the towns, where no list has the district
        if not districts:
            return None
        span = self._span(at, at + 2, tuple((p, OWN) for p in districts))
        span.kind, span.reasons = "district", ["a district's name"]
        return span

    def _list_end(self, at: int) -> int | None:
        """One past the word область that ends a list of regions; None where none does."""
        for here in range(at, min(at + _AHEAD, len(self.words))):
            word = self.words[here]
            gap = self.reading.gap(here)
            if self.reading.starts(here) or gap.strip() not in ("", ","):
                return None
            joined = "," in gap or (here > at and self.words[here - 1].key in AND)
            if word.capital and not joined:
                return None
            if word.key in self.rules["region_after"]:
                return here + 1
            if word.key in self.rules["district_after"]:
                return None
            if word.key not in AND and not re.search("[сзц]ь?к", word.key):
                return None
        return None

    def _settlement_before(self, at: int) -> str:
        word = self.rules["settlement_before"].ends(self._before(at))
        common = not self.words[at].cyrillic and self.words[at].key in self.rules["common"]  # the city Council
        return "" if word and (self._titled(at, word) or (common and not word.endswith(" of"))) else word

    def _titled(self, at: int, word: str) -> bool:
        """Whether the word before a name is part of another one: City Hall, Town Council."""
        before = self.words[at - 1]
        if before.key in forms(word_list("de", "places").get("settlement_before", "")):  # German nouns have capitals
            return False
        return before.capital and " " not in word and not before.cyrillic and not self.reading.starts(at - 1)

    def _surname_at(self, at: int) -> bool:
        """Whether a capitalised word stands there that may be a surname."""
        if at >= len(self.words) or self.reading.gap(at) != " " or self.reading.starts(at):
            return False
        word = self.words[at]
        return word.capital and len(word.text) > 2 and not word.text.isupper() and not self._is_place_word(word.key)

    def _possessive(self, span: Span) -> bool:
        return self.reading.text[span.end : span.end + 2] in ("'s", "’s", "ʼs")

    def _is_place_word(self, key: str) -> bool:
        tables = ("region_after", "district_after", "settlement_after", "proper_parts", "titles")
        return any(key in self.rules[t] for t in tables) or key in self.rules["common"]

    def _widened(self, span: Span, last: int) -> Span:
        span.last, span.end = last, self.words[last - 1].end
        span.text = self.reading.text[span.start : span.end]
        return span


class MentionTypes(ContextWords):
    """Mentions told apart by role, one by one and then over the whole text."""

    def judge(self, span: Span) -> Span | None:
        """The role of a mention; None where it is none after all."""
        at, last = span.first, span.last
        before, after = self.reading.before(at), self.reading.after(last)
        if span.kind in ("region", "district"):
            return span
        if (named := self._office(span, before, after) or self._person(span, before, after)) is not None:
            return named
        if not span.kind and span.last - at == 1 and self.reading.starts(at) and self.words[at].key in self.lower:
            return None
        span.led = bool(before) and before[-1] in self.rules["place_prepositions"]
        if reason := self._metonym(span, before, after):
            span.role, span.reasons = "metonym", [*span.reasons, reason]
        return span

    def _office(self, span: Span, before: tuple[str, ...], after: tuple[str, ...]) -> Span | None:
        leading = self.rules["organisation_before"].ends(before)
        if (leading and self.words[span.first - 1].text != self.words[span.first - 1].text.lower()) or (
            leading and " " in leading
        ):
            span.role, span.reasons = "organisation", [f"after “{leading}”"]
            return span
        if "&" in (self.reading.text[span.end : span.end + 2].strip(), self.reading.gap(span.first).strip()):
            span.role, span.reasons = "organisation", ["beside “&”"]
            return span
        if self._possessive(span):
            return None
        for ahead in range(min(3, len(after))):
            word = self.words[span.last + ahead]
            if not word.capital and not word.cyrillic:
                break
            if self.rules["proper_parts"].begins((word.key,)):
                break
            if word.key in self.rules["organisation_after"] and self.reading.gap(span.last) != ", ":
                if word.cyrillic and not word.capital and ahead:
                    break
                span.role, span.reasons = "organisation", [f"“{word.text}” follows"]
                return self._widened(span, span.last + ahead + 1)
        return None

    def _person(self, span: Span, before: tuple[str, ...], after: tuple[str, ...]) -> Span | None:
        names, titles = self.rules["given_names"], self.rules["titles"]
        one = span.last - span.first == 1
        key = self.words[span.first].key
        follows = self.words[span.last] if after and span.last < len(self.words) else None
        surname = follows is not None and follows.capital and self.reading.gap(span.last) == " "
        if one and not self.words[span.first].cyrillic and self._initial(span):
            return self._as_person(span, "beside an initial", span.first - 1)
        if before and before[-1] in names and self.words[span.first - 1].capital and one:
            return self._as_person(span, "after a given name", span.first - 1)
        named = before[-1:] and before[-1] in self.rules["place_prepositions"]
        cued = span.kind or span.near or named or self.words[span.first].cyrillic
        known = any(p.kind == "country" or (p.kind != "place" and p.population > 100_000) for p, _ in span.found)
        if one and key in names and not cued and not known:
            return self._as_person(span, "a given name", span.first)
        if before and titles.ends(before) and not span.kind and self.words[span.first].capital:
            return self._as_person(span, f"after “{titles.ends(before)}”", span.first)
        if one and key in names and surname and follows is not None and not self._is_place_word(follows.key):
            last = span.last + 1
            self._as_person(span, "a given name before a surname", span.first)
            return self._widened(span, max(last, span.last))
        small = all(p.kind == "place" and p.population < 100_000 for p, _ in span.found)
        other = all(how in (OTHER, LOOSE) for _, how in span.found)  # "Adan Yabal" is no Aden
        if one and not span.kind and (small or other) and self._stranger_after(span):
            span.role, span.reasons = "organisation", [f"“{self.words[span.last].text}” follows"]
            return self._widened(span, span.last + 1)
        if one and not span.kind and surname and all(how == LOOSE for _, how in span.found):
            span.role, span.reasons = "organisation", ["part of another name"]
            return self._widened(span, span.last + 1)
        country = any(p.kind == "country" for p, _ in span.found)
        if one and not (span.kind or country) and (stranger := self._stranger_before(span, before)):
            return self._as_person(span, f"after “{stranger}”", span.first - 1)
        return None

    def _initial(self, span: Span) -> bool:
        """Whether an initial stands beside a name: Terry A. Corbin, Kijuan D. McDonald."""
        text = self.reading.text
        before = _INITIAL_BEFORE.search(text, max(0, span.start - 20), span.start)
        return before is not None or _INITIAL_AFTER.match(text, span.end) is not None

    def _stranger_before(self, span: Span, before: tuple[str, ...]) -> str:
        """A capitalised word of no known kind right before the name: the two are somebody's name."""
        if not before or self.reading.gap(span.first) != " ":
            return ""
        word = self.words[span.first - 1]
        known = ("common", "compass", "titles", "settlement_before", "region_before", "place_prepositions", "near",
                 "settlement_after", "region_after", "metonym_after", "proper_parts", "organisation_after")  # fmt: skip
        if not word.capital or word.text.isupper() or self.reading.starts(span.first - 1):
            return ""
        if any(word.key in self.rules[t] for t in known) or self.rules.demonym(word.key):
            return ""
        return "" if self.lookup.named(word.key) else word.text

    def _stranger_after(self, span: Span) -> bool:
        """A capitalised word of no place right after a small town's name: both are part of another name."""
        if self._possessive(span) or not self._surname_at(span.last):
            return False
        word = self.words[span.last]
        known = ("compass", "settlement_after", "proper_parts", "titles", "place_prepositions", "near")
        if any(word.key in self.rules[t] for t in known) or self.rules.demonym(word.key):
            return False
        return not self.lookup.named(word.key) and self._adjective(span.last) is None

    def _as_person(self, span: Span, why: str, first: int) -> Span:
        span.role, span.reasons = "person", [why]
        last = span.last
        while last < len(self.words) and last - span.first < 3 and self.reading.gap(last) == " ":
            word = self.words[last]
            if not word.capital or self._is_place_word(word.key) or self.reading.starts(last):
                break
            last += 1
        if self.words[span.first].key in self.rules["given_names"] and last > span.last:
            self._widened(span, last)
        span.names = (first, span.last)
        return span

    def _metonym(self, span: Span, before: tuple[str, ...], after: tuple[str, ...]) -> str:
        capital = any(p.capital for p, _ in span.found)
        if not capital or span.kind or span.near:
            return ""
        if self._possessive(span):
            owned = self.rules["metonym_owned"].begins(after)
            if owned:
                return f"a capital whose “{owned}” are meant"
        leading = self.rules["metonym_before"].ends(before)
        if leading and not re.match(r", [A-Z]", self.reading.text[span.end :][:3]):  # leaders in Doha, Qatar
            return f"a capital after “{leading}”"
        if before and before[-1] in self.rules["place_prepositions"]:
            return ""
        skipped = after[1:] if (after and after[0].endswith("ly")) or after[:1] == ("also",) else after
        verb = self.rules["metonym_after"].begins(skipped[:2])
        return f"a capital that acts (“{verb}”)" if verb else ""

    def spread_regions(self, spans: list[Span]) -> None:
        """Kharkiv, Sumy and Chernihiv oblasts: the plural at the end holds for the whole list."""
        plural = {"oblasts", "regions", "provinces", "states", "governorates", "counties", "districts", "областей",
                  "областях", "областям", "областями", "районах", "районів", "районов", "краях"}  # fmt: skip
        for at in range(len(spans) - 1, 0, -1):
            span, previous = spans[at], spans[at - 1]
            between = self.reading.text[previous.end : span.start].strip()
            ends = self.words[span.last - 1].key in plural or "a list of regions" in span.reasons
            if ends and between in (",", "and", ", and", "та", "і", "и", "або", "or", "&") and previous.role == "place":
                previous.kind, previous.reasons = span.kind, [*previous.reasons, "a list of regions"]

    def speakers(self, spans: list[Span]) -> None:
        """Rome and London condemned it: what holds for one capital of a pair holds for the other."""
        for one, other in pairwise(spans):
            between = self.reading.text[one.end : other.start].strip()
            pair = {one.role, other.role} == {"place", "metonym"} and (between == "and" or between in AND)
            if pair and all(any(p.capital for p, _ in s.found) and not s.kind and not s.near for s in (one, other)):
                before = self.reading.before(one.first, 1)
                if one.role == "place" and before and before[-1] in self.rules["place_prepositions"]:
                    continue
                for span in (one, other):
                    span.role, span.reasons = "metonym", span.reasons or ["beside a capital that acts"]

    def beside_each_other(self, spans: list[Span]) -> None:
        """Lorraine Bailey: two names of towns with nothing between them are somebody's name, or something's."""
        for one, other in pairwise(spans):
            if self.reading.text[one.end : other.start] != " " or self.words[one.first].cyrillic:
                continue
            bare = all(s.role == "place" and s.found and not s.kind and not s.near for s in (one, other))
            leading = self.reading.before(one.first, 1)
            if leading and leading[-1] in self.rules["place_prepositions"]:
                continue
            if bare and all(p.kind == "place" for s in (one, other) for p, _ in s.found):
                for span in (one, other):
                    span.role, span.reasons = "person", ["part of another name"]

    def surnames(self, spans: list[Span]) -> None:
        """A name that the text has given to a person is that person's where it stands alone."""
        people = {self.words[s.last - 1].key for s in spans if s.role == "person" and s.names[1] - s.names[0] > 1}
        for span in spans:
            bare = span.last - span.first == 1 and not span.kind and not span.near
            if span.role in ("place", "metonym") and bare and self.words[span.first].key in people:
                before = self.reading.before(span.first, 1)
                if not (before and before[-1] in ("in", "at", "в", "у")):
                    span.role, span.reasons = "person", ["the text gives this name to a person"]

    def by_chance(self, spans: list[Span]) -> None:
        """Bush, Manning: a word that only a town elsewhere has as its name, where the text calls no place so."""
        if "the" not in self.lower:  # the words looked for are English
            return
        names = [s for s in spans if s.role == "place" and s.last - s.first == 1 and self._only_a_far_town(s)]
        part = {  # "George Bush" somewhere in the text
            w.key for i, w in enumerate(self.words)
            if i and w.capital and self.words[i - 1].capital and not self.reading.starts(i)
            and self.reading.gap(i) == " " and not self._is_place_word(self.words[i - 1].key)
        }  # fmt: skip
        sure = {id(s) for s in names if self._is_cued(s, spans, part)}
        cued = {self.words[s.first].key for s in names if id(s) in sure}
        said = {self.words[s.first].key for s in names if id(s) not in sure and self._speaks(s)}
        for span in names:
            key = self.words[span.first].key
            if key not in cued or (key in said and id(span) not in sure) or (key in part and id(span) not in sure):
                span.role, span.reasons = "person", ["a town elsewhere has the name, and the text names no place by it"]

    def _speaks(self, span: Span) -> bool:
        """Whether a name is that of somebody who says something, or of a thing: "Robertson said", "the Webster"."""
        before, after = self.reading.before(span.first, 1), self.reading.after(span.last, 1)
        if self.rules["settlement_after"].begins(after):  # "said Monroe Mayor Robert Routson"
            return False
        return bool({*before, *after} & _SAID or (before == ("the",) and (not after or after[0] in _IS)))

    def _only_a_far_town(self, span: Span) -> bool:
        plain = not (span.kind or span.near or span.unknown or self.words[span.first].cyrillic)
        small = all(p.kind == "district" or (not p.capital and p.population < _KNOWN) for p, _ in span.found)
        kinds = all(p.kind in ("place", "district", "region") for p, _ in span.found)
        return plain and small and kinds and not any(p.country in self.countries for p, _ in span.found)

    def _is_cued(self, span: Span, spans: Sequence[Span], part: set[str]) -> bool:
        """Whether words beside a name say that it is a place: in, struck, or what it lies in after a comma."""
        before = self.reading.before(span.first, 2)
        before = before[:-1] if before[-1:] == ("the",) else before
        if before and (before[-1] in self.rules["place_prepositions"] or before[-1] in _INTO):
            return before[-1] not in _WEAK or self.words[span.first].key not in part
        beside = [s for s in spans if s is not span and s.located]
        gaps = [self.reading.text[span.end : s.start] for s in beside if s.start > span.end]
        gaps += [self.reading.text[s.end : span.start] for s in beside if s.end < span.start]
        return any(gap in (", ", " (", " and ", ", and ") for gap in gaps)


_IS = frozenset(("is", "was", "were", "has", "had", "and", "or", "struck"))
_SAID = frozenset(("said", "says", "added", "told", "asked", "explained"))
_IN = frozenset(("in", "at", "of", "on", "from", "to", "в", "у", "во", "з", "із", "из"))


def spans_of(reading: Reading, lookup: Lookup, *, countries: Sequence[str] | None = None) -> list[Span]:
    """Every mention of a text, in order."""
    finder = _Finder(reading, lookup, countries)
    found = list(finder.walk())
    finder.spread_regions(found)
    finder.speakers(found)
    finder.beside_each_other(found)
    finder.surnames(found)
    finder.by_chance(found)
    return found


def given_spans(reading: Reading, lookup: Lookup, given: Sequence[tuple[int, int]]) -> list[Span]:
    """Mentions whose place in the text is given: each is looked up as it stands, and taken for ground."""
    finder = _Finder(reading, lookup)
    starts, ends = [w.start for w in reading.words], [w.end for w in reading.words]
    spans = []
    for start, end in given:
        first, last = bisect_left(ends, start + 1), bisect_left(starts, end)
        span = Span(first, max(first, last), start, end, reading.text[start:end], names=(first, last))
        if first < last:
            finder.given(span)
        spans.append(span)
    return spans


class _Finder(MentionTypes):
    """One pass over a text: the longest names first, then what the words around them say."""

    def given(self, span: Span) -> None:
        """What a mention may mean whose place in the text is known."""
        whole = span.first, span.last, span.start, span.end, span.text
        key = " ".join(w.key for w in self.words[span.first : span.last])
        demonym = self.rules.demonyms.get(key) or (self.rules.demonym(key) if is_cyrillic(key) else None)
        country = self.lookup.country(demonym) if demonym else None
        span.found = ((country, OWN),) if country is not None else self.whole(span.first, span.last)
        if country is not None:
            return
        if len(span.text) < 4 and span.text.isupper():
            span.found = tuple(f for f in span.found if f[0].kind != "place")
        self.cue(span)
        self.kind_within(span)
        span.first, span.last, span.start, span.end, span.text = whole

    def walk(self) -> Iterator[Span]:
        at = 0
        while at < len(self.words):
            span = self.at(at)
            if span is None:
                at += 1
                continue
            yield span
            at = span.last

    def at(self, at: int) -> Span | None:
        word = self.words[at]
        if not word.capital:
            return self._demonym(at) if word.cyrillic else None
        count, found = self.lookup.longest(self.words, at, self.reading.text)
        for more in (2, 1):
            short = self.short(at, at + more) if more >= count and at + more <= len(self.words) else ()
            # a short form stands after the place that lies there: Gary, Ind.
            road = short and _NUMBER.match(self.reading.text, self.words[at + more - 1].end)  # W.Va. 61
            if short and not road and (more > 1 or self.reading.gap(at).startswith(",")):
                span = self._span(at, at + more, short)
                span.kind, span.reasons = "region", ["a short form"]
                return span
        if count > 1 and " ".join(w.key for w in self.words[at : at + count]) in self.rules["common"]:
            return None
        if count < 2 and (adjective := self._adjective(at)) is not None:
            return adjective
        demonym = self._demonym(at)
        if demonym is not None and demonym.last - at >= count:
            # a country's own name, such as Росія, is no adjective of nationality
            key = " ".join(w.key for w in self.words[at : at + count])
            if self.rules.demonyms.get(key) or not any(p.kind == "country" for p, _ in found):
                return demonym
        if count == 0 or (count == 1 and (self._is_common(at) or self._only_begins(at, found))):
            return self._unknown(at)
        loosely = count == 1 and all(how == LOOSE for _, how in found) and self._surname_at(at + 1)
        before = self.reading.before(at, 1)
        near = self._beside_what(at) or self._settlement_before(at)
        bends = near and word.cyrillic and all(how == STEM for _, how in found) and self._surname_at(at + 1)
        if count == 1 and bends and any(describes(word.text, lang) for lang in LANGUAGES_WITH_CASES):
            return self._unknown(at)  # поблизу Малої Локні
        small = all(how in (OTHER, LOOSE) or (p.kind == "place" and p.population < _SMALL) for p, how in found)
        if (
            count == 1 and small and before[-1:] and before[-1] in _INTO and self._goes_on(at + 1)
        ):  # "Adan Yabal" is no Aden
            return self._unknown(at, cue=before[-1])
        if (self._settlement_before(at) or self._beside_what(at)) and (loosely or self._goes_on(at + count)):
            return self._unknown(at)
        if small and count == 1 and self._site_end(at) > at + 2:  # "Abu Shouk camp"
            return self._unknown(at)
        span = self._span(at, at + count, found)
        if not span.found:
            return None
        self.cue(span)
        return self.judge(span)

    def _demonym(self, at: int) -> Span | None:
        for count in (2, 1):
            if at + count > len(self.words):
                continue
            key = " ".join(w.key for w in self.words[at : at + count])
            code = self.rules.demonyms.get(key) if count == 2 else self.rules.demonym(key)
            if code:
                span = self._span(at, at + count, ())
                span.role, span.code, span.reasons = "demonym", code, ["a word of nationality"]
                return span
        return None

    def _only_begins(self, at: int, found: tuple[Found, ...]) -> bool:
        """A word that begins a sentence and is a name only elsewhere, or only by a declined form of a small place's."""
        if (
            not self.reading.starts(at)
            or any(p.kind != "place" for p, _ in found)
            or self.reading.text.startswith(":", self.words[at].end)
        ):
            return False  # "Minova: artillery hit a camp"
        if any(
            how == OWN and p.population > 0 and (not self.countries or p.country in self.countries) for p, how in found
        ):
            return False
        least = {True: 20_000, False: 200_000}
        return not any(p.population >= least[not self.countries or p.country in self.countries] for p, _ in found)

    def _is_common(self, at: int) -> bool:
        """A common word, or one that only a sentence's beginning made a name."""
        word = self.words[at]
        if word.text.isupper() and 1 < len(word.text) < 4:  # US, EU, UK
            return not any(p.kind not in ("place", "region", "district") for p, _ in self.lookup.named(word.key))
        if word.key in self.rules["common"]:
            return not self._settlement_before(at) or (self.words[at - 1].capital and not word.cyrillic)
        return len(word.key) < 3 and not word.text.isupper() and word.key not in self.rules["name_starts"]

    def _placed_beside(self, at: int) -> str:
        """The preposition before an unknown name that a region's name follows: near Kilibo (Ouesse, Collines)."""
        before = self._before(at, 3)
        leading = self.rules["near"].ends(before) or (before[-1] if before and before[-1] in _IN | _ENTERED else "")
        leading = leading or ("à …" if before and self.words[at - 1].text == "à" else "")
        last = at + 1
        while leading and last < len(self.words) and last - at < 3 and self.reading.gap(last) in (" ", "-"):
            if not self.words[last].capital or self._adjective(last) is not None:
                break
            last += 1
        if not leading or last >= len(self.words) or self.reading.starts(last) or self._is_common(at):
            return ""
        inside = self.words[last].key == "in" and leading not in ("of", "to", "from")  # on Chaung-U in Sagaing Region
        if self.reading.gap(last) == " " and not inside:
            return leading if self._adjective(last) is not None else ""
        if self.reading.gap(last) in (" ", ", ") and self.words[last].key in INSIDE:
            last += 1  # in Maga, in Kebbi State; à Ntoyo, dans le territoire de Lubero, which no gazetteer need have
            if self.rules["district_before"].begins(self.reading.after(last, 3)):
                return leading
            while last < len(self.words) and self.words[last].key in self.rules["of_what"]:
                last += 1
        if last >= len(self.words) or self.reading.gap(last) not in (", ", " (", " "):
            return ""
        _, found = self.lookup.longest(self.words, last, self.reading.text)
        held = any(p.kind in ("region", "district", "country") for p, _ in found)
        return leading if held or self._adjective(last) is not None else ""

    def _beside_what(self, at: int) -> str:
        """The word for nearness before a name: what one is near is a place."""
        word, near = self.words[at], self._near(at)
        named = not word.text.isupper() and not self._is_common(at) and self.rules.demonym(word.key) is None
        return near if len(near) > 2 and named and word.key not in self.rules["titles"] else ""

    def _bare_in(self, at: int) -> str:
        """The word "in" before a name in Latin letters, or the word "town" after it: a place without coordinates."""
        word, before = self.words[at], self._before(at, 1)
        named = not (word.cyrillic or word.text.isupper() or len(word.text) < 4 or self._is_common(at))
        owned = self.reading.text[word.end : word.end + 2] in ("'s", "’s", "ʼs")
        after = self.rules["settlement_after"].begins(self.reading.after(at + 1, 1))
        if not named or owned or self._is_place_word(word.key) or self.rules.demonym(word.key) is not None:
            return ""
        if after in ("town", "village"):
            return after
        entered = before[-1:] and before[-1] in _ENTERED | _STRUCK and not self._surname_at(at + 1)
        if before and self.words[at - 1].text == "à" and re.match(r"[.;(]|, ", self.reading.text[word.end :]):
            return "à …"
        return before[-1] if entered or (before and before[-1] in _IN_A_PLACE) else ""

    def _site_end(self, at: int) -> int:
        """One past the word that says what a name in Latin letters is of: Abu Shouk camp; 0 where none does."""
        last, words = at, self.words
        while last < len(words) and words[last].capital and last - at < 4 and (last == at or self._joins(last)):
            last += 1
        plain = any(not self._is_common(i) and not self.rules.demonym(words[i].key) for i in range(at, last))
        if (
            last == at
            or not plain
            or (self._is_place_word(words[at].key) and words[at].key not in self.rules["name_starts"])
        ):
            return 0
        alone = self.reading.starts(at) and last - at == 1  # "Housing market"
        site = "" if alone or words[at].cyrillic else self.rules["site_after"].begins(self.reading.after(last))
        return last + len(site.split()) if site and self._joins(last) else 0

    def _joins(self, at: int) -> bool:
        return self.reading.gap(at) in (" ", "-")

    def _goes_on(self, at: int) -> bool:
        """Whether a settlement's name goes on with a word that is no name of a place: village of Krasnaya Skazka."""
        return (
            self._surname_at(at)
            and self._adjective(at) is None
            and all(how == LOOSE for _, how in self.lookup.longest(self.words, at, self.reading.text)[1])
            and self.words[at].key not in self.rules["given_names"]
        )

    def _unknown(self, at: int, *, cue: str = "") -> Span | None:
        """A capitalised name after a word such as village: a place that no gazetteer here has; or somebody's name."""
        word = self.words[at]
        if word.key in self.rules["given_names"] and self._surname_at(at + 1):
            span = self._span(at, at + 2, ())
            span.role, span.reasons = "person", ["a given name before a surname"]
            return span
        bare, cue = cue, self._settlement_before(at) or self._placed_beside(at) or self._beside_what(at)
        if site := self._site_end(at):
            span = self._span(at - (self._before(at, 1) != self.reading.before(at, 1)), site, ())
            span.unknown, span.reasons, span.kind = True, [f"“{self.words[site - 1].text}” follows"], "place"
            return span
        bare = "" if cue else bare or self._bare_in(at)
        cue = cue or bare
        plain = not cue or word.key in self.rules["given_names"] or word.key in self.rules["titles"]
        if plain or self.reading.starts(at) or (len(cue) == 1 and "." not in self.reading.gap(at)):
            return None
        last = at + 1
        while last < len(self.words) and self._joins(last):
            owned = self.words[last].text in _ARTICLES and self.reading.gap(last + 1) == "-"  # Aita al-Jabal
            if not (owned or self.words[last].capital) or self._adjective(last) is not None:
                break
            if self.rules.demonym(self.words[last].key):
                break
            last += 1
        for end in (last, last + 1):  # Verkhnya Rohanka; Chasiv yar
            whole = " ".join(w.key for w in self.words[at:end])
            joined = end - at > 1 and (end == last or (end <= len(self.words) and self.reading.gap(last) == " "))
            if joined and (found := self.lookup.called(whole, cyrillic=is_cyrillic(whole), loose=end == last)):
                span = self._span(at, end, found)
                self.cue(span)
                return span
        owned = self._before(at, 1) != self.reading.before(at, 1)
        span = self._span(at - owned, last, ())
        span.unknown, span.bare, span.reasons, span.kind = True, bool(bare), [f"after “{cue}”"], "place"
        span.near = self._near(at)
        return span
