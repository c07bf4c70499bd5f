"""What a sentence says of ground: the verb, who did it, where, and what makes it no claim at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from geo.claims.model import NO_UNIT, Amount
from geo.text.control_words import Mention, Names
from geo.text.dates import DateMention
from geo.text.languages import any_of, cached_words, languages, recent, word_list
from geo.text.numbers import spelled_pattern
from geo.text.sentences import sentence_breaks, touches
from geo.text.speakers import negation
from geo.text.words import Phrase, find_phrases, is_function_word


def _any(name: str) -> str:
    """A pattern of what any of the languages has under a name in its list for claims."""
    return f"(?:{'|'.join(word_list(c, 'claims')[name] for c in languages() if name in word_list(c, 'claims'))})"


def shape(pattern: str, *, ignore_case: bool = True) -> re.Pattern[str]:
    """A pattern with the words of all languages for every name in it: "<by> $"; "NUMBER" is a number in words."""
    filled = re.sub(r"(?<!\?P)<(\w+)>", lambda m: _FORCES if m[1] == "forces" else _any(m[1]), pattern)
    return re.compile(filled.replace("NUMBER", spelled_pattern()), re.IGNORECASE if ignore_case else 0)


GROUND, _LAND, _SPEECH = _any("ground"), _any("land"), _any("speech")
_FORCES = rf"(?:{_any('force_kind')} ){{0,4}}{_any('forces')}"
_BE = shape(r"\b<be> (?:<adverb> )*$")
_HAD = shape(r"\b(?:<had> (?:<adverb> )*|<had_apart>\b[^.;,]*)$")
_BY_WHOM, _AGENT = shape(r" <by_whom>\b(?! (?:[a-z]+ ){0,3}\d)"), shape(r"\b<by_whom> (?:<article> )?$")
_BEHIND_GROUND = shape(r"<measured>\s$")  # "801 km² of Kursk region retaken"
_LED_BY = shape(r"(?<!\w)<led_by> $")
_RELATES = shape(r"\b<relates>\b[^,;]*$")
_AND_THE_SIDE = shape(r",? (?:<forces> )?<and> ?(?:<determiner> )?")
_IN_HANDS = shape(r"\b<in_hands>(?: <article>)? $")
_STAFF = shape(r"['’]s? (?:[\w-]+ ){0,5}(?:<forces>|<speech>|<staff>)\b")
_NO_STAFF = shape(r"['’]s? (?!<forces>|\w+ <staff>|\w+ (?:said|says))")
_LOST_BY, _TAKER = shape(r"\bfrom (?:<article> )?$"), shape(r"\b<relates_to>\s(?:<article> )?$")
_SIZE_FOLLOWS = shape(r" [^.;]{0,40}\b<size>\b")
BREAKS = shape(r"[;:](?= )|, <breaks_after_comma>\b| <breaks>\b| – | — ")
_NOT_AFTER = shape(r"\s*<not_after>\b")
_GOES_ON = shape(r"(?:['’]s)?\s*(?:$|[^\w\s]|[^\x00-\x7f]|<goes_on>\b|<ground>\b)")
_RATE = shape(r"(?<!\w)<rate>(?!\w)")
_SHORT_OF = shape(r"\s*(?:<short_of>|<compared>)(?!\w)")
_ALL_BUT = shape(r"(?<!\w)<all_but>(?:\s+<fillers>)*\s*$")  # "all but 5 percent": the figure is what is left out
# ", not 2,000 as Damascus claims" denies that other
_NOT_OTHER = shape(r",\s*<not_other>\s+(?:the )?(?:\d|NUMBER)[^;]*")
_TOLD = shape(
    r"\b<speech>\b[^,;:]{0,60}?\b<that>\b|\b<occasion>(?: [\w’'-]+){0,3} <occasion_in>(?: <article>)? [^\s,]+"
)
_OF_OWN = shape(r"\s*<of_own>(?!\w)(?! (?:<inside>|<that>|<taken>|it|they)\b)")
RECORD = shape(r",\s*<record>\b[^.;]*")  # "the most in a day since November": what is said there is of another figure
_AGAINST_STATE = shape(r"-<backed>\b| (?:[\w-]+ )?<rebels>\b")  # "Syrian rebels" are no side of Syria
_INCLUDED, _WITHOUT = shape(r" <included>\b"), shape(r"[^.;\d]{0,60}(?<!\w)<without> (?:\w+ )?(?-i:[A-ZА-ЯІЇЄҐ])")
_OF_WHICH = shape(r"\s*<of_which>(?!\w)")
_UNTRUE, _CORRECTED = shape(r"(?<!\w)<untrue>(?!\w)"), shape(r"(?<!\w)<corrected>(?!\w)")
_OF_BEFORE = shape(r"(?:^|[,;:]\s*)<of_before>\s*(?:[^\W\d]+\s+)?$")
_OF_PLACE = shape(r"(?:^|[,;:]\s*)<of_before>\s*[^,;:]{1,40}$")
_PART_OF, _COUNTRY = _any("part_of"), rf"{_any('country')}(?!\w)"
_SHARE_OF = re.compile(rf"\s*{_PART_OF}(?:(?:{GROUND} )?{_PART_OF})?|\s*(?={_COUNTRY})", re.IGNORECASE)
_OWN_SHARE = re.compile(rf"\s*(?:{_PART_OF})?(?:{GROUND} )?", re.IGNORECASE)
_HAS_LAND = re.compile(rf"\s*(?:{_PART_OF})?(?:\w+ {_LAND}\b|{_LAND} \w+)", re.IGNORECASE)
_FROM = shape(r"<from>\s+")
# "70 km², of them 50 in Donetsk region": the place is that of the part
OF_THEM = shape(r"(?<!\w)<part_follows>(?!\w)")
_IN_BRACKETS = shape(r"(?<!\w)<than>[^.;()]{0,30}\(\s*$")  # "half as much as in November (725 km²)"
_BEFORE = shape(r"\s*<before>\s+\w")
# "lost 40,000 men for 4,168 km²": the verb is of the other number
_PRICE = shape(r"(?<!\d)(?<!\d[,.])\d[\d,.]*\s+[^\W\d]\w*(?:\s\w+)?\s+<price> $")
_BESIDE = shape(r"(?<!\w)<beside>\s+(?:\w+\s+)?$")
_MOVED = shape(r"\b<moved>\w*")
# "the region, which Russia partly holds, covers": the size of all of it
_RELATIVE, _SIZED = shape(r",\s*<relative>(?!\w)[^,;]*$"), shape(r"[^,;]*,\s*(?:<size>|<sized>)(?!\w)")
_OUT_OF = shape(r"[\s\S]{0,60}?(?:\d|NUMBER)\s+<out_of>\s*$")
_SIZED_PLACE = shape(r"<sized_place>\s*$")  # "took Selydove, a town of 8 km²"
_INSIDE = shape(r"(?:(?<!\w)<inside> (?:<article> )?|<inside_glued>)$")
_VERB_LAST, _VERB_FIRST = shape("<verb_last>"), shape("<verb_first>")
CHANGED, LATER = shape(r"(?<!\w)<changed>(?!\w)"), shape(r"(?<!\w)<later>(?!\w)")
FIRST_PERSON, _WE = shape(r"(?<!\w)<first_person>(?!\w)"), shape(r"\b<we>\b")
_NOBODYS, _PRONOUN = shape(r"\b<nobodys>\b"), shape(r"\b<pronoun>\b")
_MODIFIER = shape(r"<modifier>\s+")
_BRACKETS = r"^\s*(?:\([^)]*\)\s*)?"
_BASE = shape(rf"{_BRACKETS}(?:<of>\s*)?<base>")
_TAKEN = shape(rf"(?:{_BRACKETS}<taken_of>|^(?:[^,;:]|,\d|, (?=<which>))*?\b<taken>\b)")
_GIVES = {"given": "gained", "cost": "lost"}
_DIRECTLY, _TO_WHOM = shape(r"\s(?:<article> )?"), shape(r"(?<!\w)<to_whom>$")
_NAMED_BEFORE = re.compile(r" [–—(-] ?|: ")  # "nearly all of Luhansk region – 99 percent"
_THAN = shape(r"(?<!\w)<than_time>(?!\w)")
_STANDING = shape(r"(?<!\w)<standing> [^,;]*$")  # "of the territory of Ukraine is occupied"
_OCCUPIED, _ONCE = shape(r"\b<occupied>$"), shape(r"(?<!\w)<occupied_once>$")
# ", according to the ministry,", ", the ministry says,", ", backed by Rwanda,"
ASIDE = shape(r",\s*(?:<attribution>(?!\w)[^,;:]*|[^,;:\d]{2,50}\b<speech>|<backed>\b[^,;:\d]*),")
SPEAKS = shape(r" (?:<speech>|puts?)\b")  # "while Moscow puts it at 440 km²"
TIME = shape(r"(?<!\w)<time>(?!\w)")  # "in the first week of the year"
EVER_SINCE = shape(r"(?<!\w)<ever_since> [^,;.:]{3,60}$")
UNTIL, ENDS = shape(r"(?<!\w)<until>\s+$"), shape(r"(?<!\w)<ends>\s+$")
_STANDS_ON, _STANDS = shape(r"(?<!\w)<stands_on>\s+$"), shape(r"\b<stands> $")
_UNDER_WHOM, _AS_OF = shape(r"\b<under_whom> $"), shape(r"(?<!\w)<as_of>\s")
_UNDER, _FALLS = shape(r"\b<under> $"), shape(r"f[ae]ll\w* to\b")
_PARTICIPLE = re.compile(r"[а-яіїє][нт][оаыі]$", re.IGNORECASE)  # "окуповано", "захвачены"
_BY_CASE = re.compile(r"(?:[а-яіїєґ](?:єю|ею|ою|ами|ями|ими|им))$", re.IGNORECASE)
_OWNED = shape(r"(?<=-)<owned> (?:<ground>|part|zone|share)\b")
_TAKEN_BY = shape(r"\b(?:<owned>|<taken>|invaded) <by_whom> (?:the )?$")
_SAYS_TO = shape(r"\b<speech>(?:[^,;]{0,30} to)? (?:have |having |to |be in )*$")  # "says to hold"
_CONTROL = shape(r" <in_control>\b")  # "the zone of Ukrainian control"
_OWNED_BEFORE, _OWNED_AFTER = shape(r"\b(?:<owned>|seized) by (?:the )?$"), shape(r"-<owned>\b")
_NOUN, _BY_THE = shape(r"<nouns>(?: of)?"), shape(r"\b<by> ?$")
_LISTED = shape(r"\s*,?\s*(?:<and>|<or>|<as_well_as>)?\s*")
_IN_LIST = shape(r"(?:['’]s)?,? ?(?:<and>|<or>|,)? ?(?:(?:in|the) ){0,2}(?:\w+['’]s )?")
_LEADS_TO = shape(r"\s*<leads_to>\s(?:[\w'’]+\s){0,4}$")
_NAME_GOES_ON = shape(r" (?!<name_goes_on>)[A-Z][a-z]+", ignore_case=False)
_ACTS = shape(r"\b(?:<forces>|<acts_for>) of (?:the )?$")
_NO_ACTOR = shape(r"\b<no_actor> ?$")
_GOES_FOR = shape(r"(?<!\w)(?:<also>|<speech>(?: that)?)(?!\w)|:(?= )")


@dataclass(frozen=True)
class ControlVerb:
    """What happened to ground, where the word for it stands, and whether its actor comes after it."""

    name: str
    start: int
    end: int
    passive: bool
    to: str = ""  # the side to which it gives ground


def sentences(text: str) -> list[tuple[int, int]]:
    """The first and last position of every sentence; abbreviations such as "sq. km" end none."""
    edges = [0, *sentence_breaks(text), len(text)]
    trimmed = [(a + len(text[a:b]) - len(text[a:b].lstrip()), a + len(text[a:b].rstrip())) for a, b in pairwise(edges)]
    return [(a, b) for a, b in trimmed if a < b]


def places(text: str, names: Names) -> tuple[list[Mention], list[Mention]]:
    """The sides and the units of a sentence; a word that is both is a unit only with its kind ("Kyiv region")."""
    units = []
    sides = [s for s in names.sides_in(text) if len(s.code) > 2 or not _AGAINST_STATE.match(text, s.end)]
    for unit in names.units_in(text):
        beside = any(s.start == unit.end + 1 and s.role != "leader" for s in sides)
        if _NAME_GOES_ON.match(text, unit.end) and not beside:
            continue  # Vladimir Putin
        rival = next((s for s in sides if s.start < unit.end and unit.start < s.end), None)
        if rival is not None:
            longer = unit.end - unit.start > rival.end - rival.start + 2
            owns = text.startswith(("'s", "’s"), rival.end)  # "in Moscow's hands"
            if longer or (_INSIDE.search(text[: unit.start]) and rival.role == "capital" and not owns):
                sides.remove(rival)
            if not longer:
                continue
        units.append(unit)
    return sides, units


def refusal(text: str, clause: tuple[int, int], amount: Amount) -> str | None:
    """Why a figure is no claim: a question, a denial, a plan, ground that is nobody's; None where it may be one."""
    if text.rstrip("\"'”’» ").endswith("?"):
        return "a question"
    if _UNTRUE.search(text, amount.end) or _CORRECTED.search(text, 0, amount.start):
        return "the text itself says that it is not so"
    part = text[slice(*clause)]
    if amount.value is None and amount.notes:
        return amount.notes[0]
    others = [m for shape_ in (_NOT_OTHER, RECORD) for m in shape_.finditer(text) if amount.end <= m.start()]
    if why := negation(text[clause[0] : min([clause[1], *(m.start() for m in others)])]):
        return why
    near = part[max(amount.start - clause[0] - 60, 0) : amount.end - clause[0] + 60]
    rate = _RATE.search(text, clause[0])
    if amount.unit != "settlements" and rate and rate.end() <= amount.end + 40:
        return "a rate: of how many days it is the average cannot be told"
    if _SHORT_OF.match(text[amount.end :]):
        return "how much is lacking, or the difference from another figure"
    lead = _lead(text, amount)
    if _ALL_BUT.search(lead[-90:]) or _WITHOUT.match(text, amount.end):
        return "how much is lacking, or the difference from another figure"
    if _SIZED_PLACE.search(lead[-60:]):
        return "the area is of something else than ground"
    if is_whole(text, amount) or _OUT_OF.match(lead[-60:]):
        return "what another figure is a part of"
    if is_compared(text, amount):
        return "the figure with which another is compared"
    than = _THAN.search(text, amount.end, clause[1])  # "more than in the two years before"
    if amount.unit in ("percent", "km2", "mi2") and _BEFORE.match(text, clause[1]) and not than:
        return "it was so before a day or an event, and not since when"
    if _NOBODYS.search(near):
        return "contested ground is nobody's by its source: no side holds it"
    return None


