"""How many were killed, injured and captured: numbers in digits and words; ages and other counts are no counts."""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass, replace
from functools import cache
from typing import Literal

from geo.text.languages import pattern, words
from geo.text.numbers import number_pattern, read_number
from geo.text.sentences import Lang, TextSpan

Kind = Literal["killed", "injured", "captured"]
KINDS: tuple[Kind, ...] = ("killed", "injured", "captured")
_NEAR, _FAR = 40, 120  # how many characters may lie between a number and its verb; and a casualty "has risen to"


@dataclass(frozen=True)
class Count:
    """A number as a text gives it; None is not known ("several"), never 0."""

    low: int | None
    best: int | None
    high: int | None


@dataclass(frozen=True)
class CasualtyCount:
    """A count of people of one kind, and the span of the text that gives it."""

    kind: Kind
    count: Count
    start: int
    end: int
    text: str
    is_total: bool = False


@dataclass(frozen=True)
class _Group:
    """People counted in one place of a clause: "two men and two women"."""

    start: int
    end: int
    count: Count
    is_ordinal: bool = False


def find_casualties(passage: TextSpan, *, void: tuple[tuple[int, int], ...] = ()) -> list[CasualtyCount]:
    """Every count of killed, injured and captured people of a clause."""
    lang, text = passage.lang, _masked(passage, void)
    found = [*_none(passage, text)]
    taken: set[int] = set()
    groups = _groups(text, lang)
    total = bool(pattern(lang, "casualties", "cumulative").search(text))
    verbs = sorted((*m.span(), kind) for kind in KINDS for m in pattern(lang, "casualties", kind).finditer(text))
    for i, (start, end, kind) in enumerate(verbs):
        left = verbs[i - 1][1] if i else 0
        right = verbs[i + 1][0] if i + 1 < len(verbs) else len(text)
        group = _nearest(text, groups, taken, (start, end), (left, right), lang, _FAR if total else _NEAR)
        if group is None or any(f.start - passage.start < end and start < f.end - passage.start for f in found):
            continue
        taken.add(group.start)
        a, b = min(start, group.start), max(end, group.end)
        count = group.count
        if total and count.best is None and count.low is None and count.high is not None:
            count = Count(count.high, count.high, count.high)  # "rose to seven" is no upper bound
        is_total = total or group.is_ordinal
        found.append(CasualtyCount(kind, count, passage.start + a, passage.start + b, passage.text[a:b], is_total))
    return found


def _masked(passage: TextSpan, void: tuple[tuple[int, int], ...]) -> str:
    """The clause with blanks for ages, for parts of a count, and for what does not count."""
    text = passage.text.replace("’", "'").replace("ʼ", "'")
    for start, end in void:
        a, b = max(0, start - passage.start), min(len(text), end - passage.start)
        if a < b:
            text = text[:a] + " " * (b - a) + text[b:]
    for names in (("casualties", "of_those"), ("ages", "mask")):
        text = pattern(passage.lang, *names).sub(lambda m: " " * len(m[0]), text)
    return text


def _none(passage: TextSpan, text: str) -> list[CasualtyCount]:
    """What says that nobody was hurt, or that nothing is known of it."""
    table = words(passage.lang)["casualties"]
    silent = re.search(table["not_reported"], text, re.I)
    if silent:
        unknown = Count(None, None, None)
        at = (passage.start + silent.start(), passage.start + silent.end())
        return [CasualtyCount(kind, unknown, *at, silent[0]) for kind in ("killed", "injured")]
    stated = re.search(table["none"], text, re.I)
    if not stated:
        return []
    words_ = stated[0].lower()
    kinds: list[Kind] = [k for k in KINDS[:2] if re.search(table[k], words_, re.I)]
    if "injured" in kinds and passage.lang != "en" and "ране" not in words_:
        kinds = ["killed", "injured"]  # in Ukrainian and Russian those who suffered are the killed as well
    at = (passage.start + stated.start(), passage.start + stated.end())
    zero = Count(0, 0, 0)
    return [CasualtyCount(kind, zero, *at, stated[0]) for kind in (kinds or ["killed", "injured"])]


def _nearest(
    text: str, groups: list[_Group], taken: set[int], verb: tuple[int, int], room: tuple[int, int], lang: Lang, far: int
) -> _Group | None:
    """The count that belongs to a verb: right before it ("two were killed"), else after it ("killed two")."""
    passive = re.compile(rf"\s*(?:,?\s*{words(lang)['casualties']['passive']}\b\s*,?\s*)*", re.I)
    before = [g for g in groups if g.start not in taken and room[0] <= g.start and g.end <= verb[0]]
    after = [g for g in groups if g.start not in taken and verb[1] <= g.start < room[1]]
    inside = [g for g in groups if g.start not in taken and g.start < verb[1] and g.end > verb[0]]
    close = [g for g in before if passive.fullmatch(text[g.end : verb[0]].lstrip(" ," if g.is_ordinal else " "))]
    if close:
        return close[-1]
    if inside:
        return inside[0]
    loose = [g for g in before if verb[0] - g.end < far and not re.search(r"[,;:.]", text[g.end : verb[0]])]
    follows = [g for g in after if g.start - verb[1] < far and not re.search(r"[;.]", text[verb[1] : g.start])]
    if lang == "en" and follows:
        return follows[0]
    both = [(g.start - verb[1], g) for g in follows[:1]] + [(verb[0] - g.end, g) for g in loose[-1:]]
    return min(both, key=lambda pair: pair[0])[1] if both else None


