"""A text woven into builders of events: two in a paragraph are kept apart, one told in two sentences is one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise

from geo.extraction import casualties, events
from geo.extraction.casualties import KINDS, CasualtyCount, Count, Kind
from geo.extraction.events import OLD_DAYS, Actor, Day, Place, Stretch, Trigger, find_days, heading_day, is_old, opening
from geo.text import speakers
from geo.text.dates import DateMention
from geo.text.languages import Rule, pattern
from geo.text.sentences import Lang, TextSpan, cut, sentences
from geo.text.speakers import Attribution, Check

# events that name whom they happen to; in others a force named after the words is the one that acts ("атакували дрони")
_MUTUAL = ("capture", "clash", "territory", "shooting", "prisoner-swap")
# what is done in the course of a battle, an attack or a protest that the text has told of
_MEANS = ("shooting", "sabotage", "abduction", "arrest", "capture")
_VIOLENCE = ("Battles", "Violence against civilians", "Protests", "Riots")
_ENTRY = re.compile(r"\W{0,4}(\d{1,2})[:.h](\d\d)\s?([ap]m)?\b", re.IGNORECASE)
_TALLY = "drone-downed"  # what is counted over a whole country is no event of a place
HEADLINE = 160  # characters of a line at most
_NEAR = 2  # paragraphs over which a region and a place in it are one event


@dataclass
class EventMerger:
    """The builders so far, and what is needed to go on."""

    places: Sequence[Place]
    today: date | None
    builders: list[DraftBuilder] = field(default_factory=list)
    paragraph: int = 0
    start: int = 0  # of the paragraph
    clock: int = 0  # the minute of a live blog's entry
    paragraph_day: Day | None = None
    summary: DraftBuilder | None = None  # what a sentence says of all that the paragraphs after it tell
    last: DraftBuilder | None = None
    speaker: str = ""


def merge_events(
    passages: Sequence[TextSpan], mentions: Sequence[Place], *, today: date | None, skip: Sequence[TextSpan] = ()
) -> list[DraftBuilder]:
    """The events of a text, in the order in which they are first told."""
    merger = EventMerger(mentions, today)
    for number, passage in enumerate(passages):
        heading = heading_day(passage, merger.today) if merger.today else None
        if heading is not None and today is not None and not 0 <= (today - heading).days <= OLD_DAYS:
            continue
        if heading is not None:
            merger.today = heading
        if heading is not None or passage in skip:
            continue
        merger.paragraph, merger.start, merger.paragraph_day = number, passage.start, None
        if entry := _ENTRY.match(passage.text):  # of a live blog: it goes on with nothing
            hour = int(entry[1]) % 12 + 12 * (entry[3].lower() == "pm") if entry[3] else int(entry[1])
            merger.last, merger.clock = None, 1 + hour * 60 + int(entry[2])
        byline = pattern(passage.lang, "speakers", "byline").fullmatch(passage.text.strip()) if number < _NEAR else None
        if byline is not None:
            by = Attribution(byline[0], passage.start, passage.end, passage.text, passage.start, passage.end)
            merger.summary = DraftBuilder(number, passage.lang, merger.today, attributions=[by])
            continue
        written = opening(passage)
        passage = passage if written is None else _piece(passage, written.end, passage.end)
        for sentence in sentences(passage):
            _sentence(merger, sentence)
    for builder in merger.builders:
        if builder.summary is not None and not builder.attributions:
            builder.attributions += builder.summary.attributions
    told = [s for s in merger.builders if not (today and is_old(s.day, today)) and _is_told(s)]
    told = [s for s in told if not any(_is_headline_of(s, other, passages) for other in told)]
    return [s for s in told if not (s.is_summary and any(_is_within(other, s) for other in told))]


def _is_headline_of(builder: DraftBuilder, other: DraftBuilder, passages: Sequence[TextSpan]) -> bool:
    """Whether an event is only a headline's, and the text tells one of its type."""
    lines = [p for p in passages[:_NEAR] if len(p.text) < HEADLINE and not p.text.rstrip().endswith((".", "!", "…"))]
    heads = all(any(p.start <= start < p.end for p in lines) for start, _ in builder.clauses)
    alike = builder.rule and other.rule and builder.rule.event_type == other.rule.event_type
    return heads and bool(alike) and max(other.clauses) > max(builder.clauses)


def _is_within(builder: DraftBuilder, whole: DraftBuilder) -> bool:
    """Whether an event lies in the country or region of which another draft tells the total of a day."""
    place, country = builder.place, whole.place
    return place is not None and country is not None and country.holds(place)


