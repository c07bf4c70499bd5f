"""What a sentence says of ground: the deed, who did it, where, and what makes it no claim at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geo.claims.amounts import Amount
    from geo.text.names import Mention, Names

GROUND = (
    r"(?:territor(?:y|ies)|lands?|areas?|ground|soil|regions?|oblasts?|provinces?|countr(?:y|ies)|district|gains"
    r"|bridgehead|salient|foothold|pocket|incursion|square kilomet(?:re|er)s?|sq\.? km|km²|km2|square miles|hectares"
    r"|територі\w+|территори\w+|земл\w+|област\w+|площ\w+|краю|края|країни|страны)"
)
LONGEST = 2_000  # characters of a sentence
_ABBREVIATION = re.compile(
    r"(?:\b(?:sq|km|kms|mi|approx|ca|gen|col|lt|maj|capt|mr|mrs|ms|dr|st|no|vs|e\.g|i\.e|u\.s|u\.k|jan|feb|mar|apr|jun"
    r"|jul|aug|sept|sep|oct|nov|dec|кв|тис|тыс|млн|обл|ген|ім|им)|\b[A-ZА-ЯІЇЄ])\.$",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s+[\"'“«(]*[A-ZА-ЯІЇЄ0-9])|\n\s*\n")

_ADVERB = r"(?:(?:now|still|also|currently|already|since|so far|then|only|just|reportedly|\w+ly) )*"
_BE = rf"(?:is|are|was|were|be|been|being) {_ADVERB}"
# name -> words in the active voice or as a noun; the order is that of trial
_DEEDS: Mapping[str, str] = {
    "net loss": r"net loss(?:es)?|lost a net",
    "net": r"net(?: territorial)? gains?|gained a net|net advances?|net change|чист\w+ (?:приріст|прирост)\w*",
    "driven": r"(?:pushed|drove|driven|expelled|forced|knocked|ousted)(?= )",
    "retaken": r"(?:re(?:took|takes?|taken|taking|capture[sd]?|capturing|gain(?:s|ed|ing)?|claim(?:s|ed|ing)"
    r"|conquer\w*)|liberat\w+|recover(?:s|ed|ing)|w[io]ns? back|t(?:ook|akes?|aken|aking) back|clawed back"
    r"|regain(?:ed|s|ing)? control|звільн\w+|відвою\w+|деокуп\w+|освобо\w+|отби\w+|повернул\w+|вернул\w+)",
    "gained": r"(?:(?:took|takes?|taken|taking|gain(?:s|ed|ing)?|seiz\w+|establish\w*|won) (?:full |complete )?control"
    r"|tak(?:en|es|ing) under control|took under control"
    r"|seiz(?:es?|ed|ing|ures?)|captur(?:es?|ed|ing)|took|takes|taken?|taking|gain(?:s|ed|ing)?|conquer\w*|overr[au]n"
    r"|advanc(?:ed|ing)|advances? of|захопи\w+|окупува(?:в|л\w+)|захвати\w+|оккупировал\w*|взял\w+|взял[аи]?)",
    "lost": r"(?:los(?:t|es?|ing|ses)(?: control)?|ced(?:es?|ed|ing)|g[ai]ve[sn]? up|surrender\w*"
    r"|втрати\w+|потеря\w+|утратил\w*)",
    "held": r"(?:h[oe]ld(?:s|ing)?|control(?:s|led|ling)?|occup(?:y|ies|ied|ying|ation)"
    r"|ke(?:eps?|pt)|retain(?:s|ed|ing)?"
    r"|(?:bridgehead|foothold|salient|holdings)(?= [^.;]{0,40}\b(?:to|of|covers|measures|is|was|at)\b)"
    r""
    r"|in (?:\w+ |\w+'s )?hands|контролю\w+|контролиру\w+|утриму\w+|удержива\w+|оккупирован\w*|окупован\w*"
    r"|під контролем|под контролем)",
    "front": r"front[ -]?lines?|line of (?:contact|engagement)|lines? of control|\bfronts?|ліні\w+ (?:фронту|зіткнення)"
    r"|лини\w+ (?:фронта|соприкосновения)",
}
_DEED = re.compile(
    "|".join(rf"(?P<{name.replace(' ', '_')}>(?<![\w-]){words}(?![\w]))" for name, words in _DEEDS.items()),
    re.IGNORECASE,
)
# words that hold a deed's letters and are none
_NO_DEED = re.compile(
    r"(?:taken (?:place|part)|took (?:place|part|over the)|takes? (?:place|part)|control (?:group|room|tower|points?)"
    r"|held (?:talks|a|an|elections?|that)|keep\w* (?:on|up)|kept (?:up|on)"
    r"|front of|in advance|on the front|advance team"
    r"|arms control|traffic control|fire control|loses? (?:its|their|his) (?:grip|way))",
    re.IGNORECASE,
)
_HYPHENED = re.compile(r"-(?:held|controlled|occupied)\b", re.IGNORECASE)
BREAKS = re.compile(
    r"[;:](?= )|, (?:but|while|whereas|although|though|after|before|and|а|але|но|тоді як|тогда как|хоча|хотя)\b"
    r"| (?:but|while|whereas|after|before|compared (?:with|to)|up from|down from|from a peak of)\b| – | — ",
    re.IGNORECASE,
)
_REFUSALS: Sequence[tuple[str, re.Pattern[str]]] = (
    ("a denial", re.compile(
        r"\b(?:not|never|neither|nor|no longer|cannot|denie[sd]|deny|denying|rejected|refuted|dismissed|disputed"
        r"|failed to|unable to|false(?:ly)?|untrue)\b|n['’]t\b|\bне (?!менше|менее|більше|более|больше|тільки|только)"
        r"|заперечу\w+|спростув\w+|опроверг\w+|отрица\w+|больше не|більше не", re.I)),
    ("what is not known", re.compile(r"\b(?:how (?:many|much)|whether|скільки|сколько)\b", re.IGNORECASE)),
    ("a plan, a condition or a forecast", re.compile(
        r"\b(?:would|could|may|might|will|shall|should|if|unless|plans?|planning|planned|aims?|aiming|aimed|wants?"
        r"|wanted|hopes?|hoped|intends?|intended|expects? to|expected to|threaten\w*|likely to|seeks? to|vows?|vowed"
        r"|in order to|goal|ordered to|trying to|tries to|tried to|attempt\w*|demand\w*|propos\w+"
        r"|якби|якщо|може|могли б|планує|планують|хоче|хочуть|намага\w+|прагн\w+|если|может|могли бы|планиру\w+"
        r"|хочет|хотят|пыта\w+|намерен\w*)\b", re.I)),
)  # fmt: skip
_NOT_AFTER = re.compile(r"\s*(?:from|away|behind|beyond|off|inside|deep|short|north|south|east|west)\b", re.IGNORECASE)
_GOES_ON = re.compile(
    r"(?:['’]s)?\s*(?:$|[^\w\s]|[^\x00-\x7f]|(?:is|are|was|were|has|have|had|remains?|by|in|since|on|and|or|from|under|which|that|to"
    r"|as|at|now|still|after|before|with|while|but|held|controlled|occupied|retaken|recaptured|regained|remained|seized|captured|taken|lost|liberated)\b"
    rf"|{GROUND}\b)",
    re.IGNORECASE,
)
_NOT_A_PLAN = re.compile(r"\b(?:in|of|since|on|by|until|late|early|mid|from) May\b|\bMay \d|\d May\b")
_NOT_A_DENIAL = re.compile(
    r"\bnot (?:less|more|fewer) than|\bnot only|\bno (?:less|more|fewer) than|\bnever before|"
    r"\bcould not (?:be )?(?:independently )?verif\w+|\bнезалежно|\bне (?:удалось|вдалося)", re.I)  # fmt: skip
_NOBODYS = re.compile(
    r"\b(?:gr[ae]y[ -]zone|contested|disputed|no[ -]man['’]?s[ -]land|unclear status|сір\w+ зон\w+|сер\w+ зон\w+)\b",
    re.I,
)
_QUOTES = str.maketrans(dict.fromkeys('"“”„«»', " "))
_MODIFIER = re.compile(
    r"(?:the|a|an|its|their|his|this|that|all|of|total|entire|whole|sovereign|internationally|recogni[sz]ed|occupied"
    r"|captured|seized|held|conquered|previously|initially|originally|eastern|western|southern|northern|lost|own|once"
    r"|territorial|territory|invaded|overrun|annexed|\w+['’]s|\w+an|\w+ish|\w+ese)\s+", re.I)  # fmt: skip
_BASE = re.compile(
    r"^\s*(?:\([^)]*\)\s*)?(?:of|from|від|от|із|из)?\s*(?:what|the (?:territory|land|ground|area|gains?|square|\d)"
    r"|everything|all (?:that|the)|its (?:gains|territory|conquests)|territor(?:y|ies)|того|територі\w+|территори\w+)",
    re.IGNORECASE,
)
_TAKEN = re.compile(
    r"^\s*(?:\([^)]*\)\s*)?(?:of|from) (?:what\b|(?:its|the|their) (?:gains|conquests)"
    r"|(?:[^,;:]|,\d)*?\b(?:took|taken|seized|captured"
    r"|gained|conquered|held|overran|occupied|won)\b)",
    re.IGNORECASE,
)
_SPEAKER = re.compile(
    r"[Aa]ccording to (?P<a>(?:the |a |an )?[A-Z][\w'’.-]*(?: (?:of |the |in |at )*[A-Z][\w'’.-]*){0,6})"
    r"|(?:^|, ?)[\"“]?(?P<b>(?:The |the )?[A-Z][\w'’.-]*(?: (?:of |the )*[A-Z][\w'’.-]*){0,6}),? "
    r"(?:said|says|told|announced"
    r"|reported|stated|claimed|claims|estimates?|estimated)\b"
)


@dataclass(frozen=True)
class Deed:
    """What happened to ground, where the word for it stands, and whether its doer comes after it."""

    name: str
    start: int
    end: int
    passive: bool


def sentences(text: str) -> list[tuple[int, int]]:
    """The first and last position of every sentence; abbreviations such as "sq. km" end none."""
    spans, start = [], 0
    for match in _END.finditer(text):
        if match[0].startswith(".") and _ABBREVIATION.search(text[start : match.start() + 1]):
            continue
        spans.append((start, match.end()))
        start = match.end()
    spans.append((start, len(text)))
    cut = [part for a, b in spans for part in _cut(text, a, b)]
    trimmed = [(a + len(text[a:b]) - len(text[a:b].lstrip()), a + len(text[a:b].rstrip())) for a, b in cut]
    return [(a, b) for a, b in trimmed if a < b]


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > LONGEST:
        blank = text.rfind(" ", start + 1, start + LONGEST)
        middle = blank if blank > 0 else start + LONGEST
        yield start, middle
        start = middle
    yield start, end


def unquoted(text: str) -> str:
    """A sentence with spaces for its quotation marks, so that every position stays."""
    return text.translate(_QUOTES)


def places(text: str, names: Names) -> tuple[list[Mention], list[Mention]]:
    """The sides and the units of a sentence; a word that is both is a unit only after "in" or with its kind."""
    units = []
    sides = names.sides_in(text)
    for unit in names.units_in(text):
        rival = next((s for s in sides if s.start < unit.end and unit.start < s.end), None)
        if rival is not None:
            longer = unit.end - unit.start > rival.end - rival.start + 2
            inside = re.search(r"\b(?:in|inside|within|of|в|у|во)\s$", text[: unit.start], re.I)
            if not (longer or (inside and rival.role == "capital")):
                continue
            sides.remove(rival)
        units.append(unit)
    return sides, units


def refusal(text: str, clause: tuple[int, int], amount: Amount) -> str | None:
    """Why a figure is no claim: a question, a denial, a plan, ground that is nobody's; None where it may be one."""
    if text.rstrip("\"'”’» ").endswith("?"):
        return "a question"
    part = text[slice(*clause)]
    if amount.value is None and amount.notes:
        return amount.notes[0]
    for why, pattern in _REFUSALS:
        allowed = _NOT_A_PLAN if "plan" in why else _NOT_A_DENIAL
        if any(not _covered(m, allowed, part) for m in pattern.finditer(part)):
            return why
    near = part[max(amount.start - clause[0] - 60, 0) : amount.end - clause[0] + 60]
    if _NOBODYS.search(near):
        return "contested ground is nobody's by its source: no side holds it"
    return None


