"""Whether a mention is of ground at all: persons, offices, and capitals that speak for a government."""

from __future__ import annotations

from itertools import pairwise

from geo.geocoding.context_words import AND, Cues, Span
from geo.geocoding.index import LOOSE


class Roles(Cues):
    """Mentions told apart by role, one by one and then over the whole text."""

    def judge(self, span: Span) -> Span | None:
        """The role of a mention; None where it is none after all."""
        at, last = span.first, span.last
        before, after = self.reading.before(at), self.reading.after(last)
        if span.kind in ("region", "district"):
            return span
        office = self._office(span, before, after)
        if office is not None:
            return office
        person = self._person(span, before, after)
        if person is not None:
            return person
        if not span.kind and span.last - at == 1 and self.reading.starts(at) and self.words[at].key in self.lower:
            return None
        said = self._metonym(span, before, after)
        if said:
            span.role, span.cues = "metonym", [*span.cues, said]
        return span

    def _office(self, span: Span, before: tuple[str, ...], after: tuple[str, ...]) -> Span | None:
        leading = self.rules["organisation_before"].ends(before)
        if (leading and self.words[span.first - 1].text != self.words[span.first - 1].text.lower()) or (
            leading and " " in leading
        ):
            span.role, span.cues = "organisation", [f"after “{leading}”"]
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
                span.role, span.cues = "organisation", [f"“{word.text}” follows"]
                return self._widened(span, span.last + ahead + 1)
        return None

    def _person(self, span: Span, before: tuple[str, ...], after: tuple[str, ...]) -> Span | None:
        names, titles = self.rules["given_names"], self.rules["titles"]
        one = span.last - span.first == 1
        key = self.words[span.first].key
        follows = self.words[span.last] if after and span.last < len(self.words) else None
        surname = follows is not None and follows.capital and self.reading.gap(span.last) == " "
        if before and before[-1] in names and self.words[span.first - 1].capital and one:
            return self._as_person(span, "after a given name", span.first - 1)
        if before and titles.ends(before) and not span.kind and self.words[span.first].capital:
            return self._as_person(span, f"after “{titles.ends(before)}”", span.first)
        if one and key in names and surname and follows is not None and not self._is_place_word(follows.key):
            last = span.last + 1
            self._as_person(span, "a given name before a surname", span.first)
            return self._widened(span, max(last, span.last))
        if one and not span.kind and self._small(span) and self._stranger_after(span):
            span.role, span.cues = "organisation", [f"“{self.words[span.last].text}” follows"]
            return self._widened(span, span.last + 1)
        if one and not span.kind and surname and all(how == LOOSE for _, how in span.found):
            span.role, span.cues = "organisation", ["part of another name"]
            return self._widened(span, span.last + 1)
        stranger = self._stranger_before(span, before)
        if stranger and one and not span.kind:
            return self._as_person(span, f"after “{stranger}”", span.first - 1)
        return None

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

    def _small(self, span: Span) -> bool:
        return all(p.kind == "place" and p.population < 100_000 for p, _ in span.found)

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
        span.role, span.cues = "person", [why]
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
        if leading:
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
            ends = self.words[span.last - 1].key in plural or "a list of regions" in span.cues
            if ends and between in (",", "and", ", and", "та", "і", "и", "або", "or", "&") and previous.role == "place":
                previous.kind, previous.cues = span.kind, [*previous.cues, "a list of regions"]

    def speakers(self, spans: list[Span]) -> None:
        """Rome and London condemned it: what holds for one capital of a pair holds for the other."""
        for one, other in pairwise(spans):
            between = self.reading.text[one.end : other.start].strip()
            pair = {one.role, other.role} == {"place", "metonym"} and (between == "and" or between in AND)
            if pair and all(any(p.capital for p, _ in s.found) and not s.kind and not s.near for s in (one, other)):
                if one.role == "place" and self._preposition(one):
                    continue
                for span in (one, other):
                    span.role, span.cues = "metonym", span.cues or ["beside a capital that acts"]

    def _preposition(self, span: Span) -> bool:
        before = self.reading.before(span.first, 1)
        return bool(before) and before[-1] in self.rules["place_prepositions"]

    def surnames(self, spans: list[Span]) -> None:
        """A name that the text has given to a person is that person's where it stands alone."""
        people = {self.words[s.last - 1].key for s in spans if s.role == "person" and s.names[1] - s.names[0] > 1}
        for span in spans:
            bare = span.last - span.first == 1 and not span.kind and not span.near
            if span.role in ("place", "metonym") and bare and self.words[span.first].key in people:
                before = self.reading.before(span.first, 1)
                if not (before and before[-1] in ("in", "at", "в", "у")):
                    span.role, span.cues = "person", ["the text gives this name to a person"]
