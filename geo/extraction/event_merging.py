"""A text woven into sketches of events: two in a paragraph are kept apart, one told in two sentences is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise

from geo.extraction import attribution, casualties, events
from geo.extraction import event_places as places
from geo.extraction.attribution import Voice
from geo.extraction.casualties import Toll
from geo.extraction.drafts import Sketch, Span
from geo.extraction.event_dates import OLD_DAYS, Day, find_days, heading_day, is_old, unread_dates
from geo.extraction.event_places import Place
from geo.extraction.events import Trigger
from geo.text.sentences import Passage, cut, sentences
from geo.text.word_lists import pattern

# events that name whom they happen to; in others a force named after the words is the one that acts ("атакували дрони")
_MUTUAL = ("capture", "clash", "territory", "shooting", "prisoner-swap")
_NEAR = 2  # paragraphs over which a region and a place in it are one event


@dataclass
class Weaver:
    """The sketches so far, and what is needed to go on."""

    places: Sequence[Place]
    today: date | None
    sketches: list[Sketch] = field(default_factory=list)
    paragraph: int = 0
    paragraph_day: Day | None = None
    last: Sketch | None = None
    speaker: str = ""


def weave(
    passages: Sequence[Passage], mentions: Sequence[Place], *, today: date | None, skip: Sequence[Passage] = ()
) -> list[Sketch]:
    """The events of a text, in the order in which they are first told."""
    weaver = Weaver(mentions, today)
    for number, passage in enumerate(passages):
        heading = heading_day(passage, weaver.today) if weaver.today else None
        if heading is not None and today is not None and not 0 <= (today - heading).days <= OLD_DAYS:
            continue
        if heading is not None:
            weaver.today = heading
        if heading is not None or passage in skip:
            continue
        weaver.paragraph, weaver.paragraph_day = number, None
        for sentence in sentences(passage):
            _sentence(weaver, sentence)
    return [s for s in weaver.sketches if not (today and is_old(s.day, today)) and _is_told(s)]


def _is_told(sketch: Sketch) -> bool:
    """Whether there is enough for a draft: "attacks on Ukraine's power grid" alone is none."""
    rule = sketch.rule
    vague = sketch.place is None or sketch.place.role == "country"
    return bool(sketch.tolls) or (rule is not None and not (rule.joins and vague))


def _sentence(weaver: Weaver, sentence: Passage) -> None:
    """One sentence: its clauses each tell of an event; its speakers and checks are of all of them."""
    denials = events.find_denials(sentence)
    spoken = attribution.find_voices(sentence)
    touched: list[Sketch] = []
    background = events.is_background(sentence)
    if not background:
        for clause in _clauses(weaver, sentence, tuple(denials)):
            touched += _clause(weaver, clause, sentence, tuple(denials), spoken)
    own = list(dict.fromkeys(map(id, touched)))
    sketches = [next(s for s in touched if id(s) == i) for i in own]
    here = [s for s in weaver.sketches if s.paragraph == weaver.paragraph]
    for voice in _named(weaver, spoken) if not background else ():
        # who speaks in a sentence of its own speaks of what was told last
        for sketch in sketches or [s for s in here[-1:] if not s.voices]:
            sketch.add_voice(voice)
    for check in attribution.find_checks(sentence):
        told = weaver.sketches if check.is_general else sketches or here or weaver.sketches[-1:]
        for sketch in told:
            sketch.checks.append(check)
    for start, end in denials:
        for sketch in sketches or here[-1:]:
            words = sentence.text[start - sentence.start : end - sentence.start]
            sketch.denials.append(Span(start, end, words))


def _named(weaver: Weaver, spoken: Sequence[Voice]) -> list[Voice]:
    """The speakers by name: "he said" is whoever spoke last."""
    found = []
    for voice in spoken:
        weaver.speaker = voice.name or weaver.speaker
        if weaver.speaker:
            found.append(replace(voice, name=weaver.speaker))
    return found


def _clauses(weaver: Weaver, sentence: Passage, void: tuple[events.Stretch, ...]) -> list[Passage]:
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
        tells = all(events.find_triggers(p, void=void) or _tolls(weaver, p, void) for p in (left, near))
        ahead = places.within(weaver.places, near.start, near.end)
        behind = places.within(weaver.places, left.start, left.end)
        if tells and any(p.role != "country" for p in ahead) and {p.key for p in ahead} - {p.key for p in behind}:
            kept.append(edge)
    return cut(sentence, kept)


def _piece(sentence: Passage, start: int, end: int) -> Passage:
    return Passage(start, end, sentence.text[start - sentence.start : end - sentence.start], sentence.lang)


def _clause(
    weaver: Weaver, clause: Passage, sentence: Passage, void: tuple[events.Stretch, ...], spoken: Sequence[Voice]
) -> list[Sketch]:
    """The sketches that a clause adds to, made where there are none."""
    triggers = events.find_triggers(clause, void=void)
    counted = _tolls(weaver, clause, void)
    if not triggers and not counted:
        return []
    # a later total is of the same event, whatever the day on which it was told
    only_total = bool(counted) and all(t.is_total for t in counted) and all(t.rule.joins for t in triggers)
    when = [] if only_total else _days(weaver, clause, sentence)
    lead = max(triggers, key=lambda t: t.rule.rank, default=None)
    at = lead.start if lead else counted[0].start
    scopes = [(v.scope_start, v.scope_end) for v in spoken]
    acting = [(a.start, a.end) for a in events.find_actors(clause)]
    acting += [(v.start, v.end) for v in spoken if not v.text.endswith(("region", "oblast"))]
    mentions = [p for p in weaver.places if not (p.role == "place" and _is_named_in(clause, p, acting))]
    where = places.choose(clause, mentions, at=at, scopes=scopes)
    if lead is None and not where and not weaver.sketches and not any(t.count.best for t in counted):
        return []
    goes_on = weaver.last is not None and weaver.last.paragraph == weaver.paragraph and _fits(weaver.last, lead)
    if _is_weak(lead, where, counted) and not goes_on:
        return []
    found = []
    targets: list[Place | None] = [*where] or [None]
    for place in targets:
        sketch = _counted_before(weaver, counted) if only_total and place is None else None
        found.append(sketch or _find(weaver, clause, lead, place, when))
        _add(weaver, found[-1], clause, triggers, place, when)
    if len(found) == 1:
        found[0].add_tolls(counted)
    elif counted:
        for sketch in found:
            sketch.shared = "; ".join(dict.fromkeys(t.text for t in counted))
    weaver.last = found[-1]
    return found


def _is_named_in(clause: Passage, place: Place, names: Sequence[events.Stretch]) -> bool:
    """Whether a place is only a word of a person's or a force's name; "mayor of Kherson" says where, though."""
    if not any(a <= place.start and place.end <= b for a, b in names):
        return False
    before = clause.text[: max(0, place.start - clause.start)]
    return not before.rstrip().lower().endswith((" of", " in", " for", " у", " в", " на"))


def _tolls(weaver: Weaver, clause: Passage, void: tuple[events.Stretch, ...]) -> list[Toll]:
    """The counts of a clause; the number of a day counts nobody."""
    dated = find_days(clause, weaver.today) if weaver.today else []
    return casualties.find_tolls(clause, void=(*void, *((d.start, d.end) for d in dated)))


def _is_weak(lead: Trigger | None, where: Sequence[Place], counted: Sequence[Toll]) -> bool:
    """Words that tell an event only with a place or with people: "protests", "arrested"."""
    return lead is not None and not where and not counted and lead.rule.rank < 75 and not lead.rule.joins


def _days(weaver: Weaver, clause: Passage, sentence: Passage) -> list[Day]:
    if weaver.today is None:
        return []
    own = find_days(clause, weaver.today)
    if not any(not d.is_report for d in own):
        own += [d for d in find_days(sentence, weaver.today) if d not in own]
    exact = [d for d in own if not d.is_report]
    same = pattern(clause.lang, "days", "same").search(clause.text)
    if same and not exact and weaver.last is not None and weaver.last.day is not None:
        at = clause.start + same.start()
        own.append(replace(weaver.last.day, start=at, end=at + len(same[0]), text=same[0], is_report=False))
        exact = own[-1:]
    if exact:
        weaver.paragraph_day = exact[0]
    return own


def _counted_before(weaver: Weaver, counted: Sequence[Toll]) -> Sketch | None:
    """The last event whose count the new total can be of: it has one of that kind, and a lower one."""
    for sketch in reversed(weaver.sketches):
        for total in counted:
            known = [t.count.best for t in sketch.tolls if t.kind == total.kind and t.count.best is not None]
            if known and total.count.best is not None and max(known) <= total.count.best:
                return sketch
    return None


def _find(weaver: Weaver, clause: Passage, lead: Trigger | None, place: Place | None, when: Sequence[Day]) -> Sketch:
    """The sketch that a clause goes on telling of, or a new one."""
    day = next((d for d in when if not d.is_report), None)
    if lead is not None and lead.rule.name.startswith("the-"):
        # "the capture" is one that was told of before
        meant = [s for s in weaver.sketches if s.rule and s.rule.name == lead.rule.name.removeprefix("the-")]
        if meant and weaver.paragraph - meant[-1].paragraph <= 2 * _NEAR:
            return meant[-1]
    before = clause.text[: lead.start - clause.start if lead else None]
    another = pattern(clause.lang, "doubt", "another").search(before)
    for sketch in reversed(weaver.sketches):
        if not (another and place is not None and lead) and _is_same(weaver, sketch, lead, place, day):
            return sketch
    made = Sketch(weaver.paragraph, clause.lang, weaver.today)
    last = weaver.last
    if last is not None and last.paragraph == weaver.paragraph:
        if place and (lead is None or lead.rule.name == "attack"):
            made.inherited = last.rule  # "in Nikopol, two were injured", after a sentence on shelling
        elif place is None and pattern(clause.lang, "where", "anaphor").search(clause.text):
            made.place = last.place  # "they also shelled the city"
    weaver.sketches.append(made)
    return made


def _is_same(weaver: Weaver, sketch: Sketch, lead: Trigger | None, place: Place | None, day: Day | None) -> bool:
    apart = weaver.paragraph - sketch.paragraph
    is_last = sketch is weaver.last
    own = sketch.day
    if day is not None and own is not None and not (own.first <= day.last and day.first <= own.last):
        return False
    if not _fits(sketch, lead):
        return False
    if place is None:
        return is_last and apart <= 1
    if sketch.place is None:
        return apart <= _NEAR
    if place.key == sketch.place.key:
        return True
    if place.holds(sketch.place):
        return is_last and apart <= _NEAR
    # a country told of in a paragraph of its own is an event of the country, but for a headline
    near = apart <= _NEAR and (sketch.place.role != "country" or apart == 0 or sketch.paragraph == 0)
    return sketch.place.holds(place) and near and (is_last or apart > 0)


def _fits(sketch: Sketch, lead: Trigger | None) -> bool:
    """Whether words of an event may be about the same one."""
    rule = sketch.rule
    if lead is None or rule is None or lead.rule.joins:
        return True
    if rule.event_type == lead.rule.event_type and rule.event_type in ("Battles", "Protests", "Riots"):
        return True  # a town is taken in the fighting for it, a protest broken up
    return rule.name == lead.rule.name or (rule.joins and rule.rank <= lead.rule.rank)


def _add(
    weaver: Weaver,
    sketch: Sketch,
    clause: Passage,
    triggers: Sequence[Trigger],
    place: Place | None,
    when: Sequence[Day],
) -> None:
    sketch.paragraph = weaver.paragraph
    sketch.triggers += triggers
    sketch.days += when
    sketch.unread += unread_dates(clause, weaver.today)
    # a day that an earlier sentence of the paragraph gives holds for what follows
    if not any(not d.is_report for d in sketch.days) and weaver.paragraph_day is not None:
        sketch.days.append(weaver.paragraph_day)
    if place is not None:
        if sketch.place is None or sketch.place.holds(place):
            sketch.place = place
        elif place.key == sketch.place.key:
            sketch.also.append(place)
    first = min((t.start for t in triggers), default=clause.end)
    mutual = any(t.rule.name in _MUTUAL for t in triggers)
    for actor in events.find_actors(clause):
        sketch.actors.append(("actor2" if mutual and actor.start >= first else "actor1", actor))
    sketch.told.append((clause.start, clause.end))
