"""Where in a text places are mentioned: the longest names, in one pass over its words."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from geo.geocoding.context_words import MentionTypes, Span
from geo.geocoding.index import LOOSE, OWN, Found, Lookup
from geo.text.sentences import Reading
from geo.text.words import is_cyrillic

_IN = frozenset(("in", "at", "of", "from", "to", "в", "у", "во", "з", "із", "из"))


def spans_of(reading: Reading, lookup: Lookup, *, countries: Sequence[str] | None = None) -> list[Span]:
    """Every mention of a text, in order."""
    finder = _Finder(reading, lookup, countries)
    found = list(finder.walk())
    finder.spread_regions(found)
    finder.speakers(found)
    finder.surnames(found)
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
            if short and (more > 1 or self.reading.gap(at).startswith(",")):
                span = self._span(at, at + more, short)
                span.kind, span.reasons = "region", ["a short form"]
                return span
        adjective = self._adjective(at)
        if adjective is not None and count < 2:
            return adjective
        demonym = self._demonym(at)
        if demonym is not None and demonym.last - at >= count and not self._is_country(found, at, count):
            return demonym
        if count == 0 or (count == 1 and (self._is_common(at) or self._only_begins(at, found))):
            return self._unknown(at)
        loosely = count == 1 and all(how == LOOSE for _, how in found) and self._surname_at(at + 1)
        if (self._settlement_before(at) or self._beside_what(at)) and (loosely or self._goes_on(at + count)):
            return self._unknown(at)
        span = self._span(at, at + count, found)
        if not span.found:
            return None
        self.cue(span)
        return self.judge(span)

    def _is_country(self, found: tuple[Found, ...], at: int, count: int) -> bool:
        """A country's own name, such as Росія, is no adjective of nationality."""
        key = " ".join(w.key for w in self.words[at : at + count])
        return any(p.kind == "country" for p, _ in found) and not self.rules.demonyms.get(key)

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
        if not self.reading.starts(at) or any(p.kind != "place" for p, _ in found):
            return False
        if any(
            how == OWN and p.population > 0 and (not self.countries or p.country in self.countries) for p, how in found
        ):
            return False
        least = {True: 20_000, False: 200_000}
        return not any(p.population >= least[not self.countries or p.country in self.countries] for p, _ in found)

    def _is_common(self, at: int) -> bool:
        """A common word, or one that only a sentence's beginning made a name."""
        word = self.words[at]
        if word.key in self.rules["common"]:
            return not self._settlement_before(at)
        return len(word.key) < 3 and not word.text.isupper()

    def _placed_beside(self, at: int) -> str:
        """The preposition before an unknown name that a region's name follows: near Kilibo (Ouesse, Collines)."""
        before = self.reading.before(at, 3)
        leading = self.rules["near"].ends(before) or (before[-1] if before and before[-1] in _IN else "")
        last = at + 1
        while leading and last < len(self.words) and last - at < 3 and self.reading.gap(last) in (" ", "-"):
            if not self.words[last].capital or self._adjective(last) is not None:
                break
            last += 1
        if not leading or last >= len(self.words) or self.reading.starts(last) or self._is_common(at):
            return ""
        if self.reading.gap(last) == " ":
            return leading if self._adjective(last) is not None else ""
        if self.reading.gap(last) not in (", ", " ("):
            return ""
        _, found = self.lookup.longest(self.words, last, self.reading.text)
        held = any(p.kind in ("region", "district") for p, _ in found)
        return leading if held or self._adjective(last) is not None else ""

    def _beside_what(self, at: int) -> str:
        """The word for nearness before a name: what one is near is a place."""
        word, near = self.words[at], self._near(at)
        named = not word.text.isupper() and not self._is_common(at) and self.rules.demonym(word.key) is None
        return near if len(near) > 2 and named and word.key not in self.rules["titles"] else ""

    def _goes_on(self, at: int) -> bool:
        """Whether a settlement's name goes on with a word that is no name of a place: village of Krasnaya Skazka."""
        return (
            self._surname_at(at)
            and self._adjective(at) is None
            and self.lookup.longest(self.words, at, self.reading.text)[0] == 0
            and self.words[at].key not in self.rules["given_names"]
        )

    def _unknown(self, at: int) -> Span | None:
        """A capitalised name after a word such as village: a place that no gazetteer here has; or somebody's name."""
        word = self.words[at]
        if word.key in self.rules["given_names"] and self._surname_at(at + 1):
            span = self._span(at, at + 2, ())
            span.role, span.reasons = "person", ["a given name before a surname"]
            return span
        cue = self._settlement_before(at) or self._placed_beside(at) or self._beside_what(at)
        plain = not cue or word.key in self.rules["given_names"] or word.key in self.rules["titles"]
        if plain or self.reading.starts(at) or (len(cue) == 1 and "." not in self.reading.gap(at)):
            return None
        last = at + 1
        while last < len(self.words) and self.words[last].capital and self.reading.gap(last) in (" ", "-"):
            if self._adjective(last) is not None or self.rules.demonym(self.words[last].key):
                break
            last += 1
        span = self._span(at, last, ())
        span.unknown, span.reasons, span.kind = True, [f"after “{cue}”"], "place"
        span.near = self._near(at)
        return span