def is_compared(text: str, amount: Amount) -> bool:
    """Whether an amount is the one with which another is compared."""
    lead = _lead(text, amount)[-60:]
    return bool(_BESIDE.search(lead) or _IN_BRACKETS.search(lead))


def _lead(text: str, amount: Amount) -> str:
    """What stands before the number of an amount."""
    spoken = _FROM.match(text, amount.start) if amount.comparator != "between" else None
    return text[: spoken.end() if spoken else amount.start]


def is_whole(text: str, amount: Amount) -> bool:
    """Whether an amount is what another one is a part of: "Of the 900 km² it took, it still holds 350"."""
    lead = _lead(text, amount)
    place = _OF_PLACE.search(lead) if "," in text[amount.end : amount.end + 50] else None
    whole = _OF_BEFORE.search(lead) and not OF_THEM.search(text, max(0, amount.start - 25), amount.start)
    return bool(whole or (place and not _verbs(text, place.start(), amount.start)))


def verb_of(text: str, clause: tuple[int, int], amount: Amount, sides: Sequence[Mention]) -> ControlVerb | None:
    """The verb that an amount belongs to: the nearest before it in its clause, else the first after it."""
    low, high = clause
    found = [verb for d in verbs_in(text, low, high) if (verb := _directed(text, d, sides))]
    if amount.unit in ("km", "mi"):
        # "5 km from the front line" is no length of it, nor is how far it moved
        away = _NOT_AFTER.match(text[amount.end :]) or _MOVED.search(text[slice(*clause)])
        return None if away else next((d for d in found if d.name == "front"), None)
    found = [d for d in found if d.name != "front" and not amount.start <= d.start < amount.end]
    # "has fallen to less than 9,000 km²" is no fall of ground to a side
    found = [d for d in found if not (_FALLS.match(text, d.start) and text[d.end : amount.start].isspace())]
    # a verb may belong to "what Ukraine took" rather than to the amount
    relative = [d for d in found if _RELATES.search(text[: d.start])]
    apart = [d for d in relative if any(d.end <= v.start and v.end <= amount.start for v in found)]
    apart += [d for d in found if _RELATIVE.search(text[: d.start]) and _SIZED.match(text[d.end : amount.start])]
    before = [d for d in found if d.end <= amount.start and d not in apart]
    before = [d for d in before if not _PRICE.search(text[d.end : amount.start])]
    after = [d for d in found if d.start >= amount.end]
    after = [d for d in after if "," not in text[amount.end : d.start]] or after
    if before:
        return before[-1]
    if not after or (amount.unit != "percent" and len({d.name for d in after if d.end - d.start > 2}) > 1):
        return None  # "1,000 km², seized in August, was retaken": what is said of the figure is not plain
    first = after[0]
    if amount.unit == "percent" and first in relative and len(after) > 1 and not says_base(text, amount):
        return None  # "half of the Kursk territory that Ukraine once held is back in Russian hands"
    # "40 percent of what Ukraine took has been retaken": the words of the base are not the verb
    if amount.unit == "percent" and says_base(text, amount):
        if final := [d for d in after if _VERB_LAST.fullmatch(text[d.start : d.end])]:
            return final[-1]
        if first.name == "held" and not says_taken(text, amount):
            return first
        later = [d for d in after if d.name in ("retaken", "lost", "gained") and d.passive]
        return later[-1] if later else (first if first.passive and first.name == "retaken" else None)
    return first