def _covered(match: re.Match[str], allowed: re.Pattern[str], text: str) -> bool:
    return any(m.start() <= match.start() < m.end() for m in allowed.finditer(text))


def deed_of(text: str, clause: tuple[int, int], amount: Amount) -> Deed | None:
    """The deed that an amount belongs to: the nearest before it in its clause, else the first after it."""
    low, high = clause
    found = [_deed(text, m) for m in _DEED.finditer(text, low, high) if not _other_sense(text, m)]
    if amount.unit in ("km", "mi"):
        apart = _NOT_AFTER.match(text[amount.end :])  # "5 km from the front line" is no length of it
        return None if apart else next((d for d in found if d.name == "front"), None)
    found = [d for d in found if d.name != "front" and not amount.start <= d.start < amount.end]
    clear = [d for d in found if not _HYPHENED.match(text[d.start - 1 : d.end])] or found
    before = [d for d in clear if d.end <= amount.start and not _in_relative(text, d, amount)]
    after = [d for d in clear if d.start >= amount.end]
    if before:
        last = before[-1]
        return last
    if not after:
        return None
    first = after[0]
    # "40 percent of what Ukraine took has been retaken": the words of the base are not the deed
    if amount.unit == "percent" and says_base(text, amount):
        later = [d for d in after if d.name in ("retaken", "lost", "gained") and d.passive]
        return later[-1] if later else (first if first.passive and first.name == "retaken" else None)
    return first


