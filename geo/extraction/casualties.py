"""How many were killed, injured and captured: numbers in digits and words; ages and other counts are no counts."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Literal

from geo.text.languages import pattern, words
from geo.text.numbers import number_pattern, read_number
from geo.text.sentences import Lang, TextSpan, touches
from geo.text.words import LANGUAGES_WITH_CASES, animate, describes, names_owner, of_one

Kind = Literal["killed", "injured", "captured", "abducted"]
KINDS: tuple[Kind, ...] = ("killed", "injured", "captured", "abducted")
_CIVILIANS = 2  # of persons.sides in the table
_NEAR, _FAR = 40, 120  # characters before a verb in which its subject stands; between a casualty and "has risen to"


@dataclass(frozen=True)
class Count:
    """A number as a text gives it; None is not known ("several"), never 0."""

    low: int | None
    best: int | None
    high: int | None


_UNKNOWN = Count(None, None, None)


@dataclass(frozen=True)
class CasualtyCount:
    """A count of people of one kind, and the span of the text that gives it."""

    kind: Kind
    count: Count
    start: int
    end: int
    text: str
    is_total: bool = False
    is_more: bool = False  # on top of those counted before: "another two died"
    is_part: bool = False  # bodies that were found, or who is gravely hurt: some of them, or all
    side: int | None = None  # which of persons.sides in the table the people are of
    doubt: str = ""  # what stands beside it that may count the same people: its number is left open
    clock: int = 0  # of a live blog's entry, in minutes: a later one counts


@dataclass(frozen=True)
class _Group:
    """People counted in one place of a clause: "two men and two women"."""

    start: int
    end: int
    count: Count
    is_ordinal: bool = False
    by_kind: bool = False  # one person whom no number and no table names: "a guard", "водитель"


def added(first: Count, second: Count) -> Count:
    """Two counts of different people together; "six soldiers and several civilians" are at least six."""
    if (first == _UNKNOWN) != (second == _UNKNOWN):
        some = second if first == _UNKNOWN else first
        return Count(some.low, some.best if some.low is not None else None, None)
    pairs = zip(astuple(first), astuple(second), strict=True)
    low, best, high = (None if a is None or b is None else a + b for a, b in pairs)
    return Count(low, best, high)


def spread(counts: Sequence[Count]) -> Count:
    """Several counts of the same people as one, from the lowest to the highest."""
    lows = [v for c in counts for v in (c.low, c.best) if v is not None]
    highs = [v for c in counts for v in (c.high, c.best) if v is not None]
    best = next((c.best for c in counts if c.best is not None), None)
    return Count(min(lows, default=None), best, max(highs, default=None))


def find_casualties(passage: TextSpan, *, void: tuple[tuple[int, int], ...] = ()) -> list[CasualtyCount]:
    """Every count of killed, injured, captured and abducted people of a clause."""
    lang, (text, corrected) = passage.lang, _masked(passage, void)
    if pattern(lang, "casualties", "periodic").search(passage.text):
        return []  # what a monthly report counts
    found = [*_none(passage, text)]
    taken: set[int] = set()
    verbs: list[tuple[int, int, Kind]] = sorted(
        (*m.span(), kind) for kind in KINDS for m in pattern(lang, "casualties", kind).finditer(text)
    )
    if not verbs:
        return found
    cumulative, stated = (pattern(lang, "casualties", name).search(text) for name in ("cumulative", "stated"))
    groups = _groups(text, lang, verbs)
    # "one died, bringing the number of dead to nine": what stands before a total is none
    earlier = cumulative.start() if cumulative and any(g.start >= cumulative.end() for g in groups) else 0
    unsure = [m.span() for m in pattern(lang, "casualties", "unsure").finditer(passage.text)]
    nobody = [(f.start - passage.start, f.end - passage.start) for f in found]
    unsure += _joint(text, [v for v in verbs if not any(a <= v[0] < b for a, b in nobody)], groups, lang)
    unsure += _of_period(passage.text, [at for at, *_ in verbs] + [g.start for g in groups], lang)
    for i, (start, end, kind) in enumerate(verbs):
        left = verbs[i - 1][1] if i else 0
        right = verbs[i + 1][0] if i + 1 < len(verbs) else len(text)
        total = corrected or (cumulative is not None and start >= earlier)
        total = total and not any(f.is_total and f.kind == kind for f in found)  # "rose to six: a man died"
        total_is_said = total or (stated is not None and stated.start() <= start)
        group = _nearest(text, groups, taken, (start, end), (left, right), lang, total_is_said)
        later = group is None and kind == "killed" and found and found[-1].end - passage.start == left
        if later and pattern(lang, "casualties", "then").fullmatch(text[left:start]):  # "a man wounded on Monday died"
            found.append(replace(found[-1], kind=kind, is_total=False, is_part=True))
        if group is None or any(f.start - passage.start < end and start < f.end - passage.start for f in found):
            continue
        taken.add(group.start)
        low, high = (start, end) if kind in KINDS[:2] else (min(start, group.start), max(end, group.end))
        if touches((low, high), unsure):
            continue
        joined = i and verbs[i - 1][2] not in (kind, *KINDS[:2]) and kind in KINDS[:2]
        if joined and group.start >= end and pattern(lang, "casualties", "joint").fullmatch(text[left:start]):
            found.append(_told(passage, text, verbs[i - 1], group, total, found))  # "kidnapped and killed two"
        found.append(_told(passage, text, (start, end, kind), group, total, found))
    free = [g for g in groups if g.start not in taken and not touches((g.start, g.end), unsure)]
    found = sorted([*found, *_said_again(passage, text, free, found)], key=lambda f: f.start)
    contrast = pattern(lang, "casualties", "contrast")  # "while a doctor put it at 21"
    for i, two in enumerate(found):
        one = next((f for f in reversed(found[:i]) if f.kind == two.kind), None)
        if one is not None and contrast.search(passage.text, one.end - passage.start, two.end - passage.start):
            found[i] = replace(two, count=spread([one.count, two.count]), is_total=one.is_total or two.is_total)
    return _sure(passage, text, groups, taken, verbs, found, unsure)


def _sure(
    passage: TextSpan,
    text: str,
    groups: Sequence[_Group],
    taken: set[int],
    verbs: Sequence[tuple[int, int, Kind]],
    found: list[CasualtyCount],
    unsure: Sequence[tuple[int, int]],
) -> list[CasualtyCount]:
    """Counts without those of another event; left open where another number may be of the same people."""
    lang, parts = passage.lang, _parts(passage)
    elsewhen = [p for p in parts if pattern(lang, "casualties", "elsewhen").search(passage.text, *p)]
    apart = {f: any(a <= f.start - passage.start < b for a, b in elsewhen) for f in found}
    kept = [f for f in found if not (apart[f] and any(g.kind == f.kind and not apart[g] for g in found))]
    doubts: dict[Kind, str] = {}
    for kind in KINDS:
        same = [f for f in kept if f.kind == kind]
        doubts.update((kind, two.text) for one, two in pairwise(same) if not _go_together(one, two))
    read = [*((f.start - passage.start, f.end - passage.start) for f in found), *elsewhen, *unsure]
    left = [
        n
        for n in _any_number(lang).finditer(text)
        if any(g.start < n.end() and n.start() < g.end for g in groups)
        and not touches(n.span(), read)
        and not _counts_others(text, n, parts, lang)
    ]
    for count in kept:  # "four were hurt: two men and two women"; "three more died: the toll is 16"
        later = [n for n in left if n.start() >= count.end - passage.start]
        if count.count.best == sum(_number(n[0], lang) or 0 for n in later):
            left = [n for n in left if n not in later]
        if count.is_total:
            left = [n for n in left if n.start() >= count.start - passage.start]
    everyone = sum(f.count.best or 0 for f in kept)  # "two people were hit: one died, the other is in hospital"
    for number in (n for n in left if read_number(n[0]) not in (1, everyone)):
        low, high = _part_at(parts, number.start())
        own = [k for a, b, k in verbs if low <= a < high and not any(c <= a < d for c, d in read)]
        doubts |= dict.fromkeys(own or KINDS[:1], number[0])
    joiner = pattern(lang, "casualties", "joiner")  # "a man and three of his children"
    for group, f in ((g, f) for g in groups for f in kept if g.start not in taken):
        between = text[group.end : max(group.end, f.start - passage.start)]
        if between.strip(" ,") and joiner.fullmatch(between) and not _is_part(text, group.end, lang):
            doubts[f.kind] = text[group.start : group.end]
    return [replace(f, count=_UNKNOWN, doubt=doubts[f.kind]) if f.kind in doubts else f for f in kept]


def _go_together(one: CasualtyCount, two: CasualtyCount) -> bool:
    """Whether it is known how two counts of one kind in a clause add up, or which of them holds."""
    first, second = one.count.best, two.count.best
    if not first or not second or one.is_total or two.is_total:
        return True  # none, several, or a total that holds
    if one.is_part != two.is_part:
        part, whole = (first, second) if one.is_part else (second, first)
        return not two.is_more and part <= whole
    sides = one.side is not None and two.side is not None and one.side != two.side
    return two.is_more or first == second or sides


def _parts(passage: TextSpan) -> list[tuple[int, int]]:
    """A clause cut where another thing may be told of: at stops, "and", "while", "since"."""
    cuts = [m.start() for m in pattern(passage.lang, "casualties", "parts").finditer(passage.text) if m.start()]
    return list(pairwise([0, *cuts, len(passage.text)]))


def _part_at(parts: Sequence[tuple[int, int]], at: int) -> tuple[int, int]:
    return parts[max(0, bisect_right(parts, (at, parts[-1][1] + 1)) - 1)]


@cache
def _any_number(lang: Lang) -> re.Pattern[str]:
    also = words(lang)["numbers"].get("also", ())
    return re.compile(rf"(?<![\w.,$€£-])(?:{'|'.join([*also, number_pattern()])})(?!\w)", re.IGNORECASE)


@cache
def _thing(lang: Lang) -> re.Pattern[str]:
    """What is counted by a number before it, where that is no person."""
    persons = words(lang)["persons"]
    return re.compile(rf"\s+(?:[\w/-]+\s+)?{persons['adjectives']}(?:{persons['things']})(?!\w)", re.IGNORECASE)


def _is_part(text: str, end: int, lang: Lang) -> bool:
    return pattern(lang, "casualties", "not_beside").match(text, end) is not None


def _counts_others(text: str, number: re.Match[str], parts: Sequence[tuple[int, int]], lang: Lang) -> bool:
    """Whether a number that is no count counts things, days or people who are neither dead nor hurt."""
    in_brackets = text.rfind("(", 0, number.start()) > text.rfind(")", 0, number.start())
    if in_brackets or _is_part(text, number.end(), lang) or _thing(lang).match(text, number.end()):
        return True
    low, high = _part_at(parts, number.start())
    if pattern(lang, "casualties", "listed").fullmatch(text, low, number.start()):
        low = max(0, low - _NEAR)
    return pattern(lang, "casualties", "spared").search(text, low, high) is not None


def _told(
    passage: TextSpan, text: str, verb: tuple[int, int, Kind], group: _Group, total: bool, found: list[CasualtyCount]
) -> CasualtyCount:
    """The count that a verb and its group give, beside those found before."""
    lang, (start, end, kind), count, is_ordinal = passage.lang, verb, group.count, group.is_ordinal
    a, b = min(start, group.start), max(end, group.end)
    sides = (re.compile(side, re.I) for side in words(lang)["persons"]["sides"])
    side = next((i for i, side in enumerate(sides) if side.search(text[group.start : group.end])), None)
    if kind == "captured" and side == _CIVILIANS:
        kind = "abducted"
    same = next((f for f in reversed(found) if f.kind == kind), None)
    if total and count.best is None and count.low is None and count.high is not None:
        count = Count(count.high, count.high, count.high)  # "rose to seven" is no upper bound
    if is_ordinal and found and not same:
        count, is_ordinal = Count(1, 1, 1), False  # "two were killed, a third was wounded"
    more = bool(pattern(lang, "numbers", "more").search(text[group.start : group.end + 8]))
    more = more or bool(pattern(lang, "casualties", "also").search(text[a:b]))
    joined = pattern(lang, "casualties", "and")  # "two surrendered and five were captured"
    more = more or (same is not None and joined.fullmatch(text[same.end - passage.start : a]) is not None)
    rest = re.match(r"[^.,;:]*", text[b : b + _NEAR])  # "two of the wounded are in a grave state"
    after = rest[0] if rest and kind == "injured" and not _any_number(lang).search(rest[0]) else ""
    part = bool(pattern(lang, "casualties", "part_or_all").search(text[a:b] + after))
    span = (passage.start + a, passage.start + b, passage.text[a:b])
    total = total or is_ordinal or bool(pattern(lang, "casualties", "overall").search(text[max(0, a - _NEAR) : b]))
    return CasualtyCount(kind, count, *span, total, more, part, side)


def _said_again(passage: TextSpan, text: str, groups: list[_Group], found: list[CasualtyCount]) -> list[CasualtyCount]:
    """Counts without a verb of their own: "two died in A and five in B", "five died, medics put it at six"."""
    again, gapped = (pattern(passage.lang, "casualties", name) for name in ("again", "gapped"))
    more = []
    for group in (g for g in groups if not g.is_ordinal):
        last = max((f for f in found if f.end - passage.start <= group.start), key=lambda f: f.end, default=None)
        if last is None or last.kind not in KINDS[:2]:
            continue
        gap, (start, end) = text[last.end - passage.start : group.start][: 2 * _FAR], (group.start, group.end)
        span = (passage.start + start, passage.start + end, passage.text[start:end])
        if gapped.fullmatch(gap + "N" + text[end:][:_FAR]):
            more.append(CasualtyCount(last.kind, group.count, *span, is_more=True))
        elif again.fullmatch(gap):
            both = spread([last.count, group.count])
            more.append(CasualtyCount(last.kind, both, *span, is_total=last.is_total))
    return more


def _joint(
    text: str, verbs: Sequence[tuple[int, int, Kind]], groups: Sequence[_Group], lang: Lang
) -> list[tuple[int, int]]:
    """Verbs that share one number: "40 killed and wounded" says how many of neither."""
    return [
        (one[0], two[1])
        for one, two in pairwise(verbs)
        if {one[2], two[2]} == set(KINDS[:2])
        and re.fullmatch(pattern(lang, "casualties", "joint"), text[one[1] : two[0]])
        and not pattern(lang, "casualties", "dies").match(text, two[0])
        # "pronounced a man dead and wounded two": each has its own
        and not (any(g.end + 1 == one[0] for g in groups) and any(two[1] <= g.start < two[1] + 5 for g in groups))
    ]


def _of_period(text: str, told: Sequence[int], lang: Lang) -> list[tuple[int, int]]:
    """Where the total of a war, a year or a month is told: what such words begin, else the words before them."""
    found = []
    for match in pattern(lang, "casualties", "period").finditer(text):
        if pattern(lang, "casualties", "best").search(text[max(0, match.start() - 2 * _FAR) : match.start()]):
            continue  # "five were killed in the deadliest attack since May"
        before = re.split(r"[;:]|,\s(?=\w+\s)", text[: match.start()])[-1]
        if not any(match.start() - len(before) <= at < match.start() for at in told):
            ends = re.search(r"[;:]", text[match.end() :])
            found.append((match.start(), match.end() + ends.start() if ends else len(text)))
        else:
            found.append((match.start() - len(before), match.end()))
    return found


def _masked(passage: TextSpan, void: tuple[tuple[int, int], ...]) -> tuple[str, bool]:
    """The clause with blanks for what counts nobody or was counted before; and whether it corrects an earlier count."""
    text = without_running(passage.text.replace("’", "'").replace("ʼ", "'"), passage.lang)
    text, corrections = _aside(passage.lang, "replaced").subn(_spaces, text)
    text = pattern(passage.lang, "ages", "mask").sub(_spaces, text)
    text = re.sub(r"\(\s*\)|(?<=\d)[”\"»]|[“\"«](?=[^”\"»]{0,20}\d[”\"»])", _spaces, text)
    text = _without_members(text, passage.lang)
    other = pattern(passage.lang, "casualties", "other_voice")  # ", while Amnesty said" begins another count
    text = _aside(passage.lang, "aside").sub(lambda m: ";" + _blank(m)[1:] if other.match(m[0]) else _blank(m), text)
    text = _without_relatives(text, passage.lang)
    text = pattern(passage.lang, "casualties", "of_those").sub(_blank_to_comma, text)
    for start, end in void:
        a, b = max(0, start - passage.start), min(len(text), end - passage.start)
        if a < b:
            text = text[:a] + " " * (b - a) + text[b:]
    return text, corrections > 0


def without_running(text: str, lang: Lang) -> str:
    """A text with blanks for the running total of a war: "bringing the number killed since 2023 to 61,900"."""
    return pattern(lang, "casualties", "running").sub(_spaces, text)


_DASHED = re.compile(r"\s[—–-]\s[^.;—–]{3,100}\s[—–-]\s")


def _without_members(text: str, lang: Lang) -> str:
    """A text with blanks for who they are between dashes, after their number: "a family of five — a couple and …"."""
    verbs = [pattern(lang, "casualties", kind) for kind in KINDS]
    for match in _DASHED.finditer(text):
        before = re.split(r"[.,;:]", text[max(0, match.start() - 2 * _FAR) : match.start()])[-1]
        if re.search(number_pattern(), before, re.I) and not any(v.search(before + match[0]) for v in verbs):
            text = text[: match.start()] + " " * len(match[0]) + text[match.end() :]
    return text


def _spaces(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _blank(match: re.Match[str]) -> str:
    """Blanks for a match, which keep the comma that ends what stands before it."""
    ends = match[0].startswith(",") and not match[0].endswith(",")
    return ("," if ends else " ") + " " * (len(match[0]) - 1)


def _blank_to_comma(match: re.Match[str]) -> str:
    """Blanks for a match but for the comma that ends it."""
    return " " * (len(match[0]) - 1) + ("," if match[0].endswith(",") else " ")


def _without_relatives(text: str, lang: Lang) -> str:
    """A clause with blanks for ", who ..." and ", two of whom ...", unless it alone says who died."""
    dead = pattern(lang, "casualties", "killed")
    for match in _aside(lang, "relative").finditer(text):
        if dead.search(match[0]) and not dead.search(text[: match.start()] + " , " + text[match.end() :]):
            continue
        text = text[: match.start()] + " " * len(match[0]) + text[match.end() :]
    return text


@cache
def _aside(lang: Lang, name: str) -> re.Pattern[str]:
    """Figures of a clause that count nobody hurt; NUMBER in the table is any number."""
    listed = "|".join(words(lang)["casualties"][name])
    number = f"(?:{'|'.join([*words(lang)['numbers'].get('also', ()), number_pattern()])})"
    return re.compile(listed.replace("NUMBER", number), re.IGNORECASE)


def _none(passage: TextSpan, text: str) -> list[CasualtyCount]:
    """What says that nobody was hurt, or that nothing is known of it."""
    table = words(passage.lang)["casualties"]
    silent = re.search(table["not_reported"], text, re.I)
    if silent:
        at = (passage.start + silent.start(), passage.start + silent.end())
        return [CasualtyCount(kind, _UNKNOWN, *at, silent[0]) for kind in ("killed", "injured")]
    stated = re.search(table["none"], text, re.I)
    if not stated:
        return []
    words_ = stated[0].lower()
    kinds: list[Kind] = [k for k in KINDS[:2] if re.search(table[k], words_, re.I)]
    if "injured" in kinds and re.search(table["suffered"], words_):
        kinds = ["killed", "injured"]  # in Ukrainian and Russian those who suffered are the killed as well
    at = (passage.start + stated.start(), passage.start + stated.end())
    zero = Count(0, 0, 0)
    return [CasualtyCount(kind, zero, *at, stated[0]) for kind in (kinds or ["killed", "injured"])]


def _nearest(
    text: str,
    groups: list[_Group],
    taken: set[int],
    verb: tuple[int, int],
    room: tuple[int, int],
    lang: Lang,
    total: bool,
) -> _Group | None:
    """The count that grammar binds to a verb: right before it ("two were killed"), else after it ("killed two")."""
    table = words(lang)["casualties"]
    passive = re.compile(rf"\s*(?:,?\s*(?:{table['passive']})\b\s*,?\s*)*", re.I)
    free = [g for g in groups if g.start not in taken]
    if inside := [g for g in free if g.start < verb[1] and g.end > verb[0]]:
        return inside[0]
    if pattern(lang, "casualties", "active").fullmatch(text[verb[0] : verb[1]]):
        return None  # "two men shot the mayor dead"
    agent = pattern(lang, "persons", "agent")  # "wurden von drei Soldaten erschossen"
    before = [g for g in free if room[0] <= g.start and g.end <= verb[0]]
    before = [g for g in before if not agent.search(text[max(0, g.start - _NEAR) : g.start])]
    after = [g for g in free if verb[1] <= g.start < room[1]]
    linked = [g for g in after if pattern(lang, "casualties", "link").fullmatch(text[verb[1] : g.start])]
    owned = pattern(lang, "casualties", "of")  # "the bodies of five men with gunshot wounds"
    linked = [g for g in linked if owned.fullmatch(text[verb[1] : g.start]) or not _has_verb(text, g, passive, lang)]
    close = [g for g in before if passive.fullmatch(_gap(text, g, verb[0], lang))]
    yields = pattern(lang, "casualties", "yields").match(text, verb[0])  # "twelve surrendered to the rebels"
    if close and (yields or not (linked and not total and not text[close[-1].end : verb[0]].strip())):
        return _with_first(text, close[-1], lang)  # but "two gunmen killed five"
    if total:  # "the toll is 12 dead, 31 wounded": a number with a word of its own is that word's
        after = [g for g in after if text[g.end :].startswith(",") or not _has_verb(text, g, passive, lang)]
        return next((g for g in after if not re.search(r"[;.]", text[verb[1] : min(g.start, verb[1] + _FAR)])), None)
    if linked:
        return linked[0]
    within = rf"\s*,?\s+{table['place']}\s*(?:{table['passive']}\b\s*)*"
    near = [g for g in before if re.fullmatch(within, text[g.end : verb[0]], re.I)]
    return near[-1] if near else None


def _with_first(text: str, group: _Group, lang: Lang) -> _Group | None:
    """A count with whom the clause names before it: "Colonel Ahmed and four guards"; None where that may be nobody."""
    more = replace(group, count=added(group.count, Count(1, 1, 1)))
    first = pattern(lang, "casualties", "first").fullmatch(text[: group.start])
    if first is not None and any(pattern(lang, "casualties", kind).search(first[0]) for kind in KINDS):
        return group  # "five fatalities and ten injuries"
    if first is None:  # "Dr Hussam, his wife and four children"
        beside = pattern(lang, "casualties", "beside").search(text, max(0, group.start - _FAR), group.start)
        verbs = (pattern(lang, "casualties", kind) for kind in KINDS)
        if (
            beside and _names_people(beside["who"], lang) and not any(v.search(beside[0]) for v in verbs)
        ):  # "On Monday, the mayor and two guards"
            return more if beside["clause"] is not None else None
        named = pattern(lang, "casualties", "named").search(text[max(0, group.start - _NEAR) : group.end])
        return more if named else group
    count = _counted(lang).fullmatch(first["several"]) if first["several"] else None
    if first["several"]:
        own = count and _count(count, lang)
        return replace(group, count=added(group.count, own)) if own else None
    one = first["one"] and not pattern(lang, "persons", "not_one").search(first["one"])
    return more if first["name"] or one else None


def _gap(text: str, group: _Group, end: int, lang: Lang) -> str:
    """What stands between a count and a verb, without a dash or the end of an age that was blanked."""
    gap = text[group.end : end]
    for _ in range(2 if lang in LANGUAGES_WITH_CASES else 0):  # "члена экипажа вертолёта"
        owner = re.match(r" ([^\W\d_]+)(?= )", gap)
        gap = gap[owner.end() :] if owner and names_owner(owner[1], lang) else gap
    return re.sub(r"^,?\s{3,},|^\s+[—–-]\s", " ", gap).lstrip(" ," if group.is_ordinal else " ")


def _has_verb(text: str, group: _Group, passive: re.Pattern[str], lang: Lang) -> bool:
    """Whether a count after a verb has its own: "10 killed 3 injured"."""
    at = passive.match(text, group.end)
    end, verbs = at.end() if at else group.end, [pattern(lang, "casualties", kind) for kind in KINDS]
    if _people(lang).search(text, group.end, end):
        end = group.end  # "загинули двоє, ще троє поранені"
    return any(v.search(text[group.start : group.end]) for v in verbs[:2]) or any(v.match(text, end) for v in verbs)


def _groups(text: str, lang: Lang, verbs: Sequence[tuple[int, int, Kind]]) -> list[_Group]:
    """Counted people, lists of them added up: "two men and two women" is one group of four."""
    singles = [
        _Group(match.start(), match.end(), count, bool(match["ordinal"]))
        for match in _people(lang).finditer(text)
        if (count := _count(match, lang)) is not None
    ]
    unnamed = _unnamed(text, lang, verbs)
    # "a reporter for Al Jazeera" is longer than "a reporter"; "Ahmed Louh, a cameraman," is one
    longer = {g.start: g for g in unnamed if g.count.best == 1}
    singles = [longer[s.start] if s.start in longer and s.count.best == 1 else s for s in singles]
    unnamed = [g for g in unnamed if not any(s.start <= g.start < s.end for s in singles)]
    singles = [s for s in singles if not any(g.start < s.start and s.end <= g.end for g in unnamed)]
    for group in unnamed:
        if not any(group.start < s.end and s.start < group.end for s in singles):
            singles.append(group)
    found: list[_Group] = []
    head, listed = _Group(-1, -1, Count(0, 0, 0)), Count(0, 0, 0)  # the first of a list, and the others together
    for single in sorted(singles, key=lambda g: g.start):
        last = found[-1] if found else None
        if last and last.is_ordinal and re.fullmatch(r"\s*,\s*", text[last.end : single.start]):
            found[-1] = replace(last, end=single.end)  # "a third victim, a man of 52": the same person
            continue
        if last and (last.by_kind or single.by_kind) and "," in text[last.end : single.start]:
            found.append(single)  # "said the mayor, two were killed"
            continue
        if last and not last.is_ordinal and _is_list(text, last, single, lang):
            listed = added(listed, single.count) if last.start == head.start else single.count
            head = head if last.start == head.start else last
            # "two soldiers, a lieutenant and a sergeant" are two; "two women, a man and a child" are four
            same = listed == head.count and text[head.end : head.end + 1] == ","
            same = same and not pattern(lang, "persons", "ages").search(text[head.start : single.end])
            found[-1] = _Group(last.start, single.end, head.count if same else added(head.count, listed))
        else:
            found.append(single)
    return [_with_last(text, group, lang) for group in found]


def _with_last(text: str, group: _Group, lang: Lang) -> _Group:
    """A count with whom the clause names after it: "three soldiers and the mayor"."""
    if group.is_ordinal:
        return group
    items, end = Count(0, 0, 0), group.end
    verbs = [pattern(lang, "casualties", kind) for kind in KINDS]
    others = _and_others(lang).match(text, end) if group.count.best != 1 else None  # "30 soldiers and civilians"
    around = text[max(0, group.start - _NEAR) : group.start], others[0] if others else ""
    if others is not None and not any(v.search(part) for v in verbs for part in around):
        end = others.end()
    while (last := pattern(lang, "casualties", "last").match(text, end)) and not any(v.search(last[0]) for v in verbs):
        number = (_number(last.groupdict().get("count") or "", lang) if last.groupdict().get("count") else 1) or 1
        items, end = added(items, Count(number, number, number)), last.end()
    apart = items.best and not (items == group.count and text[group.end : group.end + 1] == ",")
    return replace(group, end=end, count=added(group.count, items) if apart else group.count)


@cache
def _and_others(lang: Lang) -> re.Pattern[str]:
    table = words(lang)
    return re.compile(rf"{table['casualties']['and_bare']}(?:{table['persons']['nouns']})(?!\w)", re.IGNORECASE)


def _unnamed(text: str, lang: Lang, verbs: Sequence[tuple[int, int, Kind]]) -> list[_Group]:
    """Who is counted under a word that no table has, where a verb of people alone says that they are people."""
    found = []
    places = pattern(lang, "casualties", "takes_places")  # towns are captured, too
    alone = [v for v in verbs if not places.match(text, v[0])]
    ends, starts = {end for _, end, _ in alone}, [start for start, _, _ in alone]
    table = words(lang)["casualties"]
    link = pattern(lang, "casualties", "link")
    subject_of = re.compile(rf"(?:\s*,?\s+{table['place']})?\s*(?:{table['passive']}\b\s*)*", re.I)
    for match in _counted(lang).finditer(text):
        verb = next((start for start in starts if match.end() < start), 0)
        gap = len(lead := text[max(0, match.start() - 8) : match.start()]) - len(lead.rstrip())
        if pattern(lang, "persons", "complement").search(lead):
            verb = 0  # "of a minibus" is no subject
        last = max((end for end in ends if end <= match.start()), default=match.start() + 1)
        owns = bool(match["of"]) or match.start() - gap in ends
        owns = owns or link.fullmatch(text, last, match.start()) is not None
        inside = any(match.start() < start < match.end() for start in starts)  # "four charred bodies"
        owns = owns or (inside and not re.fullmatch(words(lang)["numbers"]["one"], match["first"], re.I))
        owns = owns or (verb > 0 and subject_of.fullmatch(text[match.end() : verb]) is not None)
        if owns and (count := _count(match, lang)) is not None:
            found.append(_Group(match.start(), match.end(), count))
    found += _by_kind(text, lang)
    names = ("one_of_them", "one_subject", "one_else", "one_pair")
    single, subject, other, pair = (pattern(lang, "persons", name) for name in names)
    for start, end, kind in verbs:
        at = max(0, start - 2 * _NEAR)
        told = f"{text[at:start]}|{text[start:end]}"  # the bar is where the verb begins
        one = subject.search(told) or other.search(told, 1 if at else 0)
        takes_people = (start, end, kind) in alone  # "captured Vodiane Druhe" is of a town
        if one is not None and _names_people(one["who"], lang, takes_people):
            found.append(_Group(at + one.start("who"), at + len(text[at:start].rstrip()), Count(1, 1, 1)))
        two = pair.search(text[at:start])
        if two is not None and one is None and takes_people:
            found.append(_Group(at + two.start("who"), at + two.end("who"), Count(2, 2, 2)))
        one = None if pattern(lang, "casualties", "dies").match(text, start) else single.match(text, end)
        one = one if one is not None and _names_people(one["who"], lang, takes_people) else None
        if one is not None and not pattern(lang, "casualties", "be").search(text[at:start]):
            found.append(_Group(one.start("who"), one.end("who"), Count(1, 1, 1)))
    return found


def _names_people(who: str, lang: Lang, or_name: bool = True) -> bool:
    """Whether words for one person end with a word for people, or are a name; "the siege" is neither."""
    head = re.split(r",|\s(?=(?:of|in|near|from|at|on|for|with|working)\s)", who.strip())[0]
    persons = words(lang)["persons"]
    known = re.search(rf"(?<!\w)(?:{persons['nouns']}|{persons['lone']}|{persons['pronoun']})$", head, re.I)
    names = ("person", "name") if or_name else ("person",)
    return known is not None or any(pattern(lang, "persons", name).search(head) for name in names)


def _by_kind(text: str, lang: Lang) -> list[_Group]:
    """People whom no table names, in languages whose dictionary tells the living: with their number, else one."""
    found: list[_Group] = []
    for match in _counted(lang).finditer(text):
        at = match.end()
        for word in re.finditer(r"[^\W\d_]+(?:['-][^\W\d_]+)*", text[match.start("any") : at + _NEAR]):
            end = match.start("any") + word.end()
            living = animate(word[0], lang)
            if living and (count := _count(match, lang)) is not None:
                found.append(_Group(match.start(), end, count))
            if living != "" or not describes(word[0], lang) or text[end : end + 1] != " ":
                break
    owner = pattern(lang, "casualties", "owner")
    for word in re.finditer(r"[^\W\d_]+(?:['-][^\W\d_]+)*", text):
        noun = word[0] if text[: word.start()].strip() else word[0].lower()
        if any(g.start < word.end() and word.start() < g.end for g in found):
            continue
        owned = owner.search(text[max(0, word.start() - _NEAR) : word.start()]) is not None and of_one(noun, lang)
        if owned or animate(noun, lang) == "one":
            after = re.match(r" ([^\W\d_]+)", text[word.end() :])
            end = word.end() + (after.end() if after and names_owner(after[1], lang) else 0)  # "староста деревни"
            found.append(_Group(_described(text, word.start(), lang), end, Count(1, 1, 1), by_kind=True))
    return found


def _described(text: str, start: int, lang: Lang) -> int:
    """Where the adjectives before a noun begin: "французького кореспондента"."""
    while (before := re.search(r"(?<!\w)([^\W\d_]+) $", text[max(0, start - _NEAR) : start])) is not None:
        counts = any(pattern(lang, "casualties", kind).search(before[1]) for kind in KINDS)
        if counts or not describes(before[1], lang):
            break
        start -= len(before[0])
    return start


def _is_list(text: str, first: _Group, second: _Group, lang: Lang) -> bool:
    """Whether two counts belong to one verb: not where each has its own ("killed a woman, four wounded")."""
    between = text[first.end : second.start]
    if between.strip() == "," and not re.search(r"\s", text[second.start : second.end]):
        return False  # "rose to 31, two have died"
    if between.strip() == "," and re.match(words(lang)["numbers"]["more"], text[second.start :], re.I):
        return False  # "a man died, another two are in hospital"
    if not pattern(lang, "casualties", "joiner").fullmatch(between) or pattern(lang, "casualties", "part").match(
        text, second.end
    ):
        return False
    table = words(lang)["casualties"]
    verb = rf"(?:{'|'.join(table[kind] for kind in KINDS)})"
    if any(re.search(verb, text[g.start : g.end], re.I) for g in (first, second)):
        return False  # "13 dead and 40 wounded", where the words for them are the verbs
    if between.strip() == "," and not re.match(_ends(lang), text[second.end :], re.I):
        return False  # "nine were hurt, one person is missing"
    own_before = re.search(rf"(?:{verb}|\b{table['acts']})\s*$", text[max(0, first.start - _NEAR) : first.start], re.I)
    own_after = re.match(rf"\s*(?:{table['passive']}\s+)*{verb}", text[second.end : second.end + _FAR], re.I)
    own_after = own_after or re.search(verb, text[second.start : second.end], re.I)
    return not (own_before and own_after)


@cache
def _ends(lang: Lang) -> str:
    """A pattern of what may follow the last of a list of people, before a verb or after one."""
    table = words(lang)["casualties"]
    kinds = "|".join(table[kind] for kind in KINDS)
    return rf"\s*(?:$|[.,;:()—–-]|{table['and']}|{table['passive']}\b|{kinds}|{table['place']})"


def _numbered(lang: Lang) -> tuple[str, str]:
    """A pattern of a number of people with what bounds it, and one of words for a number that is not known."""
    numbers = words(lang)["numbers"]
    number = rf"(?:{'|'.join([*numbers.get('also', ()), number_pattern(), numbers['one']])})"
    hedge = rf"(?:(?P<least>{numbers['at_least']})|(?P<most>{numbers['at_most']})|(?P<about>{numbers['about']}))\s+"
    span = rf"(?P<first>{number})(?:\s*(?:{numbers['to']})\s*(?P<last>{number}))?(?P<plus>\+)?"
    return rf"(?:{numbers['more']}\s+)?(?:{hedge})?", span


@cache
def _people(lang: Lang) -> re.Pattern[str]:
    """A number with the people that it counts; a bare number only where nothing else can be meant."""
    numbers, persons = words(lang)["numbers"], words(lang)["persons"]
    hedge, span = _numbered(lang)
    ordinal = rf"(?<!\bthe\s)(?:an?\s+)?(?:{'|'.join(re.escape(w) for w in numbers['ordinals'])})"
    several = rf"(?P<several>{numbers['unknown']})"
    nouns = rf"(?:\s+{persons['of_them']})?\s+(?P<adjectives>{persons['adjectives']}){persons['nouns']}\b"
    lone = rf"(?P<noun>{persons['lone']})\b"
    # "one was killed", "10 wounded", "убиты двое": a number by itself, not the number of something else
    verbs = "|".join(words(lang)["casualties"][kind] for kind in KINDS)
    bare = rf"(?<!\b19\d\d)(?<!\b20\d\d)(?=\s*(?:$|[.,;:()\"”»—–-]|\b(?:{numbers['bare']})|{verbs}))"
    nth = rf"(?P<ordinal>{ordinal})(?:{nouns.replace('?P<adjectives>', '?:')}|{numbers['ordinal_alone']})"
    text = (
        rf"(?<![\w.,$€£-])(?<!\bno\s)(?:{nth}|{hedge}(?:{span}|{several})(?:{nouns}|{bare}))(?![\w])"
        + rf"|(?<![\w-]){lone}"
    )
    return re.compile(text, re.IGNORECASE)


@cache
def _counted(lang: Lang) -> re.Pattern[str]:
    """A number of anything that may be people."""
    hedge, span = _numbered(lang)
    persons = words(lang)["persons"]
    noun = rf"(?!(?:{persons['things']})\b)(?P<any>{persons['any']})(?!\w)"
    return re.compile(
        rf"(?<![\w.,$€£-]){hedge}{span}(?:\s+(?P<of>{persons['of_them']}))?\s+{persons['adjectives']}{noun}",
        re.IGNORECASE,
    )


def _count(match: re.Match[str], lang: Lang) -> Count | None:
    parts = match.groupdict()
    numbers = words(lang)["numbers"]
    if parts.get("noun"):
        one = 2 if pattern(lang, "persons", "pair").search(parts["noun"]) else 1  # "he and his assistant"
        return Count(one, one, one)
    if parts.get("several"):
        return _UNKNOWN
    if parts.get("ordinal"):
        word = re.sub(r"^an?\s+", "", parts["ordinal"].lower())
        value = numbers["ordinals"].get(word)
        return None if value is None else Count(value, value, value)
    first, last = _number(parts["first"], lang), _number(parts["last"], lang) if parts["last"] else None
    if first is None:
        return None
    if last is not None:
        return Count(first, None, last) if last > first else None
    if parts["least"] or parts["plus"]:
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
    numbers = words(lang)["numbers"]
    if re.fullmatch(numbers["one"], text, re.IGNORECASE):
        return 1
    if (own := numbers.get("also", {}).get(text.lower())) is not None:
        return int(own)
    found = read_number(text)
    if found is None and not text[0].isdigit():
        found = read_number(text.split()[0])
    return None if found is None else int(found)