def _is_told(builder: DraftBuilder) -> bool:
    """Whether there is enough for a draft: "attacks on Ukraine's power grid" alone is none."""
    rule = builder.rule
    vague = builder.place is None or builder.place.role == "country"
    # "no casualties were reported in Chernihiv Oblast"
    counts = [t.count for t in builder.counts]
    counted = any(c.high != 0 and (c.low, c.best, c.high) != (None,) * 3 for c in counts)
    if rule is None or builder.place is None:
        return counted and (rule is None) != (builder.place is None)
    if rule.name == _TALLY and vague:
        return False
    return bool(builder.counts) or not (rule.joins and vague)


def _sentence(merger: EventMerger, sentence: TextSpan) -> None:
    """One sentence: its clauses each tell of an event; its speakers and checks are of all of them."""
    found = pattern(sentence.lang, "doubt", "denied").finditer(sentence.text)
    denials = [(sentence.start + m.start(), sentence.start + m.end()) for m in found]
    attributions = speakers.find_attributions(sentence)
    told = events.find_triggers(sentence, void=tuple(denials))
    touched: list[DraftBuilder] = []
    # of months or years, or of what happens all the time, and not of an event
    own = casualties.without_running(sentence.text, sentence.lang)
    background = bool(pattern(sentence.lang, "doubt", "background").search(own)) and not pattern(
        sentence.lang, "doubt", "superlative"
    ).search(sentence.text)
    if not background:
        for clause in _clauses(merger, sentence, tuple(denials)):
            touched += _clause(merger, clause, sentence, tuple(denials), attributions)
    builders = list({id(builder): builder for builder in touched}.values())
    here = [s for s in merger.builders if s.paragraph == merger.paragraph]
    about = pattern(sentence.lang, "speakers", "about").match(sentence.text)
    before = [s for s in merger.builders if about and s.paragraph == merger.paragraph - 1]
    for attribution in _named(merger, attributions) if not background else ():
        # who speaks in a sentence of its own speaks of what was told last
        for builder in builders or [s for s in (here or before)[-1:] if not s.attributions and not told]:
            builder.add_attribution(attribution)
    for check in speakers.find_checks(sentence):
        concerned = merger.builders if check.is_general else builders or here or merger.builders[-1:]
        for builder in concerned:
            builder.checks.append(check)
    if pattern(sentence.lang, "where", "summary").search(sentence.text.rstrip()):
        for builder in builders:
            builder.is_summary |= builder.paragraph == merger.paragraph
        merger.summary = merger.summary if any(map(_is_told, builders)) else _summary(merger, sentence, attributions)
    for start, end in denials:
        for builder in builders or here[-1:]:
            words = sentence.text[start - sentence.start : end - sentence.start]
            builder.denials.append(Span(start, end, words))


def _summary(merger: EventMerger, sentence: TextSpan, attributions: Sequence[Attribution]) -> DraftBuilder:
    """The day and the speakers of what the paragraphs after a sentence list."""
    days = _days(merger, sentence, sentence)
    made = DraftBuilder(merger.paragraph, sentence.lang, merger.today, days=days)
    before = merger.summary.attributions if merger.summary is not None else []
    made.attributions += _named(merger, attributions) or before
    return made


def _named(merger: EventMerger, attributions: Sequence[Attribution]) -> list[Attribution]:
    """The speakers by name: "he said" is whoever spoke last, "the army said" is the army, where it did not."""
    found = []
    for attribution in attributions:
        is_last = attribution.noun.casefold() in merger.speaker.casefold()
        merger.speaker = attribution.name or (merger.speaker if is_last else attribution.noun)
        if merger.speaker:
            found.append(replace(attribution, name=merger.speaker))
    return found


def _clauses(merger: EventMerger, sentence: TextSpan, void: tuple[events.Stretch, ...]) -> list[TextSpan]:
    """A sentence cut where another event begins: where both sides tell something, and the second has its own place."""
    edges = [sentence.start + m.end() for m in pattern(sentence.lang, "where", "cut").finditer(sentence.text)]
    found = events.find_triggers(sentence, void=void)
    strong = [t for t in found if not t.rule.joins]
    edges += [b.start for a, b in pairwise(strong) if a.rule.name != b.rule.name]
    kept: list[int] = []
    for edge in sorted(set(edges)):
        start = kept[-1] if kept else sentence.start
        left = _piece(sentence, start, edge)
        after = min([e for e in edges if e > edge], default=sentence.end)
        near = _piece(sentence, edge, after)
        ahead = events.within(merger.places, near.start, near.end)
        behind = events.within(merger.places, left.start, left.end)
        is_elsewhere = any(p.role != "country" for p in ahead) and {p.key for p in ahead} - {p.key for p in behind}
        if is_elsewhere and all(
            events.find_triggers(p, void=void) or _casualties(merger, p, void) for p in (left, near)
        ):
            kept.append(edge)
    return cut(sentence, kept)