def _deed(text: str, match: re.Match[str]) -> Deed:
    name = str(match.lastgroup).replace("_", " ")
    before, after = text[: match.start()], text[match.end() :]
    passive = bool(re.search(rf"\b{_BE}$", before, re.I)) or bool(re.match(r" by\b", after))
    passive = passive or bool(re.search(r"\bunder(?: the)?(?: [\w'’]+){0,3} $", before, re.I) and name == "held")
    # "801 km² of Kursk region retaken": a participle after its ground
    participle = match[0].casefold().endswith(("ed", "en", "held", "lost"))
    had = re.search(rf"\b(?:ha(?:s|ve|d)) {_ADVERB}$", before, re.I)
    if participle and not had and not passive:
        passive = bool(
            re.search(r"(?:km²|km2|kilomet\w+|km|miles?|hectares?|percent|per cent|%|region|oblast)\s$", before)
        )
    return Deed(name, match.start(), match.end(), passive)


def _other_sense(text: str, match: re.Match[str]) -> bool:
    window = text[max(match.start() - 12, 0) : match.end() + 12]
    start = match.start() - max(match.start() - 12, 0)
    return any(m.start() <= start < m.end() or m.start() < start + 4 <= m.end() for m in _NO_DEED.finditer(window))


def _in_relative(text: str, deed: Deed, amount: Amount) -> bool:
    """Whether a deed before an amount belongs to "what Ukraine took" rather than to the amount."""
    return bool(re.search(r"\b(?:what|that|which|who)\b[^,;]*$", text[: deed.start], re.I)) and bool(
        _DEED.search(text, deed.end, amount.start)
    )


