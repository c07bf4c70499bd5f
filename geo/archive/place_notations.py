"""Places written in a text in figures, signs or codes: the second net behind withholding the text."""

from __future__ import annotations

import re
import unicodedata
from html import unescape
from urllib.parse import unquote

from geo.assets import read_toml

WITHHELD = "[place withheld]"
_DEGREE = "°"
# what stands for a degree sign, and separators of other scripts
_SIGNS = str.maketrans({**dict.fromkeys("ºᵒ˚◦⁰∘", _DEGREE), "٫": ".", "，": ",", "．": ".", "·": "."})
_NOTATIONS = read_toml("places/notations.toml")


def _pattern(links: str, *kinds: str) -> re.Pattern[str]:
    whole = "|".join([_NOTATIONS["links"][links], *(p for kind in kinds for p in _NOTATIONS["patterns"][kind])])
    for name, part in _NOTATIONS["parts"].items():
        whole = whole.replace(f"<{name}>", part)
    return re.compile(whole)


_IN_TEXT, _IN_LINK = _pattern("any", *_NOTATIONS["patterns"]), _pattern("maps", "decimal", "words")


def without_places(text: str, *, is_link: bool = False) -> str:
    """A text without what is written like a place; one that has nothing of the kind as it was."""
    plain = _plain(text)
    pattern = _IN_LINK if is_link else _IN_TEXT
    return pattern.sub(WITHHELD, plain) if pattern.search(plain) else text


def _plain(text: str) -> str:
    """The text as it is read: no signs without a width, one blank for many, figures and signs in their common form."""
    text = unicodedata.normalize("NFKC", unquote(unescape(text)).translate(_SIGNS))
    text = "".join(
        str(unicodedata.digit(c)) if c.isdigit() else c for c in text if unicodedata.category(c) not in ("Cf", "Mn")
    )
    text = re.sub(r"(?<=\d)(?:\s+([.,])\s*|\s*([.,])\s*\n\s*)(?=\d)", r"\1\2", text)
    return re.sub(r"\s+", " ", text)