def _piece(sentence: TextSpan, start: int, end: int) -> TextSpan:
    return TextSpan(start, end, sentence.text[start - sentence.start : end - sentence.start], sentence.lang)


def _clause(
    merger: EventMerger,
    clause: TextSpan,
    sentence: TextSpan,
    void: tuple[events.Stretch, ...],
    attributions: Sequence[Attribution],
) -> list[DraftBuilder]:
    """The builders that a clause adds to, made where there are none."""
    triggers = events.find_triggers(clause, void=void)
    counted = _casualties(merger, clause, void) if not clause.text.istitle() else []
    if not triggers and not counted:
        return []
    # a later total is of the same event, whatever the day on which it was told
    only_total = bool(counted) and all(t.is_total for t in counted) and all(t.rule.joins for t in triggers)
    days = _days(merger, clause, sentence)
    when = [] if only_total else days
    lead = max(triggers, key=lambda t: t.rule.rank, default=None)
    mentions, where = _scenes(merger, clause, sentence, lead, counted, attributions)
    if lead is None and not where and not merger.builders and not any(t.count.best for t in counted):
        return []
    goes_on = merger.last is not None and merger.last.paragraph == merger.paragraph and _fits(merger.last, lead)
    # words that tell an event only with a place or with people: "protests", "arrested"
    weak = lead is not None and not where and not counted and lead.rule.rank < 75 and not lead.rule.joins
    if (weak and not goes_on) or (lead is not None and lead.rule.name == _TALLY and not where):
        return []
    found = []
    targets: list[Place | None] = [*where] or [None]
    for place in targets:
        builder = _counted_before(merger, counted) if only_total and place is None else None
        found.append(builder or _find(merger, clause, lead, place, when))
        _add(merger, found[-1], clause, triggers, place, when if found[-1].clauses else days)
    if len(found) > 1:
        for builder in found if counted else ():
            builder.shared = "; ".join(dict.fromkeys(t.text for t in counted))
        counted = []
    for there, own in _by_place(clause, counted, targets[0], mentions):
        if there is not targets[0]:  # "killed two in A and injured seven in B"
            found.append(_find(merger, clause, lead, there, days))
            _add(merger, found[-1], clause, triggers, there, days)
        builder = found[0] if there is targets[0] else found[-1]
        kinds = builder.rule.counts if builder.rule is not None else ("killed", "injured")
        builder.counts += [replace(t, clock=merger.clock) for t in own if t.kind in kinds]
    merger.last = found[-1]
    return found


def _scenes(
    merger: EventMerger,
    clause: TextSpan,
    sentence: TextSpan,
    lead: Trigger | None,
    counted: Sequence[CasualtyCount],
    attributions: Sequence[Attribution],
) -> tuple[list[Place], list[Place]]:
    """The places of a clause that may be where it happened, and those of them that are."""
    scopes = [(v.scope_start, v.scope_end) for v in attributions]
    acting = [(a.start, a.end) for a in events.find_actors(clause)]
    acting += [(v.start, v.end) for v in attributions if not v.text.endswith(("region", "oblast"))]
    inside = events.within(merger.places, clause.start, clause.end)
    mentions = [
        p for p in inside
        if not (p.role == "place" and (_is_named_in(clause, p, acting) or _is_seat(sentence, p, attributions)))
    ]  # fmt: skip
    # "he died on the way to Moscow"; "52 drones, of them 41 over Belgorod region"
    other = (
        "from" if lead is None or (lead.rule.joins and not counted) else "part" if lead.rule.name == _TALLY else None
    )
    if other is not None:
        out = pattern(clause.lang, "where", other)
        mentions = [p for p in mentions if not out.search(clause.text[: p.start - clause.start])]
    where = events.choose(clause, mentions, at=lead.start if lead else counted[0].start, scopes=scopes)
    if not where and counted and (merger.last is None or merger.last.paragraph != merger.paragraph):
        # "Odesa's governor says two people died": where the text names no other place
        where = [p for p in inside if p.role != "country" and _is_named_in(clause, p, scopes)][:1]
    return mentions, where