def _directed(text: str, verb: ControlVerb, sides: Sequence[Mention]) -> ControlVerb | None:
    """A verb with the side to which it gives ground, or from which it takes it: "December brought Russia 36 km²"."""
    if verb.name not in _GIVES:
        return verb
    after = [s for s in sides if s.start >= verb.end]
    to = [s for s in after if _DIRECTLY.fullmatch(text, verb.end, s.start) or _TO_WHOM.search(text, verb.end, s.start)]
    return replace(verb, name=_GIVES[verb.name], to=to[0].code) if to else None


def verbs_in(text: str, low: int, high: int) -> list[ControlVerb]:
    """What a stretch of text says of ground, in order."""
    return [_verb(text, phrase) for phrase in _verbs(text, low, high)]


@recent
def _in_another_sense(text: str) -> Sequence[tuple[int, int]]:
    return [(p.start, p.end) for p in find_phrases(text, "control_verbs", "other")]


@recent
def _verbs(text: str, low: int, high: int) -> Sequence[Phrase]:
    """The words of control in a stretch of text, but for those in another sense."""
    found = [*find_phrases(text, "control_verbs", "verbs", start=low, end=high)]
    sized = [*find_phrases(text, "control_verbs", "held_where", start=low, end=high)]
    sized += (Phrase("held", *m.span()) for m in _OWNED.finditer(text, low, high))
    found += [phrase for phrase in sized if _SIZE_FOLLOWS.match(text[phrase.end :])]
    found = [p for p in found if not touches((p.start, p.end), _in_another_sense(text))]
    return sorted(found, key=lambda p: p.start)


