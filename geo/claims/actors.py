"""Who did it, to whom and where: the sides and the unit of a claim."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from geo.claims.patterns import GROUND, Deed

if TYPE_CHECKING:
    from geo.claims.amounts import Amount
    from geo.text.names import Mention

_LAND = r"(?:territor(?:y|ies)|lands?|ground|soil|areas?|територі\w+|территори\w+|земл\w+)"
_FORCES = (
    r"(?:armed |military |ground |state |defen[cs]e |government |and allied |airborne |special )*"
    r"(?:troops?|forces?|army"
    r"|armies|soldiers|military|units?|defenders|servicemen|marines|fighters|brigades?|side|invaders|occupiers|invasion)"
)
_SPEECH = (
    r"(?:sa(?:id|ys?|ying)|tells?|told|claim(?:s|ed)|report(?:s|ed)|announc\w+|stat(?:es|ed)|according|estimat\w+"
    r"|acknowledg\w+|admit\w*|add(?:s|ed)|wrote|writes|заяви\w+|повідоми\w+|сообщи\w+|стверджу\w+|утвержда\w+|сказа\w+)"
)
_PRONOUN = re.compile(r"\b(?:it|they|its|their)\b", re.IGNORECASE)
_WE = re.compile(r"\b(?:we|our|us|he|his|she|her|ми|наші|мы|наши|його|его)\b", re.IGNORECASE)
_LEADS_TO = re.compile(r"\s*(?:of|in|inside|within)\s(?:[\w'’]+\s){0,4}$", re.IGNORECASE)


def doer(text: str, clause: tuple[int, int], deed: Deed, sides: Sequence[Mention]) -> tuple[str | None, str | None]:
    """The side that holds, gains or loses, and why it is not known where it is not."""
    if deed.passive:
        return _agent(text, deed, sides)
    before = [s for s in sides if s.end <= deed.start]
    subjects = [s for s in before if _can_act(text, s)]
    inside = [s for s in subjects if s.start >= clause[0]] or subjects
    speech = [m.end() for m in re.finditer(rf"\b{_SPEECH}\b", text[: deed.start], re.I)]
    said = max(speech, default=0)
    mine = [s for s in inside if s.start >= said] if said else inside
    owners = [s for s in before if re.fullmatch(r"['’]s? (?:\w+ ){0,2}", text[s.end : deed.start])]
    if owners:  # "Russia's net gain"
        return owners[-1].code, None
    between = text[max(said, mine[-1].end if mine else said) : deed.start]
    if mine:
        return _joint(text, mine)
    if _PRONOUN.search(between) and subjects:
        return subjects[-1].code, None
    if _WE.search(between):
        return None, "a pronoun stands for the side: say who"
    if not said and before == [] and (found := _agent(text, deed, sides))[0]:
        return found
    after = [s for s in sides if s.start >= deed.end and re.search(r"\bby (?:the )?$", text[: s.start])]
    if after:
        return after[0].code, None
    if (
        said
        and inside
        and re.search(rf"\b{_SPEECH}(?:[^,;]{{0,30}} to)? (?:have |having |to |be in )*$", text[: deed.start], re.I)
    ):
        return inside[-1].code, None
    return None, "no side is named"


def _joint(text: str, mine: Sequence[Mention]) -> tuple[str | None, str | None]:
    last = mine[-1]
    for other in mine[:-1]:
        if (
            re.fullmatch(rf",? (?:{_FORCES} )?(?:and|і|и|та) (?:the )?", text[other.end : last.start])
            and other.code != last.code
        ):
            return None, "two sides are named together"
    return last.code, None


def _agent(text: str, deed: Deed, sides: Sequence[Mention]) -> tuple[str | None, str | None]:
    """The side after "by", in "under Ukrainian control" or "in Russian hands"."""
    around = [s for s in sides if deed.start - 45 <= s.start < deed.start]
    for side in reversed(around):
        lead = text[: side.start]
        if re.search(r"\b(?:under|in)(?: the)? $|(?:під|под) $", lead, re.I):
            return side.code, None
    after = [s for s in sides if s.start >= deed.end]
    for side in after:
        if re.search(r"\bby (?:the )?$|control of (?:the )?$", text[: side.start], re.I):
            return side.code, None
    inner = [s for s in sides if deed.start <= s.start < deed.end]
    if inner:
        return inner[0].code, None
    return None, "no side is named"


def _can_act(text: str, side: Mention) -> bool:
    """Whether a side can be the one that acts: not "in Ukraine", not "Russia's Kursk region"."""
    before, after = text[: side.start], text[side.end :]
    if re.search(r"\b(?:forces|army|military|troops|soldiers|staff|ministry|units) of (?:the )?$", before, re.I):
        return True
    if re.search(
        r"\b(?:in|inside|within|across|into|of|from|against|near|to|over|on|with|by|for|в|у|на|від|от|з|из) (?:the )?$",
        before, re.I,
    ):  # fmt: skip
        return False
    if re.match(
        rf"['’]s? (?!{_FORCES}|\w+ (?:staff|ministry|army|forces|command|military)|\w+ (?:said|says))", after, re.I
    ):
        return bool(re.match(rf"['’]s? (?:[\w-]+ ){{0,5}}(?:{_FORCES}|{_SPEECH}|staff|president)\b", after, re.I))
    if side.role == "adjectives":
        return not re.match(rf" (?:\w+ )?{GROUND}\b|-(?:held|controlled|occupied)", after, re.I)
    return True


def sufferer(text: str, amount: Amount, deed: Deed, sides: Sequence[Mention]) -> str | None:
    """The side that ground was taken from: "from Ukraine", "of what Ukraine took", "seized by Ukraine"."""
    if deed.name not in ("retaken", "gained", "lost"):
        return None
    for side in sides:
        before, after = text[: side.start], text[side.end :]
        if re.search(r"\bfrom (?:the )?$", before, re.I) and side.start > min(deed.start, amount.start):
            return side.code
        if re.search(r"\b(?:what|that|which|the (?:territory|land|ground|area))\s(?:the )?$", before, re.I):
            return side.code
        taken = re.search(r"\b(?:seized|captured|taken|held|occupied|controlled|invaded) by (?:the )?$", before, re.I)
        if taken and not deed.start <= taken.start() < deed.end:
            return side.code
        if re.match(r"-(?:held|controlled|occupied)\b", after, re.I):
            return side.code
    return None


def next_side(deed: Deed, sides: Sequence[Mention]) -> str | None:
    """The side after a deed: whom it was done to in "pushed Ukrainian troops out of"."""
    return next((s.code for s in sides if s.start >= deed.end), None)


def place_of(
    text: str, clause: tuple[int, int], amount: Amount, units: Sequence[Mention], sides: Sequence[Mention]
) -> tuple[str | None, str | None]:
    """The unit that an amount is about, and why it is not known where it is not."""
    if lead := re.match(r"\s*of (?:the )?", text[amount.end :], re.IGNORECASE):  # "18 percent of Ukraine, including …"
        at = amount.end + lead.end()
        country = next((s for s in sides if s.start == at and s.role == "names"), None)
        if country is not None and not re.match(r"['’]s", text[country.end :]):
            return country.code, None
    pools = ([u for u in units if clause[0] <= u.start < clause[1]], units)
    for pool in pools:
        codes = list(dict.fromkeys(u.code for u in pool))
        if len(codes) == 1:
            return codes[0], None
        if len(codes) > 1:
            near = [u for u in pool if u.start >= amount.end and _LEADS_TO.match(text[amount.end : u.start])]
            if len({u.code for u in near}) == 1 and not _listed(text, near[0], pool):
                return near[0].code, None
            return None, f"several units are named ({', '.join(codes)}): say which"
    countries = [s for s in sides if _is_place(text, s)]
    codes = list(dict.fromkeys(s.code for s in countries))
    if len(codes) == 1:
        return codes[0], None
    return None, (f"several countries are named as the place ({', '.join(codes)})" if codes else None)


def _listed(text: str, unit: Mention, pool: Sequence[Mention]) -> bool:
    return any(re.fullmatch(r",? ?(?:and|or|,)? ?", text[unit.end : u.start]) for u in pool if u.start >= unit.end)


def _is_place(text: str, side: Mention) -> bool:
    """Whether a country stands for its ground: "in Ukraine", "of Ukraine's territory", "Ukrainian land"."""
    before, after = text[: side.start], text[side.end :]
    if side.role in ("capital", "people"):
        return False
    possessive = "['’]s? " if side.role == "names" else " "
    if re.match(rf"{possessive}(?:[\w-]+ ){{0,2}}?{_LAND}\b", after, re.I):
        return True
    if side.role != "names" or re.search(r"(?:forces|army|military|troops|staff) of (?:the )?$", before, re.I):
        return False
    inside = re.search(
        r"\b(?:in|inside|within|across|of|в|у|на|територі\w+|территори\w+|земл\w+) (?:\w+ern )?$", before, re.I
    )
    return bool(inside) and not after.startswith(("'s", "’s"))
