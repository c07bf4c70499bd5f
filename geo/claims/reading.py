"""A sentence to the draft of a claim, by rules alone: what cannot be read stays empty, and the notes say so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from datetime import date as day_type
from itertools import pairwise
from typing import NamedTuple

from geo.archive.results import When
from geo.archive.shared_docs import described
from geo.claims import control_verbs
from geo.claims.control_verbs import CHANGED, OF_THEM, RECORD, ControlVerb, shape
from geo.claims.model import (
    AREAS,
    LENGTHS,
    NO_UNIT,
    UNITS,
    UNREAD_DATE,
    Amount,
    Claim,
    find_amounts,
    plain_signs,
    rounded_step,
    vague_pattern,
)
from geo.schema import last_instant
from geo.text.control_words import Mention, Names, shipped_names
from geo.text.dates import DateMention, find_dates
from geo.text.languages import any_of, cached_words, languages, recent, word_list
from geo.text.sentences import TextSpan, language_of, touches
from geo.text.speakers import find_attributions, first_speaker
from geo.text.words import find_phrases, is_cyrillic, known_words

_NO_CLAIM = "not read as a claim: "
_FAR = 60  # characters between a word of change and its figures
_NEXT = 6  # characters between a figure and a day that follows it
_FIGURES = 12  # a sentence with more of them is a table: no grammar says what belongs to what


@dataclass(frozen=True)
class _Scene:
    """One sentence and what was found in it; positions are those of the sentence."""

    text: str
    dated: str
    dates: Sequence[DateMention]
    words: str
    at: int
    amounts: Sequence[Amount]
    sides: Sequence[Mention]
    units: Sequence[Mention]
    today: day_type | None
    spots: Sequence[tuple[int, int]]
    compared: Sequence[DateMention] = ()


@described
def read_claim(
    text: str,
    *,
    date: When | None = None,
    said_by: str = "",
    said_on: str = "",
    published_in: str = "",
    names: Names | None = None,
) -> Claim:
    """Draft the record of a claim from a sentence; a person confirms it.

    Parameters
    ----------
    text : str
        One sentence with one figure; of several the first that is a claim.
    date : str, date, datetime or None
        When it was said: the day that "still holds" speaks of, and gives years that are left out.
    said_by, said_on, published_in : str
        Kept in the record; who said it is else read from the sentence where that is plain.
    names : geo.text.control_words.Names or None
        What sides and units are called; None is the package's tables. `names_of` makes them of an archive.

    Returns
    -------
    Claim
        Empty fields are what could not be read; `notes` say why. A text that makes no claim about ground held, gained,
        lost or retaken, a front or settlements comes back with neither quantity nor value.

    Raises
    ------
    GateError

    Examples
    --------
    >>> claim = geo.read_claim("Ukraine holds 500 km² of Kursk region", date="2025-01-11")
    >>> claim.quantity, claim.controller, claim.value, claim.unit
    ('held', 'UA', 500.0, 'RU-KRS')
    """
    known = names or shipped_names()
    drafts = _drafts(text, date, known)
    best = next((c for c in drafts if c.quantity and c.value is not None), drafts[0] if drafts else None)
    if best is None:
        best = Claim(text=text, notes=("no area, share, length or number of settlements was found",))
    return replace(best, text=text, said_by=said_by or best.said_by, said_on=said_on or best.said_on,
                   published_in=published_in)  # fmt: skip


@described
def find_claims(
    text: str, *, date: When | None = None, names: Names | None = None, unread: bool = False
) -> list[Claim]:
    """Every claim about ground in a longer text, each with its place in it.

    Parameters
    ----------
    text : str
        A briefing; any number of sentences.
    date : str, date, datetime or None
        Its date.
    names : geo.text.control_words.Names or None
        As in `read_claim`.
    unread : bool
        Also give the figures of ground and percentages that are no claim, without quantity and value: their notes say
        why, and start and end are those of the figure.

    Returns
    -------
    list of Claim
        In order; ``text[claim.start:claim.end]`` is the sentence. Sentences that the grammar refuses (questions, plans,
        denials, percentages of other things) give none, nor does a run of more than 20 figures.

    Raises
    ------
    GateError

    Examples
    --------
    >>> text = "It rained. Ukraine holds 500 km² of Kursk region."
    >>> [(claim.value, text[claim.start : claim.end]) for claim in geo.find_claims(text)]
    [(500.0, 'Ukraine holds 500 km² of Kursk region.')]
    """
    drafts = _drafts(text, date, names or shipped_names())
    return [c for c in drafts if c.value is not None or (unread and c.value_unit not in LENGTHS)]


def _drafts(text: str, when: When | None, names: Names) -> list[Claim]:
    today = None if when is None else last_instant(when).date()
    found: list[Claim] = []
    for start, end in control_verbs.sentences(text):
        words = plain_signs(text[start:end])
        amounts = find_amounts(words)
        is_table = len(amounts) > _FIGURES
        rest = [(a.start, a.end, f"one of more than {_FIGURES} figures in a sentence") for a in amounts if is_table]
        taken = [(a.start, a.end) for a in amounts]
        rest += [
            (*m.span(), f"a vague number: {m[0]!r}") for m in vague_pattern().finditer(words)
            if not touches(m.span(), taken)
        ]  # fmt: skip
        drafts = [Claim(text=text[start:end], start=start + a, end=start + b) for a, b, _ in rest]
        found += [_refused(draft, why) for draft, (*_, why) in zip(drafts, rest, strict=True)]
        if not amounts or is_table:
            continue
        sides, units = control_verbs.places(words, names)
        day, dated = day_of_saying(words, today=today)
        said_from = day or today
        dates = find_dates(_without_compared(dated), today=said_from)
        known_dates = [(m.start, m.end) for m in dates]
        compared = [m for m in find_dates(dated, today=said_from) if not touches((m.start, m.end), known_dates)]
        dates = [replace(m, since=m.since or bool(control_verbs.EVER_SINCE.search(dated[: m.start]))) for m in dates]
        than = [m for m in dates if _THAN.search(dated[: m.start]) or _THAN.match(f"{m.text.split()[0]} ")]
        dates = [m for m in dates if m not in than]
        amounts = _with_bare(words, amounts, units, dates, compared)
        spots = _spots(words, sides, units, dates)
        scene = _Scene(words, dated, dates, text[start:end], start, amounts, sides, units, said_from, spots, compared)
        who, said_on = first_speaker(words), "" if day is None else day.isoformat()
        read = [replace(claim, said_by=who, said_on=said_on) for claim in _claims_of(scene)]
        found += _with_rest(scene, read)
    return found


_BARE = re.compile(
    r"(?<![\d.,:])\d{1,3}(?:[, \u00a0\u202f]\d{3})+(?!\d)|(?<![\w.,:/-])\d+(?:[.,]\d+)?(?![\d%²/:-]|\.\d)"
)
# "from 150 in September", "than the 720 it held in October": the date is that of the other figure
_COMPARED = shape(
    rf"(?<!\w)<compared_with>\s+(?:\w+\s+){{0,2}}?(?:{_BARE.pattern})(?:\s*(?:km²|%|[\w.]+))?(?:\s+(?:it|they) \w+)?"
    r"\s+(?=<when>\s)(?P<when>[^.;,]{3,30})"
)
_THAN = shape(r"(?<!\w)<than_time>\s*(?:<than_in>\s+)*$")  # "five times more than in 2021"
_BARE_ENDS = shape(r"\s*(?:$|[.,;)!])|\s+<bare_ends>\b")
_AND, _OR = shape(r"(?:,|\b<and>)\s*$"), shape(r"\w(?:,\s*<or>|\s*\()\s*$")
_TO_WORD, _TO_DAY = shape(r"\b<to>\b"), re.compile(r"(?: [^\W\d]+){0,5} ?")
_TO, _BASED = shape(r"(?<!\w)<to>(?:\s+\w+)?\s*$"), shape(r"\s*<base_of>\s*(?:roughly|about|some)?\s*")
_OF_WHOLE = shape(r" <out_of>(?: [^\d,;]{0,20})?")
_PART = shape(rf"(?P<part>{_BARE.pattern}) <out_of>(?: [^\d,;]{{0,20}})?$")
_GAP, _IT_WAS = shape(r" (?:<forces> )?"), shape(r"(?:-\w{1,3})? [–—-] |: | <it_was> ")
_NOW_IS, _GOES_ON = shape(r"(?<!\w)<later> [–—-] $"), shape(r"\s*(?:,|;| (?:<and>|<also>) )")
_BY_AMOUNT = shape(r"(?<!\w)<by_amount>\s+$")  # "expanded the area it holds by 60 km²"
_BASE_IS, _HAS = shape("<base_is>"), shape(r"\b<has> (?:[^.;,]* )?$")


def _day_after(text: str, amount: Amount, days: Sequence[DateMention]) -> DateMention | None:
    """The day of a figure with which another is compared: "than the 465 in the whole of 2023"."""
    near = (d for d in days if amount.end <= d.start and _TO_DAY.fullmatch(text, amount.end, d.start))
    return next((d for d in near if d.first is not None), None)


def _without_compared(text: str) -> str:
    """A sentence with blanks for the dates of figures with which that of the sentence is compared."""
    blank = list(RECORD.sub(lambda m: " " * len(m[0]), text))
    for match in _COMPARED.finditer(text):
        if not _TO_WORD.search(match["when"]):  # "from 900 in August to 350 in January"
            blank[match.start("when") : match.end("when")] = " " * len(match["when"])
    return "".join(blank)


def _with_bare(
    text: str, amounts: Sequence[Amount], units: Sequence[Mention], dates: Sequence[DateMention],
    compared: Sequence[DateMention],
) -> list[Amount]:  # fmt: skip
    """The amounts with those that leave out their unit: "took 1,300 km² and has since lost 900"."""
    found = list(amounts)
    areas = [a for a in amounts if a.unit in AREAS and a.value is not None]
    if not areas:
        return found
    ends = {p.end for p in find_phrases(text, "control_verbs", "verbs")}
    taken = [*((a.start, a.end) for a in amounts), *((d.start, d.end) for d in dates)]
    parts = [m.start("part") for a in areas if (m := _PART.search(text, max(0, a.start - 60), a.start))]
    for match in _BARE.finditer(text, min([areas[0].end, *parts])):
        if touches(match.span(), taken) or re.fullmatch(r"(?:19|20)\d\d", match[0]):
            continue
        unit = next((a.unit for a in reversed(areas) if a.end <= match.start()), areas[0].unit)
        lead = find_amounts(f"{text[max(0, match.start() - 30) : match.end()]} {unit}")
        if not lead:
            continue
        start = max(0, match.start() - 30) + lead[-1].start
        own = replace(lead[-1], start=start, end=match.end())
        before = text[:start].rstrip()
        is_told = len(before) in ends or bool(_TO.search(text[max(0, start - 30) : start]))
        day = next((d for d in dates if 0 <= d.start - match.end() <= _NEXT), None)
        # "610 km² in November and in December – 397"
        is_told |= any(_IT_WAS.fullmatch(text, d.end, start) and areas[0].end <= d.start for d in dates)
        is_told |= bool(_NOW_IS.search(text[max(0, start - 30) : start]))
        if _AND.search(text[max(0, start - 5) : start]) and day:  # "610 km² in November, 478 in October"
            is_told = any(areas[-1].end <= d.start < start for d in dates)
        elif _AND.search(text[max(0, start - 5) : start]):  # "16 km² in Sumy region and 22 in Kharkiv region"
            is_told = any(match.end() < u.start and control_verbs.leads_to(text[match.end() : u.start]) for u in units)
        is_compared = control_verbs.is_compared(text, own) and _day_after(text, own, compared)
        part = any(match.end() < u.start for u in units) and OF_THEM.search(text, max(0, start - 25), start)
        is_told = is_told and bool(day or _BARE_ENDS.match(text[match.end() :]))
        if is_told or is_compared or part or match.start() in parts:
            found.append(replace(own, notes=(*own.notes, "its unit is that of the figure before")))
    return sorted(found, key=lambda a: a.start)


def _with_rest(scene: _Scene, claims: Sequence[Claim]) -> list[Claim]:
    """The claims of a sentence with its place, and in their notes the figures of it that are not read."""
    spans = [(a.start, a.end) for a in scene.amounts] + [(d.start, d.end) for d in scene.dates]
    left = [m[0] for m in _BARE.finditer(scene.dated) if not any(a <= m.start() < b for a, b in spans)]
    rest = [c for c in claims if c.value is None]
    read = [c for c in claims if c.value is not None] or rest[:1]
    told = [(scene.text[(c.start or 0) - scene.at : (c.end or 0) - scene.at], c) for c in rest if c is not read[0]]
    notes = [f"not read in this sentence: {said.strip()}; {c.notes[-1].removeprefix(_NO_CLAIM)}" for said, c in told]
    notes += [f"not read in this sentence: {', '.join(left)}"] if left else []
    ends = scene.at, scene.at + len(scene.text)
    whole = [c if c.value is None else replace(c, start=ends[0], end=ends[1]) for c in claims]
    return [_noted(w, *notes) if c in read else w for c, w in zip(claims, whole, strict=True)]


def _claims_of(scene: _Scene) -> list[Claim]:
    claims: list[Claim] = []
    based: list[int] = []
    verb: ControlVerb | None = None
    for number, amount in enumerate(scene.amounts):
        if number in based:
            continue
        clause = _clause(scene, number)
        before = claims[-1] if claims and claims[-1].quantity else None
        own = control_verbs.verb_of(scene.text, clause, amount, scene.sides)
        if own and claims and verb and own.start == verb.start >= scene.amounts[number - 1].end:
            # "500 km² held, 40 percent retaken": the verb after one figure is not that of the next, which has its own
            own = control_verbs.verb_of(scene.text, (own.end, clause[1]), amount, scene.sides) or own
        kinds = {amount.unit == "percent", before is not None and before.value_unit == "percent"}
        if own and before and kinds == {True, False} and _OR.search(scene.text[: amount.start]):
            own = None  # "18,000 km², or 68 percent": both say one thing
        claim = _claim(scene, amount, clause, own, before, verb)
        if _based(scene, number):
            after = scene.amounts[number + 1]
            based.append(number + 1)
            if claim.quantity == "share retaken":
                claim = replace(claim, base=scene.text[after.start : after.end].strip())
        verb = own or verb
        claims.append(claim)
    return claims


def _based(scene: _Scene, number: int) -> bool:
    """Whether an amount is a percentage of the amount after it: "half of the 1,376 square kilometres"."""
    share, whole = scene.amounts[number], scene.amounts[number + 1 :][:1]
    return share.unit == "percent" and any(_BASED.fullmatch(scene.text, share.end, w.start) for w in whole)


def _clause(scene: _Scene, number: int) -> tuple[int, int]:
    """The stretch of a sentence that an amount belongs to."""
    amount = scene.amounts[number]
    breaks = [m.start() for m in control_verbs.BREAKS.finditer(scene.text)]
    ends = [d.end for d in scene.dates if _IT_WAS.fullmatch(scene.text, d.end, amount.start)]
    breaks = [b for b in breaks if not any(end <= b < amount.start for end in ends)]
    if not number:  # "Russian gains over the week: 64 km²"
        breaks = [b for b in breaks if b > amount.start or scene.text[b : amount.start].strip(" :–—")]
    low = max((b for b in breaks if b < amount.start), default=0)
    high = min((b for b in breaks if b >= amount.end), default=len(scene.text))
    amounts = scene.amounts
    whole = any(_OF_WHOLE.fullmatch(scene.text, amount.end, a.start) for a in amounts)
    following, previous = number + 1 + (whole or _based(scene, number)), number - 1
    joined = [control_verbs.listed(scene.text[a.end : b.start]) for a, b in pairwise(amounts)]
    while following < len(amounts) and joined[following - 1]:
        following += 1
    while previous >= 0 and joined[previous]:
        previous -= 1
    if following < len(amounts):
        high = min(high, amounts[following].start)
    if previous >= 0:
        low = max(low, amounts[previous].end)
        if control_verbs.is_whole(scene.text, amounts[previous]):  # "of the 1,376 km² seized, it has lost 700"
            low = max(low, scene.text.rfind(",", low, amount.start))
        dated = [m.end for m in scene.dates if low <= m.start < amount.start and m.start - low < _NEXT]
        if dated and _GOES_ON.match(scene.text, dated[0], amount.start):
            low = dated[0]  # "took 400 in October, took 725 in November": the first day is that of the figure before
    return low, high


def _claim(
    scene: _Scene, amount: Amount, clause: tuple[int, int], verb: ControlVerb | None, before: Claim | None,
    carried: ControlVerb | None,
) -> Claim:  # fmt: skip
    change = _change(scene, amount)
    amount, verb = change or (amount, verb)
    draft = Claim(
        text=scene.words, start=scene.at + amount.start, end=scene.at + amount.end, comparator=amount.comparator,
        value=amount.value, high=amount.high, value_unit=amount.unit if amount.unit in UNITS else None,
        step=amount.step, notes=() if amount.value is None else amount.notes,
    )  # fmt: skip
    if why := control_verbs.refusal(scene.text, clause, amount):
        day = _day_after(scene.text, amount, scene.compared) if control_verbs.is_compared(scene.text, amount) else None
        if day is None or before is None or carried is None:
            return _refused(draft, why)
        return _after(draft, replace(scene, dates=[day]), (amount.start, day.end), amount, before, carried)
    if verb is None:
        return _after(draft, scene, clause, amount, before, carried)
    is_share = amount.unit == "percent"
    ground = change or control_verbs.of_ground(scene.text, amount, verb, scene.units, scene.sides)
    # "A year ago Russia held 17.5 percent of Ukraine; today it holds 18.2 percent."
    follows = before is not None and before.base == "the unit" and _BARE_ENDS.match(scene.text[amount.end :])
    if is_share and not (ground or follows or _elsewhere(scene, clause, amount)):
        name = _OF_NAME.match(scene.text, amount.end)
        why = f"{name['name']!r} {NO_UNIT}" if name else "the percentage is of something else than ground"
        return _refused(draft, why)
    if _of_something_else(scene, amount, verb) or (amount.unit in AREAS and _thing_after(scene, amount)):
        return _refused(draft, "the area is of something else than ground")
    verb = _as_dated(scene, clause, amount, verb)
    if verb is None:
        return _refused(draft, "whether it was taken then or is held since is not said")
    draft = _quantified(draft, verb, scene.text, amount)
    if is_share and draft.quantity is None and verb.name in ("gained", "lost"):
        of_all = control_verbs.of_all(scene.text, amount, scene.units, scene.sides)
        draft = replace(draft, quantity=verb.name, base="the unit") if of_all else draft
    if draft.quantity == "held" and _BY_AMOUNT.search(scene.text[: amount.start]):
        changed = [m[0] for m in CHANGED.finditer(scene.text, 0, amount.start)][-1:]
        grew = bool(changed) and _GREW.fullmatch(changed[0])
        if not changed or is_share or draft.value is None:
            return _refused(draft, "how much is lacking, or the difference from another figure")
        draft = _quantified(draft, replace(verb, name="net" if grew else "net loss"), scene.text, amount)
    if draft.quantity is None:
        return _refused(draft, "the unit does not go with what is said of it")
    draft = _sided(draft, scene, clause, amount, verb)
    why = _without_side(draft, scene, verb)
    if why and not verb.passive:
        return _refused(draft, why)
    draft = _placed(_dated(draft, scene, clause, amount), scene, clause, amount, keep=False)
    word = None if draft.value is None else _strange_word(scene, clause, amount, verb, draft)
    why = f"{word!r} stands by the figure and is not understood" if word else why
    return _refused(draft, why) if why and draft.value is not None else draft


def _without_side(draft: Claim, scene: _Scene, verb: ControlVerb) -> str | None:
    """Why it is not known which of the sides that a sentence names did it; None where it is, or names none."""
    if draft.controller or draft.against or draft.quantity == "front length":
        return None
    sides = [s for s in scene.sides if s.role != "leader" and not control_verbs.is_place(scene.text, s)]
    named = [s for s in sides if not any(a <= s.start < b for a, b in _sources(scene.text))]
    named = [s for s in named if s.role != "capital" or not _OF_CAPITAL.search(scene.text[: s.start])]
    if draft.quantity == "share retaken":
        return None if verb.passive else "no side is named"
    return next((note for note in draft.notes[-1:] if named and note.startswith(("no side", "which of"))), None)


def _after(
    draft: Claim, scene: _Scene, clause: tuple[int, int], amount: Amount, before: Claim | None,
    carried: ControlVerb | None,
) -> Claim:  # fmt: skip
    """A figure without a word of its own for what is said of it: that of the figure before, where it goes on."""
    if before and carried and amount.unit == "percent" and not _goes_on_in_percent(scene, amount, before, carried):
        before = None
    if before and before.quantity in ("net", "gained", "lost") and _is_result(scene, amount):
        draft = replace(draft, quantity="held", controller=before.controller, unit=before.unit)
        return _dated(draft, scene, clause, amount)
    if before is None or carried is None:
        return _refused(draft, "no word says that ground is held, gained, lost or retaken")
    since = [s for s in control_verbs.acting(scene.text, scene.sides) if scene.amounts[0].end <= s.start < amount.start]
    since = [s for s in since if not control_verbs.SPEAKS.match(scene.text, s.end)]
    if len(since) > 1 or not all(_GAP.fullmatch(scene.text, s.end, amount.start) for s in since):
        return _refused(draft, "another side is named before it, and no word of what that side did")
    if since:  # "Russia advanced 14 km², Ukraine 3 km²"
        before = replace(before, controller=since[0].code, against=None, unit=None)
    draft = replace(draft, controller=before.controller, against=before.against, unit=before.unit)
    draft = _quantified(draft, carried, scene.text, amount)
    if draft.quantity is None:
        return _refused(draft, "the unit does not go with what is said of it")
    draft = draft if since else _noted(draft, "quantity and side are those of the figure before")
    return _placed(_dated(draft, scene, clause, amount), scene, clause, amount, keep=True)


def _named_spans(scene: _Scene) -> list[tuple[int, int]]:
    spans = [*scene.spots, *((m.start, m.end) for m in (*scene.sides, *scene.units))]
    return spans + [(m.start, m.end) for m in scene.dates] + [(a.start, a.end) for a in scene.amounts]


# "nach Einschätzung der Beobachter nahm Russland": up to the comma or the verb
_SOURCE = shape(
    r"(?<!\w)<attribution>(?!\w)[^,;:()]{0,90}|(?<!\S)[^\s,;:]{1,40}(?: [^\s,;:]{1,40}){0,5} <attribution_after>\b"
)


# "since the fall of Avdiivka", "Since launching its assault in August, "
_SINCE_EVENT = shape(
    r"(?<!\w)<ever_since> (?:<article> )?[\w’'-]+(?: <of_name> [\w’'-]+){0,2}|^<ever_since> [^,;:\d]{3,80},"
)
_SINCE = shape(r"(?<!\w)<ever_since> (?:<article> )?(?:[\w’'-]+ ){0,2}$")


@recent
def _sources(text: str) -> Sequence[tuple[int, int]]:
    ends = ((m, control_verbs.verbs_in(text, *m.span())) for m in _SOURCE.finditer(text))
    return [(m.start(), min([m.end(), *(v.start for v in verbs)])) for m, verbs in ends]


@recent
def _asides(text: str) -> Sequence[tuple[int, int]]:
    """The stretches of a sentence that say by whom, since when or beside what it is so."""
    spoken = find_attributions(TextSpan(0, len(text), text, language_of(text)))
    found = [*_sources(text), *((a.scope_start, a.scope_end) for a in spoken)]
    found += [m.span() for pattern in (_SINCE_EVENT, control_verbs.ASIDE) for m in pattern.finditer(text)]
    return found + [m.span("name") for m in _AT_NAME.finditer(text)]


def _strange_word(
    scene: _Scene, clause: tuple[int, int], amount: Amount, verb: ControlVerb, draft: Claim
) -> str | None:
    """A word between the side, what it does and the figure that is not understood; without a side, of the clause."""
    text = scene.dated
    after = [(amount.end, verb.start), (clause[0], amount.start)]
    parts = [(verb.end, amount.start)] if verb.end <= amount.start else after
    sides = [s for s in scene.sides if s.code in (draft.controller, draft.against)]
    if sides:
        side = min(sides, key=lambda s: max(verb.start - s.end, s.start - verb.end))
        parts.append((side.end, verb.start) if side.end <= verb.start else (verb.end, side.start))
        parts += [(clause[0], verb.start)] if verb.start <= side.start and verb.end <= amount.start else []
    elif speaker := control_verbs.FIRST_PERSON.search(text, clause[0], verb.start):
        return speaker[0]
    elif draft.quantity != "front length" and not any(n.startswith("a pronoun") for n in draft.notes):
        parts.append((clause[0], verb.start))
        parts += [(verb.end, clause[1])] if verb.passive else []
    known = [*_named_spans(scene), *_asides(text)]
    known += [m.span() for m in (_OF_AREA.match(text, amount.end), _OF_COUNTRY.match(text, amount.end)) if m]
    return next(filter(None, (control_verbs.strange_word(text, *part, known) for part in parts)), None)


def _of_something_else(scene: _Scene, amount: Amount, verb: ControlVerb) -> bool:
    """Whether an area is one of farmland, forest or the like: "2,000 hectares of crops"."""
    of = re.match(r"\s*of (?:the )?+(?!them\b|it\b)(?=[a-zа-яіїєґ])", scene.text[amount.end :])
    if of is None or amount.unit not in AREAS:
        return False
    return not control_verbs.of_ground(scene.text, amount, verb, scene.units, scene.sides)


def _thing_after(scene: _Scene, amount: Amount) -> bool:
    """Whether the word after an area is neither ground nor known: "40 Hektar Wald"."""
    word = _NEXT_WORD.match(scene.dated, amount.end)
    if word is None or (word[1][0].isupper() and language_of(scene.text) != "de"):
        return False  # a name, if it is not German
    return control_verbs.strange_word(scene.dated, *word.span(1), _named_spans(scene)) is not None


def _change(scene: _Scene, amount: Amount) -> tuple[Amount, ControlVerb | None] | None:
    """Of "shrank from 900 to 350 km²", "сократилась до 350 кв. км" what is held after it."""
    value = amount.high if amount.comparator == "between" else amount.value
    told = (*AREAS, "percent")
    if value is None or amount.unit not in told or amount.comparator not in ("between", "up to"):
        return None
    far = _FAR if amount.comparator == "between" else 1
    changed = [m for m in CHANGED.finditer(scene.text) if 0 <= amount.start - m.end() <= far]
    if not changed:
        return None
    step = rounded_step(value, 1.0) if value.is_integer() and amount.unit in AREAS else None
    after = replace(amount, value=value, high=None, comparator="exactly", step=step)
    held = [v for v in control_verbs.verbs_in(scene.text, 0, changed[-1].start()) if v.name == "held"]
    own = held[-1] if held else None
    if own is None and amount.comparator == "up to":
        return None
    return after, own or ControlVerb("held", changed[-1].start(), changed[-1].end(), False)


def _is_result(scene: _Scene, amount: Amount) -> bool:
    """Whether a figure is what a change came to: "increased by 90 km², to 260"."""
    before = next((a.end for a in reversed(scene.amounts) if a.end <= amount.start), 0)
    by = any(a.end == before and _BY_AMOUNT.search(scene.text[: a.start]) for a in scene.amounts)
    if not by or control_verbs.strange_word(scene.dated, before, amount.start, _named_spans(scene)):
        return False
    to = _TO.search(scene.text[max(0, amount.start - 30) : amount.start])
    return bool(to or _TO.match(scene.text[amount.start : amount.end]))


def _goes_on_in_percent(scene: _Scene, amount: Amount, before: Claim, carried: ControlVerb) -> bool:
    """Whether a percentage has the verb of the one before: "99 percent of Luhansk and 76 percent of Donetsk"."""
    if before.quantity != "held":
        return False
    if before.value_unit in AREAS:  # "18,000 km², or 68 percent": of the unit of the area
        return before.unit is not None and bool(_OR.search(scene.text[: amount.start]))
    units, sides = scene.units, scene.sides
    return before.value_unit == "percent" and control_verbs.of_ground(scene.text, amount, carried, units, sides)


def _refused(draft: Claim, why: str) -> Claim:
    return replace(draft, quantity=None, value=None, high=None, comparator=None, step=None,
                   notes=(*draft.notes, _NO_CLAIM + why))  # fmt: skip


def _noted(claim: Claim, *notes: str) -> Claim:
    return replace(claim, notes=(*claim.notes, *notes))


def _quantified(draft: Claim, verb: ControlVerb, text: str, amount: Amount) -> Claim:
    """The quantity that a verb and a unit make together; none where they do not go together."""
    unit = amount.unit
    if unit in LENGTHS:
        return replace(draft, quantity="front length" if verb.name == "front" else None)
    if verb.name == "front":
        return replace(draft, quantity=None)
    if unit == "settlements":
        kinds = {"held": "settlements held", "gained": "gained", "retaken": "gained", "lost": "lost"}
        return replace(draft, quantity=kinds.get(verb.name))
    if unit == "percent":
        if verb.name == "held" and control_verbs.says_taken(text, amount):
            return _turned(draft)
        if verb.name == "held":
            return replace(draft, quantity="held", base="the unit")
        back = verb.name == "retaken" or (verb.name in ("lost", "driven") and control_verbs.says_taken(text, amount))
        return replace(draft, quantity="share retaken" if back else None)
    if verb.name == "net loss" and draft.value is not None:
        return replace(draft, quantity="net", value=-draft.value, comparator=_other_way(draft))
    return replace(draft, quantity="gained" if verb.name == "retaken" else verb.name)


def _as_dated(scene: _Scene, clause: tuple[int, int], amount: Amount, verb: ControlVerb) -> ControlVerb | None:
    """A verb as its times have it: what is seized or occupied happened or stands; None where that is not said."""
    days = range_of(scene.dated, _times(scene, clause, amount), today=scene.today)
    if amount.unit == "percent":  # "has seized 99 percent of the region": that much stands
        stands = verb.name == "gained" and not control_verbs.says_base(scene.text, amount) and not days.spans()
        stands = stands and not _REMAINING.search(scene.text, 0, amount.start)
        return replace(verb, name="held") if stands else verb
    if verb.name != "held" or not control_verbs.is_occupied(scene.text, verb):
        return verb
    once = control_verbs.is_once(scene.text, verb, scene.dates)
    then = once and amount.unit in AREAS and is_cyrillic(scene.text[verb.start : verb.end])  # "окупував" is perfective
    if then or _took(scene, days, verb):
        return replace(verb, name="gained")
    return verb if control_verbs.is_attribute(scene.text, verb) or not once else None


def _took(scene: _Scene, days: DateRange, verb: ControlVerb) -> bool:
    """Whether "occupied" is what happened in a span of time rather than what stands on a day."""
    if verb.passive:
        return days.whole
    if control_verbs.is_attribute(scene.text, verb):
        return False  # "the area of occupied territory was 107,000 km² in August"
    if _HAS.search(scene.text[: verb.start]):
        return True  # "hat 110 Quadratkilometer besetzt"
    return days.spans() or bool(re.search(r"\bthe (?:week|month|day)\b", scene.text))


_NEXT_WORD = re.compile(r" (?:(?:de |d['’]|of )(?=[a-zа-яіїєґé]))?([^\W\d_]{2,}(?:-[^\W\d_]+)*)")
_OTHER_WAY = {"more than": "less than", "less than": "more than", "at least": "up to", "up to": "at least"}


def _other_way(draft: Claim) -> str | None:
    return _OTHER_WAY.get(draft.comparator or "", draft.comparator)


def _turned(draft: Claim) -> Claim:
    """The share still held of what was taken, as the share retaken."""
    if draft.value is None:
        return draft
    ends = [100 - v for v in (draft.value, draft.high) if v is not None]
    high = max(ends) if len(ends) > 1 else None
    turned = replace(draft, quantity="share retaken", comparator=_other_way(draft), value=min(ends), high=high)
    return _noted(turned, f"{draft.value:g} percent still held is read as {min(ends):g} percent retaken")


def _sided(draft: Claim, scene: _Scene, clause: tuple[int, int], amount: Amount, verb: ControlVerb) -> Claim:
    """Who did it, and to whom."""
    who, why = control_verbs.actor_of(scene.text, clause, verb, scene.sides)
    whom = control_verbs.losing_side(scene.text, amount, verb, scene.sides)
    if verb.name == "driven":  # "pushed Ukrainian troops out of"
        driven = [s.code for s in reversed(scene.sides) if s.end <= verb.start] if verb.passive else []
        driven += [s.code for s in scene.sides if s.start >= verb.end]
        code = next(iter(driven), None)
        if draft.quantity == "share retaken":
            return replace(draft, controller=None if who == code else who, against=code)
        return replace(draft, quantity="lost", controller=code, against=None)
    if draft.quantity == "share retaken" and verb.name in ("lost", "held"):
        return _noted(replace(draft, against=who), *((why,) if why else ()))
    draft = replace(draft, controller=who, against=whom if whom != who else None)
    if who is None and draft.quantity != "front length":
        return _noted(draft, why or "no side is named")
    return draft


def _placed(draft: Claim, scene: _Scene, clause: tuple[int, int], amount: Amount, *, keep: bool) -> Claim:
    unit, why = control_verbs.place_of(scene.text, clause, amount, scene.units, scene.sides)
    place = _elsewhere(scene, clause, amount)
    if why and not place:  # a figure of several units together is none of any of them
        together = amount.unit != "percent" and why.endswith(NO_UNIT)
        return _noted(draft, why) if together else _refused(draft, why)
    nobody = not draft.controller and not _REBELS.search(scene.text, clause[0], amount.start)
    if place and nobody and _OF_COUNTRY.match(scene.text, amount.end):
        return _refused(draft, "no side is named")
    if place and not (unit and _THERE.fullmatch(place)):
        return _noted(replace(draft, unit=unit), f"{place!r} {NO_UNIT}")
    if unit is None and draft.quantity in ("gained", "lost") and amount.unit == "percent":
        unit = draft.controller if re.fullmatch("[A-Z]{2}", draft.controller or "") else None  # "of its territory"
    if unit is None and amount.unit == "percent" and draft.quantity != "share retaken":
        return _refused(draft, "of what it is a share is not said")
    if keep and unit is None:
        return draft
    if unit is None:
        return _noted(draft, "no unit is named: measured wherever the side has ground")
    return replace(draft, unit=unit)


_NAME = r"(?P<name>(?-i:[A-ZА-ЯІЇЄҐ])[\w’'-]+(?: (?-i:[A-ZА-ЯІЇЄҐ])[\w’'-]+)*)"
_SECTOR = _NAME.replace("name", "sector")
_NEAR = shape(
    rf"(?<!\w)(?:<near>\s*(?:\b(?:the )?<settlement> )?{_NAME}|<within>\s+(?:<article> )?{_SECTOR}\s+<sector>)(?!\w)"
)
_AT_NAME = shape(rf"(?<!\w)(?:<inside>|<at>|<near>|<within>) (?:<article> )?{_NAME}")
_NAMED = (
    shape(rf"[^.;,]{{0,25}}?\b<at>\s+(?:the )?(?:<area_before> )?{_NAME}"),
    shape(rf"[^.;,]{{0,25}}?\b{_NAME}\s+<area_after>"), shape(rf"[^.;,]{{0,25}}?\b<area_before>\s*(?:la )?{_NAME}"),
)  # fmt: skip
_SPOT, _IS_AREA = shape(r"\s*(?P<name><spot>)"), shape(r"\s+<area>\b")
_OF_AREA = shape(
    rf"\s{{0,3}}(?:<of_area>\s?)?(?:<ground> )?"
    rf"(?P<area><area_before> (?:la )?{_NAME}|{_SECTOR} (?:<area>\b|<area_after>\w*)|<areas>\b(?!['’]s))"
)
_OF_NAME = shape(rf"\s{{0,3}}<of_name> {_NAME}(?<!ans)(?=\s*(?:$|[.,;)])|\s+(?:on|since|as|and|at)\b)")
_REBELS = shape(r"\b(?:<rebels>|<forces>|<rulers>)\b")
_THERE, _AND_NOW = shape("<there>"), shape(r"[^;]{0,80}?\b(?:<and>|<later>)\b[^;]{0,40}?\b<present>\s[^;]{0,40}$")
_OWNS, _OF_CAPITAL = shape(r"\b<owns>\b"), shape(r"(?<!\w)<of_name> $")  # "holds 35 percent of Rosneft"
_OF_COUNTRY = shape(r"\s*<of_country>(?!\w)")


def _spots(
    text: str, sides: Sequence[Mention], units: Sequence[Mention], dates: Sequence[DateMention]
) -> Sequence[tuple[int, int]]:
    """Where a sentence says near what something is, or in what sector: "near Toretsk", "in the Pokrovsk direction"."""
    known = [*((m.start, m.end) for m in dates), *((m.start, m.end) for m in sides if m.role != "capital")]
    found = [(m, max(m.start("name"), m.start("sector"))) for m in _NEAR.finditer(text)]
    known += [(u.start, u.end) for u in units for m, at in found if at == u.start and m.end() <= u.end]
    return [m.span() for m, at in found if not any(a <= at < b for a, b in known) and not _is_noun(text, at)]


def _is_noun(text: str, at: int) -> bool:
    """Whether a word with a capital is a German noun: "bei Angriffen"."""
    word = re.compile(r"\w+").match(text, at)
    return word is not None and language_of(text) == "de" and known_words(word[0], "de") > 0


def _elsewhere(scene: _Scene, clause: tuple[int, int], amount: Amount) -> str | None:
    """The words for the place of a figure that is no unit: "near Pokrovsk", "of Rakhine State"."""
    text = scene.text
    if amount.unit == "percent":
        area, name = _OF_AREA.match(text, amount.end), _OF_NAME.match(text, amount.end)
        if whole := _OF_COUNTRY.match(text, amount.end):
            return whole[0].strip()
        known = {u.start for u in scene.units}
        is_known = name and name.start("name") in {*known, *(s.start for s in scene.sides if s.role != "capital")}
        acts = control_verbs.acting(text, scene.sides) or _REBELS.search(text, clause[0], amount.start)
        if name and not is_known and acts and not _OWNS.search(text, clause[0], amount.start):
            return name["name"]
        return area["area"] if area and not known & {area.start("name"), area.start("sector")} else None
    for start, end in scene.spots:
        if clause[0] <= start < clause[1] and not (start > amount.end and OF_THEM.search(text, amount.end, start)):
            return text[start:end]
    if spot := _SPOT.match(text, amount.end):
        return spot["name"]
    places = [(m.start, m.end) for m in scene.units] + [(d.start, d.end) for d in scene.dates]
    known_too = [*places, *((m.start, m.end) for m in scene.sides)]
    for pattern in _NAMED:
        match = pattern.match(text, amount.end)
        is_area = match and _IS_AREA.match(text, match.end())  # Khartoum state is no capital
        if match and not touches(match.span("name"), places if is_area else known_too):
            return match["name"]
    return None


_LASTING, _GREW = shape(r"<lasting>\b"), shape("<grew>")
_REMAINING = shape(r"(?<!\w)<remaining> $")  # "took the last 1 percent of the region"
_KIND_OF_DAYS = {"range": "day", "weekday": "day", "week": "month", "year": "month"}


def _times(scene: _Scene, clause: tuple[int, int], amount: Amount, *, share: bool = False) -> list[DateMention]:
    """The times that a figure speaks of: those of its clause, else those that all the sentence has."""
    low, high = clause
    if share:  # "of what it seized in August": that date is the base's
        based = _BASE_IS.search(scene.dated[low:high])
        high = low + based.start() if based else high
        verbs = [v.end for v in control_verbs.verbs_in(scene.text, amount.end, high)]
        high = min(high, *verbs) if len(verbs) > (not control_verbs.verbs_in(scene.text, low, amount.start)) else high
    if any(_OF_WHOLE.fullmatch(scene.text, amount.end, a.start) for a in scene.amounts):  # "850 of the 1,268 km²"
        return [m for m in scene.dates if m.end <= amount.start]
    own = [m for m in scene.dates if m.end > low and m.start < high]
    after = [m for m in own if m.start >= amount.end]
    if share or own:
        return after if after and any(a.end <= low for a in scene.amounts) else own
    first, last = scene.amounts[0], scene.amounts[-1]
    if OF_THEM.search(scene.text, max((a.end for a in scene.amounts if a.end <= low), default=low), amount.end + 20):
        return [m for m in scene.dates if m.end <= amount.start]  # "84 km² this week, of which 51 km²"
    parted = control_verbs.LATER.search(scene.text, first.end, high)  # "took 1,300 in August but has since lost 800"
    shared = [] if parted else [m for m in scene.dates if m.end <= first.start]
    if len(scene.amounts) == 1:
        led = [m for m in shared if control_verbs.leads(scene.text, m.end, low, scene.sides)]
        hangs = bool(re.match(r" ?[;:–—] ", scene.text[high:]))  # " – as of 19 August"
        told = control_verbs.verbs_in(scene.text, high, len(scene.text)) if hangs else []
        return led + [m for m in scene.dates if hangs and high <= m.start and not any(v.end <= m.start for v in told)]
    if shared and len(shared) == len(scene.dates):
        return shared
    alike = (amount.unit == "percent") == (last.unit == "percent") and not control_verbs.says_base(scene.text, last)
    if not scene.dates or not alike or any(m.start < last.end for m in scene.dates[1:]):
        return []
    date, between = scene.dates[0], scene.text[first.end : amount.start]
    if first.end <= date.start < amount.start:  # "gained 447 km² in November and lost 12"
        broken = parted or control_verbs.BREAKS.search(scene.text, first.end, amount.start) or "," in between
        return [] if broken else [date]
    rest = scene.text[amount.end : last.start]  # "gained 95 km² in Donetsk region and lost 4 in Kursk region on Friday"
    actors = [s for s in control_verbs.acting(scene.text, scene.sides) if amount.end <= s.start < last.start]
    apart = control_verbs.verbs_in(scene.text, amount.end, last.start) and ("," in rest or actors)
    return list(scene.dates) if date.start >= last.end and not apart else []


def _dated(draft: Claim, scene: _Scene, clause: tuple[int, int], amount: Amount) -> Claim:
    """The days that it speaks of: those of the clause, then of the sentence, then the day it was days."""
    state = draft.quantity in ("held", "front length", "settlements held")
    times = _times(scene, clause, amount, share=draft.quantity == "share retaken")
    if state and any(control_verbs.UNTIL.search(scene.dated[: m.start]) for m in times):
        return _refused(draft, "it was so before a day or an event, and not since when")
    if state:
        # held since some time or other, or "entered in August and holds": held today
        times = [m for m in times if not (m.since and m.problem)]
        times = [m for m in times if not _AND_NOW.match(scene.text, m.end, amount.start)]
    if any(m.kind in ("month", "year") for m in times):  # "within a fortnight in August"
        times = [m for m in times if m.kind != "past" or not _LASTING.match(m.text)]
    days = range_of(scene.dated, times, today=scene.today)
    if not state and len({_KIND_OF_DAYS.get(m.kind, m.kind) for m in times if m.first is not None and not m.loose}) > 1:
        return _refused(draft, "which of several times is meant is not said")
    spans = [*((d.start, d.end) for d in scene.dates), *((a.start, a.end) for a in scene.amounts)]
    told = [*control_verbs.TIME.finditer(scene.dated, 0, clause[1]), *_YEAR.finditer(scene.dated, 0, amount.start)]
    told = [m for m in told if not any(p.search(scene.dated[: m.start()]) for p in (_SINCE, _THAN))]
    words = (m for m in told if not touches(m.span(), spans))
    if days == DateRange() and draft.quantity != "share retaken" and (time := next(words, None)):
        return _refused(draft, f"{time[0]!r} is a time that is not read")
    named = [m for m in times if m.kind == "day"]
    if state and len(named) > 1:  # a state stands on one day: that which is named next
        nearest = min(named, key=lambda m: (m.start < amount.end, abs(m.start - amount.end)))
        days = range_of(scene.dated, [nearest], today=scene.today)
    today = None if scene.today is None else scene.today.isoformat()
    if days.problem:
        empty = state or days.unread
        draft = _noted(draft, f"{UNREAD_DATE} {days.problem}" if empty else f"{days.problem}; date_from left empty")
        return replace(draft, date_from=None, date_to=None if empty else today)
    if days.first is None:
        if draft.quantity in ("gained", "lost", "net") and any(m.first is not None for m in scene.dates):
            why = "its clause names no day, another does"
            parted = control_verbs.BREAKS.search(scene.text, scene.amounts[0].end, amount.start)
            later = amount is not scene.amounts[0] and not parted
            if len(scene.amounts) == 1 or later or control_verbs.LATER.search(scene.text, *clause):
                return _refused(draft, why)
            return _noted(replace(draft, date_from=None, date_to=None), why)
        if state or draft.quantity == "share retaken":
            return replace(draft, date_from=today if state else None, date_to=today)
        return _noted(replace(draft, date_to=today), "since when is not said: date_from left empty")
    draft = _spanned(_noted(draft, *days.notes), days.first, days.last or scene.today, whole=days.whole, state=state)
    if state or not any(control_verbs.ENDS.search(scene.dated[: m.start]) for m in times[:1]):
        return draft
    return _noted(replace(draft, date_from=None), "since when is not said: date_from left empty")  # "by August"


def _spanned(draft: Claim, first: day_type, last: day_type | None, *, whole: bool, state: bool) -> Claim:
    """A state stands on days; a change runs between two instants, or from the end of one day to that of another."""
    if last is not None and first != last and first.day == 1 and (last + timedelta(days=1)).day == 1:
        whole = True  # from the first day of a month to the last of one: whole months
    if whole and not state and last is not None:
        end = last + timedelta(days=1)
        return replace(draft, date_from=f"{first.isoformat()}T00:00Z", date_to=f"{end.isoformat()}T00:00Z")
    if draft.quantity == "share retaken" and first == last:
        return replace(draft, date_to=first.isoformat())
    if not state and first == last:
        first -= timedelta(days=1)
    if draft.quantity == "front length":
        first = last or first
    return replace(draft, date_from=first.isoformat(), date_to=None if last is None else last.isoformat())


_YEAR = re.compile(r"(?<![\w.,:/-])(?:19|20)\d\d(?![\w.,:/-])")
_JOINED = re.compile(r"\s{0,2},?\s{0,2}(?:and|to|through|until|[-–—]|та|і|й|до|по|и|und|bis|et|à|au)?\s{0,2}")
_NEXT_YEAR = re.compile(rf"(?:{_JOINED.pattern})((?:19|20)\d\d)(?!\d)")  # "in 2021 and 2022"
_TO_MONTH = re.compile(r"\s*(?:to|through|until|[-–—]|до|по|bis|à|au)\s*")


class DateRange(NamedTuple):
    """The days that a sentence names: first and last, whether they are a span of change, and what was inferred."""

    first: date | None = None
    last: date | None = None
    whole: bool = False
    notes: tuple[str, ...] = ()
    problem: str | None = None  # why no day can be told, with the words
    unread: bool = False  # a day was written, and cannot be read

    def spans(self) -> bool:
        return self.whole or self.first != self.last


def range_of(text: str, mentions: Sequence[DateMention], *, today: date | None) -> DateRange:
    """The days that the mentions of a text come to."""
    told = {kind: f"“{m.text}”: {m.problem}" for kind in ("unread", "undated") for m in mentions if m.kind == kind}
    if "unread" in told:
        return DateRange(problem=told["unread"], unread=True)
    for kinds in (("range",), ("past",), ("day",), ("month", "week"), ("year",), ("weekday",)):
        found = [m for m in mentions if m.kind in kinds]
        if found:
            return _together(text, found, today)
    over = any(m.last is not None and today is not None and m.last < today for m in mentions)  # "autumn of 2022"
    return DateRange(problem=told.get("undated"), unread=over)


def _together(text: str, found: Sequence[DateMention], today: date | None) -> DateRange:
    """Mentions of one kind: the first of them, or from the first to the last where the text joins them."""
    first, last = found[0], found[-1]
    assert first.first is not None
    assert last.last is not None
    notes = tuple(dict.fromkeys(m.note for m in found if m.note))
    listed = all(_JOINED.fullmatch(text[a.end : b.start]) for a, b in pairwise(found))
    own = (first.note,) if first.note else ()
    whole = first.kind in ("month", "week", "year")
    if len(found) > 1 and (listed or not whole):
        start = first.first
        if _TO_MONTH.fullmatch(text[first.end : last.start]) and start > last.last and not re.search(r"\d", first.text):
            start = start.replace(year=last.last.year)  # "from January to November"
        days = [start, *(d for m in found for d in (m.first, m.last) if d is not None and (m is not first))]
        return DateRange(min(days), last.last if last.last >= min(days) else max(days), whole, notes)
    if first.since and first.kind != "range":
        return DateRange(first.first, today, False, own)
    end = first.last
    if first.kind == "year" and (year := _NEXT_YEAR.match(text, first.end)):
        return DateRange(first.first, date(int(year[1]), 12, 31), whole, own)
    goes_on = whole and today is not None and end is not None and end > today >= first.first
    if goes_on and (first.kind in ("week", "year") or not re.search(r"\d", first.text)):
        return DateRange(first.first, today, False, own)
    return DateRange(first.first, end, whole, own)


def day_of_saying(text: str, *, today: date | None) -> tuple[date | None, str]:
    """The day in "he said on 27 August", and the text with spaces for that day: it is not what the figure speaks of."""
    for mention in find_dates(text, today=today):
        if mention.kind in ("day", "weekday") and not mention.loose and _said_on().search(text[: mention.start]):
            return mention.first, text[: mention.start] + " " * (mention.end - mention.start) + text[mention.end :]
    return None, text


@cached_words
def _said_on() -> re.Pattern[str]:
    tables = [word_list(language, "dates").get("saying", {}) for language in languages()]
    verbs, between = (any_of(*(t.get(name, "") for t in tables)) for name in ("words", "between"))
    return re.compile(rf"{verbs}(?:\s{{1,9}}{between})?\s{{1,9}}(?:on\s{{1,9}})?$", re.IGNORECASE)