def _verb(text: str, phrase: Phrase) -> ControlVerb:
    before, after, written = text[: phrase.start], text[phrase.end :], text[phrase.start : phrase.end].casefold()
    passive = bool(_BE.search(before) and not written.endswith("ing")) or bool(_BY_WHOM.match(after))
    passive = passive or (written.startswith("f") and written.endswith(" to"))  # "has fallen to Russia"
    passive = passive or (phrase.name == "held" and bool(_UNDER_WHOM.search(before)))
    if written.endswith(("ed", "en", "held", "lost")) and not passive and not _HAD.search(before):
        passive = bool(_BEHIND_GROUND.search(before))
    return ControlVerb(phrase.name, phrase.start, phrase.end, passive)


def says_base(text: str, amount: Amount) -> bool:
    """Whether a percentage is followed by "of what …", "of the territory that …": ground that was taken before."""
    return bool(_BASE.match(text[amount.end :]))


def says_taken(text: str, amount: Amount) -> bool:
    """Whether a percentage is of ground that was taken before: "of what it held", "of the 1,376 km² it seized"."""
    taken = _TAKEN.match(text[amount.end : amount.end + 110])
    return says_base(text, amount) and taken is not None and not _STANDING.search(taken[0])


def is_occupied(text: str, verb: ControlVerb) -> bool:
    """Whether a verb says that ground was occupied, which happens in a span and stands on a day."""
    before = text[: verb.start]
    return bool(_OCCUPIED.search(text[: verb.end])) and not _STANDS.search(before) and not _AS_OF.search(before)


