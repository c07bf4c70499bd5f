"""Drafts of incidents: what a text tells of an event, field by field, each with the words that it comes from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from geo.extraction.attribution import Check, Voice
from geo.extraction.casualties import KINDS, Count, Kind, Toll
from geo.extraction.event_dates import Day
from geo.extraction.event_places import Place
from geo.extraction.events import Actor, Stretch, Trigger
from geo.text.dates import DateMention
from geo.text.sentences import Lang
from geo.text.word_lists import Rule

# the fields of a draft that have words of the briefing behind them, in the order of the review file
SPAN_FIELDS = (
    "what", "where", "when", "killed", "injured", "captured", "claimed_by", "verification", "actor1", "actor2",
)  # fmt: skip
_VOICES = 4


@dataclass(frozen=True)
class Span:
    """Words of the briefing: ``text[start:end]``."""

    start: int
    end: int
    text: str


@dataclass
class Sketch:
    """A draft while it is being put together; sentence after sentence adds to it."""

    paragraph: int
    lang: Lang
    today: date | None
    triggers: list[Trigger] = field(default_factory=list)
    inherited: Rule | None = None
    place: Place | None = None
    also: list[Place] = field(default_factory=list)
    days: list[Day] = field(default_factory=list)
    tolls: list[Toll] = field(default_factory=list)
    voices: list[Voice] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    actors: list[tuple[str, Actor]] = field(default_factory=list)
    denials: list[Span] = field(default_factory=list)
    told: list[Stretch] = field(default_factory=list)
    shared: str = ""
    unread: list[DateMention] = field(default_factory=list)

    @property
    def rule(self) -> Rule | None:
        """The rule that names the event: the highest rank of all that matched."""
        own = max((t.rule for t in self.triggers), key=lambda r: r.rank, default=None)
        return own if own is not None and not (own.joins and self.inherited) else self.inherited or own

    @property
    def day(self) -> Day | None:
        """The day of the event as the text gives it: an exact one before a coarse one, the first before later ones."""
        own = [d for d in self.days if not d.is_report]
        return min(own, key=lambda d: d.date_prec, default=None)

    def add_voice(self, voice: Voice) -> None:
        """Take somebody in who says so, unless a fuller form of the name is there."""
        bare = _bare(voice.name)
        if any(bare in _bare(v.name) for v in self.voices):
            return
        if " " not in bare and self.voices:
            return  # a word alone, such as a capital or a country in a headline, adds nobody
        self.voices = [v for v in self.voices if _bare(v.name) not in bare and " " in _bare(v.name)]
        if len(self.voices) < _VOICES:
            self.voices.append(voice)

    def add_tolls(self, tolls: Sequence[Toll]) -> None:
        """Take in the counts that belong to an event of this kind."""
        kinds = self.rule.counts if self.rule is not None else ("killed", "injured")
        self.tolls += [t for t in tolls if t.kind in kinds]


def _bare(name: str) -> str:
    return re.sub(r"\W+", " ", name).casefold().strip()


def count_of(tolls: Sequence[Toll], kind: Kind) -> tuple[Count, list[Toll]]:
    """What all counts of a kind come to, and the words that count."""
    own = [t for t in tolls if t.kind == kind]
    totals = [t for t in own if t.is_total]
    if totals:
        return totals[-1].count, totals[-1:]
    known = [t for t in own if any(v is not None for v in (t.count.low, t.count.best, t.count.high))]
    # nobody hurt is what is said before somebody is found
    known = [t for t in known if t.count.high != 0] or known
    if not known:
        return Count(None, None, None), own
    if len({t.count for t in known}) == 1:
        return known[0].count, known
    lows = [v for t in known for v in (t.count.low, t.count.best) if v is not None]
    highs = [v for t in known for v in (t.count.high, t.count.best) if v is not None]
    best = next((t.count.best for t in known if t.count.best is not None), None)
    return Count(min(lows, default=None), best, max(highs, default=None)), known


def check_of(checks: Sequence[Check], voices: Sequence[Voice]) -> tuple[str | None, list[Span]]:
    """``verified``, ``partly`` or ``unverified``, None where the text says nothing; and the words that say so."""
    best = max(checks, key=lambda c: c.weight, default=None)
    if best is not None:
        return best.verification, [Span(best.start, best.end, best.text)]
    if voices:
        return "unverified", [Span(v.start, v.end, v.text) for v in voices]
    return None, []


def toll_fields(sketch: Sketch) -> tuple[dict[str, int | None], dict[str, list[Span]]]:
    """``low, best, high`` of the killed, the same of the injured, ``captured``; with the words that count them."""
    fields: dict[str, int | None] = {}
    spans: dict[str, list[Span]] = {}
    for kind in KINDS:
        count, own = count_of(sketch.tolls, kind)
        if kind == "captured":
            fields["captured"] = count.best if count.best is not None else count.low
        else:
            lead = "" if kind == "killed" else "injured_"
            fields |= {f"{lead}low": count.low, f"{lead}best": count.best, f"{lead}high": count.high}
        spans[kind] = [Span(t.start, t.end, t.text) for t in own]
    return fields, spans