def _groups(text: str, lang: Lang) -> list[_Group]:
    """Counted people, lists of them added up: "two men and two women" is one group of four."""
    singles = []
    for match in _people(lang).finditer(text):
        count = _count(match, lang)
        if count is not None:
            singles.append(_Group(match.start(), match.end(), count, bool(match["ordinal"])))
    found: list[_Group] = []
    joiner = re.compile(r"\s*(?:,|,?\s*(?:and|та|і|й|и)(?:\s+(?:her|his|their|її|його|её|его))?)\s*", re.I)
    for single in singles:
        last = found[-1] if found else None
        if last and last.is_ordinal and re.fullmatch(r"\s*,\s*", text[last.end : single.start]):
            found[-1] = replace(last, end=single.end)  # "a third victim, a man of 52": the same person
            continue
        if last and not last.is_ordinal and _is_list(text, last, single, joiner, lang):
            pairs = zip(astuple(last.count), astuple(single.count), strict=True)
            count = Count(*(None if a is None or b is None else a + b for a, b in pairs))
            found[-1] = _Group(last.start, single.end, count)
        else:
            found.append(single)
    return found


def _is_list(text: str, first: _Group, second: _Group, joiner: re.Pattern[str], lang: Lang) -> bool:
    """Whether two counts belong to one verb: not where each has its own ("killed a woman, four wounded")."""
    if not joiner.fullmatch(text[first.end : second.start]):
        return False
    verb = rf"(?:{'|'.join(words(lang)['casualties'][kind] for kind in KINDS)})"
    own_before = re.search(rf"{verb}\s*$", text[: first.start], re.I)
    own_after = re.match(rf"\s*{verb}", text[second.end :], re.I)
    own_after = own_after or re.search(verb, text[second.start : second.end], re.I)
    return not (own_before and own_after)


@cache
def _people(lang: Lang) -> re.Pattern[str]:
    """A number with the people that it counts; a bare number only where nothing else can be meant."""
    numbers, persons = words(lang)["numbers"], words(lang)["persons"]
    number = rf"(?:{number_pattern()}|{numbers['one']})"
    hedge = rf"(?:(?P<least>{numbers['at_least']})|(?P<most>{numbers['at_most']})|(?P<about>{numbers['about']}))\s+"
    span = rf"(?P<first>{number})(?:\s*(?:{numbers['to']})\s*(?P<last>{number}))?"
    ordinal = rf"(?:an?\s+)?(?:{'|'.join(re.escape(w) for w in numbers['ordinals'])})"
    several = rf"(?P<several>{numbers['unknown']})"
    nouns = rf"\s+(?P<adjectives>{persons['adjectives']}){persons['nouns']}\b"
    lone = rf"(?P<noun>{persons['lone']})\b"
    # "one was killed", "10 wounded", "убиты двое": a number by itself, not the number of something else
    bare = rf"(?=\s*(?:$|[.,;:)—–-]|\b(?:{numbers['bare']})))"
    nouns = (r"(?:\s+of\s+(?:the|its|their|his|her|our|those))?" if lang == "en" else "") + nouns
    text = (
        rf"(?<![\w.,-])(?:(?P<ordinal>{ordinal})(?:{nouns.replace('?P<adjectives>', '?:')})"
        rf"|(?:{hedge})?(?:{span}|{several})(?:{nouns}|{bare}))(?![\w])" + rf"|(?<!\w){lone}"
    )
    return re.compile(text, re.IGNORECASE)


def _count(match: re.Match[str], lang: Lang) -> Count | None:
    parts = match.groupdict()
    numbers = words(lang)["numbers"]
    if parts.get("noun"):
        return Count(1, 1, 1)
    if parts["several"]:
        return Count(None, None, None)
    if parts["ordinal"]:
        word = re.sub(r"^an?\s+", "", parts["ordinal"].lower())
        value = numbers["ordinals"].get(word)
        return None if value is None else Count(value, value, value)
    first, last = _number(parts["first"], lang), _number(parts["last"], lang) if parts["last"] else None
    if first is None:
        return None
    if last is not None:
        return Count(first, None, last) if last > first else None
    if parts["least"]:
        return Count(first, first, None)
    if parts["most"]:
        return Count(None, None, first)
    if match[0].lower().endswith("couple"):
        first = 2
    if parts["about"]:
        return Count(None, first, None)
    return Count(first, first, first)


def _number(text: str, lang: Lang) -> int | None:
    """A number in digits or in words; of words that make no number together, such as "двоє п'ятеро", the first."""
    if re.fullmatch(words(lang)["numbers"]["one"], text, re.IGNORECASE):
        return 1
    found = read_number(text)
    if found is None and not text[0].isdigit():
        found = read_number(text.split()[0])
    return None if found is None else int(found)