def leads(text: str, start: int, end: int, sides: Sequence[Mention]) -> bool:
    """Whether a time stands before the clause of a figure and in none of its own: "In May, after the fall of …"."""
    comma = text.find(",", start, end + 1)
    return not any(start <= s.start < (end if comma < 0 else comma) for s in sides)


def is_attribute(text: str, verb: ControlVerb) -> bool:
    """Whether a participle only says which ground is meant: "occupied territory"."""
    return bool(re.match(rf" {GROUND}", text[verb.end :], re.IGNORECASE))


def is_once(text: str, verb: ControlVerb, dates: Sequence[DateMention]) -> bool:
    """Whether "occupied" may be what happened or what stands: neither its form nor a day says which."""
    stands = any(_STANDS_ON.search(text[: m.start]) for m in dates)
    return bool(_ONCE.search(text[: verb.end])) and not verb.passive and not stands


def listed(between: str) -> bool:
    """Whether two amounts are named together: "1,294 km² and 100 settlements"."""
    return bool(_LISTED.fullmatch(between))


_TOKEN = re.compile(r"[^\W\d_]{2,}(?:-[^\W\d_]+)*|\d[\d.,]*")


@cached_words
def _known_words() -> re.Pattern[str]:
    listed = any_of(*(word_list(code, "claims").get("known", "") for code in languages()))
    others = (GROUND, _SPEECH, *map(_any, ("forces", "we", "changed")), rf"\w+-{_any('backed')}")
    return re.compile("|".join((listed, *others)), re.IGNORECASE)


def strange_word(text: str, low: int, high: int, known: Sequence[tuple[int, int]]) -> str | None:
    """The first word of a stretch outside the known spans that is none of those which change nothing."""
    spans = [*known, *((p.start, p.end) for p in _verbs(text, 0, len(text)))]
    for match in _GOES_FOR.finditer(text, low, high):  # "stand near it and have taken": what was said before
        low = match.end()
    for token in _TOKEN.finditer(text, low, high):
        if touches(token.span(), spans) or is_function_word(token[0]):
            continue
        if not _known_words().fullmatch(token[0]):
            return token[0]
    return None


def of_ground(text: str, amount: Amount, verb: ControlVerb, units: Sequence[Mention], sides: Sequence[Mention]) -> bool:
    """Whether a percentage is of ground."""
    if whole_before(text, amount, units, sides) or _OF_OWN.match(text, amount.end):
        return True
    rest = text[amount.end :].lstrip("\"”»' ")
    if says_base(text, amount):
        return True
    offset = len(text) - len(rest)
    if any(u.start == offset for u in units) or re.match(GROUND, rest, re.I):
        return True
    match = re.match(_PART_OF, rest, re.I)
    if match is None and re.match(_COUNTRY, rest):
        return True
    if match is None:
        if any(re.fullmatch(r" (?:of|over) (?:the )?", text[verb.end : u.start]) for u in units):
            return True  # "control of Luhansk region stands at 99 percent"
        return verb.start >= amount.end and (verb.name in ("retaken", "lost") or verb.passive)
    if verb.name == "retaken" and re.match(r"of (?:it|that|this)\b(?! \w)", rest, re.I):
        return True  # only ground is retaken
    offset, rest = offset + match.end(), rest[match.end() :]
    while True:
        named = next((m for m in (*units, *sides) if m.start <= offset < m.end and m.role in ("unit", "names")), None)
        if named is not None and named.role == "unit" and not _GOES_ON.match(text[named.end :]):
            return False  # "of Kursk residents"
        whole = named is not None and not text[named.start : named.end + 2].endswith(("'s", "’s"))
        if whole and named is not None and not text[: named.end].endswith(("'s", "’s")):
            return True
        if named is not None:
            owned = re.match(r"(?:['’]s)?\s*", text[named.end :])
            offset = named.end + (owned.end() if owned else 0)
            rest = text[offset:]
            continue
        if re.match(rf"{GROUND}(?!\w)|\d", rest, re.I):
            return True
        step = _MODIFIER.match(rest)
        if step is None:
            return False
        offset, rest = offset + step.end(), rest[step.end() :]


