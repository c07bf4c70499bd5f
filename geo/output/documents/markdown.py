"""The briefing as Markdown, with its pictures beside it: text from outside reads as text, whatever signs it holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from geo.output.images.fonts import plain

if TYPE_CHECKING:
    from geo.output.brief_tables import Section, Table
    from geo.output.documents.content import Brief

# what CommonMark, tables, mathematics, page generators and HTML would read as more than text
_SIGNS = re.compile(r"([\\`*_\[\]<>&|~#${}^])")
_STARTS = re.compile(r"^([-+=:])|^(\d{1,9})([.)])(?=\s|$)")


def escaped(text: str) -> str:
    """Text as Markdown shows it, on one line."""
    said = _SIGNS.sub(r"\\\1", plain(text))
    return _STARTS.sub(lambda m: f"\\{m[1]}" if m[1] else f"{m[2]}\\{m[3]}", said)


def brief_markdown(brief: Brief, pictures: Sequence[tuple[str, Path, str]]) -> str:
    """The text of a briefing's Markdown file."""
    lines = [f"# {escaped(brief.title)}", "", escaped(brief.subtitle), ""]
    for headline in brief.headlines:
        said = "; ".join(escaped(text) for text in (headline.moved, headline.span, headline.rests) if text)
        lines.append(f"- **{escaped(headline.label)}: {escaped(headline.km2)} km²** ({said})")
    if not brief.headlines:
        lines.append(brief.no_headline)
    by_heading = {heading: _picture(heading, path, words) for heading, path, words in pictures}
    headings = list(by_heading)
    lines += ["", *by_heading[headings[0]]] if headings else []
    for section in brief.moved:
        lines += _section(section)
    for heading in headings[1:]:
        lines += by_heading[heading]
    for section in brief.told:
        lines += _section(section)
    lines += ["## Sources", "", *(f"- {escaped(line)}" for line in brief.credits)]
    return "\n".join(lines).rstrip() + "\n"


def _picture(heading: str, path: Path, words: str) -> list[str]:
    return [f"## {heading}", "", f"![{escaped(words)}]({quote(path.name)})", ""]


def _section(section: Section) -> list[str]:
    lines = [f"## {escaped(section.heading)}", ""]
    if section.table is not None:
        lines += [escaped(section.table.caption), "", *_table(section.table), ""]
    for note in section.notes:
        lines += [escaped(note), ""]
    return lines


def _table(table: Table) -> list[str]:
    rules = ["---:" if i >= table.numbers else "---" for i in range(len(table.columns))]
    rows = [[escaped(cell) for cell in row] for row in (table.columns, *table.rows)]
    return [f"| {' | '.join(row)} |" for row in (rows[0], rules, *rows[1:])]
