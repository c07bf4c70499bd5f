"""Who says so, and whether anybody checked or denied it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from geo.text.languages import pattern, words
from geo.text.sentences import Lang, TextSpan, language_of
from geo.text.words import find_phrases

_WORDS = {"unverified": "unverified", "verified": "verified", "partly": "partly", "footage": "partly"}


@dataclass(frozen=True)
class Attribution:
    """Somebody who says something, with the span of the text that names them."""

    name: str
    start: int
    end: int
    text: str
    scope_start: int
    scope_end: int
    noun: str = ""  # "the army", which may be who spoke last


@dataclass(frozen=True)
class Check:
    """What a text says about verification: ``unverified``, ``partly`` or ``verified``."""

    verification: str
    start: int
    end: int
    text: str
    is_general: bool = False  # about all that was told, not only this paragraph
    weight: float = 0  # which of several statements about the same event counts: the greatest


def find_attributions(passage: TextSpan) -> list[Attribution]:
    """Everybody to whom a sentence ascribes what it tells, in order."""
    found: list[Attribution] = []
    for shape in ("according", "opening", "closing", "inverted", "active"):
        for match in _shape(passage.lang, shape).finditer(passage.text):
            attribution = _attribution(passage, match)
            if attribution and not any(
                v.scope_start < attribution.scope_end and attribution.scope_start < v.scope_end for v in found
            ):
                found.append(attribution)
    return sorted(found, key=lambda v: v.start)


@cache
def _shape(lang: Lang, name: str) -> re.Pattern[str]:
    table = words(lang)["speakers"]
    shape = table.get(name, "(?!)")
    for part in ("who", "word", "role", "organization", "say", "rest"):
        shape = shape.replace(part.upper(), table.get(part, ""))
    # names are told by their capitals, so that case matters here, but for the first letter of a sentence
    return re.compile(shape)


def _attribution(passage: TextSpan, match: re.Match[str]) -> Attribution | None:
    who = match["who"].strip()
    lang = passage.lang
    start, end, at = match.start("who"), match.end("who"), passage.start
    role = (match.groupdict().get("role") or "").strip()
    pronoun = re.search(words(lang)["speakers"]["pronoun"], who)
    if pronoun and not role:
        noun = pronoun.groupdict().get("noun") or ""
        return Attribution("", at + start, at + end, match["who"], at + match.start(), at + match.end(), noun)
    if re.search(words(lang)["speakers"]["not_who"], who):
        return None
    if not any(c.isupper() for c in who) and not pattern(lang, "speakers", "person").search(who):
        return None
    end = match.end("role") if role else end
    who += match.groupdict().get("short") or ""
    name = f"{who}, {role}" if role else who
    name = re.sub(r"^(?:the|The)\s+", "", name).strip(' .,"“”' + "«»" * (name.count("«") != name.count("»")))
    if len(name) < 2 or len(name) > 160:
        return None
    return Attribution(name, at + start, at + end, passage.text[start:end], at + match.start(), at + match.end())


def first_speaker(text: str) -> str:
    """Who says what a sentence tells, by name; empty where it does not say so."""
    spoken = find_attributions(TextSpan(0, len(text), text, language_of(text)))
    return next((attribution.name for attribution in spoken if attribution.name), "")


def find_checks(passage: TextSpan) -> list[Check]:
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


_KINDS = (
    ("denial", "a denial"), ("unknown", "what is not known"), ("plan", "a plan, a condition or a forecast"),
)  # fmt: skip
_NOT = re.compile(r"n['’]t\b", re.IGNORECASE)
_MONTH_OF_MAY = re.compile(r"\bMay \d|\d May\b")


def negation(text: str) -> str | None:
    """Why a text states nothing, in words; None where it does."""
    for table, why in _KINDS:
        found = list(find_phrases(text, "negation", table))
        spans = [(p.start, p.end) for p in found if p.name != "except"]
        allowed = [(p.start, p.end) for p in found if p.name == "except"]
        if table == "denial":
            spans += [m.span() for m in _NOT.finditer(text)]
        if table == "plan":
            allowed += [m.span() for m in _MONTH_OF_MAY.finditer(text)]
        if any(not any(a <= start < b for a, b in allowed) for start, _ in spans):
            return why
    return None