def of_all(text: str, amount: Amount, units: Sequence[Mention], sides: Sequence[Mention]) -> bool:
    """Whether a percentage is of all of a unit, or of a country's own ground ("its territory"), and not of a part."""
    leads = [m for m in (_SHARE_OF.match(text, amount.end), _OWN_SHARE.match(text, amount.end)) if m]
    named = [m for m in (*units, *sides) if m.start in {lead.end() for lead in leads}]
    if any(m.role == "adjectives" and _HAS_LAND.match(text, amount.end, m.end + 15) for m in named):
        return True  # "0.4 percent of Ukrainian territory"
    ends = [m.end for m in named if m.role in ("unit", "names")]
    part = rf"(?:['’]s)?(?: {_LAND}\b)?+ (?:{GROUND})"
    return bool(_OF_OWN.match(text, amount.end)) or any(not re.match(part, text[e:], re.IGNORECASE) for e in ends)


def whole_before(text: str, amount: Amount, units: Sequence[Mention], sides: Sequence[Mention]) -> Mention | None:
    """What a percentage is of where that stands before it: "Ukraine, 18 percent of which is occupied"."""
    named = [m for m in (*units, *sides) if m.role in ("unit", "names") and m.end <= amount.start]
    named.sort(key=lambda m: m.end)
    between = text[named[-1].end : amount.start] if named else ""
    told = named and named[-1].role == "unit" and _NAMED_BEFORE.fullmatch(between)
    told = told or (between == ", " and _OF_WHICH.match(text, amount.end))
    return named[-1] if told else None


def actor_of(
    text: str, clause: tuple[int, int], verb: ControlVerb, sides: Sequence[Mention]
) -> tuple[str | None, str | None]:
    """The side that holds, gains or loses, and why it is not known where it is not."""
    if verb.to:
        return verb.to, None
    if verb.passive or any(verb.start <= s.start < verb.end for s in sides):
        return _agent(text, verb, sides)
    if _PARTICIPLE.search(text[: verb.end]) and (found := _agent(text, verb, sides))[0]:
        return found
    asides = [m.span() for m in ASIDE.finditer(text, 0, verb.start)]
    driven = [v.end for v in verbs_in(text, 0, verb.start) if v.name == "driven"]
    before = [s for s in sides if s.end <= verb.start and not any(a <= s.start < b for a, b in asides)]
    before = [s for s in before if not any(_DIRECTLY.fullmatch(text, end, s.start) for end in driven)]
    subjects = acting(text, before)
    inside = [s for s in subjects if s.start >= clause[0]] or subjects
    spoken = re.finditer(rf"\b{_SPEECH}\b", text[: verb.start], re.I)
    speech = [m.end() for m in spoken if not any(a <= m.start() < b for a, b in asides)]
    speech_end = max(speech, default=0)
    mine = [s for s in inside if s.start >= speech_end] if speech_end else inside
    owners = _owners(text, verb, before, sides)
    if owners:  # "Russia's net gain", "the pocket that Kyiv clings to"
        return owners[-1].code, None
    between = text[max(speech_end, mine[-1].end if mine else speech_end) : verb.start]
    led = _LED_BY.search(text[: before[-1].start]) if before else None
    if led and re.fullmatch(rf" (?:{_FORCES} )?", text[before[-1].end : verb.start], re.I):
        return before[-1].code, None  # "das von der Ukraine kontrollierte Gebiet"
    if mine:
        return _joint(text, mine, verb)
    if _PRONOUN.search(between) and subjects:
        return subjects[-1].code, None
    if _WE.search(between):
        named = {s.code for s in before if s.role != "leader"}
        if len(named) == 1 and not FIRST_PERSON.search(between):
            return named.pop(), None  # "Ukraine's general said his troops had taken"
        return None, "a pronoun stands for the side: say who"
    if not speech_end and before == [] and (found := _agent(text, verb, sides))[0]:
        return found
    after = [s for s in sides if s.start >= verb.end and _AGENT.search(text[: s.start])]
    if after:
        return after[0].code, None
    following = next((s for s in sides if s.start >= verb.end), None)
    if following is not None and _VERB_FIRST.fullmatch(text[verb.start : verb.end]) and _can_act(text, following):
        return following.code, None  # "im Dezember eroberte Russland"
    if speech_end and inside and _SAYS_TO.search(text[: verb.start]):
        return inside[-1].code, None
    # "the area occupied by Russia grew by": whose the ground is says whose gain it is
    owned = [s for s in before if _OWNED_BEFORE.search(text[: s.start]) or _OWNED_AFTER.match(text[s.end :])]
    owned += [s for s in before if not owned and _CONTROL.match(text, s.end)]
    return (owned[-1].code, None) if owned else (None, "no side is named")


