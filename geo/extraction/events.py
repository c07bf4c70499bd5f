"""What happened: the words of a text that tell an event, by the table of rules, and what stands in doubt."""

from __future__ import annotations

import re
from dataclasses import dataclass

from geo.text.sentences import Passage
from geo.text.word_lists import Rule, actors, pattern, rules

Stretch = tuple[int, int]
_BEFORE = 70  # how far back a "could" or a "no" may stand


@dataclass(frozen=True)
class Trigger:
    """Words that tell an event, with the rule that reads them."""

    rule: Rule
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Actor:
    """Who is named as acting or acted upon, as ACLED would write it."""

    name: str
    start: int
    end: int
    text: str


def find_denials(sentence: Passage) -> list[Stretch]:
    """What somebody denies: from the verb to the end of its clause."""
    found = pattern(sentence.lang, "doubt", "denied").finditer(sentence.text)
    return [(sentence.start + m.start(), sentence.start + m.end()) for m in found]


def is_background(sentence: Passage) -> bool:
    """Whether a sentence tells of months or years, or of what happens all the time, and not of an event."""
    found = pattern(sentence.lang, "doubt", "background").search(sentence.text)
    return bool(found) and not pattern(sentence.lang, "doubt", "superlative").search(sentence.text)


def find_triggers(passage: Passage, *, void: tuple[Stretch, ...] = ()) -> list[Trigger]:
    """The events that a passage tells, in order; where two rules want the same words, the higher rank has them."""
    found: list[Trigger] = []
    for rule in rules(passage.lang):
        for match in rule.pattern.finditer(passage.text):
            start, end = passage.start + match.start(), passage.start + match.end()
            if any(start < t.end and t.start < end for t in found) or any(a <= start < b for a, b in void):
                continue
            if not _in_doubt(passage, match):
                found.append(Trigger(rule, start, end, match[0]))
    return sorted(found, key=lambda t: t.start)


def _in_doubt(passage: Passage, match: re.Match[str]) -> bool:
    before = passage.text[max(0, match.start() - _BEFORE) : match.start()]
    return any(pattern(passage.lang, "doubt", name).search(before) for name in ("maybe", "not"))


def find_actors(passage: Passage) -> list[Actor]:
    """Forces that a passage names, in order."""
    found: list[Actor] = []
    for name, shape in actors(passage.lang):
        for match in shape.finditer(passage.text):
            start, end = passage.start + match.start(), passage.start + match.end()
            if not any(start < a.end and a.start < end for a in found):
                found.append(Actor(name, start, end, match[0]))
    return sorted(found, key=lambda a: a.start)
