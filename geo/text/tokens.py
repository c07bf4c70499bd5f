"""A text with its words, sentences and paragraphs, and what stands around a word."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from geo.text.normalize import Word, words_of
from geo.text.sentences import sentence_breaks


@dataclass
class Reading:
    """A text with its words and, for each, the number of its sentence and paragraph."""

    text: str
    words: list[Word]
    sentence: list[int]
    paragraph: list[int]

    def gap(self, at: int) -> str:
        """What stands between a word and the one before it."""
        return self.text[self.words[at - 1].end : self.words[at].start] if at else self.text[: self.words[0].start]

    def starts(self, at: int) -> bool:
        """Whether a word begins a sentence."""
        return at == 0 or self.sentence[at] != self.sentence[at - 1]

    def before(self, at: int, most: int = 4) -> tuple[str, ...]:
        """Folded words right before one, in its sentence and with nothing but blanks between."""
        first = at
        while first > 0 and at - first < most and self.gap(first).strip("\"'«“„(. ") == "" and not self.starts(first):
            first -= 1
        return tuple(w.key for w in self.words[first:at])

    def after(self, at: int, most: int = 4) -> tuple[str, ...]:
        """Folded words from one on, in one sentence and with nothing but blanks between."""
        last = at
        while last < len(self.words) and last - at < most:
            if last and (self.gap(last).strip("\"'»”’s- ") != "" or self.starts(last)):
                break
            last += 1
        return tuple(w.key for w in self.words[at:last])


def read(text: str) -> Reading:
    """A text's words, sentences and paragraphs."""
    words = words_of(text)
    lines = [match.end() for match in re.finditer(r"\n+", text)]
    breaks = sorted({*sentence_breaks(text), *lines})
    sentence = [bisect_right(breaks, word.start) for word in words]
    paragraph = [bisect_right(lines, word.start) for word in words]
    return Reading(text, words, sentence, paragraph)