def says_base(text: str, amount: Amount) -> bool:
    """Whether a percentage is followed by "of what …", "of the territory that …": ground that was taken before."""
    return bool(_BASE.match(text[amount.end :]))


def says_taken(text: str, amount: Amount) -> bool:
    """Whether a percentage is of ground that was taken before: "of what it held", "of the 1,376 km² it seized"."""
    rest = text[amount.end : amount.end + 110]
    return says_base(text, amount) and bool(_TAKEN.match(rest))


def listed(between: str) -> bool:
    """Whether two amounts are named together: "1,294 km² and 100 settlements"."""
    return bool(re.fullmatch(r"\s*,?\s*(?:and|or|plus|as well as|і|та|и)?\s*", between))


def is_base(between: str) -> bool:
    """Whether the words between a percentage and the next amount make that amount its base."""
    return bool(
        re.fullmatch(r"\s*of (?:the|its|some|about|those|these|their)?\s*(?:roughly|about|some)?\s*", between, re.I)
    )


def of_ground(text: str, amount: Amount, deed: Deed, units: Sequence[Mention], sides: Sequence[Mention]) -> bool:
    """Whether a percentage is of ground."""
    rest = text[amount.end :].lstrip("\"”»' ")
    if says_base(text, amount):
        return True
    offset = len(text) - len(rest)
    if any(u.start == offset for u in units) or re.match(GROUND, rest, re.I):
        return True
    match = re.match(r"(?:of|від|от)\s+", rest, re.I)
    if match is None:
        return deed.name in ("retaken", "lost") or deed.passive
    if deed.name == "retaken" and re.match(r"of (?:it|that|this)\b(?! \w)", rest, re.I):
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


def speaker(text: str) -> str:
    """Who said it, where the sentence says so plainly; else empty."""
    match = _SPEAKER.search(text)
    return "" if match is None else (match["a"] or match["b"]).strip(" ,.")
