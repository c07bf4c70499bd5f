"""What both office formats of a briefing share: the library's door, text that XML may hold, files that do not vary."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from geo.errors import UsageError
from geo.output.images.fonts import plain

if TYPE_CHECKING:
    from geo.output.brief_tables import Section
    from geo.output.documents.content import Brief

Picture = tuple[str, bytes, str]  # heading, PNG, words


def office(module: str) -> Any:
    """A module of the library that writes an office format."""
    try:
        return import_module(module)
    except ImportError:
        kind = module.partition(".")[0]
        raise UsageError(
            f".{kind} needs python-{kind}, which is not installed: pip install 'geo-control[office]'"
        ) from None


def short(text: str, most: int) -> str:
    """Text on one line that XML may hold, cut at so many characters."""
    said = plain(text)
    return said if len(said) <= most else said[: most - 1].rstrip() + "…"


def credit_file(document: Any, brief: Brief) -> None:
    """Title, language and dates into the file's own description: dates are the data's, so the same data, same bytes."""
    properties = document.core_properties
    properties.title = short(brief.title, 255)
    properties.subject = short(brief.subtitle, 255)
    properties.author = properties.last_modified_by = "geo-control"
    properties.comments = properties.keywords = properties.category = ""
    properties.language = "en-GB"
    properties.revision = 1
    properties.created = properties.modified = brief.moment.replace(tzinfo=None)


def fixed(saved: bytes, moment: datetime) -> bytes:
    """An office file with one time on all its parts."""
    when = (max(moment.year, 1980), moment.month, moment.day, 0, 0, 0)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            part = zipfile.ZipInfo(member.filename, when)
            part.compress_type = zipfile.ZIP_DEFLATED
            part.external_attr = 0o600 << 16
            new.writestr(part, old.read(member))
    return made.getvalue()


def column_widths(texts: Sequence[Sequence[str]], room: float, *, letter: float) -> list[float]:
    """Columns as wide as their longest text asks for, and no word parted where that can be helped."""
    columns = list(zip(*texts, strict=True))
    words = [letter * (max(len(word) for cell in column for word in [*cell.split(), ""]) + 3) for column in columns]
    asked = [letter * (min(max(map(len, column)), 42) + 3) for column in columns]
    if sum(words) >= room:
        return [room * w / sum(words) for w in words]
    spare, more = room - sum(words), [max(a - w, 0.0) for a, w in zip(asked, words, strict=True)]
    whole = sum(more)
    return [w + spare * (m / whole if whole else 1 / len(words)) for w, m in zip(words, more, strict=True)]


def aspect(picture: bytes) -> float:
    """Height of a PNG over its width, from its header."""
    wide, high = (int.from_bytes(picture[i : i + 4], "big") for i in (16, 20))
    return high / wide


def parts_of(brief: Brief, pictures: Sequence[Picture]) -> list[Picture | Section]:
    """Pictures and sections in the order of a document: the map, what changed, the other pictures, what was told."""
    return [*pictures[:1], *brief.moved, *pictures[1:], *brief.told]


def lines_of(brief: Brief) -> Sequence[tuple[str, str]]:
    """Each headline in two texts: what it says, and what it rests on."""
    if not brief.headlines:
        return [(brief.no_headline, "")]
    return [
        (f"{h.label}: {h.km2} km²", "; ".join(text for text in (h.moved, h.span, h.rests) if text))
        for h in brief.headlines
    ]