def _by_place(
    clause: TextSpan, counted: Sequence[CasualtyCount], where: Place | None, mentions: Sequence[Place]
) -> list[tuple[Place | None, list[CasualtyCount]]]:
    """The counts of each place; those that name another one right after them are not of where the event is told of."""
    found: list[tuple[Place | None, list[CasualtyCount]]] = [(where, [])]
    inside = events.within(mentions, clause.start, clause.end)
    for count in counted:
        named = pattern(clause.lang, "where", "of_count").match(clause.text, count.end - clause.start)
        start = None if named is None else clause.start + named.start("name")
        there = next((p for p in inside if p.start == start), None)
        if there is None and where is not None and named is not None and named.groupdict().get("residents") is not None:
            continue  # residents of a town that no gazetteer has
        if there is None or where is None or there.holds(where) or where.holds(there) or there.key == where.key:
            found[0][1].append(count)
        elif there.role != "country":
            held = next((own for place, own in found if place is not None and place.key == there.key), None)
            if held is None:
                found.append((there, held := []))
            held.append(count)
    return found


def _is_seat(sentence: TextSpan, place: Place, attributions: Sequence[Attribution]) -> bool:
    """Whether somebody speaks in a place: "told reporters in Katsina"."""
    seat, start = pattern(sentence.lang, "where", "seat"), sentence.start
    said = [v.scope_end - start for v in attributions if v.scope_end <= place.start < sentence.end]
    found = [seat.match(sentence.text, at) for at in said]
    return any(match is not None and match.end() == place.start - start for match in found)


def _is_named_in(clause: TextSpan, place: Place, names: Sequence[events.Stretch]) -> bool:
    """Whether a place is only a word of a person's or a force's name; "mayor of Kherson" says where, though."""
    if not any(a <= place.start and place.end <= b for a, b in names):
        return False
    before = clause.text[: max(0, place.start - clause.start)]
    return not before.rstrip().lower().endswith((" of", " in", " for", " у", " в", " на"))


def _casualties(merger: EventMerger, clause: TextSpan, void: tuple[events.Stretch, ...]) -> list[CasualtyCount]:
    """The counts of a clause; the number of a day counts nobody."""
    dated = find_days(clause, merger.today) if merger.today else []
    return casualties.find_casualties(clause, void=(*void, *((d.start, d.end) for d in dated)))


def _days(merger: EventMerger, clause: TextSpan, sentence: TextSpan) -> list[Day]:
    if merger.today is None:
        return []
    own = find_days(clause, merger.today)
    if not any(not d.is_report for d in own):
        own += [d for d in find_days(sentence, merger.today) if d not in own]
    exact = [d for d in own if not d.is_report]
    same = pattern(clause.lang, "days", "same").search(clause.text)
    if same and not exact and merger.last is not None and merger.last.day is not None:
        at = clause.start + same.start()
        own.append(replace(merger.last.day, start=at, end=at + len(same[0]), text=same[0], is_report=False))
        exact = own[-1:]
    if exact:
        merger.paragraph_day = exact[0]
    return own


def _counted_before(merger: EventMerger, counted: Sequence[CasualtyCount]) -> DraftBuilder | None:
    """The last event whose count the new total can be of: it has one of that kind, and a lower one."""
    for builder in reversed(merger.builders):
        for total in counted:
            known = [t.count.best for t in builder.counts if t.kind == total.kind and t.count.best is not None]
            if known and total.count.best is not None and max(known) <= total.count.best:
                return builder
    return None