def _owners(text: str, verb: ControlVerb, before: Sequence[Mention], sides: Sequence[Mention]) -> list[Mention]:
    """The sides whose a noun for what happened is: "Russian gains", "the pocket that Kyiv clings to"."""
    owners = [s for s in before[-1:] if re.fullmatch(r"['’]s? (?:\w+ ){0,2}", text[s.end : verb.start])]
    if _NOUN.fullmatch(text[verb.start : verb.end]):  # "put Russian gains at"
        owners += [s for s in before if s.role == "adjectives" and text[s.end : verb.start] == " "]
        owners += [s for s in sides if re.fullmatch(rf" (?:{_PART_OF})?", text[verb.end : s.start], re.I)]
    owners += [s for s in sides if re.fullmatch(r" (?:that|which) (?:the )?", text[verb.end : s.start])]
    return owners


def _joint(text: str, mine: Sequence[Mention], verb: ControlVerb) -> tuple[str | None, str | None]:
    last = mine[-1]
    if len({s.code for s in mine}) > 1 and _GOES_FOR.search(text, last.end, verb.start):
        return None, "which of several sides did it is not said"  # "troops pushed the Russians back and took 8 km²"
    for other in mine[:-1]:
        if other.code != last.code and _AND_THE_SIDE.fullmatch(text[other.end : last.start]):
            return None, "two sides are named together"
    return last.code, None


def _agent(text: str, verb: ControlVerb, sides: Sequence[Mention]) -> tuple[str | None, str | None]:
    """The side after "by", in "under Ukrainian control" or "in Russian hands"."""
    around = [s for s in sides if verb.start - 45 <= s.start < verb.start]
    for side in reversed(around):
        lead = text[: side.start]
        if _IN_HANDS.search(lead):
            return side.code, None
        if _BY_CASE.search(text[side.start : side.end]) and re.fullmatch(r" (?:\w+ )?", text[side.end : verb.start]):
            return side.code, None  # "російськими військами захоплено"
    after = [s for s in sides if s.start >= verb.end]
    for side in after:
        if _BY_THE.search(text[: side.start]):
            return side.code, None
    inner = [s for s in sides if verb.start <= s.start < verb.end]
    # "окуповано Росією", "під контролем Росії": the case says it
    near = [s for s in after if re.fullmatch(r"\w* ?(?:\w+ )?", text[verb.end : s.start])]
    inner += [s for s in near if _BY_CASE.search(text[s.start : s.end]) or _UNDER.search(text[: s.start])]
    return (inner[0].code, None) if inner else (None, "no side is named")


def _can_act(text: str, side: Mention) -> bool:
    """Whether a side can be the one that acts: not "in Ukraine", not "Russia's Kursk region"."""
    before, after = text[: side.start], text[side.end :]
    if _ACTS.search(before):
        return True
    if _NO_ACTOR.search(before) and before != "Der ":
        return False
    if _NO_STAFF.match(after):
        return bool(_STAFF.match(after))
    if side.role == "adjectives":
        return not re.match(rf" (?:\w+ )?{GROUND}\b(?! {_FORCES})|-(?:held|controlled|occupied)", after, re.I)
    return True


def losing_side(text: str, amount: Amount, verb: ControlVerb, sides: Sequence[Mention]) -> str | None:
    """The side that ground was taken from: "from Ukraine", "of what Ukraine took", "seized by Ukraine"."""
    if verb.name not in ("retaken", "gained", "lost"):
        return None
    for side in sides:
        before, after = text[: side.start], text[side.end :]
        if _LOST_BY.search(before) and side.start > min(verb.start, amount.start):
            return side.code
        taken = _TAKEN_BY.search(before)
        if _TAKER.search(before) or _OWNED_AFTER.match(after) or (taken and not verb.start <= taken.start() < verb.end):
            return side.code
    return None


