"""Who says so, and whether anybody checked it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from geo.text.sentences import Lang, Passage
from geo.text.word_lists import pattern, words

_WORDS = {"unverified": "unverified", "verified": "verified", "partly": "partly", "footage": "partly"}


@dataclass(frozen=True)
class Voice:
    """Somebody who says something, with the span of the text that names them."""

    name: str
    start: int
    end: int
    text: str
    scope_start: int
    scope_end: int


@dataclass(frozen=True)
class Check:
    """What a text says about verification: ``unverified``, ``partly`` or ``verified``."""

    verification: str
    start: int
    end: int
    text: str
    is_general: bool = False  # about all that was told, not only this paragraph
    weight: float = 0  # which of several statements about the same event counts: the greatest


def find_voices(passage: Passage) -> list[Voice]:
    """Everybody to whom a sentence ascribes what it tells, in order."""
    found: list[Voice] = []
    for shape in ("according", "inverted", "active"):
        for match in _shape(passage.lang, shape).finditer(passage.text):
            voice = _voice(passage, match)
            if voice and not any(v.scope_start < voice.scope_end and voice.scope_start < v.scope_end for v in found):
                found.append(voice)
    return sorted(found, key=lambda v: v.start)


@cache
def _shape(lang: Lang, name: str) -> re.Pattern[str]:
    table = words(lang)["voices"]
    # names are told by their capitals, so that case matters here, but for the first letter of a sentence
    return re.compile(table[name].replace("WHO", table["who"]))


def _voice(passage: Passage, match: re.Match[str]) -> Voice | None:
    who = match["who"].strip()
    lang = passage.lang
    start, end, at = match.start("who"), match.end("who"), passage.start
    if re.search(words(lang)["voices"]["pronoun"], who):
        return Voice("", at + start, at + end, match["who"], at + match.start(), at + match.end())
    if re.search(words(lang)["voices"]["not_who"], who):
        return None
    if not any(c.isupper() for c in who) and not pattern(lang, "voices", "person").search(who):
        return None
    role = (match.groupdict().get("role") or "").strip()
    end = match.end("role") if role else end
    name = f"{who}, {role}" if role else who
    name = re.sub(r"^(?:the|The)\s+", "", name).strip(' .,«»"“”')
    if len(name) < 2 or len(name) > 160:
        return None
    return Voice(name, at + start, at + end, passage.text[start:end], at + match.start(), at + match.end())


def find_checks(passage: Passage) -> list[Check]:
    """What a sentence says about verification; "could not be verified" before "verified"."""
    general = bool(pattern(passage.lang, "verification", "general").search(passage.text))
    found = []
    for weight, (name, meaning) in enumerate(reversed(_WORDS.items()), start=1):
        match = pattern(passage.lang, "verification", name).search(passage.text)
        if match:
            is_general = general and meaning == "unverified"
            # that all claims are unchecked says less than that somebody confirmed this one, more than a video does
            own = 1.5 if is_general else weight
            at = passage.start
            found.append(Check(meaning, at + match.start(), at + match.end(), match[0], is_general, own))
    # "could not be verified" has "verified" in it
    return [c for c in found if c.verification == "unverified"] or found[-1:]