def _find(
    merger: EventMerger, clause: TextSpan, lead: Trigger | None, place: Place | None, when: Sequence[Day]
) -> DraftBuilder:
    """The builder that a clause goes on telling of, or a new one."""
    day = next((d for d in when if not d.is_report), None)
    if lead is not None and lead.rule.name.startswith("the-"):
        # "the capture" is one that was told of before
        meant = [s for s in merger.builders if s.rule and s.rule.name == lead.rule.name.removeprefix("the-")]
        if meant and merger.paragraph - meant[-1].paragraph <= 2 * _NEAR:
            return meant[-1]
    before = clause.text[: lead.start - clause.start if lead else None]
    another = pattern(clause.lang, "doubt", "another").search(before)
    for builder in reversed(merger.builders):
        if not (another and place is not None and lead) and _is_same(merger, builder, lead, place, day):
            return builder
    made = DraftBuilder(merger.paragraph, clause.lang, merger.today, summary=merger.summary)
    last = merger.last
    if place and lead and lead.rule.name == "strike" and last and last.rule and last.rule.name == "air-strike":
        made.inherited = last.rule  # "strikes on Hodeida", after "airstrikes on Saada"
    elif last is not None and last.paragraph == merger.paragraph:
        if place and (lead is None or lead.rule.name == "attack"):
            made.inherited = last.rule  # "in Nikopol, two were injured", after a sentence on shelling
        elif place is None and pattern(clause.lang, "where", "anaphor").search(clause.text):
            made.place = last.place  # "they also shelled the city"
    if (
        made.place is None and place is None and lead is not None and not lead.rule.joins
    ):  # the place that the paragraph named last
        named = events.within(merger.places, merger.start, clause.start)
        made.place = next((p for p in reversed(named) if p.role != "country" and p.latitude is not None), None)
    merger.builders.append(made)
    return made


def _is_same(
    merger: EventMerger, builder: DraftBuilder, lead: Trigger | None, place: Place | None, day: Day | None
) -> bool:
    apart = merger.paragraph - builder.paragraph
    is_last = builder is merger.last
    own = builder.day
    if day is not None and own is not None and not (own.first <= day.last and day.first <= own.last):
        return False
    if not _fits(builder, lead) or (builder.is_summary and apart):
        return False
    if place is None:
        return is_last and apart <= (1 if lead is not None else _NEAR)
    if builder.place is None:
        return apart <= _NEAR
    if place.key == builder.place.key:
        return True
    if place.holds(builder.place):
        return is_last and apart <= _NEAR
    # a country told of in a paragraph of its own is an event of the country, but for a headline
    near = apart <= _NEAR and (builder.place.role != "country" or apart == 0 or builder.paragraph == 0)
    return builder.place.holds(place) and near and (is_last or apart > 0)


def _fits(builder: DraftBuilder, lead: Trigger | None) -> bool:
    """Whether words of an event may be about the same one."""
    rule = builder.rule
    if lead is None or rule is None or lead.rule.joins:
        return True
    if lead.rule.name in _MEANS and rule.event_type in _VIOLENCE:
        return True
    if rule.event_type == lead.rule.event_type and rule.event_type in ("Battles", "Protests", "Riots"):
        return True  # a town is taken in the fighting for it, a protest broken up
    return rule.name == lead.rule.name or (rule.joins and rule.rank <= lead.rule.rank)


def _add(
    merger: EventMerger,
    builder: DraftBuilder,
    clause: TextSpan,
    triggers: Sequence[Trigger],
    place: Place | None,
    when: Sequence[Day],
) -> None:
    builder.paragraph = merger.paragraph
    builder.triggers += triggers
    builder.days += when
    builder.unread += events.unread_dates(clause, merger.today)
    # a day that an earlier sentence of the paragraph gives holds for what follows
    day = merger.paragraph_day or (builder.summary.day if builder.summary is not None else None)
    if not any(not d.is_report for d in builder.days) and day is not None:
        builder.days.append(day)
    if place is not None:
        if builder.place is None or builder.place.holds(place):
            builder.place = place
        builder.also += [
            p for p in events.within(merger.places, clause.start, clause.end) if p.key == builder.place.key
        ]
    first = min((t.start for t in triggers), default=clause.end)
    mutual = any(t.rule.name in _MUTUAL for t in triggers)
    for actor in events.find_actors(clause):
        builder.actors.append(("actor2" if mutual and actor.start >= first else "actor1", actor))
    builder.clauses.append((clause.start, clause.end))


_VOICES = 4


def _weight(rule: Rule) -> int:
    """Which of the rules of one event names it: who was captured in a battle is not what happened."""
    return {"capture": 55, "sabotage": 27, "arrest": 27}.get(rule.name, rule.rank)


@dataclass(frozen=True)
class Span:
    """Words of the briefing: ``text[start:end]``."""

    start: int
    end: int
    text: str