def place_of(
    text: str, clause: tuple[int, int], amount: Amount, units: Sequence[Mention], sides: Sequence[Mention]
) -> tuple[str | None, str | None]:
    """The unit that an amount is about, and why it is not known where it is not."""
    if whole := whole_before(text, amount, units, sides):
        return whole.code, None
    # "18 percent of Ukraine, including …", "18% України"
    if lead := _SHARE_OF.match(text, amount.end):
        at = lead.end()
        country = next((s for s in sides if s.start == at and s.role == "names"), None)
        also = country and any(_IN_LIST.fullmatch(text, country.end, s.start) for s in sides if s.start > at)
        if country is not None and not also and not re.match(r"['’]s", text[country.end :]):
            return country.code, None
    told = [m.span() for m in _TOLD.finditer(text)]  # "told reporters in Moscow that": where it is said
    units = [u for u in units if not any(a <= u.start < b for a, b in told)]
    if part := OF_THEM.search(text, amount.end + 2):
        units = [u for u in units if not OF_THEM.search(text, part.start(), max(u.start, part.start()))]
    units = [u for u in units if not _INCLUDED.match(text, u.end)]  # "en Ukraine, Crimée comprise"
    # "took 4,168 km², while Ukraine held 500 km² in Kursk region"
    said = min((v.end for v in _verbs(text, clause[1], len(text))), default=len(text))
    of_area = amount.unit != "percent"  # "took 4,168 km² but failed to take all of Donetsk region"
    apart = [u for u in units if said <= u.start and (of_area or re.search(r"\d", text[clause[1] : u.start]))]
    others = [u for u in units if clause[1] <= u.start and re.search(r"\d", text[clause[1] : u.start])]
    joined = re.fullmatch(r"(?: \w+){0,2} ?", text[amount.end : clause[1]])  # "gained 96 km² and lost 7 km² in …"
    own = any(clause[0] <= s.start < clause[1] and is_place(text, s) for s in sides)  # "of Ukrainian territory"
    if own and others:
        units = [u for u in units if u not in others]
    elif others and not joined and others == [u for u in units if u not in apart]:
        return None, "its place may be that of the figure after it"
    pools = ([u for u in units if clause[0] <= u.start < clause[1]], [u for u in units if u not in apart])
    for pool in pools:
        codes = list(dict.fromkeys(u.code for u in pool))
        both = [s for s in sides if pool and is_place(text, s) and _IN_LIST.fullmatch(text, s.end, pool[0].start)]
        if both:  # "in Ukraine and in Russia's Kursk region"
            codes = [both[0].code, *codes]
        if len(codes) == 1:
            return codes[0], None
        if len(codes) > 1:
            near = [u for u in pool if not both and u.start >= amount.end and leads_to(text[amount.end : u.start])]
            after = [u for u in pool if near and u.start >= near[0].end]
            in_list = any(_IN_LIST.fullmatch(text, near[0].end, u.start) for u in after)
            if len({u.code for u in near}) == 1 and not in_list:
                return near[0].code, None
            return None, _together(text, [*both, *pool]) or f"several units are named ({', '.join(codes)}): say which"
    countries = [s for s in sides if is_place(text, s) and not OF_THEM.search(text, amount.end + 2, s.start)]
    countries += [s for s in sides for c in countries if s.role == "names" and _IN_LIST.fullmatch(text, c.end, s.start)]
    codes = list(dict.fromkeys(s.code for s in countries))
    if len(codes) == 1:
        return codes[0], None
    why = f"several countries are named as the place ({', '.join(codes)})" if codes else None
    return None, _together(text, countries) or why


def _together(text: str, named: Sequence[Mention]) -> str | None:
    """That units which are named together are no unit; None where they stand apart."""
    joined = len(named) > 1 and all(_IN_LIST.fullmatch(text, a.end, b.start) for a, b in pairwise(named))
    return f"{', '.join(m.code for m in named)!r} {NO_UNIT}" if joined else None


def leads_to(between: str) -> bool:
    """Whether a unit after a figure is that of the figure: "in", or nothing before a unit in the genitive."""
    return bool(_LEADS_TO.match(between) or re.fullmatch(rf"\s*(?:{_PART_OF})?", between, re.IGNORECASE))


def acting(text: str, sides: Sequence[Mention]) -> list[Mention]:
    """The sides that may be the one that acts, and are not the ground."""
    return [s for s in sides if _can_act(text, s) and not is_place(text, s)]


def is_place(text: str, side: Mention) -> bool:
    """Whether a country stands for its ground: "in Ukraine", "of Ukraine's territory", "Ukrainian land"."""
    before, after = text[: side.start], text[side.end :]
    if side.role not in ("names", "adjectives") or not re.fullmatch("[A-Z]{2}", side.code):
        return False
    possessive = "['’]s? " if side.role == "names" else " "
    if re.match(rf"{possessive}(?:[\w-]+ ){{0,2}}?{_LAND}\b(?! {_FORCES})", after, re.I):
        return True
    if side.role == "adjectives" and re.search(r"\bterritoires? $", before, re.I):
        return True
    if side.role != "names" or _ACTS.search(before):
        return False
    of_ground_before = re.search(
        r"(?:км|км²|km²|km2|мил\w|гектар\w*|%|процент\w*|відсот\w*)\s$", before
    )  # "410 кв. км України"
    inside = _INSIDE.search(before) or of_ground_before
    return bool(inside) and not after.startswith(("'s", "’s"))