@dataclass
class DraftBuilder:
    """A draft while it is being put together; sentence after sentence adds to it."""

    paragraph: int
    lang: Lang
    today: date | None
    triggers: list[Trigger] = field(default_factory=list)
    inherited: Rule | None = None
    place: Place | None = None
    also: list[Place] = field(default_factory=list)
    days: list[Day] = field(default_factory=list)
    counts: list[CasualtyCount] = field(default_factory=list)
    attributions: list[Attribution] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    actors: list[tuple[str, Actor]] = field(default_factory=list)
    denials: list[Span] = field(default_factory=list)
    clauses: list[Stretch] = field(default_factory=list)
    shared: str = ""
    is_summary: bool = False  # told as the total of a day
    summary: DraftBuilder | None = None
    unread: list[DateMention] = field(default_factory=list)

    @property
    def rule(self) -> Rule | None:
        """The rule that names the event: the highest rank of all that matched."""
        # who was captured in a battle is not what happened there, nor who was abducted where more were killed
        most = {kind: max((t.count.best or 0 for t in self.counts if t.kind == kind), default=0) for kind in KINDS}
        weights = {"abduction": 29} if most["killed"] > most["abducted"] else {}
        own = max((t.rule for t in self.triggers), key=lambda r: weights.get(r.name, _weight(r)), default=None)
        return own if own is not None and not (own.joins and self.inherited) else self.inherited or own

    @property
    def day(self) -> Day | None:
        """The day of the event as the text gives it: an exact one before a coarse one, the first before later ones."""
        own = [d for d in self.days if not d.is_report]
        return min(own, key=lambda d: d.date_prec, default=None)

    def add_attribution(self, attribution: Attribution) -> None:
        """Take somebody in who says so, unless a fuller form of the name is there."""
        bare = _bare(attribution.name)
        if any(bare in _bare(v.name) for v in self.attributions):
            return
        if " " not in bare and self.attributions:
            return  # a word alone, such as a capital or a country in a headline, adds nobody
        self.attributions = [v for v in self.attributions if _bare(v.name) not in bare and " " in _bare(v.name)]
        if len(self.attributions) < _VOICES:
            self.attributions.append(attribution)


def _bare(name: str) -> str:
    return re.sub(r"\W+", " ", name).casefold().strip()


def count_of(counts: Sequence[CasualtyCount], kind: Kind) -> tuple[Count, list[CasualtyCount]]:
    """What all counts of a kind come to, and the words that count."""
    own = [t for t in counts if t.kind == kind]
    totals = [t for t in own if t.is_total]
    if totals:
        return totals[-1].count, totals[-1:]
    known = [t for t in own if any(v is not None for v in (t.count.low, t.count.best, t.count.high))]
    known = [t for t in known if t.clock == max(k.clock for k in known)]  # what a live blog says last
    # nobody hurt is what is said before somebody is found
    known = [t for t in known if t.count.high != 0] or known
    most = max((t.count.best or t.count.high or 0 for t in known if not t.is_part), default=0)
    known = [t for t in known if not t.is_part or (t.count.high or t.count.best or 0) > most]
    if not known:
        return Count(None, None, None), own
    counted: list[Count] = []
    sides: set[int | None] = set()
    for told in known:
        others = told.side is not None and bool(sides) and not {told.side, None} & sides
        if (told.is_more or others) and counted:
            counted[-1] = casualties.added(counted[-1], told.count)
        else:
            counted.append(told.count)
        sides.add(told.side)
    if len(set(counted)) == 1:
        return counted[0], known
    return casualties.spread(counted), known


def check_of(checks: Sequence[Check], attributions: Sequence[Attribution]) -> tuple[str | None, list[Span]]:
    """``verified``, ``partly`` or ``unverified``, None where the text says nothing; and the words that say so."""
    best = max(checks, key=lambda c: c.weight, default=None)
    if best is not None:
        return best.verification, [Span(best.start, best.end, best.text)]
    if attributions:
        return "unverified", [Span(v.start, v.end, v.text) for v in attributions]
    return None, []


def casualty_fields(builder: DraftBuilder) -> tuple[dict[str, int | None], dict[str, list[Span]]]:
    """``low, best, high`` of the killed, the same of the injured, ``captured``; with the words that count them."""
    fields: dict[str, int | None] = {}
    spans: dict[str, list[Span]] = {}
    for kind in KINDS:
        count, own = count_of(builder.counts, kind)
        if kind in ("captured", "abducted"):
            fields[kind] = count.best if count.best is not None else count.low
        else:
            lead = "" if kind == "killed" else "injured_"
            fields |= {f"{lead}low": count.low, f"{lead}best": count.best, f"{lead}high": count.high}
        spans[kind] = [Span(t.start, t.end, t.text) for t in own]
    return fields, spans
